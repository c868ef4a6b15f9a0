"""Assets of what is followed and when exchanges trade."""
