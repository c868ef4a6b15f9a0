"""Assets of economic series, exchange rates and indices."""
