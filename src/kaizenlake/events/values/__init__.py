"""Declare the kinds of payload fields, and what makes figures contradict one another."""
