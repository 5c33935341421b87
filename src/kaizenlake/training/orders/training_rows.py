"""The rows that a model is trained on: lines of JSON, each checked, and what is wrong with one said by its number."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from kaizenlake.errors import UsageError
from kaizenlake.events.rules import find_text_fault
from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.orders.training_order import BY_PREFERENCE, BY_REWARD

Row: TypeAlias = dict[str, Any]

MOST_BYTES: Final = 64_000_000
"""Most bytes of a line."""

FORMS: Final[dict[str, tuple[frozenset[str], ...]]] = {
    "example": (frozenset({"prompt", "completion"}), frozenset({"messages"}), frozenset({"text"})),
    "preference": (frozenset({"prompt", "chosen", "rejected"}),),
    "prompt": (frozenset({"prompt"}),),
}
"""Fields that a row must have, by what it is: one of these sets."""

ROLES: Final = ("system", "user", "assistant", "tool", "developer")


def form_of(kind: str) -> str:
    """Return what a row of a kind of training is: a key of `FORMS`."""
    return "preference" if kind in BY_PREFERENCE else "prompt" if kind in BY_REWARD else "example"


def read_rows(file: Path, kind: str) -> list[Row]:
    """Return the rows of a file of lines of JSON.

    Args:
        file: Where they are.
        kind: Kind of training that they are for.

    Raises:
        UsageError: The file cannot be read.
        LearningError: A line is not what this kind of training learns from (E7504), or there is none.
    """
    rows = []
    try:
        with file.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    rows.append(_check(_read_line(line, f"{file}, line {number}"), kind, f"{file}, line {number}"))
    except OSError as error:
        raise UsageError(f"The rows cannot be read: {error.strerror or error}.", where=str(file)) from error
    return _check_alike(rows, kind, str(file))


def check_rows(rows: Iterable[Mapping[str, Any]], kind: str, where: str) -> list[Row]:
    """Return rows that are at hand, checked as those of a file are.

    Raises:
        LearningError: One is not what this kind of training learns from (E7504), or there is none.
    """
    return _check_alike(
        [_check(dict(row), kind, f"{where}, row {number}") for number, row in enumerate(rows, 1)], kind, where
    )


def hash_rows(rows: Iterable[Row]) -> str:
    """Return SHA-256 of rows in their order."""
    found = hashlib.sha256()
    for row in rows:
        found.update(json.dumps(row, sort_keys=True, ensure_ascii=True).encode() + b"\n")
    return found.hexdigest()


def _read_line(line: bytes, where: str) -> Any:
    if len(line) > MOST_BYTES:
        raise LearningError("E7504", f"A line has at most {MOST_BYTES:,} bytes; found {len(line):,}.", where=where)
    try:
        return json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise LearningError("E7504", f"A line of JSON was expected: {str(error)[:200]}.", where=where) from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no value of JSON")


def _check_alike(rows: list[Row], kind: str, where: str) -> list[Row]:
    """Return rows of one form: a library that trains takes no mixture."""
    if not rows:
        raise LearningError(
            "E7504", f"There is no row to train on; {_spell_forms(kind)} a line was expected.", where=where
        )
    forms = {frozenset(row) & frozenset().union(*FORMS[form_of(kind)]) for row in rows}
    if len(forms) > 1:
        raise LearningError(
            "E7504",
            f"All rows have the same fields; found {' and '.join(sorted('+'.join(sorted(form)) for form in forms))}.",
            where=where,
        )
    return rows


def _spell_forms(kind: str) -> str:
    return " or ".join("{" + ", ".join(sorted(names)) + "}" for names in FORMS[form_of(kind)])


def _check(row: Any, kind: str, where: str) -> Row:
    if not isinstance(row, dict):
        raise LearningError(
            "E7504", f"A row is an object with {_spell_forms(kind)}; found {type(row).__name__}.", where=where
        )
    form = next((names for names in FORMS[form_of(kind)] if names <= row.keys()), None)
    if form is None:
        found = ", ".join(sorted(row)[:10]) or "nothing"
        raise LearningError("E7504", f"A row for {kind} has {_spell_forms(kind)}; found {found[:200]}.", where=where)
    if "messages" in form:
        return _check_chat(row, where)
    for name in form:
        _check_text(row[name], name, where, may_be_empty=name == "prompt" and kind != "sft" and kind not in BY_REWARD)
    if "chosen" in form and row["chosen"] == row["rejected"]:
        raise LearningError("E7504", "chosen and rejected are the same text.", where=where)
    if kind in BY_REWARD:
        return {name: value for name, value in row.items() if isinstance(value, (str, int, float, bool))}
    return {name: row[name] for name in sorted(form)}


def _check_text(value: Any, name: str, where: str, *, may_be_empty: bool = False) -> None:
    if not isinstance(value, str) or not (value.strip() or may_be_empty):
        found = "nothing but spaces" if isinstance(value, str) else type(value).__name__
        raise LearningError("E7504", f"{name} is a text; found {found}.", where=where)
    if fault := find_text_fault(value):
        raise LearningError("E7504", f"{name} holds {fault}.", where=where)


def _check_chat(row: Row, where: str) -> Row:
    """Return messages with their tools, as chat templates take them."""
    messages = row["messages"]
    is_list = isinstance(messages, list) and messages and all(isinstance(item, dict) for item in messages)
    if not is_list or any(item.get("role") not in ROLES for item in messages):
        raise LearningError("E7504", f"messages is a list of objects with a role ({', '.join(ROLES)}).", where=where)
    if messages[-1]["role"] != "assistant":
        raise LearningError("E7504", "The last message is what the assistant is to say.", where=where)
    for item in messages:
        if item.get("content") is None and isinstance(item.get("tool_calls"), list):
            continue
        _check_text(item.get("content"), "content", where, may_be_empty=True)
    kept: Row = {"messages": messages}
    if (tools := row.get("tools")) is not None:
        if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
            raise LearningError("E7504", "tools is a list of JSON schemas.", where=where)
        kept["tools"] = tools
    return kept
