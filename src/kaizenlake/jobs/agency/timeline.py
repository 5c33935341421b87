"""When does each task of a brand run? At most so many a day, what it depends on before it, late as little as possible."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, overload

import numpy as np

from kaizenlake.errors import UsageError
from kaizenlake.jobs.agency._time_slots import Calendar, TimeSlot, calendar, run_instants, time_slots
from kaizenlake.jobs.agency.plan_tasks import PlanTask, in_order, instant, read_tasks
from kaizenlake.stats.scheduling.least_tardiness import least_tardy_order
from kaizenlake.stats.scheduling.unit_tasks import NEVER, UnitTasks, even_slots, find_fitting
from kaizenlake.vocabulary import PRIORITIES, plural


@dataclass(frozen=True)
class TimelineTask:
    """A task with the instant at which it is to run.

    Args:
        task: The task.
        run_at: When, in UTC.
        day: Its day in the zone of the brand.
        days_late: Calendar days from the day of its deadline to that day; 0 without one, or in time.
    """

    task: PlanTask
    run_at: datetime
    day: date
    days_late: int = 0

    @property
    def task_id(self) -> str:
        """Name of the task."""
        return self.task.task_id

    @property
    def brand_id(self) -> str | None:
        """Brand it is for."""
        return self.task.brand_id

    @property
    def task_type(self) -> str | None:
        """What it does."""
        return self.task.task_type

    @property
    def priority(self) -> str:
        """How much it matters."""
        return self.task.priority

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Tasks that run before it."""
        return self.task.depends_on

    @property
    def deadline(self) -> datetime | None:
        """Instant by whose day it should run."""
        return self.task.deadline

    @property
    def time_window_end(self) -> datetime | None:
        """Instant after which it does not run."""
        return self.task.time_window_end

    @property
    def resource(self) -> str | None:
        """What it needs for itself while it runs."""
        return self.task.resource


@dataclass(frozen=True)
class UnplannedTask:
    """A task that has no place in a plan.

    Args:
        task_id: Name of the task.
        reason: Why, in words.
    """

    task_id: str
    reason: str


@dataclass(frozen=True)
class Timeline(Sequence[TimelineTask]):
    """A plan: a sequence of tasks in the order in which they run, and those that have no place in it.

    Args:
        planned: Tasks with their instants.
        unplanned: The others, each with its reason.
    """

    planned: tuple[TimelineTask, ...]
    unplanned: tuple[UnplannedTask, ...] = ()

    @overload
    def __getitem__(self, place: int) -> TimelineTask: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[TimelineTask, ...]: ...
    def __getitem__(self, place: int | slice) -> TimelineTask | tuple[TimelineTask, ...]:
        """Return a task, or some."""
        return self.planned[place]

    def __len__(self) -> int:
        """Return the number of planned tasks."""
        return len(self.planned)

    @cached_property
    def weighted_tardiness(self) -> int:
        """Days too late of all planned tasks, each as often as its priority weighs: CRITICAL 8, HIGH 4, MEDIUM 2, LOW 1."""
        return sum(PRIORITIES[item.priority] * item.days_late for item in self.planned)


def plan_timeline_for_brand(
    brand_id: str,
    start_at: datetime,
    end_at: datetime,
    max_tasks_per_day: int,
    pending_tasks: Iterable[Mapping[str, Any]],
    *,
    zone: str = "UTC",
    holidays: Collection[date | str] = (),
    business_days: bool = False,
    spread: bool = False,
    completed: Collection[str] = (),
) -> Timeline:
    """Plan when each task of a brand runs; the same tasks, in any order, give the same plan.

    As many as fit are planned; where there is no place for all, the least weighty wait. Of those planned, the weighted
    days too late are as few as a search finds: a list by earliest inherited deadline, then priority, and where that is
    late, moves that mend it.

    Args:
        brand_id: The brand; tasks of others are not planned, and said so.
        start_at: First instant; one without a zone is UTC. Further days begin at its hour.
        end_at: Instant from which on nothing runs.
        max_tasks_per_day: Most tasks of a day.
        pending_tasks: Mappings with `task_id`, and any of `brand_id`, `task_type`, `priority`, `depends_on`, `deadline`,
            `time_window_end` (the last instant at which it may run) and `resource`. An instant without a zone is UTC, a
            day alone begins in the zone of the brand. Tasks of a plan run one after the other, so no two hold a
            resource at a time.
        zone: Zone of the brand, in which its days begin.
        holidays: Days off, of which business days leave out.
        business_days: Leave out Saturdays, Sundays and holidays.
        spread: Lay an even load on all days, as far as deadlines allow, instead of filling the first days.
        completed: Tasks that were done before, for which nothing waits any more.

    Raises:
        UsageError: What is given is none of its kind, or tasks wait for each other in a cycle, which the words name.
    """
    start, end = instant(start_at, "start_at"), instant(end_at, "end_at")
    if start is None or end is None or start >= end:
        raise UsageError(f"Expected a start before the end, found {start_at} and {end_at}.")
    if type(max_tasks_per_day) is not int or max_tasks_per_day < 1:
        raise UsageError(f"Expected at least 1 as max_tasks_per_day, found {max_tasks_per_day!r}.")
    days = calendar(zone, holidays, business_days=business_days)
    given = read_tasks(pending_tasks, days.zone)
    ours = in_order([task for task in given if task.brand_id in {None, brand_id}])
    reasons = {
        task.task_id: f"It is a task of {task.brand_id}." for task in given if task.brand_id not in {None, brand_id}
    }
    known, done = {task.task_id for task in ours}, frozenset(completed)
    for task in ours:
        if (reason := _missing(task, known, done, reasons)) is not None:
            reasons[task.task_id] = reason
    ready = [task for task in ours if task.task_id not in reasons]
    slots = time_slots(start, end, max_tasks_per_day, days)
    instance = _instance(ready, slots, days)
    fit = [ready[place] for place in find_fitting(instance)]
    there = {task.task_id for task in fit}
    reasons |= {task.task_id: _unfit(task, there | done, len(slots)) for task in ready if task.task_id not in there}
    chosen = _instance(fit, slots, days)
    if spread:
        slots = [slots[number] for number in even_slots(chosen)]
        chosen = _instance(fit, slots, days)
    order = [fit[task] for task in least_tardy_order(chosen)]
    instants = run_instants(slots[: len(order)], [task.time_window_end for task in order])
    planned = (_place_task(task, run_at, days) for task, run_at in zip(order, instants, strict=True))
    left = sorted((task for task in given if task.task_id in reasons), key=lambda task: task.natural)
    return Timeline(tuple(planned), tuple(UnplannedTask(task.task_id, reasons[task.task_id]) for task in left))


@dataclass(frozen=True)
class CampaignTimelinePlanner:
    """A planner with the calendar of a brand.

    Args:
        zone: Zone of the brand, in which its days begin.
        holidays: Days off, of which business days leave out.
        business_days: Leave out Saturdays, Sundays and holidays.
        spread: Lay an even load on all days instead of filling the first.
    """

    zone: str = "UTC"
    holidays: Collection[date | str] = ()
    business_days: bool = False
    spread: bool = False

    def plan_timeline_for_brand(
        self,
        brand_id: str,
        start_at: datetime,
        end_at: datetime,
        max_tasks_per_day: int,
        pending_tasks: Iterable[Mapping[str, Any]],
        *,
        completed: Collection[str] = (),
    ) -> Timeline:
        """Plan when each task of a brand runs, as the function of that name does.

        Args:
            start_at: First instant.
            end_at: Instant from which on nothing runs.
            max_tasks_per_day: Most tasks of a day.
            completed: Tasks that were done before.

        Raises:
            UsageError: What is given is none of its kind, or tasks wait for each other in a cycle.
        """
        return plan_timeline_for_brand(
            brand_id,
            start_at,
            end_at,
            max_tasks_per_day,
            pending_tasks,
            zone=self.zone,
            holidays=self.holidays,
            business_days=self.business_days,
            spread=self.spread,
            completed=completed,
        )


def _missing(task: PlanTask, known: AbstractSet[str], done: AbstractSet[str], reasons: Mapping[str, str]) -> str | None:
    """Return why a task cannot be planned whatever there is room for; None where it can."""
    for other in task.depends_on:
        if other in done:
            continue
        if other not in known:
            return f"It depends on {other}, which is neither among the tasks of the brand nor completed."
        if other in reasons:
            return f"It depends on {other}, which is not planned."
    return None


def _unfit(task: PlanTask, there: AbstractSet[str], places: int) -> str:
    for other in task.depends_on:
        if other not in there:
            return f"It depends on {other}, which is not planned."
    if task.time_window_end is not None:
        return f"No place is free until its time window ends, {task.time_window_end:%Y-%m-%d %H:%M} UTC."
    if not places:
        return "The plan has no place: none of its days is one on which the brand works."
    return f"The plan has {plural(places, 'place')} until its end, and tasks that matter more take them."


def _instance(tasks: Sequence[PlanTask], slots: Sequence[TimeSlot], days: Calendar) -> UnitTasks:
    place = {task.task_id: number for number, task in enumerate(tasks)}
    return UnitTasks(
        weights=np.array([PRIORITIES[task.priority] for task in tasks], np.int64),
        due=np.array(
            [NEVER if task.deadline is None else days.day_of(task.deadline).toordinal() for task in tasks], np.int64
        ),
        last=np.array(
            [
                NEVER if task.time_window_end is None else bisect_right(slots, task.time_window_end, key=_earliest) - 1
                for task in tasks
            ],
            np.int64,
        ),
        before=[[place[other] for other in task.depends_on if other in place] for task in tasks],
        slot_days=np.array([slot.of.day.toordinal() for slot in slots], np.int64),
    )


def _earliest(slot: TimeSlot) -> datetime:
    return slot.earliest


def _place_task(task: PlanTask, run_at: datetime, days: Calendar) -> TimelineTask:
    day = days.day_of(run_at)
    late = 0 if task.deadline is None else max((day - days.day_of(task.deadline)).days, 0)
    return TimelineTask(task, run_at, day, late)
