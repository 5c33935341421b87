"""How often is an equal model called worse, and how often is a worse one seen? 1,000 simulated validations of each.

    PYTHONPATH=tests python tests/benchmarks/validations.py

Both models fail 3 % of 20 regression cases by chance, and answer 97 % of the inputs right; the worse one answers 82 % right.
"""

from __future__ import annotations

import time
from collections import Counter

from training.test_validation import simulate

ROUNDS = 1_000


def main():
    for inputs in (50, 100, 200):
        for loss in (0.0, 0.15):
            begun = time.process_time()
            found = [simulate(loss, seed, inputs=inputs) for seed in range(ROUNDS)]
            counts = Counter(item.recommendation for item in found)
            against = sum(item.recommendation == "REJECT" or item.regression_detected for item in found)
            print(
                f"{inputs} inputs, loss {loss:.2f}: REJECT or regression {against / ROUNDS:.1%}, "
                f"DEPLOY {counts['DEPLOY'] / ROUNDS:.1%}, REVIEW {counts['REVIEW'] / ROUNDS:.1%} "
                f"({time.process_time() - begun:.0f} s of CPU)",
                flush=True,
            )


if __name__ == "__main__":
    main()
