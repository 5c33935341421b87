"""Tasks of one slot each: which of them fit, and lists of them in an order that dependencies allow."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kaizenlake.stats.basics._arrays import Ints

NEVER = 1 << 40
"""Day of a deadline that there is not, and last slot of what may come at any time."""


@dataclass(frozen=True, eq=False)
class UnitTasks:
    """Tasks that take one slot each, in an order that dependencies allow: each comes after all that it waits for.

    Args:
        weights: What a day too late costs, by task.
        due: Day of the deadline; `NEVER` without one.
        last: Last slot in which it may be; `NEVER` for any.
        before: Tasks that it waits for, by their place.
        slot_days: Day of each slot, as numbers that never fall.

    >>> tasks = UnitTasks(*(np.array(values) for values in ([8, 1], [1, 1], [NEVER, NEVER])), [(), (0,)], np.array([1, 2]))
    >>> find_fitting(tasks), tasks.tardiness([0, 1])
    ([0, 1], 1)
    """

    weights: Ints
    due: Ints
    last: Ints
    before: Sequence[Sequence[int]]
    slot_days: Ints

    @cached_property
    def after(self) -> list[list[int]]:
        """Tasks that wait for each."""
        found: list[list[int]] = [[] for _ in self.before]
        for task, waits_for in enumerate(self.before):
            for other in waits_for:
                found[other].append(task)
        return found

    def inherit(self, values: Ints) -> Ints:
        """Return for each task the least value of it and all that wait for it, near or far."""
        found = values.tolist()
        for task in range(len(found) - 1, -1, -1):
            for other in self.before[task]:
                found[other] = min(found[other], found[task])
        return np.array(found, np.int64)

    def tardiness(self, order: Sequence[int]) -> int:
        """Return the weighted days too late of tasks that fill the slots in an order."""
        taken = np.asarray(order, np.int64)
        late = np.maximum(self.slot_days[: len(taken)] - self.due[taken], 0)
        return int((late * self.weights[taken]).sum())

    def keeps_windows(self, order: Sequence[int]) -> bool:
        """Return whether no task of an order comes after the last slot that it may have."""
        return bool((np.arange(len(order)) <= self.last[np.asarray(order, np.int64)]).all())


def list_order(tasks: UnitTasks, *keys: Ints) -> list[int]:
    """Return all tasks, of those that wait for nothing more always the one with the least key.

    Args:
        keys: What decides, the first first; where all are equal, the place of the task.
    """
    ranks = np.lexsort((np.arange(len(tasks.before)), *reversed(keys)))
    rank = np.empty(len(ranks), np.int64)
    rank[ranks] = np.arange(len(ranks))
    ahead, waiting = rank.tolist(), [len(waits_for) for waits_for in tasks.before]
    ready = [ahead[task] for task, number in enumerate(waiting) if number == 0]
    heapq.heapify(ready)
    order: list[int] = []
    while ready:
        task = int(ranks[heapq.heappop(ready)])
        order.append(task)
        for other in tasks.after[task]:
            waiting[other] -= 1
            if waiting[other] == 0:
                heapq.heappush(ready, ahead[other])
    return order


def find_fitting(tasks: UnitTasks) -> list[int]:
    """Return the tasks that fit into the slots and their windows, by their place.

    As each task is added in the order of its window, one is left out where there is no slot for all: of those that nothing
    taken waits for, the one that costs least with all that waits for it. Without dependencies that is the best there is.
    What cannot fit whatever else is left out holds up nothing of what it waits for.
    """
    last = np.minimum(tasks.last, len(tasks.slot_days) - 1)
    is_possible = _find_possible(tasks, last)
    last = tasks.inherit(np.where(is_possible, last, NEVER))
    taken = _Taken(tasks, is_possible)
    for task in list_order(tasks, last):
        if is_possible[task] and all(taken.holds[other] for other in tasks.before[task]):
            taken.add(task)
            if taken.number > last[task] + 1:
                taken.leave_one_out()
    return [task for task, is_held in enumerate(taken.holds) if is_held]


def _find_possible(tasks: UnitTasks, last: Ints) -> NDArray[np.bool_]:
    """Return which tasks have a slot in their window behind all that they wait for, were these the only ones."""
    first, possible = [0] * len(tasks.before), [True] * len(tasks.before)
    for task, before in enumerate(tasks.before):
        first[task] = max([len(before), *(first[other] + 1 for other in before)])
        possible[task] = first[task] <= last[task] and all(possible[other] for other in before)
    return np.array(possible, np.bool_)


class _Taken:
    """Tasks that are taken, and which of them can be left out: those that nothing taken waits for."""

    def __init__(self, tasks: UnitTasks, is_possible: NDArray[np.bool_]) -> None:
        self.before, self.due = tasks.before, tasks.due.tolist()
        self.burdens = np.where(is_possible, tasks.weights, 0).tolist()
        self.lost = [0] * len(self.burdens)
        for task in range(len(self.burdens) - 1, -1, -1):
            for other in tasks.before[task]:
                self.burdens[other] = min(self.burdens[other] + self.burdens[task], NEVER)
        self.holds = [False] * len(self.burdens)
        self.waiting = [0] * len(self.burdens)
        self.number = 0
        self.ends: list[tuple[int, int, int]] = []

    def add(self, task: int) -> None:
        self.holds[task] = True
        self.number += 1
        for other in self.before[task]:
            self.waiting[other] += 1
        self._offer(task)

    def leave_one_out(self) -> None:
        """Leave out the task that costs least with all that waits for it; of equals that with the latest deadline."""
        task = -heapq.heappop(self.ends)[2]
        while not self.holds[task] or self.waiting[task]:
            # It is left out already, or is offered again once nothing taken waits for it.
            task = -heapq.heappop(self.ends)[2]
        self.holds[task] = False
        self.number -= 1
        for other in self.before[task]:
            self.waiting[other] -= 1
            self.lost[other] += self.burdens[task]
            if not self.waiting[other] and self.holds[other]:
                self._offer(other)

    def _offer(self, task: int) -> None:
        # What waits for it and is left out already is no reason to keep it.
        burden = max(self.burdens[task] - self.lost[task], 0)
        heapq.heappush(self.ends, (burden, -self.due[task], -task))


def even_slots(tasks: UnitTasks) -> list[int]:
    """Return as many slots as there are tasks, with as even a load on all days as deadlines and windows allow.

    Args:
        tasks: Tasks that fit into all slots.
    """
    number = len(tasks.before)
    days, starts, counts = np.unique(tasks.slot_days, return_index=True, return_counts=True)
    if not number:
        return []
    due, last = np.sort(tasks.inherit(tasks.due)), np.sort(tasks.inherit(tasks.last))
    evenly = -(-number * np.arange(1, len(days) + 1) // len(days))
    least = np.maximum(evenly, np.searchsorted(due, days, side="right"))
    for slot in np.unique(last[last < len(tasks.slot_days)]).tolist():
        wanted = int(np.searchsorted(last, slot, side="right"))
        day = int(np.searchsorted(starts, slot, side="right")) - 1
        least[day] = max(least[day], wanted)
        if day:
            least[day - 1] = max(least[day - 1], wanted - (slot - starts[day] + 1))
    least = np.minimum(least, np.cumsum(counts))
    for day in range(len(days) - 1, 0, -1):
        least[day - 1] = max(least[day - 1], least[day] - counts[day])
    loads = np.diff(np.maximum.accumulate(least), prepend=0)
    return [int(start) + place for start, load in zip(starts, loads, strict=True) for place in range(int(load))]
