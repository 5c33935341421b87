"""Checking landed lines: good ones become columns of `bronze.events`, the others are named with every rule they break.

A good line is decoded and checked in C against the whole catalogue. A line that this refuses is looked at again,
slowly: either it is good after all (a CloudEvent, a BOM, a count written as 5000.0), or its problems are found and told.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec
import polars as pl

from kaizenlake.events import envelope, rules
from kaizenlake.events.catalogue import EVENTS, LOGGED, by_name
from kaizenlake.events.envelope import Envelope
from kaizenlake.events.fields import Payload
from kaizenlake.events.rules import Problem

COLUMNS = pl.Schema(
    {
        "event_id": pl.String(),
        "event_type": pl.String(),
        "event_date": pl.Date(),
        "occurred_at": pl.Datetime("us", "UTC"),
        "project_id": pl.String(),
        "tenant_id": pl.String(),
        "tags": pl.List(pl.String()),
        "payload": pl.String(),
        "metadata": pl.String(),
        "payload_hash": pl.String(),
        "source": pl.String(),
        "line": pl.Int64(),
    }
)
"""Columns of a checked frame: those of `bronze.events` that the line itself decides, and its number."""


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


@dataclass(frozen=True, slots=True)
class Checked:
    """Good lines as rows of `COLUMNS`, in their order, and the lines that were rejected."""

    frame: pl.DataFrame
    rejected: list[Rejected]


def check_lines(
    lines: Sequence[bytes],
    numbers: Sequence[int],
    *,
    now: datetime,
    future_hours: int = envelope.FUTURE_HOURS,
    line_bytes: int = envelope.LINE_BYTES,
    default_source: str = "application",
    decisions: bool = False,
) -> Checked:
    """Check lines against the catalogue; every line comes back, as a row or rejected.

    Ids are not compared here: the same event twice is two rows. Of a key that an object holds twice, the last counts.

    Args:
        lines: Lines without their line feed, in any mix of our envelope and CloudEvents; a BOM and CR are ignored.
        numbers: Number of each line in its file, from 1.
        now: Aware instant of the clock.
        future_hours: Hours a time may lie ahead of it.
        line_bytes: Longest line taken, in bytes.
        default_source: Source of events that name none.
        decisions: Take decisions too: the lines are those of a command that has checked its gates.
    """
    rows = _Rows(envelope.latest(now, future_hours), decisions=decisions)
    rejected: list[Rejected] = []

    def again(place: int) -> None:
        found = _again(lines[place], numbers[place], rows, now=now, future_hours=future_hours, line_bytes=line_bytes)
        if found is not None:
            rejected.append(found)

    def take(events: list[Envelope], first: int) -> None:
        try:
            rows.extend(events, numbers[first : first + len(events)])
        except _REFUSALS:
            if len(events) == 1:
                again(first)
                return
            # One of them is refused, and with it all: halves lead to it.
            middle = len(events) // 2
            take(events[:middle], first)
            take(events[middle:], first + middle)

    place = 0
    while place < len(lines):
        run = lines[place : place + RUN_LINES]
        events = _decoded(run, line_bytes)
        if events:
            take(events, place)
        place += len(events)
        if len(events) < len(run):
            again(place)
            place += 1
    return Checked(rows.frame(default_source), rejected)


RUN_LINES = 1024
"""Lines that are decoded and checked at a time: few enough to stay in the processor's cache."""


def _decoded(run: Sequence[bytes], line_bytes: int) -> list[Envelope]:
    """The events of the lines before the first that has to be looked at again."""
    decode = envelope.decoder().decode

    def careful(line: bytes) -> Envelope:
        if len(line) > line_bytes or _NUL in line:
            raise _RefusedError
        return _cloud_event(line) if _CLOUD in line else decode(line)

    together = b"".join(run)
    is_long = len(together) > line_bytes and max(map(len, run)) > line_bytes
    is_plain = not is_long and _CLOUD not in run[0] and not (b"\\" in together and _NUL in together)
    events: list[Envelope] = []
    with suppress(*_REFUSALS):
        # What was decoded before one is refused stays in the list.
        events.extend(map(decode if is_plain else careful, run))
    return events


_CLOUD = b'"specversion"'
_NUL = b"\\u0000"
_BOM = b"\xef\xbb\xbf"


class _RefusedError(Exception):
    """A decoded event breaks a rule that its types cannot express."""


_REFUSALS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError, _RefusedError)


class _Rows:
    """Columns that grow by some events at a time."""

    def __init__(self, latest: datetime, *, decisions: bool) -> None:
        self.horizon = latest - envelope.EARLIEST
        # A type without a name here is refused by `extend`.
        self.decisions = decisions
        taken = EVENTS if decisions else LOGGED
        self.names = {envelope.envelope_of(event): event.name for event in taken}
        self.instants = _instant_fields()
        self.columns: dict[str, list[Any]] = {name: [] for name in COLUMNS if name != "event_date"}

    def add(self, event: Envelope, number: int) -> None:
        """Add a decoded event; see `extend`."""
        self.extend([event], [number])

    def extend(self, events: Sequence[Envelope], numbers: Sequence[int]) -> None:
        """Add decoded events, all or none.

        Raises:
            _RefusedError: One is a decision, or its time or its metadata breaks a rule; nothing was added.
        """
        names = [self.names.get(type(event)) for event in events]
        ages = [event.occurred_at - envelope.EARLIEST for event in events]
        if None in names or min(ages) < _NOTHING or max(ages) > self.horizon:
            raise _RefusedError
        payloads = [event.payload for event in events]
        if not self.instants.keys().isdisjoint(map(type, payloads)):
            payloads = [_in_utc(payload, self.instants.get(type(payload), ())) for payload in payloads]
        micros = [age // _MICROSECOND for age in ages]
        projects = [event.project_id for event in events]
        tenants = [event.tenant_id for event in events]
        tags = [event.tags or None for event in events]
        bodies = list(map(envelope.encode_sorted, payloads))
        metadata = [
            envelope.encode_sorted(_plain_numbers(event.metadata)) if event.metadata else None for event in events
        ]
        said = map(envelope.encode, zip(names, micros, projects, tenants, tags, strict=True))
        texts = map(operator.add, said, bodies)
        if any(metadata):
            texts = map(operator.add, texts, [text or b"" for text in metadata])
        columns: dict[str, Sequence[Any]] = {
            "event_id": [event.id for event in events],
            "event_type": names,
            "occurred_at": micros,
            "project_id": projects,
            "tenant_id": tenants,
            "tags": [None if words is None else envelope.encode(words) for words in tags],
            "payload": bodies,
            "metadata": metadata,
            "payload_hash": [sha256(text).digest() for text in texts],
            "source": [event.source for event in events],
            "line": numbers,
        }
        for name, values in columns.items():
            self.columns[name] += values

    def frame(self, default_source: str) -> pl.DataFrame:
        """All rows; the columns are `COLUMNS`."""
        made = {name: pl.Series(name, values, _HELD.get(name, COLUMNS[name])) for name, values in self.columns.items()}
        made["payload_hash"] = made["payload_hash"].bin.encode("hex")
        for name in ("payload", "metadata", "tags"):
            made[name] = made[name].cast(pl.String)
        made["tags"] = made["tags"].str.json_decode(COLUMNS["tags"])
        made["source"] = made["source"].fill_null(default_source)
        made["occurred_at"] = made["occurred_at"].cast(COLUMNS["occurred_at"])
        made["event_date"] = made["occurred_at"].dt.date().alias("event_date")
        return pl.DataFrame([made[name] for name in COLUMNS])


_HELD: dict[str, pl.DataType] = {name: pl.Binary() for name in ("payload", "metadata", "tags", "payload_hash")}
_HELD["occurred_at"] = pl.Int64()
_NOTHING = timedelta(0)
_MICROSECOND = timedelta(microseconds=1)


@cache
def _instant_fields() -> dict[type[Payload], tuple[str, ...]]:
    """Payload classes that hold instants, with the names of those fields."""
    found = {event.payload: tuple(field.name for field in event.fields if field.kind == "datetime") for event in EVENTS}
    return {payload: names for payload, names in found.items() if names}


def _in_utc(payload: Payload, names: tuple[str, ...]) -> Payload:
    """The payload with its instants in UTC, so that one instant is spelled in one way."""
    values = {name: getattr(payload, name) for name in names}
    return msgspec.structs.replace(
        payload, **{name: value.astimezone(UTC) for name, value in values.items() if value is not None}
    )


def _plain_numbers(value: Any, depth: int = 2) -> Any:
    """The value with whole floats as integers, so that 1 and 1.0 are one number.

    Raises:
        _RefusedError: It lies too deep.
    """
    if isinstance(value, dict | list):
        if depth > envelope.DEEPEST:
            raise _RefusedError
        if isinstance(value, dict):
            return {key: _plain_numbers(item, depth + 1) for key, item in value.items()}
        return [_plain_numbers(item, depth + 1) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _cloud_event(line: bytes) -> Envelope:
    """The event of a line that speaks of `specversion`, at the speed of good ones.

    Raises:
        Exception: Any of `_REFUSALS`; the line is looked at again.
    """
    document = msgspec.json.decode(line)
    if isinstance(document, dict) and envelope.is_cloud_event(document):
        if any(_cloud_problems(document)):
            raise _RefusedError
        document = envelope.from_cloud_event(document)
    return _event(document)


def _event(document: Any) -> Envelope:
    """The event of an envelope of plain values.

    Raises:
        msgspec.ValidationError: It breaks its declaration.
    """
    kind = by_name(document.get("type")) if isinstance(document, dict) else None
    if kind is None:
        raise _RefusedError
    # The class itself: a union is looked through anew at every call.
    made: Envelope = msgspec.convert(document, envelope.envelope_of(kind))
    return made


def _again(
    line: bytes, number: int, rows: _Rows, *, now: datetime, future_hours: int, line_bytes: int
) -> Rejected | None:
    """Look at a line slowly: add the event it holds after all, or name every rule it breaks."""

    def reject(problems: Sequence[Problem], event_type: Any = None) -> Rejected:
        return Rejected(
            number,
            tuple(dict.fromkeys(problem.rule for problem in problems)),
            tuple(dict.fromkeys(problem.reason for problem in problems)),
            event_type[:200] if isinstance(event_type, str) and not rules.text_fault(event_type) else None,
            line[:line_bytes].decode("utf-8", "backslashreplace").replace("\0", "\\x00"),
        )

    if len(line) > line_bytes:
        reason = f"the line has {len(line):,} bytes; the longest taken has {line_bytes:,}"
        return reject([Problem("too_long", "", reason)])
    line = line.removeprefix(_BOM).strip(b" \t\r\n")
    try:
        document = _read(line)
    except _UnreadableError as error:
        rule, reason = error.args
        return reject([Problem(rule, "", reason)])
    if not isinstance(document, dict):
        return reject([Problem("not_json", "", f"expected a JSON object, found {rules.short(document)}")])
    problems: list[Problem] = []
    if envelope.is_cloud_event(document):
        problems += _cloud_problems(document)
        document = envelope.from_cloud_event(document)
    document = _whole_counts(document)
    problems += rules.problems(document, now=now, future_hours=future_hours)
    if not rows.decisions and (kind := by_name(document.get("type"))) is not None and kind.family.is_decision:
        problems.append(rules.decision_problem(kind))
    if problems:
        return reject(problems, document.get("type"))
    try:
        rows.add(_event(document), number)
    except _REFUSALS as error:
        # A rule of the declaration that `rules` has no name for still keeps the line out.
        return reject([Problem("wrong_type", "", str(error) or "a value cannot be kept")], document.get("type"))
    return None


class _UnreadableError(Exception):
    """A line is no JSON value: the rule and the reason."""


def _read(line: bytes) -> Any:
    """The JSON value of a line.

    Raises:
        _UnreadableError: It is none; numbers and texts that JSON cannot hold are left to the rules of values.
    """
    text = _text(line)
    deepest, torn = _shape(line)
    if deepest > envelope.DEEPEST:
        reason = f"objects and lists lie {deepest:,} levels deep; the deepest taken is {envelope.DEEPEST}"
        raise _UnreadableError("too_deep", reason)
    try:
        return msgspec.json.decode(line)
    except msgspec.MsgspecError as error:
        words = str(error)
    if torn:
        raise _UnreadableError("torn_line", "the line ends before its JSON does")
    try:
        # The standard library also reads NaN, numbers beyond all range and halves of surrogate pairs.
        document = json.loads(text, parse_int=_integer)
    except ValueError:
        document = None
    if any(rules.value_problems(document)):
        return document
    raise _UnreadableError("not_json", words if text else "the line is blank")


def _text(line: bytes) -> str:
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            raise _UnreadableError("torn_line", "the line ends within a character") from error
        hint = "; it looks like UTF-16" if b"\0" in line else ""
        reason = f"byte {error.start + 1} is not UTF-8: {error.reason}{hint}"
        raise _UnreadableError("encoding", reason) from error
    if "\0" in text:
        raise _UnreadableError("encoding", "the line holds NUL bytes; it is no UTF-8 text, perhaps UTF-16")
    return text


def _integer(digits: str) -> float:
    return int(digits) if len(digits) < 400 else float(digits)


_MARKS = re.compile(rb'"(?:[^"\\]++|\\.)*+("?)|[\[{]|[\]}]', re.DOTALL)


def _shape(line: bytes) -> tuple[int, bool]:
    """Deepest level of the line, and whether it ends within a string, an object or a list."""
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


def _cloud_problems(document: dict[str, Any]) -> Iterator[Problem]:
    """Rules of CloudEvents 1.0 that our envelope does not hold."""
    version = document["specversion"]
    if version != "1.0":
        yield Problem("not_allowed", "specversion", f"`specversion`: expected 1.0, found {rules.short(version)}")
    if "source" not in document:
        yield Problem("missing_field", "source", "`source` is missing; every CloudEvent has one")
    kind = document.get("datacontenttype", "application/json")
    if not (isinstance(kind, str) and re.fullmatch(r"\s*[\w.+-]+/([\w.+-]*\+)?json\s*(;.*)?", kind)):
        yield Problem("not_allowed", "datacontenttype", f"`datacontenttype`: expected JSON, found {rules.short(kind)}")
    if "data_base64" in document:
        yield Problem("unknown_field", "data_base64", "`data_base64`: the payload is taken as JSON in `data` alone")
    for ours, theirs in (("occurred_at", "time"), ("payload", "data")):
        if theirs not in document:
            yield Problem("missing_field", theirs, f"`{theirs}` is missing; it is our `{ours}`")


def _whole_counts(document: dict[str, Any]) -> dict[str, Any]:
    """The envelope with the counts of its payload that are spelled as floats, such as 5000.0, as integers."""
    event, payload = by_name(document.get("type")), document.get("payload")
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
