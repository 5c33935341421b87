"""Gold tables of activity: who sends what, how fresh it is, and to which segment a project belongs."""

from __future__ import annotations

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, column, count, table


@table(layer="gold", grain=("tenant_id", "event_date", "source", "event_type", "project_id"), partition="event_date")
class EventCounts(OfTenant):
    """Events of one day, source, type and project: the mergeable aggregate of everything that arrived."""

    event_date: pl.Date = column("UTC date of the events.")
    source: str = column("Producer of the events.")
    event_type: str = column("Type, as in the catalogue.")
    project_id: str = column("Project; null where none was given.", nullable=True)
    events: pl.Int64 = column("Events.", ge=1)
    first_at: Instant = column("Time of the first of them.")
    last_at: Instant = column("Time of the last of them.")


@table(layer="gold", grain=("tenant_id", "event_date", "source", "landed_on"), partition="event_date")
class SourceArrivals(OfTenant):
    """Events of one source by the day on which they happened and the day on which they were landed: what came at once."""

    event_date: pl.Date = column("UTC date of the events.")
    source: str = column("Producer of the events.")
    landed_on: pl.Date = column("UTC date on which they were landed.")
    events: pl.Int64 = column("Events.", ge=1)


@table(layer="gold", grain=("tenant_id", "event_date", "project_id", "attribute"), partition="event_date")
class SegmentWords(OfTenant):
    """The latest word of one day on what a project's industry, or its kind of client, is."""

    event_date: pl.Date = column("UTC date of the word.")
    project_id: str = column("Project.")
    attribute: str = column("What the word is about.", isin=("industry", "client_type"))
    value: str = column("The word.")
    occurred_at: Instant = column("When it was said.")
    event_id: str = column("Event that says it.")


class _OfAProject(OfTenant):
    """Columns of a project and of its segment."""

    project_id: str = column("Project.")
    industry: str = column("Industry, as its latest event that names one says; null where none does.", nullable=True)
    client_type: str = column(
        "Kind of client, as its latest event that names one says; null where none does.", nullable=True
    )


@table(layer="gold", grain=("tenant_id", "project_id"))
class ProjectSegments(_OfAProject):
    """One project of which the industry or the kind of client is known."""


@table(layer="gold", grain=("tenant_id", "project_id"))
class Projects(_OfAProject):
    """One project: its segment and how much is known of it."""

    events: pl.Int64 = column("Events of the project.", ge=1)
    first_at: Instant = column("Time of its first event.")
    last_at: Instant = column("Time of its latest event.")


@table(layer="gold", grain=("tenant_id", "source"))
class SourceFreshness(OfTenant):
    """One source of events: how much it sent, and how long it has been silent. Decisions of commands are no source."""

    source: str = column("Producer of the events.")
    events: pl.Int64 = column("Events it sent.", ge=1)
    last_at: Instant = column("Time of its latest event.", label="Latest event")
    silent_hours: float = column(
        "Hours from its latest event to the night's as_of.", unit="hours", ge=0, label="Silent for"
    )
    stale: bool = column("It has been silent for longer than the setting allows.", label="State")


@table(layer="gold", grain=("tenant_id", "event_date", "source", "event_type", "field"), partition="event_date")
class FieldCounts(OfTenant):
    """How many events of one day, source and type tell a field, and of what size its numbers are."""

    event_date: pl.Date = column("UTC date of the events.")
    source: str = column("Producer of the events.")
    event_type: str = column("Type, as in the catalogue.")
    field: str = column(
        "Field of the payload; `a / b` for the one over the other; with a question mark behind it, what tables need, told by any of "
        "several fields."
    )
    events: pl.Int64 = column("Events that tell it.", ge=1)
    numbers: pl.Int64 = count("Those of them that tell a number above 0.")
    log_micros: pl.Int64 = column("Sum of the decimal logarithms of these numbers, in millionths.")


@table(layer="gold", grain=("tenant_id", "source", "event_type", "check", "field"))
class SourceChecks(OfTenant):
    """Whether a source sends what it used to: so many events, the same fields, numbers of the same size, lines that can be read."""

    source: str = column("Producer of the events; of lines in quarantine, the mapping or the file.", label="Source")
    event_type: str = column(
        "Type of the events; null for lines in quarantine, which are of none, and for all that was landed on a day.",
        label="Events",
        nullable=True,
    )
    check: str = column(
        "volume: events of its latest whole day against the same weekday; field: whether a field is still told; size: whether its "
        "numbers are of the size that they were, as they are not when their unit changed; quarantine: share of the lines landed "
        "in 7 days that went there; arrival: events of all types on the day of 7 on which most of them were landed, whenever they "
        "happened; held: lines that were held back for their number and wait.",
        isin=("volume", "field", "size", "quarantine", "arrival", "held"),
    )
    field: str = column("Field that was looked at; null for what is of no field.", nullable=True)
    event_date: pl.Date = column("Day, or first of the days, that was looked at.", label="Since")
    value: float = column(
        "Events of that day; share of events that tell the field; mean size of its numbers; share of lines in quarantine; lines "
        "that were held back.",
        ge=0,
    )
    usual: float = column(
        "What it was before: the median over the same weekday, over earlier days; null for too few, and for what was held back.",
        nullable=True,
        ge=0,
    )
    days: pl.Int64 = count("Days before that it is held against.")
    verdict: str = column("What the check says.", isin=("usual", "unusual", "too early"), format="verdict")
