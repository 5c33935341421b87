"""Commands on tasks: what there is to do for brands, and the decisions on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from kaizenlake.cli.shell.groups import add_group
from kaizenlake.cli.shell.options import LAKE, ByOption, JsonOption, LakeOption, ReasonOption, TenantOption
from kaizenlake.cli.shell.output import clean, decider, draw, note, open_view, say, say_json, say_lines
from kaizenlake.errors import UsageError
from kaizenlake.vocabulary import Priority, Risk, TaskStatus

TaskArgument = Annotated[str, typer.Argument(help="Task, as `kaizen task list` names it.")]
BrandOption = Annotated[str | None, typer.Option("--brand", help="Only those of this brand.")]
FormatOption = Annotated[
    Literal["table", "json"], typer.Option("--format", help="How they are printed; --json is short for json.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands on tasks."""
    add_group(
        app,
        "task",
        (list_, "list --brand acme"),
        (show, "show task-1"),
        (add, 'add email_rewrite --brand acme --reason "Few open the newsletter"'),
        (approve, "approve task-1 --by ann"),
        (run, "run task-1"),
        (reject, 'reject task-1 --by ann --reason "the offer ends"'),
        about="Look at what there is to do for brands, propose more of it, and approve or reject it.",
        more="A task goes pending_review → approved → scheduled → in_progress → completed. Only what a person approved is done.",
    )


def list_(
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    brand: BrandOption = None,
    status: Annotated[TaskStatus | None, typer.Option("--status", help="Only those that stand there.")] = None,
    form: FormatOption = "table",
    as_json: JsonOption = False,
) -> None:
    """List tasks with where each stands at this moment."""
    from kaizenlake.decide.agency import tasks

    rows = tasks.state(open_view(lake, tenant)).rows(*([status] if status else []), brand_id=brand)
    if as_json or form == "json":
        say_json([_facts(row) for row in rows])
        return
    if not rows:
        nothing = "There is no task yet; `kaizen task add TYPE --brand BRAND` proposes one."
        say("There is no such task." if brand or status else nothing)
        return
    shown = ("task_id", "brand_id", "task_type", "priority", "status", "status_since", "decided_by", "run_at", "reason")
    heads = ("task", "brand", "type", "priority", "status", "since", "by", "runs", "reason")
    draw(heads, [tuple(_short(row[name]) for name in shown) for row in rows])


def show(task: TaskArgument, lake: LakeOption = LAKE, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """Show a task, and every step of it: who took it, when and why."""
    from kaizenlake.decide.agency import tasks

    found = tasks.state(open_view(lake, tenant))
    row = found.task(task)
    steps = found.steps.filter(task_id=task).sort("occurred_at", "event_id")
    told = ("occurred_at", "to_status", "decided_by", "is_automatic", "approver_key_id", "system_user", "reason")
    if as_json:
        say_json({**_facts(row), "audit": list(steps.select(told).iter_rows(named=True))})
        return
    given = {
        name: value for name, value in row.items() if value not in (None, []) and name not in {"output", "tenant_id"}
    }
    draw(("field", "value"), [(name, _short(value)) for name, value in given.items()])
    say()
    for step in steps.select(told).iter_rows(named=True):
        who = "a setting, for" if step["is_automatic"] else ""
        signed = f" (signed by the key {step['approver_key_id']})" if step["approver_key_id"] else ""
        say(
            f"{_short(step['occurred_at'])}  {step['to_status']}, by {who} {step['decided_by']}{signed}".replace(
                "  by", " by"
            )
        )
        if step["reason"]:
            say(f"    Reason: {step['reason']}")
    if row["output"]:
        say()
        for line in str(json.loads(row["output"]).get("markdown", "")).split("\n"):
            say(line)


def add(
    task_type: Annotated[str, typer.Argument(metavar="TYPE", help="What it does, such as email_rewrite.")],
    brand: Annotated[str, typer.Option("--brand", help="Brand it is for.")],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    name: Annotated[str | None, typer.Option("--id", help="Name of the task; a new one unless given.")] = None,
    priority: Annotated[Priority, typer.Option("--priority", help="How much it matters.")] = "MEDIUM",
    reason: ReasonOption = None,
    by: ByOption = None,
    confidence: Annotated[float | None, typer.Option("--confidence", min=0, max=1, help="How sure it is.")] = None,
    risk: Annotated[Risk | None, typer.Option("--risk", help="How much harm it could do.")] = None,
    inputs: Annotated[
        str | None, typer.Option("--inputs", help="What it is done with, as JSON, such as '{\"num_variants\": 3}'.")
    ] = None,
    depends_on: Annotated[
        list[str] | None, typer.Option("--after", help="Task that runs before it; any number.")
    ] = None,
    deadline: Annotated[
        str | None, typer.Option("--deadline", help="Day of the brand, or instant by whose day it should run.")
    ] = None,
    window_ends: Annotated[str | None, typer.Option("--until", help="Last instant at which it may run.")] = None,
    resource: Annotated[str | None, typer.Option("--resource", help="What it needs for itself while it runs.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Propose a task; it waits for a person, unless a setting approves its type."""
    from kaizenlake.decide.agency import brands, tasks
    from kaizenlake.generate.agency.task_types import BY_NAME, find_type
    from kaizenlake.jobs.agency.plan_tasks import instant

    opened = open_view(lake, tenant, may_be_new=True)
    zone = brands.find_zone(opened, brand)
    draft = tasks.TaskDraft(
        brand_id=brand,
        task_type=task_type,
        priority=priority,
        reason=reason,
        task_id=name,
        confidence_rate=confidence,
        risk=risk,
        inputs=_object(inputs),
        depends_on=tuple(depends_on or ()),
        deadline_at=instant(deadline, "deadline", zone),
        window_ends_at=instant(window_ends, "end of the window", zone),
        resource=resource,
    )
    (made,) = tasks.propose(opened, lambda _: [draft], by=decider(by))
    _tell(tasks.state(opened).task(made), as_json=as_json)
    if find_type(task_type) is None:
        note(
            f"Nothing here does {task_type}: an application of yours has to. Types that are done: {', '.join(BY_NAME)}."
        )


def approve(
    task: TaskArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", help="File with the private key of who approves; needed where the settings name approvers."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a task: it may be scheduled and done."""
    from kaizenlake.decide.agency import tasks

    done = tasks.approve(open_view(lake, tenant), task, by=decider(by), reason=reason, key=key)
    _tell(done, as_json=as_json)


def reject(
    task: TaskArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reject a task, or withdraw it before it is done."""
    from kaizenlake.decide.agency import tasks

    _tell(tasks.reject(open_view(lake, tenant), task, by=decider(by), reason=reason), as_json=as_json)


def run(
    task: TaskArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    execute: Annotated[
        bool, typer.Option("--execute", help="Do it; without this it is only tried, and what comes of it is a preview.")
    ] = False,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do an approved task now, and print what it makes; without --execute it is only tried."""
    from kaizenlake.decide.agency import tasks
    from kaizenlake.generate.agency.engine import AutoExecutionEngine, ExecutionContext

    view, who = open_view(lake, tenant), decider(by)
    engine = AutoExecutionEngine(ExecutionContext(dry_run=not execute, operator_id=who), view)
    engine.run_task(task)
    row = tasks.state(view).task(task)
    _tell(row, as_json=as_json)
    if not as_json:
        if row["status"] == "failed" and row["reason"]:
            say(f"Reason: {row['reason']}")
        if row["output"]:
            made = json.loads(row["output"])
            say_lines(["", *map(clean, made["markdown"].split("\n"))])
            for rule in made.get("readiness", ()):
                if rule["verdict"] == "FAIL":
                    note(f"Not ready: {rule['rule']}, wanted {rule['wanted']}.")
        if not execute:
            note("It was only tried; --execute does it.")


def _tell(row: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(_facts(row))
        return
    say(
        f"The task {row['task_id']} ({row['task_type']} for {row['brand_id']}) is {row['status']}, by {row['decided_by']}."
    )


def _object(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"Expected a JSON object as --inputs, found {text!r}: {error}.") from error
    if not isinstance(found, dict):
        raise UsageError(f"Expected a JSON object as --inputs, found {text!r}.")
    return found


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    """Return a task with what it holds as JSON told as such."""
    told = {name: json.loads(row[name]) if row[name] else None for name in ("inputs", "output")}
    return {name: value for name, value in (row | told).items() if name != "tenant_id"}


def _short(value: Any) -> Any:
    """Return an instant to the minute; anything else as it is."""
    return f"{value:%Y-%m-%d %H:%M} UTC" if hasattr(value, "strftime") else value
