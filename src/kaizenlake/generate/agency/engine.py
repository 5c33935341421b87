"""The engine that does tasks which a person approved; it tries only, unless it is told otherwise."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from kaizenlake.decide.agency import schedule, tasks
from kaizenlake.decide.agency.schedule import Claim
from kaizenlake.decide.agency.scheduler import SchedulerRepository, SchedulerRuntime, TaskResult, TaskRun
from kaizenlake.decide.policies.command import digest
from kaizenlake.errors import GateError, KaizenError, LakeError
from kaizenlake.events.write.log import logging_to
from kaizenlake.generate.agency import products
from kaizenlake.generate.agency.prose import write_prose
from kaizenlake.generate.agency.task_types import BY_NAME, TaskType, find_type
from kaizenlake.generate.language_model.generator import Generator
from kaizenlake.generate.language_model.openai_endpoint import generator_of
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust.tenants import tenants, view_of
from kaizenlake.place import DEFAULT_LAKE, LAKE_VARIABLE
from kaizenlake.readiness.benchmarks import judging_by

State: TypeAlias = Literal[
    "NOT_EXECUTABLE", "READY_TO_RUN", "RUNNING", "COMPLETED", "COMPLETED_PREVIEW", "FAILED", "SKIPPED"
]


@dataclass(frozen=True)
class ExecutionContext:
    """Who executes, where, and whether it is only tried.

    Args:
        dry_run: Only try it: nothing is put on record, and what comes of it is a preview.
        operator_id: Who executes.
        workspace_id: Tenant of the lake; None takes the only one.
    """

    dry_run: bool = True
    operator_id: str = "engine"
    workspace_id: str | None = None


@dataclass(frozen=True)
class Executability:
    """Whether a task can be done.

    Args:
        status: READY_TO_RUN or NOT_EXECUTABLE.
        missing: What is missing, each in words; nothing where it can be done.
    """

    status: State
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExecutionResult:
    """What came of a task.

    Args:
        task_id: The task of which it is.
        status: Its state.
        execution_id: Key that its effects carry.
        output: What it made: `markdown, pack, section, evidence, unknown`; None where it made nothing.
        reason: Why it made nothing, in words; None where it did.
        logs: What was done, line by line.
        started_at: When it was begun.
        duration_seconds: Time that it took.
    """

    task_id: str
    status: State
    execution_id: str
    output: Mapping[str, Any] | None
    reason: str | None
    logs: tuple[str, ...] = field(default=(), compare=False)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)
    duration_seconds: float = field(default=0.0, compare=False)


class AutoExecutionEngine:
    """Does tasks by what the lake knows.

    Args:
        context: Who executes, where, and whether it is only tried.
        lake: The lake, or its folder; by default the one that KAIZEN_LAKE names.
        generator: What writes prose; by default the language model that the settings of the lake name, if any.

    Raises:
        TenantNeededError: The lake has several tenants, and the context names none.
        GeneratorError: The settings name a language model, and the extra `generator` is not installed.
    """

    def __init__(
        self,
        context: ExecutionContext | None = None,
        lake: Lake | str | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.context = context or ExecutionContext()
        place = lake if lake is not None else os.environ.get(LAKE_VARIABLE) or DEFAULT_LAKE
        opened = place if isinstance(place, Lake) else Lake(place)
        # A workspace is a tenant where the lake has tenants; elsewhere it is only a name.
        has_tenants = any(name is not None for name in tenants(opened))
        self.lake = view_of(opened, (self.context.workspace_id or None) if has_tenants else None)
        self.generator = generator_of(self.lake) if generator is None else generator

    def classify_executability(self, task: Mapping[str, Any]) -> Executability:
        """Say whether a task can be done, and what is missing where it cannot.

        Args:
            task: Its `task_type` and `brand_id`; of one that is only tried also its `approval_status`, else its `task_id`.
        """
        missing = []
        if (unknown := _refuse_type(task)) is not None:
            missing.append(unknown)
        if not isinstance(task.get("brand_id"), str) or not str(task["brand_id"]).strip():
            missing.append("brand_id: the brand that it is for")
        if (why := self._why_not_approved(task)) is not None:
            missing.append(f"approval: {why}")
        return Executability("NOT_EXECUTABLE" if missing else "READY_TO_RUN", tuple(missing))

    def _why_not_approved(self, task: Mapping[str, Any]) -> str | None:
        """Return why nobody approved a task; None where somebody did."""
        said = getattr(task.get("approval_status"), "value", task.get("approval_status"))
        if self.context.dry_run and str(said).lower() == "approved":
            return None
        found = tasks.state(self.lake)
        known = found.find(str(task.get("task_id")))
        if known is None:
            return "there is no such task in the lake" + (
                ", and its approval_status is not approved" if self.context.dry_run else ", where alone it would count"
            )
        if any(known[name] != task.get(name, known[name]) for name in ("task_type", "brand_id")):
            return "the task that was approved is of another type or brand"
        try:
            tasks.check_approval(self.lake, found, known)
        except GateError as error:
            return error.message
        return None

    def execute_task(self, task_id: str, task: Mapping[str, Any]) -> ExecutionResult:
        """Do a task. Where it is only tried, nothing is put on record; else it is claimed first, and what came of it kept.

        Args:
            task_id: Name of the task.
            task: As for `classify_executability`; its `inputs` say what it is to be done with.
        """
        begun, clock, logs = datetime.now(UTC), time.perf_counter(), list[str]()

        def end(status: State, output: Mapping[str, Any] | None, reason: str | None, key: str) -> ExecutionResult:
            logs.append(f"{status}: {reason or 'done'}")
            return ExecutionResult(
                task_id, status, key, output, reason, tuple(logs), begun, time.perf_counter() - clock
            )

        able = self.classify_executability({**task, "task_id": task_id})
        logs.append(f"{able.status}: {'; '.join(able.missing) or 'nothing is missing'}")
        if able.missing:
            return end("NOT_EXECUTABLE", None, "; ".join(able.missing), "")
        if self.context.dry_run:
            key = f"preview-{digest(json.dumps([task_id, str(task.get('task_type')), task.get('brand_id')]))}"
            logs.append("RUNNING: it is only tried")
            result = self._try(task)
            return end("COMPLETED_PREVIEW" if result.status == "completed" else "FAILED", *_read_result(result), key)
        try:
            claim = schedule.claim_task(self.lake, task_id, begun, by=self.context.operator_id)
        except GateError as error:
            return end("SKIPPED", None, error.message, "")
        logs.append(f"RUNNING: held until {claim.lease_ends_at:%Y-%m-%d %H:%M} UTC")
        result = self._try(claim.task)
        schedule.finish(
            self.lake, claim, result.status, output=result.output, reason=result.reason, by=self.context.operator_id
        )
        return end("COMPLETED" if result.status == "completed" else "FAILED", *_read_result(result), claim.execution_id)

    def execute_batch(self, tasks: Iterable[Mapping[str, Any]], max_tasks: int = 10) -> list[ExecutionResult]:
        """Do tasks one after the other; what does not work stops none of the others.

        Args:
            tasks: The tasks, each with its `task_id`.
            max_tasks: Most of them that are done.
        """
        results = []
        for number, task in enumerate(tasks):
            if number >= max_tasks:
                break
            results.append(self.execute_task(str(task.get("task_id")), task))
        return results

    def execute_claim(self, claim: Claim) -> TaskResult:
        """Do a task that a scheduler holds.

        Args:
            claim: The hold.
        """
        if (unknown := _refuse_type(claim.task)) is not None:
            return TaskResult("failed", reason=unknown)
        return self._try(claim.task)

    def run_task(self, task_id: str) -> TaskRun:
        """Do an approved task of the lake now, and put on record what came of it; a preview too.

        Args:
            task_id: Name of the task.

        Raises:
            UsageError: There is no such task.
            GateError: It is of no type that is known here, or not approved, or waits for another, or is held.
        """
        task = tasks.state(self.lake).task(task_id)
        if (unknown := _refuse_type(task)) is not None:
            raise GateError(
                f"The task {task_id} is NOT_EXECUTABLE: {unknown}.",
                hint="An application of yours does it, with a SchedulerRuntime of its own; or propose one of these types.",
            )
        claim = schedule.claim_task(self.lake, task_id, datetime.now(UTC), by=self.context.operator_id)
        return self.runtime().run(claim)

    def runtime(self) -> SchedulerRuntime:
        """Return the runtime whose ticks do tasks by this engine."""
        repository = SchedulerRepository(self.lake, self.context.operator_id)
        return SchedulerRuntime(repository, self.execute_claim, dry_run=self.context.dry_run, refuse=_refuse_type)

    def _logging(self) -> AbstractContextManager[None]:
        """Log to the lake, where it has a local folder."""
        try:
            return logging_to(self.lake.whole.path())
        except LakeError:
            return nullcontext()

    def _try(self, task: Mapping[str, Any]) -> TaskResult:
        kind = find_type(task["task_type"])
        assert isinstance(kind, TaskType)
        try:
            with judging_by(self.lake.settings.readiness):
                made = products.make(self.lake, kind, task)
                if self.generator is not None:
                    with self._logging():
                        made = write_prose(self.generator, kind, made, task, self.lake)
        except KaizenError as error:
            return TaskResult("failed", reason=str(error)[:500])
        return TaskResult("completed", json.dumps(made, ensure_ascii=False, default=str))


def _refuse_type(task: Mapping[str, Any]) -> str | None:
    """Return why a task is of no type that is done here, and which are; None where it is of one."""
    said = task.get("task_type")
    return None if find_type(said) is not None else f"task_type: {said!r} is none of {', '.join(BY_NAME)}"


def _read_result(result: TaskResult) -> tuple[Mapping[str, Any] | None, str | None]:
    return (None if result.output is None else json.loads(result.output)), result.reason
