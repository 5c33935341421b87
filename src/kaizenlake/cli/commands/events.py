"""The command that lists event types, ours and those of plug-ins."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any

import typer

from kaizenlake.cli.commands.tables import find_declared
from kaizenlake.cli.shell.groups import add_commands
from kaizenlake.cli.shell.options import LAKE, JsonOption, LakeOption
from kaizenlake.cli.shell.output import draw, say, say_json, say_lines
from kaizenlake.errors import UsageError


def add_to(app: typer.Typer) -> None:
    """Add the command that lists event types."""
    add_commands(app, (events, "events LEAD_CREATED"))


def events(
    name: Annotated[str | None, typer.Argument(metavar="[TYPE]", help="Event type whose fields are wanted.")] = None,
    lake: LakeOption = LAKE,
    as_json: JsonOption = False,
) -> None:
    """List event types by family with an example line of each, or the fields of one."""
    from kaizenlake.events.example import example_line

    catalogue = find_declared(lake).catalogue
    if name is None:
        found = [
            {"family": family.name, "type": event.name, "meaning": event.meaning, "example": example_line(event)}
            for family in catalogue.families
            for event in family.types
        ]
        if as_json:
            say_json(found)
            return
        for family in catalogue.families:
            by = " Appended by commands alone." if family.is_decision else ""
            say(f"{family.name}: {family.meaning}{by}")
            for row in (row for row in found if row["family"] == family.name):
                say(f"  {row['type']}: {row['meaning']}")
                say_lines([f"    {row['example']}"])
        return
    event = catalogue.by_name(name.upper())
    if event is None:
        near = get_close_matches(name.upper(), [item.name for item in catalogue.events], n=3)
        likely = f"Did you mean {', '.join(near)}? " if near else ""
        raise UsageError(
            f"There is no event type {name!r}{catalogue.hint}.", hint=f"{likely}`kaizen events` lists all."
        )
    fields: list[dict[str, Any]] = [
        {
            "field": field.name,
            "type": field.kind,
            "unit": field.unit,
            "required": field.required,
            "null": field.nullable,
            "lowest": field.minimum,
            "highest": field.maximum,
            "meaning": field.description,
        }
        for field in event.fields
    ]
    if as_json:
        facts = {"type": event.name, "family": event.family.name, "meaning": event.meaning}
        say_json({**facts, "example": example_line(event), "fields": fields})
        return
    say(f"{event.name} ({event.family.name}): {event.meaning}")
    say_lines([example_line(event)])
    draw(
        ("field", "type", "unit", "required", "null", "lowest", "highest", "meaning"),
        [tuple(row.values()) for row in fields],
    )
