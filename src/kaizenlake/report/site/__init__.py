"""Lay out the site: one page over the lake, and one for everything that it knows."""
