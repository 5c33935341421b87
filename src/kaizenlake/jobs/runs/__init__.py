"""Compute what agent runs lose, by day and over time."""
