"""Play a recorded run through the same pipeline as live readings."""
