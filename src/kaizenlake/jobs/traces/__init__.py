"""Compute what traces of agents say: runs, their steps, and what they cost."""
