"""Print a published context without loading the command line, which would cost ten times what reading the file does."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from kaizenlake.cli.shell.contexts import find_context
from kaizenlake.cli.shell.output import say_json
from kaizenlake.errors import KaizenError
from kaizenlake.place import DEFAULT_LAKE, LAKE_VARIABLE

VALUES = {"--lake": 1, "--tenant": 1, "--project": 1, "-p": 1, "--segment": 2}
"""Options of `kaizen context`, with how many values each takes."""


def print_context(words: Sequence[str]) -> bool:
    """Print what `kaizen context` prints; False, and nothing printed, where the words or the files ask for more than that.

    Args:
        words: The command line after `kaizen`.
    """
    options = _find_options(words[1:]) if words[:1] == ["context"] else None
    if options is None:
        return False
    lake = (options.get("--lake") or (os.environ.get(LAKE_VARIABLE) or DEFAULT_LAKE,))[0]
    tenant, project = ((options.get(name) or (None,))[0] for name in ("--tenant", "--project"))
    segment = options.get("--segment")
    try:
        found = find_context(lake, tenant, project, (segment[0], segment[1]) if segment else None)
    except KaizenError:
        return False  # the command line says it, with its exit code
    try:
        say_json(found.context)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _find_options(words: Sequence[str]) -> dict[str, tuple[str, ...]] | None:
    """Return values of each option; None where the words are not plainly options with their values."""
    options: dict[str, tuple[str, ...]] = {}
    rest = list(words)
    while rest:
        name = rest.pop(0)
        values = tuple(rest[: VALUES.get(name, 0)])
        if not values or len(values) < VALUES[name] or any(value.startswith("-") for value in values):
            return None
        options["--project" if name == "-p" else name] = values
        del rest[: len(values)]
    return options
