"""Fit, for each tenant, what goes with a won deal: all attributes of its leads at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl

from kaizenlake.stats.regression.logistic import LogisticModel, fit_logistic

SCORE = "icp_match_score"
ATTRIBUTES = ("source", "industry", "client_type", "first_touch")
"""Attributes of a lead that are known before it is won."""

UNKNOWN = "unknown"
COEFFICIENTS: dict[str, pl.DataType] = {
    **dict.fromkeys(("tenant_id", "dimension", "value"), pl.String()),
    **dict.fromkeys(("coefficient", "coefficient_low", "coefficient_high"), pl.Float64()),
    "reason": pl.String(),
}
PREDICTIONS: dict[str, pl.DataType] = {
    "tenant_id": pl.String(),
    "predicted": pl.Float64(),
    "won": pl.Boolean(),
}


def judged_leads(leads: pl.LazyFrame, *, as_of: datetime, window_days: int) -> pl.LazyFrame:
    """Return leads that are old enough to be judged; their score stands in `_score` too, as tenths.

    Args:
        leads: Leads with their stages.
        as_of: Instant at which the night looks.
        window_days: Days after its creation from which on a lead is judged.
    """
    old_enough = pl.col("created_at") + pl.duration(days=window_days) <= as_of
    return leads.filter(old_enough).with_columns(_score=pl.col(SCORE) * 10.0)


def fit_won_models(judged: pl.LazyFrame, confidence: float) -> pl.LazyFrame:
    """Return the coefficient of each attribute's value in the model of its tenant, or the reason why there is none.

    Args:
        judged: Leads that are old enough to be judged.
        confidence: Coverage of the intervals.

    Returns:
        Columns `COEFFICIENTS`.
    """

    def compute(rows: pl.DataFrame) -> pl.DataFrame:
        parts = [_coefficients(part, confidence) for part in _by_tenant(rows)]
        return pl.concat([pl.DataFrame(schema=COEFFICIENTS), *parts])

    return judged.map_batches(compute, schema=COEFFICIENTS)


def predict_unseen(judged: pl.LazyFrame, confidence: float) -> pl.LazyFrame:
    """Return the chance that a model which had not seen it gave each lead, and what became of it; none without a model.

    Args:
        judged: Leads that are old enough to be judged.
        confidence: Coverage of the intervals.

    Returns:
        Columns `PREDICTIONS`.
    """

    def compute(rows: pl.DataFrame) -> pl.DataFrame:
        parts = []
        for part in _by_tenant(rows):
            model = _fit(part, confidence)[2]
            if not model.reason:
                parts.append(
                    part.select("tenant_id", predicted=pl.Series(model.predicted), won=pl.col("outcome") == "won")
                )
        return pl.concat([pl.DataFrame(schema=PREDICTIONS), *parts])

    return judged.map_batches(compute, schema=PREDICTIONS)


def _by_tenant(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Return the leads of each tenant in a fixed order."""
    ordered = rows.sort("tenant_id", "project_id", "lead_id")
    return ordered.partition_by("tenant_id", maintain_order=True) if ordered.height else []


def _fit(rows: pl.DataFrame, confidence: float) -> tuple[list[tuple[str, str]], list[tuple[str, str]], LogisticModel]:
    """Return the values that are variables, those that the others are held against, and the model."""
    names: list[tuple[str, str]] = []
    references: list[tuple[str, str]] = []
    columns: list[pl.Series] = []
    for attribute in ATTRIBUTES:
        known = rows[attribute].fill_null(UNKNOWN)
        values: Sequence[str] = (
            known.value_counts().sort("count", attribute, descending=[True, False])[attribute].to_list()
        )
        references.append((attribute, values[0]))
        for value in values[1:]:
            names.append((attribute, value))
            columns.append((known == value).cast(pl.Float64))
    score = rows["_score"]
    if score.null_count() < score.len() and score.n_unique() > 1:
        names.append((SCORE, "one tenth more"))
        columns.append(score.fill_null(score.mean()))
        if score.null_count():
            names.append((SCORE, UNKNOWN))
            columns.append(score.is_null().cast(pl.Float64))
    design = np.column_stack([column.to_numpy() for column in columns]) if columns else np.empty((rows.height, 0))
    return names, references, fit_logistic(design, (rows["outcome"] == "won").to_numpy(), confidence)


def _coefficients(rows: pl.DataFrame, confidence: float) -> pl.DataFrame:
    """Return the coefficients of one tenant."""
    names, references, model = _fit(rows, confidence)
    figures = (
        zip(model.coefficients, model.low, model.high, strict=True)
        if not model.reason
        else [(None, None, None)] * len(names)
    )
    words = model.reason or None
    made = [(*name, *map(_number, figure), words) for name, figure in zip(names, figures, strict=True)]
    held = [(*name, None, None, None, words or "the others are held against it") for name in references]
    tenant = rows["tenant_id"][0]
    return pl.DataFrame([(tenant, *row) for row in (*made, *held)], schema=COEFFICIENTS, orient="row")


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
