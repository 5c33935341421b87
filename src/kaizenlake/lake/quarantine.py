"""The quarantine: lines that broke a rule, kept whole, counted by rule, and landed again when the rule or mapping is mended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import polars as pl

from kaizenlake import tables
from kaizenlake.events import rules as event_rules
from kaizenlake.lake.faults import printable
from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.tables import Quarantine

RULES: dict[str, str] = {
    **event_rules.RULES,
    "conflict": "An event id names one event; the first that landed stays.",
    "ragged_row": "A row has as many cells as the header.",
    "line_end": "A carriage return stands before a line feed or within quotation marks.",
    "not_a_record": "An item of a YAML list is a map, no longer than the setting `landing.line_bytes`.",
    "no_event": "A row stands for at least one event of its mapping.",
    "not_readable": "The row can be read, and the file to its end.",
}
"""Every rule by which a line goes to quarantine, as a sentence that is true of a good line."""


@dataclass(frozen=True)
class Poison:
    """A line on its way to quarantine.

    Args:
        line: Line or row in the file, from 1.
        rules: Stable names of the rules it broke.
        reasons: The same in words.
        event_type: Type it claimed; None where none could be read.
        raw: Its text.
    """

    line: int
    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    event_type: str | None
    raw: str


@dataclass(frozen=True)
class Example:
    """One quarantined line, to look at."""

    file: str
    line: int
    reason: str
    raw: str


@dataclass(frozen=True)
class RuleCount:
    """How many lines broke a rule, and a few of those that wait."""

    rule: str
    meaning: str
    waiting: int
    landed: int
    examples: tuple[Example, ...]


def rows(
    poison: Sequence[Poison], *, file: str, identity: str, mapping: str | None, now: datetime
) -> list[dict[str, Any]]:
    """Rows of `bronze.quarantine` for the lines of a file; the same lines of the same file give the same ids."""
    raws = [printable(item.raw) for item in poison]
    return [
        {
            "quarantine_id": sha256(
                "\0".join((identity, mapping or "", str(item.line), item.event_type or "", raw)).encode()
            ).hexdigest(),
            "rules": list(item.rules),
            "reasons": [printable(reason) for reason in item.reasons],
            "event_type": item.event_type,
            "raw": raw,
            "file": file,
            "line": item.line,
            "file_hash": identity,
            "mapping": mapping,
            "quarantined_at": now,
            "status": "waiting",
        }
        for item, raw in zip(poison, raws, strict=True)
    ]


def add(lake: Lake, given: Sequence[dict[str, Any]]) -> None:
    """Put rows into quarantine; those that are there already are not added."""
    if not given:
        return
    frame = pl.DataFrame(given, schema=tables.schema(Quarantine)).unique("quarantine_id", maintain_order=True)

    def fresh(snapshot: Snapshot) -> pl.DataFrame:
        return frame.lazy().join(snapshot.scan(), on="quarantine_id", how="anti", maintain_order="left").collect()

    lake.append(Quarantine, fresh)


def mark_landed(lake: Lake, ids: Sequence[str]) -> None:
    """Mark quarantined lines as landed by a later retry."""
    if not ids:
        return
    landed = pl.col("quarantine_id").is_in(list(ids))

    def marked(snapshot: Snapshot) -> pl.DataFrame:
        status = pl.when(landed).then(pl.lit("landed")).otherwise(pl.col("status")).alias("status")
        return snapshot.scan().with_columns(status).collect()

    lake.rewrite(Quarantine, marked)


def waiting(lake: Lake) -> pl.DataFrame:
    """Lines that wait in quarantine, in the order of their files and lines."""
    held = lake.scan(Quarantine).filter(pl.col("status") == "waiting")
    return held.sort("file", "line", "quarantine_id").collect()


def quarantine_summary(lake: Lake, *, examples: int = 3, width: int = 200) -> list[RuleCount]:
    """Lines in quarantine by the rule they broke, most waiting first; a line that broke two rules counts for both.

    Args:
        lake: The lake.
        examples: Most lines shown of each rule.
        width: Most characters shown of a line.
    """
    held = lake.scan(Quarantine).sort("file", "line", "quarantine_id")
    each = held.explode("rules", empty_as_null=False).rename({"rules": "rule"})
    is_waiting = pl.col("status") == "waiting"
    counts = (
        each.group_by("rule")
        .agg(
            is_waiting.sum().cast(pl.Int64).alias("waiting"),
            is_waiting.not_().sum().cast(pl.Int64).alias("landed"),
            pl.struct(
                "file",
                "line",
                pl.col("reasons").list.join("; ").alias("reason"),
                pl.col("raw").str.slice(0, width),
            )
            .filter(is_waiting)
            .head(examples)
            .alias("examples"),
        )
        .sort("waiting", "landed", "rule", descending=[True, True, False])
        .collect()
    )
    return [
        RuleCount(
            row["rule"],
            RULES.get(row["rule"], ""),
            row["waiting"],
            row["landed"],
            tuple(Example(**item) for item in row["examples"]),
        )
        for row in counts.iter_rows(named=True)
    ]
