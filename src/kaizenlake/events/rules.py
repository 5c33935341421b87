"""The rules an event line or a log call may break: each by a stable name, found all at once, told in words."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

import msgspec

from kaizenlake.events import envelope
from kaizenlake.events.catalogue import OURS, Catalogue, EventType
from kaizenlake.events.values.fields import Payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

RULES: dict[str, str] = {
    "not_json": "The line is one JSON value, and that an object.",
    "torn_line": "The line ends where its JSON does; a writer that died leaves a torn one.",
    "encoding": "The line is UTF-8.",
    "too_long": "The line is no longer than the setting `landing.line_bytes`.",
    "too_deep": f"Objects and lists lie within one another no deeper than {envelope.DEEPEST} levels.",
    "bad_text": "Text holds no NUL character and no half of a surrogate pair.",
    "not_finite": "A number is finite.",
    "unknown_type": "The type is in the catalogue.",
    "decision": "The event is no decision: those are appended by the commands that check their gates.",
    "unknown_field": "The field is declared.",
    "missing_field": "A required field is there.",
    "missing_project": "Events of this family name their project.",
    "wrong_type": "The value is of the declared kind.",
    "out_of_range": "The number lies within the declared range.",
    "contradiction": "The figures can all be true: no part is more than its whole, and a rate is what its counts give.",
    "bad_length": "The text or list is neither too short nor too long.",
    "not_allowed": "The value is one of the allowed ones.",
    "bad_time": "The time is a date and time of RFC 3339, from 1970 to 9999.",
    "no_zone": "The time says its zone.",
    "too_old": "The time is not before 1970.",
    "unchecked": "The check can say of the line whether it is good; one that it stumbles over is kept for the makers.",
    "E7001": "A task, plan or evaluation of an agent has all fields that it needs.",
    "E7002": "The fields of a task, plan or evaluation of an agent are as they are declared.",
    "far_future": "The time is not further ahead of the clock than the setting `landing.future_hours`.",
}
"""Every rule by name, as a sentence that is true of a good line."""


class Problem(NamedTuple):
    """One rule that is broken: its name, the field (dotted; empty for the line itself) and what was found."""

    rule: str
    field: str
    reason: str


def near(name: str, names: Iterable[str]) -> str:
    """Return words that suggest the nearest of some names, or nothing.

    >>> near("impresions", ["clicks", "impressions"])
    ' (did you mean `impressions`?)'
    """
    # Also find names that a long common part hides from the ratio of the whole.
    options = list(names)
    found = get_close_matches(name, options, n=1, cutoff=0.6)
    found = found or [option for option in options if name and (name in option or option in name)][:1]
    return f" (did you mean `{found[0]}`?)" if found else ""


def problems(
    document: Mapping[str, Any], *, now: datetime, future_hours: int, catalogue: Catalogue = OURS
) -> Iterator[Problem]:
    """Yield every rule that an envelope breaks.

    Args:
        document: The envelope as plain values; a CloudEvent is brought into it before.
        now: Aware instant of the clock.
        future_hours: Hours a time may lie ahead of it.
        catalogue: Event types that there are.
    """
    blamed: set[str] = set()
    for problem in value_problems(document):
        blamed.add(re.split(r"[.\[]", problem.field)[0])
        yield problem
    for problem in _find_declared_problems(document, now, future_hours, catalogue):
        if problem.field not in blamed:
            yield problem


def _find_declared_problems(
    document: Mapping[str, Any], now: datetime, future_hours: int, catalogue: Catalogue
) -> Iterator[Problem]:
    names = {*envelope.FIELDS, "type", "payload"}
    for name in document:
        if name not in names:
            yield Problem("unknown_field", name, f"`{name}` is no field of an envelope{near(name, names)}")
    for name in envelope.REQUIRED:
        if name not in document:
            yield Problem("missing_field", name, f"`{name}` is missing")
    for name, kind in envelope.FIELDS.items():
        if name in document:
            yield from _yield_field_problems(document[name], kind, name)
    time = _instant(document.get("occurred_at"))
    if time is not None and time < envelope.EARLIEST:
        yield Problem("too_old", "occurred_at", f"`occurred_at` is before 1970: {short(document['occurred_at'])}")
    if time is not None and time > envelope.latest(now, future_hours):
        yield Problem(
            "far_future",
            "occurred_at",
            f"`occurred_at` is more than {future_hours} hours ahead of {now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}: "
            f"{short(document['occurred_at'])}",
        )
    yield from _find_typed_problems(document, catalogue)


def _find_typed_problems(document: Mapping[str, Any], catalogue: Catalogue) -> Iterator[Problem]:
    if "type" not in document:
        return
    kind = document["type"]
    event = catalogue.by_name(kind)
    if event is None:
        rule = "unknown_type" if isinstance(kind, str) else "wrong_type"
        guess = near(kind, (item.name for item in catalogue.events)) if isinstance(kind, str) else ""
        yield Problem(rule, "type", f"{short(kind)} is no event type of the catalogue{guess}{catalogue.hint}")
        return
    if event.family.needs_project and document.get("project_id") is None:
        yield Problem("missing_project", "project_id", f"{event.name} needs a `project_id`")
    if "payload" in document:
        yield from payload_problems(event, document["payload"])


def decision_problem(event: EventType) -> Problem:
    """Return the rule that a decision breaks where it does not come from a command."""
    return Problem("decision", "type", f"{event.name} is a decision: a command appends it after checking its gates")


def trace_problems(event: EventType | None, found: Iterable[Problem]) -> Iterator[Problem]:
    """Yield the codes of what is wrong with a task, plan or evaluation of an agent; none for other events.

    Args:
        event: Its type; None where it has none.
        found: Rules that it breaks.
    """
    if event is None or event.family.name != "learning_log":
        return
    missing = {problem.rule == "missing_field" for problem in found}
    if True in missing:
        yield Problem("E7001", "", "E7001: the trace is incomplete; `kaizen errors E7001` says what to do")
    if False in missing:
        yield Problem("E7002", "", "E7002: the trace is malformed; `kaizen errors E7002` says what to do")


def cloud_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield rules of CloudEvents 1.0 that our envelope does not hold."""
    version = document["specversion"]
    if version != "1.0":
        yield Problem("not_allowed", "specversion", f"`specversion`: expected 1.0, found {short(version)}")
    if "source" not in document:
        yield Problem("missing_field", "source", "`source` is missing; every CloudEvent has one")
    kind = document.get("datacontenttype", "application/json")
    if not (isinstance(kind, str) and re.fullmatch(r"\s*[\w.+-]+/([\w.+-]*\+)?json\s*(;.*)?", kind)):
        yield Problem("not_allowed", "datacontenttype", f"`datacontenttype`: expected JSON, found {short(kind)}")
    if "data_base64" in document:
        yield Problem("unknown_field", "data_base64", "`data_base64`: the payload is taken as JSON in `data` alone")
    for ours, theirs in (("occurred_at", "time"), ("payload", "data")):
        if theirs not in document:
            yield Problem("missing_field", theirs, f"`{theirs}` is missing; it is our `{ours}`")


def payload_problems(event: EventType, payload: Any) -> Iterator[Problem]:
    """Yield every rule of its declaration that a payload breaks."""
    if not isinstance(payload, dict):
        yield Problem("wrong_type", "payload", f"`payload`: expected an object, found {short(payload)}")
        return
    declared = field_types(event.payload)
    is_sound = True
    for problem in _yield_payload_fields(event, payload, declared):
        is_sound = False
        yield problem
    if is_sound:
        # The payload cannot be made where it disagrees; its fields alone are what is compared.
        fields: Any = SimpleNamespace(**dict.fromkeys(declared) | payload)
        for field, reason in event.payload.disagreements(fields):
            yield Problem("contradiction", field, reason)


def _yield_payload_fields(event: EventType, payload: dict[str, Any], declared: dict[str, Any]) -> Iterator[Problem]:
    for field in event.fields:
        if field.required and field.name not in payload:
            yield Problem("missing_field", field.name, f"`{field.name}` is missing")
    for name, value in payload.items():
        if name in declared:
            yield from _yield_field_problems(value, declared[name], name)
        else:
            told = _BESIDE.format(name=name, attribute=str(name).replace("_", "")) if name in _BESIDE_PAYLOAD else ""
            told = told or near(str(name), declared)
            yield Problem("unknown_field", name, f"`{name}` is no field of {event.name}{told}")


_BESIDE_PAYLOAD = ("project_id", "tenant_id")
_BESIDE = "; `{name}` stands beside the payload, in a CloudEvent as the attribute `{attribute}`"


@cache
def field_types(payload: type[Payload]) -> dict[str, Any]:
    """Return the declared types of a payload's fields, with their ranges."""
    hints = get_type_hints(payload, include_extras=True)
    return {name: hints[name] for name in payload.__struct_fields__}


_PATH = re.compile(r" - at `\$(?P<path>.*)`$")


def _yield_field_problems(value: Any, kind: Any, name: str) -> Iterator[Problem]:
    try:
        made = msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message = _PATH.sub("", str(error))
        inner = _PATH.search(str(error))
        place = name + (inner["path"] if inner else "")
        yield Problem(_rule_of(message, value), name, f"`{place}`: {_lower(message)}; found {short(value)}")
    except UnicodeEncodeError:
        yield Problem("bad_text", name, f"`{name}` holds half of a surrogate pair")
    except (RecursionError, OverflowError):
        yield Problem("too_deep", name, f"`{name}` cannot be read")
    else:
        if isinstance(made, datetime) and _instant(made) is None:
            yield Problem("bad_time", name, f"`{name}` leaves the years 1 to 9999 in UTC: {short(value)}")


def _rule_of(message: str, value: Any) -> str:
    """Return the rule that a message of the decoder speaks of."""
    if "timezone component" in message:
        return "no_zone"
    if "RFC3339" in message:
        return "bad_time" if not re.fullmatch(r"\s*", str(value)) else "wrong_type"
    if "of length" in message:
        return "bad_length"
    if ", got `" in message:
        return "wrong_type"
    if "out of range" in message or re.search(r"[<>]=? ?-?[\d.]", message):
        return "out_of_range"
    return "not_allowed"


def value_problems(value: Any, field: str = "", depth: int = 1) -> Iterator[Problem]:
    """Yield rules that hold for every value, however deep: finite numbers, clean text, bounded depth."""
    if isinstance(value, str):
        fault = find_text_fault(value)
        if fault:
            yield Problem("bad_text", field, f"`{field}` holds {fault}")
    elif isinstance(value, float):
        if not math.isfinite(value):
            yield Problem("not_finite", field, f"`{field}`: expected a finite number, found {value}")
    elif isinstance(value, dict | list):
        if depth > envelope.DEEPEST:
            yield Problem("too_deep", field, f"`{field[:80]}` lies deeper than {envelope.DEEPEST} levels")
        else:
            yield from _yield_inner_problems(value, field, depth + 1)
    elif value is not None and not isinstance(value, bool | int | date):
        yield Problem("wrong_type", field, f"`{field}`: {short(value)} cannot be written as JSON")


def _yield_inner_problems(value: dict[Any, Any] | list[Any], field: str, depth: int) -> Iterator[Problem]:
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from value_problems(item, f"{field}[{place}]", depth)
        return
    for key, item in value.items():
        name = str(key)
        fault = find_text_fault(name)
        if fault:
            yield Problem("bad_text", field, f"the name {short(name)} holds {fault}")
        else:
            # The fields of a payload go by their own names.
            yield from value_problems(item, f"{field}.{name}" if field not in {"", "payload"} else name, depth)


def find_text_fault(text: str) -> str:
    """Return what is wrong with a text, in words; empty where nothing is."""
    if "\0" in text:
        return "a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "half of a surrogate pair"
    return ""


def _instant(value: Any) -> datetime | None:
    """Return the instant in UTC, or None where it is none."""
    try:
        return msgspec.convert(value, envelope.FIELDS["occurred_at"]).astimezone(UTC)  # type: ignore[no-any-return]
    except (msgspec.ValidationError, OverflowError, ValueError):
        return None


def short(value: Any) -> str:
    """Return a value in at most 80 characters of printable text."""
    text = ascii(value) if isinstance(value, str) and find_text_fault(value) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
