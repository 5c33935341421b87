"""What each event says: the payloads of every event type, one file a family."""
