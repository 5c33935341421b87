"""Lay out any report: blocks, formats, charts, HTML and PDF."""
