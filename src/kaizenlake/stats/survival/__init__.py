"""Compute how long something takes where some of it has not happened yet."""
