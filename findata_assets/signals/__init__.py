"""Assets of levels and signals."""
