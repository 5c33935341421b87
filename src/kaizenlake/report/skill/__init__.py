"""Lay out the skill card of an agent, and the page of all agents."""
