"""Write the pages on tables, events, commands, settings and errors from their declarations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kaizenlake import settings, tables
from kaizenlake.cli.app import app
from kaizenlake.cli.shell.command_list import CommandHelp, list_commands
from kaizenlake.docs.pages import escape, lay_out_code, lay_out_table
from kaizenlake.errors import exit_codes
from kaizenlake.events.catalogue import FAMILIES, EventType, Family
from kaizenlake.events.example import example_line
from kaizenlake.job import Job
from kaizenlake.jobs import JOBS
from kaizenlake.tables import Table
from kaizenlake.training.error_codes import ERROR_CODES, RANGES

LAYERS: Mapping[str, str] = {
    "gold": "What the night computes: read these.",
    "silver": "One table a family of events, one row an event.",
    "bronze": "What landed as it came, and how the lake is kept.",
}
"""Layers of tables with what they hold, those first that are read most."""


def write_reference() -> dict[str, str]:
    """Return the pages of the reference, each by its path within the site."""
    return {
        **_write_tables(),
        **_write_events(),
        **_write_commands(),
        "reference/settings.md": _write_settings(),
        "reference/errors.md": _write_errors(),
    }


def _write_tables() -> dict[str, str]:
    writers = {job.writes: job for job in JOBS}
    readers: dict[type[Table], list[Job]] = {}
    for job in JOBS:
        for read in job.reads:
            readers.setdefault(read, []).append(job)
    index = ["# Tables", "", "`kaizen tables` lists them with their rows; `kaizen show TABLE` shows what one holds."]
    pages = {}
    for layer, about in LAYERS.items():
        held = [table for table in tables.TABLES if tables.layer(table) == layer]
        index += ["", f"## {layer}", "", about]
        index += lay_out_table(
            ("table", "what it holds"),
            [
                (f"[{escape(tables.name(table))}]({layer}.{tables.name(table)}.md)", escape(tables.meaning(table)))
                for table in held
            ],
        )
        for table in held:
            page = _write_table(table, writers.get(table), readers.get(table, []))
            pages[f"reference/tables/{tables.full_name(table)}.md"] = page
    return {"reference/tables/index.md": _join(index), **pages}


def _write_table(table: type[Table], writer: Job | None, readers: Iterable[Job]) -> str:
    types = tables.schema(table)
    lines = [f"# {tables.full_name(table)}", "", escape(tables.meaning(table)), ""]
    lines += [f"One row per {', '.join(f'`{key}`' for key in tables.grain(table))}."]
    if (day := tables.partition(table)) is not None:
        lines += ["", f"Kept by day: `{day}`."]
    if writer is not None:
        lines += ["", f"Computed by the job `{writer.name}`: {escape(writer.meaning)}"]
        lines += ["", f"It reads {_link_tables(writer.reads)}."]
    if used := _link_tables(job.writes for job in readers):
        lines += ["", f"Read for {used}."]
    lines += lay_out_table(
        ("column", "type", "unit", "may be null", "rule", "meaning"),
        [
            (
                f"`{name}`",
                escape(types[name]),
                escape(declared.unit),
                "yes" if declared.nullable else "",
                escape("; ".join(declared.rules())),
                escape(declared.description),
            )
            for name, declared in tables.columns(table).items()
        ],
    )
    return _join(lines)


def _link_tables(read: Iterable[type[Table]]) -> str:
    return ", ".join(f"[{escape(tables.full_name(table))}]({tables.full_name(table)}.md)" for table in read)


def _write_events() -> dict[str, str]:
    index = ["# Events", "", "`kaizen events TYPE` says the same; a line such as the example lands as it stands."]
    index += lay_out_table(
        ("family", "what its events tell", "types"),
        [
            (f"[{escape(family.name)}]({family.name}.md)", escape(family.meaning), str(len(family.types)))
            for family in FAMILIES
        ],
    )
    pages = {f"reference/events/{family.name}.md": _write_family(family) for family in FAMILIES}
    return {"reference/events/index.md": _join(index), **pages}


def _write_family(family: Family) -> str:
    lines = [f"# {family.name}", "", escape(family.meaning)]
    if family.is_decision:
        lines += ["", "Commands append them, behind their gates; nothing that lands otherwise is taken."]
    if family.needs_project:
        lines += ["", "Each needs a `project_id`."]
    lines += ["", f"Their table is [silver.{escape(family.name)}](../tables/silver.{family.name}.md)."]
    for event in family.types:
        lines += _write_event(event)
    return _join(lines)


def _write_event(event: EventType) -> list[str]:
    return [
        "",
        f"## {event.name}",
        "",
        escape(event.meaning),
        *lay_out_code(example_line(event), "json"),
        *lay_out_table(
            ("field", "type", "unit", "needed", "may be null", "range", "meaning"),
            [
                (
                    f"`{field.name}`",
                    field.kind,
                    escape(field.unit),
                    "yes" if field.required else "",
                    "yes" if field.nullable else "",
                    _describe_range(field.minimum, field.maximum),
                    escape(field.description),
                )
                for field in event.fields
            ],
        ),
    ]


def _describe_range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    if low is not None:
        return f"{low:g} or more"
    return "" if high is None else f"{high:g} or less"


def _write_commands() -> dict[str, str]:
    listed = [*list_commands(app)]
    first = [command for command in listed if command.words.count(" ") == 1]
    index = ["# Commands", "", "`kaizen COMMAND --help` says the same."]
    index += lay_out_table(
        ("command", "what it does"),
        [(f"[{escape(command.words)}]({_file_of(command)}.md)", escape(command.meaning)) for command in first],
    )
    index += ["", "## Exit codes", ""]
    index += lay_out_table(("code", "meaning"), [(str(code), escape(text)) for code, text in exit_codes().items()])
    pages = {}
    for command in first:
        inner = [other for other in listed if other.words.startswith(f"{command.words} ")]
        lines = [f"# {command.words}", *_write_command(command)]
        for other in inner:
            lines += ["", f"## {other.words}", *_write_command(other)]
        pages[f"reference/commands/{_file_of(command)}.md"] = _join(lines)
    return {"reference/commands/index.md": _join(index), **pages}


def _file_of(command: CommandHelp) -> str:
    return command.words.split(" ")[1]


def _write_command(command: CommandHelp) -> list[str]:
    example = command.more.removeprefix("Example: ")
    return [
        "",
        escape(command.meaning),
        *([] if command.is_group else lay_out_code(command.usage)),
        *lay_out_table(("word", "meaning"), [(f"`{word}`", escape(text)) for word, text in command.options]),
        *(["", escape(command.more)] if example == command.more else ["", "Example:", *lay_out_code(example, "sh")]),
    ]


def _write_settings() -> str:
    lines = [
        "# Settings",
        "",
        "A `kaizen.toml` in the lake sets them; `kaizen init` writes it, with every line a comment.",
    ]
    return _join([*lines, *lay_out_code(settings.template(), "toml")])


def _write_errors() -> str:
    lines = ["# Errors of learning", "", "`kaizen errors CODE` says the same."]
    for range_, subject in RANGES.items():
        codes = [code for code in ERROR_CODES if code.code[1:3] == range_]
        if codes:
            lines += ["", f"## E{range_}xx: {escape(subject)}"]
            lines += lay_out_table(
                ("code", "error", "cause", "what to do"),
                [(code.code, escape(code.name), escape(code.cause), escape(code.remedy)) for code in codes],
            )
    return _join(lines)


def _join(lines: Iterable[str]) -> str:
    return "\n".join(lines).replace("\n\n\n", "\n\n").strip() + "\n"
