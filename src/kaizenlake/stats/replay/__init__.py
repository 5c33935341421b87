"""Estimates of what a candidate would have lost on logged runs."""
