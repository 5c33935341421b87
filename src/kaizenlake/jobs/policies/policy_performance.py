"""How does each version of a policy do against the one it was compared with?"""

from __future__ import annotations

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.policies.policies import VERSION
from kaizenlake.tables import CanaryLooks, LearningProgress, Policies, PolicyPerformance
from kaizenlake.tables.policy import EVIDENCE

_FIGURES = tuple(name for name in tables.schema(PolicyPerformance).names() if name not in {*VERSION, "doer", "status"})


@job(reads=(Policies, CanaryLooks, LearningProgress), writes=PolicyPerformance, timeless=True)
def policy_performance(
    policies: pl.LazyFrame,
    canary_looks: pl.LazyFrame,
    learning_progress: pl.LazyFrame,
) -> pl.LazyFrame:
    """Set the loss under each version against that of its control, by the best evidence there is.

    A canary goes before a shadow, and both go before observation; of several the latest look counts, at one day that of
    the greater name. Runs over time count that name the version and are of the policy's doer. A version of which nothing
    is known has no row.

    Args:
        policies: Policies as they stand.
        canary_looks: What the nights saw of shadows and canaries.
        learning_progress: The loss by version over time.
    """
    known = pl.concat(
        [_select_latest_looks(_of_tenants(canary_looks)), _select_last_days(policies, _of_tenants(learning_progress))]
    )
    place = pl.col("evidence").replace_strict(list(EVIDENCE), list(range(len(EVIDENCE))), return_dtype=pl.Int64)
    best = pl.struct(_FIGURES).sort_by(place, pl.col("on"), pl.col("name"), descending=[False, True, True]).first()
    return (
        policies.select("doer", *VERSION, "status")
        .join(known.group_by(VERSION).agg(best.alias("best")), on=VERSION, nulls_equal=True)
        .unnest("best")
        .sort(VERSION)
    )


def _of_tenants(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return rows with the tenant they belong to; null where a table does not tell."""
    if "tenant_id" in frame.collect_schema():
        return frame
    return frame.with_columns(tenant_id=pl.lit(None, pl.String))


def _select_latest_looks(canary_looks: pl.LazyFrame) -> pl.LazyFrame:
    """Return each candidate at the latest look of each of its deployments."""
    return (
        canary_looks.filter(pl.col("look") == pl.col("look").max().over("deployment_id", *VERSION))
        .select(
            *VERSION,
            on="looked_on",
            name="deployment_id",
            compared_with="control_version",
            evidence="deployment_mode",
            runs="runs",
            units="units",
            # What history takes off can bring a mean just outside the range of a loss.
            mean_loss=pl.col("mean_loss").clip(0.0, 1.0),
            control_mean_loss=pl.col("mean_loss_control").clip(0.0, 1.0),
            effect="effect",
            ci_low="sequential_ci_low",
            ci_high="sequential_ci_high",
            lift="lift",
            p_value="p_always_valid",
            verdict="verdict",
        )
        .select(*VERSION, "on", "name", *_FIGURES)
    )


def _select_last_days(policies: pl.LazyFrame, learning_progress: pl.LazyFrame) -> pl.LazyFrame:
    """Return each version on its last day, against the version before."""
    last = learning_progress.join(
        policies.select("doer", *VERSION), on=("doer", *VERSION), how="semi", nulls_equal=True
    ).filter(pl.col("event_date") == pl.col("event_date").max().over(VERSION))
    types = tables.schema(PolicyPerformance)
    missing = (pl.lit(None, types[name]).alias(name) for name in ("units", "p_value", "verdict"))
    before = pl.col("previous_mean")
    return last.select(
        *VERSION,
        *missing,
        on="event_date",
        name="doer",
        compared_with="previous_version",
        evidence=pl.lit("observation"),
        runs="n_so_far",
        mean_loss="mean_so_far",
        control_mean_loss="previous_mean",
        effect="change",
        ci_low="change_ci_low",
        ci_high="change_ci_high",
        lift=pl.when(before > 0).then(pl.col("change") / before),
    ).select(*VERSION, "on", "name", *_FIGURES)
