"""Writes takes in the layout of MVOR, with what is irregular in the download (datasets.md 9.3)."""
