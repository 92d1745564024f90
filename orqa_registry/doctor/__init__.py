"""What of a dataset is on disk, and what is missing or damaged."""
