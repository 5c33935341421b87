"""How commands join the app: each is named by the first word of its example, with which its help ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import typer

Command: TypeAlias = tuple[Callable[..., Any], str]
"""A function, and its words with an example of what follows them."""


def add_commands(app: typer.Typer, *commands: Command, called: str = "kaizen") -> None:
    """Add commands to the app, or to a group of it.

    Args:
        app: The app or the group.
        commands: The functions with their examples, in the order of the help.
        called: How the app or the group is called.
    """
    for command, example in commands:
        app.command(example.partition(" ")[0], epilog=f"Example: {called} {example}")(command)


def add_group(app: typer.Typer, name: str, *commands: Command, about: str, more: str) -> None:
    """Add a group of commands to the app.

    Args:
        name: Name of the group.
        commands: As for `add_commands`; the examples are without the name of the group.
        about: What the group is for, in a sentence.
        more: What else is to be known of it.
    """
    group = typer.Typer(help=about, no_args_is_help=True, epilog=more)
    add_commands(group, *commands, called=f"kaizen {name}")
    app.add_typer(group, name=name)
