"""Train models in jobs: each is logged from its request to its end, can be stopped, and goes on from a checkpoint."""

from __future__ import annotations

import resource
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from filelock import Timeout

from kaizenlake.decide.record.command_words import check_texts
from kaizenlake.decide.record.lines import decision_line
from kaizenlake.decide.record.user_functions import load_function
from kaizenlake.decide.training import datasets, job_state, registry
from kaizenlake.decide.training.dataset_files import digest
from kaizenlake.decide.training.job_state import TrainingJob
from kaizenlake.errors import KaizenError, TableNotFoundError, UsageError
from kaizenlake.events.ids import event_id
from kaizenlake.events.write.log import Line
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.tables import ContentExperiments, ExampleRejections, TrainingExamples
from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.orders.training_order import (
    BY_PREFERENCE,
    BY_REWARD,
    MODEL_TYPE_OF,
    TrainingConfig,
    read_config,
)
from kaizenlake.training.orders.training_rows import Row, check_rows, hash_rows, read_rows
from kaizenlake.training.rewards.preference_pairs import KEPT_OUT, gather_pairs

_MB = 1024.0 if sys.platform != "darwin" else 1024.0**2
_MOST_STEPS = 5_000
"""Most losses that wait before they are logged."""


@dataclass(frozen=True)
class JobRequest:
    """What is to be trained.

    Args:
        kind: Kind of training: features, sft, reward, dpo, rloo, grpo or distil.
        name: Model that comes of it.
        version: Version of that model, by semantic versioning.
        base: Model it starts from, as name@version; features need none.
        teacher: Model to learn from, as name@version, in distillation.
        file: Lines of JSON to learn from.
        dataset: Data set to learn from, as name or name@version, in place of a file.
        config: Settings.
        reward_function: What judges answers, as module:function.
    """

    kind: str
    name: str
    version: str
    base: str | None = None
    teacher: str | None = None
    file: str | None = None
    dataset: str | None = None
    config: TrainingConfig = field(default_factory=TrainingConfig)
    reward_function: str | None = None


@dataclass(frozen=True)
class _Prepared:
    """What was found of a request: everything that could be wrong with it was looked at."""

    request: JobRequest
    rows: list[Row]
    dataset: str | None
    networks: dict[str, Any]
    reward: Callable[..., Any] | None


def start(lake: Lake, request: JobRequest, *, by: str, reason: str | None = None) -> TrainingJob:
    """Train a model in this process, and register what comes of it.

    Args:
        lake: The lake, as a tenant has it where there are several.
        request: What is to be trained.
        by: Who asks.
        reason: Why, in words.

    Returns:
        The job as it ended: COMPLETED, or CANCELLED where somebody asked for it.

    Raises:
        LearningError: The request cannot be taken, before there is any job; or the job failed, which it is said of.
    """
    return run(lake, request_job(lake, request, by=by, reason=reason))


@dataclass(frozen=True)
class RequestedJob:
    """A job that was asked for and waits to be run by this process."""

    job_id: str
    lock: Any
    prepared: _Prepared
    by: str


def request_job(lake: Lake, request: JobRequest, *, by: str, reason: str | None = None) -> RequestedJob:
    """Log that a model is to be trained; the job is pending until `run` is called in this process.

    Raises:
        LearningError: The request cannot be taken; there is no job.
    """
    check_texts(by=by, reason=reason, file=request.file, dataset=request.dataset, reward=request.reward_function)
    view = view_of(lake, may_be_new=True)
    prepared = _prepare(view, request)
    job_id = f"job-{event_id()}"
    lock = job_state.lock_of(view, job_id)
    lock.acquire()
    try:
        payload = {
            "job_id": job_id,
            "training_kind": request.kind,
            "model_id": request.name,
            "model_version": request.version,
            "base_model": request.base,
            "teacher_model": request.teacher,
            "trained_dataset": prepared.dataset,
            "rows_file": request.file and str(Path(request.file).absolute()),
            "reward_function": request.reward_function,
            "rows_count": len(prepared.rows),
            "rows_sha256": hash_rows(prepared.rows),
            "config": request.config.as_mapping(),
            "decided_by": by,
            "reason": reason,
        }
        line = decision_line(view, "TRAINING_REQUESTED", payload, event_id=job_id, occurred_at=datetime.now(UTC))
        job_state.append_lines(view, [line])
    except BaseException:
        lock.release()
        raise
    return RequestedJob(job_id, lock, prepared, by)


def run(lake: Lake, requested: RequestedJob) -> TrainingJob:
    """Run a job that was asked for to its end.

    Raises:
        LearningError: It failed, which it is said of.
    """
    view = view_of(lake, may_be_new=True)
    try:
        _run(view, requested, resumed_steps_count=0, checkpoint=None)
    finally:
        requested.lock.release()
    return job_state.find_job(view, requested.job_id)


def cancel(lake: Lake, job_id: str, *, by: str, reason: str | None = None, wait_seconds: float = 30.0) -> TrainingJob:
    """Stop a job after the step that it takes, and wait until it says so.

    Args:
        lake: The lake, as a tenant has it where there are several.
        job_id: Which one, as `kaizen train list` names it.
        by: Who asks.
        reason: Why, in words.
        wait_seconds: How long to wait for it.

    Raises:
        LearningError: There is no such job (E7902), or it does not run (E7403).
    """
    check_texts(by=by, reason=reason)
    view = view_of(lake)
    found = job_state.find_job(view, job_id)
    if found.status not in {"PENDING", "RUNNING"}:
        raise LearningError(
            "E7403", f"The job {job_id} is {found.status}; only one that waits or runs can be cancelled."
        )
    job_state.ask_to_stop(view, job_id)
    until = time.monotonic() + wait_seconds
    while found.status in {"PENDING", "RUNNING"} and time.monotonic() < until:
        time.sleep(0.3)
        found = job_state.find_job(view, job_id)
    return found


def resume(lake: Lake, job_id: str, *, by: str, reason: str | None = None) -> TrainingJob:
    """Go on with a job that failed or was cancelled, from its latest checkpoint; without one from the beginning.

    Args:
        lake: The lake, as a tenant has it where there are several.
        job_id: Which one, as `kaizen train list` names it.
        by: Who asks.
        reason: Why, in words.

    Raises:
        LearningError: There is no such job (E7902), it runs or is done, what it learns from was changed (E7403), a
            checkpoint was (E7402), or it failed again.
    """
    check_texts(by=by, reason=reason)
    view = view_of(lake)
    found = job_state.find_job(view, job_id)
    if found.status not in {"FAILED", "CANCELLED"}:
        raise LearningError(
            "E7403", f"The job {job_id} is {found.status}; only one that failed or was cancelled goes on."
        )
    request = JobRequest(
        found.kind,
        found.name,
        found.version,
        found.base,
        found.teacher,
        found.rows_file,
        found.dataset,
        read_config(found.kind, found.config),
        found.reward_function,
    )
    prepared = _prepare(view, request)
    if hash_rows(prepared.rows) != found.rows_sha256:
        raise LearningError("E7403", f"The rows of {job_id} are not those that it was asked for with.")
    lock = job_state.lock_of(view, job_id)
    try:
        lock.acquire()
    except Timeout as error:
        raise LearningError("E7403", f"The job {job_id} runs in another process.") from error
    try:
        job_state.forget_word(view, job_id)
        checkpoint, step = None, 0
        if request.kind != "features":
            from kaizenlake.neural.checkpoints import find_checkpoint

            checkpoint, step = find_checkpoint(job_state.find_folder(view, job_id))
        _run(view, RequestedJob(job_id, lock, prepared, by), resumed_steps_count=step, checkpoint=checkpoint)
    finally:
        lock.release()
    return job_state.find_job(view, job_id)


def _prepare(view: Lake, request: JobRequest) -> _Prepared:
    """Look at everything that could be wrong with a request, before there is a job."""
    if request.kind != "features":
        from kaizenlake.neural import check_installed

        check_installed()
        if request.base is None:
            raise LearningError(
                "E7506", f"Training by {request.kind} starts from a model.", hint="Give it as --base NAME@VERSION."
            )
    if request.kind == "distil" and request.teacher is None:
        raise LearningError("E7602", "Distillation needs a teacher.", hint="Give it as --teacher NAME@VERSION.")
    reward = find_reward_function(request.reward_function) if request.kind in BY_REWARD else None
    rows, dataset = gather_rows(view, request)
    registry.check_draft(view, _draft(request, "", dataset, "", {}))
    networks = {name: find_network(view, name) for name in (request.base, request.teacher) if name is not None}
    return _Prepared(request, rows, dataset, networks, reward)


def _draft(
    request: JobRequest, folder: str, dataset: str | None, job_id: str, metrics: Mapping[str, float]
) -> registry.ModelDraft:
    parents = tuple(name for name in (request.base, request.teacher) if name is not None)
    return registry.ModelDraft(
        request.name,
        request.version,
        folder,
        MODEL_TYPE_OF[request.kind],
        parents,
        dataset,
        job_id=job_id or None,
        metrics=metrics,
    )


def find_network(lake: Lake, full_name: str) -> Any:
    """Return where a registered network lies with what it stands on, every byte of it checked.

    Args:
        lake: The lake, as a tenant has it where there are several.
        full_name: Model, as name@version.

    Raises:
        LearningError: There is no such model (E7204), a byte of it was changed (E7208), or it stands on what is not
            registered (E7506).
    """
    from kaizenlake.neural.networks import NetworkFiles, base_of, is_adapter

    folders: list[Path] = []
    seen: list[str] = []
    name = full_name
    while True:
        model, sign, version = name.rpartition("@")
        if not sign or not model:
            raise LearningError("E7204", f"A model is named as NAME@VERSION; found {name!r}.")
        seen.append(name)
        folder = registry.load_model(model, version, lake).path
        folders.insert(0, folder)
        if not is_adapter(folder):
            return NetworkFiles(full_name, tuple(folders))
        name = base_of(folder)
        if name in seen or "@" not in name:
            raise LearningError(
                "E7506", f"{seen[-1]} is an adapter on {name!r}; expected a model of the lake, as name@version."
            )


def find_reward_function(named: str | None) -> Callable[..., Any]:
    """Return a function by its name, as module:function.

    Raises:
        LearningError: There is none (E7301).
    """
    try:
        return load_function(named or "")
    except UsageError as error:
        raise LearningError("E7301", error.message) from error


def gather_rows(lake: Lake, request: JobRequest) -> tuple[list[Row], str | None]:
    """Return the rows of a request, and the data set they are from, as name@version; None of a file.

    Raises:
        LearningError: A row is not what this kind of training learns from (E7504), or there is no such data set (E7201).
    """
    if (request.file is None) == (request.dataset is None):
        raise LearningError(
            "E7504",
            "Rows are those of a file or of a data set, and of one of them.",
            hint="Give --data FILE.jsonl or --dataset NAME@VERSION.",
        )
    if request.file is not None:
        return read_rows(Path(request.file), request.kind), None
    name, sign, version = str(request.dataset).partition("@")
    found = datasets.read(lake, name, version if sign else None)
    named = f"{name}@{found.version}"
    learnt = found.rows.filter(split="train").sort("example_id")
    if request.kind in BY_PREFERENCE:
        pairs = gather_pairs(learnt.lazy())
        if pairs.is_empty():
            pairs = find_pairs(lake)
        rows = pairs.select("prompt", "chosen", "rejected")
    elif request.kind in BY_REWARD:
        rows = learnt.select(prompt="input_text").unique(maintain_order=True)
    else:
        rows = learnt.select(prompt="input_text", completion="output_text")
    return check_rows(rows.iter_rows(named=True), request.kind, f"data set {named}"), named


def find_pairs(lake: Lake) -> pl.DataFrame:
    """Return pairs of a better and a worse answer out of everything that a lake knows, as the last night left it.

    Args:
        lake: The lake, as a tenant has it where there are several.
    """
    view = view_of(lake)
    try:
        rejected = view.scan(ExampleRejections).filter(pl.col("rule").is_in(KEPT_OUT))
        examples = view.scan(TrainingExamples).join(
            rejected, on=("tenant_id", "example_id"), how="anti", nulls_equal=True
        )
        examples = examples.collect().lazy()
    except TableNotFoundError:
        return gather_pairs(pl.LazyFrame(schema=_NO_EXAMPLE))
    try:
        arms = view.scan(ContentExperiments).collect().lazy()
    except TableNotFoundError:
        arms = None
    return gather_pairs(examples, arms)


_NO_EXAMPLE = {
    "trace_id": pl.String,
    "human_edited": pl.Boolean,
    "input_text": pl.String,
    "output_text": pl.String,
    "quality_score": pl.Float64,
}


class _Log:
    """Hears of a job while it runs, and keeps it in the lake."""

    def __init__(self, view: Lake, job_id: str) -> None:
        self.view, self.job_id = view, job_id
        self._lines: list[Line] = []

    def log_step(self, step: int, loss: float, reward: float | None) -> None:
        """Take the loss of a step."""
        payload = {"job_id": self.job_id, "taken_steps_count": step, "training_loss": loss}
        payload |= {} if reward is None else {"mean_reward": reward}
        name = f"{self.job_id}-step-{step}"
        self._lines.append(
            decision_line(self.view, "TRAINING_STEP_LOGGED", payload, event_id=name, occurred_at=datetime.now(UTC))
        )
        if len(self._lines) >= _MOST_STEPS:
            self.save()

    def save(self, *more: Line) -> None:
        """Keep what was heard, and further events with it."""
        lines, self._lines = [*self._lines, *more], []
        job_state.append_lines(self.view, lines)

    def is_cancelled(self) -> bool:
        """Return whether somebody asked to stop."""
        return job_state.is_asked_to_stop(self.view, self.job_id)


def _run(view: Lake, requested: RequestedJob, *, resumed_steps_count: int, checkpoint: Path | None) -> None:
    job_id, request = requested.job_id, requested.prepared.request
    log, began = _Log(view, job_id), time.monotonic()

    def tell(status: str, **told: Any) -> None:
        seconds = time.monotonic() - began
        price = request.config.usd_per_hour
        cost = None if price is None else seconds / 3600 * price
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MB
        log.save(
            job_state.status_line(
                view, job_id, status, duration_seconds=seconds, peak_memory_mb=peak, cost_usd=cost, **told
            )
        )

    job_state.append_status(
        view, job_id, "RUNNING", resumed_steps_count=resumed_steps_count or None, decided_by=requested.by
    )
    try:
        if log.is_cancelled():
            tell("CANCELLED")
            return
        result = _fit(view, requested) if request.kind == "features" else _train(view, requested, log, checkpoint)
        if result is None:
            tell("CANCELLED")
            return
        steps, metrics, named = result
        draft = _draft(
            request, str(job_state.find_folder(view, job_id) / "model"), requested.prepared.dataset, job_id, metrics
        )
        registry.register(view, draft, by=requested.by)
        tell("COMPLETED", steps_count=steps, metrics=metrics, output_sha256=named)
    except BaseException as error:
        words = str(error) if isinstance(error, KaizenError) else f"{type(error).__name__}: {error}"
        tell("FAILED", reason=words or type(error).__name__)
        raise


def _fit(view: Lake, requested: RequestedJob) -> tuple[int, dict[str, float], str]:
    """Fit the reward model on features, in one go."""
    from kaizenlake.training.rewards.reward_features import FILE, fit_reward

    found = fit_reward(requested.prepared.rows)
    folder = job_state.find_folder(view, requested.job_id) / "model"
    shutil.rmtree(folder, ignore_errors=True)
    found.write(folder)
    content = (folder / FILE).read_bytes()
    return (
        1,
        {"accuracy_rate": found.accuracy_rate, "pairs": float(found.pairs)},
        digest(content),
    )


def _train(
    view: Lake, requested: RequestedJob, log: _Log, checkpoint: Path | None
) -> tuple[int, dict[str, float], str] | None:
    """Train a network; None where somebody stopped it."""
    from kaizenlake.neural import trainers

    prepared, request = requested.prepared, requested.prepared.request
    folder = job_state.find_folder(view, requested.job_id)
    shutil.rmtree(folder / trainers.OUTPUT, ignore_errors=True)
    order = trainers.TrainingOrder(
        kind=request.kind,
        base=prepared.networks[str(request.base)],
        rows=prepared.rows,
        config=request.config,
        folder=folder,
        teacher=prepared.networks.get(request.teacher or ""),
        reward=prepared.reward,
    )
    result = trainers.train(order, log, checkpoint=checkpoint)
    return None if result.is_cancelled else (result.steps, result.metrics, result.output_sha256)
