"""The tenant of a row: a wall across which nothing is compared."""

from __future__ import annotations

import polars as pl

from kaizenlake import tables
from kaizenlake.tables import Table


def with_tenant(frame: pl.LazyFrame, table: type[Table]) -> pl.LazyFrame:
    """Give the rows of a table that knows no tenants the tenant of events without one.

    Args:
        frame: Rows of the table.
        table: Its declaration.
    """
    if "tenant_id" in tables.schema(table).names():
        return frame
    return frame.with_columns(tenant_id=pl.lit(None, pl.String))
