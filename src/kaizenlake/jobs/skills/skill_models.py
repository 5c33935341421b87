"""Which model does a doer best with? The loss of each model, and its loss at equal cost against the others."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import numpy as np
import polars as pl

from kaizenlake import stats, tables
from kaizenlake.job import job
from kaizenlake.jobs.activity.scopes import group_codes
from kaizenlake.jobs.runs._loss_sums import MICRO, SUMS, add_sums, m2, mean, micros, sums_of
from kaizenlake.jobs.runs.run_records import RUN
from kaizenlake.jobs.skills._card_rules import in_card, units_without_loss, verdict, with_card_end
from kaizenlake.parameters import EvidenceNeeds, Skills
from kaizenlake.stats import expressions
from kaizenlake.tables import Crl, RunRecords, SkillModels

MODEL = ("tenant_id", "doer", "model")


@job(reads=(RunRecords, Crl), writes=SkillModels)
def skill_models(
    run_records: pl.LazyFrame,
    crl: pl.LazyFrame,
    *,
    as_of: datetime,
    evidence: EvidenceNeeds = EvidenceNeeds(),
    skills: Skills = Skills(),
) -> pl.LazyFrame:
    """Compare the models that each doer called in the days of its card, as they are and at equal cost.

    Runs are at equal cost within a band of cost, each up to twice as dear as it begins; what a model loses there more or less
    than the doer's other models is pooled over the bands (`stats.stratified_by`). The models of a tenant are one family
    (Benjamini-Hochberg).

    Args:
        run_records: The record of each run, for its cost.
        crl: Losses of runs.
        as_of: Runs that ended from this instant on do not count.
        evidence: `confidence` of the intervals.
        skills: Days of a card, and what a verdict needs.
    """
    known = with_card_end(crl.filter(pl.col("occurred_at") < as_of), as_of, skills.days)
    costs = run_records.select(*RUN, "cost_usd")
    cost = micros(pl.when(pl.col("loss").is_not_null()).then("cost_usd"))
    counted = known.filter(in_card(skills.days), pl.col("model").is_not_null())
    compared = (
        counted.join(costs, on=RUN, how="left", nulls_equal=True)
        .with_columns(cost=pl.when(cost > 0).then(cost))
        .group_by(*MODEL, band=pl.col("cost").log(2.0).floor().cast(pl.Int64))
        .agg(
            runs=pl.len().cast(pl.Int64),
            costed=pl.col("cost").count().cast(pl.Int64),
            cost_micros=pl.col("cost").sum(),
            **sums_of(pl.col("loss")),
        )
        .map_batches(partial(_compare, evidence=evidence, skills=skills), schema=_COMPARED)
    )
    missing = units_without_loss(counted, MODEL)
    return compared.join(missing, on=list(MODEL), how="left", nulls_equal=True).with_columns(
        pl.col("units_without_loss").fill_null(0)
    )


_COMPARED = pl.Schema(
    {name: dtype for name, dtype in tables.schema(SkillModels).items() if name != "units_without_loss"}
)


def _compare(cells: pl.DataFrame, *, evidence: EvidenceNeeds, skills: Skills) -> pl.DataFrame:
    """Return rows of the table out of sums by doer, model and band of cost; the band is null where the cost is unknown."""
    whole = cells.group_by(MODEL).agg(*add_sums(), pl.col("runs", "costed", "cost_micros").sum()).sort(MODEL)
    alone = stats.mean_interval(*_moments(whole, ""), confidence=evidence.confidence)
    compared = pl.col("compared") >= skills.runs, pl.col("compared_others") >= skills.runs
    place = (
        pl.struct("equal_cost_difference", "model")
        .rank("ordinal")
        .over("tenant_id", "doer", pl.all_horizontal(compared))
    )
    return (
        whole.with_columns(
            mean_loss=mean(),
            ci_low=pl.Series(np.clip(alone.low, 0.0, 1.0)).fill_nan(None),
            ci_high=pl.Series(np.clip(alone.high, 0.0, 1.0)).fill_nan(None),
            mean_cost_usd=pl.when(pl.col("costed") > 0).then(pl.col("cost_micros") / (pl.col("costed") * MICRO)),
            **_at_equal_cost(cells, whole, evidence.confidence),
        )
        .with_columns(equal_cost_q_value=expressions.benjamini_hochberg("equal_cost_p_value", ["tenant_id"]))
        .with_columns(
            place=pl.when(*compared).then(place.cast(pl.Int64)),
            verdict=verdict("equal_cost", pl.all_horizontal(compared), skills),
        )
        .select(_COMPARED.names())
    )


def _at_equal_cost(cells: pl.DataFrame, whole: pl.DataFrame, confidence: float) -> dict[str, pl.Series]:
    """Return columns of the comparison at equal cost, one value for each row of `whole`, which is sorted by its keys."""
    other = {f"other_{name}": pl.col(name).sum().over("tenant_id", "doer", "band") - pl.col(name) for name in SUMS}
    bands = cells.filter(pl.col("band").is_not_null(), pl.col("n") > 0).with_columns(**other)
    shared = bands.filter(pl.col("other_n") > 0).sort(*MODEL, "band")
    codes, names = group_codes(shared, MODEL)
    found = stats.stratified_by(codes, _moments(shared, ""), _moments(shared, "other_"), confidence=confidence)
    others = np.bincount(codes, weights=shared["other_n"].to_numpy(), minlength=names.height)
    at = names.with_columns(
        compared=pl.Series(found.n_a).cast(pl.Int64),
        compared_others=pl.Series(others).cast(pl.Int64),
        # Means of shares are shares; adding up may miss that by a rounding.
        equal_cost_loss=pl.Series(np.clip(found.mean_a, 0.0, 1.0)),
        equal_cost_others=pl.Series(np.clip(found.mean_b, 0.0, 1.0)),
        equal_cost_difference=pl.Series(np.clip(found.effect, -1.0, 1.0)),
        equal_cost_ci_low=pl.Series(found.ci_low),
        equal_cost_ci_high=pl.Series(found.ci_high),
        equal_cost_p_value=pl.Series(found.p_value),
    ).fill_nan(None)
    brought = (
        whole.select(MODEL).join(at, on=list(MODEL), how="left", maintain_order="left", nulls_equal=True).drop(MODEL)
    )
    return {
        name: column.fill_null(0) if column.dtype == pl.Int64 else column for name, column in brought.to_dict().items()
    }


def _moments(frame: pl.DataFrame, prefix: str) -> stats.Moments:
    """Return n, mean and m2 of each row; NaN without a run."""
    columns = frame.select(pl.col(f"{prefix}n").cast(pl.Float64), mean=mean(prefix), m2=m2(prefix))
    n, means, squares = (column.fill_null(np.nan).to_numpy() for column in columns)
    return stats.Moments(n, means, squares)
