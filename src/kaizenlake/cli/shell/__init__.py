"""Say words, read options, export rows: what all commands share."""
