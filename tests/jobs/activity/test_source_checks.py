"""What sources tell, day by day, and whether it is what they used to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from kaizenlake import tables, testing
from kaizenlake.jobs.activity.field_counts import field_counts
from kaizenlake.jobs.activity.source_checks import source_checks
from kaizenlake.jobs.alerts._source_findings import of_needs
from kaizenlake.tables import EventCounts, Events, FieldCounts, Landings, Quarantine, SourceArrivals, SourceChecks

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
KIND = "PERFORMANCE_RECORDED"


def counts(*rows):
    """Rows of (date, events)."""
    schema = tables.schema(EventCounts)
    made = [
        dict.fromkeys(schema)
        | {"event_date": day, "source": "s", "event_type": KIND, "events": n, "first_at": at, "last_at": at}
        for day, n in rows
        for at in [datetime(day.year, day.month, day.day, 12, tzinfo=UTC)]
        if n
    ]
    return pl.DataFrame(made, schema=schema)


def fields(*rows):
    """Rows of (date, field, events, mean size)."""
    schema = tables.schema(FieldCounts)
    made = [
        dict.fromkeys(schema)
        | {"event_date": day, "source": "s", "event_type": KIND, "field": field, "events": n, "numbers": n}
        | {"log_micros": round(1e6 * n * float(np.log10(size)))}
        for day, field, n, size in rows
        if n
    ]
    return pl.DataFrame(made, schema=schema)


def landings(*rows):
    """Rows of (days back, mapping, lines, quarantined)."""
    schema = tables.schema(Landings)
    made = [
        dict.fromkeys(schema)
        | {"file_hash": str(place), "file": "f", "mapping": mapping, "lines_in": lines, "landed": lines - bad}
        | {"duplicate": 0, "quarantined": bad, "landed_at": AS_OF - timedelta(days=back)}
        for place, (back, mapping, lines, bad) in enumerate(rows)
    ]
    return pl.DataFrame(made, schema=schema)


def arrivals(*rows):
    """Rows of (days back, events)."""
    schema = tables.schema(SourceArrivals)
    made = [
        dict.fromkeys(schema)
        | {"event_date": AS_OF.date(), "source": "s", "events": n, "landed_on": AS_OF.date() - timedelta(days=back)}
        for back, n in rows
    ]
    return pl.DataFrame(made, schema=schema)


def checked(event_counts, field_counts, landed=None, arrived=None, held=None):
    landed = landings() if landed is None else landed
    arrived = arrivals() if arrived is None else arrived
    held = tables.empty(Quarantine) if held is None else held.lazy()
    frames = (event_counts.lazy(), field_counts.lazy(), landed.lazy(), arrived.lazy(), held)
    made = source_checks(*frames, as_of=AS_OF).collect()
    return tables.check(SourceChecks, made)


def days(number):
    return [AS_OF.date() - timedelta(days=back) for back in range(1, number + 1)]


def verdict(frame, check, field=None):
    found = frame.filter((pl.col("check") == check) & pl.col("field").eq_missing(pl.lit(field)))
    return found["verdict"].to_list()


@pytest.mark.parametrize(
    ("today", "known", "said"),
    [(100, 56, "usual"), (160, 56, "usual"), (1000, 56, "unusual"), (5, 56, "unusual"), (1000, 20, "too early")],
)
def test_a_day_is_held_against_the_same_weekday(today, known, said):
    judged = AS_OF.date() - timedelta(days=2)
    # Weekends are quiet, and are no anomaly.
    usual = {day: 20 if day.weekday() > 4 else 100 + (day.day % 5) for day in days(known)}
    usual[judged] = today * (1 if judged.weekday() < 5 else 0.2)
    rows = counts(*((day, int(n)) for day, n in usual.items()))
    told = fields(*((day, "likes", int(n), 5.0) for day, n in usual.items()))
    assert verdict(checked(rows, told), "volume") == [said]


QUARANTINED = [
    # landings, share, share before, verdict
    ([(1, "m", 100, 20), (20, "m", 300, 3), (30, "m", 200, 2)], 0.2, 0.01, "unusual"),
    ([(1, "m", 100, 20), (20, "m", 300, 30)], 0.2, 0.1, "usual"),
    ([(1, "m", 100, 4), (20, "m", 300, 0)], 0.04, 0.0, "usual"),
    ([(1, "m", 100, 20)], 0.2, None, "too early"),
    ([(1, "m", 19, 19), (20, "m", 300, 0)], 1.0, 0.0, "too early"),
    ([(1, "m", 100, 20), (70, "m", 300, 0)], 0.2, None, "too early"),
    ([(1, "m", 100, 20), (0, "m", 900, 0), (20, "m", 300, 3)], 0.2, 0.01, "unusual"),
]


@pytest.mark.parametrize(("rows", "value", "usual", "said"), QUARANTINED)
def test_the_share_of_quarantined_lines_of_a_mapping_is_held_against_the_landings_before(rows, value, usual, said):
    found = checked(counts(), fields(), landings(*rows)).filter(check="quarantine")
    columns = ("tenant_id", "source", "event_type", "value", "usual", "verdict")
    assert found.select(columns).rows() == [(None, "m", None, value, usual, said)]


def test_lines_of_no_mapping_of_other_weeks_and_of_none_say_nothing():
    landed = landings((1, None, 100, 20), (20, None, 100, 0), (20, "old", 100, 50), (1, "empty", 0, 0))
    assert checked(counts(), fields(), landed).is_empty()


def test_quiet_sources_raise_few_false_alarms():
    random = np.random.default_rng(1)
    alarms = 0
    for _ in range(60):
        sent = [(day, int(random.poisson(40 if day.weekday() < 5 else 8))) for day in days(59)]
        size = [(day, "spend_usd", n, float(np.exp(random.normal(3, 0.2)))) for day, n in sent]
        alarms += (checked(counts(*sent), fields(*size))["verdict"] == "unusual").sum()
    assert alarms <= 2


@pytest.mark.parametrize(
    ("factor", "said"), [(1.0, "usual"), (1.5, "usual"), (100.0, "unusual"), (0.001, "unusual"), (10.0, "unusual")]
)
def test_a_change_of_unit_is_found(factor, said):
    recent = set(days(3))
    rows = [(day, 50) for day in days(40)]
    sizes = [(day, "spend_usd", 50, 12.0 * (factor if day in recent else 1.0) * (1 + day.day / 100)) for day, _ in rows]
    assert verdict(checked(counts(*rows), fields(*sizes)), "size", "spend_usd") == [said]


def test_a_column_that_disappeared_is_found_and_one_that_few_rows_told_is_not():
    recent = set(days(3))
    rows = [(day, 50) for day in days(40)]
    told = [(day, name, n, 5.0) for day, _ in rows for name, n in (("likes", 0 if day in recent else 50), ("saves", 0 if day in recent else 9), ("shares", 50))]  # fmt: skip
    found = checked(counts(*rows), fields(*told))
    assert [verdict(found, "field", name) for name in ("likes", "saves", "shares")] == [
        ["unusual"],
        ["usual"],
        ["usual"],
    ]


def test_fields_are_counted_by_source_with_the_size_of_their_numbers():
    events = testing.sample_events().filter(pl.col("event_type") == KIND)
    frames = testing.fold(
        events, as_of=testing.AS_OF, jobs=[job for job in testing.JOBS if job.writes in field_counts.reads]
    )
    made = field_counts(*(frames[table].lazy() for table in field_counts.reads), as_of=testing.AS_OF).collect()
    payloads = events["payload"].str.json_decode(
        pl.Struct({"likes": pl.Int64, "impressions": pl.Int64, "engagements": pl.Int64})
    )
    known = payloads.struct.unnest()
    of = {
        row["field"]: row
        for row in made.group_by("field").agg(pl.col("events", "numbers", "log_micros").sum()).to_dicts()
    }
    assert of["likes"]["events"] == known["likes"].count()
    above = known["likes"].filter(known["likes"] > 0)
    assert of["likes"]["numbers"] == above.len()
    assert of["likes"]["log_micros"] / 1e6 == pytest.approx(above.log(10).sum(), abs=1e-3)
    assert of["engagements?"]["events"] >= known["engagements"].count()
    assert set(made["source"]) == set(events["source"])
    assert made["events"].sum() > 0
    assert Events in field_counts.reads


def test_what_tables_need_and_a_source_does_not_tell_is_a_finding_with_its_remedy():
    day = date(2026, 5, 1)
    sent = counts((day, 120))
    told = fields((day, "impressions", 120, 900.0), (day, "audience?", 120, 1.0), (day, "engagements?", 20, 1.0))
    found = of_needs(sent.lazy(), told.lazy()).collect().sort("strength", descending=True)
    by = dict(zip(found["finding_id"].str.split("/").list.get(1), found.to_dicts(), strict=True))
    assert set(by) == {"engagements", "attributes"}
    assert by["engagements"]["sentence"] == (
        "100 of 120 records of figures from source “s” without engagements: no engagement rates, tiers, winners or patterns."
    )
    assert by["engagements"]["remedy"] == "Map one of: engagements, likes, comments, shares, saves, engagement_rate."
    assert of_needs(sent.lazy(), fields(*((day, f"{name}?", 120, 1.0) for name in ("audience", "engagements", "attributes", "text"))).lazy()).collect().is_empty()  # fmt: skip


def test_a_finding_says_of_which_days_its_records_are():
    old, last = date(2026, 1, 1), date(2026, 5, 1)
    told = fields((old, "audience?", 80, 1.0), (old, "engagements?", 80, 1.0), (last, "audience?", 120, 1.0))
    of_all = of_needs(counts((last, 120)).lazy(), told.filter(pl.col("event_date") == last).lazy()).collect()
    of_some = of_needs(counts((old, 80), (last, 120)).lazy(), told.lazy()).collect()
    (alone,), (latest,) = (
        found.filter(pl.col("finding_id").str.contains("/engagements/")).to_dicts() for found in (of_all, of_some)
    )
    assert (alone["window"], latest["window"]) == ("to date", "its latest 90 days")
    # What lies before the window is neither missing nor a reason to be silent.
    assert "120 of 120 records of figures from source “s” without" in alone["sentence"]
    assert "120 of 120 records of figures from source “s” (its latest 90 days) without" in latest["sentence"]


def test_leads_of_which_none_ends_are_told():
    leads = counts((date(2026, 5, 1), 30)).with_columns(event_type=pl.lit("LEAD_CREATED"))
    none = fields().lazy()
    (ends,) = [
        row
        for row in of_needs(leads.lazy(), none).collect().to_dicts()
        if row["finding_id"].startswith("missing_data/ends")
    ]
    assert "30 of 30 leads without any that ended: no win rates" in ends["sentence"]
    won = leads.head(1).with_columns(event_type=pl.lit("DEAL_WON"), source=pl.lit("crm"))
    told = of_needs(pl.concat([leads, won]).lazy(), none).collect()
    assert not told["finding_id"].str.starts_with("missing_data/ends").any()


@pytest.mark.parametrize(
    ("late", "before", "said"),
    [
        (10_000, [(back, 50) for back in range(8, 14)], "unusual"),
        # An export of years, landed first, is not what is usual.
        (10_000, [(back, 50) for back in range(8, 18)] + [(20, 200_000)], "unusual"),
        # What comes in bulk once a week is; so is a source that sends much on each day.
        (10_000, [(back, 9_000 if back % 7 == 0 else 50) for back in range(8, 50)], "usual"),
        (10_000, [(back, 5_000) for back in range(8, 20)], "usual"),
        (999, [(back, 1) for back in range(8, 20)], "usual"),
        (10_000, [(back, 50) for back in range(8, 12)], "too early"),
        (10_000, [], "too early"),
    ],
)
def test_what_lands_at_once_is_held_against_the_days_before(late, before, said):
    found = checked(counts(), fields(), arrived=arrivals((1, late), *before))
    assert verdict(found, "arrival") == [said]
    assert found["value"].to_list() == [late]
    assert found["usual"].is_null().all() == (said == "too early")


def test_what_is_held_back_is_told_by_source():
    schema = tables.schema(Quarantine)
    row = dict.fromkeys(schema) | {"reasons": ["r"], "raw": "{}", "file": "f", "line": 1, "file_hash": "h"}
    made = [
        row
        | {"quarantine_id": str(place), "rules": rules, "mapping": mapping, "quarantined_at": AS_OF - timedelta(1)}
        | {"status": status}
        for place, (rules, mapping, status) in enumerate(
            [
                (["over_cap"], "crm", "waiting"),
                (["over_usual"], "crm", "waiting"),
                (["over_cap"], "crm", "landed"),
                (["no_event"], "crm", "waiting"),
                (["over_cap"], None, "waiting"),
            ]
        )
    ]
    found = checked(counts(), fields(), held=pl.DataFrame(made, schema=schema))
    assert found.select("source", "check", "value", "verdict").rows() == [
        ("crm", "held", 2.0, "unusual"),
        ("f", "held", 1.0, "unusual"),
    ]
