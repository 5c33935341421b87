"""Sign, chain and verify decisions and batches of events."""
