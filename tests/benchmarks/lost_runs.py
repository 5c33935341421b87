"""Simulate canaries that lose runs on one side: `python tests/benchmarks/lost_runs.py [--canaries 400]`.

Prints, as Markdown: in how many canaries a look of the first 12 nights is invalid, by the share of the candidate's runs that
never arrive; the arms have the same size, and 200 runs each a night. Without a loss the figure is that of false alarms.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np

from kaizenlake.parameters import Canaries
from kaizenlake.stats import Moments, intact, sample_ratio_by

NIGHTS, HORIZON, RUNS = 12, 14, 200
SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)

Night = tuple[np.ndarray, np.ndarray]
"""Runs of each unit of a night (canaries, units), and which are of the candidate; columns are the same units every night
where their number does not grow."""


def new_units(per_unit: int) -> Callable[[np.random.Generator, int], Iterator[Night]]:
    """Units that come once, with so many runs."""

    def nights(rng: np.random.Generator, canaries: int) -> Iterator[Night]:
        for _ in range(NIGHTS):
            units = 2 * RUNS // per_unit
            yield np.full((canaries, units), per_unit), rng.random((canaries, units)) < 0.5

    return nights


def same_units(units: int, spread: float = 0.0) -> Callable[[np.random.Generator, int], Iterator[Night]]:
    """Units that come back every night; each run is one of theirs, of some more often by a log-normal factor."""

    def nights(rng: np.random.Generator, canaries: int) -> Iterator[Night]:
        weights = rng.lognormal(0.0, spread, (canaries, units)) if spread else np.ones((canaries, units))
        weights /= weights.sum(axis=1, keepdims=True)
        candidate = rng.random((canaries, units)) < 0.5
        for _ in range(NIGHTS):
            yield rng.multinomial(2 * RUNS, weights), candidate

    return nights


CASES = {
    "new units, one run each": (new_units(1), False),
    "new units, 5 runs each": (new_units(5), False),
    "the same 40 units": (same_units(40), True),
    "the same 400 units": (same_units(400), True),
    "the same 2,000 units": (same_units(2_000), True),
    "the same 400 units, some 10 times as busy": (same_units(400, 1.0), True),
}


def invalid(case: str, lost: float, canaries: int, seed: int) -> float:
    """Share of canaries that are invalid on some night."""
    settings, rng = Canaries(), np.random.default_rng(seed)
    nights, is_same = CASES[case]
    found = np.zeros(canaries, dtype=np.bool_)
    figures: list[tuple[Moments, Moments]] = []
    whole: np.ndarray | None = None
    moments = [np.zeros((3, canaries)), np.zeros((3, canaries))]
    for runs, candidate in nights(rng, canaries):
        told = np.where(candidate, rng.binomial(runs, 1.0 - lost), runs)
        whole = told if whole is None or not is_same else whole + told
        logs = np.log(np.maximum(whole, 1))
        for place, side in enumerate((candidate, ~candidate)):
            seen = side & (whole > 0)
            sums = np.stack([seen.sum(axis=1), (logs * seen).sum(axis=1), (logs**2 * seen).sum(axis=1)])
            moments[place] = sums if is_same else moments[place] + sums
        sides = [Moments(n, x / n, np.maximum(xx - x * x / n, 0.0)) for n, x, xx in moments]
        figures.append((sides[0], sides[1]))
        counts = np.stack([sides[0].n, sides[1].n], axis=1).ravel()
        found |= sample_ratio_by(np.repeat(np.arange(canaries), 2), counts).p_value < settings.sample_ratio_alpha
    own, other = (
        Moments(*(np.stack(part, axis=-1) for part in zip(*(night[place] for night in figures), strict=True)))
        for place in (0, 1)
    )
    return float(
        (found | (intact(own, other, horizon=HORIZON, alpha=settings.lost_runs_alpha).since_look[:, -1] > 0)).mean()
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--canaries", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print(f"| runs of the candidate that never arrive | {' | '.join(f'{share:.0%}' for share in SHARES)} |")
    print(f"|---|{'---|' * len(SHARES)}")
    for case in CASES:
        cells = [invalid(case, share, given.canaries, given.seed + place) for place, share in enumerate(SHARES)]
        print(f"| {case} | {' | '.join(f'{cell:.1%}' for cell in cells)} |", flush=True)


if __name__ == "__main__":
    main()
