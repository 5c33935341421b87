"""How do training jobs stand at this moment? Folded from the events by the job of the night."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from filelock import FileLock, Timeout

from kaizenlake.decide.record.lines import decision_line
from kaizenlake.decide.record.state import ALWAYS
from kaizenlake.events.catalogue import by_name
from kaizenlake.events.decode import decode
from kaizenlake.events.ids import event_id
from kaizenlake.events.rules import near
from kaizenlake.events.write.log import Line
from kaizenlake.jobs.training.training_jobs import training_jobs
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.training.error_codes import LearningError

SOURCE = "kaizen train"
FOLDER = "training"
_LOCK, _CANCEL = "running.lock", "cancel"
DIED = "Its process ended without a word; `kaizen train resume` goes on from its checkpoint."


@dataclass(frozen=True)
class TrainingJob:
    """A training job as it stands; the columns of `gold.training_jobs`, which say what each is."""

    tenant_id: str | None
    job_id: str
    kind: str
    name: str
    version: str
    status: str
    base: str | None
    teacher: str | None
    dataset: str | None
    rows_file: str | None
    reward_function: str | None
    rows_count: int
    rows_sha256: str
    config: dict[str, Any]
    attempts: int
    steps: int
    first_loss: float | None
    last_loss: float | None
    seconds: float | None
    peak_memory_mb: float | None
    cost_usd: float | None
    output_sha256: str | None
    metrics: dict[str, Any]
    requested_at: datetime
    changed_at: datetime
    decided_by: str
    reason: str | None

    @property
    def model(self) -> str:
        """Model that comes of it, as name@version."""
        return f"{self.name}@{self.version}"


def list_jobs(lake: Lake) -> list[TrainingJob]:
    """Return the training jobs of a tenant, the oldest first; one whose process died is first said to have failed.

    Args:
        lake: The lake, as a tenant has it where there are several.
    """
    view = view_of(lake)
    found = _fold(view)
    dead = [item for item in found if item.status in {"PENDING", "RUNNING"} and _has_died(view, item.job_id)]
    if not dead:
        return found
    for item in dead:
        append_status(view, item.job_id, "FAILED", reason=DIED)
    return _fold(view)


def find_job(lake: Lake, job_id: str) -> TrainingJob:
    """Return a training job.

    Raises:
        LearningError: There is none of that name (E7902).
    """
    found = {item.job_id: item for item in list_jobs(lake)}
    if job_id not in found:
        raise LearningError("E7902", f"There is no training job {job_id!r}{near(job_id, found)}.")
    return found[job_id]


def append_status(lake: Lake, job_id: str, status: str, **told: Any) -> None:
    """Append that a job stands otherwise from now on.

    Args:
        lake: The lake, as the tenant has it whose job it is.
        job_id: Which one, as `kaizen train list` names it.
        status: How it stands.
        **told: Other fields of the event.
    """
    append_lines(lake, [status_line(lake, job_id, status, **told)])


def status_line(lake: Lake, job_id: str, status: str, **told: Any) -> Line:
    """Return the event that a job stands otherwise from now on."""
    payload = {
        "job_id": job_id,
        "training_status": status,
        **{name: value for name, value in told.items() if value is not None},
    }
    if "reason" in payload:
        payload["reason"] = str(payload["reason"]).encode("utf-8", "replace").decode().replace("\0", " ")[:500]
    name = f"{job_id}-{status.lower()}-{event_id()}"
    return decision_line(lake, "TRAINING_STATUS_CHANGED", payload, event_id=name, occurred_at=datetime.now(UTC))


def append_lines(lake: Lake, lines: list[Line]) -> None:
    """Append events of jobs in one commit."""
    if lines:
        decisions.append(lake, lambda _: lines, source=SOURCE)


def find_folder(lake: Lake, job_id: str) -> Path:
    """Return the folder of a job: its checkpoints, and what came of it."""
    return lake.path(FOLDER, *lake.tenant_place, job_id)


def lock_of(lake: Lake, job_id: str) -> FileLock:
    """Return what the process of a job holds while it lives: the system frees it when the process ends, however it does."""
    folder = find_folder(lake, job_id)
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(str(folder / _LOCK), timeout=0, thread_local=False)


def ask_to_stop(lake: Lake, job_id: str) -> None:
    """Leave word for the process of a job that it is to stop."""
    (find_folder(lake, job_id) / _CANCEL).touch()


def is_asked_to_stop(lake: Lake, job_id: str) -> bool:
    """Return whether the process of a job is to stop."""
    return (find_folder(lake, job_id) / _CANCEL).exists()


def forget_word(lake: Lake, job_id: str) -> None:
    """Take back the word that a job is to stop."""
    (find_folder(lake, job_id) / _CANCEL).unlink(missing_ok=True)


def _has_died(lake: Lake, job_id: str) -> bool:
    """Return whether the process of a job is no more; of one that ran on another machine nothing is known here."""
    if not find_folder(lake, job_id).is_dir():
        return False
    lock = lock_of(lake, job_id)
    try:
        with lock:
            return True
    except Timeout:
        return False


def _fold(view: Lake) -> list[TrainingJob]:
    requested = by_name("TRAINING_REQUESTED")
    assert requested is not None
    family = requested.family
    events = decisions.of(view).filter(pl.col("event_type").is_in([item.name for item in family.types]))
    rows = training_jobs(decode(events, family), as_of=ALWAYS).collect()
    return [_read_row(row) for row in rows.sort("requested_at", "job_id").iter_rows(named=True)]


def _read_row(row: dict[str, Any]) -> TrainingJob:
    held = {name: row[name] for name in TrainingJob.__dataclass_fields__}
    for name in ("config", "metrics"):
        held[name] = json.loads(held[name]) if held[name] else {}
    return TrainingJob(**held)
