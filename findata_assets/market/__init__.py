"""Assets of bars and candles."""
