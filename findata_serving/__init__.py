"""Answers readers over HTTP: what is stored, as it was known then, and because of which bytes."""
