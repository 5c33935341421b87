"""What applications call: a repository of scheduled tasks, and a runtime that does those that are due."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from kaizenlake.decide.agency import schedule, tasks
from kaizenlake.decide.agency.schedule import SCHEDULER, Claim, Refuse
from kaizenlake.decide.agency.task_command import TaskCommand
from kaizenlake.errors import UsageError
from kaizenlake.jobs.agency.plan_tasks import instant
from kaizenlake.lake.store import Lake

Ending: TypeAlias = Literal["completed", "completed_preview", "failed", "skipped"]


@dataclass(frozen=True)
class TaskResult:
    """What came of a task.

    Args:
        status: Where it stands now.
        output: What it made, as JSON; None for nothing.
        reason: Why, in words.
    """

    status: Ending
    output: str | None = None
    reason: str | None = None


Execute: TypeAlias = Callable[[Claim], TaskResult]
"""Does a task. It may be called twice for one when a tick is killed, so effects carry the execution id of the claim."""


@dataclass(frozen=True)
class TaskRun:
    """One task that a tick took up, or left where it stands.

    Args:
        task_id: The task.
        execution_id: Key that its effects carry; empty where it was left.
        status: Where it stands now; `lost` where its lease ended first and another took it up, `NOT_EXECUTABLE` where the
            executor is none for it: it stands as it stood, for another.
        reason: Why, in words.
    """

    task_id: str
    execution_id: str
    status: str
    reason: str | None = None


class SchedulerRepository:
    """Scheduled tasks of a lake.

    Args:
        lake: The lake, or its folder; as a tenant has it where there are several.
        by: Who takes the steps.
    """

    def __init__(self, lake: Lake | str, by: str = SCHEDULER) -> None:
        self.lake = Lake(lake) if isinstance(lake, str) else lake
        self.by = by

    def add_scheduled_task(self, task: Mapping[str, Any] | str, run_at: datetime | str | None = None) -> dict[str, Any]:
        """Schedule an approved task.

        Args:
            task: Its name, or a mapping with `task_id` and, unless given, `run_at`.
            run_at: When it is to run; one without a zone is UTC.

        Returns:
            The task as it stands after it.

        Raises:
            UsageError: There is no such task, or no instant is given.
            GateError: It is not approved, or done.
        """
        told = {"task_id": task} if isinstance(task, str) else task
        at = instant(run_at or told.get("run_at"), "run_at")
        if at is None:
            raise UsageError(f"Say when {told.get('task_id')} is to run.", hint="Give run_at.")
        return schedule.schedule_task(self.lake, str(told["task_id"]), at, by=self.by)

    def get_scheduled_task(self, task_id: str) -> dict[str, Any] | None:
        """Return a task as it stands; None where there is none of that name."""
        return tasks.state(self.lake).find(task_id)

    def get_due_tasks(self, now: datetime, limit: int | None = None) -> list[dict[str, Any]]:
        """Return tasks that are due and free at an instant, the first to run first.

        Args:
            now: The instant; one without a zone is UTC.
            limit: Most of them.
        """
        return schedule.find_due(tasks.state(self.lake), _aware(now), is_preview=False)[:limit]

    def update_status(self, task_id: str, status: str, reason: str | None = None) -> dict[str, Any]:
        """Move a task a step further; nobody is approved so.

        Args:
            task_id: Name of the task.
            status: Where it stands from then on.
            reason: Why, in words.

        Returns:
            The task as it stands after it.

        Raises:
            UsageError: There is no such task, or the step is that of a person or of a tick.
            GateError: It does not go there from where it stands.
        """
        if status not in {"completed", "completed_preview", "failed", "skipped"}:
            raise UsageError(
                f"A task does not become {status} by update_status.",
                hint="A person approves or rejects it, add_scheduled_task schedules it, a tick takes it up.",
            )
        command = TaskCommand(self.lake, self.by, reason)
        command.run(lambda found: [command.move(found, found.task(task_id), status)])
        return command.state().task(task_id)

    def list_for_brand(self, brand_id: str, status: str | None = None) -> list[dict[str, Any]]:
        """Return the tasks of a brand, those that run first first.

        Args:
            brand_id: The brand of which they are.
            status: Only those that stand there.
        """
        found = tasks.state(self.lake).rows(*([status] if status else []), brand_id=brand_id)
        return sorted(found, key=lambda task: (task["run_at"] is None, task["run_at"] or task["proposed_at"]))


class SchedulerRuntime:
    """Does tasks that are due, each at least once: the lease of a killed tick ends, and its task is taken up again.

    Args:
        repository: Where the tasks are.
        execute: Does a task.
        dry_run: Only try it: what comes of it is a preview.
        refuse: Says why a task is none that `execute` does, so that it is left for another; None takes every task.
    """

    def __init__(
        self, repository: SchedulerRepository, execute: Execute, *, dry_run: bool = True, refuse: Refuse | None = None
    ) -> None:
        self.repository = repository
        self.execute = execute
        self.dry_run = dry_run
        self.refuse = refuse

    def tick(self, now: datetime | None = None, max_to_run: int = 10) -> list[TaskRun]:
        """Claim tasks that are due, one by one, and do them. Two ticks at once do nothing twice.

        Args:
            now: The instant by which tasks are due, and leases judged; the clock's by default.
            max_to_run: Most tasks of this tick.
        """
        at, lake, by = _aware(now or datetime.now(UTC)), self.repository.lake, self.repository.by
        ran: list[TaskRun] = []
        while len(ran) < max_to_run:
            claim = schedule.claim_next(lake, at, by=by, is_preview=self.dry_run, refuse=self.refuse)
            if claim is None:
                break
            ran.append(self.run(claim))
        if self.refuse is None:
            return ran
        due = schedule.find_due(tasks.state(lake), at, is_preview=self.dry_run)
        left = [(task["task_id"], why) for task in due if (why := self.refuse(task)) is not None]
        return ran + [TaskRun(task_id, "", "NOT_EXECUTABLE", why) for task_id, why in left]

    def run(self, claim: Claim) -> TaskRun:
        """Do a task that is held, and put on record what came of it.

        Args:
            claim: The hold.
        """
        try:
            result = self.execute(claim)
            if not isinstance(result, TaskResult):
                raise TypeError(f"the executor has to return a TaskResult, found {type(result).__name__}")  # noqa: TRY301 - told as any failure
        except Exception as error:  # noqa: BLE001 - a task that fails is told, and the others go on
            result = TaskResult("failed", reason=f"{type(error).__name__}: {error}"[:500])
        if self.dry_run and result.status == "completed":
            result = TaskResult("completed_preview", result.output, result.reason)
        is_ours = schedule.finish(
            self.repository.lake,
            claim,
            result.status,
            output=result.output,
            reason=result.reason,
            by=self.repository.by,
        )
        status = result.status if is_ours else "lost"
        return TaskRun(claim.task["task_id"], claim.execution_id, status, result.reason)


def _aware(now: datetime) -> datetime:
    return now.replace(tzinfo=UTC) if now.tzinfo is None else now
