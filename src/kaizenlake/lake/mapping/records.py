"""Records of figures: what names one, and which rows of a file would silently take the place of others."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import polars as pl

from kaizenlake.lake.mapping.document import EventSection, MappingDocument
from kaizenlake.lake.readers import json_cells
from kaizenlake.vocabulary import Figures

GRAIN, CONTENT, DAY, TOLD, TYPE = "\0grain", "\0content", "\0day", "\0told", "\0type"
"""Of each record: a number of what it is about and when, one of its content and platform, its day, one of all that it says, and its type."""


def figures_of(section: EventSection, document: MappingDocument) -> Figures | None:
    """Return what the counts of a section are of; None where the mapping does not say."""
    return section.figures or document.figures


def breakdown_of(section: EventSection, document: MappingDocument) -> list[str]:
    """Return columns that break its contents down."""
    return section.breakdown or document.breakdown


def part(columns: Sequence[str]) -> pl.Expr:
    """Return the part of a content that a row is of, as JSON text; null where it is of all of it."""
    told = [
        pl.when(pl.col(name).is_not_null()).then(pl.concat_str(pl.lit(f"{name}="), pl.col(name).str.slice(0, 60)))
        for name in columns
    ]
    joined = pl.concat_str(told, separator=", ", ignore_nulls=True)
    return json_cells.text(pl.when(joined != "").then(joined.str.slice(0, 200)))


def digests(payloads: pl.Series) -> pl.Series:
    """Return a name of what records say, by which a record that says something else is another event."""
    return pl.Series([sha256(text.encode()).hexdigest()[:12] for text in payloads], dtype=pl.String)


def number_records(lines: pl.DataFrame, figures: Figures | None, given: Sequence[str]) -> pl.DataFrame:
    """Return numbers that tell which records are about the same.

    Args:
        lines: Columns of values by field as JSON text, `time`, `payload`, and the `type` of the event.
        figures: What the counts are of.
        given: Names of the columns of tenant, project, content, platform and part, as far as there are any.
    """
    day = pl.col("time").str.slice(1, 10)
    when = day if figures == "of the day" else pl.col("time")
    content = [name for name in given if not name.endswith("breakdown")]
    return lines.select(
        pl.struct("type", *given, when.alias("when")).hash().alias(GRAIN),
        pl.struct("type", *content).hash().alias(CONTENT),
        day.alias(DAY),
        pl.struct("type", *given, "time", "payload").hash().alias(TOLD),
        pl.col("type").alias(TYPE),
    )


class Grains:
    """The records of one file so far, 16 bytes each."""

    def __init__(self) -> None:
        self._seen = pl.DataFrame(schema={GRAIN: pl.UInt64, TOLD: pl.UInt64})

    def take(self, records: pl.DataFrame) -> set[int]:
        """Take records; those come back that say something else about what one before them was about.

        Args:
            records: As `number_records` gives them.
        """
        pairs = records.select(GRAIN, TOLD).with_row_index("_place")
        here = pairs.unique(GRAIN, keep="first", maintain_order=True).join(self._seen, on=GRAIN, how="anti")
        self._seen = pl.concat([self._seen, here.select(GRAIN, TOLD)])
        first = pairs.join(self._seen.rename({TOLD: "_first"}), on=GRAIN, how="left")
        return set(first.filter(pl.col(TOLD) != pl.col("_first"))["_place"])


class Dates:
    """The dates of each content and platform of one file so far."""

    def __init__(self) -> None:
        self._seen = pl.DataFrame(schema={CONTENT: pl.UInt64, DAY: pl.String})

    def take(self, records: pl.DataFrame) -> tuple[str, str] | None:
        """Take records; two dates of one content and platform, where there are any.

        Args:
            records: As `number_records` gives them.
        """
        self._seen = pl.concat([self._seen, records.select(CONTENT, DAY)]).unique()
        several = self._seen.filter(pl.len().over(CONTENT) > 1).sort(CONTENT, DAY)
        return (several[DAY][0], several[DAY][1]) if several.height else None
