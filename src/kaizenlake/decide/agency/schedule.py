"""Schedule approved tasks by a plan, claim those that are due, and put on record what came of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from kaizenlake.decide.agency.brands import find_brand
from kaizenlake.decide.agency.task_command import TaskCommand
from kaizenlake.decide.agency.task_state import TaskState
from kaizenlake.decide.agency.tasks import check_approval
from kaizenlake.decide.policies.command import digest
from kaizenlake.errors import GateError, UsageError
from kaizenlake.events.ids import event_id
from kaizenlake.events.write.log import Line
from kaizenlake.jobs.agency.timeline import Timeline, plan_timeline_for_brand
from kaizenlake.lake.store import Lake
from kaizenlake.vocabulary import PRIORITIES

SCHEDULER = "scheduler"
"""Who takes the steps that a schedule asks for."""

Refuse: TypeAlias = Callable[[Mapping[str, Any]], str | None]
"""Says why a task is none that an executor does; None where it is one."""

PLANNED_FROM = ("approved", "scheduled", "completed_preview")
"""Where a task stands that a plan takes up: approved, and not done."""


@dataclass(frozen=True)
class PlanRules:
    """How a plan is laid.

    Args:
        max_per_day: Most tasks of a day.
        business_days: Leave out Saturdays, Sundays and the holidays of the brand.
        spread: Lay an even load on all days instead of filling the first.
    """

    max_per_day: int
    business_days: bool = False
    spread: bool = False


def plan(
    lake: Lake,
    brand_id: str,
    span: tuple[datetime, datetime],
    rules: PlanRules,
    *,
    by: str = SCHEDULER,
    is_preview: bool = False,
) -> Timeline:
    """Plan the approved tasks of a brand, and schedule them so; what was scheduled and has no place any more waits again.

    Planned once more in the same way, nothing changes.

    Args:
        lake: The lake, as a tenant has it where there are several.
        brand_id: The brand, whose zone and holidays count where it is described.
        span: First instant, and the one from which on nothing runs.
        rules: How the plan is laid.
        by: Who asks.
        is_preview: Schedule nothing.

    Raises:
        UsageError: The span or the rules are none, or tasks wait for each other in a cycle, which the words name.
    """
    command = TaskCommand(lake, by)
    brand = find_brand(command.lake, brand_id) or {}

    def lay(found: TaskState) -> Timeline:
        return plan_timeline_for_brand(
            brand_id,
            *span,
            rules.max_per_day,
            [_to_plan(task) for task in found.rows(*PLANNED_FROM, brand_id=brand_id)],
            zone=brand.get("zone") or "UTC",
            holidays=brand.get("holidays") or (),
            business_days=rules.business_days,
            spread=rules.spread,
            completed=[task["task_id"] for task in found.rows("completed")],
        )

    laid: list[Timeline] = []

    def decide(found: TaskState) -> Sequence[Line]:
        timeline, lines = lay(found), list[Line]()
        laid[:] = [timeline]
        for item in timeline:
            task = found.task(item.task_id)
            if task["status"] != "scheduled" or task["run_at"] != item.run_at:
                lines.append(command.move(found, task, "scheduled", due_at=item.run_at))
        for left in timeline.unplanned:
            task = found.task(left.task_id)
            if task["status"] == "scheduled":
                lines.append(command.move(found, task, "approved", reason=left.reason))
        return lines

    if is_preview:
        return lay(command.state())
    command.run(decide)
    return laid[0]


def _to_plan(task: Mapping[str, Any]) -> dict[str, Any]:
    return {**task, "deadline": task["deadline_at"], "time_window_end": task["window_ends_at"]}


@dataclass(frozen=True)
class Claim:
    """A task that is held while it is done.

    Args:
        task: The task, in progress.
        claim_id: Name of the hold.
        execution_id: Key that its effects carry: the same when it is taken up again after a hold that ended.
        lease_ends_at: Instant until which it is held.
    """

    task: Mapping[str, Any]
    claim_id: str
    execution_id: str
    lease_ends_at: datetime


def find_due(found: TaskState, now: datetime, *, is_preview: bool) -> list[dict[str, Any]]:
    """Return tasks that are due and free, the first to run first.

    A task in progress is free again once its lease ended. One that waits for another, or needs what another holds, is not.

    Args:
        found: Where tasks stand.
        now: The instant.
        is_preview: What was only tried counts as done for what waits for it.
    """
    done = {task["task_id"] for task in found.rows("completed", *(["completed_preview"] if is_preview else []))}
    held = _find_held(found, now)
    due = [
        task
        for task in (*found.rows("scheduled"), *found.rows("in_progress"))
        if _due_at(task) <= now
        and (task["status"] == "scheduled" or task["lease_ends_at"] <= now)
        and done.issuperset(task["depends_on"])
        and task["resource"] not in held
    ]
    return sorted(due, key=lambda task: (_due_at(task), -PRIORITIES[task["priority"]], task["task_id"]))


def _find_held(found: TaskState, now: datetime) -> dict[str, str]:
    """Return the task that holds each resource that is held."""
    return {
        task["resource"]: task["task_id"]
        for task in found.rows("in_progress")
        if task["resource"] is not None and task["lease_ends_at"] > now
    }


def _due_at(task: Mapping[str, Any]) -> datetime:
    """Return when a task is to run; of one that was begun without a schedule, when that was."""
    found: datetime = task["run_at"] or task["status_since"]
    return found


def claim_next(
    lake: Lake,
    now: datetime,
    *,
    by: str = SCHEDULER,
    is_preview: bool = True,
    refuse: Refuse | None = None,
) -> Claim | None:
    """Claim the first task that is due, by one append: of two that claim at once, one gets it.

    Tasks whose window ended are skipped on the way, and one whose approval does not verify fails.

    Args:
        lake: The lake, as a tenant has it where there are several.
        now: The instant by which it is due, and by which leases are judged.
        by: Who claims.
        is_preview: It is only tried.
        refuse: Says why a task is none that the claimant does, and is left where it stands; None takes every task.

    Returns:
        The claim; None where nothing is due.
    """
    command = TaskCommand(lake, by)
    claims: list[Claim] = []

    def decide(found: TaskState) -> Sequence[Line]:
        claims.clear()
        lines: list[Line] = []
        for task in find_due(found, now, is_preview=is_preview):
            if task["window_ends_at"] is not None and task["window_ends_at"] < now:
                late = f"Its time window ended {task['window_ends_at']:%Y-%m-%d %H:%M} UTC."
                lines.append(command.move(found, task, "skipped", reason=late))
                continue
            if refuse is not None and refuse(task) is not None:
                continue
            try:
                check_approval(command.lake, found, task)
            except GateError as error:
                lines.append(command.move(found, task, "failed", reason=str(error)[:500]))
                continue
            claim = _claim(command, task, now)
            claims.append(claim)
            lines.append(
                command.move(
                    found,
                    task,
                    "in_progress",
                    claim_id=claim.claim_id,
                    lease_ends_at=claim.lease_ends_at,
                    execution_id=claim.execution_id,
                )
            )
            break
        return lines

    command.run(decide)
    return claims[0] if claims else None


def claim_task(lake: Lake, task_id: str, now: datetime, *, by: str) -> Claim:
    """Claim one task that was approved, whenever it is due.

    Args:
        lake: The lake, as a tenant has it where there are several.
        now: The instant by which leases are judged.
        by: Who claims.

    Raises:
        UsageError: There is no such task.
        GateError: It is not approved, waits for another task, or it or what it needs is held.
    """
    command = TaskCommand(lake, by)
    claims: list[Claim] = []

    def decide(found: TaskState) -> Sequence[Line]:
        task = found.task(task_id)
        check_approval(command.lake, found, task)
        if task["status"] == "in_progress" and task["lease_ends_at"] > now:
            raise GateError(f"The task {task_id} is in progress until {task['lease_ends_at']:%Y-%m-%d %H:%M} UTC.")
        done = {other["task_id"] for other in found.rows("completed")}
        if undone := [other for other in task["depends_on"] if other not in done]:
            raise GateError(f"The task {task_id} waits for {', '.join(undone)}.")
        if (holder := _find_held(found, now).get(task["resource"])) is not None:
            raise GateError(f"The task {task_id} needs {task['resource']}, which {holder} holds.")
        claim = _claim(command, task, now)
        claims[:] = [claim]
        said = {"claim_id": claim.claim_id, "lease_ends_at": claim.lease_ends_at, "execution_id": claim.execution_id}
        return [command.move(found, task, "in_progress", 0, **said)]

    command.run(decide)
    return claims[0]


def _claim(command: TaskCommand, task: Mapping[str, Any], now: datetime) -> Claim:
    lease = now.astimezone(UTC) + timedelta(minutes=command.lake.settings.schedule.lease_minutes)
    again = task["execution_id"] if task["status"] == "in_progress" else None
    name = again or f"execution-{digest(task['task_id'])}-{task['steps'] + 1}"
    return Claim(task, f"claim-{event_id()}", name, lease)


def finish(
    lake: Lake, claim: Claim, to: str, *, output: str | None = None, reason: str | None = None, by: str = SCHEDULER
) -> bool:
    """Put on record what came of a task that is held.

    Args:
        lake: The lake, as a tenant has it where there are several.
        claim: The hold.
        to: Where the task stands now.
        output: What came of it, as JSON.
        reason: Why, in words.
        by: Who did it.

    Returns:
        Whether it was; not where the lease ended and another took the task up.
    """
    command = TaskCommand(lake, by, reason)
    task_id = claim.task["task_id"]

    def decide(found: TaskState) -> Sequence[Line]:
        task = found.task(task_id)
        if task["status"] != "in_progress" or task["claim_id"] != claim.claim_id:
            return []
        said = {"claim_id": claim.claim_id, "execution_id": claim.execution_id, "output": output}
        return [command.move(found, task, to, 0, **{name: value for name, value in said.items() if value is not None})]

    return command.run(decide) > 0


def schedule_task(lake: Lake, task_id: str, run_at: datetime, *, by: str = SCHEDULER) -> dict[str, Any]:
    """Schedule one approved task.

    Args:
        lake: The lake, as a tenant has it where there are several.
        run_at: When it is to run.
        by: Who asks.

    Returns:
        The task as it stands after it.

    Raises:
        UsageError: There is no such task, or the instant names no zone.
        GateError: It is not approved, or done.
    """
    if run_at.tzinfo is None:
        raise UsageError(f"Expected an instant with its zone, found {run_at}.")
    command = TaskCommand(lake, by)

    def decide(found: TaskState) -> Sequence[Line]:
        task = found.task(task_id)
        is_so = task["status"] == "scheduled" and task["run_at"] == run_at
        return [] if is_so else [command.move(found, task, "scheduled", due_at=run_at)]

    command.run(decide)
    return command.state().task(task_id)
