"""Assets of findata's own books."""
