"""Within what is a figure true? Scopes: each project, and each segment (industry, kind of client, or both)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

SCOPE = ("tenant_id", "scope", "project_id", "industry", "client_type")
"""Columns that name one scope of a tenant; a project has no industry and no kind of client, a segment has no project.

A segment names an industry and a kind of client, or one of them alone: then the other is null.
"""

_NAMED = {
    "project": ("project_id",),
    "segment": ("industry", "client_type"),
    "industry": ("industry",),
    "client_type": ("client_type",),
}
"""Columns that name a scope of each form; the last three forms are segments."""


def by_scope(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Name every row once by its project and once by each of its segments, in the columns of `SCOPE`.

    A row without a project is in no project's scope, and in a segment's only where what names the segment is known. The
    row's own project stays readable as `of_project_id`.

    Args:
        frame: Rows with `project_id`, `industry` and `client_type`.
    """
    kind = pl.when(pl.col("scope") == "project").then("scope").otherwise(pl.lit("segment"))
    return _unfold(frame.with_columns(of_project_id="project_id"), tuple(_NAMED)).with_columns(scope=kind)


def by_segment(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Name every row once by each of its segments, in `industry` and `client_type`.

    Args:
        frame: Rows with `industry` and `client_type`.
    """
    return _unfold(frame, ("segment", "industry", "client_type")).drop("scope")


def _unfold(frame: pl.LazyFrame, forms: Sequence[str]) -> pl.LazyFrame:
    """Name every row once in each form of scope of which it knows the names; the form stands in `scope`."""
    columns = dict.fromkeys(name for form in forms for name in _NAMED[form])
    is_named = {name: pl.col("scope").is_in([form for form in forms if name in _NAMED[form]]) for name in columns}
    # A list that is unfolded, not a frame joined to itself: what the frame comes from is computed once.
    return (
        frame.with_columns(scope=pl.lit(pl.Series([list(forms)])).first())
        .explode("scope")
        .with_columns(pl.when(named).then(name).alias(name) for name, named in is_named.items())
        .filter(pl.all_horizontal(pl.col(name).is_not_null() | ~named for name, named in is_named.items()))
    )


def group_codes(frame: pl.DataFrame, keys: Sequence[str]) -> tuple[NDArray[np.int64], pl.DataFrame]:
    """Return the number the groups of a frame from 0, as `kaizenlake.stats` takes them.

    Args:
        frame: Any rows.
        keys: Columns that name a group; nulls are equal.

    Returns:
        The number of each row's group, and the groups' names in the order of their numbers, sorted by the keys.
    """
    names = frame.select(keys).unique().sort(keys)
    numbered = frame.select(keys).join(
        names.with_row_index("group_code"), on=list(keys), how="left", nulls_equal=True, maintain_order="left"
    )
    return numbered["group_code"].to_numpy().astype(np.int64), names
