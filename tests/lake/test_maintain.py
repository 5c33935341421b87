import os
import time
from datetime import timedelta

import pytest

from kaizenlake import tables
from kaizenlake.errors import LakeError
from kaizenlake.lake import Lake
from kaizenlake.lake.files import ASIDE
from kaizenlake.lake.maintain import DONE, maintain
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


def test_landed_files_and_leftovers_go_when_they_are_old(lake):
    old = aged(lake.path(*DONE) / "a.ndjson", 31 * DAY)
    kept = aged(lake.path(*DONE) / "b.ndjson", 29 * DAY)
    waiting = aged(lake.path("landing", "c.ndjson"), 400 * DAY)
    left = aged(lake.path("published", "deep", f"{ASIDE}latest.json-1-ff"), 2 * 3600)
    writing = aged(lake.path("published", f"{ASIDE}latest.json-2-ff"), 60)
    artifact = aged(lake.path("runs", "r.json"), 400 * DAY)

    done = maintain(lake)

    assert (done.tables, done.landed_removed, done.leftovers_removed) == ((), 1, 1)
    assert [path.exists() for path in (old, kept, waiting, left, writing, artifact)] == [
        False, True, True, False, True, True,
    ]  # fmt: skip


def test_links_are_not_followed(lake, tmp_path):
    outside = aged(tmp_path / "elsewhere" / f"{ASIDE}mine", 10 * DAY)
    lake.path("published", "link").symlink_to(outside.parent)
    lake.path(*DONE).mkdir(parents=True)
    (lake.path(*DONE) / "link.ndjson").symlink_to(outside)

    maintain(lake, now=time.time() + 100 * DAY)

    assert outside.exists()


def test_an_empty_lake_is_tended(tmp_path):
    assert maintain(Lake(tmp_path / "nowhere")).tables == ()
    assert not (tmp_path / "nowhere").exists()
