"""Shard folders and tars opened for reading; images decoded."""
