"""Pages that people read: HTML made of reports."""
