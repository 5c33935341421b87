"""The tree of the spans of traces: how deep each lies, and what lies within and around it."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

Places: TypeAlias = NDArray[np.int64]
Marks: TypeAlias = NDArray[np.bool_]

CALLS = ("inference", "embedding")
"""Kinds of steps whose tokens and cost count."""


def in_tree(spans: pl.DataFrame) -> pl.DataFrame:
    """Say of each span where it lies in its trace, and whether its tokens and its cost count.

    Frameworks repeat the tokens of a call on the spans around it, so that only what no other call within tells counts. A
    parent that has not come is as none; so is one that lies within its own child.

    Args:
        spans: One row a span: `tenant_id`, `trace_id`, `span_id`, `parent_span_id`, `kind`, tokens and `cost_usd`.

    Returns:
        The same with `depth`, `counts_call`, `counts_tokens`, `counts_cost` and `lacks_cost`.
    """
    parents = _parents(spans)
    is_call = spans["kind"].is_in(CALLS).to_numpy()
    tells_tokens = is_call & (spans["input_tokens"].is_not_null() | spans["output_tokens"].is_not_null()).to_numpy()
    tells_cost = is_call & spans["cost_usd"].is_not_null().to_numpy()
    some_tokens = (spans["input_tokens"].fill_null(0) + spans["output_tokens"].fill_null(0) > 0).to_numpy()
    within, around = _within(parents, tells_cost), _around(parents, tells_cost)
    counts_tokens = tells_tokens & ~_within(parents, tells_tokens)
    inferences = (spans["kind"] == "inference").to_numpy()
    return spans.with_columns(
        pl.Series("depth", _depths(parents)),
        pl.Series("counts_call", inferences & ~_within(parents, inferences)),
        pl.Series("counts_tokens", counts_tokens),
        pl.Series("counts_cost", tells_cost & ~within),
        pl.Series("lacks_cost", counts_tokens & some_tokens & ~tells_cost & ~within & ~around),
    )


def _parents(spans: pl.DataFrame) -> Places:
    """Return the place of the parent of each span; -1 for none."""
    numbered = spans.select("tenant_id", "trace_id", "span_id", "parent_span_id").with_row_index("place")
    theirs = numbered.select("tenant_id", "trace_id", "place", parent_span_id="span_id")
    found = numbered.join(
        theirs, on=["tenant_id", "trace_id", "parent_span_id"], how="left", nulls_equal=True, maintain_order="left"
    )
    # A null parent equals no span id, which is never null.
    parents = found["place_right"].cast(pl.Int64).fill_null(-1).to_numpy().copy()
    reached = parents.copy()
    for _ in range(spans.height.bit_length()):
        inside = reached >= 0
        reached[inside] = reached[reached[inside]]
    parents[reached >= 0] = -1
    return parents


def _depths(parents: Places) -> Places:
    depths = np.zeros(len(parents), np.int64)
    for places, _ in _list_ascents(parents):
        depths[places] += 1
    return depths


def _within(parents: Places, marked: Marks) -> Marks:
    """Return spans within which a marked one lies."""
    found = np.zeros(len(parents), bool)
    for places, above in _list_ascents(parents):
        found[above[marked[places]]] = True
    return found


def _around(parents: Places, marked: Marks) -> Marks:
    """Return spans that lie within a marked one."""
    found = np.zeros(len(parents), bool)
    for places, above in _list_ascents(parents):
        found[places] |= marked[above]
    return found


def _list_ascents(parents: Places) -> list[tuple[Places, Places]]:
    """Return spans, and those so many levels above them: one level, two, and so on until nothing is above."""
    places = np.flatnonzero(parents >= 0)
    above = parents[places]
    found = []
    while len(places):
        found.append((places, above))
        higher = parents[above]
        places, above = places[higher >= 0], higher[higher >= 0]
    return found
