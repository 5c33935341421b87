"""Versions of a table: what changed between two, and back to an older one, from which the next night goes on."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from kaizenlake.cli.app import app
from kaizenlake.errors import LakeError, UsageError
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.lake.upkeep.maintain import maintain
from kaizenlake.lake.upkeep.versions import find_difference, restore
from kaizenlake.night.run import nightly
from kaizenlake.tables import EventCounts, Events
from lake.landed import lead, ndjson, put

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def night(lake):
    jobs = [job for job in lake.declared.jobs if job.writes is EventCounts]
    assert nightly(lake, as_of=NOW, take=None, jobs=jobs).errors == []
    return lake.version(EventCounts)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("versions")
    lake = Lake.create(folder / "lake")
    for name, events in (
        ("a", [lead("e1"), lead("e2", occurred_at="2026-02-02T09:00:00Z")]),
        ("b", [lead("e3"), lead("e4", occurred_at="2026-02-03T09:00:00Z")]),
    ):
        land(lake, put(folder / f"{name}.ndjson", ndjson(*events)), now=NOW)
        night(lake)
    assert lake.version(EventCounts) == 1
    return lake


@pytest.fixture
def lake(made, tmp_path):
    return Lake(shutil.copytree(made.path(), tmp_path / "lake"))


def test_a_difference_names_rows_and_columns(lake):
    found = find_difference(lake, EventCounts, 0, 1)
    assert found.rows.select("_fate", "events").rows() == [("changed", 2), ("added", 1)]
    assert found.columns == {"events": 1}
    assert find_difference(lake, EventCounts, 1, 0).rows["_fate"].to_list() == ["changed", "removed"]
    assert find_difference(lake, EventCounts, 1, 1).rows.is_empty()


def test_the_next_night_goes_on_from_what_was_restored(lake):
    newest = lake.scan(EventCounts).sort("event_date").collect()
    assert restore(lake, EventCounts, 0).rows == 2
    assert find_difference(lake, EventCounts, 0, 2).rows.is_empty()
    lake = Lake(lake.root)
    assert lake.rows(EventCounts) == 2
    night(lake)
    assert lake.scan(EventCounts).sort("event_date").collect().equals(newest)


def test_what_cannot_be_restored_is_refused(lake):
    with pytest.raises(UsageError, match="source of truth"):
        restore(lake, Events, 0)
    with pytest.raises(LakeError, match="no version 9 of the table; the newest is 1"):
        restore(lake, EventCounts, 9)
    maintain(lake, only=[EventCounts], keep=NOW - NOW)
    with pytest.raises(LakeError, match="no longer kept"):
        restore(lake, EventCounts, 0)


def test_the_commands_say_what_they_did(lake):
    place = ["--lake", str(lake.root)]
    done = CliRunner().invoke(app, ["diff", "event_counts", "0", "1", *place])
    assert "1 added, 0 removed, 1 changed" in done.stdout
    done = CliRunner().invoke(app, ["restore", "event_counts", "--version", "0", *place])
    assert "as it was at version 0: 2 rows, now version 2" in done.stdout
