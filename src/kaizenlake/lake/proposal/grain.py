"""What one row of a table of figures is about: which content, which day or part of it, and what its figures count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from kaizenlake.lake.proposal.sample import FileSample
from kaizenlake.lake.proposal.shapes import CellShape
from kaizenlake.vocabulary import Figures

_MOST_PARTS = 60
"""Most different cells of a column that breaks contents down."""


@dataclass(frozen=True)
class RowGrain:
    """What one row of a table of figures is about.

    Args:
        content: Columns that name the content; none where the row does.
        content_words: Why they do.
        parts: Columns that break it down.
        figures: What its figures count.
        identity: What names the event.
        doubts: What is not sure about it.
    """

    content: tuple[str, ...]
    content_words: str
    parts: tuple[str, ...]
    figures: Figures
    identity: Mapping[str, Any]
    doubts: tuple[str, ...]


def grain_of(
    sample: FileSample,
    shapes: Mapping[str, CellShape],
    named: Sequence[str],
    time: str,
    parts: Sequence[str],
    field_of: Callable[[str], str | None],
) -> RowGrain:
    """Return what one row is about.

    Args:
        sample: The table.
        shapes: What the cells of each column look like.
        named: Columns that may name the content, the likeliest first.
        time: Column of the time; empty for none.
        parts: Columns whose names are those of parts of a content.
        field_of: Returns the field that a column feeds.
    """
    table = _timed_rows(sample, time)
    when = [time] if time else []
    beside = [column for column, shape in shapes.items() if field_of(column) == "platform" and shape.kind == "word"]
    finer = [
        column
        for column, shape in shapes.items()
        if shape.kind == "word"
        and shape.distinct <= _MOST_PARTS
        and column not in (*named, *parts)
        and field_of(column) is None
    ]
    full = [column for column in named if shapes[column].filled >= 0.9 * max(table.height, 1)]
    for broken in ((), tuple(parts)):
        for column in full:
            if _is_unique(table, [column, *broken, *beside, *when]):
                return _describe_grain(sample, shapes, (column,), broken, time)
    for column in full:
        # No name of a part is known: those that make rows differ are taken, the fewest.
        tried = list(parts)
        for other in finer:
            told_apart = table.select(column, *tried, *beside, *when).n_unique()
            if told_apart < table.select(column, *tried, other, *beside, *when).n_unique():
                tried.append(other)
        if tried and _is_unique(table, [column, *tried, *beside, *when]):
            told = ", ".join(map(repr, tried))
            doubt = f"{column!r} comes several times at one time, and the rows differ in {told}: they are taken for parts that add up."
            return _describe_grain(sample, shapes, (column,), tuple(tried), time, doubt)
    if full:
        doubt = f"Rows of one {full[0]!r} and time cannot be told apart; all but the first of each go to quarantine. Which columns break it down?"
        return _describe_grain(sample, shapes, (full[0],), tuple(parts), time, doubt)
    return _describe_grain(sample, shapes, (), (), time)


def _timed_rows(sample: FileSample, time: str) -> pl.DataFrame:
    """Return the rows that tell a time, where a column tells it."""
    return sample.table.filter(pl.col(time).is_not_null()) if time else sample.table


def _is_unique(table: pl.DataFrame, columns: Sequence[str]) -> bool:
    """Return whether nearly all rows differ in some columns."""
    return table.select(list(dict.fromkeys(columns))).n_unique() >= 0.98 * table.height


def _describe_grain(
    sample: FileSample,
    shapes: Mapping[str, CellShape],
    content: tuple[str, ...],
    parts: tuple[str, ...],
    time: str,
    doubt: str = "",
) -> RowGrain:
    figures, doubts = _figures(_timed_rows(sample, time), shapes, content, time)
    is_named = bool(content) and sample.each is None
    identity = {"columns": [*content, *parts, *([time] if time else [])]} if is_named else {"row": True}
    return RowGrain(content, "", parts, figures, identity, tuple(filter(None, (doubt, *doubts))))


def _figures(
    table: pl.DataFrame, shapes: Mapping[str, CellShape], content: Sequence[str], time: str
) -> tuple[Figures, tuple[str, ...]]:
    """Return what figures count: where they fall from one day to the next, that day alone; where they never do, all so far."""
    if not content or not time or table.select(content).n_unique() == table.select(*content, time).n_unique():
        return "total so far", ()
    counts = [
        column
        for column, shape in shapes.items()
        if shape.kind == "number" and shape.is_whole and not shape.is_percent and column not in content
    ]
    at = pl.col(time)
    if shapes[time].form not in {"iso", "week"} and not shapes[time].form.startswith("epoch"):
        at = (
            at.str.to_datetime(shapes[time].form, strict=False)
            if shapes[time].has_clock
            else at.str.to_date(shapes[time].form, strict=False)
        )
    numbers = [
        pl.col(column).str.replace_all(r"[^\d-]", "").cast(pl.Int64, strict=False).alias(f"\0n{place}")
        for place, column in enumerate(counts)
    ]
    days = (
        table.select(*content, at.alias("\0at"), *numbers)
        .group_by(*content, "\0at")
        .agg(pl.col(f"\0n{place}").sum() for place in range(len(counts)))
        .sort(*content, "\0at")
    )
    steps = (
        days.select(pl.col(f"\0n{place}").diff().over(content) for place in range(len(counts)))
        if counts
        else pl.DataFrame()
    )
    fell = sum(int((steps[name] < 0).sum()) for name in steps.columns)
    rose = sum(int((steps[name] > 0).sum()) for name in steps.columns)
    if fell > 0.05 * max(rose + fell, 1):
        return "of the day", ()
    sure = rose + fell >= 20
    if fell == 0 and rose:
        doubt = 'Figures of a content never fall from one of its days to the next: they are taken for all so far, `figures = "total so far"`.'
        return "total so far", () if sure else (
            f'{doubt} If they are of the day alone, write `figures = "of the day"`.',
        )
    return "of the day", (
        'It cannot be told whether figures are of the day alone: that is taken. Else write `figures = "total so far"`.',
    )


def identity_of(sample: FileSample, shapes: Mapping[str, CellShape]) -> list[str]:
    """Return the fewest columns of names that tell all rows apart; none where none do."""
    table = sample.table
    known = [
        column
        for column, shape in shapes.items()
        if shape.kind in {"word", "number", "link"} and (shape.kind != "number" or shape.is_whole)
    ]
    ids = [
        column
        for column in known
        if any(
            word in column.lower()
            for word in ("id", "index", "trial", "task", "model", "name", "run", "key", "commit", "seed")
        )
    ]
    chosen: list[str] = []
    for column in ids:
        if table.select(*chosen, column).n_unique() > (table.select(chosen).n_unique() if chosen else 0):
            chosen.append(column)
        if table.select(chosen).n_unique() == table.height and not table.select(chosen).to_series().has_nulls():
            return chosen
    return []
