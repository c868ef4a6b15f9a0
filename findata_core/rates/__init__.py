"""Reference rates: arithmetic on published fixings."""
