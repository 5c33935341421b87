"""What was observed of a pattern? Contents with it against contents without it, within the same project and platform."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake.events.values.platforms import holds_posts
from kaizenlake.jobs.activity.scopes import group_codes
from kaizenlake.jobs.patterns.contrasts import FEW_STUDIES, NANO, POOLED, pool
from kaizenlake.jobs.patterns.pattern_types import CONTRASTED, PATTERN_TYPES, is_pattern, pattern_of

SPLIT = 1 << 30
"""Where a squared rate is cut in two, so that the sums of either part stay within 64 bits for billions of contents."""

METRICS = ("engagement_rate", "click_rate")
"""Rates that contents are compared by, in the order of preference."""

MIN_SIDE = 5
"""Fewest contents on either side of a stratum: a mean of fewer says too little of its own spread."""

WHERE = ("tenant_id", "project_id", "industry", "client_type", "platform", "content_type")
"""Columns that name a place: contents of one place are like one another."""

PATTERN = ("tenant_id", "pattern_type", "pattern", "metric")


def sum_contents(contents: pl.LazyFrame) -> pl.LazyFrame:
    """Count, sum and sum of squares of the contents' rates, by where they stood and by pattern, as whole numbers.

    The unit is the cluster: all arms of one experiment, all contents of one text, else one content. Of the contents of a
    cluster that stand in one place with one pattern the mean rate counts, once: what one test or one text brings about is
    not mistaken for many independent contents. Where experiments of a project contrast a pattern type, its arms take no
    part in the observation of that type: experiments say more of it.

    Rates are taken in units of 1e-9 and added up as integers, the squares in two parts: nothing is rounded on the way
    and nothing cancels out, so parts may be merged in any order and give the same bits.

    Args:
        contents: Contents with their rates, attributes and features.

    Returns:
        The columns of `PatternSums`. Platforms are compared with one another, so for that pattern type `platform` is
        null; likewise `content_type`. Channels that hold no posts are compared with none.
    """
    nanos = {metric: (pl.col(metric) * NANO).round().cast(pl.Int64) for metric in METRICS}
    fixed = _drop_contrasted(contents).select(*dict.fromkeys([*WHERE, *PATTERN_TYPES]), cluster=_cluster(), **nanos)
    # All types at once, of one frame that is read once.
    return fixed.map_batches(_sum_types, schema=_SUMS)


_SUMS = pl.Schema(
    {
        **dict.fromkeys([*WHERE, "pattern_type", "pattern", "metric"], pl.String()),
        **dict.fromkeys(["n", "total", "squares_high", "squares_low"], pl.Int64()),
    }
)


def _sum_types(fixed: pl.DataFrame) -> pl.DataFrame:
    """Add up the rates by place, for each pattern type and metric."""
    # Numbers of places and bare features are grouped faster than their words.
    places = fixed.select(WHERE).unique().with_row_index("place")
    coded = (
        fixed.join(places, on=WHERE, nulls_equal=True)
        .select("place", "cluster", *PATTERN_TYPES, *METRICS)
        .with_columns(is_alone=pl.struct("place", "cluster").hash().is_unique())
    )
    parts = []
    for name in PATTERN_TYPES:
        sums = (
            _select_units(coded, name)
            .group_by("place", name)
            .agg(
                pl.struct(
                    n=pl.col(metric).count().cast(pl.Int64),
                    total=pl.col(metric).sum(),
                    squares_high=(pl.col(metric) * pl.col(metric) // SPLIT).sum(),
                    squares_low=(pl.col(metric) * pl.col(metric) % SPLIT).sum(),
                ).alias(metric)
                for metric in METRICS
            )
        )
        # A pattern that is itself a place stands on that place alone: naming it twice would tell it from the others.
        where = [pl.lit(None, dtype=pl.String).alias(key) if key == name else pl.col(key) for key in WHERE]
        named = sums.with_columns(pattern=pattern_of(name)).join(places, on="place")
        parts += [
            named.select(*where, "pattern", pattern_type=pl.lit(name), metric=pl.lit(metric), sums=metric).unnest(
                "sums"
            )
            for metric in METRICS
        ]
    return pl.concat([part.select(_SUMS.names()) for part in parts]).filter(pl.col("n") > 0)


def _cluster() -> pl.Expr:
    """Return the number of the cluster of a content: its experiment, else its text, else itself."""
    return (
        pl.when(pl.col("experiment_id").is_not_null())
        .then(pl.col("experiment_id").hash(1))
        .when(pl.col("text").is_not_null())
        .then(pl.col("text").str.to_lowercase().hash(2))
        .otherwise(pl.col("content_id").hash(3))
    )


def _select_units(coded: pl.DataFrame, pattern_type: str) -> pl.DataFrame:
    """Return one row per content that is alone in its cluster, and one per cluster of several: their mean rate, rounded down."""
    is_compared = holds_posts(pl.col("platform")) if pattern_type == "platform" else pl.lit(value=True)
    described = coded.filter(pl.col(pattern_type).is_not_null(), is_compared).select(
        "place", pattern_type, "cluster", "is_alone", *METRICS
    )
    several = (
        described.filter(~pl.col("is_alone"))
        .group_by("place", pattern_type, "cluster")
        .agg(
            pl.when(pl.col(metric).count() > 0).then(pl.col(metric).sum() // pl.col(metric).count()).alias(metric)
            for metric in METRICS
        )
    )
    columns = ("place", pattern_type, *METRICS)
    return pl.concat([described.filter("is_alone").select(columns), several.select(columns)])


def _drop_contrasted(contents: pl.LazyFrame) -> pl.LazyFrame:
    """Return contents, of which arms lack the patterns of each type that an experiment of their project contrasts."""
    project = ["tenant_id", "project_id"]
    is_arm = pl.col("experiment_id").is_not_null()
    contrasted = {f"contrasts_{name}": pl.col(name).min() != pl.col(name).max() for name in CONTRASTED}
    projects = (
        contents.filter(is_arm)
        .group_by(*project, "platform", "experiment_id")
        .agg(**contrasted)
        .group_by(project)
        .agg(pl.col(*contrasted).any())
    )
    arms = (
        contents.filter(is_arm)
        .join(projects, on=project, how="left", nulls_equal=True)
        .with_columns(pl.when(~pl.col(f"contrasts_{name}")).then(name).alias(name) for name in CONTRASTED)
        .drop(*contrasted)
    )
    return pl.concat([contents.filter(~is_arm), arms])


def with_squares(sums: pl.LazyFrame) -> pl.LazyFrame:
    """Put the two parts of the sum of squares together, in 128 bits, as `squares`."""
    squares = pl.col("squares_high").cast(pl.Int128) * SPLIT + pl.col("squares_low")
    return sums.with_columns(squares=squares).drop("squares_high", "squares_low")


def one_metric(sums: pl.LazyFrame) -> pl.LazyFrame:
    """Keep of each tenant's pattern type the metric that more of its contents have; of two alike, the first of `METRICS`."""
    known = pl.col("n").sum().over("tenant_id", "pattern_type", "metric")
    place = pl.col("metric").replace_strict(
        {metric: place for place, metric in enumerate(METRICS)}, return_dtype=pl.Int8
    )
    # Windows, not a join with itself: the sums are computed once.
    best = pl.col("known") == pl.col("known").max().over("tenant_id", "pattern_type")
    return (
        sums.with_columns(known=known, place=place)
        .filter(best)
        .filter(pl.col("place") == pl.col("place").min().over("tenant_id", "pattern_type"))
        .drop("known", "place")
    )


def contrast_strata(
    sums: pl.LazyFrame, by: Sequence[str], stratum: Sequence[str], *, confidence: float
) -> pl.LazyFrame:
    """Pool each pattern over the strata in which it can be compared.

    The unit is the content (or cluster of contents), whatever its impressions, so that their own differences count as
    chance. The log ratio
    of the two mean rates of a stratum is corrected for its bias (Lajeunesse 2015); its variance takes the relative
    spread of contents with the pattern and of those without from all strata together, since that of a few contents is
    itself a matter of luck, and luck would then be weight. A stratum with fewer than `MIN_SIDE` contents on a side, or
    with a side that reached nothing at all, is not compared.

    Args:
        sums: Parts as `sum_contents` makes them, with `squares`; parts of one stratum are added up.
        by: Columns that name the scope; none for everything.
        stratum: Columns that name a stratum within the scope.
        confidence: Of the interval.

    Returns:
        `by`, `PATTERN`, `known` (contents with the pattern that have a rate) and the columns of `contrasts.POOLED`.
    """
    figures = ("n", "total", "squares")
    keys = list(dict.fromkeys([*by, *PATTERN]))
    side = list(dict.fromkeys(["tenant_id", *by, *stratum, "pattern_type", "metric"]))
    totals = [pl.col(name).sum().over(side).alias(f"all_{name}") for name in figures]
    sides = (
        sums.group_by(*side, "pattern")
        .agg(pl.col(figures).sum())
        .with_columns(totals)
        .with_columns((pl.col(f"all_{name}") - pl.col(name)).alias(f"other_{name}") for name in figures)
        .filter(is_pattern())
    )

    def compute(strata: pl.DataFrame) -> pl.DataFrame:
        known = strata.group_by(keys).agg(known=pl.col("n").sum())
        pooled = pool(_select_studies(strata, keys), keys, confidence=confidence, few_studies=FEW_STUDIES)
        return pooled.join(known, on=keys, nulls_equal=True).select(schema.names()).sort(keys)

    schema = pl.Schema({**dict.fromkeys(keys, pl.String()), "known": pl.Int64(), **POOLED})
    return sides.map_batches(compute, schema=schema)


def _select_studies(strata: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return one study per stratum: the log ratio of mean rates with its variance."""
    # The order of additions decides the last bits; a full sort makes it the same whatever way the rows came.
    strata = strata.sort(*keys, "n", "total", "squares", "other_n", "other_total", "other_squares")
    codes, _ = group_codes(strata, keys)
    n, mean, spread = _compute_relative_spread(strata, "", codes)
    other_n, other_mean, other_spread = _compute_relative_spread(strata, "other_", codes)
    with np.errstate(divide="ignore", invalid="ignore"):
        own, other = spread / n, other_spread / other_n
        log_ratio = np.log(mean) - np.log(other_mean) + (own - other) / 2.0
        variance = own + other
    compared = (n >= MIN_SIDE) & (other_n >= MIN_SIDE) & (mean > 0.0) & (other_mean > 0.0) & (variance > 0.0)
    return strata.select(
        *keys,
        pl.col("n").alias("contents"),
        pl.Series("log_ratio", np.where(compared, log_ratio, np.nan)).fill_nan(None),
        pl.Series("variance", np.where(compared, variance, np.nan)).fill_nan(None),
        weight=pl.col("n"),
        reached=pl.col("total"),
        expected=(pl.col("other_total") / pl.col("other_n") * pl.col("n")).round(),
    )


def _compute_relative_spread(
    strata: pl.DataFrame, prefix: str, codes: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return contents, their mean rate, and the squared coefficient of variation of the pattern's contents over its strata.

    The last is taken a little larger than it is found, by the variance of Student's t over the normal's, for being found
    on few contents.
    """
    count, total, squares = (pl.col(f"{prefix}{name}") for name in ("n", "total", "squares"))
    # In whole numbers n * sum of squares - sum squared is exact: the variance cannot come out negative.
    exact = count.cast(pl.Int128) * squares - total.cast(pl.Int128) * total
    figures = strata.select(n=count.cast(pl.Float64), total=total.cast(pl.Float64), exact=exact.cast(pl.Float64))
    n, sums, scaled = (figures[name].to_numpy() for name in ("n", "total", "exact"))
    usable = (n >= MIN_SIDE) & (sums > 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums / (n * NANO)
        # (n - 1) times variance over squared mean: n * m2 / sum², times n.
        relative = np.where(usable, scaled / sums / sums * n, 0.0)
        degrees = np.bincount(codes, weights=np.where(usable, n - 1.0, 0.0))
        spread = np.bincount(codes, weights=relative) / degrees
        spread *= degrees / np.maximum(degrees - 2.0, 1.0)
    return n, mean, spread[codes]
