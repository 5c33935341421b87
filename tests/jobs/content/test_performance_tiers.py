"""Tier and percentile of a content among its like, on drawn tables and on real posts."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats as reference

from jobs.drawn import day, frame
from kaizenlake import tables
from kaizenlake.jobs.content.daily_performance import daily_performance
from kaizenlake.jobs.content.performance_tiers import performance_tiers
from kaizenlake.tables import DailyPerformance, Performance, PerformanceTiers

LATER = day(365)
POSTS = Path(__file__).parents[4] / "shared" / "data" / "facebook_posts.csv"


def compute(figures, as_of=LATER):
    return tables.check(PerformanceTiers, performance_tiers(figures, as_of=as_of).collect())


def figures(*rows):
    """Rows of content, project, platform, content type and rate, all measured on one day."""
    when = day(0.5)
    same = {"performed_on": when.date(), "event_date": when.date(), "occurred_at": when, "rate_of": "impressions"}
    names = ("content_id", "project_id", "platform", "content_type", "engagement_rate")
    return frame(DailyPerformance, [same | {"event_id": row[0]} | dict(zip(names, row, strict=True)) for row in rows])


def test_percentile_is_the_average_rank_over_the_rated_of_the_group():
    found = compute(
        figures(
            ("a", "p", "x", "reel", 0.10),
            ("b", "p", "x", "reel", 0.20),
            ("c", "p", "x", "reel", 0.20),
            ("d", "p", "x", "reel", 0.40),
            ("e", "p", "x", "reel", None),
            ("f", "p", "x", "photo", 0.01),
            ("g", "p", "y", "reel", 0.01),
            ("h", "q", "x", "reel", 0.01),
            ("i", None, "x", "reel", 0.01),
            ("j", None, "x", "reel", 0.02),
            ("k", "p", "x", None, 0.03),
            ("l", "p", "x", None, 0.05),
        )
    )
    assert dict(found.select("content_id", "percentile_in_group").sort("content_id").iter_rows()) == {
        "a": 1 / 4,
        "b": 2.5 / 4,  # ties share the mean of ranks 2 and 3
        "c": 2.5 / 4,
        "d": 4 / 4,
        "e": None,
        "f": 1.0,
        "g": 1.0,
        "h": 1.0,
        "i": 1 / 2,  # without a project is a group of its own
        "j": 1.0,
        "k": 1 / 2,
        "l": 1.0,
    }


def test_every_day_of_a_content_is_a_row():
    two_days = figures(("a", "p", "x", "reel", 0.1)).collect()
    two_days = pl.concat([two_days, two_days.with_columns(performed_on=day(1).date(), event_id=pl.lit("b"))])
    assert compute(two_days.lazy()).height == 2


def test_percentiles_agree_with_scipy():
    rng = np.random.default_rng(5)
    rates = np.round(rng.beta(2, 30, 500), 3)  # rounded, so that there are ties
    found = compute(figures(*((f"{i:03}", "p", "x", "reel", float(rate)) for i, rate in enumerate(rates))))
    expected = reference.rankdata(rates) / rates.size
    assert found.sort("content_id")["percentile_in_group"].to_list() == expected.tolist()


@pytest.mark.skipif(not POSTS.exists(), reason="needs the Facebook posts of ../shared/data")
def test_real_posts_are_mostly_excellent_on_reach_so_the_percentile_tells_them_apart():
    posts = pl.read_csv(POSTS, separator=";").with_row_index("row")
    when = day(0.5)
    records = posts.select(
        event_id="post-" + pl.col("row").cast(pl.String),
        event_type=pl.lit("PERFORMANCE_RECORDED"),
        occurred_at=pl.lit(when, pl.Datetime("us", "UTC")),
        event_date=pl.lit(when.date()),
        content_id=pl.col("row").cast(pl.String),
        platform=pl.lit("facebook"),
        content_type=pl.col("Type").str.to_lowercase(),
        impressions=pl.col("Total Impressions"),
        reach=pl.col("Total Reach"),
        engagements=pl.col("Engaged Users"),
        rate_of=pl.lit("reach"),
    )
    schema = tables.schema(Performance)
    silver = records.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in records.columns
    ).select(schema.names())
    found = compute(daily_performance(silver.lazy(), as_of=LATER))
    assert found.height == 500

    rates = (posts["Engaged Users"] / posts["Total Reach"]).to_list()
    assert found.sort(pl.col("content_id").cast(pl.Int64))["engagement_rate"].to_list() == rates
    excellent = sum(rate >= 0.10 for rate in rates)
    assert found["tier"].value_counts().filter(pl.col("tier") == "excellent")["count"].item() == excellent
    assert excellent > 250, "most posts are excellent in absolute terms"

    for _, group in found.group_by("content_type"):
        of_group = group["percentile_in_group"]
        assert of_group.mean() == pytest.approx((group.height + 1) / 2 / group.height)
        assert of_group.to_list() == (reference.rankdata(group["engagement_rate"]) / group.height).tolist()
