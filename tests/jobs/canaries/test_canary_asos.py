"""The benchmark on published experiments: its verdicts and counts on snapshots that are drawn."""

import sys

import numpy as np
import polars as pl
import pytest

from benchmarks import asos

COLUMNS = [
    *("experiment_id", "variant_id", "metric_id", "time_since_start"),
    *("count_c", "mean_c", "variance_c", "count_t", "mean_t", "variance_t"),
]


def snapshots(effect, *, variants=1, days=5, per_look=400, seed=1):
    """Cumulative snapshots every half day, as published: counts, means and variances of both sides."""
    rng = np.random.default_rng(seed)
    rows = []
    for variant in range(1, variants + 1):
        t, c = (rng.normal(0.5 + shift, 0.3, 2 * days * per_look) for shift in (effect, 0.0))
        for look in range(1, 2 * days + 1):
            seen_t, seen_c = t[: look * per_look], c[: look * per_look]
            figures = [part for seen in (seen_c, seen_t) for part in (len(seen), seen.mean(), seen.var(ddof=1))]
            rows.append(["e", variant, 1, look / 2, *figures])
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


@pytest.mark.parametrize(
    ("effect", "verdict", "sign"), [(0.05, "promote", -1), (-0.08, "rollback", 1), (0.0, "continue", 0)]
)
def test_a_metric_that_rises_is_better(effect, verdict, sign):
    (one,) = asos.candidates(snapshots(effect))
    assert one.verdict[-1] == verdict
    assert one.looks.tolist() == list(range(1, 11))
    if sign:
        assert np.sign(one.effect[-1]) == sign
        assert one.confirmed(one.ours_first)


def test_looks_that_were_not_published_are_not_made():
    whole = snapshots(0.05)
    holes = whole.filter(~pl.col("time_since_start").is_in([1.0, 2.5])).with_columns(
        variance_t=pl.when(pl.col("time_since_start") > 0.5).then("variance_t")
    )
    (one,) = asos.candidates(holes)
    assert one.looks.tolist() == [1, 3, 4, 6, 7, 8, 9, 10]
    assert one.verdict[0] == "insufficient"  # no variance there
    assert one.verdict[-1] == "promote"


def test_a_naive_decision_that_the_end_does_not_confirm_is_counted():
    found = [one for seed in range(40) for one in asos.candidates(snapshots(0.0, variants=2, per_look=120, seed=seed))]
    counts = asos.summary(found)
    assert counts["candidates"] == 80
    assert counts["naive decided"] > counts["ours decided"]
    assert 0 < counts["naive not confirmed"] <= counts["naive decided"]
    by_hand = [one for one in found if (one.naive <= 0.05).any()]
    assert counts["naive decided"] == len(by_hand)
    assert counts["ours decided"] <= 80 * 0.05 + 3 * (80 * 0.05 * 0.95) ** 0.5


def test_a_file_that_is_not_there_is_said_so(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["asos.py", str(tmp_path / "none.csv")])
    with pytest.raises(SystemExit, match="is not there"):
        asos.main()
    (tmp_path / "none.csv").write_text("experiment_id,variant_id\ne,1\n")
    with pytest.raises(SystemExit, match="lacks the column metric_id"):
        asos.main()
