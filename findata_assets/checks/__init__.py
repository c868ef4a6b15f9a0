"""Asset checks: every table against its contract, derived tables against what they are made from."""
