"""The plan of a brand as a calendar: a page with a table for each day, and a file that calendars import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import Block, KeyFigure, Paragraph, ReportDocument, Section, build_grid
from kaizenlake.report.engine.columns import show, show_text
from kaizenlake.report.engine.rows import Listing, TableRow
from kaizenlake.tables import BrandNotes, Tasks
from kaizenlake.vocabulary import plural

NOTES = 5
"""Most notes on a brand that are shown beside its plan."""

LASTS = timedelta(minutes=30)
"""How long a task is shown in a calendar: the lake does not know how long it takes."""


def document(
    name: str,
    zone: ZoneInfo,
    tasks: Iterable[Mapping[str, Any]],
    span: tuple[datetime, datetime],
    as_of: datetime,
    notes: Iterable[Mapping[str, Any]] = (),
) -> ReportDocument:
    """Lay the plan of a brand out, a section for each of its days.

    Args:
        name: Name of the brand.
        zone: Zone in which its times are shown.
        tasks: Tasks of these days, as `choose` returns them.
        span: First instant that is shown, and the one from which on nothing is.
        as_of: When it is laid out.
        notes: Notes on the brand, as rows of `gold.brand_notes`, the latest first; `NOTES` of them are shown.
    """
    rows = [TableRow(**task) for task in tasks]
    days = groupby(rows, key=lambda row: row.run_at.astimezone(zone).date())
    sections = []
    for day, found in days:
        of_day = list(found)
        table = build_grid(
            f"tasks-{day.isoformat()}",
            "Tasks",
            Tasks,
            Listing.whole(of_day),
            (
                show_text("Time", lambda row: f"{row.run_at.astimezone(zone):%H:%M}", "run_at"),
                show("task_id"),
                "task_type",
                "priority",
                "status",
                show("approved_by", "Approved by"),
                show("proposal_reason", "Why"),
            ),
        )
        blocks: tuple[Block, ...] = (table,)
        sections.append(
            Section(f"day-{day.isoformat()}", f"{day:%A}, {say.day(day)}", plural(len(of_day), "task"), blocks)
        )
    if not sections:
        nothing = Paragraph("Nothing is planned for these days. `kaizen schedule plan` plans what was approved.")
        sections = [Section("nothing", "Nothing planned", "", (nothing,))]
    kept = [TableRow(**note) for note in notes]
    if kept:
        columns = ("noted_at", show_text("Note", lambda row: say.clean(row.note, 300), "note"), show("told_by"))
        table = build_grid("notes-table", "Notes", BrandNotes, Listing(tuple(kept[:NOTES]), len(kept)), columns)
        sections.append(Section("notes", "What to keep in mind", "What was learned of the brand.", (table,)))
    open_ = sum(row.status == "scheduled" for row in rows)
    first, last = (instant.astimezone(zone).date() for instant in (span[0], span[1] - timedelta(microseconds=1)))
    return ReportDocument.of(
        as_of,
        title=say.clean(f"Plan of {name}"),
        subtitle="What runs when, why, and who approved it",
        window=f"{say.day(first)} to {say.day(last)}; times are those of {zone.key}.",
        figures=(
            KeyFigure("Tasks", say.count(len(rows)), ""),
            KeyFigure("Still to run", say.count(open_), ""),
        ),
        sections=sections,
    )


def calendar_file(name: str, tasks: Iterable[Mapping[str, Any]], as_of: datetime) -> bytes:
    """Return the plan of a brand as a file that calendars import (iCalendar, RFC 5545), with times in UTC.

    Args:
        name: Name of the brand.
        tasks: Tasks with their `run_at`, as rows of `gold.tasks`.
        as_of: When it is made.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//kaizenlake//plan//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", say.clean(f"Plan of {name}"))
    for task in tasks:
        event = Event()
        # The same task stays the same entry when it is planned anew.
        event.add("uid", f"{task['task_id']}@kaizenlake")
        event.add("dtstamp", as_of.astimezone(UTC))
        event.add("dtstart", task["run_at"].astimezone(UTC))
        event.add("duration", LASTS)
        event.add("summary", say.clean(f"{say.name_words(task['task_type'])} ({task['priority']})"))
        told = (
            f"Task {task['task_id']}, {task['status']}",
            f"Approved by {task['approved_by']}" if task["approved_by"] else "",
            task["proposal_reason"] or "",
        )
        event.add("description", "\n".join(say.clean(line, 500) for line in told if line))
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def choose(tasks: Iterable[Mapping[str, Any]], span: tuple[datetime, datetime]) -> list[Mapping[str, Any]]:
    """Return tasks that run within a span, and are not withdrawn, the first first.

    Args:
        tasks: Tasks, as rows of `gold.tasks`.
        span: First instant, and the one from which on none counts.
    """
    found = (
        task
        for task in tasks
        if task["run_at"] is not None
        and span[0] <= task["run_at"] < span[1]
        and task["status"] not in {"approved", "rejected"}
    )
    return sorted(found, key=lambda task: (task["run_at"], task["task_id"]))


def midnight(start: datetime, zone: ZoneInfo) -> datetime:
    """Return the beginning of a day in a zone.

    Args:
        start: Instant whose date, as it is given, names the day.
    """
    return datetime(start.year, start.month, start.day, tzinfo=zone)
