"""Vectors, and the solids that everything in the room is made of."""
