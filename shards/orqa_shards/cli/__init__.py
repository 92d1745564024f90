"""The commands `shard`, `verify`, `inspect`, `stats` and `mixture`."""
