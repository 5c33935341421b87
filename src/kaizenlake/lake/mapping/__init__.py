"""Turn the rows of foreign tables into events, as a mapping in TOML says."""
