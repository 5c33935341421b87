"""How does each guardrail of a candidate stand on each look, as rows, as JSON and in words?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake.jobs._fill_in import fill_in
from kaizenlake.jobs.canaries._canary_words import figure
from kaizenlake.stats import Moments
from kaizenlake.stats.sequential.canary_rule import Guarded

ROWS = pl.Schema(
    {
        "row": pl.UInt32,
        "look": pl.Int64,
        "metric": pl.String,
        "margin": pl.Float64,
        "units": pl.Int64,
        "units_control": pl.Int64,
        "effect": pl.Float64,
        "lower": pl.Float64,
        "upper": pl.Float64,
        "verdict": pl.String,
        "broken_since_look": pl.Int64,
    }
)


def of_looks(
    metric: str,
    margin: float,
    rows: NDArray[np.int64],
    sides: tuple[Moments, Moments],
    found: Guarded,
    left_out: NDArray[np.bool_],
) -> pl.DataFrame:
    """Return one guardrail of some candidates on every look, by the columns of `ROWS`.

    Args:
        metric: What is guarded.
        margin: Increase that is tolerated.
        rows: Number of each candidate (axes: deployments, candidates).
        sides: Moments of the figure of the candidate's units so far, and of its control's (axes: deployments, candidates,
            looks).
        found: What the rule finds.
        left_out: Looks on which it does not count.
    """
    shape = found.effect.shape
    (candidate, control), broken = sides, found.broken_since_look
    columns = {
        "row": np.broadcast_to(rows[..., None], shape),
        "look": np.broadcast_to(np.arange(1, shape[-1] + 1), shape),
        "units": candidate.n.astype(np.int64),
        "units_control": control.n.astype(np.int64),
        "effect": found.effect,
        "lower": found.lower,
        "upper": found.upper,
        "verdict": np.select([left_out, broken > 0, found.held], ["left_out", "broken", "held"], "unclear"),
        "broken_since_look": broken,
    }
    flat = pl.DataFrame({name: values.ravel() for name, values in columns.items()}).fill_nan(None)
    return flat.with_columns(
        metric=pl.lit(metric),
        margin=pl.lit(margin),
        broken_since_look=pl.when(pl.col("broken_since_look") > 0).then("broken_since_look"),
    ).select(pl.col(name).cast(dtype) for name, dtype in ROWS.items())


def by_look(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return guardrails of each candidate and look: as JSON, those that are broken, words on these and on those that are unclear.

    Args:
        parts: From `of_looks`.
    """
    rails = pl.concat([pl.DataFrame(schema=ROWS), *parts])
    # It stays broken also where the figures of a later look would not say so.
    still = (pl.col("lower") > pl.col("margin")).fill_null(value=False)
    broken, unclear, left_out = (pl.col("verdict") == word for word in ("broken", "unclear", "left_out"))
    return (
        rails.with_columns(
            json=pl.struct(rails.columns[2:]).struct.json_encode(),
            broken_words=fill_in(
                "{} {} night {} ({}effect {}, margin {})",
                "metric",
                pl.when(still).then(pl.lit("since")).otherwise(pl.lit("on")),
                "broken_since_look",
                pl.when(still).then(pl.lit("")).otherwise(pl.lit("by now ")),
                figure("effect"),
                figure("margin"),
            ),
            unclear_words=pl.when(pl.col("upper").is_null())
            .then(
                fill_in(
                    "{} (known of {} units against {}, margin {})", "metric", "units", "units_control", figure("margin")
                )
            )
            .otherwise(fill_in("{} (upper end {}, margin {})", "metric", figure("upper"), figure("margin"))),
        )
        .group_by("row", "look", maintain_order=True)
        .agg(
            guardrails=fill_in("[{}]", pl.col("json").str.join(", ")),
            guardrails_broken=pl.col("metric").filter(broken),
            guardrails_left_out=pl.col("metric").filter(left_out),
            left_out_words=pl.col("metric").filter(left_out).str.join(", "),
            broken_words=pl.col("broken_words").filter(broken).str.join(", "),
            unclear_words=pl.col("unclear_words").filter(unclear).str.join(", "),
        )
        .with_columns(
            pl.when(pl.col(name) != "").then(name).alias(name) for name in ("unclear_words", "left_out_words")
        )
    )
