"""What dataset plugins share to read files that somebody else wrote: bounded, never executed."""

__all__ = [
    "formats",
    "geometry",
    "io",
    "scenegraph_files",
    "segmentation",
    "synthetic_scenes",
]
