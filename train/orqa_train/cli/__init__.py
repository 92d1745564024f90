"""The commands `train` and `eval`."""
