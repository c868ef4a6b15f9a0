"""The command `findata`: what a person types, and what it prints. Everything that it does is done below it."""
