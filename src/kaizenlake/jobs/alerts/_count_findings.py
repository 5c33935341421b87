"""What there is to tell of figures that contradict themselves: totals to date that are smaller on a later day."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from kaizenlake.jobs import _finding_words as words
from kaizenlake.jobs._fill_in import fill_in

COUNTS = ("impressions", "reach", "clicks", "engagements", "conversions")
"""Counts that only grow while a content is shown; revenue may be paid back."""

PLACES = 2
"""Decimals of a count: platforms credit parts of conversions."""

NEW = timedelta(days=7)
"""How long counts that shrink are an alert; they are told of for as long as the records say so."""

REMEDY = (
    "Look at where these records come from. If the export tells the figures of each day alone, say "
    '`figures = "of the day"` in its mapping or record. If the tracker was reset, add to its figures what was counted before. If the platform '
    "took counts back, such as clicks of robots or deleted comments, nothing needs to be done."
)

_GROUP = ("tenant_id", "project_id", "platform")
_CONTENT = (*_GROUP, "content_id")


def of_counts(daily_performance: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Find where records of a content tell smaller counts than its records of earlier days: one finding a project and platform.

    A count that a record does not tell contradicts nothing, and is held against nothing.

    Args:
        daily_performance: The latest record of each content, platform and day: totals to date.
        as_of: Records from this instant on do not count.
    """
    order = {"drop": True, "content_id": False, "count": False, "performed_on": False}
    found = (
        _select_drops(daily_performance, as_of)
        .sort(list(order), descending=list(order.values()))
        .group_by(_GROUP, maintain_order=True)
        .agg(
            pl.col("content_id", "count", "before", "after", "drop").first(),
            dropped_on=pl.col("performed_on").first(),
            posts=pl.col("content_id").n_unique().cast(pl.Int64),
            first=pl.col("performed_on").min(),
            last=pl.col("performed_on").max(),
        )
    )
    return found.with_columns(
        subject=fill_in("{} on {}", words.describe_project(), "platform"),
        window=words.days_from("first", "last"),
    ).with_columns(
        finding_id=words.name_of("shrinking_counts", "project_id", "platform"),
        kind=pl.lit("shrinking_counts"),
        figures=words.figures("posts", "before", "after", "drop"),
        verdict=pl.lit("contradicts itself"),
        severity=pl.when(pl.col("first") >= (as_of - NEW).date()).then(pl.lit("warning")),
        raised_on="first",
        strength=pl.col("posts").cast(pl.Float64),
        remedy=pl.lit(REMEDY),
        sentence=words.describe_shrinking(),
    )


def _select_suspects(records: pl.LazyFrame) -> pl.LazyFrame:
    """Return contents with a count below the last one that was told of it before: in one pass over sorted rows, however few a content has."""
    begins = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in _CONTENT)
    told = (pl.when(pl.col(name).is_not_null()).then("_content") for name in COUNTS)
    return (
        records.sort(*_CONTENT, "performed_on")
        .with_columns(_content=begins.cum_sum())
        .filter(
            pl.any_horizontal(
                (pl.col(name) < pl.col(name).forward_fill().shift(1))
                & (pl.col("_content") == content.forward_fill().shift(1))
                for name, content in zip(COUNTS, told, strict=True)
            )
        )
        .select(_CONTENT)
    )


def _select_drops(daily_performance: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Return counts below the largest of earlier days of their content: one row a record and count."""
    totals = daily_performance.filter(pl.col("figures").ne_missing("of the day"))
    records = totals.filter(pl.col("performed_on").cast(pl.Datetime("us", "UTC")) < as_of).select(
        *_CONTENT, "performed_on", *(pl.col(name).cast(pl.Float64).round(PLACES) for name in COUNTS)
    )
    # Few contents contradict themselves: only their records are held against all that came before them.
    suspects = _select_suspects(records)
    largest = (pl.col(name).cum_max().forward_fill().shift(1) for name in COUNTS)
    rows = (
        records.join(suspects, on=_CONTENT, how="semi", nulls_equal=True)
        .sort(*_CONTENT, "performed_on")
        .with_columns(before.over(_CONTENT).name.suffix("_before") for before in largest)
    )
    return pl.concat(
        rows.filter(pl.col(name) < pl.col(f"{name}_before")).select(
            *_CONTENT,
            "performed_on",
            count=pl.lit(name),
            before=f"{name}_before",
            after=name,
            drop=(pl.col(f"{name}_before") - pl.col(name)).round(PLACES),
        )
        for name in COUNTS
    )
