"""What readers of a findata server import: rows as frames, in one line. It knows the contract (findata) alone."""
