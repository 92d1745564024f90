"""Questions: what a task asks, how answers are scored, and which questions a set holds."""
