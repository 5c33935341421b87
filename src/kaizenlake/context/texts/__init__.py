"""How texts are read for the text model, and how drafts are scored by it: standard library alone."""
