"""Simulate doers whose loss nothing changes, and doers that get worse: `python tests/benchmarks/degrading.py [--doers 2000]`.

Prints, as Markdown, for each kind of traffic: the error of a day's mean, how many days pass between false episodes of a doer
in the year after its first 30 days, and how often a rise of .10 is found within 7 days. The chart is that of the nightly job.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np

from kaizenlake.stats import drift_chart

DAYS = 395
BASELINE = 30
RISE = 0.1
EPISODE_DAYS = 7
TOGETHER = 250
WEEK = 7


@dataclass(frozen=True)
class Kind:
    """A kind of traffic.

    Args:
        name: What it is.
        level: Mean loss; of pass and fail the chance to fail.
        runs: Runs a day, or the fewest and the most.
        sd: Standard deviation of the losses of runs about the level of their day; None for pass and fail.
        day_sd: Standard deviation of the levels of days.
        lean: Correlation of the levels of neighbouring days.
        weekend: Runs of a day at weekends; None for as many as in the week.
        weekend_rise: Loss at weekends beyond that in the week.
    """

    name: str
    level: float
    runs: int | tuple[int, int]
    sd: float | None = None
    day_sd: float = 0.0
    lean: float = 0.0
    weekend: int | None = None
    weekend_rise: float = 0.0

    @property
    def is_quiet(self) -> bool:
        """A day's mean has an error of .05 at most, and days do not lean on each other."""
        if isinstance(self.runs, tuple) or self.weekend is not None or self.lean:
            return False
        of_run = self.level * (1 - self.level) if self.sd is None else self.sd**2
        return bool(of_run / self.runs + self.day_sd**2 <= 0.05**2 * (1 + 1e-9))


KINDS = (
    Kind("shares, 20 runs", 0.3, 20, sd=0.15),
    Kind("shares, 1 run", 0.3, 1, sd=0.05),
    Kind("shares, 20 runs, days differ by .04", 0.3, 20, sd=0.1, day_sd=0.04),
    Kind("shares, 20 runs, days differ by .045 and lean .5", 0.3, 20, sd=0.1, day_sd=0.045, lean=0.5),
    Kind("shares, 20 runs, days differ by .045 and lean .8", 0.3, 20, sd=0.1, day_sd=0.045, lean=0.8),
    Kind("pass or fail at .02, 20 runs", 0.02, 20),
    Kind("pass or fail at .02, 1 run", 0.02, 1),
    Kind("pass or fail at .1, 3 runs", 0.1, 3),
    Kind("pass or fail at .5, 20 runs", 0.5, 20),
    Kind("pass or fail at .3, 1 to 20 runs", 0.3, (1, 20)),
    Kind("pass or fail at .2, 10 runs, none at weekends", 0.2, 10, weekend=0),
    Kind("pass or fail at .2, 20 runs, 2 at weekends that fail .1 more", 0.2, 20, weekend=2, weekend_rise=0.1),
    Kind("pass or fail at .2, 20 runs, days differ by .05", 0.2, 20, day_sd=0.05),
    Kind("pass or fail at .3, 20 runs, days differ by .05 and lean .5", 0.3, 20, day_sd=0.05, lean=0.5),
    Kind("pass or fail at .3, 20 runs, days differ by .05 and lean .8", 0.3, 20, day_sd=0.05, lean=0.8),
    Kind("pass or fail at .05, 5 runs, days differ by .03 and lean .3", 0.05, 5, day_sd=0.03, lean=0.3),
)


def simulate(kind, doers, days, rng, *, shift=0.0, since=None):
    """Mean loss, runs and squared deviations of each day of each doer, as the chart takes them."""
    low, high = kind.runs if isinstance(kind.runs, tuple) else (kind.runs, kind.runs)
    runs = rng.integers(low, high + 1, (doers, days))
    is_weekend = np.arange(days) % WEEK >= WEEK - 2
    if kind.weekend is not None:
        runs[:, is_weekend] = kind.weekend
    level = kind.level + kind.day_sd * leaning(rng, doers, days, kind.lean) + kind.weekend_rise * is_weekend
    level[:, days if since is None else since :] += shift
    if kind.sd is None:
        failed = rng.binomial(runs, np.clip(level, 0.0, 1.0))
        mean = failed / np.maximum(runs, 1)
        return mean, runs.astype(float), runs * mean * (1.0 - mean)
    strength = kind.level * (1.0 - kind.level) / kind.sd**2 - 1.0
    at = np.clip(level, 0.01, 0.99)[..., None] * strength
    losses = rng.beta(at, strength - at, (doers, days, high))
    ran = np.arange(high) < runs[..., None]
    mean = (losses * ran).sum(axis=2) / np.maximum(runs, 1)
    return mean, runs.astype(float), ((losses - mean[..., None]) ** 2 * ran).sum(axis=2)


def leaning(rng, doers, days, lean):
    """Levels of days of mean 0 and deviation 1, of which neighbours have a correlation."""
    noise = rng.standard_normal((doers, days))
    for day in range(1, days):
        noise[:, day] = lean * noise[:, day - 1] + np.sqrt(1.0 - lean**2) * noise[:, day]
    return noise


def episodes(alarm):
    """Episodes of each doer: alarms not more than 7 days apart are one."""
    last, found = np.full(alarm.shape[0], -np.inf), np.zeros(alarm.shape[0])
    for day in range(alarm.shape[1]):
        found += alarm[:, day] & (day - last > EPISODE_DAYS)
        last = np.where(alarm[:, day], day, last)
    return found


def false_episodes(kind, doers, rng):
    """Days between false episodes of a doer, and the error of a day's mean."""
    total, means = 0.0, []
    for _ in range(0, doers, TOGETHER):
        drawn = simulate(kind, TOGETHER, DAYS, rng)
        total += episodes(drift_chart(*drawn).alarm).sum()
        means.append(np.nanstd(np.where(drawn[1] > 0, drawn[0], np.nan)[:, :BASELINE], axis=1, ddof=1).mean())
    charted = len(means) * TOGETHER * (DAYS - BASELINE)
    return charted / max(total, 1.0), float(np.mean(means))


def power(kind, doers, rng, *, since, within):
    """Share of the doers whose rise is found within some days."""
    found = []
    for _ in range(0, doers, TOGETHER):
        drawn = simulate(kind, TOGETHER, since + within, rng, shift=RISE, since=since)
        found.append(drift_chart(*drawn).alarm[:, since:].any(axis=1).mean())
    return float(np.mean(found))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--doers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    started = time.perf_counter()
    print("| losses of an agent | error of a day | days a false episode | +.10 found in 7 days | in 7, soon | in 30 |")
    print("|---|---|---|---|---|---|")
    for kind in KINDS:
        rng = np.random.default_rng(given.seed)
        days, error = false_episodes(kind, given.doers, rng)
        shares = (
            power(kind, given.doers, rng, since=since, within=within)
            for since, within in ((120, 7), (30, 7), (120, 30))
        )
        print(
            f"| {kind.name} | {error:.3f} | {days:,.0f} | {' | '.join(f'{share:.2f}' for share in shares)} |",
            flush=True,
        )
    print(f"\n{given.doers:,} doers of each kind, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
