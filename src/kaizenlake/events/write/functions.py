"""One typed log function for every event type that is logged, derived from the catalogue: `LEAD_CREATED` is `log_lead_created`.

The project of a family that needs one and the required fields of the payload may be given by position, in the order of
their declaration; the others, and what every event takes (`project_id, tenant_id, tags, occurred_at, event_id, metadata`),
by name. The types of the arguments
stand in `functions.pyi`, which `python -m kaizenlake.lists` writes from the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

from msgspec import defstruct

from kaizenlake.errors import EventError
from kaizenlake.events.catalogue import LOGGED, EventType
from kaizenlake.events.types.performance import PerformanceRecorded
from kaizenlake.events.write.log import log_event
from kaizenlake.vocabulary import plural

COMMON = ("project_id", "tenant_id", "tags", "occurred_at", "event_id", "metadata")
"""What every event takes beside its payload."""


def function_name(event: EventType) -> str:
    """Name of the log function of an event type."""
    return f"log_{event.name.lower()}"


def positional(event: EventType) -> tuple[str, ...]:
    """Return what a log function takes by position: the project of a family that needs one, then the required fields."""
    return ("project_id", *event.required_fields) if event.family.needs_project else tuple(event.required_fields)


def _function(event: EventType) -> Callable[..., str]:
    required = positional(event)

    def function(*values: Any, **named: Any) -> str:
        if len(values) > len(required):
            raise EventError(
                f"{function.__name__}() takes {plural(len(required), 'value')} by position ({', '.join(required)}), "
                f"found {len(values)}.",
                rule="too_many_values",
                hint="Give the others by name.",
            )
        for name, value in zip(required, values, strict=False):
            if name in named:
                raise EventError(f"{event.name}: `{name}` is given twice.", field=name, rule="given_twice")
            named[name] = value
        return log_event(event.name, **named)

    function.__name__ = function.__qualname__ = function_name(event)
    function.__doc__ = _describe_event(event)
    function.__signature__ = signature(event)  # type: ignore[attr-defined]
    return function


def signature(event: EventType) -> Signature:
    """Return the signature of the log function of an event type."""
    required = positional(event)
    optional = (name for name in (*event.payload.__struct_fields__, *COMMON) if name not in required)
    return Signature(
        [
            *(Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in required),
            *(Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in optional),
        ],
        return_annotation=str,
    )


def _describe_event(event: EventType) -> str:
    lines = [f"Log {event.name}: {event.meaning[:1].lower()}{event.meaning[1:]}", "", "Args:"]
    lines += [f"    {field.name}: {field.description}" for field in event.fields]
    lines += [
        f"    {', '.join(COMMON)}: See `log_event`.",
        "",
        "Returns:",
        "    The event id.",
        "",
        "Raises:",
        "    EventError: A field breaks its declaration; nothing was logged.",
        "    SpoolError: The event cannot be written; nothing was logged.",
    ]
    return "\n".join(lines)


FUNCTIONS: dict[str, Callable[..., str]] = {function_name(event): _function(event) for event in LOGGED}
"""All of them by name."""

PERFORMANCE_WORDS = {"performed_at": "dt.datetime | str", "date": "dt.date | str", "revenue": "float"}
"""What `PerformanceData` takes beside the fields of the event, with its type."""

PerformanceData = defstruct(
    "PerformanceData",
    [(name, Any, None) for name in (*PerformanceRecorded.__struct_fields__, *PERFORMANCE_WORDS)],
    kw_only=True,
    frozen=True,
    omit_defaults=True,
    repr_omit_defaults=True,
    module=__name__,
)
PerformanceData.__doc__ = """The figures of a content on a platform: the fields of PERFORMANCE_RECORDED.

`performed_at` says when the figures were measured, with its zone; `date` in its place names the day of the figures, which
counts from midnight UTC; now if neither is given. `revenue` is another name of `revenue_usd`. The values are checked when
they are ingested.
"""

globals().update(FUNCTIONS)
log_route = FUNCTIONS["log_run_routed"]
"""Log that a unit was routed to a version: `log_run_routed` by a shorter name."""

__all__ = ["COMMON", "FUNCTIONS", "PERFORMANCE_WORDS", "PerformanceData", "function_name", "log_route", "signature"]
__all__ += [*FUNCTIONS]  # noqa: PLE0604 - names that follow from the catalogue
