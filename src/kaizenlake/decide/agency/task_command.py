"""A command on tasks: who asks, why and when, and how what it decided becomes events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from kaizenlake import signing
from kaizenlake.decide.agency.task_state import NEXT, TaskState, read
from kaizenlake.decide.policies.command import digest
from kaizenlake.decide.record.command_words import check_texts, find_system_user
from kaizenlake.decide.record.lines import decision_line
from kaizenlake.errors import GateError, UsageError
from kaizenlake.events.write.log import Line
from kaizenlake.jobs.policies.policy_promotions import NIGHT
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of

SOURCE = "kaizen task"


class TaskCommand:
    """A command on tasks.

    Args:
        lake: The lake, as a tenant has it where there are several.
        by: Who asks.
        reason: Why, in words.
        now: Aware instant of the clock; the clock's by default.

    Raises:
        UsageError: Nobody asks, a text is none, or a tenant has to be named.
    """

    def __init__(self, lake: Lake, by: str, reason: str | None = None, now: datetime | None = None) -> None:
        if not by.strip():
            raise UsageError("Say who decides.", hint="Give --by NAME.")
        check_texts(by=by, reason=reason)
        self.lake = view_of(lake)
        self.by = by
        self.reason = reason
        self.now = now or datetime.now(UTC)

    def run(self, decide: Callable[[TaskState], Sequence[Line]]) -> int:
        """Decide on what there is, and append it in one commit.

        Args:
            decide: Makes the events; called again where another writer came between.

        Returns:
            Number of steps that were appended.
        """

        def on(events: pl.LazyFrame) -> Sequence[Line]:
            return decide(read(events))

        return decisions.append(self.lake, on, source=SOURCE, now=self.now)

    def state(self) -> TaskState:
        """Return where tasks stand now."""
        return read(decisions.of(self.lake))

    def proposal(self, found: TaskState, payload: Mapping[str, Any]) -> Line:
        """Return the proposal of a task as an event."""
        said = {"reason": self.reason} | dict(payload) | {"to_status": "pending_review"}
        return self._line("TASK_PROPOSED", found, said, 0)

    def move(self, found: TaskState, task: Mapping[str, Any], to: str, ahead: int = 0, **said: Any) -> Line:
        """Return a step of a task as an event.

        Args:
            found: Where tasks stand.
            task: The task, as it stands.
            to: Where it goes.
            ahead: Steps of it that the same command makes before.
            **said: What else the event says.

        Raises:
            GateError: It does not go there from where it stands.
        """
        if to not in NEXT[task["status"]]:
            where = ", ".join(NEXT[task["status"]]) or "nowhere"
            raise GateError(
                f"The task {task['task_id']} is {task['status']}, and does not become {to}; from there it goes to {where}."
            )
        named = {"task_id": task["task_id"], "brand_id": task["brand_id"]}
        payload = {"reason": self.reason} | named | {"from_status": task["status"], "to_status": to} | said
        return self._line("TASK_MOVED", found, payload, 1 + task["steps"] + ahead)

    def _line(self, event_type: str, found: TaskState, payload: Mapping[str, Any], place: int) -> Line:
        task_id = payload["task_id"]
        at = found.not_before([task_id], self.now)
        said = {**payload, "decided_by": self.by, "system_user": None if self.by == NIGHT else find_system_user()}
        told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said.items()}
        content = digest(f"{event_type} {at.isoformat()} {signing.canonical(told).decode()}")
        # Of two steps at one instant the greater id counts, so the ids of one task grow.
        name = f"task-{digest(task_id)}-{place:08}-{content}"
        return decision_line(self.lake, event_type, said, event_id=name, occurred_at=at)
