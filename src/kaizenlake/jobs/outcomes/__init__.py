"""Compute what was won and lost, and what goes with winning."""
