"""How often does an unchanged brand get a finding or an alarm, and how often are dips and shifts found?

`python tests/benchmarks/brand_alarms.py` prints the table of the README. Rates of e-mail, social and web, weekday effects of sd .15 on
the logit, volumes of some 800 to 6,000 a day that vary by brand, weekday and day, and levels of days that differ by sd .03 to .15.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np

from kaizenlake.stats import benjamini_hochberg_by
from kaizenlake.stats.surveillance.rate_verdicts import judge_rates

FLOORS = {0.25: 0.20, 0.06: 0.04, 0.05: 0.03, 0.02: 0.01}
VOLUMES = {0.25: 2400, 0.06: 2400, 0.05: 7500, 0.02: 7500}
LEVEL, ALARM_Q = 0.01, 0.1


class World(NamedTuple):
    """Series of brands: the logit of each day, its volume, and the floor of each series."""

    level: np.ndarray
    shown: np.ndarray
    floor: np.ndarray


def draw_world(random: np.random.Generator, series: int, days: int) -> World:
    kind = random.choice(list(FLOORS), series)
    rate = kind * np.exp(random.normal(0.1, 0.15, series))
    volume = np.vectorize(VOLUMES.get)(kind) * np.exp(random.normal(0, 0.7, series))
    weekday = np.arange(days) % 7
    effect, busy = random.normal(0, 0.15, (series, 7)), random.normal(0, 0.3, (series, 7))
    spread = random.uniform(0.03, 0.15, series)[:, None]
    level = np.log(rate / (1 - rate))[:, None] + effect[:, weekday] + random.normal(0, 1, (series, days)) * spread
    shown = random.poisson(volume[:, None] * np.exp(busy[:, weekday] + random.normal(0, 0.15, (series, days))))
    return World(level, shown, np.vectorize(FLOORS.get)(kind))


def draw_hits(random: np.random.Generator, world: World, change: np.ndarray) -> np.ndarray:
    return random.binomial(world.shown, 1 / (1 + np.exp(-(world.level + change))))


def find_alarms(verdicts, nights: slice, together: int) -> np.ndarray:
    """Return which series have an alarm on which night, where so many series share a budget."""
    p = np.stack([verdicts.dip_p[:, nights], verdicts.shift_p[:, nights]])
    kinds, series, count = p.shape
    lot = np.arange(series) // together
    family = lot[None, :, None] * count + np.arange(count)[None, None, :] + np.zeros((kinds, 1, 1), dtype=int)
    return (benjamini_hochberg_by(family.ravel(), p.ravel()).reshape(p.shape) <= ALARM_Q).any(axis=0)


def measure(series: int, seed: int, past: int = 84) -> dict[str, float]:
    """Return what is found: shares of series, and alarms a week of a hundred quiet series."""
    random = np.random.default_rng(seed)
    days = past + 7
    world = draw_world(random, series, days)
    week, night = slice(past, days), past
    found: dict[str, float] = {}
    quiet = judge_rates(draw_hits(random, world, np.zeros(days)), world.shown)
    with np.errstate(invalid="ignore"):
        found["quiet dip"] = float((quiet.dip_p[:, week] < LEVEL).mean())
        found["quiet shift"] = float((quiet.shift_p[:, week] < LEVEL).mean())
    found["quiet alarms a week"] = float(find_alarms(quiet, week, 100).sum() * 100 / series)
    for size in (0.35, 0.7):
        change = np.zeros(days)
        change[night] = -size
        hits = draw_hits(random, world, change)
        told = judge_rates(hits[:, : night + 1], world.shown[:, : night + 1])
        found[f"dip {size}"] = float((told.dip_p[:, night] < LEVEL).mean())
        # One series dips, the others of its lot are quiet.
        p = np.stack([told.dip_p[:, night], told.shift_p[:, night]])
        others = np.sort(np.concatenate([quiet.dip_p[:100, night], quiet.shift_p[:100, night]]))[2:]
        found[f"dip {size} alarm"] = float(
            np.mean(
                [
                    (benjamini_hochberg_by(np.zeros(200, dtype=int), np.r_[mine, others])[:2] <= ALARM_Q).any()
                    for mine in p.T
                ]
            )
        )
        found[f"dip {size} floor"] = float((hits[:, night] < world.floor * world.shown[:, night]).mean())
    change = np.zeros(days)
    change[night:] = -0.25
    hits = draw_hits(random, world, change)
    told = judge_rates(hits, world.shown)
    found["shift 0.25"] = float((told.shift_p[:, week] < LEVEL).any(axis=1).mean())
    found["shift 0.25 floor"] = float((hits < world.floor[:, None] * world.shown)[:, week].any(axis=1).mean())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for name, value in measure(given.series, given.seed).items():
        print(f"| {name} | {value:.4f} |")


if __name__ == "__main__":
    main()
