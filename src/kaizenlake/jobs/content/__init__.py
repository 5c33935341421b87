"""Compute what each piece of content is made of, and what it achieved."""
