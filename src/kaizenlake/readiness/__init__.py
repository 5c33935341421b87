"""Whether the sections of a pack are fit to be sold: their benchmarks, and how a text is judged by them."""
