"""Ticks that are killed with SIGKILL at any moment: no task is lost, and no effect comes twice where its key is honoured."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

from kaizenlake.decide.agency import schedule, tasks
from kaizenlake.decide.agency.scheduler import SchedulerRepository, SchedulerRuntime, TaskResult
from kaizenlake.decide.agency.tasks import TaskDraft
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
KILLS = int(os.environ.get("TICK_KILLS", "3"))
"""Times that a tick is killed; TICK_KILLS asks for more."""
NAMES = [f"t{number}" for number in range(max(6, KILLS // 3))]
"""So many tasks that ticks have some to do until the end."""

TICKS = """
import sys
from datetime import datetime
from pathlib import Path
from kaizenlake.decide.agency.scheduler import SchedulerRepository, SchedulerRuntime, TaskResult
folder, now = Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2])

def execute(claim):
    (folder / "effects" / claim.execution_id).touch(exist_ok=True)
    return TaskResult("completed")

runtime = SchedulerRuntime(SchedulerRepository(str(folder / "lake")), execute, dry_run=False)
runtime.tick(now, 0)
print("ready", flush=True)
runtime.tick(now, 100)
"""


def test_ticks_that_are_killed_lose_no_task_and_repeat_no_effect(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    effects = tmp_path / "effects"
    effects.mkdir()
    drafts = [TaskDraft("acme", "email_rewrite", task_id=name) for name in NAMES]
    tasks.propose(lake, lambda _: drafts, by="ann")
    for name in NAMES:
        tasks.approve(lake, name, by="bob")
        schedule.schedule_task(lake, name, START)
    draw, now = random.Random(20261130), START
    for _ in range(KILLS):
        words = [sys.executable, "-c", TICKS, str(tmp_path), now.isoformat()]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as ticks:
            assert ticks.stdout.readline() == b"ready\n"
            time.sleep(draw.uniform(0, 2))
            ticks.send_signal(signal.SIGKILL)
        now += timedelta(minutes=15)  # when the lease of what was held has ended

    def execute(claim):
        (effects / claim.execution_id).touch(exist_ok=True)
        return TaskResult("completed")

    SchedulerRuntime(SchedulerRepository(Lake(tmp_path / "lake")), execute, dry_run=False).tick(now, len(NAMES))
    found = tasks.state(Lake(tmp_path / "lake"))
    assert {row["task_id"]: row["status"] for row in found.rows()} == dict.fromkeys(NAMES, "completed")
    assert sorted(path.name for path in effects.iterdir()) == sorted(row["execution_id"] for row in found.rows())
    assert decisions.doubts(lake) == ()
