"""Nights that are killed, terminated, or met by another: the next night leaves what an undisturbed one would have."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib import resources

import pytest
from deltalake import write_deltalake

from cli.running import environment, kaizen, start
from kaizenlake import context, tables
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust.attested import IS_LOGGED
from kaizenlake.night.run import nightly
from kaizenlake.testing import AS_OF as AS_OF_SAMPLE
from kaizenlake.testing import sample_events
from night.drawn import land

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
SAMPLES = {"agency_events.ndjson": "", "facebook_posts.csv": "facebook_posts", "agent_runs.csv": "agent_runs"}


BORN = []
"""The lake of which all others are copies, so that ids of mapped rows are made alike in them."""


def filled(root):
    """A lake in whose landing folder samples wait."""
    if not BORN:
        first = Lake.create(root.parent / "born")
        land(first, sample_events(5).filter(IS_LOGGED))
        BORN.append(first.root)
    lake = Lake(shutil.copytree(BORN[0], root))
    for name, mapping in SAMPLES.items():
        folder = lake.path("landing", *([mapping] if mapping else []))
        folder.mkdir(exist_ok=True)
        with resources.as_file(resources.files("kaizenlake.samples") / name) as path:
            shutil.copy(path, folder / name)
    return lake


def rows(lake):
    """Every row of every table, without when and from which run it was landed."""
    found = {}
    for table in tables.TABLES:
        frame = lake.scan(table).drop("landed_at", "quarantined_at", "file", "batch", "seal", strict=False).collect()
        found[tables.full_name(table)] = sorted(map(repr, frame.iter_rows()))
    return found


def differences(lake, expected):
    """Up to two rows a table that are in one lake alone."""
    return {
        name: [*(set(held) - set(expected[name])), *(set(expected[name]) - set(held))][:2]
        for name, held in rows(lake).items()
        if held != expected[name]
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    lake = filled(tmp_path_factory.mktemp("undisturbed") / "lake")
    done = nightly(lake, as_of=AS_OF)
    assert done.exit_code == 0, done.errors
    return rows(lake), done.seconds


def wait_for(condition, process, seconds=60):
    """Wait until something is so; False where the process ended before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    raise AssertionError("it took too long")


def records(lake):
    return [json.loads(path.read_bytes()) for path in sorted(lake.path("runs").glob("*.json"))]


def night(lake, **how):
    """A whole night, run to its end."""
    return kaizen(
        "nightly", "--as-of", "2026-03-01", "--lake", lake.root, "--reports", lake.path("..", "reports"), **how
    )


def begin(lake):
    """A night that has begun."""
    before = len(records(lake))
    process = start("nightly", "--as-of", "2026-03-01", "--lake", lake.root, "--reports", lake.path("..", "reports"))
    assert wait_for(lambda: len(records(lake)) > before, process)
    return process


def is_as_undisturbed(lake, expected):
    """After one more night the tables are those of a night that nothing disturbed, and no further night has to work."""
    night(lake)
    assert differences(lake, expected) == {}
    assert records(lake)[-1]["status"] == "done"
    assert "FAILED" not in kaizen("verify", "--lake", lake.root).stdout
    assert "nothing to do" in night(lake).stdout
    assert context.load(lake.path("published")).reason == context.FRESH


@pytest.mark.slow
def test_nights_killed_at_random_moments_then_one_that_ends(tmp_path, undisturbed):
    expected, seconds = undisturbed
    lake = filled(tmp_path / "lake")
    drawn = random.Random(20260301)
    killed = 0
    for _ in range(4):
        process = begin(lake)
        # What a killed night wrote stands, so that the next one has less to do.
        time.sleep(drawn.uniform(0, max(seconds, 0.5) * 0.35))
        process.kill()
        process.communicate()
        # A night may have written that it is done and die on its way out of the interpreter.
        if records(lake)[-1]["status"] == "running":
            assert process.returncode == -signal.SIGKILL
            killed += 1
        loaded = context.load(lake.path("published"))
        assert loaded.reason in {context.FRESH, context.MISSING}, loaded.detail
    assert killed >= 2, "the nights ended before they were killed: nothing was tried"
    is_as_undisturbed(lake, expected)
    assert [record["status"] for record in records(lake)].count("killed") == killed


DIE = """
import os, signal, sys
import pyarrow as pa
from kaizenlake.lake import delta, files
from kaizenlake.night import run
moment, at = sys.argv.pop(1), sys.argv.pop(1)
def die():
    os.kill(os.getpid(), signal.SIGKILL)
real_write = delta.write_deltalake
def write(target, reader, **how):
    where = target if isinstance(target, str) else target.table_uri
    if not where.rstrip("/").endswith(at):
        return real_write(target, reader, **how)
    if moment == "committed":
        real_write(target, reader, **how)
        die()
    def batches():
        yield from reader
        die()
    return real_write(target, pa.RecordBatchReader.from_batches(reader.schema, batches()), **how)
delta.write_deltalake = write
if moment == "published":
    real_publish = run.publish
    def publish(*given):
        real_publish(*given)
        die()
    run.publish = publish
from kaizenlake.cli import main
main()
"""

MOMENTS = [
    # where the next night dies, and the step that is then on record as running
    ("written", "silver/performance", "performance"),
    ("committed", "silver/runs", "runs"),
    ("written", "gold/event_counts", "event_counts"),
    ("committed", "gold/performance_tiers", "performance_tiers"),
    ("written", "gold/win_rates", "win_rates"),
    ("published", "-", "publish"),
]


@pytest.mark.slow
def test_nights_killed_within_and_right_after_the_writes_of_jobs(tmp_path, undisturbed):
    expected, _ = undisturbed
    lake = filled(tmp_path / "lake")
    for moment, at, step in MOMENTS:
        words = ["nightly", "--as-of", "2026-03-01", "--lake", str(lake.root), "--reports", str(tmp_path / "reports")]
        died = subprocess.run(
            [sys.executable, "-c", DIE, moment, at, *words],
            env=environment(),
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert died.returncode == -signal.SIGKILL, (died.stdout, died.stderr)
        assert [item["name"] for item in records(lake)[-1]["steps"] if item["status"] == "running"] == [step]
    is_as_undisturbed(lake, expected)
    assert [record["status"] for record in records(lake)].count("killed") == len(MOMENTS)


@pytest.mark.slow
def test_a_terminated_night_says_so_and_of_the_next_two_at_once_one_runs_and_the_other_is_turned_away(
    tmp_path, undisturbed
):
    lake = filled(tmp_path / "lake")
    terminated = begin(lake)
    terminated.terminate()
    _, said = terminated.communicate(timeout=60)
    assert terminated.returncode == 143, said
    assert said == "Stopped by SIGTERM.\n"
    (record,) = records(lake)
    assert (record["status"], record["exit_code"]) == ("terminated", 143)
    assert record["ended_at"] is not None
    assert all(step["status"] != "running" for step in record["steps"])

    first = begin(lake)
    first.send_signal(signal.SIGSTOP)
    try:
        turned_away = night(lake, code=3)
    finally:
        first.send_signal(signal.SIGCONT)
    assert turned_away.stderr.startswith("error [locked]: Another run holds the lake: 'kaizen nightly'")
    assert f"process {first.pid}" in turned_away.stderr
    _, said = first.communicate(timeout=120)
    assert first.returncode == 0, said
    assert [record["status"] for record in records(lake)] == ["terminated", "done"]
    assert differences(lake, undisturbed[0]) == {}


@pytest.mark.parametrize("table", [tables.Performance, tables.EventCounts, tables.WinRates])
def test_a_table_of_an_older_declaration_is_made_anew_by_the_next_night(tmp_path, finished, table):
    """A column that the table no longer has, and one that it has only now."""
    lake = Lake(shutil.copytree(finished, tmp_path / "lake"))
    expected = rows(lake)
    columns = tables.schema(table).names()
    lost = next(name for name in reversed(columns) if name not in {"event_date", *tables.grain(table)})
    partition = tables.partition(table)
    write_deltalake(
        lake.uri(table),
        lake.scan(table).rename({lost: "of_old"}).collect().to_arrow(),
        mode="overwrite",
        schema_mode="overwrite",
        partition_by=[partition] if partition else None,
    )
    assert lake.version(table) is None
    done = nightly(Lake(lake.root), as_of=AS_OF_SAMPLE)
    assert done.exit_code == 0, done.errors
    step = next(item for item in done.steps if item.writes == tables.full_name(table))
    assert (step.status, step.why) == ("done", ("it was never computed",))
    assert differences(lake, expected) == {}
    assert nightly(Lake(lake.root), as_of=AS_OF_SAMPLE).changed is False


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Folder of a lake of sample events after its night."""
    lake = Lake.create(tmp_path_factory.mktemp("finished") / "lake")
    land(lake, sample_events(150).filter(IS_LOGGED))
    assert nightly(lake, as_of=AS_OF_SAMPLE).exit_code == 0
    return lake.path()
