"""Applications log at full speed while nights and landings run: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from cli.running import environment, kaizen
from kaizenlake import tables
from kaizenlake.lake.landing.landing import land_folder
from kaizenlake.lake.store import Lake
from kaizenlake.night.artifact import runs
from kaizenlake.night.run import nightly

PROCESSES = 4
RATE = 275
"""Events a second of each process: more than 1,000 together."""

SECONDS = float(os.environ.get("LOGGING_SECONDS", "15"))
"""A minute and more was tried by hand; each night of it meets all that a longer one meets."""

LOG = """
import random, sys, threading, time
import kaizenlake

number, rate, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
kaizenlake.configure(source=f"app-{number}")
draw, kept = random.Random(number), []
print("ready", flush=True)
sys.stdin.readline()
began = time.monotonic()
for place in range(int(rate * seconds)):
    ahead = began + place / rate - time.monotonic()
    if ahead > 0:
        time.sleep(ahead)
    if place % 50 == 49:
        # The same call once more, as an application does that heard no answer.
        name, at = draw.choice(kept)
        kaizenlake.log_lead_created(name, event_id=name, occurred_at=at, source="website")
    else:
        name = f"{number}-{place}"
        at = f"2026-03-{place % 5 + 1:02}T00:00:00Z"
        kaizenlake.log_lead_created(name, event_id=name, occurred_at=at, source="website")
        kept.append((name, at))
    if place % 400 == 399:
        # A segment is closed, and so renamed, at any moment of a landing.
        kaizenlake.close()
took = time.monotonic() - began
if number:
    # The last process ends without closing, as one that is killed does; its segment is landed as an abandoned one.
    kaizenlake.close()
print(took, len(kept), place + 1, flush=True)
if not number:
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_loggers_at_full_speed_while_nights_land(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    loggers = [
        subprocess.Popen(
            [sys.executable, "-c", LOG, str(number), str(RATE), str(SECONDS)],
            env=environment(KAIZEN_LAKE=str(lake.root)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    assert [logger.stdout.readline() for logger in loggers] == ["ready\n"] * PROCESSES
    began = time.monotonic()
    for logger in loggers:
        logger.stdin.write("go\n")
        logger.stdin.flush()
    as_of, nights, landings = datetime(2026, 3, 4, tzinfo=UTC), 0, []
    while any(logger.poll() is None for logger in loggers):
        if nights % 4 == 3:
            # A landing beside the nights' own, as an operator runs it.
            landings.append(land_folder(lake))
        done = nightly(lake, as_of=as_of + timedelta(days=nights % 3))
        assert done.exit_code == 0, done.errors
        nights += 1
    assert time.monotonic() - began >= SECONDS * 0.9
    told = [logger.communicate()[0].split() for logger in loggers]
    logged, written = sum(int(kept) for _, kept, _ in told), sum(int(calls) for _, _, calls in told)
    rate = written / max(float(took) for took, _, _ in told)
    assert rate >= 1_000, f"only {rate:.0f} events/s were logged"
    assert nights >= 2
    kaizen("nightly", "--as-of", "2026-03-09", "--lake", lake.root, "--reports", tmp_path / "reports")

    # Nothing lost, nothing twice.
    expected = {
        f"{number}-{place}" for number in range(PROCESSES) for place in range(int(RATE * SECONDS)) if place % 50 != 49
    }
    assert len(expected) == logged
    found = Counter(lake.scan(tables.Events).select("event_id").collect()["event_id"])
    assert expected - found.keys() == set()
    assert found.keys() - expected == set()
    assert found.total() == len(expected)
    assert lake.rows(tables.Quarantine) == 0

    # Each landing accounted for each of its lines, and what they landed together is what the lake holds.
    nights_landed = [run.landing for run in runs(lake.path("runs")) if run.landing is not None]
    assert len(nights_landed) == nights + 1
    for landing in [*nights_landed, *landings]:
        assert landing.lines_in == landing.landed + landing.duplicate + landing.quarantined
    assert sum(landing.landed for landing in [*nights_landed, *landings]) == len(expected)
    assert lake.scan(tables.EventCounts).select(pl.col("events").sum()).collect().item() == len(expected)
    sources = lake.scan(tables.SourceFreshness).sort("source").collect()
    assert sources["source"].to_list() == [f"app-{number}" for number in range(PROCESSES)]

    # Everything was taken out of the landing folder, and each line that was written lies where landed files lie.
    assert [path.name for path in lake.path("landing").iterdir()] == ["done"]
    lines = sum(path.read_bytes().count(b"\n") for path in lake.path("landing", "done").rglob("*.ndjson"))
    assert lines == written
