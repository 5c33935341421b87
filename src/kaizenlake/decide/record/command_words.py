"""Words to people and from them: the command that comes next, written whole, and texts that can be kept."""

from __future__ import annotations

import getpass
import shlex

from kaizenlake.errors import UsageError
from kaizenlake.events.rules import find_text_fault


def write_command(*words: str) -> str:
    """Return a command of `write_command` for the words of a hint; it can be copied into a shell, whatever the names in it are.

    >>> write_command("policy", "show", "planner", "1.4.0"), write_command("canary", "stop", "a b; rm")
    ('`kaizen policy show planner 1.4.0`', "`kaizen canary stop 'a b; rm'`")
    """
    return f"`kaizen {shlex.join(words)}`"


def find_system_user() -> str | None:
    """Return the user of the machine who runs this, as the machine knows them; None where it does not."""
    try:
        return getpass.getuser()[:200] or None
    except (OSError, KeyError, ImportError):
        return None


def check_texts(**texts: str | None) -> None:
    """Check that texts are such that an event can hold them: a shell also hands over bytes that are none.

    Args:
        texts: Each by what it is; None is not given.

    Raises:
        UsageError: One is none; the words say which, and what is wrong with it.
    """
    for name, text in texts.items():
        if text is not None and (fault := find_text_fault(text)):
            raise UsageError(f"{name} holds {fault}; expected a text in UTF-8, found {ascii(text)[:200]}.")
