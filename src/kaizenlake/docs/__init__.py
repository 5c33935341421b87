"""Lay out the documentation as a site: guides are written, the reference follows from what is declared."""
