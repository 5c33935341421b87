"""Proposals: what mapping would read a file, found out from the file itself."""
