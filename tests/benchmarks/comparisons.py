"""Ten thousand comparisons with intervals and always-valid p-values, against scipy and statsmodels one at a time.

Each side compares two arms given by their moments: Welch's t, p and interval, the delta-method lift with its interval, and an
always-valid p-value. Neither scipy nor statsmodels has the last; beside them stands its formula in Python's floats, so that
both sides compute the same.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from harness import Row, side_by_side

UNITS = 200
ALPHA = 0.05


def drawn(count: int) -> dict[str, np.ndarray]:
    """Moments of two arms per comparison, the same on both sides."""
    rng = np.random.default_rng(12)
    found: dict[str, np.ndarray] = {}
    for arm in "ab":
        values = rng.normal(0.5, 0.15, (count, UNITS))
        found[f"n_{arm}"] = np.full(count, float(UNITS))
        found[f"mean_{arm}"] = values.mean(axis=1)
        found[f"m2_{arm}"] = ((values - values.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return found


def ours(count: int) -> dict[str, Any]:
    """All comparisons at once."""
    from kaizenlake.stats import Moments, confidence_sequence
    from kaizenlake.stats.sequential.confidence_sequences import SequenceRule
    from kaizenlake.stats.two_groups.welch import welch

    arms = drawn(count)
    a, b = (Moments(*(arms[f"{part}_{arm}"] for part in ("n", "mean", "m2"))) for arm in "ab")
    seconds = []
    for _ in range(5):  # some milliseconds each: the least disturbed counts
        started = time.perf_counter()
        fixed = welch(a, b)
        sequence = confidence_sequence(a, b, declared_n=10.0 * UNITS, rule=SequenceRule(variance="separate"))
        seconds.append(time.perf_counter() - started)
    return {"seconds": min(seconds), "figures": [fixed.p_value, fixed.ci_low, fixed.lift_ci_high, sequence.p_value]}


def by_scipy(count: int) -> dict[str, Any]:
    """One comparison after the other."""
    from scipy import stats as scipy_stats

    arms = drawn(count)
    started = time.perf_counter()
    found = []
    surprise = -2.0 * math.log(ALPHA)
    for at in range(count):
        n_a, mean_a, m2_a, n_b, mean_b, m2_b = (float(arms[name][at]) for name in arms)
        var_a, var_b = m2_a / (n_a - 1.0), m2_b / (n_b - 1.0)
        test = scipy_stats.ttest_ind_from_stats(
            mean_a, math.sqrt(var_a), n_a, mean_b, math.sqrt(var_b), n_b, equal_var=False
        )
        square_a, square_b = var_a / n_a, var_b / n_b
        df = (square_a + square_b) ** 2 / (square_a**2 / (n_a - 1.0) + square_b**2 / (n_b - 1.0))
        critical, se = float(scipy_stats.t.ppf(1.0 - ALPHA / 2.0, df)), math.sqrt(square_a + square_b)
        ratio = mean_a / mean_b
        half = critical * math.sqrt(square_a + ratio**2 * square_b) / mean_b
        mixing = (n_a + n_b) * (surprise + math.log1p(surprise)) / (10.0 * UNITS)
        z = (mean_a - mean_b) / se
        always = min(math.sqrt(mixing + 1.0) * math.exp(-(z**2) * mixing / (2.0 * (mixing + 1.0))), 1.0)
        found.append((float(test.pvalue), mean_a - mean_b - critical * se, ratio - 1.0 + half, always))
    return {"seconds": time.perf_counter() - started, "figures": list(np.array(found).T)}


def by_statsmodels(count: int) -> dict[str, Any]:
    """Test and interval of each comparison by statsmodels, from values of the same moments."""
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    rng = np.random.default_rng(12)
    sides = [rng.normal(0.5, 0.15, (count, UNITS)) for _ in range(2)]
    started = time.perf_counter()
    found = []
    for a, b in zip(*sides, strict=True):
        compared = CompareMeans(DescrStatsW(a), DescrStatsW(b))
        _, p_value, _ = compared.ttest_ind(usevar="unequal")
        found.append((p_value, compared.tconfint_diff(usevar="unequal")[0]))
    return {"seconds": time.perf_counter() - started, "figures": list(np.array(found).T)}


def measure(scale: float, repeats: int) -> list[Row]:
    """10,000 comparisons at full scale."""
    count = max(100, int(10_000 * scale))
    functions = {"ours": ours, "scipy": by_scipy, "statsmodels": by_statsmodels}
    sides = side_by_side({name: (function, (count,)) for name, function in functions.items()}, repeats)
    mine = sides["ours"]
    for name in ("scipy", "statsmodels"):
        for left, right in zip(mine.result["figures"], sides[name].result["figures"], strict=False):
            np.testing.assert_allclose(left, right, rtol=1e-7, atol=1e-12)
    told = {"scipy": "with intervals and always-valid p", "statsmodels": "with intervals, beside it without lift"}
    return [
        Row(
            f"{count:,} comparisons {words}",
            f"{mine.seconds * 1000:.0f} ms",
            f"{name} {sides[name].seconds:.1f} s",
            f"{sides[name].seconds / mine.seconds:,.0f} x",
            "≤ 30 ms",
            f"{mine.peak_mb:,.0f} / {sides[name].peak_mb:,.0f}",
        )
        for name, words in told.items()
    ]
