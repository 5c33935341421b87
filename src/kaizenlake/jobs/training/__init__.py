"""Jobs of what is learnt from."""
