"""The JSON value of one line, or in words why it is none."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from kaizenlake.events import envelope, rules


class UnreadableError(Exception):
    """A line is no JSON value: the rule and the reason."""


def json_value(line: bytes) -> Any:
    """Return the JSON value of a line.

    Raises:
        UnreadableError: It is none; numbers and texts that JSON cannot hold are left to the rules of values.
    """
    text = _text(line)
    deepest, torn = _shape(line)
    if deepest > envelope.DEEPEST:
        reason = f"objects and lists lie {deepest:,} levels deep; the deepest taken is {envelope.DEEPEST}"
        raise UnreadableError("too_deep", reason)
    try:
        return msgspec.json.decode(line)
    except msgspec.MsgspecError as error:
        words = str(error)
    if torn:
        raise UnreadableError("torn_line", "the line ends before its JSON does")
    try:
        # The standard library also reads NaN, numbers beyond all range and halves of surrogate pairs.
        document = json.loads(text, parse_int=_compute_integer)
    except ValueError:
        document = None
    if any(rules.value_problems(document)):
        return document
    raise UnreadableError("not_json", words if text else "the line is blank")


def _text(line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise UnreadableError("torn_line", "the line ends within a character") from error
        hint = "; it looks like UTF-16" if b"\0" in line else ""
        reason = f"byte {error.start + 1} is not UTF-8: {error.reason}{hint}"
        raise UnreadableError("encoding", reason) from error
    if "\0" in text:
        raise UnreadableError("encoding", "the line holds NUL bytes; it is no UTF-8 text, perhaps UTF-16")
    return text


def _compute_integer(digits: str) -> float:
    return int(digits) if len(digits) < 400 else float(digits)


_MARKS = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)|[\[{]|[\]}]', re.DOTALL)


def _shape(line: bytes) -> tuple[int, bool]:
    """Return the deepest level of the line, and whether it ends within a string, an object or a list."""
    depth = deepest = 0
    torn = False
    for mark in _MARKS.finditer(line):
        first = line[mark.start()]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
        elif not mark[1]:
            torn = True
    return deepest, torn or depth > 0
