"""Takes of any dataset packed as shards, by processes here or on a Ray cluster."""
