"""Reads MVOR: tables of frames, annotations of images, geometry of the room. Light: each module says what it needs."""
