"""Where do tasks stand at this moment? Folded from the events by the job of the night."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from kaizenlake.decide.record.lines import not_before
from kaizenlake.decide.record.state import ALWAYS
from kaizenlake.errors import UsageError
from kaizenlake.events.catalogue import by_name
from kaizenlake.events.decode import ENVELOPE_COLUMNS, decode
from kaizenlake.events.rules import near
from kaizenlake.jobs.agency import tasks as job
from kaizenlake.tables.agency.tasks import TASK_STATUSES

OPEN = ("pending_review", "approved", "scheduled", "in_progress", "completed_preview")
"""Where a task stands that something may still come of."""

NEXT: dict[str, tuple[str, ...]] = {
    "pending_review": ("approved", "rejected"),
    "approved": ("scheduled", "in_progress", "skipped", "rejected"),
    "scheduled": ("scheduled", "in_progress", "approved", "skipped", "failed", "rejected"),
    "in_progress": ("in_progress", "completed", "completed_preview", "failed", "skipped"),
    "completed_preview": ("scheduled", "in_progress", "rejected"),
    "failed": ("scheduled", "in_progress", "rejected"),
    "rejected": (),
    "completed": (),
    "skipped": (),
}
"""Where a task may go from where it stands."""

assert set(NEXT) == set(TASK_STATUSES)


@dataclass(frozen=True)
class TaskState:
    """Everything that was decided of tasks.

    Args:
        tasks: As `gold.tasks`.
        steps: Steps, as `silver.task_log`.
    """

    tasks: pl.DataFrame
    steps: pl.DataFrame

    def find(self, task_id: str) -> dict[str, Any] | None:
        """Return a task; None where there is none of that name."""
        found = self.tasks.filter(task_id=task_id)
        return None if found.is_empty() else found.row(0, named=True)

    def task(self, task_id: str) -> dict[str, Any]:
        """Return a task.

        Raises:
            UsageError: There is none of that name; the words name a likely one.
        """
        if (found := self.find(task_id)) is not None:
            return found
        raise UsageError(
            f"There is no task {task_id!r}{near(task_id, self.tasks['task_id'].to_list())}.",
            hint="`kaizen task list` lists them.",
        )

    def rows(self, *statuses: str, brand_id: str | None = None) -> list[dict[str, Any]]:
        """Return tasks that stand somewhere, by the time of their proposal."""
        found = self.tasks.filter(pl.col("status").is_in(statuses or TASK_STATUSES))
        if brand_id is not None:
            found = found.filter(brand_id=brand_id)
        return list(found.sort("proposed_at", "task_id").iter_rows(named=True))

    def not_before(self, task_ids: Iterable[str], now: datetime) -> datetime:
        """Return the time of a step: now, or by a clock that is behind the time of the latest step of these tasks.

        Raises:
            KaizenError: The clock is behind by more than a day.
        """
        last = self.steps.filter(pl.col("task_id").is_in([*task_ids]))["occurred_at"].max()
        return not_before(now, last, "step of the task")


def read(events: pl.LazyFrame) -> TaskState:
    """Fold the steps of tasks among events.

    Args:
        events: Rows of `bronze.events`.
    """
    event = by_name("TASK_PROPOSED")
    assert event is not None
    types = [kind.name for kind in event.family.types]
    # Of other events only their type is read.
    taken = events.filter(pl.col("event_type").is_in(types)).select(*ENVELOPE_COLUMNS, "payload").collect()
    steps = decode(taken.lazy(), event.family).collect()
    return TaskState(job.tasks(steps.lazy(), as_of=ALWAYS).collect(), steps)
