"""Make strategies and creatives for a brief, by what the published context recommends."""
