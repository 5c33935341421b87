"""A landing that is killed at any moment, done again, ends in the tables of one that was not."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.lake.landing import land_folder
from kaizenlake.lake.store import Lake
from lake.landed import NOW, lead, ndjson, put

LAND = """
import sys
from datetime import UTC, datetime
from kaizenlake.lake import batch, reading
from kaizenlake.lake.landing import land_folder
from kaizenlake.lake.store import Lake
reading.CHUNK_LINES, batch.BATCH_LINES = 100, 300
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
    return [lake.scan(table).sort(tables.grain(table)).collect() for table in tables.BRONZE]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    lake = fill(tmp_path_factory.mktemp("undisturbed"))
    started = time.monotonic()
    found = land_folder(lake, now=NOW)
    assert found.lines_in == found.landed + found.duplicate + found.quarantined
    return bronze(lake), time.monotonic() - started


@pytest.mark.parametrize("seed", range(6))
def test_killed_again_and_again_and_done_again_it_gives_the_same_tables(tmp_path, undisturbed, seed):
    expected, _ = undisturbed
    lake = fill(tmp_path / "lake")
    draw = random.Random(seed)
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", LAND, str(lake.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.stdin.write("go\n")
            process.stdin.flush()
            time.sleep(draw.uniform(0.01, 0.9))
            process.send_signal(signal.SIGKILL)
    found = land_folder(lake, now=NOW)
    assert found.lines_in == found.landed + found.duplicate + found.quarantined
    for table, ours, theirs in zip(tables.BRONZE, bronze(lake), expected, strict=True):
        assert ours.equals(theirs), tables.name(table)
    # What the landings count is what the lake holds.
    landings, events = lake.scan(tables.Landings).collect(), lake.rows(tables.Events)
    assert landings["landed"].sum() == events
    assert landings["quarantined"].sum() == lake.rows(tables.Quarantine)
    assert not [path for path in lake.path("landing").rglob("*") if path.is_file() and "done" not in path.parts]
