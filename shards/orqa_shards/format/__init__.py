"""The shard format: tars, their indexes, label files, the manifest."""
