"""Commands on the schedule: plan what was approved, do what is due, and see it as a calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from kaizenlake.cli.shell.groups import add_group
from kaizenlake.cli.shell.options import LAKE, ByOption, JsonOption, LakeOption, TenantOption
from kaizenlake.cli.shell.output import decider, draw, note, open_view, say, say_json
from kaizenlake.errors import UsageError
from kaizenlake.vocabulary import plural

BrandArgument = Annotated[str, typer.Argument(help="Brand, such as acme.")]
ExecuteOption = Annotated[
    bool, typer.Option("--execute", help="Do it; without this it is only tried, and what comes of it is a preview.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands on the schedule."""
    add_group(
        app,
        "schedule",
        (plan, "plan acme --start 2026-12-01T09:00 --end 2026-12-08 --max-per-day 3"),
        (list_, "list --brand acme"),
        (tick, "tick --max 5"),
        (calendar, "calendar acme --start 2026-12-01 --out week.ics"),
        about="Plan approved tasks, do those that are due, and see the plan as a calendar.",
        more="`kaizen schedule tick` is what cron calls. A task is done at least once: effects carry the key of its execution.",
    )


def plan(
    brand: BrandArgument,
    start: Annotated[str, typer.Option("--start", help="First instant; one without a zone is UTC.")],
    end: Annotated[str, typer.Option("--end", help="Instant from which on nothing runs.")],
    max_per_day: Annotated[int, typer.Option("--max-per-day", help="Most tasks of a day.")],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    business_days: Annotated[
        bool, typer.Option("--business-days", help="Leave out Saturdays, Sundays and the holidays of the brand.")
    ] = False,
    spread: Annotated[
        bool, typer.Option("--spread", help="An even load on all days, not the first ones full.")
    ] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Show the plan, and schedule nothing.")] = False,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Plan the approved tasks of a brand, and schedule them so; what cannot be planned is told with its reason."""
    from kaizenlake.decide.agency import schedule

    rules = schedule.PlanRules(max_per_day, business_days, spread)
    span = _instant(start, "--start"), _instant(end, "--end")
    timeline = schedule.plan(open_view(lake, tenant), brand, span, rules, by=decider(by), is_preview=preview)
    planned = [
        {
            "task_id": item.task_id,
            "task_type": item.task_type,
            "priority": item.priority,
            "run_at": item.run_at,
            "days_late": item.days_late,
        }
        for item in timeline
    ]
    left = [{"task_id": item.task_id, "reason": item.reason} for item in timeline.unplanned]
    if as_json:
        say_json({"planned": planned, "unplanned": left, "weighted_tardiness": timeline.weighted_tardiness})
        return
    if not planned and not left:
        say(f"Nothing of {brand} is approved and waits to be planned.")
    if planned:
        draw(("task", "type", "priority", "runs", "days late"), [_row(row) for row in planned])
    for row in left:
        say(f"Not planned: {row['task_id']}. {row['reason']}")
    if past := sum(item.run_at < datetime.now(UTC) for item in timeline):
        note(f"{plural(past, 'task has', 'tasks have')} an instant that is past: the next tick takes them up at once.")
    if preview:
        note("This is a preview: nothing was scheduled.")


def list_(
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    brand: Annotated[str | None, typer.Option("--brand", help="Only those of this brand.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List tasks that are scheduled or in progress, the first to run first."""
    from kaizenlake.decide.agency import tasks

    found = tasks.state(open_view(lake, tenant)).rows("scheduled", "in_progress", brand_id=brand)
    names = ("task_id", "brand_id", "task_type", "priority", "run_at", "status", "lease_ends_at")
    ordered = sorted(found, key=lambda row: (row["run_at"] is None, row["run_at"] or row["status_since"]))
    rows = [{name: row[name] for name in names} for row in ordered]
    if as_json:
        say_json(rows)
    elif rows:
        draw(("task", "brand", "type", "priority", "runs", "state", "held until"), [_row(row) for row in rows])
    else:
        say("Nothing is scheduled.")


def tick(
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    now: Annotated[
        str | None,
        typer.Option("--now", help="Instant by which tasks are due and leases judged; the clock's unless given."),
    ] = None,
    most: Annotated[int, typer.Option("--max", min=1, help="Most tasks of this tick.")] = 10,
    execute: ExecuteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Do tasks that are due: each is claimed by one append, so that two ticks at once do nothing twice."""
    from kaizenlake.decide.agency import tasks
    from kaizenlake.generate.agency.engine import AutoExecutionEngine, ExecutionContext

    context = ExecutionContext(dry_run=not execute, operator_id="scheduler")
    view = open_view(lake, tenant)
    runtime = AutoExecutionEngine(context, view).runtime()
    at = datetime.now(UTC) if now is None else _instant(now, "--now")
    ran = [vars(item) for item in runtime.tick(at, most)]
    if as_json:
        say_json(ran)
        return
    if not ran:
        say("Nothing is due.")
        tried = sorted({row["brand_id"] for row in tasks.state(view).rows() if row["status"] == "completed_preview"})
        if execute and tried:
            say(f"Tasks of {', '.join(tried)} were only tried; `kaizen schedule plan BRAND` plans them again.")
    for row in ran:
        why = f", {row['reason'].rstrip('.')}" if row["reason"] else ""
        say(f"{row['task_id']}: {row['status']}{why}.")
    if any(row["execution_id"] for row in ran) and not execute:
        note("It was only tried; --execute does it.")


def calendar(
    brand: BrandArgument,
    out: Annotated[Path, typer.Option("--out", help="File to write: .html or .ics.")],
    start: Annotated[str, typer.Option("--start", help="First day.")],
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="Number of days.")] = 7,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
) -> None:
    """Write the plan of a brand as a calendar: a page, or a file that calendars import."""
    from kaizenlake.decide.agency import brands, tasks
    from kaizenlake.lake.files import write_atomic
    from kaizenlake.report.agency import plan_calendar
    from kaizenlake.report.engine.render import render_html

    view = open_view(lake, tenant)
    told, of_brand = brands.find_brand(view, brand), tasks.state(view).rows(brand_id=brand)
    if not of_brand:
        brands.require_brand(view, brand)
    name, zone = told["name"] if told else brand, brands.find_zone(view, brand)
    first = plan_calendar.midnight(_instant(start, "--start"), zone)
    span = (first, first + timedelta(days=days))
    found = plan_calendar.choose(of_brand, span)
    as_of = datetime.now(UTC)
    match out.suffix.lower():
        case ".ics":
            content = plan_calendar.calendar_file(name, found, as_of)
        case ".html":
            page = plan_calendar.document(name, zone, found, span, as_of, brands.find_notes(view, brand))
            content = render_html(page).encode()
        case _:
            raise UsageError("Expected a file that ends in .html or .ics.", where=str(out))
    write_atomic(out, content)
    say(f"{out} holds {len(found)} of the tasks of {brand}.")


def _instant(text: str, option: str) -> datetime:
    from kaizenlake.jobs.agency.plan_tasks import instant

    found = instant(text, option)
    assert found is not None
    return found


def _row(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(f"{value:%Y-%m-%d %H:%M} UTC" if hasattr(value, "strftime") else value for value in row.values())
