"""Fit models of several variables at once."""
