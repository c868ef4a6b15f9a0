"""What the contract in proto/ says, as tables, frames, rules, hashes and documentation."""
