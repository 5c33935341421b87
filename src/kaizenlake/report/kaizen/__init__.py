"""Lay out the Kaizen report: one module a group of sections."""
