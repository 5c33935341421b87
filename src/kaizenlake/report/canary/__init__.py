"""Lay out the report of a shadow or a canary."""
