"""What shards hold, as plain values, tables and HTML."""
