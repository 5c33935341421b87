"""How much did runs change when they were made again? Differences within pairs, whose units may have several."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats, Ints, canonical, divide, group_codes, rows, totals
from kaizenlake.stats.basics._special import t_quantile, upper_quantile
from kaizenlake.stats.basics.seeds import seed_spread


class PairedChange(NamedTuple):
    """Mean difference over pairs.

    Attributes:
        effect: mean of the differences, every pair counting once; NaN without a pair.
        se: its standard error over units.
        ci_low, ci_high: interval of Student's t with units - 1 degrees of freedom; NaN below two units. Where no unit
            differs from another it is the effect alone.
        units: units of the pairs.
    """

    effect: float
    se: float
    ci_low: float
    ci_high: float
    units: int


class RepeatedChange(NamedTuple):
    """What came of making runs again, each under several seeds.

    Attributes:
        change: of the means over the seeds of each run.
        before: mean of the runs as they were, every run counting once; NaN without a run.
        after: the same as they came out again.
        seeds_sd: standard deviation of `after` over the seeds; NaN without a run.
        runs: runs with a pair.
    """

    change: PairedChange
    before: float
    after: float
    seeds_sd: float
    runs: int


def repeated_change(
    before: ArrayLike,
    after: ArrayLike,
    runs: ArrayLike,
    seeds: ArrayLike,
    units: ArrayLike,
    *,
    confidence: float = 0.95,
) -> RepeatedChange:
    """Compare runs with what they came to when they were made again: one row per run and seed.

    Args:
        before: of the run as it was.
        after: of the run made again under the seed.
        runs: code of the run, integers from 0.
        seeds: code of the seed, integers from 0.
        units: code of the unit, integers from 0; the same in all rows of a run.
        confidence: coverage of the interval, in (0, 1).

    Raises:
        ValueError: codes or lengths that do not fit, or a confidence outside (0, 1).

    >>> found = repeated_change([0.5, 0.5, 0.2, 0.2], [0.4, 0.6, 0.1, 0.3], [0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1])
    >>> round(found.change.effect, 6), round(found.after, 6), round(found.seeds_sd, 3), found.runs
    (0.0, 0.35, 0.141, 2)
    """
    before, after = rows(before, after)
    of_run, n_runs = group_codes(runs, before.size)
    of_seed, n_seeds = group_codes(seeds, before.size)
    of_unit, _ = group_codes(units, before.size)
    times = np.bincount(of_run, minlength=n_runs)
    made = times > 0
    unit = np.zeros(n_runs, dtype=np.int64)
    unit[of_run] = of_unit
    means = [_compute_means(of_run, values, n_runs)[made] for values in (before, after)]
    by_seed = _compute_means(of_seed, after, n_seeds)[np.bincount(of_seed, minlength=n_seeds) > 0]
    count = int(made.sum())
    return RepeatedChange(
        change=paired_change(means[1] - means[0], unit[made], confidence=confidence),
        before=float(np.mean(means[0])) if count else np.nan,
        after=float(np.mean(means[1])) if count else np.nan,
        seeds_sd=float(seed_spread(by_seed)) if count else np.nan,
        runs=count,
    )


def _compute_means(codes: Ints, values: Floats, n_groups: int) -> Floats:
    codes, (values,) = canonical(codes, values)
    number = np.bincount(codes, minlength=n_groups).astype(np.float64)
    return divide(totals(codes, values, n_groups), number, where=number > 0.0)


def paired_change(differences: ArrayLike, units: ArrayLike, *, confidence: float = 0.95) -> PairedChange:
    """Return the mean difference over pairs, its uncertainty by unit: pairs of one unit are not independent.

    The effect is the ratio of the units' sums of differences to their numbers of pairs, its variance by linearisation
    (Cochran 1977, section 6.3); with one pair a unit this is the paired t-test.

    Args:
        differences: of each pair; NaN (not known) is left out.
        units: unit code of each pair, integers from 0.
        confidence: coverage of the interval, in (0, 1).

    Raises:
        ValueError: codes that do not fit, or a confidence outside (0, 1).

    >>> change = paired_change([0.1, 0.3, 0.2], [0, 1, 2])
    >>> round(change.effect, 3), round(change.ci_low, 3), round(change.ci_high, 3)
    (0.2, -0.048, 0.448)
    """
    upper = upper_quantile(confidence)
    (values,) = rows(differences)
    codes, n_units = group_codes(units, values.size)
    seen = ~np.isnan(values)
    codes, (values,) = canonical(codes[seen], values[seen])
    pairs = np.bincount(codes, minlength=n_units).astype(np.float64)
    sums = totals(codes, values, n_units)[pairs > 0.0]
    pairs = pairs[pairs > 0.0]
    count = int(pairs.size)
    if count == 0:
        return PairedChange(np.nan, np.nan, np.nan, np.nan, 0)
    effect = float(sums.sum() / pairs.sum())
    if count < 2:
        return PairedChange(effect, np.nan, np.nan, np.nan, count)
    gaps = sums - effect * pairs
    se = float(np.sqrt((gaps**2).sum() * count / (count - 1.0)) / pairs.sum())
    half = float(t_quantile(np.asarray(count - 1.0), upper)) * se
    return PairedChange(effect, se, effect - half, effect + half, count)
