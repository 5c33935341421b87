"""Which sets have so much in common? An exact join by Jaccard similarity, which compares few of all pairs.

It leaves out sets that share too little with all others together, orders what sets hold from the rarest to the most common,
and compares only sets that share something in the beginning of both (prefix filter: Chaudhuri, Ganti and Kaushik 2006;
lengths: Bayardo, Ma and Srikant 2007; positions: Xiao et al. 2011). Sets that are linked already are not compared again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kaizenlake.training.shingles import Hashes, Places

if TYPE_CHECKING:
    from scipy import sparse

Pairs: TypeAlias = tuple[Places, Places]

_SLACK = 1e-9
"""What is taken off a bound, so that rounding leaves out no pair."""

_BATCH = 1 << 21
"""Pairs that are looked at together."""

_ROUNDS = 6
"""Times that neighbours are compared before all that is left is: long chains are linked by then."""


def cluster_sets(hashes: Hashes, ends: Places, threshold: float) -> Places:
    """Return numbers of sets, so that two have one number if a chain of similar sets leads from one to the other.

    Args:
        hashes: What each set holds, one set after the other; what stands twice in a set counts once.
        ends: Place after the last of each set.
        threshold: Least Jaccard similarity of two similar sets, above 0.
    """
    counts = np.diff(ends, prepend=0)
    labels = np.arange(counts.size)
    kept = _keep_shared(hashes, counts, threshold)
    if kept.sizes.size < 2:
        return labels
    join = _Join(kept, threshold)
    join.link_copies()
    join.link_all()
    labels[kept.sets] = kept.sets[join.first_of_label()]
    return labels


@dataclass
class _Kept:
    """Sets that may be similar to others, and what they share with some, in an order from the rarest.

    Args:
        sets: Number of each set that was kept, of all.
        sizes: How much each set holds.
        owners: Set of each thing shared, by its place in `sets`.
        ranks: The thing, numbered from the rarest.
    """

    sets: Places
    sizes: Places
    owners: Places
    ranks: Places


def _keep_shared(hashes: Hashes, counts: Places, threshold: float) -> _Kept:
    """Leave out sets of which so little is in others that none can be similar to them."""
    owners = np.repeat(np.arange(counts.size, dtype=np.int32), counts)
    shared = _is_repeated(hashes)
    sizes = counts - np.bincount(owners[shared], minlength=counts.size)
    owners, hashes = owners[shared], hashes[shared]
    order = np.lexsort((hashes, owners))
    owners, hashes = owners[order], hashes[order]
    first = np.ones(owners.size, bool)
    first[1:] = (owners[1:] != owners[:-1]) | (hashes[1:] != hashes[:-1])
    owners, hashes = owners[first], hashes[first]
    sizes += np.bincount(owners, minlength=counts.size)
    least = np.ceil(threshold * sizes - _SLACK)
    while True:
        repeated = _is_repeated(hashes)
        owners, hashes = owners[repeated], hashes[repeated]
        enough = (np.bincount(owners, minlength=counts.size) >= least) & (sizes > 0)
        stays = enough[owners]
        if stays.all():
            break
        owners, hashes = owners[stays], hashes[stays]
    sets = np.unique(owners)
    _, named, times = np.unique(hashes, return_inverse=True, return_counts=True)
    ranks = np.empty(times.size, np.int64)
    ranks[np.argsort(times, kind="stable")] = np.arange(times.size)
    places = np.searchsorted(sets, owners)
    order = np.lexsort((ranks[named], places))
    return _Kept(sets.astype(np.int64), sizes[sets], places[order], ranks[named][order])


def _is_repeated(hashes: Hashes) -> NDArray[np.bool_]:
    """Return which hashes stand there more than once."""
    ordered = np.sort(hashes)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if not repeated.size:
        return np.zeros(hashes.size, bool)
    repeated = repeated[np.concatenate(([True], repeated[1:] != repeated[:-1]))]
    # A table of bits by the first digits answers for most; the rest is looked up.
    bits = np.uint64(64 - max(10, int(repeated.size * 16).bit_length()))
    table = np.zeros(1 << (64 - int(bits)), bool)
    table[repeated >> bits] = True
    maybe: NDArray[np.bool_] = table[hashes >> bits]
    found = hashes[maybe]
    at = np.minimum(np.searchsorted(repeated, found), repeated.size - 1)
    maybe[maybe] = repeated[at] == found
    return maybe


class _Join:
    """Links sets that are similar, and knows which are linked."""

    def __init__(self, kept: _Kept, threshold: float) -> None:
        self.threshold = threshold
        self.sizes = kept.sizes
        self.number = kept.sizes.size
        self.shared = np.bincount(kept.owners, minlength=self.number)
        self.labels = np.arange(self.number)
        bounds = np.concatenate(([0], np.cumsum(self.shared)))
        from scipy import sparse

        self.rows = sparse.csr_matrix(
            (np.ones(kept.owners.size, np.int32), kept.ranks, bounds), shape=(self.number, int(kept.ranks.max()) + 1)
        )
        self._set_beginnings(kept, bounds)

    def _set_beginnings(self, kept: _Kept, bounds: Places) -> None:
        """Keep of each set its beginning: what it must share with any set that is similar and no larger, and who has it."""
        size = self.sizes[kept.owners]
        # What a set alone holds is rarest of all, so it comes first.
        position = np.arange(kept.owners.size) - bounds[kept.owners] + (self.sizes - self.shared)[kept.owners]
        begins = position <= size - np.ceil(self.threshold * size - _SLACK)
        order = np.lexsort((kept.owners[begins], size[begins], kept.ranks[begins]))
        self.owners, self.ranks = kept.owners[begins][order], kept.ranks[begins][order]
        self.positions, size = position[begins][order], size[begins][order]
        both = 2 * self.threshold / (1 + self.threshold)
        # The smaller of two shares something in a shorter beginning: of a set as large, more must be in common.
        is_index = self.positions <= size - np.ceil(both * size - _SLACK)
        span = int(size.max(initial=0)) + 1
        key = self.ranks * span + size
        largest = np.minimum(np.floor(size / self.threshold + _SLACK), span - 1).astype(np.int64)
        self.until = np.searchsorted(key, self.ranks * span + largest, side="right")
        self.index = np.flatnonzero(is_index & (self.until > np.arange(size.size) + 1))

    def link_copies(self) -> None:
        """Link sets that hold the same."""
        marks = _mark(self.rows)
        order = np.lexsort((marks, self.sizes, self.shared))
        same = (np.diff(marks[order]) == 0) & (np.diff(self.sizes[order]) == 0) & (np.diff(self.shared[order]) == 0)
        self._link(self._verify((order[:-1][same], order[1:][same])))

    def link_all(self) -> None:
        """Link all sets that are similar: first neighbours in the lists of who has a thing, then all that are not yet linked."""
        for _ in range(_ROUNDS):
            before = self.labels
            self._link_neighbours()
            if self.labels is before:
                break
        for pairs in self._other_pairs():
            self._link(self._verify(pairs))

    def first_of_label(self) -> Places:
        """Return the first set of those that each is linked to."""
        firsts = np.full(self.number, self.number)
        np.minimum.at(firsts, self.labels, np.arange(self.number))
        return firsts[self.labels]

    def _link_neighbours(self) -> None:
        """Compare each set with the next in a list that is not linked to it."""
        ends = self._same_until()
        near = self.index[ends[self.index] < self.until[self.index]]
        self._link(self._verify((self.owners[near], self.owners[ends[near]])))

    def _same_until(self) -> Places:
        """Return for each place in the lists the next place with a set that is linked otherwise."""
        labels = self.labels[self.owners]
        changes = np.append(np.flatnonzero(np.diff(labels)) + 1, labels.size)
        same: Places = np.repeat(changes, np.diff(changes, prepend=0))
        return same

    def _other_pairs(self) -> Iterator[Pairs]:
        """Yield all pairs that share something in their beginnings and are not linked, in batches.

        In a list most of whose sets are linked together, these are compared with the others alone.
        """
        labels = self.labels[self.owners]
        lists = np.cumsum(np.diff(self.ranks, prepend=-1) != 0) - 1
        of_list = np.unique(np.stack((lists, labels)), axis=1, return_counts=True)
        (in_list, label), times = of_list
        order = np.lexsort((times, in_list))
        last = np.append(np.flatnonzero(np.diff(in_list[order])), in_list.size - 1)
        most = label[order][last]
        is_other = labels != most[lists]
        others = np.flatnonzero(is_other)
        before = np.cumsum(is_other)
        place = self.index
        start = np.where(is_other[place], place + 1, before[place])
        stop = np.where(is_other[place], self.until[place], before[self.until[place] - 1])
        counts = np.maximum(stop - start, 0)
        totals = np.cumsum(counts)
        begin = 0
        while begin < place.size:
            done = totals[begin - 1] if begin else 0
            end = max(int(np.searchsorted(totals, done + _BATCH, side="right")), begin + 1)
            some, times = place[begin:end], counts[begin:end]
            steps = (
                np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times) + np.repeat(start[begin:end], times)
            )
            one = np.repeat(some, times)
            other = np.where(is_other[one], steps, others[np.minimum(steps, others.size - 1)] if others.size else steps)
            yield self._sieve(one, other)
            begin = end

    def _sieve(self, one: Places, other: Places) -> Pairs:
        """Leave out places of pairs that are linked, or cannot share enough after the places."""
        smaller, larger = self.owners[one], self.owners[other]
        apart = self.labels[smaller] != self.labels[larger]
        one, other, smaller, larger = one[apart], other[apart], smaller[apart], larger[apart]
        first, second = self.positions[one], self.positions[other]
        rest = np.minimum(self.sizes[smaller] - first, self.sizes[larger] - second)
        enough = np.minimum(first, second) + rest >= self._least(smaller, larger)
        pairs = np.unique(smaller[enough] * self.number + larger[enough])
        return pairs // self.number, pairs % self.number

    def _least(self, one: Places, other: Places) -> NDArray[np.float64]:
        """Return how much two sets must share to be similar."""
        share = self.threshold / (1 + self.threshold)
        least: NDArray[np.float64] = np.ceil(share * (self.sizes[one] + self.sizes[other]) - _SLACK)
        return least

    def _verify(self, pairs: Pairs) -> Pairs:
        """Return those of pairs that are similar."""
        one, other = pairs
        may = np.minimum(self.shared[one], self.shared[other]) >= self._least(one, other)
        may &= self.labels[one] != self.labels[other]
        one, other = one[may], other[may]
        similar = measure(self.rows, self.sizes, (one, other)) >= self.threshold
        return one[similar], other[similar]

    def _link(self, pairs: Pairs) -> None:
        one, other = (self.labels[part] for part in pairs)
        if one.size:
            from scipy import sparse
            from scipy.sparse import csgraph

            graph = sparse.coo_matrix((np.ones(one.size, np.int8), (one, other)), shape=(self.number, self.number))
            self.labels = csgraph.connected_components(graph, directed=False)[1].astype(np.int64)[self.labels]


def measure(rows: sparse.csr_matrix, sizes: Places, pairs: Pairs) -> NDArray[np.float64]:
    """Return the Jaccard similarity of pairs of sets.

    Args:
        rows: A row of ones for each set.
        sizes: How much each set holds; more than its row where it holds what no other does.
        pairs: First and second of each pair.
    """
    one, other = pairs
    common = np.zeros(one.size)
    held = np.diff(rows.indptr)
    cuts = np.flatnonzero(np.diff(np.cumsum(held[one]) // _BATCH)) + 1
    for places in np.split(np.arange(one.size), cuts):
        common[places] = np.asarray(rows[one[places]].multiply(rows[other[places]]).sum(axis=1)).ravel()
    union = sizes[one] + sizes[other] - common
    return np.divide(common, union, out=np.zeros(one.size), where=union > 0)


def _mark(rows: sparse.csr_matrix) -> Hashes:
    """Return a number for each row that is equal for equal rows; equal numbers are checked before they count."""
    weights = np.random.Generator(np.random.PCG64(0)).integers(0, 1 << 63, rows.shape[1], dtype=np.uint64)
    sums: Hashes = np.add.reduceat(weights[rows.indices], rows.indptr[:-1])
    return sums
