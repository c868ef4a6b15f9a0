"""Parsers under bytes that nobody promised: invariants by hypothesis, and a search that coverage guides."""
