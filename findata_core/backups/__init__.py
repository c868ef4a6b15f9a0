"""Backups as rules: what a manifest says, which backups are kept, whether one can be restored somewhere."""
