"""Versions of a table: what changed between two of them, and back to an older one."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from kaizenlake import tables
from kaizenlake.errors import LakeError, UsageError
from kaizenlake.lake import changes
from kaizenlake.lake.store import Lake, Written
from kaizenlake.tables import Table

FATE = "_fate"
_AFTER = "_after"


@dataclass(frozen=True)
class VersionDifference:
    """What changed between two versions of a table.

    Args:
        rows: Rows that differ by their grain, with `_fate`: added, removed or changed; a changed row as it is in the later.
        columns: Number of changed rows by the column that changed.
    """

    rows: pl.DataFrame
    columns: dict[str, int]

    def count(self, fate: str) -> int:
        """Return the number of rows of one fate."""
        return self.rows.filter(pl.col(FATE) == fate).height


def find_difference(lake: Lake, table: type[Table], first: int, second: int) -> VersionDifference:
    """Return what changed from one version of a table to another.

    Args:
        lake: The lake, as a tenant has it.
        table: Its rows are told apart by its grain.
        first: The version before.
        second: The version after.

    Raises:
        LakeError: A version cannot be read, or is no longer kept.
    """
    grain, names = list(tables.grain(table)), tables.schema(table).names()
    rest = [name for name in names if name not in grain]
    before = lake.scan(table, version=first).with_columns(_was=pl.lit(value=True))
    after = lake.scan(table, version=second).with_columns(_is=pl.lit(value=True))
    both = before.join(after, on=grain, how="full", nulls_equal=True, coalesce=True, suffix=_AFTER)
    is_both = pl.col("_was") & pl.col("_is")
    differs = {name: is_both & pl.col(name).ne_missing(pl.col(f"{name}{_AFTER}")) for name in rest}
    is_changed = pl.any_horizontal(pl.lit(value=False), *differs.values()).fill_null(value=False)
    fate = (
        pl.when(pl.col("_was").is_null())
        .then(pl.lit("added"))
        .when(pl.col("_is").is_null())
        .then(pl.lit("removed"))
        .when(is_changed)
        .then(pl.lit("changed"))
    )
    shown = [
        pl.when(pl.col("_is").is_null()).then(pl.col(name)).otherwise(pl.col(f"{name}{_AFTER}")).alias(name)
        for name in rest
    ]
    marks = [differs[name].fill_null(value=False).alias(f"_differs {name}") for name in rest]
    found = (
        both.select(*grain, *shown, *marks, fate.alias(FATE))
        .filter(pl.col(FATE).is_not_null())
        .sort(grain, nulls_last=True)
        .collect()
    )
    counts = {name: int(found[f"_differs {name}"].sum()) for name in rest}
    return VersionDifference(
        found.select(FATE, *names),
        dict(sorted(((name, n) for name, n in counts.items() if n), key=lambda item: -item[1])),
    )


def find_changed_keys(lake: Lake, table: type[Table], key: str, since: int) -> frozenset[str] | None:
    """Return the values of a column of whose rows any was added, removed or changed after a version.

    Args:
        lake: The lake, as a tenant has it.
        table: Its rows are compared whole.
        key: A column of text of its grain.
        since: The version before.

    Returns:
        The values; None where all may have changed: the version is no longer kept.
    """
    try:
        rows = pl.concat([lake.scan(table, version=since), lake.scan(table)])
    except LakeError:
        return None
    # A row that is in either version counts twice.
    changed = rows.group_by(pl.all()).len().filter(pl.col("len") == 1).select(key).unique()
    return frozenset(changed.drop_nulls().collect()[key])


def restore(lake: Lake, table: type[Table], version: int) -> Written:
    """Write a table as it was at an older version; the next night computes it anew from there.

    To be called while the lock of the lake is held.

    Args:
        table: Of silver or gold.
        version: The version, as long as maintenance keeps it.

    Raises:
        UsageError: The table is of bronze, whose events and decisions are never taken back.
        LakeError: The version cannot be read, or is no longer kept.
    """
    name = tables.full_name(table)
    if tables.layer(table) == "bronze":
        raise UsageError(
            f"{name} is the source of truth, and is not taken back: events and decisions stay.",
            hint="Tables of silver and gold can be restored.",
        )
    rows = lake.scan(table, version=version).collect()
    handle = lake.snapshot(table, version).handle
    told = None if handle is None else changes.reads(handle, [tables.full_name(item) for item in lake.declared.tables])
    if told is None or told.as_of is None or told.fingerprint is None:
        raise LakeError(f"Version {version} of {name} does not say what it was computed from.", where=lake.uri(table))
    written = lake.write(table, [rows], days=None, reads=told.versions, as_of=told.as_of, fingerprint=told.fingerprint)
    lake.save_reads()
    return written
