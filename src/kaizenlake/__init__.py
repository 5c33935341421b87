"""Closes the learning loop for teams whose content and code are made by generators and LLM agents."""

__version__ = "0.1.0"
