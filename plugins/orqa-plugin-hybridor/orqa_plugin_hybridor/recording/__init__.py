"""HybridOR as files: one take, and a whole dataset over several processes."""
