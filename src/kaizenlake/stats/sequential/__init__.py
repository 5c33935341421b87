"""Statistics that may be looked at every night: boundaries, confidence sequences, broken allocation, control charts."""
