"""`explain`, `compare` and `codes`: what one reply is, and what sets two apart."""
