"""A process that ticks until it is killed."""

from __future__ import annotations

from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

from kaizenlake.decide.agency.schedule import Claim
from kaizenlake.decide.agency.scheduler import SchedulerRepository, SchedulerRuntime, TaskResult


def make_runtime(folder: Path) -> SchedulerRuntime:
    """Return a runtime of the lake in a folder, whose effects are files named by their key."""

    def execute(claim: Claim) -> TaskResult:
        (folder / "effects" / claim.execution_id).touch(exist_ok=True)
        return TaskResult("completed")

    return SchedulerRuntime(SchedulerRepository(str(folder / "lake")), execute, dry_run=False)


def tick_on(folder: Path, now: datetime, ready: Connection) -> None:
    """Say that it begins, and once a task is done, and do all that is due."""
    runtime = make_runtime(folder)
    runtime.repository.get_due_tasks(now)
    ready.send("begins")
    runtime.tick(now, 1)
    ready.send("did one")
    runtime.tick(now, 1_000)
