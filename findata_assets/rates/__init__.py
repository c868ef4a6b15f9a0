"""Assets of reference rates."""
