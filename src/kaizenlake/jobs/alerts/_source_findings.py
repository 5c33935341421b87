"""What there is to tell of sources: what they do not tell and tables need, and what they tell otherwise than they used to."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from kaizenlake.jobs import _finding_words as words
from kaizenlake.jobs._fill_in import fill_in
from kaizenlake.jobs.activity.field_counts import need_field
from kaizenlake.tables.base.needs import NEEDS, TableNeed

LATEST = timedelta(days=90)
"""Days up to the latest of a source whose events are asked what they tell."""

TO_DATE, OF_LATEST = "to date", f"its latest {LATEST.days} days"
"""Window of what is counted: all events of a source, or its latest where it has older ones."""

LEAST_MISSING = 0.05
"""Least share of the events of a source that tell nothing of what tables need, for a finding."""

_SOURCE = ("tenant_id", "source", "event_type")
_FOUND = ("need", "missing", "records", "remedy", "window", "sentence")

UNIT = "Ask what changed at the source: a change of unit, such as cents for dollars, is put right by `multiply_by` or `divide_by` in the mapping."
GONE = "Look at an export as it comes now: a column that was renamed is named anew in the mapping; lines that were taken without it can be landed again."
REFUSED = "`kaizen quarantine` shows the lines and why: hold the export as it comes now against the mapping, then `kaizen quarantine retry`."
FLOOD = "Look at what it sent before you believe the figures: `kaizen show source_arrivals` has its days. `landing.flood` can hold back what comes at once."
HELD = "`kaizen quarantine` shows them: look whether they are real, then `kaizen quarantine retry --held` lands them."
VOLUME = "Look whether the source sends all of it, and once: `kaizen show event_counts` has its days."


def of_needs(event_counts: pl.LazyFrame, field_counts: pl.LazyFrame) -> pl.LazyFrame:
    """Find what tables need and the events of a source do not tell.

    Args:
        event_counts: Events by day, source, type and project.
        field_counts: Events that tell a field, by day, source and type.
    """
    # Both hold the days of a source alike, but for days on which nothing is told at all.
    since = event_counts.group_by(_SOURCE).agg(since=pl.col("event_date").max() - LATEST)
    is_latest = pl.col("event_date") > pl.col("since")
    sent = (
        event_counts.join(since, on=_SOURCE, nulls_equal=True)
        .group_by(_SOURCE)
        .agg(
            records=pl.col("events").filter(is_latest).sum().cast(pl.Int64),
            is_older=(~is_latest).any(),
        )
    )
    told = (
        field_counts.join(since, on=_SOURCE, nulls_equal=True)
        .filter(is_latest)
        .group_by(*_SOURCE, "field")
        .agg(told=pl.col("events").sum())
    )
    lacking = pl.concat(
        [
            *(_lacking(sent, told, need) for need in NEEDS if need.fields),
            *(_find_unended(event_counts, need) for need in NEEDS if need.events),
        ]
    )
    # Who tells nothing of many needs none of the few among them.
    pairs = {
        need.name: [wider.name for wider in NEEDS if set(need.fields) < set(wider.fields)]
        for need in NEEDS
        if need.fields
    }
    wider = pl.concat(
        [
            lacking.filter(pl.col("need") == name).select(*_SOURCE, need=pl.lit(need))
            for need, names in pairs.items()
            for name in names
        ]
    )
    return lacking.join(wider, on=[*_SOURCE, "need"], how="anti", nulls_equal=True).with_columns(
        finding_id=words.name_of("missing_data", "need", "source", "event_type"),
        kind=pl.lit("missing_data"),
        subject=pl.coalesce("source", "event_type"),
        figures=words.figures("missing", "records"),
        verdict=pl.lit("missing"),
        strength=pl.col("missing").cast(pl.Float64),
    )


def _lacking(sent: pl.LazyFrame, told: pl.LazyFrame, need: TableNeed) -> pl.LazyFrame:
    """Return sources of which many events tell nothing of what is needed."""
    one, many = need.what
    has = told.filter(pl.col("field") == need_field(need)).drop("field")
    return (
        sent.filter(pl.col("event_type") == need.event)
        .join(has, on=_SOURCE, how="left", nulls_equal=True)
        .with_columns(missing=pl.col("records") - pl.col("told").fill_null(0))
        .filter(pl.col("missing") >= pl.max_horizontal(pl.lit(1.0), LEAST_MISSING * pl.col("records")))
        .with_columns(
            need=pl.lit(need.name),
            remedy=pl.lit(need.remedy),
            window=pl.when("is_older").then(pl.lit(OF_LATEST)).otherwise(pl.lit(TO_DATE)),
        )
        .with_columns(
            sentence=fill_in(
                f"{{}} of {{}} {{}} from source \u201c{{}}\u201d{{}} without {need.missing}: no {need.lost}.",
                words.format_whole("missing"),
                words.format_whole("records"),
                pl.when(pl.col("records") == 1).then(pl.lit(one)).otherwise(pl.lit(many)),
                "source",
                pl.when("is_older").then(pl.lit(f" ({OF_LATEST})")).otherwise(pl.lit("")),
            )
        )
        .select(*_SOURCE, *_FOUND)
    )


def _find_unended(event_counts: pl.LazyFrame, need: TableNeed) -> pl.LazyFrame:
    """Return types of events of which none of those came that say how they ended."""
    one, many = need.what
    ends = pl.col("event_type").is_in(need.events)
    return (
        event_counts.group_by("tenant_id")
        .agg(
            records=pl.col("events").filter(pl.col("event_type") == need.event).sum().cast(pl.Int64),
            ended=pl.col("events").filter(ends).sum(),
        )
        .filter(pl.col("records") > 0, pl.col("ended") == 0)
        .with_columns(
            source=pl.lit(None, pl.String),
            event_type=pl.lit(need.event),
            need=pl.lit(need.name),
            missing="records",
            remedy=pl.lit(need.remedy),
            window=pl.lit(TO_DATE),
            sentence=fill_in(
                f"{{}} of {{}} {{}} without {need.missing}: no {need.lost}.",
                words.format_whole("records"),
                words.format_whole("records"),
                pl.when(pl.col("records") == 1).then(pl.lit(one)).otherwise(pl.lit(many)),
            ),
        )
        .select(*_SOURCE, *_FOUND)
    )


def of_checks(source_checks: pl.LazyFrame) -> pl.LazyFrame:
    """Find where a source sends otherwise than it used to; one finding of a source, type of event and check.

    Args:
        source_checks: What each source sends, against what it sent before.
    """
    order = pl.col("off").abs()
    found = (
        source_checks.filter(pl.col("verdict") == "unusual")
        .with_columns(off=((pl.col("value") + 1e-9) / (pl.col("usual") + 1e-9)).log10())
        .group_by(*_SOURCE, "check")
        .agg(
            pl.col("event_date").min(),
            fields=pl.col("field").sort_by(order, "field", descending=[True, False]).head(_MOST_NAMED).str.join(", "),
            number=pl.len().cast(pl.Int64),
            value=pl.col("value").sort_by(order, "field", descending=[True, False]).first(),
            usual=pl.col("usual").sort_by(order, "field", descending=[True, False]).first(),
            off=pl.col("off").sort_by(order, "field", descending=[True, False]).first(),
        )
    )
    checks = ("volume", "field", "quarantine", "arrival", "held")
    is_volume, is_field, is_refused, is_arrival, is_held = (pl.col("check") == name for name in checks)
    share = {name: pl.when(is_field | is_refused).then(pl.col(name).round(3)) for name in ("value", "usual")}
    return (
        found.with_columns(
            events=pl.when(is_volume | is_arrival | is_held).then(pl.col("value").round(0).cast(pl.Int64)),
            usual_events=pl.when(is_volume | is_arrival).then(pl.col("usual").round(0).cast(pl.Int64)),
            share=share["value"],
            usual_share=share["usual"],
            times=pl.when(pl.col("check") == "size").then(
                pl.lit(10.0).pow(pl.col("off").abs()).round(0).cast(pl.Int64)
            ),
            window=pl.when(is_volume | is_arrival)
            .then(fill_in("on {}", "event_date"))
            .otherwise(fill_in("since {}", "event_date")),
        )
        .with_columns(sentence=_sentence())
        .with_columns(
            finding_id=words.name_of("unusual_source", "source", "event_type", "check"),
            kind=pl.lit("unusual_source"),
            subject="source",
            figures=words.figures("events", "usual_events", "share", "usual_share", "times"),
            verdict=pl.lit("unusual"),
            severity=pl.lit("warning"),
            raised_on="event_date",
            strength=order,
            remedy=pl.when(is_volume)
            .then(pl.lit(VOLUME))
            .when(is_field)
            .then(pl.lit(GONE))
            .when(is_refused)
            .then(pl.lit(REFUSED))
            .when(is_arrival)
            .then(pl.lit(FLOOD))
            .when(is_held)
            .then(pl.lit(HELD))
            .otherwise(pl.lit(UNIT)),
        )
    )


_MOST_NAMED = 8


def _sentence() -> pl.Expr:
    named = (
        pl.when(pl.col("number") > _MOST_NAMED)
        .then(fill_in("{} and {} more", "fields", pl.col("number") - _MOST_NAMED))
        .otherwise("fields")
    )
    volume = fill_in(
        "Source \u201c{}\u201d sent {} events {} {}, where {} are usual on such a weekday.",
        "source", words.format_whole("events"), "event_type", "window", words.format_whole("usual_events"),
    )  # fmt: skip
    gone = fill_in(
        "Source \u201c{}\u201d no longer tells {} {} ({}): {} of its events do, after {} before.",
        "source", named, "window", "event_type", _percent("share"), _percent("usual_share"),
    )  # fmt: skip
    size = fill_in(
        "The numbers of {} from source \u201c{}\u201d are {} times as {} {} as before ({}); did their unit change?",
        named, "source", "times", pl.when(pl.col("off") > 0).then(pl.lit("large")).otherwise(pl.lit("small")), "window", "event_type",
    )  # fmt: skip
    refused = fill_in(
        "{} of the lines of mapping \u201c{}\u201d went to quarantine {}, after {} before.",
        _percent("share"), "source", "window", _percent("usual_share"),
    )  # fmt: skip
    arrival = fill_in(
        "{} events of source \u201c{}\u201d were landed {}, where {} a day are usual.",
        words.format_whole("events"), "source", "window", words.format_whole("usual_events"),
    )  # fmt: skip
    held = fill_in(
        "{} of source \u201c{}\u201d were held back for their number and count in no figure, {}.",
        _lines("events"), "source", "window",
    )  # fmt: skip
    said = {"volume": volume, "field": gone, "size": size, "quarantine": refused, "arrival": arrival, "held": held}
    check = pl.col("check")
    return pl.coalesce(pl.when(check == name).then(sentence) for name, sentence in said.items())


def _percent(name: str) -> pl.Expr:
    return (pl.col(name) * 100).cast(pl.Decimal(38, 1)).cast(pl.String) + "%"


def _lines(name: str) -> pl.Expr:
    return words.format_whole(name) + pl.when(pl.col(name) == 1).then(pl.lit(" line")).otherwise(pl.lit(" lines"))
