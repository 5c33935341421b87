"""Compute what becomes of leads: how far they come, how long it takes, and what won ones share."""
