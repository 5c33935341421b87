"""What is better: pairs of answers, and a reward model without a network."""
