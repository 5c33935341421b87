"""Which look at a candidate stands: a pause takes back nothing that an earlier night has said."""

from __future__ import annotations

import polars as pl

CANDIDATE = ("tenant_id", "deployment_id", "policy_version")
"""Columns that name one candidate of one deployment; a null is a tenant of its own."""

_UNCLEAR = r'"verdict":\s*"unclear"'


def with_pauses(looks: pl.LazyFrame) -> pl.LazyFrame:
    """Add `is_pause`: whether a look takes back nothing of what the look before it said.

    That is a night that goes on and brought no run; and after one that said promote also a night that goes on while its effect
    is still below 0 and no guardrail is held less surely, since then only one of the arms brought nothing.

    Args:
        looks: Rows of `canary_looks`.
    """

    def so_far(figure: pl.Expr) -> pl.Expr:
        return figure.over(CANDIDATE, order_by="look")

    runs = pl.col("runs") + pl.col("runs_control")
    promotes = pl.col("verdict") == "promote"
    unclear = pl.col("guardrails").str.count_matches(_UNCLEAR).cast(pl.Int64)
    at_promotion = so_far(pl.when(promotes).then(unclear).forward_fill())
    still = at_promotion.is_not_null() & (pl.col("effect") < 0.0) & (unclear <= at_promotion)
    silent = runs <= so_far(runs.shift(1, fill_value=0))
    return looks.with_columns(
        is_pause=((pl.col("verdict") == "continue") & (silent | still)).fill_null(value=False),
    )


def standing(looks: pl.LazyFrame) -> pl.LazyFrame:
    """Return the latest look at each candidate that is no pause; the latest of all where every one is.

    Args:
        looks: Rows of `canary_looks`.
    """
    rank = pl.struct(~pl.col("is_pause"), "look")
    place = rank.rank("ordinal", descending=True).over(CANDIDATE)
    return with_pauses(looks).filter(place == 1).drop("is_pause")
