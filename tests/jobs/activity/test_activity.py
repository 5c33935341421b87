"""Who sends what, how fresh it is, which projects there are: counts by day, sources, projects."""

from datetime import timedelta

import polars as pl
import pytest

from jobs.drawn import day, events, frame, through
from kaizenlake import tables
from kaizenlake.jobs.activity.event_counts import event_counts
from kaizenlake.jobs.activity.project_segments import project_segments
from kaizenlake.jobs.activity.projects import projects
from kaizenlake.jobs.activity.segment_words import NAMING, segment_words
from kaizenlake.jobs.activity.source_freshness import source_freshness
from kaizenlake.parameters import Windows
from kaizenlake.tables import (
    Acquisition,
    Core,
    EventCounts,
    Events,
    Intake,
    Packs,
    Performance,
    SourceFreshness,
)

LATER = day(365)


def arrived(at, source="site", event_type="LEAD_CREATED", project_id=None):
    when = day(at)
    return {
        "source": source,
        "event_type": event_type,
        "project_id": project_id,
        "occurred_at": when,
        "event_date": when.date(),
    }


def counted(*rows, as_of=LATER):
    return tables.check(EventCounts, event_counts(frame(Events, rows), as_of=as_of).collect())


def test_events_are_counted_by_day_source_type_and_project():
    found = counted(
        arrived(0.75),
        arrived(0.25),
        arrived(0.5, project_id="p"),
        arrived(0.5, source="crm"),
        arrived(0.5, event_type="DEAL_WON"),
        arrived(1.0),
        arrived(2.0),
        as_of=day(2),
    )
    rows = (
        found.sort("event_date", "source", "event_type", "project_id").drop("tenant_id", "first_at", "last_at").rows()
    )
    today, tomorrow = day(0).date(), day(1).date()
    assert rows == [
        (today, "crm", "LEAD_CREATED", None, 1),
        (today, "site", "DEAL_WON", None, 1),
        (today, "site", "LEAD_CREATED", None, 2),
        (today, "site", "LEAD_CREATED", "p", 1),
        (tomorrow, "site", "LEAD_CREATED", None, 1),
    ]
    both = found.filter(events=2)
    assert both.select("first_at", "last_at").rows() == [(day(0.25), day(0.75))]


@pytest.mark.parametrize(
    ("silent", "stale"),
    [(timedelta(hours=72), False), (timedelta(hours=72, microseconds=1), True), (timedelta(minutes=30), False)],
)
def test_a_source_is_stale_when_it_was_silent_for_longer_than_the_setting(silent, stale):
    as_of = day(10)
    counts = counted(arrived(0), arrived((as_of - silent - day(0)) / timedelta(days=1)))
    row = source_freshness(counts.lazy(), as_of=as_of, windows=Windows(freshness_hours=72)).collect().row(0, named=True)
    assert row["silent_hours"] == silent / timedelta(hours=1)
    assert (row["events"], row["stale"]) == (2, stale)


def test_freshness_adds_up_days_types_and_projects():
    counts = counted(
        arrived(0), arrived(1, project_id="p"), arrived(2, event_type="DEAL_WON"), arrived(1, source="crm")
    )
    found = tables.check(SourceFreshness, source_freshness(counts.lazy(), as_of=day(3)).collect())
    assert found.select("source", "events", "last_at").rows() == [("crm", 1, day(1)), ("site", 3, day(2))]


def listed(counts, as_of=LATER, **families):
    naming = {
        table: families.get(name, tables.empty(table)).with_columns(event_id=pl.lit(name) + pl.col("event_id"))
        for table, name in zip(NAMING, map(tables.name, NAMING), strict=True)
    }
    given = {EventCounts: counts.lazy()} | naming
    return through(segment_words, project_segments, projects, given=given, as_of=as_of)


def test_every_family_that_can_name_a_segment_is_read():
    assert set(NAMING) == {Core, Packs, Acquisition, Intake, Performance}


def test_a_project_has_its_events_of_all_days_and_sources():
    counts = counted(
        arrived(1, project_id="p"), arrived(3, project_id="p", source="crm"), arrived(2, project_id="q"), arrived(2)
    )
    assert listed(counts).select("project_id", "events", "first_at", "last_at").rows() == [
        ("p", 2, day(1), day(3)),
        ("q", 1, day(2), day(2)),
    ]


def test_the_segment_is_the_latest_word_on_each_of_its_parts_over_all_families():
    counts = counted(*(arrived(at, project_id=project) for at in (0, 9) for project in "pqr"))
    found = listed(
        counts,
        acquisition=events(Acquisition, "1 LEAD_CREATED project_id=p industry=food client_type=startup"),
        packs=events(
            Packs,
            """
            3 PACK_STARTED project_id=p industry=retail
            2 PACK_STARTED project_id=p industry=travel client_type=agency
            """,
        ),
        intake=events(
            Intake,
            """
            4 INTAKE_APPROVED project_id=p
            5 INTAKE_APPROVED project_id=q client_type=enterprise
            5 INTAKE_APPROVED industry=nobody
            """,
        ),
        performance=events(Performance, "8 PERFORMANCE_RECORDED project_id=p industry=later client_type=later"),
        as_of=day(8),
    )
    assert found.select("project_id", "industry", "client_type").rows() == [
        ("p", "retail", "agency"),
        ("q", None, "enterprise"),
        ("r", None, None),
    ]


def test_two_words_at_one_instant_are_told_apart_by_the_event_id():
    counts = counted(arrived(0, project_id="p"))
    drawn = "1 INTAKE_APPROVED project_id=p industry=a\n1 INTAKE_APPROVED project_id=p industry=b"
    assert listed(counts, intake=events(Intake, drawn))["industry"].to_list() == ["b"]
