"""Declare gold tables of an agency: leads, briefs, packs and what it plans."""
