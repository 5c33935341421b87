"""A content wins by its rate and not by the luck of few impressions."""

import itertools

import numpy as np
import polars as pl
import pytest

from jobs.drawn import day, frame, through
from kaizenlake.jobs.content.creative_wins import creative_wins
from kaizenlake.parameters import Labels, Tiers
from kaizenlake.tables import Contents

EACH = 2_000
REACHES = ((100, 900), (120, 10_000), (300, 999), (1_000, 9_900))
SPREADS = (0.0, 0.002, 0.01, 0.02)
MEANS = (0.03, 0.04, 0.045, 0.055, 0.08)


def wins(rows, **settings):
    contents = frame(Contents, rows).with_columns(pl.col("occurred_at").dt.date().alias("event_date"))
    return through(creative_wins, given={Contents: contents}, as_of=day(9), **settings)


def post(content_id, rate, trials, **columns):
    same = {"platform": "x", "content_type": "reel", "project_id": "p", "occurred_at": day(1)}
    return same | {"content_id": content_id, "engagement_rate": rate, "trials": trials} | columns


def test_as_many_win_with_few_impressions_as_with_many_at_one_true_rate_and_at_one_spread_of_true_rates():
    rng = np.random.default_rng(11)
    rows, cases = [], list(itertools.product(REACHES, SPREADS, MEANS))
    for case, (reach, spread, mean) in enumerate(cases):
        for side, trials in enumerate(reach):
            true = np.clip(rng.normal(mean, spread, EACH), 0.001, 1.0)
            told = rng.binomial(trials, true) / trials
            rows += [post(f"{side}/{n}", rate, trials, project_id=f"{case}") for n, rate in enumerate(told)]
    share = wins(rows).group_by("project_id", side=pl.col("content_id").str.head(1)).agg(pl.col("won").mean())
    found = {(int(row["project_id"]), row["side"]): row["won"] for row in share.to_dicts()}

    for case, of in enumerate(cases):
        # Shares of 100 impressions come in steps of .01, so the threshold itself lies anywhere within one.
        assert found[case, "0"] == pytest.approx(found[case, "1"], abs=0.11), of


def test_a_content_alone_or_among_its_equals_is_judged_by_its_own_rate():
    rows = [
        post(f"{n}", rate, 100, project_id=f"{rate} {of}")
        for rate in (0.0, 0.04, 0.05, 0.06, 1.0)
        for of in (1, 40)
        for n in range(of)
    ]

    assert set(wins(rows).select("project_id", "won").unique().rows()) == {
        (f"{rate} {of}", rate >= 0.05) for rate in (0.0, 0.04, 0.05, 0.06, 1.0) for of in (1, 40)
    }


def test_few_impressions_decide_nothing_and_no_rate_is_no_subject():
    rows = [post("few", 0.3, 99), post("enough", 0.3, 100), post("unknown", 0.3, None), post("silent", None, 500)]

    assert sorted(wins(rows).select("content_id", "won").rows()) == [("enough", True), ("few", None), ("unknown", None)]
    assert wins(rows, labels=Labels(impressions=99)).filter(content_id="few")["won"].to_list() == [True]
    assert wins(rows, tiers=Tiers(excellent=0.5, good=0.4)).filter(content_id="enough")["won"].to_list() == [False]
