"""Within what is a figure true? Scopes: each project, and each segment (industry and kind of client)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

SCOPE = ("tenant_id", "scope", "project_id", "industry", "client_type")
"""Columns that name one scope of a tenant; a project has no industry and no kind of client, a segment has no project."""


def by_scope(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Every row once under its project and once under its segment, named by the columns of `SCOPE`.

    A row without a project is in no project's scope; a row is in a segment's only where industry and kind of client are
    both known. The row's own project stays readable as `of_project_id`.

    Args:
        frame: Rows with `project_id`, `industry` and `client_type`.
    """
    of_project, of_segment = (pl.col("scope") == kind for kind in ("project", "segment"))
    known = {"project_id": of_project, "industry": of_segment, "client_type": of_segment}
    # A list that is unfolded, not a frame joined to itself: what the frame comes from is computed once.
    return (
        frame.with_columns(of_project_id="project_id", scope=pl.lit(pl.Series([["project", "segment"]])).first())
        .explode("scope")
        .with_columns(pl.when(is_named).then(name).alias(name) for name, is_named in known.items())
        .filter(pl.all_horizontal(pl.col(name).is_not_null() | ~is_named for name, is_named in known.items()))
    )


def group_codes(frame: pl.DataFrame, keys: Sequence[str]) -> tuple[NDArray[np.int64], pl.DataFrame]:
    """Number the groups of a frame from 0, as `kaizenlake.stats` takes them.

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
