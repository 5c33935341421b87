"""Which wording brings clicks? Text models of experiments, and what they are worth on experiments that they never saw."""
