"""Compute what arrived, from whom, and for which projects and segments."""
