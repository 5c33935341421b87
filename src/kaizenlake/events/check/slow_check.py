"""A slow look at a line that the fast check refused: it is good after all, or every rule that it breaks is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from kaizenlake.events import envelope, rules
from kaizenlake.events.catalogue import OURS, Catalogue
from kaizenlake.events.check.event_columns import REFUSALS, EventColumns, RefusedError
from kaizenlake.events.check.json_line import UnreadableError, json_value
from kaizenlake.events.envelope import Envelope, LineLimits
from kaizenlake.events.rules import Problem

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that breaks rules.

    Args:
        line: Number of the line in its file, from 1.
        rules: Names of the rules it breaks, each once; see `kaizenlake.events.rules.RULES`.
        reasons: What was expected and what was found, one or more for each rule.
        event_type: Type it claims, or None where none can be read.
        raw: Its text, cut to the longest line that is taken; bytes outside UTF-8 and NUL are escaped.
    """

    line: int
    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    event_type: str | None
    raw: str


def look_again(line: bytes, number: int, rows: EventColumns, *, now: datetime, limits: LineLimits) -> Rejected | None:
    """Look at a line slowly: add the event it holds after all, or name every rule it breaks.

    Args:
        number: Its number in its file.
        rows: Where a good event is added.
        now: Aware instant of the clock.
        limits: What a line may be.

    Returns:
        The line with its rules; None where it was good.
    """
    try:
        return _look(line, number, rows, now=now, limits=limits)
    except Exception as error:  # noqa: BLE001 - what the check itself stumbles over is the fault of this line alone
        reason = f"the check stumbled over it: {type(error).__name__}: {rules.short(str(error))}"
        return _reject(line[: limits.line_bytes], number, [Problem("unchecked", "", reason)])


def _reject(line: bytes, number: int, problems: Sequence[Problem], event_type: Any = None) -> Rejected:
    return Rejected(
        number,
        tuple(dict.fromkeys(problem.rule for problem in problems)),
        tuple(dict.fromkeys(problem.reason for problem in problems)),
        event_type[:200] if isinstance(event_type, str) and not rules.find_text_fault(event_type) else None,
        line.decode("utf-8", "backslashreplace").replace("\0", "\\x00"),
    )


def _look(line: bytes, number: int, rows: EventColumns, *, now: datetime, limits: LineLimits) -> Rejected | None:
    raw = line[: limits.line_bytes]

    def reject(problems: Sequence[Problem], event_type: Any = None) -> Rejected:
        return _reject(raw, number, problems, event_type)

    if len(line) > limits.line_bytes:
        reason = f"the line has {len(line):,} bytes; the longest taken has {limits.line_bytes:,}"
        return reject([Problem("too_long", "", reason)])
    line = line.removeprefix(_BOM).strip(b" \t\r\n")
    try:
        document = json_value(line)
    except UnreadableError as error:
        rule, reason = error.args
        return reject([Problem(rule, "", reason)])
    if not isinstance(document, dict):
        return reject([Problem("not_json", "", f"expected a JSON object, found {rules.short(document)}")])
    problems: list[Problem] = []
    if envelope.is_cloud_event(document):
        problems += rules.cloud_problems(document)
        document = envelope.from_cloud_event(document)
    document = _gather_whole_counts(document, rows.catalogue)
    problems += rules.problems(document, now=now, future_hours=limits.future_hours, catalogue=rows.catalogue)
    if (
        not rows.decisions
        and (kind := rows.catalogue.by_name(document.get("type"))) is not None
        and kind.family.is_decision
    ):
        problems.append(rules.decision_problem(kind))
    if problems:
        problems += rules.trace_problems(rows.catalogue.by_name(document.get("type")), problems)
        return reject(problems, document.get("type"))
    try:
        rows.add(event_of(document, rows.catalogue), number)
    except REFUSALS as error:
        # A rule of the declaration that `rules` has no name for still keeps the line out.
        return reject([Problem("wrong_type", "", str(error) or "a value cannot be kept")], document.get("type"))
    return None


def event_of(document: Any, catalogue: Catalogue = OURS) -> Envelope:
    """Return the event of an envelope of plain values.

    Raises:
        msgspec.ValidationError: It breaks its declaration.
    """
    kind = catalogue.by_name(document.get("type")) if isinstance(document, dict) else None
    if kind is None:
        raise RefusedError
    # The class itself: a union is looked through anew at every call.
    made: Envelope = msgspec.convert(document, envelope.envelope_of(kind))
    return made


def _gather_whole_counts(document: dict[str, Any], catalogue: Catalogue) -> dict[str, Any]:
    """Return the envelope with the counts of its payload that are spelled as floats, such as 5000.0, as integers."""
    event, payload = catalogue.by_name(document.get("type")), document.get("payload")
    if event is None or not isinstance(payload, dict):
        return document
    counts = {
        field.name: int(payload[field.name])
        for field in event.fields
        if field.kind == "int"
        and isinstance(value := payload.get(field.name), float)
        and value.is_integer()
        and abs(value) < 2**53
    }
    return {**document, "payload": {**payload, **counts}} if counts else document
