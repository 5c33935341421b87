import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from kaizenlake import tables
from kaizenlake.errors import LakeError
from kaizenlake.lake import Lake
from kaizenlake.lake.files import ASIDE
from kaizenlake.lake.upkeep.maintain import DONE, maintain
from lake.shelves import Totals, Visits, held, put, totals, visits

DAY = 86_400


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def parquet(lake, table):
    return sorted(lake.path("gold", tables.name(table)).rglob("*.parquet"))


def aged(path, seconds, content=b"x"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def test_small_files_become_one_a_day_and_no_row_changes(lake):
    for visitor in "abcd":
        lake.append(Visits, visits(0, [visitor]))
        lake.append(Visits, visits(1, [visitor]))
    before = held(lake)
    told = []

    done = maintain(lake, only=[Visits], progress=told.append)

    assert (done.tables[0].name, done.tables[0].files_before, done.tables[0].files_after) == ("gold.visits", 8, 2)
    assert told == ["gold.visits"]
    assert held(lake) == before
    again = maintain(lake, only=[Visits])
    assert (again.tables[0].files_before, again.tables[0].files_after) == (2, 2)


def test_older_versions_stay_readable_for_as_long_as_settings_say(lake):
    put(lake, Totals, [totals(p1=1)])
    put(lake, Totals, [totals(p1=2)])

    assert maintain(lake, only=[Totals]).tables[0].removed == 0
    assert lake.scan(Totals, version=0).collect().rows() == [("p1", 1)]

    assert maintain(lake, only=[Totals], keep=timedelta(0)).tables[0].removed == 1
    assert len(parquet(lake, Totals)) == 1
    assert lake.scan(Totals).collect().rows() == [("p1", 2)]
    with pytest.raises(LakeError, match=r"Version 0 of gold\.totals is no longer kept"):
        lake.scan(Totals, version=0)


def test_files_of_a_killed_write_go_when_they_are_old(lake):
    put(lake, Visits, [visits(0)])
    orphan = aged(lake.path("gold", "visits", "event_date=2026-03-01", "part-0-orphan.parquet"), 8 * DAY)
    young = aged(lake.path("gold", "visits", "event_date=2026-03-01", "part-0-young.parquet"), 1 * DAY)

    assert maintain(lake, only=[Visits]).tables[0].removed == 1

    assert (orphan.exists(), young.exists()) == (False, True)
    assert lake.rows(Visits) == 2


NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


def test_landed_files_go_by_the_day_of_their_landing(lake):
    # The file's own time is that of whoever wrote it, long before.
    kept = aged(lake.path(*DONE, "2026-10-22", "posts", "b.csv"), 900 * DAY)
    old = aged(lake.path(*DONE, "2026-10-21", "posts", "a.csv"), 1 * DAY)
    other = aged(lake.path(*DONE, "notes", "read.me"), 900 * DAY)
    waiting = aged(lake.path("landing", "c.ndjson"), 400 * DAY)

    assert maintain(lake, now=NOW).landed_removed == 1

    assert [path.exists() for path in (kept, old, old.parents[1], other, waiting)] == [True, False, False, True, True]


def test_leftovers_of_killed_processes_go_when_they_are_old(lake):
    left = aged(lake.path("published", "deep", f"{ASIDE}latest.json-1-ff"), 2 * 3600)
    writing = aged(lake.path("published", f"{ASIDE}latest.json-2-ff"), 60)
    beside = aged(lake.path(f"{ASIDE}kaizen.toml-1-ff"), 2 * 3600)
    artifact = aged(lake.path("runs", "r.json"), 400 * DAY)

    assert maintain(lake).leftovers_removed == 2

    assert [path.exists() for path in (left, writing, beside, artifact)] == [False, True, False, True]


def test_links_are_not_followed(lake, tmp_path):
    outside = aged(tmp_path / "elsewhere" / f"{ASIDE}mine", 10 * DAY)
    lake.path("published", "link").symlink_to(outside.parent)
    lake.path("published", f"{ASIDE}link").symlink_to(outside)
    lake.path(*DONE).mkdir(parents=True)
    lake.path(*DONE, "2025-01-01").symlink_to(outside.parent)

    maintain(lake, now=NOW)

    assert outside.exists()


def test_an_empty_lake_is_tended(tmp_path):
    assert maintain(Lake(tmp_path / "nowhere")).tables == ()
    assert not (tmp_path / "nowhere").exists()
