"""A landing that is killed at any moment, done again, ends in the tables of one that was not."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.events.write.spool import Spool
from kaizenlake.lake.formats import IdSalt
from kaizenlake.lake.landing.landing import land, land_folder, retry
from kaizenlake.lake.store import Lake
from kaizenlake.lake.upkeep import recount
from kaizenlake.night.verify import checks
from lake.landed import NOW, lead, ndjson, put

LAND = """
import sys
from datetime import UTC, datetime
from kaizenlake.lake.formats import IdSalt
IdSalt.draw = classmethod(lambda cls: cls((1, 2)))
from kaizenlake.lake.landing import batch
from kaizenlake.lake.readers import chunks
from kaizenlake.lake.landing.landing import land_folder
from kaizenlake.lake.store import Lake
chunks.CHUNK_LINES, batch.BATCH_LINES = 100, 300
print("ready", flush=True)
sys.stdin.readline()
land_folder(Lake(sys.argv[1]), now=datetime(2026, 3, 1, tzinfo=UTC))
print("done", flush=True)
"""

DEALS = "Record ID,Create Date,Deal Stage,Close Date\n" + "".join(
    f"{place},2026-01-{place % 28 + 1:02},closedwon,{'soon' if place % 50 == 0 else '2026-02-01'}\n"
    for place in range(400)
)


def fill(root: Path) -> Lake:
    """A lake with files that hold good lines, repeated ones, conflicts and poison."""
    lake = Lake.create(root)
    for name in range(3):
        events = [lead(f"e{place}", f"l{place % 997}") for place in range(name * 400, name * 400 + 700)]
        events += [lead(f"e{place}", "another") for place in range(name * 400, name * 400 + 30)]
        put(
            lake.path("landing", f"{name}.ndjson"),
            ndjson(*events) + b"poison\n" * 3 + ndjson(lead(f"last{name}"))[:-20],
        )
    put(lake.path("landing", "crm_deals", "deals.csv"), DEALS.encode())
    return lake


def bronze(lake: Lake) -> list[pl.DataFrame]:
    """Every row, without the seals of batches: how many a landing made follows from where it was killed."""
    return [
        lake.scan(table).sort(tables.grain(table)).drop("batch", "seal", strict=False).collect()
        for table in tables.BRONZE
    ]


@pytest.fixture(autouse=True, scope="module")
def _of_one_salt():
    """Ids of mapped rows are made with what each lake draws; the lakes that are compared here draw the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IdSalt, "draw", classmethod(lambda cls: cls((1, 2))))
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    lake = fill(tmp_path_factory.mktemp("undisturbed"))
    started = time.monotonic()
    found = land_folder(lake, now=NOW)
    assert found.lines_in == found.landed + found.duplicate + found.quarantined
    return bronze(lake), time.monotonic() - started


DIE = """
import os, signal, sys
from datetime import UTC, datetime
from kaizenlake.lake.formats import IdSalt
IdSalt.draw = classmethod(lambda cls: cls((1, 2)))
from kaizenlake.lake import delta
from kaizenlake.lake.landing import batch, landing
from kaizenlake.lake.readers import chunks
from kaizenlake.lake.landing.landing import land_folder
from kaizenlake.lake.store import Lake
chunks.CHUNK_LINES, batch.BATCH_LINES = 100, 300
moment, count = sys.argv[2], int(sys.argv[3])
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def dying(real, *, after):
    def call(*given, **named):
        global count
        count -= 1
        if count == 0 and not after:
            die()
        found = real(*given, **named)
        if count == 0:
            die()
        return found
    return call
def torn(target, reader, **how):
    # Killed while the data files are written: some are there, the commit is not.
    global count
    count -= 1
    if count:
        return real_write(target, reader, **how)
    def batches():
        yield from reader
        die()
    import pyarrow as pa
    return real_write(target, pa.RecordBatchReader.from_batches(reader.schema, batches()), **how)
real_write = delta.write_deltalake
if moment == "written":
    delta.write_deltalake = torn
elif moment == "committed":
    delta.write_deltalake = dying(real_write, after=True)
elif moment == "moved":
    landing._move = dying(landing._move, after=True)
land_folder(Lake(sys.argv[1]), now=datetime(2026, 3, 1, tzinfo=UTC))
"""

MOMENTS = [
    # what it dies of: within a write of data files, right after a commit, after a file was moved; and which of them
    ("written", 1),  # the first events
    ("committed", 1),  # events are there, their poison is not
    ("committed", 2),  # so is the poison, the files are not booked
    ("written", 5),
    ("committed", 6),
    ("committed", 8),
    ("moved", 1),
    ("moved", 3),
]


def is_as_undisturbed(lake, expected):
    """Land what is left; the tables are those of a landing that nothing disturbed, and what is counted is there."""
    found = land_folder(lake, now=NOW)
    assert found.lines_in == found.landed + found.duplicate + found.quarantined
    for table, ours, theirs in zip(tables.BRONZE, bronze(lake), expected, strict=True):
        assert ours.equals(theirs), tables.name(table)
    landings, events = lake.scan(tables.Landings).collect(), lake.rows(tables.Events)
    assert landings["landed"].sum() == events
    assert landings["quarantined"].sum() == lake.rows(tables.Quarantine)
    assert not [path for path in lake.path("landing").rglob("*") if path.is_file() and "done" not in path.parts]


@pytest.mark.parametrize(("moment", "count"), MOMENTS)
def test_killed_at_each_moment_and_done_again_it_gives_the_same_tables(tmp_path, undisturbed, moment, count):
    lake = fill(tmp_path / "lake")
    command = [sys.executable, "-c", DIE, str(lake.root), moment, str(count)]
    died = subprocess.run(command, check=False, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    is_as_undisturbed(lake, undisturbed[0])


@pytest.mark.parametrize("seed", range(3))
def test_killed_again_and_again_and_done_again_it_gives_the_same_tables(tmp_path, undisturbed, seed):
    expected, seconds = undisturbed
    lake = fill(tmp_path / "lake")
    draw = random.Random(seed)
    killed = 0
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", LAND, str(lake.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.stdin.write("go\n")
            process.stdin.flush()
            time.sleep(draw.uniform(0.0, 0.7) * seconds)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL and "done" not in process.stdout.read()
    assert killed, "every landing ended before it was killed: nothing was tried"
    is_as_undisturbed(lake, expected)


@pytest.mark.parametrize(("moment", "count"), [("written", 1), ("committed", 1), ("committed", 2), ("committed", 3)])
def test_killed_while_it_reads_what_a_segment_has_grown_by_nothing_is_lost_or_twice(tmp_path, moment, count):
    lake = Lake.create(tmp_path / "lake")
    spool = Spool(lake.root)
    batches = [
        [lead(f"e{place}", f"l{place % 97}") for place in range(start, start + 250)]
        + [lead(f"e{place}", "another") for place in range(start, start + 20)]
        for start in (0, 200, 400)
    ]
    spool.write(ndjson(*batches[0]))
    assert land_folder(lake, now=NOW - timedelta(days=1)).landed == 250
    spool.write(ndjson(*batches[1]) + b"poison\n")
    command = [sys.executable, "-c", DIE, str(lake.root), moment, str(count)]
    died = subprocess.run(command, check=False, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    # The writer lived on.
    spool.write(ndjson(*batches[2]))
    spool.close()
    land_folder(lake, now=NOW + timedelta(days=1))
    alone = Lake.create(tmp_path / "alone")
    (done,) = lake.path("landing", "done").rglob("*.ndjson")
    land(alone, done, now=NOW)
    for table, keys in (
        (tables.Events, ["event_id", "line"]),
        (tables.Quarantine, ["line", "rules", "raw", "file_hash"]),
    ):
        ours, theirs = (item.scan(table).select(keys).sort("line").collect() for item in (lake, alone))
        assert ours.equals(theirs), tables.name(table)
    landings = lake.scan(tables.Landings).collect()
    assert landings["landed"].sum() == lake.rows(tables.Events) == 650
    assert landings["quarantined"].sum() == lake.rows(tables.Quarantine) == 61


def grow(file: Path, first: int, last: int) -> None:
    with file.open("ab") as stream:
        stream.write(ndjson(*(lead(f"e{place}") for place in range(first, last))))


def killed_after_its_append(lake: Lake, *paths: Path) -> None:
    """A landing of files, or of the landing folder, that is killed once its events are there."""
    code = DIE.replace("moment, count = sys.argv[2], int(sys.argv[3])", "moment, count = 'committed', 1")
    code = code.replace("datetime(2026, 3, 1, tzinfo=UTC)", "datetime.now(UTC)")
    if paths:
        code = code.replace("land_folder(Lake(sys.argv[1])", "landing.land(Lake(sys.argv[1]), sys.argv[2:]")
    died = subprocess.run(
        [sys.executable, "-c", code, str(lake.root), *map(str, paths)], check=False, capture_output=True, text=True
    )
    assert died.returncode == -signal.SIGKILL, died.stderr


def test_what_a_killed_landing_brought_is_counted_by_the_next_one_and_by_no_later(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    file = tmp_path / "grows.ndjson"
    grow(file, 0, 100)
    killed_after_its_append(lake, file)
    assert lake.rows(tables.Events) == 100
    counts = []
    for size in (100, 110, 120):
        grow(file, max(100, size - 10), size)
        found = land(lake, file)
        counts.append((found.lines_in, found.landed, found.duplicate))
    assert counts == [(100, 100, 0), (110, 10, 100), (120, 10, 110)]
    grow(file, 120, 130)
    killed_after_its_append(lake, file)
    grow(file, 130, 140)
    killed_after_its_append(lake, file)
    found = land(lake, file)
    assert (found.lines_in, found.landed, found.duplicate) == (140, 20, 120)
    landings = lake.scan(tables.Landings).collect()
    assert landings["landed"].sum() == lake.rows(tables.Events) == 140
    assert not [check for check in checks(lake) if check.error is not None]


def test_what_a_retry_landed_is_no_later_files(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    file = put(tmp_path / "grows.ndjson", ndjson(lead("a"), lead("b", occurred_at="2026-03-03T12:00:00Z")))
    assert land(lake, file, now=NOW).quarantined == 1
    assert retry(lake, now=NOW + timedelta(days=4)).landed == 1
    grow(file, 0, 10)
    found = land(lake, file, now=NOW + timedelta(days=5))
    assert (found.lines_in, found.landed, found.duplicate) == (12, 10, 2)


def test_a_lake_that_counted_lines_again_is_found_and_mended(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    file = tmp_path / "grows.ndjson"
    grow(file, 0, 100)
    killed_after_its_append(lake, file)
    for size in (100, 110, 120):
        grow(file, max(100, size - 10), size)
        land(lake, file)
    right = lake.scan(tables.Landings).sort("landed_at").collect()
    # As the version before counted them.
    damage = pl.Series([0, 100, 100])
    lake.rewrite(
        tables.Landings,
        lambda held: (
            held.scan()
            .sort("landed_at")
            .collect()
            .with_columns(pl.col("landed") + damage, pl.col("duplicate") - damage)
        ),
    )
    (error,) = [check.error for check in checks(lake) if check.error is not None]
    assert "2 files counted 200 lines as landed" in str(error)
    assert "kaizen verify --mend" in error.hint
    assert recount.mend(lake) == 2
    assert lake.scan(tables.Landings).sort("landed_at").collect().equals(right)
    assert recount.mend(lake) == 0
    assert not [check for check in checks(lake) if check.error is not None]


def test_events_that_are_missing_are_no_counts_to_mend(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    land(lake, put(tmp_path / "a.ndjson", ndjson(*(lead(f"e{place}") for place in range(10)))), now=NOW)
    lake.rewrite(tables.Events, lambda held: held.scan().head(8).collect())
    assert recount.mend(lake) == 0
    assert any("count 10 events, and the lake holds 8" in str(check.error) for check in checks(lake))
