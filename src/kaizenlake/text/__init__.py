"""What a text is made of: its sentences, and the parts of a Markdown document."""
