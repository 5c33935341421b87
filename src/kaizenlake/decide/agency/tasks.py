"""Propose, approve and reject tasks; what a person approved is done, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from kaizenlake import signing
from kaizenlake.decide.agency.task_command import TaskCommand
from kaizenlake.decide.agency.task_state import TaskState, read
from kaizenlake.decide.record import trust
from kaizenlake.errors import GateError, UsageError
from kaizenlake.events.ids import event_id
from kaizenlake.events.write.log import Line
from kaizenlake.jobs.policies.policy_promotions import NIGHT
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.tables import Events

RISKS = {"low": 0, "medium": 1, "high": 2}


@dataclass(frozen=True)
class TaskDraft:
    """A task that is to be proposed; the fields are those of TASK_PROPOSED."""

    brand_id: str
    task_type: str
    priority: str = "MEDIUM"
    reason: str | None = None
    task_id: str | None = None
    confidence_rate: float | None = None
    risk: str | None = None
    inputs: Mapping[str, Any] | None = None
    depends_on: tuple[str, ...] = ()
    deadline_at: datetime | None = None
    window_ends_at: datetime | None = None
    resource: str | None = None
    cause: str | None = None

    def payload(self) -> dict[str, Any]:
        """Return what the event says of it."""
        said = {**vars(self), "depends_on": list(self.depends_on), "task_id": self.task_id or f"task-{event_id()}"}
        return {name: value for name, value in said.items() if value is not None}


def state(lake: Lake) -> TaskState:
    """Return where tasks stand at this moment, whatever the last night has seen of it.

    Args:
        lake: The lake, as a tenant has it where there are several.
    """
    return read(decisions.of(view_of(lake)))


def propose(
    lake: Lake, draft: Callable[[TaskState], Sequence[TaskDraft]], *, by: str, now: datetime | None = None
) -> list[str]:
    """Propose tasks: each waits for a person, unless a setting approves it.

    Args:
        lake: The lake, as a tenant has it where there are several.
        draft: Makes the drafts from the tasks there are, so that of two that race the later sees what the earlier proposed.
        by: Who proposes: a person, or the night.
        now: Aware instant of the clock; the clock's by default.

    Returns:
        Names of the tasks that were proposed.

    Raises:
        UsageError: A task of a name exists.
        EventError: A field breaks its declaration.
    """
    command = TaskCommand(lake, by, now=now)
    made: list[str] = []

    def decide(found: TaskState) -> list[Line]:
        made.clear()
        lines: list[Line] = []
        for item in draft(found):
            payload = item.payload()
            name = payload["task_id"]
            if found.find(name) is not None or name in made:
                raise UsageError(f"There is a task {name!r} already.", hint="Give another --id, or none.")
            made.append(name)
            lines.append(command.proposal(found, payload))
            if (why := _auto_approval(command.lake, item)) is not None:
                task = {"task_id": name, "brand_id": item.brand_id, "status": "pending_review", "steps": 0}
                lines.append(command.move(found, task, "approved", is_automatic=True, reason=why))
        return lines

    command.run(decide)
    return made


def _auto_approval(lake: Lake, draft: TaskDraft) -> str | None:
    """Return why a setting approves a task by itself; None where none does."""
    rules = lake.settings.tasks
    if lake.settings.promotion.approvers or draft.task_type not in rules.auto_approve_types:
        return None
    if draft.confidence_rate is None or draft.confidence_rate < rules.auto_approve_confidence:
        return None
    if RISKS[draft.risk or "high"] > RISKS[rules.auto_approve_risk]:
        return None
    return (
        f"The setting tasks.auto_approve_types names {draft.task_type}; its confidence {draft.confidence_rate:.2f} is at "
        f"least {rules.auto_approve_confidence:.2f}, and its risk {draft.risk} at most {rules.auto_approve_risk}."
    )


def approve(
    lake: Lake,
    task_id: str,
    *,
    by: str,
    reason: str | None = None,
    key: Path | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Approve a task, as a person; approved once more, nothing changes.

    Args:
        by: Who approves.
        reason: Why, in words.
        key: File with the private key of the person; needed where the settings name approvers.
        now: Aware instant of the clock; the clock's by default.

    Returns:
        The task as it stands after it.

    Raises:
        UsageError: There is no such task, or the night asks.
        GateError: It does not wait for an approval, or the person may not give it, or not so.
        PublishError: The person's key cannot be read, or others may read it.
    """
    if by == NIGHT:
        raise UsageError("A person approves, not the night.")
    command = TaskCommand(lake, by, reason, now)

    def decide(found: TaskState) -> list[Line]:
        task = found.task(task_id)
        if task["status"] == "approved" and task["approved_by"] == by:
            return []
        at = found.not_before([task_id], command.now)
        signed = trust.sign_approval(command.lake, _approval(command.lake, task, by, at, command.lake.tenant), by, key)
        return [command.move(found, task, "approved", 0, **signed)]

    command.run(decide)
    return command.state().task(task_id)


def reject(
    lake: Lake, task_id: str, *, by: str, reason: str | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """Reject a task, or withdraw it before it is done; rejected once more, nothing changes.

    Args:
        by: Who rejects.
        reason: Why, in words.
        now: Aware instant of the clock; the clock's by default.

    Returns:
        The task as it stands after it.

    Raises:
        UsageError: There is no such task.
        GateError: It is done already, or in progress.
    """
    command = TaskCommand(lake, by, reason, now)

    def decide(found: TaskState) -> list[Line]:
        task = found.task(task_id)
        return [] if task["status"] == "rejected" else [command.move(found, task, "rejected")]

    command.run(decide)
    return command.state().task(task_id)


def check_approval(lake: Lake, found: TaskState, task: Mapping[str, Any]) -> None:
    """Check that a person approved a task, or a setting did: nothing else lets it be done.

    Args:
        lake: The lake, as the tenant has it.
        found: Where tasks stand.

    Raises:
        GateError: Nobody did, or it was withdrawn, or the settings name approvers and none of them signed.
    """
    if task["approved_at"] is None or task["status"] in {"pending_review", "rejected"}:
        raise GateError(
            f"The task {task['task_id']} is {task['status']}: nobody approved it.",
            hint=f"`kaizen task approve {task['task_id']}` does.",
        )
    approvers = lake.settings.promotion.approvers
    if approvers and not _is_signed(lake, found, task):
        raise GateError(
            f"The approval of {task['task_id']} by {task['approved_by']} is not signed by one of {', '.join(approvers)}.",
            hint="Withdraw it, propose the task anew, and approve it with --key.",
        )


def _is_signed(lake: Lake, found: TaskState, task: Mapping[str, Any]) -> bool:
    person, at = task["approved_by"], task["approved_at"]
    known = trust.persons(lake).get(person)
    if known is None or person not in lake.settings.promotion.approvers:
        return False
    key = signing.public_key(known.public_key.encode(), person)
    steps = found.steps.filter(pl.col("occurred_at") == at, task_id=task["task_id"], to_status="approved")
    # What was approved before there was a tenant names none, and is the founder's.
    return any(
        trust.signs(said, _approval(lake, task, person, at, tenant), key)
        for said in steps.iter_rows(named=True)
        for tenant in {lake.tenant, None}
    )


def _approval(lake: Lake, task: Mapping[str, Any], person: str, at: datetime, tenant: str | None) -> dict[str, Any]:
    """Return what a person signs who approves a task: all that it was proposed to do."""
    return {
        "kind": "task_approval",
        "lake": Lake.identity(lake.hold(Events)),
        "tenant_id": tenant,
        "task_id": task["task_id"],
        "brand_id": task["brand_id"],
        "task_type": task["task_type"],
        "inputs": task["inputs"],
        "approver": person,
        "approved_at": at.astimezone(UTC).isoformat(),
    }
