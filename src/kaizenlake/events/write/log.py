"""Logging an event: checked at the call, then one line in this process's spool. Every log function comes down to here."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import msgspec

from kaizenlake import plugin_files
from kaizenlake.errors import EventError
from kaizenlake.events import envelope, ids
from kaizenlake.events.catalogue import EVENTS, OURS, Catalogue, EventType, by_name
from kaizenlake.events.write.spool import Spool, spool_error
from kaizenlake.place import DEFAULT_LAKE, LAKE_VARIABLE

if TYPE_CHECKING:
    from types import ModuleType


def log_event(
    type: str,  # noqa: A002 - the word of the envelope
    payload: Mapping[str, Any] | None = None,
    *,
    project_id: str | int | None = None,
    tenant_id: str | int | None = None,
    tags: Iterable[str] | str | None = None,
    occurred_at: datetime | str | None = None,
    event_id: str | UUID | None = None,
    metadata: Mapping[str, Any] | None = None,
    **fields: Any,
) -> str:
    """Log an event of any type of the catalogue.

    Args:
        type: Name of the event type, such as `LEAD_CREATED`.
        payload: Fields of the payload; a field that is None is not said.
        project_id: Project it belongs to.
        tenant_id: Tenant it belongs to.
        tags: Free tags; a lone text is one tag.
        occurred_at: When it happened, with its zone; now if not said.
        event_id: Name of the event, unique in the lake: the same id again is the same event. A time-ordered UUID if
            not said.
        metadata: Free object that is kept with the event.
        **fields: Further fields of the payload.

    Returns:
        The event id.

    Raises:
        EventError: The type is unknown, or a field breaks its declaration; nothing was logged.
        SpoolError: The event cannot be written; nothing was logged.
    """
    for name in fields:
        if payload and payload.get(name) is not None:
            raise EventError(f"{type}: `{name}` is given twice.", field=name, rule="given_twice")
    line = event_line(
        type,
        {**payload, **fields} if payload else fields,
        project_id=project_id,
        tenant_id=tenant_id,
        tags=None if tags is None else [tags] if isinstance(tags, str) else list(tags),
        occurred_at=occurred_at,
        event_id=event_id,
        metadata=metadata,
    )
    write_lines(line)
    return line.event_id


class Line(NamedTuple):
    """An event that was checked and can be written."""

    event_id: str
    text: bytes


def event_line(
    type: str,  # noqa: A002 - the word of the envelope
    payload: Mapping[str, Any],
    *,
    event_id: str | UUID | None = None,
    occurred_at: datetime | str | None = None,
    is_decision: bool = False,
    **said: Any,
) -> Line:
    """Check an event and make its line; the arguments are those of `log_event`.

    Args:
        type: Name of the event type.
        payload: Fields of the payload.
        event_id: Name of the event.
        occurred_at: When it happened.
        is_decision: A command that has checked its gates asks; others make no decisions.
        **said: What else the envelope takes.

    Raises:
        EventError: The type is unknown or a decision, or a field breaks its declaration.
    """
    event = by_name(type) or _of_plugins(type)
    if event is None:
        raise _make_unknown_type_error(type)
    if event.family.is_decision and not is_decision:
        raise EventError(
            f"{event.name} is a decision, which is not logged.",
            field="type",
            rule="decision",
            hint="Take the command that checks its gates: `kaizen policy`, `kaizen canary`, `kaizen golden` or `kaizen task`.",
        )
    texts = event.text_fields
    document: dict[str, Any] = {
        "type": event.name,
        "id": ids.event_id() if event_id is None else str(event_id),
        "occurred_at": datetime.now(UTC) if occurred_at is None else _plain(occurred_at),
        "payload": {name: _plain(value, is_text=name in texts) for name, value in payload.items() if value is not None},
    }
    for name, value in said.items():
        if value is not None:
            document[name] = _plain(value, is_text=name.endswith("_id"))
    if _source is not None:
        document["source"] = _source
    try:
        made: envelope.Envelope = msgspec.convert(document, envelope.envelope_of(event))
        text = envelope.encode(made)
    except (msgspec.ValidationError, UnicodeEncodeError, RecursionError, OverflowError, TypeError) as error:
        raise _make_refusal(event, document, error) from None
    if made.metadata or b"\\u0000" in text or not envelope.in_time(made, datetime.now(UTC)):
        _raise_if_broken(event, document)
    if len(text) > envelope.LINE_BYTES:
        raise EventError(
            f"{event.name}: the event has {len(text):,} bytes; the longest has {envelope.LINE_BYTES:,}.",
            rule="too_long",
            hint="Keep large texts elsewhere, and log where they are.",
        )
    return Line(made.id, text + b"\n")


def write_lines(*lines: Line) -> None:
    """Write events that were checked, all or none.

    Raises:
        SpoolError: They cannot be written.
    """
    _spool().write(b"".join(line.text for line in lines))


def _plain(value: Any, *, is_text: bool = False, depth: int = 2) -> Any:
    """Return a value as the catalogue knows it: numpy scalars, decimals, enums and UUIDs become plain; ids may be numbers."""
    kind = value.__class__
    if kind is str or kind is float or kind is bool or (kind is int and not is_text):
        return value
    if depth > envelope.DEEPEST:
        raise EventError(f"Objects and lists lie deeper than {envelope.DEEPEST} levels.", rule="too_deep")
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth=depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, is_text=is_text, depth=depth + 1) for item in value]
    # Instants of pandas; scalars and arrays of numpy.
    plain = getattr(value, "to_pydatetime", None) or getattr(value, "tolist", None)
    if plain is not None:
        return _plain(plain(), is_text=is_text, depth=depth + 1)
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, UUID) or (is_text and isinstance(value, int) and not isinstance(value, bool)):
        value = str(value)
    return float(value) if isinstance(value, Decimal) else value


def _make_unknown_type_error(kind: Any) -> EventError:
    guess = _rules().near(kind, (event.name for event in EVENTS)) if isinstance(kind, str) else ""
    return EventError(
        f"{kind!r} is no event type of the catalogue{guess}.",
        field="type",
        rule="unknown_type",
        hint=f"If a plug-in declares it: install its package, or trust the folder `{plugin_files.FOLDER}` of the lake by "
        f"{plugin_files.TRUST_VARIABLE}; `kaizen doctor` says of each plug-in whether it counts.",
    )


_catalogues: dict[str, Catalogue] = {}
"""Event types of the plug-ins of each lake that this process logs to."""


def _of_plugins(kind: object) -> EventType | None:
    """Return an event type that a plug-in declares: one that is installed, or one of the lake that is logged to."""
    lake = _lake_now()
    if (known := _catalogues.get(lake)) is not None and (event := known.by_name(kind)) is not None:
        return event
    try:
        sources = plugin_files.find_installed()
        if "://" not in lake:
            sources += plugin_files.in_folder(Path(lake) / plugin_files.FOLDER).sources
    except OSError as error:
        raise spool_error(error, "the plug-ins") from error
    # What else a plug-in declares is checked where the tables are; its events were when it was read.
    families = [family for source in sources if not source.problem for family in getattr(source.plugin, "families", ())]
    _catalogues[lake] = found = Catalogue(tuple(families))
    return None if OURS.by_name(kind) is not None else found.by_name(kind)


def _make_refusal(event: EventType, document: dict[str, Any], error: Exception) -> EventError:
    _raise_if_broken(event, document)
    return EventError(f"{event.name}: {error}.", rule="wrong_type")


def _rules() -> ModuleType:
    """Return the rules in words, fetched where an event is refused.

    Raises:
        SpoolError: They cannot be read: this process has no file handles left.
    """
    try:
        with _guard:
            from kaizenlake.events import rules
    except OSError as error:
        raise spool_error(error, "the rules of events") from error
    return rules


def _raise_if_broken(event: EventType, document: dict[str, Any]) -> None:
    catalogue = OURS if by_name(event.name) is event else Catalogue((event.family,))
    now = datetime.now(UTC)
    found = list(_rules().problems(document, now=now, future_hours=envelope.FUTURE_HOURS, catalogue=catalogue))
    if found:
        reasons = "; ".join(dict.fromkeys(problem.reason for problem in found))
        raise EventError(f"{event.name}: {reasons}.", field=found[0].field, rule=found[0].rule)


_guard = threading.RLock()
_lake: str | None = None
_source: str | None = None
_open: tuple[str, Spool] | None = None


def configure(*, lake: str | Path | None = None, source: str | None = None) -> None:
    """Say where this process logs to, and as whom.

    Args:
        lake: Folder of the lake; None leaves it to the variable KAIZEN_LAKE, and that to `./lake`.
        source: Name of this application, which its events then carry; None leaves it to the landing.
    """
    global _lake, _source  # noqa: PLW0603 - the settings of this process
    close()
    _catalogues.clear()
    _lake = None if lake is None else os.fspath(lake)
    _source = source


_lake_here: ContextVar[str | None] = ContextVar("lake_here", default=None)


@contextmanager
def logging_to(lake: str | Path) -> Iterator[None]:
    """Log to another lake than this process does, within a block; what was logged can be landed after it.

    Args:
        lake: Folder of the lake.
    """
    token = _lake_here.set(os.fspath(lake))
    try:
        yield
    finally:
        close()
        _lake_here.reset(token)


def flush() -> None:
    """Bring everything that this process logged to the disk.

    Raises:
        SpoolError: The disk refuses.
    """
    if _open is not None:
        _open[1].flush()


def close() -> None:
    """Close this process's segment, so that it is landed whole; the next event begins another.

    Raises:
        SpoolError: The disk refuses.
    """
    global _open
    with _guard:
        held, _open = _open, None
    if held is not None:
        held[1].close()


def _lake_now() -> str:
    """Return the lake that is logged to now."""
    here = _lake_here.get()
    return here if here is not None else _lake if _lake is not None else os.environ.get(LAKE_VARIABLE) or DEFAULT_LAKE


def _spool() -> Spool:
    """Return the spool of the lake that holds now."""
    global _open  # noqa: PLW0603 - the spool of this process
    lake = _lake_now()
    held = _open
    if held is not None and held[0] == lake:
        return held[1]
    with _guard:
        if _open is None or _open[0] != lake:
            close()
            _open = (lake, Spool(lake))
        return _open[1]


atexit.register(close)
_is_held_for_fork = False


def _before_fork() -> None:
    """Wait until no other thread is half way through: what it holds would be held for ever in the child."""
    global _is_held_for_fork  # noqa: PLW0603 - of the thread that forks, which holds the lock
    _guard.acquire()
    _is_held_for_fork = True


def _after_fork() -> None:
    global _is_held_for_fork  # noqa: PLW0603 - as above
    # Where this module was read while the fork began, nothing is held.
    if _is_held_for_fork:
        _is_held_for_fork = False
        _guard.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
