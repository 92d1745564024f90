"""Models, their processor, and several questions in one sequence."""
