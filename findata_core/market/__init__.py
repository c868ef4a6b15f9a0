"""Bars as received, one source chosen among them, and the candles folded from it. Pure functions."""
