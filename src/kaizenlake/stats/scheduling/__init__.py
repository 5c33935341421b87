"""One machine, tasks of one slot each, one after the other: which fit, and in which order they are late the least."""
