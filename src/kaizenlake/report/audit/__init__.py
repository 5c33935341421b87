"""Lay out the audit of policies."""
