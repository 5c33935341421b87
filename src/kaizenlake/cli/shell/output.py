"""What all commands say: where words go, how a table is drawn on a terminal, and of which lake they are."""

from __future__ import annotations

import getpass
import json
import os
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kaizenlake.errors import LakeError, UsageError
from kaizenlake.place import LakePlace, find_place

if TYPE_CHECKING:
    from rich.console import Console

    from kaizenlake.lake.store import Lake

_UNSEEN = r"\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
"""What would steer a terminal, turn the order of the text around it, or is half a character."""

_CONTROL = re.compile(rf"[\x00-\x1f{_UNSEEN}]")
_LEFT_BY_JSON = re.compile(f"[{_UNSEEN}]")


@cache
def out() -> Console:
    """Return the console of the answer; colour only on a terminal and without NO_COLOR."""
    from rich.console import Console

    class AnswerConsole(Console):
        """Leave it to the app what a reader that is gone means: `head` has seen enough, and nothing failed."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return AnswerConsole(highlight=False, soft_wrap=not sys.stdout.isatty(), emoji=False)


@cache
def err() -> Console:
    """Return the console of everything that is not the answer: progress, notes, errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty(), emoji=False)


def say(text: str = "", *, style: str | None = None) -> None:
    """Print a line of the answer; it is text, never markup."""
    out().print(clean(with_tenant(text)), style=style, markup=False)


def note(text: str) -> None:
    """Print a line beside the answer, on stderr."""
    err().print(clean(with_tenant(text)), markup=False)


_COMMAND = re.compile(r"`kaizen ([^`]+)`")

_apps: list[Any] = []
"""The app with all commands, once `know` was told of it."""

_named: list[str] = []
"""The tenant that this command was given, where the lake has several."""


def know(app: Any) -> None:
    """Take the app with all commands, so that words can tell which of them take a tenant."""
    _apps[:] = [app]


def with_tenant(text: str) -> str:
    """Return a text in which every command of `kaizen` that takes a tenant names the one that this command was given."""
    if not _named or not _apps or "`kaizen " not in text:
        return text

    def name_tenant_in(found: re.Match[str]) -> str:
        if "--tenant" in found[1] or not _takes_tenant(found[1].split()):
            return found[0]
        return f"`kaizen {found[1]} --tenant {shlex.quote(_named[0])}`"

    return _COMMAND.sub(name_tenant_in, text)


def _takes_tenant(words: Sequence[str]) -> bool:
    """Return whether the command that some words begin with has the option."""
    import typer

    command: Any = typer.main.get_command(_apps[0])
    for word in words:
        inner = getattr(command, "commands", {}).get(word)
        if inner is None:
            break
        command = inner
    return any(option.name == "tenant" for option in command.params)


def clean(text: str) -> str:
    r"""Return a text from outside as one line, without what would steer a terminal: no name or reason can forge a line of its own.

    >>> clean("red: \x1b[31m\nerror: all is lost")
    'red: �[31m error: all is lost'
    """
    return _CONTROL.sub("\ufffd", " ".join(text.expandtabs(4).split("\n")))


def format_cell(value: Any) -> str:
    r"""Return one value of a table, in words for a person.

    >>> [format_cell(value) for value in (None, 0.123456789, True, ["a", "b"], "x\ny")]
    ['', '0.1235', 'yes', 'a, b', 'x y']
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e6 else f"{value:,.0f}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(format_cell, value))
    return clean(" ".join(str(value).split()))


def draw(heads: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Draw a table: with lines on a terminal, elsewhere as columns parted by tabs."""
    if not sys.stdout.isatty():
        say_lines(["\t".join(heads), *("\t".join(map(format_cell, row)) for row in rows)])
        return
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(*heads, box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for row in rows:
        numbers = [isinstance(value, (int, float)) and not isinstance(value, bool) for value in row]
        table.add_row(
            *(Text(format_cell(value), justify="right" if n else "left") for value, n in zip(row, numbers, strict=True))
        )
    out().print(table)


def say_lines(lines: Iterable[str]) -> None:
    """Write lines to stdout as they are."""
    for line in lines:
        sys.stdout.write(line + "\n")


def say_json(value: Any) -> None:
    """Write a value to stdout as JSON."""
    say_lines([escape_unseen(json.dumps(value, indent=2, default=str, ensure_ascii=False))])


def escape_unseen(text: str) -> str:
    r"""Return JSON with what a terminal would obey written as escapes; it says the same.

    >>> escape_unseen('"\x9b31m"')
    '"\\u009b31m"'
    """
    return _LEFT_BY_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def find_lake(where: str) -> LakePlace:
    """Return the place of a lake, without opening it.

    Raises:
        LakeError: There is none; the words say how to make one.
    """
    _named.clear()
    if "://" not in where:
        path = Path(where)
        if path.exists() and not path.is_dir():
            raise LakeError("A lake is a folder, and this is a file.", where=where)
        if not any((path / name).exists() for name in ("kaizen.toml", "bronze", "landing")):
            raise LakeError(
                "There is no lake here.",
                where=where,
                hint="`kaizen demo` makes one with samples, `kaizen init` an empty one; --lake or KAIZEN_LAKE names another place.",
            )
    return find_place(where)


def open_lake(where: str) -> Lake:
    """Return the lake at a place.

    Raises:
        LakeError: There is none; the words say how to make one.
    """
    from kaizenlake.lake.store import Lake

    find_lake(where)
    return Lake(where)


def open_view(where: str, tenant: str | None, *, may_be_new: bool = False) -> Lake:
    """Return the lake at a place, as one tenant has it.

    Args:
        where: Folder or URI of the lake.
        tenant: As `--tenant` says it; None takes the only one that there is.
        may_be_new: A tenant of which there is no event yet is taken, too.

    Raises:
        LakeError: There is no lake.
        TenantNeededError: It has several tenants, and none was named.
        UsageError: There is no such tenant.
    """
    from kaizenlake.lake.trust.tenants import view_of

    view = view_of(open_lake(where), tenant, may_be_new=may_be_new)
    if view.is_walled:
        _named.append(view.tenant or "")
    return view


def system_user() -> str | None:
    """Return the user of the machine who runs the command; None where the machine does not know."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return None


def decider(by: str | None) -> str:
    """Return who decides, by `--by` or as whom the machine knows the user.

    Raises:
        UsageError: The machine does not know, or the name is the one under which the night decides.
    """
    name = (system_user() or "") if by is None else by.strip()
    if not name or name == "night":
        raise UsageError(
            "A decision needs the name of the person who takes it" + (", and `night` is nobody's." if name else "."),
            hint="Give --by NAME.",
        )
    if len(name) > _LONGEST_NAME:
        raise UsageError(f"The name of who decides has {len(name):,} characters, the longest has {_LONGEST_NAME}.")
    return name


_LONGEST_NAME = 200


def is_terminal() -> bool:
    """Return progress is wanted: stderr is a terminal and no CI asks for quiet."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
