"""Writers that are killed, and writers that race: a table is as before or as after, and nothing is lost or doubled."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kaizenlake.errors import WriteConflictError
from kaizenlake.lake import Lake
from kaizenlake.lake.upkeep.maintain import maintain
from lake.shelves import MIDNIGHT, PRINT, Visits, day, held, put, visits

TESTS = Path(__file__).parents[1]

WRITE = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
import polars as pl
import deltalake
from lake.shelves import MIDNIGHT, PRINT, Visits, day, visits
from kaizenlake import tables
from kaizenlake.lake import Lake
lake = Lake(sys.argv[1])
rows = [visits(number, [f"v{{place}}" for place in range(300)]) for number in range(12)]
generation = lake.reads_of(Visits).versions.get("bronze.events", 0)
tables.check(Visits, rows[0])  # what a first write loads is no part of it
print("ready", flush=True)
while True:
    generation += 1
    parts = (part.with_columns(pages=pl.lit(generation, pl.Int64)) for part in rows)
    whole = generation % 3 == 0
    days = None if whole else [day(number) for number in range(12)]
    lake.write(Visits, parts, days=days, reads={{"bronze.events": generation}}, as_of=MIDNIGHT, fingerprint=PRINT)
"""

APPEND = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
from lake.shelves import Visits, visits
from kaizenlake.lake import Lake
lake, name = Lake(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
added = 0
for number in range(8):
    def new(there):
        wanted = visits(number, ["ann", "bob", "cid"])
        return wanted.join(there.scan(days=wanted["event_date"].unique()).collect(), on="visitor", how="anti")
    if written := lake.append(Visits, new):
        added += written.rows
print(added, flush=True)
"""


def start(code: str, *words: str) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.slow
def test_a_killed_write_leaves_the_table_as_before_or_as_after(tmp_path):
    lake, chance, seen = Lake(tmp_path), random.Random(20_260_301), set()
    for _ in range(6):
        with start(WRITE, str(tmp_path)) as process:
            time.sleep(chance.uniform(0.02, 0.9))
            process.send_signal(signal.SIGKILL)
        if not lake.exists(Visits):
            assert lake.scan(Visits).collect().is_empty()
            continue
        generation = lake.reads_of(Visits).versions["bronze.events"]
        assert held(lake) == {day(number): {f"v{place}": generation for place in range(300)} for number in range(12)}
        seen.add(generation)
    # The kills fell into a table that was being written to.
    assert len(seen) > 2
    assert max(seen) > len(seen)

    maintain(lake, only=[Visits])
    assert lake.rows(Visits) == 3600


def test_of_racing_appends_each_row_lands_once(tmp_path):
    lake = Lake(tmp_path)
    put(lake, Visits, [visits(0, ["ann"])])
    racers = [start(APPEND, str(tmp_path), str(number)) for number in range(3)]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    added = [int(racer.communicate(timeout=60)[0]) for racer in racers]

    assert [racer.returncode for racer in racers] == [0, 0, 0]
    rows = lake.scan(Visits).collect()
    assert rows.height == rows.select("event_date", "visitor").n_unique() == 24
    assert sum(added) == 23


def test_a_racing_first_append_makes_the_table_once(tmp_path):
    racers = [start(APPEND, str(tmp_path), str(number)) for number in range(2)]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    added = [int(racer.communicate(timeout=60)[0]) for racer in racers]

    assert sum(added) == Lake(tmp_path).rows(Visits) == 24


@pytest.mark.parametrize("days", [None, [0, 1], [5]], ids=["whole", "same days", "other days"])
def test_of_two_writes_from_one_version_the_later_is_refused(tmp_path, days):
    lake = Lake(tmp_path)
    put(lake, Visits, [visits(0), visits(1)])

    def parts():
        # Another run writes while this one computes.
        put(lake, Visits, [visits(0, ["other"])], days=[0])
        yield visits(5)

    with pytest.raises(WriteConflictError):
        lake.write(
            Visits,
            parts(),
            days=None if days is None else [day(number) for number in {*days, 5}],
            reads={"bronze.events": 8},
            as_of=MIDNIGHT,
            fingerprint=PRINT,
        )

    assert lake.version(Visits) == 1
    assert held(lake) == {day(0): {"other": 1}, day(1): {"ann": 1, "bob": 1}}
    assert lake.reads_of(Visits).versions == {"bronze.events": 7}


def test_an_append_between_is_seen_by_the_append_that_follows(tmp_path):
    lake = Lake(tmp_path)
    put(lake, Visits, [visits(0, ["ann"])])
    asked = []

    def new(there):
        known = set(there.scan().collect()["visitor"])
        asked.append(known)
        if len(asked) == 1:
            lake.append(Visits, visits(0, ["bob"]))
        return visits(0, [name for name in ("ann", "bob", "cid") if name not in known])

    assert lake.append(Visits, new, transaction=("landing", 1)).rows == 1

    assert asked == [{"ann"}, {"ann", "bob"}]
    assert held(lake)[day(0)].keys() == {"ann", "bob", "cid"}


def test_an_append_that_always_loses_gives_up_and_writes_nothing(tmp_path):
    lake = Lake(tmp_path)
    put(lake, Visits, [visits(0, ["ann"])])
    tries = []

    def never(there):
        tries.append(there.version)
        lake.append(Visits, visits(0, [f"other{len(tries)}"]))
        return visits(0, ["mine"])

    with pytest.raises(WriteConflictError):
        lake.append(Visits, never)

    assert tries == sorted(set(tries))
    assert "mine" not in held(lake)[day(0)]


def test_plain_appends_line_up_behind_one_another(tmp_path):
    lake = Lake(tmp_path)
    put(lake, Visits, [visits(0)])
    old = lake.snapshot(Visits)
    lake.append(Visits, visits(1))

    from kaizenlake.lake import delta

    delta.commit(Visits, old.handle, [visits(2)], delta.CommitPlan(transactions={}, append=True, retries=delta.RETRIES))

    assert set(held(lake)) == {day(0), day(1), day(2)}
