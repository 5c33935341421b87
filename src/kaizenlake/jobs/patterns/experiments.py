"""What do experiments say of a pattern? The contrast of arms with it and arms without, within each experiment."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake.jobs.activity.scopes import by_scope, group_codes
from kaizenlake.jobs.patterns.contrasts import NANO, POOLED, pool
from kaizenlake.jobs.patterns.pattern_types import CONTRASTED, is_pattern, name_places, pattern_of
from kaizenlake.stats import log_risk_ratio, sample_ratio_by

Floats: TypeAlias = NDArray[np.float64]

EXPERIMENT = ("of_project_id", "platform", "experiment_id", "metric")
"""One experiment of a scope on one platform, read by one metric."""

METRICS = {
    "click_rate": ("clicks", "impressions"),
    "engagement_rate": ("engagements", "trials"),
}
"""Metric, and the columns of its events and its trials; of two alike, the first by name is read."""

PATTERN = ("pattern_type", "pattern", "metric")

TENANT = ("tenant_id",)
"""Scope that is everything a tenant has."""


def contrast_experiments(
    contents: pl.LazyFrame,
    arms: pl.LazyFrame,
    *,
    confidence: float,
    sample_ratio_p: float,
    by: tuple[str, ...] = TENANT,
) -> pl.LazyFrame:
    """Pool each pattern over the experiments that contrast it.

    Arms are the variants of an experiment (a content without a variant is an arm). An arm's pattern is what all its
    contents share; an arm of unknown pattern takes no part. Where several arms have the pattern, their events and trials
    are added up, likewise of those that lack it: arms of one experiment run side by side, on the same public.

    An experiment whose trials are spread over its arms in a way that equal allocation would make with a probability
    below `sample_ratio_p` is left out, and counted in `left_out`. Where the shares of the arms were told, the test is of
    these, and events and trials count by the inverse of them; experiments planned with unequal arms of which nobody tells fall
    to the test. A `sample_ratio_p` of 0 leaves nothing out. An arm that was never shown takes no part.

    Args:
        contents: Contents, of which those with an experiment count.
        arms: Rows of `ContentExperiments`, which know what shares were told.
        confidence: Of the interval.
        sample_ratio_p: Sample-ratio p-value below which an experiment is left out.
        by: Columns that name the scope: the tenant, or those of `scopes.SCOPE`.

    Returns:
        `by`, `PATTERN`, the columns of `contrasts.POOLED` and `left_out`: one row per scope, pattern and metric with a
        contrast. Over a tenant each pattern type has one metric: the one that more of its contents have.
    """
    keys = [*by, *PATTERN]
    schema = pl.Schema({**dict.fromkeys(keys, pl.String()), **POOLED, "left_out": pl.Int64()})

    def compute(arms: pl.DataFrame) -> pl.DataFrame:
        arms = _add_sample_ratio(arms, [*by, *EXPERIMENT])
        is_left_out = (pl.col("sample_ratio_p") < sample_ratio_p).fill_null(False)
        parts = []
        for name in CONTRASTED:
            known = arms.filter(pl.col(name).is_not_null())
            read = _of_one_metric(known) if by == TENANT else known
            parts.append(_pool(_select_contrasts(read, name, by, is_left_out), keys, confidence))
        return pl.concat(parts).select(schema.names()).sort(keys)

    weighed = arms.filter(pl.col("allocated_share").is_not_null()).select(
        *(
            "tenant_id",
            "platform",
            "experiment_id",
            "metric",
            "arm",
            "allocated_share",
            "weighed_shown",
            "weighed_clicks",
        ),
        of_project_id="project_id",
    )
    found = _select_arms(contents, by).join(weighed, on=["tenant_id", *EXPERIMENT, "arm"], how="left", nulls_equal=True)
    return found.map_batches(compute, schema=schema)


def places_of_arms(contents: pl.LazyFrame) -> pl.LazyFrame:
    """Name the platforms and kinds of content of the arms that have each pattern.

    Returns:
        `tenant_id`, `pattern_type`, `pattern`, and the lists `platforms` and `content_types`.
    """
    arms = contents.filter(pl.col("experiment_id").is_not_null()).select(
        "tenant_id", *{"platform", "content_type", *CONTRASTED}
    )
    parts = [
        arms.select(
            "tenant_id",
            "platform",
            "content_type",
            pattern_type=pl.lit(name),
            pattern=pattern_of(name),
        ).filter(pl.col("pattern").is_not_null())
        for name in CONTRASTED
    ]
    return name_places(pl.concat(parts))


def log_rate_ratio(events: Floats, trials: Floats, other_events: Floats, other_trials: Floats) -> tuple[Floats, Floats]:
    """Log ratio of two rates and its variance, both made for being pooled over thousands of small experiments.

    Half an event is added to each side, which takes away the bias of the logarithm to first order (Walter 1975). The
    variance is that of equal rates, from the events that both sides have together: taken from each side's own events it
    would be the smaller the more events chance gave that side, and pooling by inverse variance would lean that way.

    Returns:
        NaN in both where a side has no trial, or neither has an event.
    """
    effect = log_risk_ratio(events + 0.5, trials + 0.5, other_events + 0.5, other_trials + 0.5).effect
    all_trials = np.where((trials > 0) & (other_trials > 0), trials + other_trials, np.nan)
    rate = (events + other_events) / all_trials
    variance = log_risk_ratio(rate * trials, trials, rate * other_trials, other_trials).variance
    return np.where(np.isnan(variance), np.nan, effect), variance


def _select_arms(contents: pl.LazyFrame, by: tuple[str, ...]) -> pl.LazyFrame:
    """Return events, trials, contents and shared patterns of each arm, by scope and metric."""
    told = contents.filter(pl.col("experiment_id").is_not_null())
    scoped = told.with_columns(of_project_id="project_id") if by == TENANT else by_scope(told)
    in_experiments = scoped.select(
        *by,
        "of_project_id",
        "platform",
        "experiment_id",
        "clicks",
        "impressions",
        "engagements",
        "trials",
        arm=pl.coalesce("variant_id", "content_id"),
        **{f"{name}_pattern": pattern_of(name) for name in CONTRASTED},
    )
    by_metric = [
        in_experiments.filter(pl.col(events).is_not_null(), pl.col(trials).is_not_null()).with_columns(
            metric=pl.lit(metric), of_events=pl.min_horizontal(events, trials), of_trials=pl.col(trials)
        )
        for metric, (events, trials) in METRICS.items()
    ]
    return (
        pl.concat(by_metric)
        .group_by(*by, *EXPERIMENT, "arm")
        .agg(
            events=pl.col("of_events").sum(),
            of_trials=pl.col("of_trials").sum(),
            contents=pl.len().cast(pl.Int64),
            **{name: _compute_shared_pattern(pl.col(f"{name}_pattern")) for name in CONTRASTED},
        )
        .rename({"of_trials": "trials"})
    )


def _compute_shared_pattern(pattern: pl.Expr) -> pl.Expr:
    """Return the pattern that all contents of a group have; null where they differ or one is unknown."""
    return pl.when(pattern.null_count() == 0, pattern.min() == pattern.max()).then(pattern.min())


def _add_sample_ratio(arms: pl.DataFrame, experiment: list[str]) -> pl.DataFrame:
    """Return the number the experiments and bring each its sample-ratio p-value; null with one arm or without a trial."""
    # Within an experiment by size, so that no order of rows changes a bit of the chi-square.
    arms = arms.sort("trials", "allocated_share")
    codes, _ = group_codes(arms, experiment)
    trials = arms["trials"].to_numpy()
    meant = (trials > 0) * arms["allocated_share"].fill_null(1.0).to_numpy()
    p_value = sample_ratio_by(codes, trials, meant).p_value[codes]
    return arms.with_columns(
        trials=pl.coalesce("weighed_shown", "trials"),
        events=pl.coalesce("weighed_clicks", "events"),
    ).with_columns(
        pl.Series("experiment", codes), pl.Series("sample_ratio_p", p_value, dtype=pl.Float64).fill_nan(None)
    )


def _of_one_metric(arms: pl.DataFrame) -> pl.DataFrame:
    """Return arms by the metric that more of a tenant's contents have; of two alike, the first by name."""
    metric = (
        arms.group_by("tenant_id", "metric")
        .agg(pl.col("contents").sum())
        .sort("tenant_id", -pl.col("contents"), "metric")
        .unique("tenant_id", keep="first", maintain_order=True)
    )
    return arms.join(metric, on=["tenant_id", "metric"], how="semi", nulls_equal=True)


def _select_contrasts(arms: pl.DataFrame, pattern_type: str, by: tuple[str, ...], is_left_out: pl.Expr) -> pl.DataFrame:
    """Return one row per experiment and pattern of a type that it contrasts: both sides' events and trials."""
    figures = ("events", "trials", "contents")
    return (
        arms.group_by("experiment", pl.col(pattern_type).alias("pattern"))
        .agg(pl.col(figures).sum(), is_left_out.first().alias("is_left_out"), pl.col(*by, "metric").first())
        .with_columns((pl.col(name).sum().over("experiment") - pl.col(name)).alias(f"other_{name}") for name in figures)
        .with_columns(pattern_type=pl.lit(pattern_type))
        .filter(is_pattern(), pl.col("trials") > 0, pl.col("other_trials") > 0)
    )


def _pool(contrasts: pl.DataFrame, keys: list[str], confidence: float) -> pl.DataFrame:
    """Pool the contrasts of one type, and count the experiments left out; those alone make a row without a lift."""
    pooled = pool(_select_studies(contrasts.filter(~pl.col("is_left_out")), keys), keys, confidence=confidence)
    left_out = contrasts.group_by(keys).agg(left_out=pl.col("is_left_out").sum().cast(pl.Int64))
    return left_out.join(pooled, on=keys, how="left", nulls_equal=True).with_columns(
        pl.col("contents", "studies").fill_null(0)
    )


def _select_studies(contrasts: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    events, trials, other_events, other_trials = (
        contrasts[name].to_numpy().astype(np.float64) for name in ("events", "trials", "other_events", "other_trials")
    )
    log_ratio, variance = log_rate_ratio(events, trials, other_events, other_trials)
    return contrasts.select(
        *keys,
        "contents",
        pl.Series("log_ratio", log_ratio).fill_nan(None),
        pl.Series("variance", variance).fill_nan(None),
        weight=pl.col("trials"),
        reached=pl.col("events") * NANO,
        expected=(pl.Series(other_events) / pl.Series(other_trials) * pl.Series(trials) * NANO).round(),
    )
