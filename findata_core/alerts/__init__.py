"""Alerts: what is wrong, since when, whom it was told, and the command that mends it."""
