"""What did each agent run lose? Its composite loss: nine terms and those of the team, each in [0, 1], weighed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import reduce
from operator import add

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.runs.run_records import gates_not_passed
from kaizenlake.parameters import WEIGHTS, LossRules, LossTerm
from kaizenlake.tables import Crl, RunRecords


@job(reads=(RunRecords,), writes=Crl, by_day=True, timeless=True)
def crl(
    run_records: pl.LazyFrame,
    *,
    as_of: datetime,
    loss: LossRules = LossRules(),
) -> pl.LazyFrame:
    """Weigh the terms of each run into its loss, with what each term contributes.

    A term that the run does not tell is not zero: it is left out, and the weights of the others are scaled to sum to 1;
    `coverage` says how much of all weight they had. A run that tells no term with a weight has no loss. One that ended in
    error, timeout or crash and tells no gates passed none: its gates term is 1.

    Args:
        run_records: The record of each run.
        as_of: Runs that ended from this instant on do not count.
        loss: Weights, saturation of the counts, and the team's own terms.
    """
    own = [item.name for item in loss.terms]
    terms = {**nine_terms(loss), **{item.name: own_term(item) for item in loss.terms}}
    weights = {**nine_weights(loss), **{item.name: pl.lit(item.weight) for item in loss.terms}}
    return (
        run_records.filter(pl.col("occurred_at") < as_of)
        .with_columns(**{_term(name): term for name, term in terms.items()})
        .with_columns(**_weigh(weights))
        .with_columns(
            own_names=pl.lit(pl.Series([own], dtype=pl.List(pl.String))).first(),
            own_terms=_list(_term(name) for name in own),
            own_weights=_list(_weight(name) for name in own),
            own_contributions=_list(_contribution(name) for name in own),
        )
    )


def nine_terms(loss: LossRules) -> dict[str, pl.Expr]:
    """Return the nine terms of a run, each in [0, 1] and null where the run does not tell it; in the order of `WEIGHTS`.

    Args:
        loss: Values at which counts are one half, and the overrun that counts in full.
    """
    gates = pl.when("failed_without_gates").then(1.0).otherwise(gates_not_passed())
    return {
        "gates": gates,
        "contradictions": saturate(pl.col("contradictions"), loss.contradictions_half),
        "grounding": 1.0 - pl.col("grounding_rate"),
        "cost": overrun(pl.col("cost_usd"), pl.col("budget_usd"), loss.full_overrun),
        "latency": overrun(pl.col("latency_seconds"), pl.col("latency_budget_seconds"), loss.full_overrun),
        "security": saturate(pl.col("security_criticals"), loss.security_half),
        "api": saturate(pl.col("api_breakages"), loss.api_half),
        "migration": pl.col("db_migration_failed").cast(pl.Float64),
        "rag": 1.0 - pl.col("rag_coverage_rate"),
    }


def own_term(term: LossTerm) -> pl.Expr:
    """Return a term of the team's own, in [0, 1]; null where the run does not tell its field."""
    value = pl.col(term.field).cast(pl.Float64)
    if term.rule == "count":
        assert term.half is not None
        return saturate(value.clip(lower_bound=0.0), term.half)
    if term.rule == "overrun":
        return overrun(value, pl.lit(term.budget), 1.0)
    rate = value.clip(0.0, 1.0)
    return rate if term.rule == "rate" else 1.0 - rate


def saturate(number: pl.Expr, half: float) -> pl.Expr:
    """Return a count as a share: n / (n + half), so that it is one half at `half` and nears 1; null for null."""
    return number / (number + half)


def overrun(value: pl.Expr, budget: pl.Expr, full: float) -> pl.Expr:
    """Return what a value lies over its budget, as a share of the budget, up to `full`, which is 1.

    Null without a value or a budget; a budget of 0 is none.
    """
    return pl.when(budget > 0).then(((value / budget - 1.0) / full).clip(0.0, 1.0))


def nine_weights(loss: LossRules) -> dict[str, pl.Expr]:
    """Return the weight of each of the nine terms for a run: of its tenant and phase, else its tenant, else its phase, else of all."""

    def order_overrides(position: int) -> tuple[bool, bool]:
        item = loss.overrides[position]
        return item.tenant is not None, item.phase is not None

    chosen = pl.lit(-1)
    for position in sorted(range(len(loss.overrides)), key=lambda at: (*order_overrides(at), at)):
        item = loss.overrides[position]
        of_tenant = pl.lit(value=True) if item.tenant is None else pl.col("tenant_id") == item.tenant
        of_phase = pl.lit(value=True) if item.phase is None else pl.col("phase") == item.phase
        chosen = pl.when(of_tenant, of_phase).then(position).otherwise(chosen)
    found: dict[str, pl.Expr] = {}
    for term, name in WEIGHTS.items():
        weight = pl.lit(getattr(loss, name))
        for position, item in enumerate(loss.overrides):
            weight = pl.when(chosen == position).then(getattr(item, name)).otherwise(weight)
        found[term] = weight
    return found


def _weigh(weights: Mapping[str, pl.Expr]) -> dict[str, pl.Expr]:
    """Return weights used, contributions, loss and coverage, from the columns of the terms and the weight of each."""
    observed = {
        name: pl.when(pl.col(_term(name)).is_not_null()).then(weight).otherwise(0.0) for name, weight in weights.items()
    }
    total = _sum(observed.values())
    used = {name: pl.when(total > 0.0).then(weight / total).otherwise(0.0) for name, weight in observed.items()}
    parts = {name: pl.when(total > 0.0).then(used[name] * pl.col(_term(name))) for name in weights}
    # At most 1 by its definition; adding up may miss that by a rounding.
    loss = pl.when(total > 0.0).then(_sum(part.fill_null(0.0) for part in parts.values()).clip(0.0, 1.0))
    return {
        **{_weight(name): weight for name, weight in used.items()},
        **{_contribution(name): part for name, part in parts.items()},
        "loss": loss,
        "coverage": (total / _sum(weights.values())).clip(0.0, 1.0),
    }


def _sum(figures: Iterable[pl.Expr]) -> pl.Expr:
    # One after the other: `sum_horizontal` adds in another order in each engine, which shows in the last bit.
    return reduce(add, figures)


def _list(names: Iterable[str]) -> pl.Expr:
    columns = tuple(names)
    return pl.concat_list(columns) if columns else pl.lit(pl.Series([[]], dtype=pl.List(pl.Float64))).first()


def _term(name: str) -> str:
    return f"{name}_term"


def _weight(name: str) -> str:
    return f"{name}_weight"


def _contribution(name: str) -> str:
    return f"{name}_contribution"
