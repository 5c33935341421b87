"""What comes out as it is stored is left alone, so that what rests on it need not be made again."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from kaizenlake.errors import TableInvalidError
from kaizenlake.lake import Lake
from kaizenlake.lake.changes import Reads
from kaizenlake.lake.read_versions import FILE
from kaizenlake.lake.upkeep.maintain import maintain
from lake.shelves import MIDNIGHT, PRINT, Totals, Visits, day, totals, visits


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def put(lake, table, parts, *, days=None, version=0):
    """Write only what changed; the input is at that version."""
    asked = None if days is None else [day(number) for number in days]
    reads = {"bronze.events": version}
    return lake.write(
        table, parts, days=asked, reads=reads, as_of=MIDNIGHT, fingerprint=PRINT, only_changes=True
    )  # fmt: skip


def changed(lake, table, since):
    return lake.changed_days(table, since)


def test_days_that_come_out_alike_are_no_change(lake):
    put(lake, Visits, [visits(1), visits(2)], days=[1, 2])
    written = put(lake, Visits, [visits(2)[::-1], visits(1, ["somebody", "else"])], days=[1, 2], version=1)
    assert changed(lake, Visits, 0) == {day(1)}
    assert written.rows == visits(2).height + 2
    assert lake.reads_of(Visits).versions == {"bronze.events": 1}


@pytest.mark.parametrize(
    ("again", "days", "expected"),
    [
        ([visits(1)], [1], set()),
        ([visits(1)], [1, 2], {2}),
        ([visits(1)], None, {2}),
        ([visits(1), visits(2)], None, set()),
        ([visits(1), visits(2), visits(3)], None, {3}),
        ([], [1], {1}),
        ([], [5], set()),
    ],
    ids=["alike", "one is gone", "gone of all", "all alike", "one is new", "emptied", "never there"],
)
def test_days_that_are_gone_or_new_are_changes(lake, again, days, expected):
    put(lake, Visits, [visits(1), visits(2)], days=[1, 2])
    put(lake, Visits, again, days=days)
    assert changed(lake, Visits, 0) == {day(number) for number in expected}


def test_a_table_not_kept_by_day_is_left_alone_as_a_whole(lake):
    put(lake, Totals, [totals(p1=1, p2=2)])
    put(lake, Totals, [totals(p2=2), totals(p1=1)], version=1)
    assert changed(lake, Totals, 0) == frozenset()
    assert lake.reads_of(Totals).versions == {"bronze.events": 1}
    assert (lake.version(Totals), lake.rows(Totals)) == (0, 2)
    put(lake, Totals, [totals(p1=1, p2=3)])
    assert changed(lake, Totals, 0) is None
    assert lake.scan(Totals).sort(pl.all()).collect().equals(totals(p1=1, p2=3).sort(pl.all()))


def test_what_came_out_alike_makes_no_commit_and_is_kept_for_later_nights(lake):
    put(lake, Totals, [totals(p1=1)])
    put(lake, Totals, [totals(p1=1)], version=7)
    lake.save_reads()
    later = Lake(lake.root)
    assert (later.version(Totals), later.reads_of(Totals)) == (0, Reads({"bronze.events": 7}, MIDNIGHT, PRINT))
    later.append(Totals, totals(p3=1))
    put(later, Totals, [totals(p1=1)], version=8)
    put(later, Totals, [totals(p1=1)], version=9)
    maintain(later, only=[Totals], keep=timedelta(0))
    assert Lake(lake.root).reads_of(Totals).versions == {"bronze.events": 9}


@pytest.mark.parametrize("fault", ["lost", "damaged", "written since", "never saved"])
def test_what_was_kept_says_nothing_of_another_commit(lake, fault):
    put(lake, Totals, [totals(p1=1)])
    put(lake, Totals, [totals(p1=1)], version=7)
    expected = {"bronze.events": 0}
    if fault != "never saved":
        lake.save_reads()
    match fault:
        case "lost":
            lake.path(FILE).unlink()
        case "damaged":
            lake.path(FILE).write_text('{"gold.totals": {"mark": [')
        case "written since":
            # By somebody who keeps nothing, such as a process that was killed before it could.
            put(Lake(lake.root), Totals, [totals(p1=2)], version=9)
            expected = {"bronze.events": 9}
    assert Lake(lake.root).reads_of(Totals).versions == expected


def test_rows_that_are_let_through_are_checked_and_stored_ones_were(lake):
    put(lake, Visits, [visits(1), visits(2)], days=[1, 2])
    before = lake.frames_validated
    put(lake, Visits, [visits(1)], days=[1])
    assert lake.frames_validated == before
    with pytest.raises(TableInvalidError):
        put(lake, Visits, [visits(1), visits(2, [None])], days=[1, 2])
    with pytest.raises(TableInvalidError, match="comes whole"):
        put(lake, Visits, [visits(1), visits(1)], days=[1])
