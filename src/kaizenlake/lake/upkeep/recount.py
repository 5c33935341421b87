"""Counts of old landings put right: what a killed landing had written was counted by every later one of that name."""

from __future__ import annotations

import polars as pl

from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.tables import Events, Landings


def find_recounted(lake: Lake) -> pl.DataFrame:
    """Find files of `bronze.landings` that count lines as landed which an earlier one of that name has counted.

    Versions up to 0.1.0 counted what a landing killed before it was booked had written anew with every later file of that
    name. A row may count the events that it wrote itself, and those of killed landings since the row before it.

    Returns:
        `file_hash`, `file` and `again`, the lines too many. More than killed landings explain is no such mistake, and
        is not among them: events are missing there.
    """
    written = lake.scan(Events).group_by("file", "landed_at").agg(pl.len().cast(pl.Int64).alias("_written"))
    booked = lake.scan(Landings).select("file_hash", "file", "landed_at", "landed").collect()
    alone = booked.filter(pl.struct("file", "landed_at").is_unique())
    both = written.join(booked.lazy().select("file").unique(), on="file", how="semi").collect()
    killed = both.join(booked, on=["file", "landed_at"], how="anti").sort("landed_at")
    first = killed.join_asof(
        booked.select("file", "landed_at", "file_hash").sort("landed_at"),
        on="landed_at",
        by="file",
        strategy="forward",
        check_sortedness=False,
    )
    claimed = first.group_by("file_hash").agg(pl.col("_written").sum().alias("_claimed"))
    most = killed.group_by("file").agg(pl.col("_written").sum().alias("_killed"))
    return (
        alone.join(both, on=["file", "landed_at"], how="left")
        .join(claimed, on="file_hash", how="left")
        .join(most, on="file", how="inner")
        .with_columns((pl.col("landed") - pl.sum_horizontal("_written", "_claimed")).alias("again"))
        .filter((pl.col("again") > 0) & (pl.col("again") <= pl.col("_killed")))
        .select("file_hash", "file", "again")
    )


def mend(lake: Lake) -> int:
    """Count as duplicates the lines that were counted again; to be called while the lock of the lake is held.

    Returns:
        Files whose counts were put right.
    """
    found = find_recounted(lake)
    if found.is_empty():
        return 0

    def right(snapshot: Snapshot) -> pl.DataFrame:
        again = pl.col("again").fill_null(0)
        return (
            snapshot.scan()
            .join(found.lazy().select("file_hash", "again"), on="file_hash", how="left")
            .with_columns(pl.col("landed") - again, pl.col("duplicate") + again)
            .drop("again")
            .collect()
        )

    lake.rewrite(Landings, right)
    return found.height
