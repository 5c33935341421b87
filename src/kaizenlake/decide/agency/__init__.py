"""Describe brands; propose, approve, schedule and move tasks: each command looks, decides, and appends in one step."""
