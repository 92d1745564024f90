"""Pictures: rays of a camera meet the solids of a scene; and the robot's screen."""
