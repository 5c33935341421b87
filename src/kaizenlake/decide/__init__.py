"""Commands with gates: each looks at what the lake holds at that moment, decides, and appends what it decided."""
