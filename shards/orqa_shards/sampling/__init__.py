"""Which sample comes when, and which questions it is asked: pure functions of mixture and position."""
