"""Records of datasets: timepoints, takes, labels and what they are called."""

__all__ = [
    "facets",
    "scenegraph",
    "vocabulary",
]
