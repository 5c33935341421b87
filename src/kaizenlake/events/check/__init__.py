"""Check lines that land: the fast check, the slow one that names every broken rule, and the rules themselves."""
