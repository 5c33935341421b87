"""Compute what each agent is good and bad at."""
