"""A night in which nothing happened writes nothing that did not change, and costs the same however many came before it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kaizenlake import tables
from kaizenlake.jobs import JOBS
from kaizenlake.lake import changes, delta
from kaizenlake.lake.store import Lake
from kaizenlake.night import artifact
from kaizenlake.night.run import nightly
from night.drawn import NIGHT, add, contents, day, event, versions

SOME = tuple(job for job in JOBS if job.name in {"event_counts", "projects", "source_freshness"})


@pytest.fixture
def lake(tmp_path):
    made = Lake.create(tmp_path / "lake")
    add(made, event("a", day(1)), event("b", day(2)))
    return made


def night(lake, number):
    """A night of a process of its own, so many days after the first."""
    return nightly(Lake(lake.root), as_of=NIGHT + timedelta(days=number), jobs=SOME, take=None)


def files(lake):
    return {path: path.stat().st_mtime_ns for path in lake.path().rglob("*") if path.is_file()}


def test_a_night_in_which_nothing_happened_commits_to_no_table_that_did_not_change(lake):
    night(lake, 0)
    before, there, wrote = versions(lake), contents(lake), files(lake)
    night(lake, 1)
    now = contents(lake)
    moved = {name for name, version in versions(lake).items() if version != before[name]}
    assert moved == {name for name in now if now[name] != there[name]}
    assert "gold.event_counts" not in moved
    written = [path for path, at in files(lake).items() if wrote.get(path) != at]
    # Its record, what was read, the index in its two places and what is remembered of it; and the tables that did change.
    assert len([path for path in written if not {"gold", "silver", "bronze"} & {*path.parts}]) <= 6, written


def test_later_nights_look_into_as_many_commits_as_early_ones(lake, monkeypatch):
    opened = []

    def counted(log, version, commit=changes._commit):
        opened[-1] += 1
        return commit(log, version)

    monkeypatch.setattr(changes, "_commit", counted)
    for number in range(30):
        opened.append(0)
        assert night(lake, number).status == "done"
    assert opened[29] == opened[2]


def test_a_quiet_night_opens_only_the_tables_that_it_looks_into(lake, monkeypatch):
    for number in range(2):
        night(lake, number)
    opened = []
    monkeypatch.setattr(
        delta, "open_table", lambda uri, *rest, real=delta.open_table: opened.append(uri) or real(uri, *rest)
    )
    quiet = Lake(lake.root)
    for job in SOME:
        assert quiet.version(job.writes) == Lake(lake.root).snapshot(job.writes).version
        assert quiet.rows(job.writes) == Lake(lake.root).snapshot(job.writes).scan().collect().height
    opened.clear()
    quiet = Lake(lake.root)
    assert all(quiet.exists(job.writes) and quiet.version(job.writes) is not None for job in SOME)
    assert not opened


def test_a_table_that_moved_on_or_is_declared_anew_is_not_taken_as_it_was_kept(lake, monkeypatch):
    night(lake, 0)
    kept = {job.writes: (Lake(lake.root).version(job.writes), Lake(lake.root).rows(job.writes)) for job in SOME}
    add(lake, event("late", day(1, hour=23), project="new"))
    night(lake, 0)
    for job in SOME:
        found = Lake(lake.root).snapshot(job.writes)
        assert Lake(lake.root).version(job.writes) == found.version > kept[job.writes][0]
        assert Lake(lake.root).rows(job.writes) == found.scan().collect().height
    monkeypatch.setattr(tables, "columns_mark", lambda _: "of another declaration")
    assert all(Lake(lake.root)._find_unopened(job.writes) is None for job in SOME)


def test_what_a_late_event_changes_is_computed_after_quiet_nights_too(lake, tmp_path):
    for number in range(3):
        night(lake, number)
    add(lake, event("late", day(1, hour=23)))
    done = night(lake, 3)
    assert done.step("event_counts").why[0] == "changes in bronze.events on 2026-03-01"
    alone = Lake.create(tmp_path / "alone")
    add(alone, event("a", day(1)), event("b", day(2)), event("late", day(1, hour=23)))
    night(alone, 3)
    assert contents(lake) == contents(alone)


def test_every_run_that_was_killed_is_marked_however_many_there_are(lake):
    folder = lake.path("runs")
    for number in range(2):
        night(lake, number)
    former = list(artifact.runs(folder))
    for kept, late in zip(former, (20, 21), strict=True):
        killed = kept.model_copy(update={"status": "running", "run_id": f"20990101T0000000000{late}Z-aaaaaa"})
        artifact.write(folder, killed)
    assert len(artifact.mark_killed(folder)) == 2
    assert [run.status for run in artifact.runs(folder)] == ["killed", "killed", "done", "done"]
