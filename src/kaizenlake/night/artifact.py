"""The record of one run, `runs/<run_id>.json`: written when the run starts, after each step, and when it ends, however it ends."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kaizenlake._version import __version__
from kaizenlake.lake import files
from kaizenlake.publish import guard

SCHEMA: Literal["urn:kaizenlake:run:1"] = "urn:kaizenlake:run:1"
SCHEMA_FILE = Path(__file__).with_name("run.schema.json")

RunStatus = Literal["running", "done", "failed", "terminated", "killed"]
StepStatus = Literal["running", "done", "nothing to do", "failed", "skipped"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class RunFailure(_Record):
    """An error of a step or of the run."""

    step: str = Field(description="Step that failed; empty for the run as a whole.")
    code: str = Field(description="Stable code of the error; `unexpected` for a mistake of this program.")
    message: str = Field(description="What went wrong, in words.")


class Landed(_Record):
    """What the landing of the run took: lines in = landed + duplicate + quarantined."""

    files: int = Field(ge=0, description="Files read.")
    lines_in: int = Field(ge=0, description="Lines or rows read.")
    landed: int = Field(ge=0, description="Lines that became events.")
    duplicate: int = Field(ge=0, description="Lines that were in the lake already.")
    quarantined: int = Field(ge=0, description="Lines that went to quarantine.")
    quarantined_before: int = Field(
        default=0, ge=0, description="Those of the quarantined lines that an earlier landing had put there."
    )
    left_out: int = Field(default=0, ge=0, description="Rows that their mapping leaves out, such as those of totals.")
    made_nothing: tuple[str, ...] = Field(
        default=(), description="Mappings that made no event of any row of their files, be it that there was none."
    )
    all_quarantined: bool = Field(
        default=False, description="Every line went to quarantine, and not all of them before."
    )
    by_rule: dict[str, int] = Field(default_factory=dict, description="Quarantined lines by the rule they broke.")
    left: tuple[str, ...] = Field(default=(), description="Files left alone, each with the reason.")
    blocked: tuple[str, ...] = Field(
        default=(), description="Those of them that somebody should look at: they could not be read."
    )


class StepRecord(_Record):
    """One step of a run."""

    name: str = Field(
        description="`plugins`, `land`, `doubt`, the name of a job, `feedback`, `decide`, `serve`, `tell`, `publish`, `report`, "
        "`agency` or `site`."
    )
    status: StepStatus = Field(description="How it ended, or that it is running.")
    why: tuple[str, ...] = Field(default=(), description="Why it ran, was skipped, or had nothing to do.")
    days: int | None = Field(default=None, ge=0, description="Days recomputed; null where the step does not go by day.")
    rows_in: int | None = Field(default=None, ge=0, description="Rows read.")
    rows_out: int | None = Field(default=None, ge=0, description="Rows written.")
    reads: dict[str, int] = Field(default_factory=dict, description="Version of each table read, by full name.")
    writes: str | None = Field(default=None, description="Full name of the table written.")
    version: int | None = Field(default=None, ge=0, description="Version of the table after the step.")
    seconds: float = Field(default=0.0, ge=0, description="Time it took.")


class AlertRecord(_Record):
    """An alert that stands as of the run."""

    tenant_id: str | None = Field(default=None, description="Tenant it belongs to; null for events without one.")
    alert_id: str = Field(description="Alert; the same while it holds.")
    kind: str = Field(description="What it is about.")
    severity: str = Field(description="info, warning or critical.")
    raised_on: date = Field(description="UTC date on which it began to hold, or happened.")
    words: str = Field(description="What is the matter, in a sentence with its numbers.")
    is_new: bool = Field(description="The run before that looked for alerts did not have it.")
    is_told: bool = Field(description="The hook took it, in this run or in one before.")
    told_by: tuple[str, ...] = Field(
        default=(), description="Other channels that took it, in this run or in one before: webhook, mail."
    )


class HookRecord(_Record):
    """What came of the hook that is run with new alerts; its failure does not fail the run."""

    status: Literal["done", "failed", "timed out"] = Field(description="How it ended; failed ones are told again.")
    alerts: int = Field(ge=1, description="Alerts it was given.")
    exit_code: int | None = Field(default=None, description="Its exit code; null where it did not run or was ended.")
    seconds: float = Field(default=0.0, ge=0, description="Time it took.")
    output: str = Field(
        default="", description="The end of what it wrote to its standard error, or why it did not run."
    )


class DeliveryRecord(_Record):
    """What came of telling new alerts by a channel; its failure does not fail the run."""

    channel: Literal["webhook", "mail"] = Field(description="By what they were told.")
    status: Literal["done", "failed"] = Field(description="How it ended; what failed is told again by the next run.")
    alerts: int = Field(ge=1, description="Alerts it was given.")
    tries: int = Field(default=1, ge=0, description="How often it was tried.")
    seconds: float = Field(default=0.0, ge=0, description="Time it took.")
    output: str = Field(default="", description="Why it failed; no address and no password is in it.")


class MissingRecord(_Record):
    """Something that tables need and a source does not tell."""

    tenant_id: str | None = Field(default=None, description="Tenant it belongs to; null for events without one.")
    words: str = Field(description="What is missing, and what stays empty for it.")
    remedy: str = Field(description="What can be done about it.")


class TenantRecord(_Record):
    """What a run did for one tenant, in counts."""

    tenant_id: str | None = Field(description="The tenant; null for the events without one.")
    events: int = Field(default=0, ge=0, description="Events of it that count.")
    decisions: int = Field(default=0, ge=0, description="Decisions that the night took for it.")
    alerts: int = Field(default=0, ge=0, description="Alerts that stand for it.")
    publication: int | None = Field(
        default=None, description="Number of its publication that holds; null where the run did not get there."
    )
    reports: int = Field(default=0, ge=0, description="Files of its reports.")


class Run(_Record):
    """One run of the night."""

    schema_: Literal["urn:kaizenlake:run:1"] = Field(default=SCHEMA, alias="schema")
    run_id: str = Field(
        pattern=r"^[0-9]{8}T[0-9]{12}Z-[0-9a-f]{6}$", description="Start to the microsecond, and a random part."
    )
    kaizenlake: str = Field(default=__version__, description="Version of the program.")
    command: str = Field(description="What was asked for: `nightly`, `rebuild` or `demo`.")
    status: RunStatus = Field(default="running", description="`killed`: it ended without a word, as a later run found.")
    exit_code: int | None = Field(default=None, description="Exit code; null while running and where killed.")
    as_of: datetime = Field(description="Events before this instant count.")
    started_at: datetime = Field(description="When it started.")
    ended_at: datetime | None = Field(default=None, description="When it ended; null while running and where killed.")
    seconds: float = Field(default=0.0, ge=0, description="Time it took so far.")
    host: str = Field(description="Machine it ran on.")
    pid: int = Field(ge=0, description="Process it ran in.")
    landing: Landed | None = Field(default=None, description="What landing took; null where it did not get there.")
    steps: list[StepRecord] = Field(default_factory=list, description="Steps in their order.")
    versions: dict[str, int] = Field(default_factory=dict, description="Version of each table at the end.")
    frames_validated: int = Field(
        default=0,
        ge=0,
        description="Frames that were checked by the Pandera model of their table before being written.",
    )
    tenants: list[TenantRecord] = Field(
        default_factory=list,
        description="What was done for each tenant, in counts; one for a lake that has one or none.",
    )
    stale_sources: tuple[str, ...] = Field(default=(), description="Sources silent for longer than the setting allows.")
    missing: tuple[MissingRecord, ...] = Field(
        default=(), description="What tables need and sources do not tell, so that they stay empty."
    )
    publication: int | None = Field(
        default=None,
        description="Number of the publication that holds; null without one, and where each of several tenants has its own.",
    )
    alerts: tuple[AlertRecord, ...] | None = Field(
        default=None, description="Alerts that stand; null where the run did not get there."
    )
    hook: HookRecord | None = Field(default=None, description="What came of the hook; null where it was not run.")
    deliveries: tuple[DeliveryRecord, ...] = Field(
        default=(),
        description="What came of the webhook and the e-mails; none where there was nothing to tell by them.",
    )
    reports: tuple[str, ...] = Field(default=(), description="Files of the reports, the Kaizen report's first.")
    attached: tuple[str, ...] = Field(
        default=(),
        description="Files that the reports lead to or rest on: cards of doers, and figures to compare with.",
    )
    settings_sha256: str | None = Field(
        default=None, description="SHA-256 of the settings at the end; null where the run was killed."
    )
    redacted: dict[str, int] = Field(
        default_factory=dict,
        description="How often e-mail addresses, phone numbers and so on were replaced in what was published and reported.",
    )
    errors: list[RunFailure] = Field(default_factory=list, description="What went wrong, in the order it did.")

    model_config = ConfigDict(
        extra="forbid", validate_assignment=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )

    @property
    def changed(self) -> bool:
        """Something was landed, computed, published or reported."""
        return any(step.status != "nothing to do" for step in self.steps)

    @property
    def tables_changed(self) -> bool:
        """Something was landed or computed."""
        return any(step.status == "done" and step.writes is not None for step in self.steps)

    def step(self, name: str) -> StepRecord | None:
        """Return the step of that name, where the run has it."""
        return next((step for step in self.steps if step.name == name), None)


def of_tenant(run: Run, tenant: str | None) -> TenantRecord:
    """Return what a run holds of a tenant; made where it holds nothing yet."""
    for item in run.tenants:
        if item.tenant_id == tenant:
            return item
    made = TenantRecord(tenant_id=tenant)
    run.tenants.append(made)
    return made


def new_run_id(now: datetime) -> str:
    """Return a name for a run: its start, then a random part; names sort by time.

    >>> new_run_id(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))[:23]
    '20260102T030405000000Z-'
    """
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(3)}"


def write(folder: Path, run: Run, *, is_synced: bool = True) -> Path:
    """Write the record of a run, whole or not at all; its words say nothing that identifies a person.

    Args:
        folder: The `runs` folder of a lake.
        run: What is known of it.
        is_synced: Wait until the disk has it.
    """
    path = folder / f"{run.run_id}.json"
    errors = [failure.model_copy(update={"message": guard.text(failure.message)}) for failure in run.errors]
    hook = run.hook and run.hook.model_copy(update={"output": guard.text(run.hook.output)})
    deliveries = tuple(item.model_copy(update={"output": guard.text(item.output)}) for item in run.deliveries)
    missing = tuple(item.model_copy(update={"words": guard.text(item.words)}) for item in run.missing)
    public = run.model_copy(update={"errors": errors, "hook": hook, "missing": missing, "deliveries": deliveries})
    files.write_atomic(path, f"{public.model_dump_json(indent=2)}\n".encode(), is_synced=is_synced)
    return path


def read(path: Path) -> Run | None:
    """Return the record of a run; None where the file is not one."""
    try:
        return Run.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def runs(folder: Path) -> Iterator[Run]:
    """Yield all runs on record, the latest first."""
    for path in sorted(folder.glob("*.json"), reverse=True):
        if (run := read(path)) is not None:
            yield run


def mark_killed(folder: Path) -> tuple[str, ...]:
    """Mark the runs that ended without a word as killed; to be called by the holder of the run lock.

    Returns:
        Their names.
    """
    # A run marks those before it when it starts: behind one that ended there is none.
    killed = list(takewhile(lambda run: run.status == "running", runs(folder)))
    # The oldest first, so that one killed here leaves none behind those that are marked.
    for run in reversed(killed):
        run.status = "killed"
        write(folder, run)
    return tuple(run.run_id for run in killed)


def schema() -> dict[str, Any]:
    """Return JSON Schema of a run's record, as it is shipped in `run.schema.json`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA,
        **Run.model_json_schema(mode="serialization", by_alias=True),
    }


def schema_text() -> str:
    """Return the text of the shipped schema file."""
    return json.dumps(schema(), indent=2) + "\n"
