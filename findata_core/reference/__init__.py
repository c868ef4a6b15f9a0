"""Rules of reference data: which names are one security."""
