"""Which version comes after which? Semantic versioning 2.0.0: how versions are written, and how they compare."""

from __future__ import annotations

import re
from typing import TypeAlias

from kaizenlake.errors import UsageError
from kaizenlake.vocabulary import plural

Precedence: TypeAlias = tuple[int, int, int, tuple[tuple[int, int, str], ...]]

_PRE = r"(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = re.compile(
    rf"v?(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-({_PRE}(?:\.{_PRE})*))?"
    r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?"
)
_LONGEST = 100
_RELEASE = (1, 0, "")


def precedence(version: str) -> Precedence:
    """Return what versions are compared by; what stands after a `+` does not count.

    >>> precedence("1.0.0-rc.2") < precedence("1.0.0-rc.10") < precedence("1.0.0") < precedence("1.10.0")
    True

    Args:
        version: Such as 1.4.0, 2.0.0-rc.1, or v1.4.0, which is as great as 1.4.0.

    Raises:
        UsageError: It is no semantic version; the words say what is wrong with it.
    """
    match = _SEMVER.fullmatch(version) if len(version) <= _LONGEST else None
    if match is None:
        raise UsageError(
            f"{version[:_LONGEST]!r} is no semantic version: {_what_is_wrong(version)}.",
            hint="It is MAJOR.MINOR.PATCH, such as 1.4.0; 1.5.0-rc.1 comes before 1.5.0.",
        )
    major, minor, patch, pre, _ = match.groups()
    # A release comes after its candidates; numbers come before words, and fewer parts before more of the same.
    parts = (_RELEASE,) if pre is None else tuple(_part(part) for part in pre.split("."))
    return int(major), int(minor), int(patch), parts


def _part(text: str) -> tuple[int, int, str]:
    return (-1, int(text), "") if text.isdigit() else (0, 0, text)


def _what_is_wrong(version: str) -> str:
    if len(version) > _LONGEST:
        return f"it has {len(version)} characters, the longest has {_LONGEST}"
    core = re.split(r"[-+]", version, maxsplit=1)[0]
    if version[:1] == "V":
        return "it begins with a letter other than v"
    core = core.removeprefix("v")
    numbers = core.split(".")
    if len(numbers) != 3:
        return f"it has {plural(len(numbers), 'number')} before the first - or +, there must be three"
    for number in numbers:
        if not re.fullmatch(r"[0-9]+", number):
            return f"{number!r} is no number"
        if len(number) > 1 and number.startswith("0"):
            return f"{number!r} begins with 0"
    return "what follows the three numbers is no `-` or `+` with parts of letters, digits and hyphens, parted by dots"
