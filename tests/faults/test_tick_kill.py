"""Ticks that are killed with SIGKILL at any moment: no task is lost, and no effect comes twice where its key is honoured."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from datetime import UTC, datetime, timedelta

from faults.ticking import make_runtime, tick_on
from kaizenlake.decide.agency import schedule, tasks
from kaizenlake.decide.agency.tasks import TaskDraft
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
KILLS = int(os.environ.get("TICK_KILLS", "3"))
"""Times that a tick is killed; TICK_KILLS asks for more."""
NAMES = [f"t{number}" for number in range(max(6, KILLS // 2))]
"""So many tasks that ticks have some to do until the end."""


def test_ticks_that_are_killed_lose_no_task_and_repeat_no_effect(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    effects = tmp_path / "effects"
    effects.mkdir()
    drafts = [TaskDraft("acme", "email_rewrite", task_id=name) for name in NAMES]
    tasks.propose(lake, lambda _: drafts, by="ann")
    for name in NAMES:
        tasks.approve(lake, name, by="bob")
        schedule.schedule_task(lake, name, START)
    # A server that has imported what is slow to import forks the processes. Nothing of ours is: it could begin threads, which no fork keeps.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["polars", "deltalake"])
    draw, now = random.Random(20261130), START
    longest = 0.0
    for number in range(KILLS):
        receiver, sender = context.Pipe(duplex=False)
        ticks = context.Process(target=tick_on, args=(tmp_path, now, sender))
        ticks.start()
        assert receiver.poll(120)
        assert receiver.recv() == "begins"
        if number == 0:
            # However busy the machine: half as long again as a task takes, so that some ticks end one and others none.
            begun = time.perf_counter()
            assert receiver.poll(120)
            longest = 1.5 * (time.perf_counter() - begun)
        else:
            time.sleep(draw.uniform(0, longest))
        ticks.kill()
        ticks.join()
        now += timedelta(minutes=15)  # when the lease of what was held has ended
    make_runtime(tmp_path).tick(now, len(NAMES))
    found = tasks.state(Lake(tmp_path / "lake"))
    assert {row["task_id"]: row["status"] for row in found.rows()} == dict.fromkeys(NAMES, "completed")
    assert sorted(path.name for path in effects.iterdir()) == sorted(row["execution_id"] for row in found.rows())
    assert decisions.doubts(lake) == ()
