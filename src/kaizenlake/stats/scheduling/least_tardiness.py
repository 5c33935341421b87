"""The order of tasks of one slot each in which they are late the least, as far as a search of bounded length finds it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kaizenlake.stats.basics._arrays import Ints
from kaizenlake.stats.scheduling.unit_tasks import UnitTasks, list_order

KICKS = 300
"""Most times that the search sets out anew from a plan which no single move mends."""

EFFORT = 12_000_000
"""Most pairs of tasks that all moves of a search may look at, so that its length is bounded by counting."""

MOST_TASKS = 600
"""Most tasks among which moves are searched; above, the best of the lists stands."""

_FORBIDDEN = 1 << 50


def least_tardy_order(tasks: UnitTasks) -> list[int]:
    """Return an order of tasks that fit, in which they are late the least that a search finds; the same every time.

    The first is the list by earliest inherited deadline, then weight; where it is late nowhere, it stands. Else the best
    of it and of lists that put weight first is mended by moves (two tasks change places, one goes elsewhere), from which
    the search sets out anew after a few moves at random, until it has reached a bound below which no order is, or its end.

    Args:
        tasks: The tasks; all fit.

    >>> weights, due, last = (np.array(values) for values in ([1, 8, 2], [1, 1, 1], [9, 9, 9]))
    >>> least_tardy_order(UnitTasks(weights, due, last, [(), (), ()], np.array([1, 2, 3])))
    [1, 2, 0]
    """
    starts = [order for order in _yield_lists(tasks) if tasks.keeps_windows(order)]
    best = min(starts, key=tasks.tardiness, default=_by_window(tasks))
    if tasks.tardiness(best) == 0 or not 1 < len(best) <= MOST_TASKS:
        return best
    return _Search(tasks).mend(best, starts)


def _by_window(tasks: UnitTasks) -> list[int]:
    return list_order(tasks, tasks.inherit(tasks.last), tasks.inherit(tasks.due), tasks.inherit(-tasks.weights))


def _yield_lists(tasks: UnitTasks) -> Iterator[list[int]]:
    weight = tasks.inherit(-tasks.weights)
    last_day = tasks.slot_days[np.minimum(tasks.last, len(tasks.slot_days) - 1)]
    closing = np.where(tasks.last < len(tasks.slot_days), last_day, tasks.due)
    yield list_order(tasks, tasks.inherit(tasks.due), weight)
    yield list_order(tasks, tasks.inherit(np.minimum(tasks.due, closing)), weight)
    yield _by_window(tasks)
    yield list_order(tasks, tasks.inherit(_compute_latest_free_days(tasks)), tasks.inherit(tasks.due), weight)
    yield list_order(tasks, weight, tasks.inherit(tasks.due))


def _compute_latest_free_days(tasks: UnitTasks) -> Ints:
    """Return a day for each task, the heaviest first: the latest free one up to its deadline, else the earliest."""
    days, counts = np.unique(tasks.slot_days[: len(tasks.before)], return_counts=True)
    free = counts.tolist()
    # Free days are found by following pointers, which are cut short on the way: nearly one step each.
    left, right = list(range(len(days) + 1)), list(range(len(days) + 1))
    found = np.empty(len(tasks.before), np.int64)
    wanted = np.searchsorted(days, tasks.due, side="right").tolist()
    for task in np.lexsort((tasks.due, -tasks.weights)).tolist():
        # Day number d is kept at d + 1 on the left, so that 0 says that there is none.
        place = _follow(left, wanted[task]) - 1
        if place < 0:
            place = _follow(right, 0)
        found[task] = days[place]
        free[place] -= 1
        if free[place] == 0:
            left[place + 1], right[place] = place, place + 1
    return found


def _follow(pointers: list[int], place: int) -> int:
    end = place
    while pointers[end] != end:
        end = pointers[end]
    while pointers[place] != end:
        pointers[place], place = end, pointers[place]
    return end


class _Search:
    """Moves on one instance: each way to let two tasks change places, or one go elsewhere, is priced at once."""

    def __init__(self, tasks: UnitTasks) -> None:
        self.tasks = tasks
        self.number = len(tasks.before)
        late = np.maximum(tasks.slot_days[: self.number] - tasks.due[:, None], 0)
        self.costs = late * tasks.weights[:, None]
        self.costs[np.arange(self.number) > tasks.last[:, None]] = _FORBIDDEN
        self.waits = np.zeros((self.number, self.number), bool)
        for task, others in enumerate(tasks.before):
            self.waits[task, list(others)] = True
        self.places = np.arange(self.number)
        self.effort = EFFORT

    def mend(self, best: list[int], starts: list[list[int]]) -> list[int]:
        """Return the best order that is found from several starts and kicks."""
        chance = np.random.default_rng(20260101)
        bound, relaxed = self._bound()
        starts = [best, relaxed, *starts]
        least, least_cost = np.array(best), self._cost(np.array(best))
        for start in starts:
            order = self._descend(np.array(start))
            if (cost := self._cost(order)) < least_cost:
                least, least_cost = order, cost
        current, current_cost = least, least_cost
        for _ in range(KICKS):
            if least_cost <= bound or self.effort <= 0:
                break
            order = self._descend(self._kick(current, chance))
            cost = self._cost(order)
            if cost <= current_cost:
                current, current_cost = order, cost
            if cost < least_cost:
                least, least_cost = order, cost
        return [int(task) for task in least]

    def _bound(self) -> tuple[int, list[int]]:
        """Return a cost below which no order is, that without dependencies, and the list that follows its slots."""
        from scipy.optimize import linear_sum_assignment

        rows, slots = linear_sum_assignment(self.costs)
        cost = int(self.costs[rows, slots].sum())
        wanted = self.tasks.inherit(slots.astype(np.int64))
        return cost, list_order(self.tasks, wanted)

    def _cost(self, order: Ints) -> int:
        return int(self.costs[order, self.places].sum())

    def _gains(self, order: Ints) -> tuple[Ints, Ints]:
        """Return what each change of two places, and each way of one task to another place, adds to the cost."""
        self.effort -= self.number**2
        costs = self.costs[order]
        here = costs.diagonal()
        waits = self.waits[np.ix_(order, order)]
        first_after = np.where(waits, self.places[:, None], self.number).min(axis=0)
        last_before = np.where(waits, self.places[None, :], -1).max(axis=1)
        rows, columns = self.places[:, None], self.places[None, :]
        may_go = np.where(columns > rows, first_after[:, None] > columns, last_before[:, None] < columns)
        swaps = costs + costs.T - here[:, None] - here[None, :]
        swaps = np.where(may_go & may_go.T & (columns > rows), swaps, _FORBIDDEN)
        earlier = np.concatenate([[0], np.cumsum(np.diagonal(costs, -1) - here[1:])])
        later = np.concatenate([[0], np.cumsum(np.diagonal(costs, 1) - here[:-1])])
        shifted = np.where(columns > rows, earlier[None, :] - earlier[:, None], later[:, None] - later[None, :])
        moves = np.where(may_go & (columns != rows), costs - here[:, None] + shifted, _FORBIDDEN)
        return swaps, moves

    def _descend(self, order: Ints) -> Ints:
        while self.effort > 0:
            swaps, moves = self._gains(order)
            swap, move = int(swaps.argmin()), int(moves.argmin())
            if min(swaps.flat[swap], moves.flat[move]) >= 0:
                break
            if swaps.flat[swap] <= moves.flat[move]:
                order = _swap(order, *divmod(swap, self.number))
            else:
                order = _move(order, *divmod(move, self.number))
        return order

    def _kick(self, order: Ints, chance: np.random.Generator) -> Ints:
        """Return an order after a few moves at random, each of which dependencies and windows allow."""
        for _ in range(int(chance.integers(2, 6))):
            _, moves = self._gains(order)
            allowed = np.flatnonzero(moves < _FORBIDDEN // 2)
            if len(allowed):
                order = _move(order, *divmod(int(allowed[chance.integers(len(allowed))]), self.number))
        return order


def _swap(order: Ints, one: int, other: int) -> Ints:
    found = order.copy()
    found[one], found[other] = order[other], order[one]
    return found


def _move(order: Ints, source: int, target: int) -> Ints:
    return np.insert(np.delete(order, source), target, order[source])
