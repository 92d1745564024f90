"""Questions: what a task asks, how answers are scored, and which questions a set holds."""

__all__ = [
    "image_coordinates",
    "room_coordinates",
    "scoring",
]
