"""What a night has to do: for each job, whether it runs, for which days, and why; it computes and writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from kaizenlake import tables
from kaizenlake.job import Job
from kaizenlake.tables import Table


class LastReads(Protocol):
    """What a table says of the run that wrote it: versions of its inputs, as_of, and fingerprint of code and settings."""

    @property
    def versions(self) -> Mapping[str, int]:
        """Version of each input it read, by full name."""

    @property
    def as_of(self) -> datetime | None:
        """The as_of it was computed for."""

    @property
    def fingerprint(self) -> str | None:
        """Fingerprint of the code and settings that computed it."""


class PlanningView(Protocol):
    """What planning asks of a lake."""

    def version(self, table: type[Table], /) -> int | None:
        """Return the version of a table; None where it was never written."""

    def rows(self, table: type[Table], /) -> int:
        """Return rows of a table; 0 where it was never written."""

    def has_rows_on(self, table: type[Table], days: Collection[date], /) -> bool:
        """Return whether a table may hold rows of some days."""

    def may_hold(self, types: Collection[str], days: Collection[date], /) -> bool:
        """Return whether there may be events of some types on some days."""

    def reads_of(self, table: type[Table], /) -> LastReads:
        """Return what the run that wrote a table read."""

    def changed_days(self, table: type[Table], since: int | None, /) -> frozenset[date] | None:
        """Return days changed after a version; None for everything, or for a table without days."""

    def days_naming(self, table: type[Table], lookup: type[Table], since: int | None, /) -> frozenset[date] | None:
        """Return days of a table that hold a key whose row in a lookup changed after a version; None for everything."""


@dataclass(frozen=True)
class PlannedJob:
    """A job that has to run.

    Args:
        job: The job.
        why: Reasons, in words.
        days: Days to recompute; None for the whole table. What a job that adds up made of them is taken out first.
        reads: Version of each input that exists, by full name.
        before: Version of each input that the table was computed from, by full name.
    """

    job: Job
    why: tuple[str, ...]
    days: frozenset[date] | None
    reads: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, int] = field(default_factory=dict)


def decide(job: Job, lake: PlanningView, *, as_of: datetime, fingerprint: str, full: bool = False) -> PlannedJob | None:
    """Return what one job has to do tonight; None where its table is what it would compute.

    A job that goes by day redoes the days of its inputs that changed, and the days between the former as_of and this one,
    on which other events count now; those without events of its types are left alone. Any other job redoes its table when an input or as_of changed; one that adds up takes
    the changed days out of its table and puts them in again. A timeless job has as_of in its inputs alone.

    Args:
        lake: The lake as it is, the inputs of the job already rewritten.
        as_of: Events before it count.
        fingerprint: Of the code and settings the job would run with.
        full: Recompute everything.
    """
    reads = {tables.full_name(read): found for read in job.reads if (found := lake.version(read)) is not None}
    if full:
        return PlannedJob(job, ("everything is to be recomputed",), None, reads)
    if lake.version(job.writes) is None:
        return PlannedJob(job, ("it was never computed",), None, reads)
    before = lake.reads_of(job.writes)
    if before.as_of is None or before.fingerprint != fingerprint:
        return PlannedJob(job, ("its code or settings changed",), None, reads)
    changed = {
        tables.full_name(read): days
        for read in job.reads
        if (days := _find_changed_days(job, lake, read, before.versions.get(tables.full_name(read)))) != frozenset()
    }
    redo = _together(changed.values())
    why: list[str] = []
    if changed:
        why.append(f"changes in {', '.join(changed)}" + (f" on {_in_words(redo)}" if redo is not None else ""))
    if before.as_of != as_of and not job.timeless and (changed or _counts(job, lake, before.as_of, as_of)):
        why.append(f"as_of moved from {before.as_of:%Y-%m-%d %H:%M} to {as_of:%Y-%m-%d %H:%M}")
        redo = None if redo is None else redo | between(before.as_of, as_of)
    if not why or (job.of_types and redo is not None and _is_about_others(job, lake, redo)):
        return None
    return PlannedJob(job, tuple(why), redo if job.by_day or job.adds_up else None, reads, before.versions)


def predict(
    jobs: Iterable[Job],
    lake: PlanningView,
    *,
    as_of: datetime,
    fingerprint: Callable[[Job], str],
    full: bool = False,
    arriving: Collection[type[Table]] = (),
) -> tuple[PlannedJob, ...]:
    """Return the steps a night would take, as far as they can be known before it starts.

    Args:
        jobs: Jobs in the order of the night.
        lake: The lake as it is.
        as_of: Events before it count.
        fingerprint: Fingerprint of a job's code and settings.
        full: Recompute everything.
        arriving: Tables that landing may still add to: which days is known only then.
    """
    ahead = _PlannedLake(lake, dict.fromkeys(arriving))
    steps: list[PlannedJob] = []
    for job in jobs:
        step = decide(job, ahead, as_of=as_of, fingerprint=fingerprint(job), full=full)
        if step is not None:
            ahead.rewritten[job.writes] = step.days if job.by_day else None
            steps.append(step)
    return tuple(steps)


def between(one: datetime, other: datetime) -> frozenset[date]:
    """Return days on which the events before one instant and before the other differ, both ends included.

    >>> from datetime import UTC
    >>> sorted(between(datetime(2026, 1, 3, tzinfo=UTC), datetime(2026, 1, 2, 12, tzinfo=UTC)))
    [datetime.date(2026, 1, 2), datetime.date(2026, 1, 3)]
    """
    first, last = sorted((one.date(), other.date()))
    return frozenset(first + timedelta(days=ahead) for ahead in range((last - first).days + 1))


def batches(rows: Mapping[date, int], most: int) -> tuple[tuple[date, ...], ...]:
    """Return days in order, cut into batches of at most so many rows; a day is never split.

    >>> batches({date(2026, 1, 1): 5, date(2026, 1, 2): 4, date(2026, 1, 3): 9}, 9)
    ((datetime.date(2026, 1, 1), datetime.date(2026, 1, 2)), (datetime.date(2026, 1, 3),))
    """
    found: list[tuple[date, ...]] = []
    batch: list[date] = []
    held = 0
    for day in sorted(rows):
        if batch and held + rows[day] > most:
            found.append(tuple(batch))
            batch, held = [], 0
        batch.append(day)
        held += rows[day]
    return (*found, tuple(batch)) if batch else tuple(found)


@dataclass
class _PlannedLake:
    """The lake as it would be after the steps planned so far."""

    lake: PlanningView
    rewritten: dict[type[Table], Any]

    def version(self, table: type[Table], /) -> int | None:
        found = self.lake.version(table)
        # The next version: the table will be there, and will not be the one that was read.
        return found if table not in self.rewritten else 0 if found is None else found + 1

    def rows(self, table: type[Table], /) -> int:
        # Of a table that will be rewritten, nobody knows yet.
        return self.lake.rows(table) or int(table in self.rewritten)

    def has_rows_on(self, table: type[Table], days: Collection[date], /) -> bool:
        return table in self.rewritten or self.lake.has_rows_on(table, days)

    def may_hold(self, types: Collection[str], days: Collection[date], /) -> bool:
        # Of events that are still to be landed, nobody knows yet.
        return tables.Events in self.rewritten or self.lake.may_hold(types, days)

    def reads_of(self, table: type[Table], /) -> LastReads:
        return self.lake.reads_of(table)

    def changed_days(self, table: type[Table], since: int | None, /) -> frozenset[date] | None:
        found = frozenset() if self.lake.version(table) == since else self.lake.changed_days(table, since)
        if found is None or table not in self.rewritten:
            return found
        ahead: frozenset[date] | None = self.rewritten[table]
        return None if ahead is None else found | ahead

    def days_naming(self, table: type[Table], lookup: type[Table], since: int | None, /) -> frozenset[date] | None:
        if lookup in self.rewritten:
            # Whether a row of it will change is known only then; most nights none does.
            return None if since is None else frozenset()
        return self.lake.days_naming(table, lookup, since)


def _find_changed_days(job: Job, lake: PlanningView, read: type[Table], since: int | None) -> frozenset[date] | None:
    if lake.version(read) == since:
        return frozenset()
    if job.by_day and tables.partition(read) is None:
        return lake.days_naming(job.writes, read, since)
    return lake.changed_days(read, since)


def _counts(job: Job, lake: PlanningView, before: datetime, as_of: datetime) -> bool:
    """Return whether other rows of the inputs, none of which changed, may count at one instant than at another.

    Nothing makes nothing, at any time: families of events that are not in use cost no night. What goes by day asks only whether
    there are rows of the days between.
    """
    if not any(map(lake.rows, job.reads)):
        return False
    if not (job.by_day or job.adds_up):
        return True
    days = between(before, as_of)
    return any(lake.has_rows_on(read, days) for read in job.reads if tables.partition(read) is not None)


def _is_about_others(job: Job, lake: PlanningView, days: frozenset[date]) -> bool:
    """Return whether some days hold no event that the job makes rows of, and its table no row that it made of them before."""
    return not lake.has_rows_on(job.writes, days) and not lake.may_hold(job.of_types, days)


def _together(changes: Iterable[frozenset[date] | None]) -> frozenset[date] | None:
    found: frozenset[date] = frozenset()
    for days in changes:
        if days is None:
            return None
        found |= days
    return found


def _in_words(days: frozenset[date]) -> str:
    if len(days) <= 3:
        return ", ".join(f"{day}" for day in sorted(days))
    return f"{len(days)} days from {min(days)} to {max(days)}"
