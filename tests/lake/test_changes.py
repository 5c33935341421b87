"""What the log says stays right through everything that may happen to a table."""

import shutil
from datetime import date, timedelta

import pytest
from deltalake import DeltaTable, write_deltalake

from kaizenlake.lake import Lake, Reads
from kaizenlake.lake.upkeep.maintain import maintain
from lake.shelves import MIDNIGHT, PRINT, Totals, Visits, day, put, totals, visits


@pytest.fixture
def lake(tmp_path):
    """Three days of visits at version 0."""
    lake = Lake(tmp_path / "lake")
    put(lake, Visits, [visits(0), visits(1), visits(2)])
    return lake


def days(*numbers: int) -> frozenset[date]:
    return frozenset(day(number) for number in numbers)


@pytest.mark.parametrize(
    ("act", "changed"),
    [
        (lambda lake: None, days()),
        (lambda lake: put(lake, Visits, [visits(1)], days=[1]), days(1)),
        (lambda lake: put(lake, Visits, [visits(1), visits(7)], days=[1, 2, 7]), days(1, 2, 7)),
        (lambda lake: put(lake, Visits, [], days=[2]), days(2)),
        (lambda lake: put(lake, Visits, [], days=[9]), days()),
        (lambda lake: put(lake, Visits, [], days=[]), days()),
        (lambda lake: put(lake, Visits, [visits(8)]), days(0, 1, 2, 8)),
        (lambda lake: lake.append(Visits, visits(1, ["cid"])), days(1)),
        (lambda lake: lake.append(Visits, visits(5)), days(5)),
        (lambda lake: lake.append(Visits, visits(5, []), transaction=("landing", 1)), days()),
        (lambda lake: maintain(lake, only=[Visits], keep=timedelta(0)), days()),
        (lambda lake: DeltaTable(lake.uri(Visits)).delete("event_date = '2026-03-03'"), days(2)),
    ],
    ids=[
        "nothing",
        "a day is replaced",
        "days are replaced, emptied and added",
        "a day is emptied",
        "a day without rows is emptied",
        "only reads are recorded",
        "the whole table is replaced",
        "rows are appended to a day",
        "a day is appended",
        "an append of nothing",
        "maintenance",
        "rows are deleted by hand",
    ],
)
def test_the_days_that_changed(lake, act, changed):
    act(lake)

    assert lake.changed_days(Visits, 0) == changed
    assert lake.changed_days(Visits, lake.version(Visits)) == days()


def test_changes_add_up_over_versions(lake):
    lake.append(Visits, visits(3))
    lake.append(Visits, visits(3, ["cid"]))
    put(lake, Visits, [], days=[0])

    assert [lake.changed_days(Visits, since) for since in range(4)] == [days(0, 3), days(0, 3), days(0), days()]


def test_compaction_and_vacuum_hide_no_change_and_are_none(lake):
    for visitor in "cdef":
        lake.append(Visits, visits(1, [visitor]))
    before = lake.version(Visits)

    done = maintain(lake, only=[Visits], keep=timedelta(0))

    assert (done.tables[0].files_before, done.tables[0].files_after) == (7, 3)
    assert done.tables[0].removed == 5
    assert lake.changed_days(Visits, 0) == days(1)
    assert lake.changed_days(Visits, before) == days()
    assert lake.rows(Visits) == 10


@pytest.mark.parametrize("since", [None, 99], ids=["never read", "a version that is not there yet"])
def test_everything_counts_as_changed_where_nothing_is_known(lake, since):
    assert lake.changed_days(Visits, since) is None


def test_everything_counts_as_changed_where_the_log_does_not_reach_back(lake):
    put(lake, Visits, [visits(1)], days=[1])
    lake.append(Visits, visits(3))
    handle = DeltaTable(lake.uri(Visits))
    handle.create_checkpoint()
    for version in (0, 1):
        lake.path("gold", "visits", "_delta_log", f"{version:020d}.json").unlink()

    assert lake.changed_days(Visits, 0) is None
    assert lake.changed_days(Visits, 1) == days(3)
    assert lake.rows(Visits) == 8


def test_a_table_that_is_not_kept_by_day_changed_or_did_not(lake):
    put(lake, Totals, [totals(p1=1)])
    assert lake.changed_days(Totals, 0) == days()

    maintain(lake, only=[Totals], keep=timedelta(0))
    assert lake.changed_days(Totals, 0) == days()

    put(lake, Totals, [totals(p1=1)])
    assert lake.changed_days(Totals, 0) is None


def test_everything_counts_as_changed_when_columns_changed(lake):
    narrow = visits(0).drop("returned")
    write_deltalake(lake.uri(Visits), narrow, mode="overwrite", schema_mode="overwrite", partition_by=["event_date"])
    assert not lake.exists(Visits)

    put(lake, Visits, [visits(0)])

    assert lake.changed_days(Visits, 0) is None
    assert lake.changed_days(Visits, 2) == days()


def test_what_was_read_survives_maintenance_and_the_cleaning_of_the_log(lake):
    lake.write(
        Visits,
        [visits(1)],
        days=[day(1)],
        reads={"bronze.events": 12, "silver.core": 0},
        as_of=MIDNIGHT + timedelta(microseconds=1),
        fingerprint=PRINT,
    )
    expected = Reads({"bronze.events": 12, "silver.core": 0}, MIDNIGHT + timedelta(microseconds=1), PRINT)
    for visitor in "cdef":
        lake.append(Visits, visits(2, [visitor]), transaction=("landing", ord(visitor)))
        maintain(lake, only=[Visits], keep=timedelta(0))
    assert lake.reads_of(Visits) == expected

    DeltaTable(lake.uri(Visits)).create_checkpoint()
    for commit in lake.path("gold", "visits", "_delta_log").glob("*.json"):
        commit.unlink()

    assert lake.reads_of(Visits) == expected
    assert lake.rows(Visits) == 10


def test_many_commits_after_the_write_hide_nothing(lake):
    for number in range(25):
        lake.append(Visits, visits(number + 10, ["ann"]))

    assert lake.reads_of(Visits) == Reads({"bronze.events": 7}, MIDNIGHT, PRINT)


def test_when_rows_were_written_is_not_when_they_were_tended(lake):
    lake.append(Visits, visits(1, ["cid"]))
    written = lake.state(Visits).written_at
    maintain(lake, only=[Visits], keep=timedelta(0))

    assert lake.state(Visits).written_at == written


def test_a_table_moved_to_another_place_says_the_same(lake, tmp_path):
    put(lake, Visits, [visits(1)], days=[1])
    shutil.copytree(lake.path(), tmp_path / "copy")

    copy = Lake(tmp_path / "copy")

    assert copy.changed_days(Visits, 0) == days(1)
    assert copy.reads_of(Visits) == lake.reads_of(Visits)
    assert copy.rows(Visits) == 6
