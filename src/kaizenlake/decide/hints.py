"""Which command comes next? Written whole, so that it can be copied into a shell, whatever the names in it are."""

from __future__ import annotations

import shlex


def kaizen(*words: str) -> str:
    """A command of `kaizen` for the words of a hint.

    >>> kaizen("policy", "show", "planner", "1.4.0"), kaizen("canary", "stop", "a b; rm")
    ('`kaizen policy show planner 1.4.0`', "`kaizen canary stop 'a b; rm'`")
    """
    return f"`kaizen {shlex.join(words)}`"
