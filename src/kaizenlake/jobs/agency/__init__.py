"""Compute what an agency asks of its brands: leads, briefs, packs, plans, and what they come to."""
