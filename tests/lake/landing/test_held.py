"""Tables that a lake holds open are never behind what is stored."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from kaizenlake import tables
from kaizenlake.lake.store import Lake, fingerprint
from kaizenlake.tables import EventCounts, WinRates
from publish.context_frames import row, win_rate

AS_OF = datetime(2026, 11, 2, tzinfo=UTC)


def write(lake, *wins, as_of=AS_OF):
    rows = [row(WinRates, **win_rate("pack", "pack_key", f"v{place}", won, 100)[1]) for place, won in enumerate(wins)]
    frame = pl.DataFrame(rows, schema=tables.schema(WinRates))
    lake.write(WinRates, [frame], days=None, reads={"gold.outcomes": 1}, as_of=as_of, fingerprint=fingerprint("x"))


def same(held):
    fresh = Lake(held.root)
    assert held.hold(WinRates).version == fresh.snapshot(WinRates).version
    assert held.reads_of(WinRates) == fresh.reads_of(WinRates)
    assert_frame_equal(held.hold(WinRates).scan().collect(), fresh.snapshot(WinRates).scan().collect())
    return held.hold(WinRates)


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def test_a_table_is_opened_once_until_it_is_written(lake):
    held = Lake(lake.root)
    assert held.version(WinRates) is None
    assert held.reads_of(WinRates).as_of is None
    write(lake, 1, 2)
    first = same(held)
    assert same(held) is first
    write(lake, 3, as_of=AS_OF + timedelta(days=1))
    assert same(held) is not first
    assert first.scan().collect().height == 2


def test_a_lake_made_anew_in_the_same_place_is_seen(lake):
    held = Lake(lake.root)
    write(lake, 1)
    first = same(held)
    shutil.rmtree(lake.path("gold"))
    assert held.version(WinRates) is None
    write(lake, 2)
    assert same(held) is not first


def test_days_of_an_open_table_are_those_of_the_table(lake):
    rows = [row(EventCounts, event_date=AS_OF.date() - timedelta(days=days), events=days) for days in (1, 2)]
    frame = pl.DataFrame(rows, schema=tables.schema(EventCounts))
    lake.write(EventCounts, [frame], days=None, reads={}, as_of=AS_OF, fingerprint=fingerprint("x"))
    days = [AS_OF.date() - timedelta(days=2)]
    found = lake.hold(EventCounts).scan(days=days).collect()
    assert_frame_equal(found, lake.snapshot(EventCounts).scan(days=days).collect())
    assert found["events"].to_list() == [2]
