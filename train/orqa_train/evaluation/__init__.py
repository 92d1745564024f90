"""Questions put to answerers, scored, and reported."""
