"""Where shard folders lie: a local folder or an object store behind a cache of blocks."""
