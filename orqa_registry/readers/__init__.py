"""What dataset plugins share to read files that somebody else wrote: bounded, never executed."""
