"""Figures of a day: which record counts, what its rates are, and its tier."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.drawn import day, events, frame
from kaizenlake import tables
from kaizenlake.jobs._records import share
from kaizenlake.jobs.content.daily_performance import daily_performance, tier
from kaizenlake.parameters import Tiers
from kaizenlake.tables import DailyPerformance, Performance

LATER = day(365)


def compute(records, as_of=LATER, **settings):
    made = daily_performance(records, as_of=as_of, **settings).collect()
    return tables.check(DailyPerformance, made)


def one(**figures):
    when = day(0.5)
    row = {
        "event_id": "e0",
        "event_type": "PERFORMANCE_RECORDED",
        "occurred_at": when,
        "event_date": when.date(),
        "content_id": "c",
        "platform": "x",
    }
    return compute(frame(Performance, [row | figures])).row(0, named=True)


def test_the_latest_record_of_a_content_platform_and_day_counts():
    records = events(
        Performance,
        """
        0.10 PERFORMANCE_RECORDED content_id=c1 platform=instagram impressions=10 project_id=p
        0.90 PERFORMANCE_RECORDED content_id=c1 platform=instagram impressions=90 project_id=p
        0.50 PERFORMANCE_RECORDED content_id=c1 platform=instagram impressions=50 project_id=p
        0.20 PERFORMANCE_RECORDED content_id=c1 platform=facebook  impressions=20 project_id=p
        0.30 PERFORMANCE_RECORDED content_id=c1 platform=instagram impressions=30
        0.40 PERFORMANCE_RECORDED content_id=c1 platform=instagram impressions=40
        1.10 PERFORMANCE_RECORDED content_id=c1 platform=instagram impressions=11 project_id=p
        1.90 CREATIVE_MARKED_WINNER content_id=c1 platform=instagram project_id=p
        """,
    )
    kept = compute(records).select("project_id", "platform", "performed_on", "impressions", "event_id")
    assert set(kept.rows()) == {
        ("p", "instagram", day(0).date(), 90, "e1"),
        ("p", "facebook", day(0).date(), 20, "e3"),
        (None, "instagram", day(0).date(), 40, "e5"),
        ("p", "instagram", day(1).date(), 11, "e6"),
    }
    at_noon = compute(records, as_of=day(0.5))
    assert set(at_noon["impressions"]) == {10, 20, 40}, "the record at noon itself does not count yet"


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_of_two_records_at_one_instant_the_greater_event_id_counts(order):
    records = events(
        Performance,
        """
        0.5 PERFORMANCE_RECORDED content_id=c platform=x impressions=100
        0.5 PERFORMANCE_RECORDED content_id=c platform=x impressions=300
        0.5 PERFORMANCE_RECORDED content_id=c platform=x impressions=200
        """,
    ).collect()
    assert compute(records[order].lazy()).select("event_id", "impressions").rows() == [("e2", 200)]


@pytest.mark.parametrize(
    ("recorded", "engagements", "impressions", "reach", "rate_of", "expected"),
    [
        (None, 10, 100, 50, None, 0.10),
        (None, 10, 100, 50, "impressions", 0.10),
        (None, 10, 100, 50, "reach", 0.20),
        (0.07, 10, 100, 50, None, 0.07),  # as recorded
        (0.0, 10, 100, 50, None, 0.0),  # a recorded zero is a figure
        (None, 300, 100, 50, None, 1.0),  # several engagements a view
        (None, 0, 100, None, None, 0.0),
        (None, 0, 0, None, None, None),  # nothing of nothing
        (None, 10, None, 50, None, None),  # reach is not taken in place of impressions
        (None, 10, 100, None, "reach", None),
        (None, None, 100, 50, None, None),
    ],
)
def test_engagement_rate(recorded, engagements, impressions, reach, rate_of, expected):
    row = one(engagement_rate=recorded, engagements=engagements, impressions=impressions, reach=reach, rate_of=rate_of)
    assert row["engagement_rate"] == expected
    assert row["rate_of"] == (rate_of or "impressions")
    assert (row["tier"] is None) == (expected is None)


@pytest.mark.parametrize(
    ("impressions", "clicks", "conversions", "click_rate", "conversion_rate"),
    [
        (100, 20, 5, 0.2, 0.25),
        (100, 0, 0, 0.0, None),
        (0, 0, 0, None, None),
        (None, 20, 5, None, 0.25),
        (10, 20, 40, 1.0, 1.0),
        (10, None, 4, None, None),
    ],
)
def test_click_and_conversion_rate(impressions, clicks, conversions, click_rate, conversion_rate):
    row = one(impressions=impressions, clicks=clicks, conversions=conversions)
    assert (row["click_rate"], row["conversion_rate"]) == (click_rate, conversion_rate)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (1.0, "excellent"),
        (0.10, "excellent"),
        (0.0999, "good"),
        (0.05, "good"),
        (0.0499, "average"),
        (0.02, "average"),
        (0.0199, "poor"),
        (0.0, "poor"),
        (None, None),
    ],
)
def test_tier(rate, expected):
    assert one(engagement_rate=rate)["tier"] == expected


def test_tiers_begin_where_settings_say():
    strict = Tiers(excellent=0.5, good=0.4, average=0.3)
    rates = pl.DataFrame({"rate": [0.5, 0.4, 0.3, 0.29, None]}, schema={"rate": pl.Float64})
    assert rates.select(tier(pl.col("rate"), strict)).to_series().to_list() == [
        "excellent",
        "good",
        "average",
        "poor",
        None,
    ]


def test_revenue_and_attributes_stay_as_recorded():
    row = one(revenue_usd=12.345, hook_type="question", tone="bold", is_paid=False, experiment_id="x1", variant_id="a")
    assert [row[key] for key in ("revenue_usd", "hook_type", "tone", "is_paid", "experiment_id", "variant_id")] == [
        12.345,
        "question",
        "bold",
        False,
        "x1",
        "a",
    ]


# Beyond 2**53 a count is rounded before it is divided, and the last bit of the share with it.
counts = st.none() | st.integers(0, 2**53)


@given(part=counts, whole=counts)
def test_a_share_is_a_rate_or_nothing(part, whole):
    figures = pl.DataFrame({"part": [part], "whole": [whole]}, schema={"part": pl.Int64, "whole": pl.Int64})
    found = figures.select(found=share(pl.col("part"), pl.col("whole"))).item()
    if part is None or not whole:
        assert found is None
    else:
        assert 0.0 <= found <= 1.0
        assert found == min(part / whole, 1.0)


def test_engagements_that_are_not_told_are_the_sum_of_their_parts():
    assert one(impressions=1000, likes=40, comments=5, shares=3, saves=2)["engagements"] == 50
    assert one(impressions=1000, likes=40)["engagement_rate"] == 0.04
    assert one(impressions=1000, likes=40, engagements=60)["engagements"] == 60
    assert one(impressions=1000)["engagements"] is None


def test_of_two_records_at_one_instant_the_one_that_was_landed_later_counts():
    when = day(0.5)
    base = {
        "event_type": "PERFORMANCE_RECORDED",
        "occurred_at": when,
        "event_date": when.date(),
        "content_id": "c",
        "platform": "x",
    }
    rows = [base | {"event_id": f"e{9 - batch}", "batch": batch, "impressions": batch} for batch in (1, 2, 3)]
    rows.append(base | {"event_id": "z", "batch": None, "impressions": 0})
    assert compute(frame(Performance, rows))["impressions"].to_list() == [3]


def test_parts_of_a_day_are_added_up_and_a_record_of_the_whole_replaces_them():
    when = day(0.5)
    base = {
        "event_type": "PERFORMANCE_RECORDED",
        "occurred_at": when,
        "event_date": when.date(),
        "content_id": "c",
        "platform": "x",
    }

    def rows(*parts):
        return frame(
            Performance, [base | {"event_id": f"e{place}", "batch": place} | part for place, part in enumerate(parts)]
        )

    young = {"breakdown": "age=18-24", "impressions": 100, "clicks": 10, "conversions": 0.1, "reach": 60, "ctr": 0.1}
    old = {"breakdown": "age=65+", "impressions": 50, "conversions": 0.2, "reach": 50}
    (found,) = compute(rows(young | {"impressions": 7}, young, old)).to_dicts()
    assert (found["impressions"], found["clicks"], found["conversions"], found["reach"]) == (150, 10, 0.3, None)
    assert found["click_rate"] == 10 / 150
    (whole,) = compute(rows(young, old, {"impressions": 200})).to_dicts()
    assert (whole["impressions"], whole["clicks"]) == (200, None)
    (alone,) = compute(rows(young)).to_dicts()
    assert (alone["reach"], alone["impressions"]) == (60, 100)
