"""Differences between two groups, with their intervals and tests."""
