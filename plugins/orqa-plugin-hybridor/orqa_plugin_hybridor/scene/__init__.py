"""What there is to be seen, as solids: the room, its equipment, people, tools; and the cameras that look at it."""
