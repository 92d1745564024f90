"""What happens in a take: its staff, its script, and the situation at any second."""
