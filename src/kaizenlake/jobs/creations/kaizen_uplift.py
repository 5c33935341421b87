"""What are contexts worth? Results of contents that were made with one against those that were made without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.activity.scopes import group_codes
from kaizenlake.jobs.patterns.experiments import METRICS
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.stats import Moments, clustered_ratio, moments_by, sequence_of_estimate
from kaizenlake.tables import Contents, KaizenUplift

FEWEST_UNITS = 30
"""Units that each side needs before anything is concluded."""

FEWEST_PROJECTS = 5
"""Projects with both sides that are needed; of fewer, their spread is not known."""

DECLARED_UNITS = 2_000
"""Units in both arms for which the interval is narrowest; it must not change from night to night."""

_SIDES = ("with", "without")


@job(reads=(Contents,), writes=KaizenUplift, timeless=True)
def kaizen_uplift(contents: pl.LazyFrame, *, evidence: EvidenceNeeds = EvidenceNeeds()) -> pl.LazyFrame:
    """Compare contents made with a context with those made without, by what was drawn and by what was only observed.

    As an experiment counts what was drawn: with a context where the record names one and says that it was not held back, and
    without one where it says that it was. The unit is what was drawn (`unit_id`, else the content); its rate is the mean of
    those of its contents. A unit that is of both sides is left out and counted, and so is one that was held out and yet names a
    context. Rates are compared within projects, each in its own mean, and pooled; the error is the larger of that by units and
    that by projects; the interval holds on all nights together. As an observation counts every content, within project and
    platform, by the same rule. What has no known rate takes no part.

    Args:
        contents: Contents with how they were made.
        evidence: Confidence of the intervals.
    """

    def compute(frame: pl.DataFrame) -> pl.DataFrame:
        rows = [
            row
            for (tenant,), of_tenant in sorted(frame.group_by("tenant_id"), key=_by_tenant)
            for metric in METRICS
            for row in _compare(of_tenant, metric, evidence.confidence, {"tenant_id": tenant, "metric": metric})
        ]
        return pl.DataFrame(rows, schema=tables.schema(KaizenUplift))

    figures = (name for pair in METRICS.values() for name in pair)
    named = ("tenant_id", "project_id", "content_id", "platform", "unit_id", "context_sha256", "held_out")
    return contents.select(*named, *dict.fromkeys(figures)).map_batches(compute, schema=tables.schema(KaizenUplift))


def _by_tenant(item: tuple[tuple[Any, ...], pl.DataFrame]) -> tuple[bool, str]:
    ((tenant,), _) = item
    return tenant is not None, tenant or ""


def _compare(frame: pl.DataFrame, metric: str, confidence: float, said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a tenant and metric; none where no content with a known rate was made with a context or held out."""
    events, trials = METRICS[metric]
    has_context, is_held = pl.col("context_sha256").is_not_null(), pl.col("held_out").fill_null(value=False)
    rated = frame.filter((pl.col(trials) > 0).fill_null(value=False), pl.col(events).is_not_null()).with_columns(
        rate=pl.min_horizontal(events, trials) / pl.col(trials),
        drawn=pl.when(pl.col("held_out").is_not_null()).then(
            pl.when(is_held & ~has_context)
            .then(pl.lit("without"))
            .when(~is_held & has_context)
            .then(pl.lit("with"))
            .when(is_held)
            .then(pl.lit("both"))
        ),
        seen=pl.when(has_context).then(pl.lit("with")).when(~is_held).then(pl.lit("without")),
        unit=pl.coalesce(pl.concat_str(pl.lit("unit "), "unit_id"), pl.concat_str(pl.lit("content "), "content_id")),
        made=pl.concat_str("content_id", pl.lit(" "), "platform"),
    )
    if not rated.select((has_context | is_held).any()).item():
        return []
    drawn = rated.filter(pl.col("drawn").is_not_null()).with_columns(side="drawn", place=pl.lit(""))
    experiment = _measure(drawn, "unit", confidence)
    if not experiment["units_without"] and not experiment["left_out"]:
        experiment["status"] = "nobody_held_out"
    rows = [{**said, "basis": "experiment", **experiment}]
    seen = rated.filter(pl.col("seen").is_not_null()).with_columns(side="seen", place="platform")
    if seen.filter(side="with").height:
        rows.append({**said, "basis": "observation", **_measure(seen, "made", confidence)})
    return rows


def _measure(frame: pl.DataFrame, unit: str, confidence: float) -> dict[str, Any]:
    """Return the figures of what has a side: `with`, `without`, or `both`, which is left out.

    Args:
        frame: Contents with `side`, `place`, `rate` and the unit.
        unit: Column that names the unit within its project.
        confidence: Of the interval.
    """
    of_unit = ("project_id", "place", unit)
    # In a full order, so that no order of rows changes a bit.
    units = (
        frame.sort(*of_unit, "content_id", "platform", "rate")
        .group_by(of_unit, maintain_order=True)
        .agg(
            pl.col("rate").mean(),
            contents=pl.len(),
            side=pl.when((pl.col("side").n_unique() == 1) & (pl.col("side").first() != "both")).then(
                pl.col("side").first()
            ),
        )
    )
    left_out = units["side"].null_count()
    units = units.filter(pl.col("side").is_not_null()).sort(of_unit)
    codes, strata = group_codes(units, ("project_id", "place"))
    projects, _ = group_codes(strata, ("project_id",))
    sides = [units["side"].to_numpy() == side for side in _SIDES]
    values = units["rate"].to_numpy()
    a, b = (_add_up(codes[is_side], values[is_side], strata.height) for is_side in sides)
    found = clustered_ratio(projects, a, b)
    numbers = {
        f"{name}_{side}": int(value)
        for side, is_side in zip(_SIDES, sides, strict=True)
        for name, value in (("units", is_side.sum()), ("contents", units["contents"].to_numpy()[is_side].sum()))
    }
    rates = {
        f"rate_{side}": float(values[is_side].mean()) if is_side.any() else None
        for side, is_side in zip(_SIDES, sides, strict=True)
    }
    is_enough = min(found.n_a, found.n_b) >= FEWEST_UNITS and found.clusters >= FEWEST_PROJECTS
    low, high, p_value = (
        float(value)
        for value in sequence_of_estimate(
            found.log_ratio,
            found.se if is_enough else np.nan,
            found.n_a + found.n_b,
            declared_n=DECLARED_UNITS,
            confidence=confidence,
        )
    )
    status = "too_few" if np.isnan(low) else "better" if low > 0.0 else "worse" if high < 0.0 else "unclear"
    lift, ci_low, ci_high = (
        None if np.isnan(value) else float(np.expm1(value)) for value in (found.log_ratio, low, high)
    )
    return {
        "status": status,
        **numbers,
        **rates,
        "projects": found.clusters,
        "left_out": left_out,
        "lift": lift,
        "ci_low": ci_low,
        "ci_high": ci_high,
        "p_value": None if np.isnan(p_value) else p_value,
    }


def _add_up(codes: NDArray[np.int64], values: NDArray[np.float64], strata: int) -> Moments:
    """Return moments of a side in each stratum, 0 where it has no unit."""
    if not strata:
        return Moments(np.zeros(0), np.zeros(0), np.zeros(0))
    found = moments_by(codes, values, n_groups=strata)
    return Moments(*(np.nan_to_num(part) for part in found))
