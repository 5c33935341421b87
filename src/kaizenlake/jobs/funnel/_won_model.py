"""Fit, for each tenant, what goes with a won deal: all attributes of its leads at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl

from kaizenlake.jobs.funnel.leads import tells_more
from kaizenlake.stats.regression.logistic import LogisticModel, fit_logistic

SCORE = "icp_match_score"
ATTRIBUTES = ("source", "industry", "client_type", "first_touch")
"""Attributes of a lead that are known before it is won."""

TENTH = "one tenth more"
"""The value of a score whose coefficient stands in its row."""

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
    """Return leads that are old enough to be judged, with `is_won`; their score stands in `_score` too, as tenths.

    A lead is won if it was within the window, so that older leads have no more time for it than younger ones. Leads of a
    tenant that records won leads alone say nothing of what parts them from others.

    Args:
        leads: Leads with their stages.
        as_of: Instant at which the night looks.
        window_days: Days after its creation within which a lead is won, and from which on it is judged.
    """
    until = pl.col("created_at") + pl.duration(days=window_days)
    is_won = (pl.col("outcome") == "won") & (pl.col("won_at") <= until).fill_null(value=False)
    return leads.filter(tells_more(), until <= as_of).with_columns(is_won=is_won, _score=pl.col(SCORE) * 10.0)


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
                parts.append(part.select("tenant_id", predicted=pl.Series(model.predicted), won="is_won"))
        return pl.concat([pl.DataFrame(schema=PREDICTIONS), *parts])

    return judged.map_batches(compute, schema=PREDICTIONS)


def _by_tenant(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Return the leads of each tenant in a fixed order."""
    ordered = rows.sort("tenant_id", "project_id", "lead_id")
    return ordered.partition_by("tenant_id", maintain_order=True) if ordered.height else []


def _fit(
    rows: pl.DataFrame, confidence: float
) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]], LogisticModel]:
    """Return the values that are variables, those that are none and why, and the model."""
    names: list[tuple[str, str]] = []
    others: list[tuple[str, str, str]] = []
    columns: list[pl.Series] = []
    for attribute in ATTRIBUTES:
        known = rows[attribute].fill_null(UNKNOWN)
        values: Sequence[str] = (
            known.value_counts().sort("count", attribute, descending=[True, False])[attribute].to_list()
        )
        others.append((attribute, values[0], "the others are held against it"))
        for value in values[1:]:
            names.append((attribute, value))
            columns.append((known == value).cast(pl.Float64))
    score = rows["_score"]
    if score.drop_nulls().n_unique() == 1:
        others.append((SCORE, TENTH, "every score is the same"))
    elif score.null_count() < score.len():
        names.append((SCORE, TENTH))
        columns.append(score.fill_null(score.mean()))
        if score.null_count():
            names.append((SCORE, UNKNOWN))
            columns.append(score.is_null().cast(pl.Float64))
    design = np.column_stack([column.to_numpy() for column in columns]) if columns else np.empty((rows.height, 0))
    return names, others, fit_logistic(design, rows["is_won"].to_numpy(), confidence)


def _coefficients(rows: pl.DataFrame, confidence: float) -> pl.DataFrame:
    """Return the coefficients of one tenant."""
    names, others, model = _fit(rows, confidence)
    fitted = [
        (*name, *(None if math.isnan(figure) else float(figure) for figure in figures))
        for name, *figures in zip(names, model.coefficients, model.low, model.high, strict=True)
    ]
    alike = "another attribute parts the same leads, so which of them counts cannot be told"
    told = [(*row, None if row[2] is not None else model.reason or alike) for row in fitted]
    left_out = [(*name, None, None, None, model.reason or why) for *name, why in others]
    tenant = rows["tenant_id"][0]
    return pl.DataFrame([(tenant, *row) for row in (*told, *left_out)], schema=COEFFICIENTS, orient="row")
