"""Within what is a figure true? Scopes: each project, and each segment (industry and kind of client)."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

SCOPE = ("scope", "project_id", "industry", "client_type")
"""Columns that name one scope; a project has no industry and no kind of client, a segment has no project."""


def by_scope(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Every row once under its project and once under its segment, named by the columns of `SCOPE`.

    A row without a project is in no project's scope; a row is in a segment's only where industry and kind of client are
    both known. The row's own project stays readable as `of_project_id`.

    Args:
        frame: Rows with `project_id`, `industry` and `client_type`.
    """
    nothing = pl.lit(None, dtype=pl.String)
    named = frame.with_columns(of_project_id="project_id")
    return pl.concat(
        [
            named.filter(pl.col("project_id").is_not_null()).with_columns(
                scope=pl.lit("project"), industry=nothing, client_type=nothing
            ),
            named.filter(pl.col("industry").is_not_null(), pl.col("client_type").is_not_null()).with_columns(
                scope=pl.lit("segment"), project_id=nothing
            ),
        ]
    )


def group_codes(frame: pl.DataFrame, *keys: str) -> NDArray[np.int64]:
    """Number of the group of each row, from 0 in the order of the keys, as `kaizenlake.stats` takes groups."""
    return frame.select(pl.struct(keys).rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
