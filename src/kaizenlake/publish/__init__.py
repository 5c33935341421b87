"""What leaves: the context of generators, and the reports of people."""
