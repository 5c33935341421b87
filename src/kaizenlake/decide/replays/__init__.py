"""Evaluate candidates on recorded runs."""
