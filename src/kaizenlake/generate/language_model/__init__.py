"""Have language models write: one protocol, and an endpoint of the kind that most of them offer."""
