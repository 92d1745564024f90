"""Readers of file formats that several datasets share: bounded, never executed, and every error names the file.

The modules need numpy, some need more: import them late, inside the function that opens a file.
"""

__all__ = [
    "arrays",
    "bounded_file",
    "clouds",
    "images",
    "kinect_calibration",
    "masks",
    "writers",
]
