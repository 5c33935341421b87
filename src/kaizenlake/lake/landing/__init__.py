"""Land files: events exactly once, quarantine, and what is done about it later."""
