"""Levels of a period, and dated statements about them: one module a family."""
