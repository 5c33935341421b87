"""Decisions: a command appends what it decided as events, on the strength of what the lake holds at that moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.errors import EventError
from kaizenlake.events.check import check_lines
from kaizenlake.events.log import Line
from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.tables import Events

FILE = "command"
"""What the events of decisions name as their file."""


def append(
    lake: Lake, decide: Callable[[pl.LazyFrame], Sequence[Line]], *, source: str, now: datetime | None = None
) -> int:
    """Append the events of a decision in one commit, or none.

    Args:
        lake: The lake.
        decide: Makes the lines (of `event_line(…, is_decision=True)`) from the events there are, or raises where a gate
            refuses. It is called again on fresh events whenever another writer came between: of two that race, the later
            sees what the earlier decided. An event whose id the lake holds already is not appended again.
        source: Who decided, as the events name it.
        now: Aware instant for which it was decided, which lies in the past where a night looks back; the clock's by
            default. The events say truly when they were appended.

    Returns:
        Number of events that were appended.

    Raises:
        KaizenError: What `decide` raised; nothing was appended.
        WriteConflictError: Other writers came between, too many times; nothing was appended.
    """
    clock = datetime.now(UTC)
    latest = max(now or clock, clock)

    def rows(snapshot: Snapshot) -> pl.DataFrame:
        lines = [line.text.rstrip(b"\n") for line in decide(snapshot.scan())]
        checked = check_lines(lines, range(1, len(lines) + 1), now=latest, default_source=source, decisions=True)
        if checked.rejected:
            raise EventError(f"A decision breaks its declaration: {'; '.join(checked.rejected[0].reasons)}.")
        made = checked.frame.with_columns(
            file=pl.lit(FILE), landed_at=pl.lit(clock, tables.schema(Events)["landed_at"])
        ).select(tables.schema(Events).names())
        there = snapshot.scan().filter(pl.col("event_id").is_in(made["event_id"].to_list())).select("event_id")
        return made.lazy().join(there, on="event_id", how="anti", maintain_order="left").collect()

    written = lake.append(Events, rows)
    return 0 if written is None else written.rows
