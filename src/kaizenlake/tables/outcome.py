"""Gold tables of outcomes: what was won and lost, and what goes with winning."""

from __future__ import annotations

import polars as pl

from kaizenlake.tables.base import INSTANT, Table, column, count, facts, rate, tenant
from kaizenlake.tables.content import RATES

KINDS = ("pack", "deal", "outreach", "creative", "run")
SUBJECT_KINDS = tuple(kind for kind in KINDS if kind != "creative")
"""Kinds that are decided by an event; a creative is by its label."""

SCOPES = ("project", "segment")
EVIDENCE = ("experiment", "observation")
VERDICTS = ("works", "risky", "unclear")


class OutcomeSubjects(Table):
    """One decided outcome of a pack, a deal, an outreach or a run, with what is known of it."""

    tenant_id: str = tenant()
    kind: str = column("What was decided.", isin=SUBJECT_KINDS)
    subject_id: str = column("What it was decided of: pack run, lead, outreach, run.")
    decided_at: INSTANT = column("When it was decided.")
    won: bool = column("It was decided in favour.")
    project_id: str = column("Project it belongs to; null where none was given.", nullable=True)
    industry: str = column("Industry, of the subject or else of its project; null where unknown.", nullable=True)
    client_type: str = column(
        "Kind of client, of the subject or else of its project; null where unknown.", nullable=True
    )
    pack_key: str = column("Pack; null for other kinds.", nullable=True)
    pack_family: str = column("Family of the pack; null for other kinds.", nullable=True)
    pack_tier: str = column("Tier of the pack; null where it has none, and for other kinds.", nullable=True)
    model: str = column("Model that worked on a pack or a run; null where unknown, and for other kinds.", nullable=True)
    source: str = column("Where the lead came from; null where unknown, and for other kinds.", nullable=True)
    channel: str = column("Channel of the message; null where unknown, and for other kinds.", nullable=True)
    template_id: str = column("Template of the message; null where unknown, and for other kinds.", nullable=True)
    doer: str = column("Agent that did a run; null where unknown, and for other kinds.", nullable=True)
    phase: str = column("Phase of a run; null where unknown, and for other kinds.", nullable=True)
    policy_id: str = column("Policy of a run; null where unknown, and for other kinds.", nullable=True)
    event_date: pl.Date = column("UTC date of the decision, by which the table is partitioned.")

    class Config(Table.Config):
        metadata = facts("gold", "outcome_subjects", ("tenant_id", "kind", "project_id", "subject_id"), "event_date")


class Outcomes(Table):
    """One decided outcome and one dimension of it."""

    tenant_id: str = tenant()
    kind: str = column("What was decided.", isin=KINDS)
    subject_id: str = column("What it was decided of: pack run, lead, outreach, platform/content, run.")
    decided_at: INSTANT = column("When it was decided.")
    won: bool = column("It was decided in favour.")
    dimension: str = column("Dimension, such as template_id.")
    value: str = column("Value of the dimension.")
    project_id: str = column("Project it belongs to; null where none was given.", nullable=True)
    industry: str = column("Industry, of the subject or else of its project; null where unknown.", nullable=True)
    client_type: str = column(
        "Kind of client, of the subject or else of its project; null where unknown.", nullable=True
    )

    event_date: pl.Date = column("UTC date of the decision, by which the table is partitioned.")

    class Config(Table.Config):
        metadata = facts(
            "gold", "outcomes", ("tenant_id", "kind", "project_id", "subject_id", "dimension"), "event_date"
        )


class OutcomeCounts(Table):
    """Outcomes of one project, segment, dimension and value, counted: a mergeable aggregate."""

    tenant_id: str = tenant()
    project_id: str = column("Project; null where none was given.", nullable=True)
    industry: str = column("Industry; null where unknown.", nullable=True)
    client_type: str = column("Kind of client; null where unknown.", nullable=True)
    kind: str = column("What was decided.", isin=KINDS)
    dimension: str = column("Dimension, such as template_id.")
    value: str = column("Value of the dimension.")
    wins: pl.Int64 = count("Outcomes decided in favour.")
    decided: pl.Int64 = column("Outcomes decided.", ge=1)

    class Config(Table.Config):
        metadata = facts(
            "gold",
            "outcome_counts",
            ("tenant_id", "project_id", "industry", "client_type", "kind", "dimension", "value"),
        )


class WinRates(Table):
    """The share of decided outcomes that were won, by kind, dimension and value, over everything."""

    tenant_id: str = tenant()
    kind: str = column("What was decided.", isin=KINDS)
    dimension: str = column("Dimension, such as template_id.")
    value: str = column("Value of the dimension.")
    wins: pl.Int64 = count("Outcomes decided in favour.")
    decided: pl.Int64 = column("Outcomes decided.", ge=1)
    win_rate: float = rate("Wins over decided.")
    ci_low: float = rate("Lower end of the Wilson interval.")
    ci_high: float = rate("Upper end of the Wilson interval.")
    shrunk_rate: float = rate("Win rate drawn toward its kind and dimension (empirical-Bayes beta-binomial).")
    lift: float = column(
        "Win rate over the rate of the other values of the dimension, less 1; null without others or where they never won.",
        nullable=True,
    )
    p_value: float = rate("p of the difference from the other values; null without others.", nullable=True)
    q_value: float = rate("p corrected within kind and dimension (Benjamini-Hochberg); null where p is.", nullable=True)

    class Config(Table.Config):
        metadata = facts("gold", "win_rates", ("tenant_id", "kind", "dimension", "value"))


class ScopedWinRates(Table):
    """The same within one project or one segment (industry and kind of client), drawn toward the whole."""

    tenant_id: str = tenant()
    scope: str = column("Kind of scope.", isin=SCOPES)
    project_id: str = column("Project; null for a segment.", nullable=True)
    industry: str = column("Industry of the segment; null for a project.", nullable=True)
    client_type: str = column("Kind of client of the segment; null for a project.", nullable=True)
    kind: str = column("What was decided.", isin=KINDS)
    dimension: str = column("Dimension, such as template_id.")
    value: str = column("Value of the dimension.")
    wins: pl.Int64 = count("Outcomes decided in favour.")
    decided: pl.Int64 = column("Outcomes decided.", ge=1)
    win_rate: float = rate("Wins over decided.")
    ci_low: float = rate("Lower end of the Wilson interval.")
    ci_high: float = rate("Upper end of the Wilson interval.")
    whole_rate: float = rate("Shrunk rate of the same value over everything.")
    shrunk_rate: float = rate("Win rate drawn toward the whole rate.")
    borrowed_rate: float = rate(
        "Weight of the whole in the shrunk rate: prior strength over prior strength plus decided."
    )
    p_value: float = rate("p of the difference from the scope's other values; null without others.", nullable=True)
    q_value: float = rate("p corrected within scope, kind and dimension; null where p is.", nullable=True)

    class Config(Table.Config):
        metadata = facts(
            "gold",
            "scoped_win_rates",
            ("tenant_id", "scope", "project_id", "industry", "client_type", "kind", "dimension", "value"),
        )


class Patterns(Table):
    """One pattern of content and how contents with it fare against contents without it."""

    tenant_id: str = tenant()
    evidence: str = column("Contrast within experiments, or comparison of what was observed.", isin=EVIDENCE)
    pattern_type: str = column("Attribute or text feature, such as hook_type.")
    pattern: str = column("Its value, such as question.")
    contents: pl.Int64 = count(
        "Contents with the pattern: those in the experiments that count; for observation, all that have a rate."
    )
    experiments: pl.Int64 = count("Experiments that contrast it; for observation, the (project, platform) strata.")
    effect: float = column("Rate with less rate without: the lift times the rate without.", nullable=True)
    lift: float = column("Rate with over rate without, less 1, pooled (DerSimonian-Laird).", nullable=True)
    ci_low: float = column("Lower end of the effect's interval.", nullable=True)
    ci_high: float = column("Upper end of the effect's interval.", nullable=True)
    p_value: float = rate("p of the pooled lift; null where it cannot be computed.", nullable=True)
    q_value: float = rate(
        "p corrected within evidence and pattern type, text features together (Benjamini-Hochberg); null where p is.",
        nullable=True,
    )
    shrunk_lift: float = column(
        "Lift drawn toward the other patterns of its type, text features together.", nullable=True
    )
    verdict: str = column("Works, risky or unclear.", isin=VERDICTS)
    metric: str = column("Rate that is compared.", isin=RATES)
    lift_ci_low: float = column("Lower end of the lift's interval.", nullable=True)
    lift_ci_high: float = column("Upper end of the lift's interval.", nullable=True)
    rate_with: float = rate("Mean rate of the contents with the pattern; null where it is not compared.", nullable=True)
    rate_without: float = rate(
        "Rate of the contents without it, in the same experiments or strata in the proportions of those with it; "
        "null where it is not compared.",
        nullable=True,
    )
    heterogeneity_rate: float = rate("Share of the spread that is between experiments (I squared).", nullable=True)
    left_out: pl.Int64 = count("Experiments left out because their arms failed the sample-ratio test.")

    class Config(Table.Config):
        metadata = facts("gold", "patterns", ("tenant_id", "evidence", "pattern_type", "pattern"))


class ScopedPatterns(Table):
    """One pattern within one project or segment, observed, and drawn toward the whole."""

    tenant_id: str = tenant()
    scope: str = column("Kind of scope.", isin=SCOPES)
    project_id: str = column("Project; null for a segment.", nullable=True)
    industry: str = column("Industry of the segment; null for a project.", nullable=True)
    client_type: str = column("Kind of client of the segment; null for a project.", nullable=True)
    pattern_type: str = column("Attribute or text feature, such as hook_type.")
    pattern: str = column("Its value, such as question.")
    contents: pl.Int64 = column("Contents with the pattern that have a rate.", ge=1)
    rate_with: float = rate("Mean rate of the contents with the pattern; null where it is not compared.", nullable=True)
    rate_without: float = rate(
        "Rate of the contents without it, on the same platforms in the proportions of those with it; "
        "null where it is not compared.",
        nullable=True,
    )
    lift: float = column("Rate with over rate without, less 1, pooled over platforms.", nullable=True)
    lift_ci_low: float = column("Lower end of the lift's interval.", nullable=True)
    lift_ci_high: float = column("Upper end of the lift's interval.", nullable=True)
    whole_lift: float = column("Lift of the same pattern over everything.", nullable=True)
    shrunk_lift: float = column(
        "Lift drawn toward the whole lift; the whole lift itself where the scope can compare nothing.", nullable=True
    )
    p_value: float = rate("p of the lift; null where it cannot be computed.", nullable=True)
    q_value: float = rate(
        "p corrected within scope and pattern type, text features together; null where p is.", nullable=True
    )
    verdict: str = column("Works, risky or unclear, by the contents of the scope alone.", isin=VERDICTS)
    metric: str = column("Rate that is compared: that of the whole.", isin=RATES)

    class Config(Table.Config):
        metadata = facts(
            "gold",
            "scoped_patterns",
            ("tenant_id", "scope", "project_id", "industry", "client_type", "pattern_type", "pattern"),
        )
