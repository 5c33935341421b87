"""Nights that are killed, terminated, or met by another: the next night leaves what an undisturbed one would have."""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
from datetime import UTC, datetime
from importlib import resources

import pytest

from cli.running import kaizen, start
from kaizenlake import context, tables
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
SAMPLES = {"agency_events.ndjson": "", "facebook_posts.csv": "facebook_posts", "agent_runs.csv": "agent_runs"}


def filled(root):
    """A lake in whose landing folder samples wait."""
    lake = Lake.create(root)
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
        frame = lake.scan(table).drop("landed_at", "quarantined_at", "file", strict=False).collect()
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


def steps_done(lake):
    return [sum(step["status"] == "done" for step in record["steps"]) for record in records(lake)]


@pytest.mark.slow
def test_nights_killed_at_random_moments_then_one_that_ends(tmp_path, undisturbed):
    expected, seconds = undisturbed
    lake = filled(tmp_path / "lake")
    drawn = random.Random(20260301)
    killed = 0
    for number in range(6):
        night = start("nightly", "--as-of", "2026-03-01", "--lake", lake.root, "--reports", tmp_path / "reports")
        begun = wait_for(lambda number=number: len(records(lake)) > number, night)
        assert begun
        time.sleep(drawn.uniform(0, max(seconds, 0.5) * 0.8))
        night.kill()
        night.communicate()
        killed += night.returncode == -signal.SIGKILL
        loaded = context.load(lake.path("published"))
        assert loaded.reason in {context.FRESH, context.MISSING}, loaded.detail
    assert killed >= 3, "the nights ended before they were killed: nothing was tried"
    kaizen("nightly", "--as-of", "2026-03-01", "--lake", lake.root, "--reports", tmp_path / "reports")
    assert differences(lake, expected) == {}
    told = [record["status"] for record in records(lake)]
    assert told.count("killed") == killed
    assert told[-1] == "done"
    assert "FAILED" not in kaizen("verify", "--lake", lake.root).stdout
    assert (
        "nothing to do"
        in kaizen("nightly", "--as-of", "2026-03-01", "--lake", lake.root, "--reports", tmp_path / "reports").stdout
    )


@pytest.mark.slow
def test_a_terminated_night_says_so_and_another_at_the_same_time_is_turned_away(tmp_path, undisturbed):
    expected, _ = undisturbed
    lake = filled(tmp_path / "lake")
    night = start("nightly", "--as-of", "2026-03-01", "--lake", lake.root, "--reports", tmp_path / "reports")
    assert wait_for(lambda: len(records(lake)) == 1, night)
    night.send_signal(signal.SIGSTOP)
    try:
        turned_away = kaizen("nightly", "--lake", lake.root, "--reports", tmp_path / "reports", code=3)
    finally:
        night.send_signal(signal.SIGCONT)
    assert turned_away.stderr.startswith("error [locked]: Another run holds the lake: 'kaizen nightly'")
    night.terminate()
    _, said = night.communicate(timeout=60)
    assert night.returncode == 143, said
    assert said == "Stopped by SIGTERM.\n"
    (record,) = records(lake)
    assert (record["status"], record["exit_code"]) == ("terminated", 143)
    assert record["ended_at"] is not None
    assert all(step["status"] != "running" for step in record["steps"])
    kaizen("nightly", "--as-of", "2026-03-01", "--lake", lake.root, "--reports", tmp_path / "reports")
    assert differences(lake, expected) == {}
