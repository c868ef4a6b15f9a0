"""Comparisons of findata with other ways to do the same, side by side in one run. Not part of the product."""
