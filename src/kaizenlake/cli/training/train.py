"""Commands on training jobs: start one, look at all, stop one, and go on with one that stopped."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from kaizenlake.cli.shell.groups import add_group
from kaizenlake.cli.shell.options import LAKE, ByOption, JsonOption, LakeOption, ReasonOption, TenantOption
from kaizenlake.cli.shell.output import decider, draw, open_view, say, say_json
from kaizenlake.vocabulary import TrainingKind, plural

if TYPE_CHECKING:
    from kaizenlake.decide.training.job_state import TrainingJob

JobArgument = Annotated[str, typer.Argument(help="Job, as `kaizen train list` names it.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands on training jobs."""
    add_group(
        app,
        "train",
        (start, "start sft --base tiny@1.0.0 --data rows.jsonl --name writer --version 1.0.0 --seed 7 --by ann"),
        (list_, "list"),
        (cancel, "cancel job-01 --by ann"),
        (resume, "resume job-01 --by ann"),
        about="Train models: by examples (sft), preferences (reward, dpo), a reward (rloo, grpo) or a teacher (distil).",
        more="All but `features` need the extra: pip install 'kaizenlake[train]'.",
    )


def start(
    kind: Annotated[str, typer.Argument(help=f"How it is trained: {', '.join(get_args(TrainingKind))}.")],
    name: Annotated[str, typer.Option("--name", help="Model that comes of it.", show_default=False)],
    version: Annotated[str, typer.Option("--version", help="Its version, such as 1.0.0.", show_default=False)],
    base: Annotated[
        str | None, typer.Option("--base", help="Model it starts from, as NAME@VERSION; features need none.")
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Lines of JSON to learn from.")] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Data set to learn from, as NAME@VERSION, in place of a file.")
    ] = None,
    teacher: Annotated[str | None, typer.Option("--teacher", help="Model to distil from, as NAME@VERSION.")] = None,
    reward_function: Annotated[
        str | None, typer.Option("--reward-function", help="What judges answers, as module:function.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Setting, such as epochs=1 or learning_rate=1e-4; may be given many times."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything that is drawn.")] = 0,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a model in this process and register what comes of it; it is in staging then."""
    from kaizenlake.decide.training import jobs
    from kaizenlake.training.orders.training_order import read_config

    config = read_config(kind, settings or (), seed=seed)
    request = jobs.JobRequest(
        kind, name, version, base, teacher, None if data is None else str(data), dataset, config, reward_function
    )
    opened = open_view(lake, tenant, may_be_new=True)
    requested = jobs.request_job(opened, request, by=decider(by), reason=reason)
    if not as_json:
        say(f"Job {requested.job_id}: {kind} on {plural(len(requested.prepared.rows), 'row')}.")
    _tell(jobs.run(opened, requested), as_json=as_json)


def list_(lake: LakeOption = LAKE, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List the training jobs, the oldest first."""
    from kaizenlake.decide.training import job_state

    found = job_state.list_jobs(open_view(lake, tenant))
    if as_json:
        say_json([_gather_facts(item) for item in found])
    elif not found:
        say("There is no training job; `kaizen train start` starts one.")
    else:
        heads = ("job", "kind", "model", "status", "steps", "loss", "seconds", "MB", "by")
        draw(
            heads,
            [
                (
                    item.job_id,
                    item.kind,
                    item.model,
                    item.status,
                    item.steps,
                    item.last_loss,
                    None if item.seconds is None else round(item.seconds, 1),
                    None if item.peak_memory_mb is None else round(item.peak_memory_mb),
                    item.decided_by,
                )
                for item in found
            ],
        )


def cancel(
    job: JobArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop a job after the step that it takes; it can go on later from its checkpoint."""
    from kaizenlake.decide.training import jobs

    _tell(jobs.cancel(open_view(lake, tenant), job, by=decider(by), reason=reason), as_json=as_json)


def resume(
    job: JobArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go on with a job that failed or was cancelled, from its checkpoint: it ends as if nothing had stopped it."""
    from kaizenlake.decide.training import jobs

    _tell(jobs.resume(open_view(lake, tenant), job, by=decider(by), reason=reason), as_json=as_json)


def _gather_facts(job: TrainingJob) -> dict[str, object]:
    told = asdict(job)
    return told | {name: told[name].isoformat() for name in ("requested_at", "changed_at")}


def _tell(job: TrainingJob, *, as_json: bool) -> None:
    if as_json:
        say_json(_gather_facts(job))
        return
    said = {
        "COMPLETED": f"{job.model} is in staging, hash {(job.output_sha256 or '')[:16]}….",
        "CANCELLED": "Stopped; `kaizen train resume` goes on from its checkpoint.",
        "RUNNING": "It was asked to stop, and does so after the step that it takes.",
    }.get(job.status, job.reason or "")
    loss = "" if job.last_loss is None else f" Loss {job.first_loss:.4g}, then {job.last_loss:.4g}."
    took = "" if job.seconds is None else f" {job.seconds:.1f} seconds, {job.peak_memory_mb or 0:.0f} MB."
    say(f"{job.job_id} is {job.status}. {said}{loss}{took}")
