"""Which wording won its own test? Each arm of an experiment on contents against the other arms of it."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.activity.scopes import group_codes
from kaizenlake.jobs.patterns.allocations import join_allocations, weigh_arms
from kaizenlake.jobs.patterns.experiments import METRICS, log_rate_ratio
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.stats import expressions, sample_ratio_by, shrink_contrasts_by, two_proportions
from kaizenlake.tables import ContentExperiments, Contents, Core

EXPERIMENT = ("tenant_id", "project_id", "experiment_id", "platform")
"""Columns that name one experiment: on two platforms it is read twice."""

ARM = pl.coalesce("variant_id", "content_id")
"""Name of the arm that a content belongs to: its variant, else the content itself."""


@job(reads=(Contents, Core), writes=ContentExperiments, timeless=True)
def content_experiments(
    contents: pl.LazyFrame,
    core: pl.LazyFrame,
    *,
    as_of: datetime,
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Compare each arm of each experiment with the other arms of it together.

    An experiment is read by one metric: the one that more of its arms have; of two alike, the click rate. What was never
    shown takes no part. The p-value is the score test's, or Fisher's exact one where little is expected; q-values take
    all arms of a tenant's project and metric together, so the number of arms of an experiment is corrected for as well.
    The log lift is drawn toward none, by the variance of true lifts over all experiments of the tenant and metric
    (empirical Bayes).

    An arm wins where its q is at most `evidence.q_value`, its rate is above that of the other arms and the interval of its
    shrunk lift leaves out 0; it loses where all of it is below. An experiment whose trials are spread over its arms in a way
    that equal allocation would make with a probability below `evidence.sample_ratio_p` is invalid, and takes no part in
    correction and shrinkage.

    Where every share that an arm had was told (ARM_ALLOCATED), the test is of these shares, and what was shown and clicked under
    each counts by the inverse of it, so that a time in which one arm had most of it favours none.

    Args:
        contents: Contents, of which those with an experiment count.
        core: Silver core events, of which those of allocations count.
        as_of: Events from this instant on do not count.
        evidence: How much evidence a verdict needs, and the confidence of the intervals.
    """

    def compute(arms: pl.DataFrame) -> pl.DataFrame:
        arms = weigh_arms(arms, EXPERIMENT)
        measured = _add_contrasts(_add_sample_ratio(arms), evidence)
        return _add_verdict(measured, evidence).select(tables.schema(ContentExperiments).names())

    told = join_allocations(read_arms(contents), core, as_of=as_of)
    return told.map_batches(compute, schema=tables.schema(ContentExperiments))


def read_arms(contents: pl.LazyFrame) -> pl.LazyFrame:
    """Add up the contents of each arm, by the metric of its experiment.

    Args:
        contents: Contents, of which those with an experiment count.

    Returns:
        `EXPERIMENT`, `arm`, `metric`, `contents`, `content_id` (the first by name), `text` (null where its contents
        differ), `shown` and `clicks` (null where the metric is unknown), and `measured_at`.
    """
    summed = (
        contents.filter(pl.col("experiment_id").is_not_null())
        .group_by(*EXPERIMENT, ARM.alias("arm"))
        .agg(
            pl.col("content_id").min(),
            pl.when(pl.col("text").n_unique() == 1).then(pl.col("text").first()).alias("text"),
            contents=pl.len().cast(pl.Int64),
            measured_at=pl.col("occurred_at").max(),
            **{
                metric: pl.struct(
                    shown=pl.when(_is_known(metric).any()).then(pl.col(trials).filter(_is_known(metric)).sum()),
                    clicks=pl.when(_is_known(metric).any()).then(
                        pl.min_horizontal(events, trials).filter(_is_known(metric)).sum()
                    ),
                )
                for metric, (events, trials) in METRICS.items()
            },
        )
    )
    known = {metric: pl.col(metric).struct.field("shown").is_not_null().sum().over(EXPERIMENT) for metric in METRICS}
    by_click = known["click_rate"] >= known["engagement_rate"]
    return (
        summed.with_columns(metric=pl.when(by_click).then(pl.lit("click_rate")).otherwise(pl.lit("engagement_rate")))
        .with_columns(figures=pl.when(pl.col("metric") == "click_rate").then("click_rate").otherwise("engagement_rate"))
        .drop(*METRICS)
        .unnest("figures")
    )


def _is_known(metric: str) -> pl.Expr:
    events, trials = METRICS[metric]
    return pl.col(events).is_not_null() & pl.col(trials).is_not_null()


def _add_sample_ratio(arms: pl.DataFrame) -> pl.DataFrame:
    """Return the number the experiments and bring each its sample-ratio p; null with fewer than two arms that were shown."""
    # A full order, so that no order of rows changes a bit.
    arms = arms.sort(*EXPERIMENT, "arm").with_columns(is_shown=(pl.col("shown") > 0).fill_null(False))
    codes, names = group_codes(arms, EXPERIMENT)
    is_shown = arms["is_shown"].to_numpy()
    shown = arms["shown"].fill_null(0).to_numpy()
    # Arms of an experiment whose shares were not told are to be equal.
    meant = arms["allocated_share"].fill_null(1.0).to_numpy()
    p_value = sample_ratio_by(codes, shown, is_shown * meant, n_groups=names.height).p_value
    return arms.with_columns(
        pl.Series("sample_ratio_p", p_value[codes], dtype=pl.Float64).fill_nan(None),
        arms=pl.col("is_shown").sum().over(EXPERIMENT).cast(pl.Int64),
    )


def _add_contrasts(arms: pl.DataFrame, evidence: EvidenceNeeds) -> pl.DataFrame:
    """Bring each arm its rate, that of the others, and the lift with its p-value, q-value and shrinkage."""
    counts = {name: pl.when("is_shown").then(f"weighed_{name}") for name in ("shown", "clicks")}
    others = {f"other_{name}": count.sum().over(EXPERIMENT) - count for name, count in counts.items()}
    arms = arms.with_columns(**others).with_columns(
        rate=_compute_share("weighed_clicks", "weighed_shown"),
        rate_of_others=_compute_share("other_clicks", "other_shown"),
        is_valid=(pl.col("sample_ratio_p") >= evidence.sample_ratio_p).fill_null(True),
    )
    clicks, shown, other_clicks, other_shown = (
        arms[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("weighed_clicks", "weighed_shown", "other_clicks", "other_shown")
    )
    shown, other_shown = (np.where(count > 0.0, count, np.nan) for count in (shown, other_shown))
    log_lift, variance = log_rate_ratio(clicks, shown, other_clicks, other_shown)
    is_valid = arms["is_valid"].to_numpy()
    families, _ = group_codes(arms, ["tenant_id", "metric"])
    shrunk = shrink_contrasts_by(
        families,
        np.where(is_valid, log_lift, np.nan),
        np.where(is_valid, variance, np.nan),
        confidence=evidence.confidence,
    )
    p_value = two_proportions(clicks, shown, other_clicks, other_shown).p_value
    figures = {
        "p_value": p_value,
        "shrunk_lift": np.expm1(shrunk.effect),
        "lift_ci_low": np.expm1(shrunk.ci_low),
        "lift_ci_high": np.expm1(shrunk.ci_high),
    }
    return (
        arms.with_columns(pl.Series(name, values).fill_nan(None) for name, values in figures.items())
        .with_columns(lift=pl.when(pl.col("rate_of_others") > 0).then(pl.col("rate") / pl.col("rate_of_others") - 1))
        .with_columns(corrected=pl.when("is_valid").then("p_value"))
        .with_columns(
            q_value=expressions.benjamini_hochberg("corrected", ["tenant_id", "project_id", "metric"]),
        )
    )


def _compute_share(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))


def _add_verdict(arms: pl.DataFrame, evidence: EvidenceNeeds) -> pl.DataFrame:
    """Say of each arm whether it won, and which other wording of its experiment had the lowest rate."""
    differs = pl.col("q_value") <= evidence.q_value
    rate, others = pl.col("rate"), pl.col("rate_of_others")
    arms = arms.with_columns(
        verdict=pl.when(~pl.col("is_valid"))
        .then(pl.lit("invalid"))
        .when(differs & (rate > others) & (pl.col("lift_ci_low") > 0.0))
        .then(pl.lit("winner"))
        .when(differs & (rate < others) & (pl.col("lift_ci_high") < 0.0))
        .then(pl.lit("loser"))
        .otherwise(pl.lit("unclear"))
    )
    wordings = arms.filter("is_shown", pl.col("text").is_not_null()).select(
        *EXPERIMENT, beaten_text="text", beaten_rate="rate", beaten_arm="arm"
    )
    beaten = (
        arms.filter(pl.col("verdict") == "winner")
        .join(wordings, on=EXPERIMENT, nulls_equal=True)
        .filter(wording("beaten_text") != wording("text"), pl.col("beaten_rate") < rate)
        .sort("beaten_rate", "beaten_arm")
        .unique([*EXPERIMENT, "arm"], keep="first", maintain_order=True)
        .select(*EXPERIMENT, "arm", "beaten_text", "beaten_rate")
    )
    return arms.join(beaten, on=[*EXPERIMENT, "arm"], how="left", nulls_equal=True, maintain_order="left")


def wording(text: str) -> pl.Expr:
    """Return a text without regard to case and blanks, by which two texts are the same wording."""
    return pl.col(text).str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
