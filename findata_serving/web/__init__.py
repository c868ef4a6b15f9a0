"""The page at / and what it loads."""
