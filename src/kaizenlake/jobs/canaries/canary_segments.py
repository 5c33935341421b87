"""For whom is a candidate better, and for whom worse? Its effect by phase and segment, with luck taken off."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from kaizenlake import stats, tables
from kaizenlake.job import job
from kaizenlake.jobs.canaries import _canary_arms as arms_
from kaizenlake.parameters import Canaries
from kaizenlake.stats import Moments
from kaizenlake.stats.sequential.canary_rule import CanaryRule
from kaizenlake.tables import CanarySegments, CanaryUnits, Deployments

PART = ("dimension", "value")
DIMENSIONS = {"phase": "phase", "segment": "segment"}
RULED = ("alpha", "horizon_nights", "minimum_units")


@job(reads=(Deployments, CanaryUnits), writes=CanarySegments, timeless=True)
def canary_segments(
    deployments: pl.LazyFrame,
    canary_units: pl.LazyFrame,
    *,
    as_of: datetime,
    canaries: Canaries = Canaries(),
) -> pl.LazyFrame:
    """Say in which parts of its units a candidate of a canary is better or worse, at the latest look.

    A part counts the units that had runs in it, each with the mean of those runs. Of the p-values that hold on every night
    the smallest so far is corrected for all parts of the candidate; it speaks for the side on which the effect was on that
    night, so a part whose effect has changed sides since is unclear. Effects are drawn toward their dimension's mean by how far
    they spread beyond chance, with one variance for all of them: few runs say little about their own.

    Args:
        deployments: Shadows and canaries; of shadows nothing is said.
        canary_units: Sums of their units by day.
        as_of: Deployments that start from this instant on do not count.
        canaries: `segment_q`: corrected p up to which a part is better or worse.
    """
    canary = (pl.col("deployment_mode") == "canary") & (pl.col("started_at") < as_of)
    started, units = pl.collect_all([deployments.filter(canary), canary_units])
    started, units, names = arms_.number_deployments(started, units)
    arms = arms_.arms_of(started)
    rows = arms_.with_looks(arms, units) if arms.height else units.clear()
    parts = [
        rows.with_columns(dimension=pl.lit(name), value=pl.col(column)).filter(pl.col("value").is_not_null())
        for name, column in DIMENSIONS.items()
    ]
    by_part = pl.concat(parts)
    if by_part.is_empty():
        return tables.empty(CanarySegments)
    each = by_part.select("deployment_id", *PART).unique().join(arms, on="deployment_id")
    found = _compare(arms_.number_arms(each, PART), by_part, arms_.find_mixed_units(rows), canaries)
    return arms_.with_names(found, names).lazy()


def _compare(arms: pl.DataFrame, rows: pl.DataFrame, mixed: pl.DataFrame, canaries: Canaries) -> pl.DataFrame:
    """Return candidates against their control in each part.

    Args:
        arms: Arms of each part, one after the other and the control first.
        rows: Rows of units, once for each part they are in.
        mixed: Units to be left out.
        canaries: `segment_q`.
    """
    looks = int(arms["looks_count"].max())  # type: ignore[arg-type]
    nights = arms_.unit_nights(arms, rows, ["loss"], PART)
    known = arms_.moments_so_far(arms_.without_mixed(nights, mixed), arms.height, looks, ["loss"])["loss"].whole
    made = np.arange(1, looks + 1) <= arms["looks_count"].to_numpy()[:, None]
    known = Moments(np.where(made, known.n, 0.0), known.mean, known.m2)
    place = arms["place"].to_numpy()
    candidate = np.flatnonzero(place > 0)
    own, control = (Moments(*(part[at] for part in known)) for at in (candidate, candidate - place[candidate]))
    facts = arms[candidate]

    p = np.full(own.n.shape, np.nan)
    for group in facts.with_row_index("row").partition_by(RULED, maintain_order=True):
        first, at = group.row(0, named=True), group["row"].to_numpy()
        rule = CanaryRule(first["alpha"], horizon=first["horizon_nights"], minimum_units=first["minimum_units"])
        one, other = (Moments(*(part[at] for part in side)) for side in (own, control))
        p[at] = rule.sequence(one, other, 1.0 - rule.alpha).p_value
    last = (np.arange(candidate.size), facts["looks_count"].to_numpy() - 1)
    smallest = stats.running_minimum(p)[last]
    when = (np.arange(candidate.size), np.where(np.isnan(p), np.inf, p).argmin(axis=-1))
    side = np.sign(own.mean[when] - control.mean[when])
    own, control = (Moments(*(part[last] for part in side)) for side in (own, control))
    effect = np.where((own.n > 0.0) & (control.n > 0.0), own.mean - control.mean, np.nan)
    family, dimension = (
        facts.select(pl.struct(names).rank("dense") - 1).to_series().to_numpy().astype(np.int64)
        for names in (("deployment_id", "policy_version"), ("deployment_id", "policy_version", "dimension"))
    )
    figures = {
        "units": own.n.astype(np.int64),
        "units_control": control.n.astype(np.int64),
        "effect": effect,
        "shrunk_effect": stats.shrink_normal_by(dimension, effect, stats.squared_errors_by(dimension, own, control)),
        "side": side,
        "p_always_valid": smallest,
        "q_value": stats.benjamini_hochberg_by(family, smallest),
    }
    still = pl.col("effect").sign() == pl.col("side")
    differs = ((pl.col("q_value") <= canaries.segment_q) & still).fill_null(value=False)
    return (
        facts.select("deployment_id", "policy_version", *PART, look="looks_count")
        .hstack(pl.DataFrame(figures).fill_nan(None))
        .with_columns(
            verdict=pl.when(differs, pl.col("effect") < 0.0)
            .then(pl.lit("better"))
            .when(differs, pl.col("effect") > 0.0)
            .then(pl.lit("worse"))
            .otherwise(pl.lit("unclear"))
        )
        .drop("side")
        .sort("deployment_id", "policy_version", *PART)
    )
