"""List the commands with what their help says, for pages that are read beside the command line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import typer
from typer.main import get_command


class CommandHelp(NamedTuple):
    """What the help of a command says.

    Args:
        words: How the command is called, such as `kaizen policy show`.
        meaning: What it does.
        usage: How its words follow each other.
        options: Its arguments and options, each with what it means.
        more: What stands below: an example, or what is to be known of a group.
        is_group: Whether commands of their own follow its name.
    """

    words: str
    meaning: str
    usage: str
    options: tuple[tuple[str, str], ...]
    more: str
    is_group: bool


def list_commands(app: typer.Typer, name: str = "kaizen") -> Iterator[CommandHelp]:
    """Yield the help of each command of an app, a group before its commands, in the order of the help."""
    command = get_command(app)
    yield from _list_within(command, name, None)


def _list_within(group: Any, words: str, parent: Any) -> Iterator[CommandHelp]:
    context = type(group).context_class(group, info_name=words.rpartition(" ")[2], parent=parent)
    for name, command in group.commands.items():
        if command.hidden:
            continue
        own = type(command).context_class(command, info_name=name, parent=context)
        inner = getattr(command, "commands", None)
        yield CommandHelp(
            words=f"{words} {name}",
            meaning=_as_line(command.help),
            usage=command.get_usage(own).removeprefix("Usage: "),
            options=tuple(
                (record[0], _as_line(record[1]))
                for parameter in command.params
                if (record := parameter.get_help_record(own)) is not None
            ),
            more=_as_line(command.epilog),
            is_group=inner is not None,
        )
        if inner is not None:
            yield from _list_within(command, f"{words} {name}", context)


def _as_line(text: str | None) -> str:
    return " ".join((text or "").split())
