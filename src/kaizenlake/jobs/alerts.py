"""What should somebody know tonight? Doers that get worse, guardrails that broke, canaries that mean nothing, roll backs."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs._loss_sums import known_before
from kaizenlake.jobs.crl_trends import is_recent
from kaizenlake.jobs.policies import VERSION
from kaizenlake.parameters import Promotion
from kaizenlake.tables import Alerts, CanaryLooks, CrlTrends, Deployments, Policies, PolicyPromotions

KEPT = timedelta(days=30)
"""How long something that happened is told of; what holds is told of while it does."""

LONGEST = 1_000
"""Most characters of the words of an alert."""

DOER = ("tenant_id", "doer")
CANDIDATE = ("tenant_id", "deployment_id", "policy_version")


@job(reads=(CrlTrends, PolicyPromotions, CanaryLooks, Deployments, Policies), writes=Alerts)
def alerts(
    crl_trends: pl.LazyFrame,
    policy_promotions: pl.LazyFrame,
    canary_looks: pl.LazyFrame,
    deployments: pl.LazyFrame,
    policies: pl.LazyFrame,
    *,
    as_of: datetime,
    promotion: Promotion = Promotion(),  # noqa: B008 - frozen
) -> pl.LazyFrame:
    """List what somebody should know, each under a name that stays the same while it holds.

    Args:
        crl_trends: Loss of each doer by day.
        policy_promotions: Decisions on policies.
        canary_looks: Looks at candidates.
        deployments: Shadows and canaries.
        policies: Versions as they stand.
        as_of: What happened from this instant on does not count.
        promotion: Whether a promotion needs an approval, and for how long one holds.
    """
    looks = _latest(canary_looks, deployments, as_of)
    found = (
        _degrading(crl_trends, as_of),
        _guardrails(canary_looks, looks, as_of),
        _invalid(canary_looks, looks, as_of),
        _rollbacks(policy_promotions, as_of),
        _waiting(looks, policies, as_of, promotion),
    )
    names = tables.schema(Alerts).names()
    return (
        pl.concat([frame.with_columns(pl.col("words").str.slice(0, LONGEST)).select(names) for frame in found])
        .filter(pl.col("raised_on").is_not_null())
        .sort("raised_on", "tenant_id", "alert_id", descending=[True, False, False])
    )


def _degrading(crl_trends: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Doers that are degrading on their latest day, where that is recent, with the figures of their latest alarm."""
    of_all = crl_trends.filter(pl.col("cut") == "all", known_before(as_of))
    standing = (
        of_all.filter(pl.col("event_date") == pl.col("event_date").max().over(DOER), is_recent(as_of))
        .filter(pl.col("degrading_since").is_not_null())
        .select(*DOER, "degrading_since", event_date="last_alarm")
    )
    shown = ("level_loss", "baseline_loss", "rise", "rise_ci_low", "rise_ci_high")
    return standing.join(of_all.select(*DOER, "event_date", *shown), on=[*DOER, "event_date"], nulls_equal=True).select(
        *DOER,
        raised_on="degrading_since",
        alert_id=_named("degrading_doer", "doer", "degrading_since"),
        kind=pl.lit("degrading_doer"),
        severity=pl.lit("warning"),
        policy_id=_NONE,
        policy_version=_NONE,
        deployment_id=_NONE,
        words=_words(
            "The loss of {} has risen: {} over the 7 days to {} after {} in its baseline, {}.",
            "doer",
            _said("level_loss"),
            pl.col("event_date").cast(pl.String),
            _said("baseline_loss"),
            _between("rise", "rise_ci_low", "rise_ci_high"),
        ),
    )


def _latest(canary_looks: pl.LazyFrame, deployments: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """The latest look at each candidate whose deployment runs, or ended in the last days."""
    lately = (pl.col("status") == "running") | (pl.col("ended_at") >= as_of - KEPT)
    last = pl.col("look") == pl.col("look").max().over(CANDIDATE)
    running = deployments.filter(lately).select("tenant_id", "deployment_id", deployment_status="status")
    return canary_looks.filter(last).join(running, on=["tenant_id", "deployment_id"], nulls_equal=True)


def _guardrails(canary_looks: pl.LazyFrame, looks: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Guardrails that are broken at the latest look, since the first look that found them so."""
    metric = pl.col("guardrails_broken")
    since = (
        canary_looks.explode("guardrails_broken", empty_as_null=False)
        .group_by(*CANDIDATE, "guardrails_broken")
        .agg(raised_on=pl.col("looked_on").min())
    )
    return (
        looks.explode("guardrails_broken", empty_as_null=False)
        .join(since, on=[*CANDIDATE, "guardrails_broken"], nulls_equal=True)
        .filter(_told(as_of))
        .with_columns(
            alert_id=_named("broken_guardrail", *CANDIDATE[1:], "guardrails_broken"),
            kind=pl.lit("broken_guardrail"),
            severity=pl.lit("critical"),
            words=_words(
                "{} {} breaks the guardrail {} in {}. {}",
                "policy_id",
                "policy_version",
                metric,
                "deployment_id",
                "reason",
            ),
        )
    )


def _invalid(canary_looks: pl.LazyFrame, looks: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Canaries whose latest look says that the comparison is invalid, since the first look that said so."""
    invalid = pl.col("verdict") == "invalid"
    since = canary_looks.filter(invalid).group_by(CANDIDATE).agg(raised_on=pl.col("looked_on").min())
    return (
        looks.filter(invalid)
        .join(since, on=CANDIDATE, nulls_equal=True)
        .filter(_told(as_of))
        .with_columns(
            alert_id=_named("invalid_canary", *CANDIDATE[1:]),
            kind=pl.lit("invalid_canary"),
            severity=pl.lit("warning"),
            words=_words("{} says nothing of {} {}. {}", "deployment_id", "policy_id", "policy_version", "reason"),
        )
    )


def _waiting(looks: pl.LazyFrame, policies: pl.LazyFrame, as_of: datetime, promotion: Promotion) -> pl.LazyFrame:
    """Candidates in the canary that may be promoted and were not yet, since the look that crossed the boundary."""
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
            alert_id=_named("promotion_waiting", *CANDIDATE[1:]),
            kind=pl.lit("promotion_waiting"),
            severity=pl.lit("info"),
            words=_words("{} {} waits for {}. {}", "policy_id", "policy_version", waits, "reason"),
        )
    )


def _rollbacks(policy_promotions: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """Versions that were taken out of service in the last days."""
    return policy_promotions.filter(
        pl.col("action") == "rolled_back", pl.col("occurred_at") >= as_of - KEPT, pl.col("occurred_at") < as_of
    ).with_columns(
        alert_id=_named("rollback", "event_id"),
        kind=pl.lit("rollback"),
        severity=pl.lit("warning"),
        raised_on=pl.col("occurred_at").dt.date(),
        words=_words(
            "{} {} was rolled back by {} on {}{}.{}",
            "policy_id",
            "policy_version",
            "decided_by",
            pl.col("occurred_at").dt.date().cast(pl.String),
            _where("restored_version", "; {} is active again"),
            _where("reason", " Reason: {}"),
        ),
    )


_NONE = pl.lit(None, pl.String)


def _told(as_of: datetime) -> pl.Expr:
    return (pl.col("deployment_status") == "running") | (pl.col("raised_on") >= (as_of - KEPT).date())


def _named(kind: str, *columns: str) -> pl.Expr:
    """A name out of other names: slashes in them are written as ~1, so that different ones never meet."""
    parts = [
        pl.col(name).cast(pl.String).str.replace_all("~", "~0", literal=True).str.replace_all("/", "~1", literal=True)
        for name in columns
    ]
    return pl.concat_str([pl.lit(kind), *parts], separator="/")


def _words(template: str, *parts: str | pl.Expr) -> pl.Expr:
    """A sentence of a template and what stands at each `{}`; null where one of them is.

    As `pl.format`, which ends the process on an empty chunk of the streaming engine (Polars 2.1).
    """
    between = [pl.lit(text) for text in template.split("{}")]
    woven: list[pl.Expr] = [between[0]]
    for part, text in zip(parts, between[1:], strict=True):
        woven += [pl.col(part) if isinstance(part, str) else part, text]
    return pl.concat_str(woven)


def _where(name: str, words: str) -> pl.Expr:
    """Words with a text in them; none where it is null."""
    text = pl.col(name).fill_null("")
    return pl.when(pl.col(name).is_null()).then(pl.lit("")).otherwise(_words(words, text))


def _said(name: str, *, signed: bool = False) -> pl.Expr:
    """A figure with four decimals; `not known` where it is null."""
    figure = pl.col(name).round(4)
    plus = pl.when(figure > 0).then(pl.lit("+")).otherwise(pl.lit("")) if signed else pl.lit("")
    return (plus + figure.cast(pl.Decimal(38, 4)).cast(pl.String)).fill_null("not known")


def _between(value: str, low: str, high: str) -> pl.Expr:
    whole = _words("{} ({} to {})", *(_said(name, signed=True) for name in (value, low, high)))
    return pl.when(pl.col(low).is_null()).then(_said(value, signed=True)).otherwise(whole)
