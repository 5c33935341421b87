"""What there is to tell of canaries and roll backs: guardrails that broke, canaries that mean nothing, promotions that wait."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from kaizenlake.jobs._fill_in import fill_in
from kaizenlake.jobs._finding_words import figures, name_of, number, round_columns
from kaizenlake.jobs.canaries._canary_standing import CANDIDATE, standing
from kaizenlake.jobs.policies.policies import VERSION
from kaizenlake.parameters import Promotion

_RAILS = pl.List(
    pl.Struct(
        {"metric": pl.String, "units": pl.Int64, "units_control": pl.Int64}
        | dict.fromkeys(("margin", "effect", "lower"), pl.Float64)
    )
)
"""What a finding reads of the guardrails of a look."""

KEPT = timedelta(days=30)
"""How long something that happened is told of; what holds is told of while it does."""


def of_canaries(
    canary_looks: pl.LazyFrame,
    deployments: pl.LazyFrame,
    policies: pl.LazyFrame,
    *,
    as_of: datetime,
    promotion: Promotion,
) -> tuple[pl.LazyFrame, ...]:
    """Find what canaries have to tell.

    Args:
        canary_looks: Looks at candidates.
        deployments: Shadows and canaries.
        policies: Versions as they stand.
        as_of: What happened from this instant on does not count.
        promotion: Whether a promotion needs an approval, and for how long one holds.
    """
    last = pl.col("look") == pl.col("look").max().over(CANDIDATE)
    looks, stands = (
        _select_latest_looks(rows, deployments, as_of) for rows in (canary_looks.filter(last), standing(canary_looks))
    )
    return (
        _select_guardrails(canary_looks, looks, as_of),
        _select_invalid(canary_looks, looks, as_of),
        _select_waiting(stands, policies, as_of, promotion),
    )


def _select_latest_looks(looks: pl.LazyFrame, deployments: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Return one look each at candidates whose deployment runs, or ended in the last days."""
    lately = (pl.col("status") == "running") | (pl.col("ended_at") >= as_of - KEPT)
    running = deployments.filter(lately).select("tenant_id", "deployment_id", deployment_status="status")
    return looks.join(running, on=["tenant_id", "deployment_id"], nulls_equal=True).with_columns(
        subject=fill_in("{} {}", "policy_id", "policy_version")
    )


def _select_guardrails(canary_looks: pl.LazyFrame, looks: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Return guardrails that are broken at the latest look, with the figures of the first look that found them so."""
    metric, names = pl.col("guardrails_broken"), ("effect", "lower", "margin")
    since = (
        canary_looks.explode("guardrails_broken", empty_as_null=False)
        .filter(metric.is_not_null())
        .with_columns(rail=pl.col("guardrails").str.json_decode(_RAILS))
        .explode("rail", empty_as_null=False)
        .with_columns(pl.col("rail").struct.unnest().name.prefix("rail_"))
        .filter(pl.col("rail_metric") == metric)
        .sort("look")
        .group_by(*CANDIDATE, "guardrails_broken")
        .agg(
            pl.col("look").first(),
            *(pl.col(f"rail_{name}").first().alias(name) for name in (*names, "units", "units_control")),
            raised_on=pl.col("looked_on").first(),
        )
        .with_columns(*round_columns(*names))
    )
    own = (*CANDIDATE, "guardrails_broken", "subject", "doer", "policy_id", "deployment_status")
    return (
        looks.explode("guardrails_broken", empty_as_null=False)
        .select(own)
        .join(since, on=[*CANDIDATE, "guardrails_broken"], nulls_equal=True)
        .filter(_is_current(as_of))
        .with_columns(
            finding_id=name_of("broken_guardrail", *CANDIDATE[1:], "guardrails_broken"),
            window=fill_in("night {}, on {}", "look", "raised_on"),
            figures=figures(*names, "units", "units_control", "look"),
            verdict=pl.lit("broken"),
            remedy=pl.lit("Roll the candidate back, unless the night does."),
            kind=pl.lit("broken_guardrail"),
            severity=pl.lit("critical"),
            sentence=fill_in(
                "{} {} breaks the guardrail {} in {} since night {}, on {}: {}, at least {} over all nights, where {} is tolerated; {} "
                "units against {}.",
                "policy_id",
                "policy_version",
                metric,
                "deployment_id",
                "look",
                "raised_on",
                number("effect", signed=True),
                number("lower", signed=True),
                number("margin", signed=True),
                "units",
                "units_control",
            ),
        )
    )


def _select_invalid(canary_looks: pl.LazyFrame, looks: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Return canaries whose latest look says that the comparison is invalid, since the first look that said so."""
    invalid = pl.col("verdict") == "invalid"
    since = canary_looks.filter(invalid).group_by(CANDIDATE).agg(raised_on=pl.col("looked_on").min())
    return (
        looks.filter(invalid)
        .join(since, on=CANDIDATE, nulls_equal=True)
        .filter(_is_current(as_of))
        .with_columns(
            finding_id=name_of("invalid_canary", *CANDIDATE[1:]),
            window=_compute_looks(),
            figures=_look_figures(),
            verdict=pl.lit("invalid"),
            remedy=pl.lit("Find why runs are lost or routed otherwise, end the canary, and start it anew."),
            kind=pl.lit("invalid_canary"),
            severity=pl.lit("warning"),
            sentence=fill_in(
                "{} says nothing of {} {}. {} As of {}.",
                "deployment_id",
                "policy_id",
                "policy_version",
                "reason",
                _compute_looks(),
            ),
        )
    )


def _select_waiting(looks: pl.LazyFrame, policies: pl.LazyFrame, as_of: datetime, promotion: Promotion) -> pl.LazyFrame:
    """Return candidates in the canary that may be promoted and were not yet, since the look that crossed the boundary."""
    holds = pl.col("approved_at") >= as_of - timedelta(days=promotion.approval_days)
    needed = ~holds.fill_null(value=False) & promotion.needs_approval
    waits = pl.when(needed).then(pl.lit("a person's approval")).otherwise(pl.lit("somebody to promote it"))
    active = policies.filter(pl.col("status") == "active").select(
        "tenant_id", "policy_id", control_version="policy_version", is_active=pl.lit(value=True)
    )
    first = pl.col("looked_on") - pl.duration(days=pl.col("look") - pl.col("crossed_on_look"))
    return (
        looks.filter(
            pl.col("verdict") == "promote",
            pl.col("deployment_mode") == "canary",
        )
        .join(policies.select(*VERSION, "status", "approved_at"), on=VERSION, how="left", nulls_equal=True)
        # A canary that ended by another candidate leaves the verdict on this one as it was, while its control is active.
        .join(active, on=["tenant_id", "policy_id", "control_version"], how="left", nulls_equal=True)
        .filter((pl.col("deployment_status") == "running") | pl.col("is_active"))
        .filter(pl.col("status").fill_null("canary") == "canary")
        .with_columns(
            raised_on=pl.coalesce(first, "looked_on"),
            finding_id=name_of("promotion_waiting", *CANDIDATE[1:]),
            window=_compute_looks(),
            figures=_look_figures(),
            verdict=pl.lit("promote"),
            remedy=pl.lit("Approve it with `kaizen policy approve`, or promote it with `kaizen policy promote`."),
            kind=pl.lit("promotion_waiting"),
            severity=pl.lit("info"),
            sentence=fill_in(
                "{} {} waits for {}. {} As of {}.", "policy_id", "policy_version", waits, "reason", _compute_looks()
            ),
        )
    )


def of_rollbacks(policy_promotions: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Return versions that were taken out of service in the last days."""
    return policy_promotions.filter(
        pl.col("action") == "rolled_back", pl.col("occurred_at") >= as_of - KEPT, pl.col("occurred_at") < as_of
    ).with_columns(
        finding_id=name_of("rollback", "event_id"),
        window=pl.col("occurred_at").dt.date().cast(pl.String),
        figures=pl.lit("{}"),
        verdict=pl.lit("rolled back"),
        remedy=pl.lit("Read its audit with `kaizen policy audit` before it is tried again."),
        subject=fill_in("{} {}", "policy_id", "policy_version"),
        kind=pl.lit("rollback"),
        severity=pl.lit("warning"),
        raised_on=pl.col("occurred_at").dt.date(),
        sentence=fill_in(
            "{} {} was rolled back by {} on {}{}.{}",
            "policy_id",
            "policy_version",
            "decided_by",
            pl.col("occurred_at").dt.date().cast(pl.String),
            _where("restored_version", "; {} is active again"),
            _where("reason", " Reason: {}"),
        ),
    )


def _is_current(as_of: datetime) -> pl.Expr:
    """Return what holds, or came up in the last days."""
    return (pl.col("deployment_status") == "running") | (pl.col("raised_on") >= (as_of - KEPT).date())


def _where(name: str, words: str) -> pl.Expr:
    """Return words with a text in them; none where it is null."""
    text = pl.col(name).fill_null("")
    return pl.when(pl.col(name).is_null()).then(pl.lit("")).otherwise(fill_in(words, text))


def _compute_looks() -> pl.Expr:
    """Return the nights that a look rests on."""
    return fill_in("night {}, on {}", "look", "looked_on")


def _look_figures() -> pl.Expr:
    """Return what a look tells in its reason, rounded as its reason does."""
    effects = ("effect", "sequential_ci_low", "sequential_ci_high")
    return pl.struct(
        *(pl.col(name).round_sig_figs(3).round(6) for name in effects), "units", "units_control", "look"
    ).struct.json_encode()
