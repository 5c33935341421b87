"""Tables of what is learnt from."""
