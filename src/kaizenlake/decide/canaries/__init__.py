"""Decide on shadows and canaries: start them, end them, and what a night may decide."""
