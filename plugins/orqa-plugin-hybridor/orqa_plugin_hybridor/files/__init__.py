"""What lies on disk: names that writers and the reader share, and published scenes. Light: no numpy."""
