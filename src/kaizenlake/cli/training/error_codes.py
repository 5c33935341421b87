"""The command that explains errors of learning by their codes."""

from __future__ import annotations

from typing import Annotated

import typer

from kaizenlake.cli.shell.groups import add_commands
from kaizenlake.cli.shell.options import JsonOption
from kaizenlake.cli.shell.output import say, say_json, say_lines


def add_to(app: typer.Typer) -> None:
    """Add the command on errors."""
    add_commands(app, (errors, "errors E7001"))


def errors(
    code: Annotated[str | None, typer.Argument(help="Code, such as E7001; all unless given.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Explain the errors of learning: cause and remedy of one code, or all codes, one a line."""
    from kaizenlake.training.error_codes import ERROR_CODES, find_error_code

    if code is None:
        if as_json:
            say_json([item._asdict() for item in ERROR_CODES])
            return
        say_lines(f"{item.code}  {item.name}" for item in ERROR_CODES)
        return
    found = find_error_code(code)
    if as_json:
        say_json(found._asdict() | {"subject": found.subject})
        return
    say(f"{found.code}: {found.name} ({found.subject})")
    say(f"Cause: {found.cause}")
    say(f"Remedy: {found.remedy}")
