"""Read where things stand, and write what was decided as signed events."""
