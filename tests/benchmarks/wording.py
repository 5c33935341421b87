"""Learn what wins from headline tests of early weeks, and judge it on tests of later weeks that it never saw.

`python tests/benchmarks/wording.py path/to/upworthy_headline_tests.csv [--last WEEK]`

The file is the exploratory part of the Upworthy Research Archive (Matias, Munger, Aubin Le Quere and Ebersole 2021). The weeks
up to WEEK are landed by the mapping that is shipped, one night is run, and the published model ranks the tests of the weeks
that follow. Errors are by test. Ties share the choice. Then scores and allocation are simulated on those tests against an
equal split, with each headline's own click rate for the truth.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import UTC, datetime
from itertools import combinations
from math import sqrt
from pathlib import Path

import numpy as np
import polars as pl

from kaizenlake.context import Scorer, allocate, load_scorer
from kaizenlake.lake.landing import landing
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.samples import samples
from kaizenlake.tables import LearnedValue

TEST, WEEK = "clickability_test_id", "test_week"
BUDGETS = (250, 1_000, 3_500)
BATCHES = 20
DRAWS = 10


def learn(early: pl.DataFrame, folder: Path) -> tuple[Scorer, Lake]:
    """Land tests in a new lake, run one night, and load the scorer that it published."""
    lake = Lake.create(folder / "lake")
    file = folder / "upworthy_headline_tests.csv"
    early.write_csv(file)
    mapping = next(sample.mapping for sample in samples() if sample.file == file.name)
    landing.land(lake, file, mapping=mapping, now=datetime.now(UTC))
    started = time.process_time()
    done = nightly(lake, as_of=datetime.now(UTC))
    print(f"night: {time.process_time() - started:.1f} CPU s, exit code {done.exit_code}")
    for step in done.steps:
        if step.name in {"learned_value", "text_effects"}:
            print(f"  {step.name}: {step.seconds:.2f} s")
    return load_scorer(lake.path("published"), project="upworthy"), lake


def wordings_of(tests: pl.DataFrame) -> list[tuple[list[str], np.ndarray, np.ndarray]]:
    """Return headlines, impressions and clicks of each test that has two headlines or more."""
    added = tests.group_by(TEST, "headline", maintain_order=True).agg(pl.col("impressions", "clicks").sum())
    return [
        (part["headline"].to_list(), part["impressions"].to_numpy(), part["clicks"].to_numpy())
        for _, part in added.filter(pl.col("impressions") > 0).group_by(TEST, maintain_order=True)
        if part.height > 1
    ]


def ratio(above: list[float], below: list[float]) -> tuple[float, float]:
    """Return the ratio of two sums over tests, with its standard error by test."""
    a, b = np.array(above), np.array(below)
    value = a.sum() / b.sum()
    return value, float(np.sqrt(np.sum((a - value * b) ** 2)) / b.sum())


def judge(scorer: Scorer, tests: list[tuple[list[str], np.ndarray, np.ndarray]]) -> dict[str, tuple[float, float]]:
    """Return the figures of the issue's table, each with its standard error by test."""
    sums: dict[str, tuple[list[float], list[float]]] = {
        name: ([], []) for name in ("pairs", "significant pairs", "predicted above 20 %", "clicks", "slope", "decided")
    }
    for texts, shown, clicks in tests:
        ranking = scorer.rank(texts)
        lift = np.log1p([score.lift for score in ranking.scores])
        rate = clicks / shown
        found = {name: [0.0, 0.0] for name in sums}
        for i, j in combinations(range(len(texts)), 2):
            if rate[i] == rate[j]:
                continue
            right = 0.5 if lift[i] == lift[j] else float((lift[i] > lift[j]) == (rate[i] > rate[j]))
            pooled = (clicks[i] + clicks[j]) / (shown[i] + shown[j])
            is_clear = abs(rate[i] - rate[j]) > 1.96 * sqrt(pooled * (1 - pooled) * (1 / shown[i] + 1 / shown[j]))
            is_bold = abs(lift[i] - lift[j]) > np.log(1.2)
            for name, counts in (
                ("pairs", True),
                ("significant pairs", is_clear),
                ("predicted above 20 %", is_clear and is_bold),
            ):
                if counts:
                    found[name] = [found[name][0] + right, found[name][1] + 1.0]
        best = lift >= lift.max() - 1e-12
        found["clicks"] = [rate[best].mean(), rate.mean()]
        if ranking.decided:
            found["decided"] = [rate[best].mean(), rate.mean()]
        weight = 1.0 / (1.0 / (clicks + 0.5) + 0.1)
        wanted = lift - np.average(lift, weights=weight)
        actual = np.log((clicks + 0.5) / (shown + 1.0))
        actual -= np.average(actual, weights=weight)
        found["slope"] = [float(weight @ (wanted * actual)), float(weight @ wanted**2)]
        for name, (above, below) in found.items():
            sums[name][0].append(above)
            sums[name][1].append(below)
    return {name: ratio(*both) if sum(both[1]) else (float("nan"), float("nan")) for name, both in sums.items()}


def simulate(scorer: Scorer, tests: list[tuple[list[str], np.ndarray, np.ndarray]], budget: int) -> tuple[float, float]:
    """Return the clicks of scores and allocation over those of an equal split, less 1, and the standard error."""
    draw = np.random.default_rng(20261201)
    won, even = [], []
    for texts, shown, clicks in tests:
        rate = clicks / shown
        scores = scorer.rank(texts).scores
        of_draws = []
        for _ in range(DRAWS):
            times, events = np.zeros(len(texts)), np.zeros(len(texts))
            per_batch = budget * len(texts) / BATCHES
            for _ in range(BATCHES):
                batch = per_batch * np.array(allocate(times.tolist(), events.tolist(), scores))
                events += draw.poisson(batch * rate)
                times += batch
            of_draws.append(float(times @ rate) / times.sum())
        won.append(float(np.mean(of_draws)))
        even.append(float(rate.mean()))
    value, error = ratio(won, even)
    return value - 1.0, error


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--last", type=int, default=201410, help="last week that is learned from")
    given = parser.parse_args()
    whole = pl.read_csv(given.file)
    early, late = (whole.filter(keep) for keep in (pl.col(WEEK) <= given.last, pl.col(WEEK) > given.last))
    tests = wordings_of(late)
    with tempfile.TemporaryDirectory() as folder:
        scorer, lake = learn(early, Path(folder))
        print(f"scorer: {scorer.reason} {scorer.detail} {scorer.value}")
        print(lake.scan(LearnedValue).select("model", "status", "experiments", "arms").collect().rows())
        size = max(path.stat().st_size for path in lake.path("published", "text_models").glob("*.json"))
        texts = [text for part, _, _ in tests for text in part]
        started = time.process_time()
        for text in texts:
            scorer.score(text)
        each = (time.process_time() - started) / len(texts)
        print(f"model: {size / 1000:.0f} kB; a score takes {each * 1000:.3f} ms")
        print(f"judged on {len(tests)} later tests, learned from {early[TEST].n_unique()}")
        for name, (value, error) in judge(scorer, tests).items():
            shift = 1.0 if name in {"clicks", "decided"} else 0.0
            print(f"  {name:24} {value - shift:+.3f} ± {error:.3f}")
        for budget in BUDGETS:
            value, error = simulate(scorer, tests, budget)
            print(f"  allocation, {budget:5} an arm   {value:+.3f} ± {error:.3f}")


if __name__ == "__main__":
    main()
