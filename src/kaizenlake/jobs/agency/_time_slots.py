"""Slots in which tasks of a brand may run: so many a day, from the hour of the start on, in the brand's own zone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kaizenlake.errors import UsageError

APART = timedelta(hours=1)
"""Time between two tasks of a day; less where the rest of it, or a window, is too short for all of them."""

NEAREST = timedelta(seconds=1)
"""Time between two tasks of a day where it has to be short."""

MOST_SLOTS = 1_000_000
"""Most slots of a plan."""

YEARS = range(date.min.year + 1, date.max.year)
"""Years in which a plan may lie: those of which the days before and after can be told."""


@dataclass(frozen=True)
class Calendar:
    """Days on which a brand works.

    Args:
        zone: Zone of the brand.
        holidays: Days off.
        business_days: Saturdays, Sundays and holidays are left out.
    """

    zone: ZoneInfo
    holidays: frozenset[date] = frozenset()
    business_days: bool = False

    def is_open(self, day: date) -> bool:
        """Return whether a day is one on which tasks run."""
        return not self.business_days or (day.weekday() < 5 and day not in self.holidays)

    def day_of(self, instant: datetime) -> date:
        """Return the day of an instant in the zone of the brand."""
        # At either end of time, an instant has no day in some zones.
        return instant.astimezone(self.zone).date() if instant.year in YEARS else instant.date()


def read_zone(name: str, where: str = "") -> ZoneInfo:
    """Return the time zone of a name.

    Args:
        where: Where it is told, for an error.

    Raises:
        UsageError: It is unknown.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError) as error:
        raise UsageError(
            f"Expected a zone such as Europe/Berlin, found {name!r}.",
            where=where,
            hint="Names are those of the IANA list.",
        ) from error


def calendar(zone: str, holidays: Collection[date | str], *, business_days: bool) -> Calendar:
    """Return the days on which a brand works, from what a caller says of them.

    Raises:
        UsageError: The zone is unknown, or a holiday is no day.
    """
    found = read_zone(zone)
    if isinstance(holidays, str):
        raise UsageError(f"Expected a list of days as holidays, found the text {holidays!r}.")
    return Calendar(found, frozenset(_day(value) for value in holidays), business_days)


def _day(value: date | str) -> date:
    try:
        found = value if isinstance(value, date) else date.fromisoformat(value)
    except (ValueError, TypeError) as error:
        raise UsageError(f"Expected a holiday such as 2026-12-25, found {value!r}.") from error
    return found.date() if isinstance(found, datetime) else found


@dataclass(frozen=True)
class OpenDay:
    """The part of a day in which tasks of a plan may run.

    Args:
        day: The day in the zone of the brand.
        first: Instant of its first task.
        until: Instant from which on nothing of the day, or of the plan, runs.
        per_day: Most tasks of it.
    """

    day: date
    first: datetime
    until: datetime
    per_day: int

    @cached_property
    def usual_step(self) -> timedelta:
        """Time between two tasks where nothing is in a hurry."""
        return min(APART, (self.until - self.first) // self.per_day)

    @cached_property
    def least_step(self) -> timedelta:
        """Least time between two tasks."""
        return max(min(NEAREST, self.usual_step), timedelta.resolution)


class TimeSlot(NamedTuple):
    """A place for a task: which of its day it is, from 0."""

    of: OpenDay
    place: int

    @property
    def earliest(self) -> datetime:
        """The earliest instant at which it can be; the first of a day is always there."""
        return self.of.first + self.place * self.of.least_step


def time_slots(start_at: datetime, end_at: datetime, per_day: int, days: Calendar) -> list[TimeSlot]:
    """Return the places of tasks in their order; the first is at the start where its day is open.

    Args:
        start_at: First instant.
        end_at: Instant from which on nothing runs.
        per_day: Most tasks of a day.
        days: Days on which the brand works.

    Raises:
        UsageError: There are too many of them, or they lie at an end of time.
    """
    if not {start_at.year, end_at.year} <= {*YEARS}:
        raise UsageError(
            f"Expected a plan within the years {YEARS[0]} to {YEARS[-1]}, found one from {start_at} to {end_at}."
        )
    if per_day > MOST_SLOTS:
        raise UsageError(f"Expected at most {MOST_SLOTS:,} tasks a day, found {per_day:,}.")
    found: list[TimeSlot] = []
    for first in _first_instants(start_at, end_at, days):
        day = days.day_of(first)
        of = OpenDay(day, first, min(_midnight(day + timedelta(days=1), days.zone), end_at), per_day)
        # Of a plan that is shorter than its number of tasks in microseconds, not all are there.
        number = min(per_day, -((first - of.until) // of.least_step))
        found += [TimeSlot(of, place) for place in range(number)]
        if len(found) > MOST_SLOTS:
            raise UsageError(
                f"From {start_at:%Y-%m-%d} to {end_at:%Y-%m-%d} at {per_day} tasks a day there are more than "
                f"{MOST_SLOTS:,} places for tasks.",
                hint="Plan a shorter time, or fewer tasks a day.",
            )
    return found


def run_instants(slots: Sequence[TimeSlot], ends: Sequence[datetime | None]) -> list[datetime]:
    """Return when the task of each place runs: those of a day evenly apart, and nearer where a window ends.

    Args:
        slots: Places of the tasks.
        ends: End of the window of each, not before the earliest instant of its place; None without one.
    """
    steps = {slot.of: slot.of.usual_step for slot in slots}
    for slot, end in zip(slots, ends, strict=True):
        if end is not None and slot.place:
            steps[slot.of] = min(steps[slot.of], (end - slot.of.first) // slot.place)
    for of, step in steps.items():
        whole = step - timedelta(microseconds=step.microseconds)
        steps[of] = max(whole or step, of.least_step)
    return [slot.of.first + slot.place * steps[slot.of] for slot in slots]


def _first_instants(start_at: datetime, end_at: datetime, days: Calendar) -> Iterator[datetime]:
    local = start_at.astimezone(days.zone)
    day, first = local.date(), start_at
    while first < end_at:
        if days.is_open(day):
            yield first
        day += timedelta(days=1)
        first = datetime.combine(day, local.time(), days.zone).astimezone(UTC)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
