"""Totals to date that are smaller on a later day: a finding of each tenant, project and platform, and an alert while it is new."""

from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.alerts.test_findings import LAST, told
from kaizenlake import tables
from kaizenlake.jobs.alerts._count_findings import COUNTS, REMEDY
from kaizenlake.jobs.alerts.alerts import alerts
from kaizenlake.jobs.alerts.findings import findings
from kaizenlake.tables import Alerts, DailyPerformance
from kaizenlake.testing import CONTRACT
from publish.report_frames import AS_OF


def records(drawn, **same):
    """Records of contents: by name a list of one figure a day, in `impressions` where it is a number; the last is of LAST."""
    schema = tables.schema(DailyPerformance)
    rows = [
        dict.fromkeys(schema)
        | {"content_id": content, "platform": "instagram", "project_id": "spring", "rate_of": "impressions"}
        | {"performed_on": day, "event_date": day, "event_id": f"{content}-{day}", "occurred_at": AS_OF}
        | (given if isinstance(given, dict) else {"impressions": given})
        | same
        for content, days in drawn.items()
        for ago, given in enumerate(reversed(days))
        for day in [LAST - timedelta(days=ago)]
        if given != "none"
    ]
    return pl.DataFrame(rows, schema=schema)


def found(*drawn):
    return told(daily_performance=pl.concat(drawn)).to_dicts()


@pytest.mark.parametrize(
    ("days", "shown"),
    [
        ([100, 100, 250], None),  # equal, and growing
        ([100], None),  # one day
        ([100, 40], (1, 100, 40, 0, 0)),
        ([100, None, 40], (1, 100, 40, 0, 0)),  # a day that does not tell it
        ([100, "none", 40], (1, 100, 40, 0, 0)),  # a day without a record
        ([None, None], None),
        ([None, 40, None], None),
        ([100, None], None),
        ([0, 0], None),
        ([5, 0], (1, 5, 0, 0, 0)),
        ([100, 40, 60], (1, 100, 40, 1, 0)),  # still less than it was
        ([100, 40, 160], (1, 100, 40, 1, 1)),
        ([100, 90, 80, 70], (1, 100, 70, 2, 0)),  # the largest drop is from the largest
    ],
)
def test_a_later_record_with_a_smaller_count_is_a_finding(days, shown):
    rows = found(records({"post-7": days}))
    if shown is None:
        assert rows == []
        return
    posts, before, after, first, last = shown
    (row,) = rows
    assert json.loads(row["figures"]) == {"posts": posts, "before": before, "after": after, "drop": before - after}
    assert row["raised_on"] == LAST - timedelta(days=first)
    window = str(LAST - timedelta(days=first)) + ("" if first == last else f" to {LAST - timedelta(days=last)}")
    assert row["window"] == window
    assert (row["kind"], row["verdict"], row["severity"]) == ("shrinking_counts", "contradicts itself", "warning")


@pytest.mark.parametrize("name", COUNTS)
def test_every_count_is_held_against_itself_alone(name):
    others = [other for other in COUNTS if other != name]
    grows = dict.fromkeys(others, 500)
    (row,) = found(records({"post-7": [dict.fromkeys(COUNTS, 499) | {name: 12_345}, grows | {name: 400}]}))
    assert f"most of all {name} of post-7, 400 on {LAST} after 12,345." in row["sentence"]
    assert found(records({"post-7": [{name: 10, others[0]: 20}, {name: 20, others[0]: 30}]})) == []


def test_parts_of_conversions_are_told_as_they_are_and_less_than_a_hundredth_is_no_drop():
    (row,) = found(records({"post-7": [{"conversions": 1_234.5}, {"conversions": 1_234.25}]}))
    assert f"conversions of post-7, 1,234.25 on {LAST} after 1,234.5." in row["sentence"]
    assert json.loads(row["figures"])["drop"] == 0.25
    assert found(records({"post-7": [{"conversions": 3.001}, {"conversions": 3.0}]})) == []


def test_what_is_paid_back_is_no_contradiction():
    assert found(records({"post-7": [{"revenue_usd": 90.0}, {"revenue_usd": 10.0}]})) == []


def test_one_finding_a_tenant_project_and_platform_with_its_posts_and_its_largest_drop():
    here = records({"post-1": [100, 40], "post-2": [5_000, 1_000], "post-3": [10, 20], "post-4": [10, 9]})
    rows = found(
        here,
        here.with_columns(tenant_id=pl.lit("acme")),
        here.with_columns(platform=pl.lit("facebook")),
        here.with_columns(project_id=pl.lit(None, pl.String)),
    )
    assert [(row["tenant_id"], row["finding_id"]) for row in rows] == [
        (None, "shrinking_counts/spring/facebook"),
        (None, "shrinking_counts/spring/instagram"),
        (None, "shrinking_counts/~2/instagram"),
        ("acme", "shrinking_counts/spring/instagram"),
    ]
    assert {json.loads(row["figures"])["posts"] for row in rows} == {3}
    assert rows[1]["sentence"] == (
        f"The records of 3 posts of spring on instagram tell smaller counts than those of an earlier day ({LAST}): "
        f"most of all impressions of post-2, 1,000 on {LAST} after 5,000."
    )
    assert "posts of no project on instagram" in rows[2]["sentence"]
    assert all(row["remedy"] == REMEDY for row in rows)


def test_a_content_of_two_tenants_projects_or_platforms_is_several():
    many, few = records({"post-7": ["none", 100, "none"]}), records({"post-7": [40]})
    for other in ({"tenant_id": "acme"}, {"project_id": None}, {"platform": "tiktok"}, {"content_id": "post-8"}):
        changed = few.with_columns(pl.lit(value, pl.String).alias(name) for name, value in other.items())
        assert found(many, changed) == []
    assert len(found(many, few)) == 1


@pytest.mark.parametrize(("ago", "severity"), [(6, "warning"), (7, None), (300, None)])
def test_it_is_an_alert_while_it_is_new_and_a_finding_while_it_holds(ago, severity):
    held = told(daily_performance=records({"post-7": [100, 40, *["none"] * ago]}))
    assert held["severity"].to_list() == [severity]
    raised = tables.check(Alerts, alerts(held.lazy(), as_of=AS_OF).collect())
    assert raised["kind"].to_list() == ["shrinking_counts"] * (severity is not None)
    assert raised["doer"].to_list() == [None] * raised.height


def test_records_from_as_of_on_do_not_count():
    late = records({"post-7": [100, 40]}).with_columns(performed_on=pl.col("performed_on").dt.offset_by("1d"))
    assert found(late) == []


counts = st.lists(st.none() | st.integers(0, 30), min_size=1, max_size=6)


@settings(max_examples=30, deadline=None)
@given(drawn=st.dictionaries(st.sampled_from(["a", "b", "c"]), counts, min_size=1))
def test_the_figures_are_those_that_counting_by_hand_gives(drawn):
    drops = [
        (before - after, name)
        for name, days in drawn.items()
        for place, after in enumerate(days)
        if after is not None and (before := max((n for n in days[:place] if n is not None), default=0)) > after
    ]
    rows = found(records(drawn).sample(fraction=1, shuffle=True, seed=3))
    assert bool(rows) == bool(drops)
    if rows:
        figures = json.loads(rows[0]["figures"])
        assert figures["drop"] == max(drops)[0] == figures["before"] - figures["after"] > 0
        assert figures["posts"] == len({name for _, name in drops})
        noun = "post" if figures["posts"] == 1 else "posts"
        assert f"The records of {figures['posts']} {noun} of spring" in rows[0]["sentence"]
        assert f"({rows[0]['window']})" in rows[0]["sentence"]
        assert f"{figures['after']:g} on" in rows[0]["sentence"]
        assert f"after {figures['before']:g}." in rows[0]["sentence"]


@pytest.mark.parametrize("law", [law for law in CONTRACT if law.__name__ in {"ignores_order", "ignores_chunks"}])
def test_the_contract_holds_on_counts_that_shrink(law):
    frames = {table: tables.empty(table).collect() for table in findings.reads}
    law(findings, frames | {DailyPerformance: records({"a": [9, 3, None, 5], "b": [9, 3], "c": [1, 2]})}, AS_OF)
