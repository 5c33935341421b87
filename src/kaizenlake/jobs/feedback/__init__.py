"""Compute what each brand achieved on each day, and what of it is unusual."""
