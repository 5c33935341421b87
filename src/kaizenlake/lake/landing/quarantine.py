"""The quarantine: lines that broke a rule, kept whole, counted by rule, and landed again when the rule or mapping is mended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import polars as pl

from kaizenlake import tables
from kaizenlake.events import rules as event_rules
from kaizenlake.lake.landing.floods import HELD_BACK
from kaizenlake.lake.readers.chunks import CHUNK_BYTES, CHUNK_LINES
from kaizenlake.lake.readers.faults import printable
from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.tables import Acknowledgements, Landings, Quarantine

RULES: dict[str, str] = {
    **event_rules.RULES,
    "conflict": "An event id names one event; the first that landed stays.",
    "ragged_row": "A row has as many cells as the header.",
    "line_end": "A carriage return stands before a line feed or within quotation marks.",
    "not_a_record": "An item of a YAML list is a map, no longer than the setting `landing.line_bytes`.",
    "same_grain": "Of one content, platform and time a file says one thing, or its mapping says which columns break it down.",
    "over_cap": "A source lands no more events a day than `landing.events_per_day` or its own cap says.",
    "over_usual": "A source does not send ten times what it used to at once, where `landing.flood` holds that back.",
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
    """Return rows of `bronze.quarantine` for the lines of a file; the same lines of the same file give the same ids."""
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


_LINE = ("file", "line", "mapping", "event_type")
_TEXT = pl.col("raw").hash().alias("_text")
"""What makes a line the same as one that another content of its file held."""


def add(lake: Lake, given: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Put rows into quarantine; those that are there already are not added.

    Args:
        given: Rows, as `rows` makes them.

    Returns:
        By file, how many of the lines had been quarantined by an earlier landing. A landing that was killed before it was
        done is none: the one after it does its work.
    """
    if not given:
        return {}
    frame = pl.DataFrame(given, schema=tables.schema(Quarantine))
    known = frame.clear()

    def fresh(snapshot: Snapshot) -> pl.DataFrame:
        nonlocal known
        files = frame["file"].unique()
        there = snapshot.scan().filter(pl.col("file").is_in(files.implode()) | _has(frame["quarantine_id"]))
        # By a hash of their texts, which of one file may be more than fit in memory.
        held = there.select("quarantine_id", *_LINE, _TEXT, "quarantined_at").collect()
        by_line = frame.with_columns(_TEXT).join(held, on=(*_LINE, "_text"), how="inner", nulls_equal=True)
        by_id = frame.join(held, on="quarantine_id", how="inner")
        known = pl.concat(
            found.select("quarantine_id", "file", pl.col("quarantined_at_right").alias("_since")).unique(
                "quarantine_id"
            )
            for found in (by_line, by_id)
        ).unique("quarantine_id")
        return frame.unique("quarantine_id", maintain_order=True).join(
            known, on="quarantine_id", how="anti", maintain_order="left"
        )

    lake.append(Quarantine, fresh)
    if known.is_empty():
        return {}
    done = lake.scan(Landings).group_by("file").agg(pl.col("landed_at").max().alias("_done")).collect()
    before = known.join(done, on="file", how="inner").filter(pl.col("_since") <= pl.col("_done"))
    counted = frame.join(before, on="quarantine_id", how="semi").group_by("file").len()
    return dict(counted.iter_rows())


def _has(ids: pl.Series) -> pl.Expr:
    return pl.col("quarantine_id").is_in(ids.implode())


def waiting_of(lake: Lake, identity: str, mapping: str | None) -> list[list[str]]:
    """Return rules of the lines that wait of one content of a file.

    Args:
        identity: SHA-256 by which the lines are named.
        mapping: Name of the mapping that read it.
    """
    own = pl.col("file_hash").eq(identity) & pl.col("mapping").eq_missing(mapping) & (pl.col("status") == "waiting")
    found: list[list[str]] = lake.scan(Quarantine).filter(own).select("rules").collect()["rules"].to_list()
    return found


def acknowledge(lake: Lake, *, by: str, system_user: str | None = None, note: str | None = None, now: datetime) -> int:
    """Record that a person has seen what waits; nothing in quarantine changes.

    Args:
        by: Who has.
        system_user: User of the machine.
        note: Why the lines may wait, in words.
        now: Aware instant of the clock.

    Returns:
        Lines that wait.

    Raises:
        LakeError: The lake cannot be written.
    """
    held = lake.scan(Quarantine).filter(status="waiting").select(pl.len(), pl.col("quarantined_at").max()).collect()
    lines, newest = held.row(0)
    row = {
        # A landing may have stamped its lines by a clock that is ahead of this one.
        "acknowledged_at": max(filter(None, (now, newest))),
        "acknowledged_by": by,
        "system_user": system_user,
        "note": note,
        "waiting": lines,
    }
    lake.append(Acknowledgements, pl.DataFrame([row], schema=tables.schema(Acknowledgements)))
    return int(lines)


def count_unacknowledged(lake: Lake) -> int:
    """Return lines that wait and came after the last acknowledgement."""
    last = lake.scan(Acknowledgements).select(pl.col("acknowledged_at").max()).collect().item()
    held = lake.scan(Quarantine).filter(status="waiting")
    new = held if last is None else held.filter(pl.col("quarantined_at") > last)
    return int(new.select(pl.len()).collect().item())


RECENT = timedelta(days=7)
"""Days whose share of quarantined lines is held against the days before."""

LEAST_LINES, LEAST_SHARE, TIMES_MORE = 20, 0.05, 3.0
"""Lines of these days, share of them, and times the share before, from which on it is said."""


def risen_shares(lake: Lake, now: datetime) -> list[str]:
    """Return of which mappings, or of events, more lines go to quarantine than used to, in words.

    Args:
        lake: Lake whose landings are looked at.
        now: Aware instant of the clock.
    """
    recent = pl.col("landed_at") > now - RECENT
    shares = (
        lake.scan(Landings)
        .group_by("mapping")
        .agg(
            lines=pl.col("lines_in").filter(recent).sum(),
            bad=pl.col("quarantined").filter(recent).sum(),
            lines_before=pl.col("lines_in").filter(~recent).sum(),
            bad_before=pl.col("quarantined").filter(~recent).sum(),
        )
        .filter(pl.col("lines") >= LEAST_LINES, pl.col("lines_before") >= LEAST_LINES)
        .with_columns(share=pl.col("bad") / pl.col("lines"), share_before=pl.col("bad_before") / pl.col("lines_before"))
        .filter(pl.col("share") >= LEAST_SHARE, pl.col("share") > TIMES_MORE * pl.col("share_before"))
        .sort("mapping")
        .collect()
    )
    return [
        f"{row['share']:.1%} of the lines {'of mapping ' + repr(row['mapping']) if row['mapping'] is not None else 'of events'} "
        f"went to quarantine in the last {RECENT.days} days, {row['share_before']:.1%} before."
        for row in shares.iter_rows(named=True)
    ]


def mark_landed(lake: Lake, ids: Sequence[str]) -> None:
    """Mark quarantined lines as landed by a later retry."""
    if not ids:
        return
    landed = pl.col("quarantine_id").is_in(list(ids))

    def mark(snapshot: Snapshot) -> pl.DataFrame:
        status = pl.when(landed).then(pl.lit("landed")).otherwise(pl.col("status")).alias("status")
        return snapshot.scan().with_columns(status).collect()

    lake.rewrite(Quarantine, mark)


_IS_HELD_BACK = pl.col("rules").list.set_intersection(list(HELD_BACK)).list.len() > 0


def count_held_back(lake: Lake) -> int:
    """Return lines that wait for their number alone."""
    held = lake.scan(Quarantine).filter(_IS_HELD_BACK, status="waiting")
    return int(held.select(pl.len()).collect().item())


def waiting(lake: Lake, *, held_back: bool = True) -> Iterator[pl.DataFrame]:
    """Yield lines that wait in quarantine, in the order of their files and lines, as many at a time as fit in memory.

    Args:
        held_back: Also those that wait for their number alone.
    """
    order = ("file", "line", "quarantine_id")
    rows = lake.scan(Quarantine)
    held = rows.filter(pl.col("status") == "waiting")
    if not held_back:
        held = held.filter(~_IS_HELD_BACK)
    sizes = held.select(*order, size=pl.col("raw").str.len_bytes()).sort(order).collect()
    by_bytes = sizes["size"].cum_sum() // CHUNK_BYTES
    by_lines = pl.int_range(sizes.height, eager=True) // CHUNK_LINES
    numbered = sizes.with_columns(_bytes=by_bytes, _lines=by_lines)
    for _, chunk in numbered.group_by("_bytes", "_lines", maintain_order=True):
        yield rows.filter(_has(chunk["quarantine_id"])).sort(order).collect()


def quarantine_summary(lake: Lake, *, examples: int = 3, width: int = 200) -> list[RuleCount]:
    """Return lines in quarantine by the rule they broke, most waiting first; a line that broke two rules counts for both.

    Args:
        examples: Most lines shown of each rule.
        width: Most characters shown of a line.
    """
    # So much of a text as is shown, before it is sorted: all of them may be more than fit in memory.
    raw = pl.col("raw").str.slice(0, width)
    held = lake.scan(Quarantine).with_columns(raw).sort("file", "line", "quarantine_id")
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
                "raw",
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
