"""What is a doer good and bad at? Each term of its loss against the other doers, and against its own past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl

from kaizenlake import stats
from kaizenlake.job import job
from kaizenlake.jobs.runs._loss_sums import MICRO, m2, mean
from kaizenlake.jobs.runs.crl_terms_daily import SUMS
from kaizenlake.jobs.skills._card_rules import (
    BETTER,
    EVEN,
    UNCLEAR,
    WORSE,
    before_card,
    in_card,
    verdict,
    with_card_end,
)
from kaizenlake.parameters import EvidenceNeeds, Skills
from kaizenlake.stats import expressions
from kaizenlake.tables import CrlTermsDaily, SkillTerms

KINDS = ("fleet", "past")
SIDES = ("now", "fleet", "past")


@job(reads=(CrlTermsDaily,), writes=SkillTerms)
def skill_terms(
    crl_terms_daily: pl.LazyFrame,
    *,
    as_of: datetime,
    evidence: EvidenceNeeds = EvidenceNeeds(),
    skills: Skills = Skills(),
) -> pl.LazyFrame:
    """Set each term of a doer's loss against that of the other doers of its tenant, and against its own past.

    What is compared are the terms, which are alike for all; a difference is then valued by the weight that the term has for
    the doer, so that other weights, and terms that others do not observe, make nobody better. The others are all other
    doers' runs of the same days; the past are as many days before. All comparisons of a tenant are one family (Benjamini-
    Hochberg): of all its strengths and weaknesses of a night, at most the share `skills.q` is expected to be chance.

    Args:
        crl_terms_daily: Sums of the terms by day.
        as_of: Days that begin from this instant on do not count.
        evidence: `confidence` of the intervals.
        skills: Days of a card, and what a strength or a weakness needs.
    """
    days = skills.days
    now, past = in_card(days), before_card(days)
    is_known = pl.col("event_date").cast(pl.Datetime("us", "UTC")) < as_of
    known = with_card_end(crl_terms_daily.filter(is_known), as_of, days)
    of_doers = (
        known.filter(now | past)
        .group_by("tenant_id", "doer", "term", "card_end")
        .agg(
            pl.col("runs").filter(now).sum(),
            *(pl.col(name).filter(now).sum().name.prefix("now_") for name in SUMS),
            *(pl.col(name).filter(past).sum().name.prefix("past_") for name in SUMS),
        )
        .join(_of_all_doers(known, days), on=["tenant_id", "term", "card_end"], how="left", nulls_equal=True)
        .with_columns(
            (pl.col(f"all_{name}").fill_null(0) - pl.col(f"now_{name}")).alias(f"fleet_{name}") for name in SUMS
        )
        .rename({f"{side}_term_micros": f"{side}_loss_micros" for side in SIDES})
    )
    contributed = pl.col("now_contribution_micros")
    valued = of_doers.with_columns(
        n=pl.col("now_n"),
        n_fleet=pl.col("fleet_n"),
        n_past=pl.col("past_n"),
        observed_rate=_over(pl.col("now_n"), pl.col("runs")),
        weight=_over(pl.col("now_weight_micros"), pl.col("now_n") * MICRO),
        mean_term=mean("now_"),
        fleet_mean_term=mean("fleet_"),
        past_mean_term=mean("past_"),
        mean_contribution=_over(contributed, pl.col("now_n") * MICRO),
        loss_share_rate=pl.when(pl.col("now_n") > 0).then(
            _over(contributed, contributed.sum().over("tenant_id", "doer"))
        ),
    )
    compared = valued.with_columns(
        column for kind in KINDS for column in _compare(kind, evidence.confidence)
    ).with_columns(_correct())
    fleet, own = (_compute_verdict(kind, skills) for kind in KINDS)
    return (
        compared.with_columns(fleet_verdict=fleet, past_verdict=own)
        .with_columns(verdict=together())
        .sort("tenant_id", "doer", "term")
    )


def _of_all_doers(known: pl.LazyFrame, days: int) -> pl.LazyFrame:
    """Sum the terms of all doers of a tenant over the days of each card that there is."""
    by_day = known.group_by("tenant_id", "term", "event_date").agg(pl.col(SUMS).sum())
    return (
        known.select("tenant_id", "card_end")
        .unique()
        .join(by_day, on="tenant_id", nulls_equal=True)
        .filter(in_card(days))
        .group_by("tenant_id", "term", "card_end")
        .agg(pl.col(SUMS).sum().name.prefix("all_"))
    )


def together() -> pl.Expr:
    """Return the verdict of both comparisons, out of `fleet_verdict`, `past_verdict` and whether there are others (`n_fleet`)."""
    fleet, past = pl.col("fleet_verdict"), pl.col("past_verdict")
    says = {verdict: (fleet == verdict) | (past == verdict) for verdict in (BETTER, WORSE)}
    return (
        pl.when(says[BETTER], says[WORSE])
        .then(pl.lit(UNCLEAR))
        .when(says[BETTER])
        .then(pl.lit(BETTER))
        .when(says[WORSE])
        .then(pl.lit(WORSE))
        .when(pl.when(pl.col("n_fleet") > 0).then(fleet).otherwise(past) == EVEN)
        .then(pl.lit(EVEN))
        .otherwise(pl.lit(UNCLEAR))
    )


def _over(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """Return a share of whole numbers; null over 0. Rounding to millionths may carry a sum past its whole by one of them."""
    return pl.when(denominator > 0).then((numerator / denominator).clip(0.0, 1.0))


def _compare(kind: str, confidence: float) -> tuple[pl.Expr, ...]:
    sides = [(pl.col(f"{side}_n"), mean(f"{side}_"), m2(f"{side}_")) for side in ("now", kind)]
    found = expressions.cautious_difference(sides[0], sides[1], confidence).struct
    valued = {"difference": "effect", "ci_low": "ci_low", "ci_high": "ci_high"}
    return (
        *((found.field(field) * pl.col("weight")).alias(f"{kind}_{name}") for name, field in valued.items()),
        found.field("p_value").alias(f"{kind}_p_value"),
    )


def _correct() -> tuple[pl.Expr, ...]:
    """Correct all p-values of a tenant as one family."""
    found = pl.map_batches(
        [pl.struct("tenant_id").rank("dense") - 1, *(pl.col(f"{kind}_p_value") for kind in KINDS)],
        _select_one_family,
        return_dtype=pl.Struct({kind: pl.Float64() for kind in KINDS}),
    ).struct
    return tuple(found.field(kind).alias(f"{kind}_q_value") for kind in KINDS)


def _select_one_family(columns: Sequence[pl.Series]) -> pl.Series:
    tenant = np.tile(columns[0].cast(pl.Int64).to_numpy(), len(KINDS))
    p = np.concatenate([column.fill_null(np.nan).to_numpy() for column in columns[1:]])
    parts = np.split(stats.benjamini_hochberg_by(tenant, p), len(KINDS))
    return pl.DataFrame(dict(zip(KINDS, parts, strict=True))).fill_nan(None).to_struct()


def _compute_verdict(kind: str, skills: Skills) -> pl.Expr:
    enough = (pl.col("now_n") >= skills.runs) & (pl.col(f"{kind}_n") >= skills.runs)
    return verdict(kind, enough, skills)
