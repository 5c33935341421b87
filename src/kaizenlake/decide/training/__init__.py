"""Decisions on what is learnt from: versions of data sets, and texts that no example may hold."""
