"""A publisher that is killed, at any moment, leaves a whole publication behind."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from kaizenlake import context as reader
from kaizenlake.errors import VerificationError
from kaizenlake.lake import files
from kaizenlake.lake.store import Lake
from kaizenlake.publish.signed.documents import publish_contexts, verify
from publish.context_frames import AS_OF, NOW, copied, fill, project, story

PUBLISH_WITHOUT_END = """
import sys
from datetime import datetime, timedelta
from kaizenlake.lake.store import Lake
from kaizenlake.publish.signed.documents import publish_contexts
lake, now, as_of = Lake(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
print("ready", flush=True)
while True:
    now += timedelta(days=1)
    publish_contexts(lake, as_of=as_of, generated_at=now, run_id="endless")
"""

DIE_AT_A_STEP = """
import os, signal, sys
from datetime import datetime
from kaizenlake.lake.store import Lake
from kaizenlake.publish.signed import documents
step, flush, count = int(sys.argv[4]), os.fsync, 0
def die_at_the_step(descriptor):
    global count
    count += 1
    if count == step:
        os.kill(os.getpid(), signal.SIGKILL)
    flush(descriptor)
os.fsync = die_at_the_step
lake, now, as_of = Lake(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
documents.publish_contexts(lake, as_of=as_of, generated_at=now, run_id="dying")
print(count, flush=True)
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    made = Lake.create(tmp_path_factory.mktemp("filled") / "lake")
    fill(made, *story(), project("p3"), project("p4"))
    return made


@pytest.fixture
def lake(filled, tmp_path):
    return copied(filled, tmp_path / "lake")


def command(code, lake, now, *more):
    return [sys.executable, "-c", code, str(lake.root), now.isoformat(), AS_OF.isoformat(), *map(str, more)]


def leftovers(lake):
    return [path.name for path in lake.path("published").rglob("*") if path.name.startswith(files.ASIDE)]


def is_whole(lake):
    """Everything that can be reached is whole and of one publication."""
    reader.forget()
    verified = verify(lake)
    for scope in ({}, {"project": "p1"}, {"project": "p4"}):
        loaded = reader.load(lake.path("published"), **scope)
        assert loaded.sequence == verified.sequence
        assert not loaded.is_default
        assert not reader.load_evidence(lake.path("published"), **scope).is_default
    return verified.sequence


def test_published_files_are_whole_after_kill_9_at_random_moments(lake):
    draw, now, sequence = random.Random(20261102), NOW, 0
    for _ in range(4):
        process = subprocess.Popen(command(PUBLISH_WITHOUT_END, lake, now), stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        while not lake.path("published", "latest.json").exists():
            time.sleep(0.005)
        time.sleep(draw.uniform(0.0, 0.5))
        process.kill()
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
        assert is_whole(lake) >= sequence
        sequence = is_whole(lake)
        now = reader.load(lake.path("published")).generated_at
    after = publish_contexts(lake, as_of=AS_OF, generated_at=now + timedelta(days=9), run_id="after")
    assert is_whole(lake) == after.sequence > sequence
    assert not leftovers(lake)


@pytest.mark.parametrize(
    ("published", "step", "current"),
    [
        # publications before, flush to the disk at which it dies -> the current publication then
        (0, 2, 0),  # the key is written
        (0, 5, 0),  # the documents are written
        (0, 14, 0),  # the copy of the index is there
        (0, 15, 0),  # the index is written aside
        (0, 17, 1),  # the index was swapped
        (1, 3, 1),  # the copy of the index is written
        (1, 5, 1),  # the index is written aside
        (1, 6, 2),  # the index was swapped
    ],
)
def test_kill_9_while_a_file_is_flushed_leaves_the_former_publication_or_the_new_one(lake, published, step, current):
    if published:
        publish_contexts(lake, as_of=AS_OF, generated_at=NOW, run_id="before")
    later = NOW + timedelta(days=3)
    done = subprocess.run(command(DIE_AT_A_STEP, lake, later, step), check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    if current:
        assert is_whole(lake) == current
    else:
        with pytest.raises(VerificationError, match="Nothing is published"):
            verify(lake)
        assert reader.load(lake.path("published")).reason == reader.MISSING
    again = publish_contexts(lake, as_of=AS_OF, generated_at=later, run_id="again")
    assert again.unchanged is (current > published)
    assert is_whole(lake) == again.sequence
    if not again.unchanged:
        assert not leftovers(lake)
        named = {
            one["file"]
            for index in lake.path("published", "indexes").iterdir()
            for entry in json.loads(index.read_bytes())["signed"]["entries"]
            for one in (entry, entry["evidence"])
        }
        places = (lake.path("published", place) for place in ("contexts", "evidence"))
        assert {f"{place.name}/{path.name}" for place in places for path in place.iterdir()} == named
