"""The sentences of findings: each is made here, once, of the figures that it shows.

An expression of this module reads columns of figures that were rounded by `round_columns`, so that sign, verdict and sentence rest on
what a reader sees.
"""

from __future__ import annotations

import polars as pl

from kaizenlake.jobs._fill_in import fill_in

PLACES = 3
"""Decimals of a loss."""

FINE_PLACES = 6
"""Decimals of a figure that would be shown as 0 and is not."""

LONGEST = 1_000
"""Most characters of a sentence."""


def round_columns(*names: str) -> tuple[pl.Expr, ...]:
    """Return figures as they are shown: to three decimals, or to six where three would make 0 of them.

    Args:
        names: Columns.
    """
    return tuple(round_figure(pl.col(name)).alias(name) for name in names)


def round_figure(figure: pl.Expr) -> pl.Expr:
    """Return a figure as it is shown."""
    coarse = figure.round(PLACES)
    return pl.when(coarse == 0.0).then(figure.round(FINE_PLACES)).otherwise(coarse) + 0.0


def figures(*names: str) -> pl.Expr:
    """Return the figures of a finding as a JSON object, by their names.

    Args:
        names: Columns that were rounded, or are whole.
    """
    return pl.struct(names).struct.json_encode()


def number(name: str, *, signed: bool = False) -> pl.Expr:
    """Return a figure in words: `.308`, `-.091`, and with its sign `+.091`; `not known` where it is null.

    Args:
        name: A column that was rounded.
        signed: Say also the sign of a rise.
    """
    figure = pl.col(name)
    places = (figure.round(PLACES) == figure, PLACES), (pl.lit(value=True), FINE_PLACES)
    text = pl.coalesce(
        pl.when(fits).then(figure.cast(pl.Decimal(38, scale)).cast(pl.String)) for fits, scale in places
    ).str.replace(r"^(-?)0\.", "${1}.")
    plus = pl.when(figure > 0).then(pl.lit("+")).otherwise(pl.lit("")) if signed else pl.lit("")
    return (plus + text).fill_null("not known")


def format_interval(low: str, high: str) -> pl.Expr:
    """Return an interval in words, with a blank before it; nothing where it is null."""
    words = fill_in(" ({} to {})", number(low), number(high))
    return pl.when(pl.col(low).is_null() | pl.col(high).is_null()).then(pl.lit("")).otherwise(words)


def days_to(days: int, last: str | pl.Expr) -> pl.Expr:
    """Return a window of days in words."""
    return fill_in(f"the {days} days to {{}}", last)


def days_from(first: str, last: str) -> pl.Expr:
    """Return a window of days in words, by its first and its last; the one day where both are the same."""
    return pl.when(pl.col(first) == pl.col(last)).then(fill_in("{}", first)).otherwise(fill_in("{} to {}", first, last))


def describe_project() -> pl.Expr:
    """Return a project in words, also none."""
    return pl.coalesce("project_id", pl.lit("no project"))


def format_whole(name: str | pl.Expr) -> pl.Expr:
    """Return a count in words, with a comma between thousands: `12,345`, and `12,345.5` of what is counted in parts."""
    count = pl.col(name) if isinstance(name, str) else name
    thousands = count.cast(pl.Int64).cast(pl.String).str.reverse().str.replace_all(r"(\d{3})", "$1,").str.reverse()
    part = count.cast(pl.Decimal(38, 2)).cast(pl.String).str.extract(r"(\.\d*?)0*$").str.replace(r"^\.$", "")
    return thousands.str.strip_prefix(",") + part.fill_null("")


def describe_shrinking() -> pl.Expr:
    """Say that records of later days tell smaller counts."""
    one = pl.col("posts") == 1
    return fill_in(
        "The records of {} {} of {} tell smaller counts than those of an earlier day ({}): most of all {} of {}, {} on {} after {}.",
        format_whole("posts"),
        pl.when(one).then(pl.lit("post")).otherwise(pl.lit("posts")),
        "subject",
        "window",
        "count",
        "content_id",
        format_whole("after"),
        "dropped_on",
        format_whole("before"),
    )


def describe_degrading() -> pl.Expr:
    """Say that the loss of a doer has risen."""
    return fill_in(
        "The loss of {} has risen: {} over {} after {} in its baseline, {}{}.",
        "doer",
        number("level"),
        "window",
        number("baseline"),
        number("difference", signed=True),
        format_interval("ci_low", "ci_high"),
    )


def describe_version() -> pl.Expr:
    """Say what a version did to the loss, against the version before."""
    verdict = pl.col("verdict")
    most = pl.max_horizontal(pl.col("ci_low").abs(), pl.col("ci_high").abs())
    told = (
        pl.when(verdict == "helped")
        .then(pl.lit("The change helped"))
        .when(verdict == "hurt")
        .then(pl.lit("The change hurt"))
        .when(verdict == "no_difference")
        .then(fill_in("No difference of more than {}", number_of(most)))
        .otherwise(pl.lit("Too early to tell"))
    )
    return fill_in(
        "{}: version {} of {}: loss {} after {}, {}{}, {} against {} runs, by {}.",
        told,
        "policy_version",
        "subject",
        number("level"),
        number("baseline"),
        number("difference", signed=True),
        format_interval("ci_low", "ci_high"),
        "n",
        "n_before",
        "window",
    )


def number_of(figure: pl.Expr) -> pl.Expr:
    """Return a figure in words, as `number` says that of a column."""
    text = figure.cast(pl.Decimal(38, FINE_PLACES)).cast(pl.String).str.replace(r"^(-?)0\.", "${1}.")
    return text.str.replace("0{3}$", "")


def describe_term() -> pl.Expr:
    """Say in which term of the loss a doer is better or worse, and than whom."""
    better = pl.col("difference") < 0.0
    return fill_in(
        "{} loses {} {} by {} than {}{}, {} against {} runs in {}: a {}.",
        "doer",
        number_of(pl.col("difference").abs()),
        pl.when(better).then(pl.lit("less")).otherwise(pl.lit("more")),
        "term",
        pl.when(pl.col("against") == "fleet").then(pl.lit("other agents")).otherwise(pl.lit("in the days before")),
        format_interval("ci_low", "ci_high"),
        "n",
        "n_before",
        "window",
        "verdict",
    )


def shorten(sentence: pl.Expr) -> pl.Expr:
    """Return a sentence of a length that can be shown."""
    return sentence.str.slice(0, LONGEST)


def name_of(kind: str, *parts: str) -> pl.Expr:
    """Return a name out of other names: slashes in them are written as ~1, so that different ones never meet; null is ~2.

    Args:
        kind: Kind of the finding.
        parts: Columns.
    """
    escaped = [
        pl.col(part)
        .cast(pl.String)
        .str.replace_all("~", "~0", literal=True)
        .str.replace_all("/", "~1", literal=True)
        .fill_null("~2")
        for part in parts
    ]
    return pl.concat_str([pl.lit(kind), *escaped], separator="/")
