"""Compute which patterns of content work, in experiments and as observed."""
