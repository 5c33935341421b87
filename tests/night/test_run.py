"""The night on lakes of a few literal events: what runs, what does not, and what a failure leaves behind."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import jsonschema
import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizenlake import tables
from kaizenlake.errors import ConservationError, LockedError
from kaizenlake.job import Job
from kaizenlake.jobs import JOBS
from kaizenlake.lake import lock
from kaizenlake.lake.store import Lake
from kaizenlake.night import artifact, run
from kaizenlake.night.run import nightly
from kaizenlake.tables import EventCounts, Projects, SourceFreshness
from night.drawn import NIGHT, add, contents, day, event, versions

SOME = tuple(job for job in JOBS if job.name in {"acquisition", "event_counts", "projects", "source_freshness"})


@pytest.fixture
def lake(tmp_path):
    made = Lake.create(tmp_path / "lake")
    add(made, event("a", day(1)), event("b", day(2)), event("c", day(2), source="crm", project="p2"))
    return made


def night(lake, as_of=NIGHT, jobs=SOME, **options):
    return nightly(lake, as_of=as_of, jobs=jobs, take=None, **options)


def status(done):
    return {step.name: step.status for step in done.steps if step.writes}


def test_a_night_computes_everything_and_the_next_finds_nothing_to_do(lake):
    first = night(lake)
    assert (first.status, first.exit_code) == ("done", 0)
    assert set(status(first).values()) == {"done"}
    assert lake.scan(EventCounts).select(pl.col("events").sum()).collect().item() == 3
    before = versions(lake)
    second = night(lake)
    assert not second.changed
    assert set(status(second).values()) == {"nothing to do"}
    assert versions(lake) == before


def test_a_late_event_reopens_its_own_day_alone(lake):
    night(lake)
    add(lake, event("late", day(1, hour=23)))
    done = night(lake)
    counts = done.step("event_counts")
    assert counts is not None
    assert (counts.days, counts.rows_in, counts.why) == (1, 2, ("changes in bronze.events on 2026-03-01",))
    assert lake.scan(EventCounts).filter(event_date=date(2026, 3, 1)).collect()["events"].to_list() == [2]
    assert status(done)["source_freshness"] == "done"


def test_events_from_as_of_on_change_no_figure(lake, tmp_path):
    early = night(lake, as_of=day(2, hour=0))
    assert early.exit_code == 0
    assert lake.scan(EventCounts).select(pl.col("events").sum()).collect().item() == 1
    alone = Lake.create(tmp_path / "alone")
    add(alone, event("a", day(1)))
    night(alone, as_of=day(2, hour=0))
    assert contents(lake) == contents(alone)


def test_as_of_may_go_back_and_forth(lake):
    night(lake)
    there = contents(lake)
    night(lake, as_of=day(2, hour=0))
    assert contents(lake) != there
    night(lake)
    assert contents(lake) == there


def test_a_setting_recomputes_the_jobs_that_take_it_and_no_other(lake, tmp_path):
    night(lake)
    lake.path("kaizen.toml").write_text("[windows]\nfreshness_hours = 1\n")
    done = night(Lake(lake.root))
    assert status(done) == {
        "acquisition": "nothing to do",
        "event_counts": "nothing to do",
        "projects": "nothing to do",
        "source_freshness": "done",
    }
    assert done.stale_sources == ("app", "crm")


def test_stale_sources_and_quarantine_count_when_strict(lake):
    lake.path("kaizen.toml").write_text("[windows]\nfreshness_hours = 1\n")
    assert night(Lake(lake.root), strict=True).exit_code == 5


def failing(writes, reads, work, *, by_day=False):
    return Job(work, reads, writes, by_day, tables.name(writes))


def explode(events, *, as_of):
    raise RuntimeError("no such luck")


def impossible(events, *, as_of):
    return events.group_by("tenant_id", "event_date", "source", "event_type", "project_id").agg(
        events=pl.lit(-1, dtype=pl.Int64), first_at=pl.col("occurred_at").min(), last_at=pl.col("occurred_at").max()
    )


@pytest.mark.parametrize(
    ("work", "code", "words"),
    [
        (explode, "unexpected", "RuntimeError: no such luck"),
        (impossible, "table_invalid", "events: greater_than_or_equal_to(1) broken by 4 rows, such as -1"),
    ],
)
def test_a_failing_job_leaves_its_table_and_stops_what_rests_on_it(lake, caplog, work, code, words):
    night(lake)
    before = versions(lake)
    add(lake, event("d", day(3), project="p3"))
    broken = tuple(
        failing(EventCounts, (tables.Events,), work, by_day=True) if job.writes is EventCounts else job for job in SOME
    )
    done = night(lake, jobs=broken)
    assert (done.status, done.exit_code) == ("failed", 1)
    assert status(done) == {
        "acquisition": "done",
        "event_counts": "failed",
        "projects": "done"
        if EventCounts not in next(job for job in SOME if job.name == "projects").reads
        else "skipped",
        "source_freshness": "skipped",
    }
    (error,) = done.errors
    assert (error.step, error.code) == ("event_counts", code)
    assert words in error.message
    assert ("Traceback" in caplog.text) is (code == "unexpected")
    skipped = done.step("source_freshness")
    assert skipped is not None
    assert skipped.why == ("event_counts failed",)
    for table in (EventCounts, SourceFreshness):
        assert versions(lake)[tables.full_name(table)] == before[tables.full_name(table)]
    mended = night(lake)
    assert mended.exit_code == 0
    assert status(mended)["event_counts"] == "done"


def test_nothing_is_published_of_tables_that_a_failed_job_left_behind(lake):
    done = night(lake, jobs=(failing(EventCounts, (tables.Events,), explode),))
    publish = done.step("publish")
    assert publish is not None
    assert publish.status == "skipped"
    assert done.publication is None


def lost(lake):
    raise ConservationError("2 lines were lost.")


def mistaken(lake):
    raise ZeroDivisionError("ours")


def test_a_landing_that_fails_ends_the_night_and_leaves_its_record(lake):
    done = nightly(lake, as_of=NIGHT, jobs=SOME, take=lost)
    assert (done.status, done.exit_code) == ("failed", 1)
    assert [(error.step, error.code, error.message) for error in done.errors] == [
        ("land", "conservation", "2 lines were lost.")
    ]
    assert [step.name for step in done.steps] == ["land"]
    with pytest.raises(ZeroDivisionError):
        nightly(lake, as_of=NIGHT, jobs=SOME, take=mistaken)
    last = next(artifact.runs(lake.path("runs")))
    assert (last.status, last.exit_code, last.errors[0].code) == ("failed", 70, "unexpected")
    assert nightly(lake, as_of=NIGHT, jobs=SOME).exit_code == 0


def test_two_nights_at_once_are_refused(lake):
    with lock.hold(lake.path(), "kaizen nightly"), pytest.raises(LockedError, match="kaizen nightly"):
        night(lake)


def test_full_recomputes_to_the_same_rows(lake):
    night(lake)
    before, there = versions(lake), contents(lake)
    done = night(lake, full=True)
    assert set(status(done).values()) == {"done"}
    assert versions(lake) != before
    assert contents(lake) == there


def test_work_by_day_is_cut_into_batches_with_the_same_rows(lake, tmp_path, monkeypatch):
    night(lake)
    monkeypatch.setattr("kaizenlake.night.job_output.ROWS_AT_ONCE", 1)
    small = Lake.create(tmp_path / "small")
    add(small, event("a", day(1)), event("b", day(2)), event("c", day(2), source="crm", project="p2"))
    done = night(small)
    assert done.exit_code == 0
    assert contents(small) == contents(lake)


def test_the_record_of_a_run_fits_its_schema_and_is_read_back(lake):
    done = night(lake)
    text = lake.path("runs", f"{done.run_id}.json").read_text()
    jsonschema.validate(json.loads(text), json.loads(artifact.SCHEMA_FILE.read_text()))
    assert artifact.read(lake.path("runs", f"{done.run_id}.json")) == done
    assert done.versions["gold.event_counts"] == 0
    assert done.ended_at is not None


def test_the_record_counts_the_frames_that_pandera_validated(lake, monkeypatch):
    calls = []
    validate = pa.DataFrameSchema.validate
    monkeypatch.setattr(
        pa.DataFrameSchema,
        "validate",
        lambda schema, frame, **given: calls.append(schema) or validate(schema, frame, **given),
    )
    done = night(lake)
    assert done.frames_validated == len(calls) >= len(SOME)
    assert night(lake).frames_validated == 0


def test_the_shipped_schema_is_that_of_the_model():
    assert artifact.SCHEMA_FILE.read_text() == artifact.schema_text()


def test_a_run_that_ended_without_a_word_is_marked_killed_by_the_next(lake):
    done = night(lake)
    done.status, done.exit_code, done.ended_at = "running", None, None
    artifact.write(lake.path("runs"), done)
    night(lake)
    found = artifact.read(lake.path("runs", f"{done.run_id}.json"))
    assert found is not None
    assert found.status == "killed"


def test_the_plan_writes_nothing_and_says_what_the_night_then_does(lake):
    before = sorted(path for path in lake.path().rglob("*"))
    told = run.plan(lake, as_of=NIGHT, jobs=SOME)
    assert sorted(path for path in lake.path().rglob("*")) == before
    done = night(lake)
    assert [step.job.name for step in told.steps] == [step.name for step in done.steps if step.writes]
    assert run.plan(lake, as_of=NIGHT, jobs=SOME).steps == ()


@settings(max_examples=6)
@given(st.lists(st.lists(st.tuples(st.integers(1, 6), st.sampled_from("xyz")), max_size=4), min_size=1, max_size=4))
def test_night_after_night_is_all_at_once(tmp_path_factory, nights):
    """Events of any day arrive on any night, also of days long past."""
    stepwise = Lake.create(tmp_path_factory.mktemp("stepwise"))
    at_once = Lake.create(tmp_path_factory.mktemp("at_once"))
    number = 0
    for offset, arrivals in enumerate(nights):
        for when, who in arrivals:
            number += 1
            drawn = event(f"e{number}", day(when), source=who, project=f"p{who}")
            add(stepwise, drawn)
            add(at_once, drawn)
        night(stepwise, as_of=datetime(2026, 3, 3 + offset, tzinfo=UTC))
    night(at_once, as_of=datetime(2026, 3, 3 + len(nights) - 1, tzinfo=UTC))
    assert contents(stepwise) == contents(at_once)
    assert at_once.exists(Projects)
