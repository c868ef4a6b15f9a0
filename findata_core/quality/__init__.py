"""Questions about stored data whose answers are frames: what is missing, what can't be. Pure functions."""
