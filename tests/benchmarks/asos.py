"""Decide real experiments night by night, by the package's rule and by a Welch test at every look.

`python tests/benchmarks/asos.py path/to/asos_experiments.csv [--all]`

The file is the ASOS Digital Experiments Dataset (Liu, Cardoso, Couturier and McCoy 2021, "Datasets for online controlled
experiments"): 39 experiments, cumulative count, mean and variance of four metrics every half day. It is not shipped. Its
metrics are better when higher, so their negatives stand for losses. The allocation is not published, so the sizes of the arms
are held against nothing; every experiment's own length is taken for its declared horizon.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from kaizenlake.stats import Moments
from kaizenlake.stats.sequential.canary_rule import CanaryRule, judge, verdicts
from kaizenlake.stats.two_groups.welch import welch

ALPHA = 0.05
COLUMNS = (
    *("experiment_id", "variant_id", "metric_id", "time_since_start"),
    *("count_c", "count_t", "mean_c", "mean_t", "variance_c", "variance_t"),
)
LOOKS_PER_DAY = 2
DECIDED = ("promote", "rollback")


@dataclass(frozen=True)
class Candidate:
    """One variant and metric of an experiment: what each look says, by the rule and by Welch alone.

    Args:
        experiment: Name of the experiment.
        variant: Name of the variant.
        metric: Name of the metric.
        looks: Looks that were made, from 1, in half days since the start.
        verdict: What the rule says on each.
        naive: p of Welch's test on each; NaN where there is none.
        effect: Effect on each, as a loss: below 0 is better.
    """

    experiment: str
    variant: str
    metric: str
    looks: np.ndarray
    verdict: np.ndarray
    naive: np.ndarray
    effect: np.ndarray

    @property
    def ours_first(self) -> int | None:
        """Place of the first look on which the rule decides."""
        return _first(np.isin(self.verdict, DECIDED))

    @property
    def naive_first(self) -> int | None:
        """Place of the first look with a p below alpha."""
        return _first(self.naive <= ALPHA)

    def confirmed(self, at: int) -> bool:
        """Whether a Welch test at the last look, and there alone, finds what was decided: a difference of that sign."""
        return bool(self.naive[-1] <= ALPHA and np.sign(self.effect[-1]) == np.sign(self.effect[at]))


def candidates(snapshots: pl.DataFrame) -> Iterator[Candidate]:
    """Every variant and metric of every experiment, decided look by look.

    Args:
        snapshots: Columns of the published file; variances may be missing.
    """
    look = (pl.col("time_since_start") * LOOKS_PER_DAY).round().cast(pl.Int64)
    rows = (
        snapshots.with_columns(look=look).filter(pl.col("look") >= 1).sort("experiment_id", "metric_id", "variant_id")
    )
    for (experiment, metric), group in rows.group_by("experiment_id", "metric_id", maintain_order=True):
        variants = group["variant_id"].unique(maintain_order=True)
        looks = int(group["look"].max())
        at = (group["variant_id"].rank("dense").to_numpy() - 1, group["look"].to_numpy() - 1)
        arm_t, arm_c = (_moments(group, side, at, (variants.len(), looks)) for side in ("t", "c"))
        rule = CanaryRule(alpha=ALPHA, horizon=looks, tolerated=0.0)
        made = arm_t.n > 0.0
        judged = judge(rule, _one(arm_t), _one(arm_c))
        nothing = np.zeros((1, *made.shape), dtype=np.bool_)
        verdict = verdicts(
            judged, rule, fresh=made[None], invalid=nothing, guardrails_held=~nothing, guardrails_broken=nothing
        )[0]
        naive = welch(arm_t, arm_c)
        for place, variant in enumerate(variants):
            seen = made[place]
            yield Candidate(
                str(experiment),
                str(variant),
                str(metric),
                np.flatnonzero(seen) + 1,
                verdict[place, seen],
                naive.p_value[place, seen],
                naive.effect[place, seen],
            )


def summary(found: list[Candidate]) -> dict[str, int]:
    """How often each way decides, how often that is not confirmed at the end, and what one test at the end would say."""
    counts = dict.fromkeys(("candidates", "at the end"), 0)
    counts |= {
        f"{way} {what}": 0 for way in ("naive", "ours") for what in ("decided", "before the end", "not confirmed")
    }
    for one in found:
        counts["candidates"] += 1
        counts["at the end"] += int(one.naive[-1] <= ALPHA)
        for way, first in (("naive", one.naive_first), ("ours", one.ours_first)):
            if first is not None:
                counts[f"{way} decided"] += 1
                counts[f"{way} before the end"] += int(first < one.looks.size - 1)
                counts[f"{way} not confirmed"] += int(not one.confirmed(first))
    return counts


def _first(decided: np.ndarray) -> int | None:
    return int(decided.argmax()) if decided.any() else None


def _moments(group: pl.DataFrame, side: str, at: tuple[np.ndarray, np.ndarray], shape: tuple[int, int]) -> Moments:
    """Moments of one side as losses (axes: variants, looks); a look that was not published has no units."""
    n, mean, m2 = np.zeros(shape), np.full(shape, np.nan), np.zeros(shape)
    n[at] = group[f"count_{side}"].to_numpy()
    mean[at] = -group[f"mean_{side}"].to_numpy()
    m2[at] = group[f"variance_{side}"].fill_null(float("nan")).to_numpy() * np.maximum(n[at] - 1.0, 0.0)
    return Moments(n, mean, m2)


def _one(arm: Moments) -> Moments:
    """The variants of one experiment, as the one deployment that the rule is asked about."""
    return Moments(*(part[None] for part in arm))


def _told(one: Candidate, at: int | None) -> str:
    return "–" if at is None else f"{one.looks[at] / LOOKS_PER_DAY:g} d, {'better' if one.effect[at] < 0 else 'worse'}"


def main() -> None:
    """Print the candidates on which somebody decided, and how often that was not confirmed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="asos_experiments.csv")
    parser.add_argument("--all", action="store_true", help="print the candidates on which nobody decided, too")
    given = parser.parse_args()
    if not given.file.is_file():
        sys.exit(
            f"{given.file} is not there. The ASOS Digital Experiments Dataset is not shipped: give the path of a copy."
        )
    snapshots = pl.read_csv(given.file)
    if missing := [name for name in COLUMNS if name not in snapshots.columns]:
        sys.exit(f"{given.file} lacks the column {missing[0]}; it is not the file of snapshots.")
    found = list(candidates(snapshots))
    print("| experiment | variant | metric | looks | Welch at every look | the rule | one test at the end, p |")
    print("|---|---|---|---|---|---|---|")
    for one in found:
        if given.all or one.naive_first is not None or one.ours_first is not None:
            print(
                f"| {one.experiment} | {one.variant} | {one.metric} | {one.looks.size} | {_told(one, one.naive_first)} "
                f"| {_told(one, one.ours_first)} | {one.naive[-1]:.2g} |"
            )
    counts = summary(found)
    print(f"\n{counts['candidates']} candidates and metrics of {len({one.experiment for one in found})} experiments")
    print(f"one Welch test at the end: {counts['at the end']} differ")
    for way, name in (("naive", "Welch at every look"), ("ours", "the rule")):
        print(
            f"{name}: {counts[f'{way} decided']} decided, {counts[f'{way} before the end']} of them before the end; "
            f"{counts[f'{way} not confirmed']} not confirmed at the end"
        )


if __name__ == "__main__":
    main()
