"""Gold tables of outcomes: what was won and lost, and what goes with winning."""

from __future__ import annotations

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, Table, Words, column, count, rate, table
from kaizenlake.tables.content import RATES, TEXT_FEATURES

KINDS = ("pack", "deal", "outreach", "creative", "run")
SUBJECT_KINDS = tuple(kind for kind in KINDS if kind != "creative")
"""Kinds that are decided by an event; a creative is by its rate."""

SCOPES = ("project", "segment")

ALL = "all"
"""The dimension that every outcome has, with this as its only value: its rows count each outcome once."""

STATUSES = ("rated", "pending")
EVIDENCE = ("experiment", "observation")
VERDICTS = ("works", "risky", "unclear")

MIN_TENANTS = 5
"""Fewest tenants whose effects are pooled, so that none of them can be told from the mean."""


_AGE = "Age at which it counts: so many days after its start; 0 for its start itself."
_WON = (
    "It was won within that age; null at its start for a kind that takes time to be decided, and for a content with too "
    "few impressions."
)
_STRATUM = "What it is compared within, beside its project, such as platform and reach; empty where nothing else."
_STATUS = "Rated, or pending: too few of its subjects are old enough."
_TAKEN_AT = "Age at which the figures are taken; null where no subject is old enough. 0: decided at once."
_ADJUSTED = (
    "Rate that the value would have with the mix of cases that all have (indirect standardisation over the strata). The win "
    "rate itself where it is compared in none; null while pending."
)
_COMPARED = "Win rate in the strata that hold other values too (Mantel-Haenszel weights); null without others."
_LIFT = (
    "Rate over that of the other values, less 1. Cases are compared within strata of project, platform and what else the kind "
    "needs (Mantel-Haenszel). Null without others in any stratum, where they never won, and across platforms."
)
_P = "p of the difference from the other values within the strata (Cochran-Mantel-Haenszel); null where there are none."


@table(layer="gold", grain=("tenant_id", "kind", "project_id", "subject_id", "age_days"), partition="event_date")
class OutcomeSubjects(OfTenant):
    """One pack, lead, outreach message or run at one age: was it won within that age? With what is known of it."""

    kind: str = column("What was decided.", isin=SUBJECT_KINDS)
    subject_id: str = column("What it is decided of: pack run, lead, outreach, run.")
    age_days: pl.Int64 = column(_AGE, unit="days", ge=0)
    started_at: Instant = column("When the subject began: pack run, lead, message; a run when it ended.")
    won: bool = column(_WON, nullable=True)
    is_latest: bool = column("It is the oldest age that the subject has reached.")
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
    event_date: pl.Date = column("UTC date on which it reached the age, by which the table is partitioned.")


@table(
    layer="gold",
    grain=("tenant_id", "kind", "project_id", "subject_id", "age_days", "dimension"),
    partition="event_date",
)
class Outcomes(OfTenant):
    """One subject at one age, and one dimension of it: was it won within that age?"""

    kind: str = column("What was decided: one of our kinds, or one that a plug-in declares.")
    subject_id: str = column("What it is decided of: pack run, lead, outreach, platform/content, run.")
    age_days: pl.Int64 = column(_AGE, unit="days", ge=0)
    started_at: Instant = column(
        "When the subject began: pack run, lead, message; a run and a content when it was told."
    )
    won: bool = column(_WON, nullable=True)
    is_latest: bool = column("It is the oldest age that the subject has reached.")
    dimension: str = column("Dimension, such as template_id.")
    value: str = column("Value of the dimension.")
    stratum: str = column(_STRATUM)
    project_id: str = column("Project it belongs to; null where none was given.", nullable=True)
    industry: str = column("Industry, of the subject or else of its project; null where unknown.", nullable=True)
    client_type: str = column(
        "Kind of client, of the subject or else of its project; null where unknown.", nullable=True
    )
    event_date: pl.Date = column("UTC date on which it reached the age, by which the table is partitioned.")


@table(
    layer="gold",
    grain=(
        *("tenant_id", "project_id", "industry", "client_type"),
        *("kind", "dimension", "value", "stratum", "age_days"),
    ),
)
class OutcomeCounts(OfTenant):
    """Subjects of one project, segment, dimension, value, stratum and age, counted: a mergeable aggregate."""

    project_id: str = column("Project; null where none was given.", nullable=True)
    industry: str = column("Industry; null where unknown.", nullable=True)
    client_type: str = column("Kind of client; null where unknown.", nullable=True)
    kind: str = column("What was decided: one of our kinds, or one that a plug-in declares.")
    dimension: str = column("Dimension, such as template_id.")
    value: str = column("Value of the dimension.")
    stratum: str = column(_STRATUM)
    age_days: pl.Int64 = column(_AGE, unit="days", ge=0)
    wins: pl.Int64 = count("Subjects that were won within the age.")
    decided: pl.Int64 = count("Subjects that reached the age and count.")
    undecided: pl.Int64 = count("Subjects of which nothing can be said at the age.")
    latest: pl.Int64 = count("Subjects of which this is the oldest age they have reached.")


@table(layer="gold", grain=("tenant_id", "kind", "dimension", "value"))
class WinRates(OfTenant):
    """The share of subjects that were won within an age, by kind, dimension and value, over everything."""

    kind: str = column("What was decided: one of our kinds, or one that a plug-in declares.")
    dimension: str = column("Dimension, such as template_id.", format="words")
    value: str = column("Value of the dimension.")
    status: str = column(_STATUS, isin=STATUSES)
    age_days: pl.Int64 = column(_TAKEN_AT, unit="days", nullable=True, ge=0, label="Age", format="age")
    wins: pl.Int64 = count("Subjects that were won within that age.", label="Won")
    decided: pl.Int64 = count("Subjects that have reached that age.")
    pending: pl.Int64 = count("Subjects that have not, or of which nothing can be said yet.")
    win_rate: float = rate("Wins over decided; null while pending.", nullable=True)
    ci_low: float = rate(
        "Lower end of the Wilson interval; null while pending.", nullable=True, label="Interval, lower end"
    )
    ci_high: float = rate(
        "Upper end of the Wilson interval; null while pending.", nullable=True, label="Interval, upper end"
    )
    adjusted_rate: float = rate(_ADJUSTED, nullable=True)
    shrunk_rate: float = rate(
        "Adjusted rate drawn toward its kind and dimension (empirical-Bayes beta-binomial); null while pending.",
        nullable=True,
    )
    strata: pl.Int64 = count("Strata in which it can be compared with other values.")
    compared_rate: float = rate(_COMPARED, nullable=True)
    others_rate: float = rate("The same of the other values; null without others.", nullable=True)
    lift: float = column(_LIFT, nullable=True, format="lift")
    p_value: float = rate(_P, nullable=True, label="p-value", format="q")
    q_value: float = rate(
        "p corrected within kind and dimension (Benjamini-Hochberg); null where p is.",
        nullable=True,
        label="q-value",
        format="q",
    )


class _InAScope(OfTenant):
    """Columns that say of which project or segment a row is."""

    scope: str = column("Kind of scope.", isin=SCOPES)
    project_id: str = column("Project; null for a segment.", nullable=True)
    industry: str = column("Industry of the segment; null for a project.", nullable=True)
    client_type: str = column("Kind of client of the segment; null for a project.", nullable=True)


@table(
    layer="gold", grain=("tenant_id", "scope", "project_id", "industry", "client_type", "kind", "dimension", "value")
)
class ScopedWinRates(_InAScope):
    """The same within one project or one segment (industry and kind of client), drawn toward the whole."""

    kind: str = column("What was decided: one of our kinds, or one that a plug-in declares.")
    dimension: str = column("Dimension, such as template_id.")
    value: str = column("Value of the dimension.")
    status: str = column(_STATUS, isin=STATUSES)
    age_days: pl.Int64 = column(_TAKEN_AT, unit="days", nullable=True, ge=0)
    wins: pl.Int64 = count("Subjects that were won within that age.")
    decided: pl.Int64 = count("Subjects that have reached that age.")
    pending: pl.Int64 = count("Subjects that have not, or of which nothing can be said yet.")
    win_rate: float = rate("Wins over decided; null while pending.", nullable=True)
    ci_low: float = rate("Lower end of the Wilson interval; null while pending.", nullable=True)
    ci_high: float = rate("Upper end of the Wilson interval; null while pending.", nullable=True)
    adjusted_rate: float = rate(_ADJUSTED, nullable=True)
    whole_rate: float = rate(
        "Shrunk rate of the same value over everything; null while that is pending.", nullable=True
    )
    shrunk_rate: float = rate("Adjusted rate drawn toward the whole rate; null where either is.", nullable=True)
    borrowed_rate: float = rate(
        "Weight of the whole in the shrunk rate: prior strength over prior strength plus decided; null where that is.",
        nullable=True,
    )
    strata: pl.Int64 = count("Strata in which it can be compared with other values.")
    compared_rate: float = rate(_COMPARED, nullable=True)
    others_rate: float = rate("The same of the other values; null without others.", nullable=True)
    lift: float = column(_LIFT, nullable=True)
    p_value: float = rate(_P, nullable=True)
    q_value: float = rate("p corrected within scope, kind and dimension; null where p is.", nullable=True)


@table(layer="gold", grain=("tenant_id", "evidence", "pattern_type", "pattern"))
class Patterns(OfTenant):
    """One pattern of content and how contents with it fare against contents without it."""

    evidence: str = column("Contrast within experiments, or comparison of what was observed.", isin=EVIDENCE)
    pattern_type: str = column("Attribute or text feature, such as hook_type.")
    pattern: str = column("Its value, such as question.")
    contents: pl.Int64 = count(
        "Posts with the pattern: those in the experiments that count. For observation, all that have a rate; those of one "
        "experiment or of one text count once.",
        label="Posts",
    )
    experiments: pl.Int64 = count("Experiments that contrast it; for observation, the (project, platform) strata.")
    effect: float = column(
        "Rate with less rate without: the lift times the rate without.", nullable=True, format="points"
    )
    lift: float = column(
        "Rate with over rate without, less 1, pooled (DerSimonian-Laird).", nullable=True, format="lift"
    )
    ci_low: float = column("Lower end of the effect's interval.", nullable=True)
    ci_high: float = column("Upper end of the effect's interval.", nullable=True)
    p_value: float = rate(
        "p of the pooled lift; null where it cannot be computed.", nullable=True, label="p-value", format="q"
    )
    q_value: float = rate(
        "p corrected within evidence and pattern type, text features together (Benjamini-Hochberg); null where p is.",
        nullable=True,
        label="q-value",
        format="q",
    )
    shrunk_lift: float = column(
        "Lift drawn toward the other patterns of its type, text features together.", nullable=True, format="lift"
    )
    verdict: str = column("Works, risky or unclear.", isin=VERDICTS, format="verdict")
    metric: str = column("Rate that is compared.", isin=RATES)
    lift_ci_low: float = column(
        "Lower end of the lift's interval.", nullable=True, label="Interval, lower end", format="lift"
    )
    lift_ci_high: float = column(
        "Upper end of the lift's interval.", nullable=True, label="Interval, upper end", format="lift"
    )
    rate_with: float = rate(
        "Mean rate of the contents with the pattern; null where it is not compared.", nullable=True, format="small_rate"
    )
    rate_without: float = rate(
        "Rate of the posts without it, in the same experiments or strata and in the same proportions. Null where it is not "
        "compared.",
        nullable=True,
        format="small_rate",
    )
    heterogeneity_rate: float = rate("Share of the spread that is between experiments (I squared).", nullable=True)
    left_out: pl.Int64 = count("Experiments left out because their arms failed the sample-ratio test.")
    platforms: Words = column("Platforms of the contents with the pattern, by name; null where unknown.", nullable=True)
    content_types: Words = column("Kinds of the contents with the pattern, by name; null where unknown.", nullable=True)


@table(layer="gold", grain=("pattern_type",))
class PooledPatterns(Table):
    """One text rule over several tenants that share its effects: the mean of their shrunken lifts, and nothing else of them."""

    pattern_type: str = column("Text feature, by a rule of this program.", isin=TEXT_FEATURES)
    tenants: pl.Int64 = column("Tenants whose effects it is the mean of.", ge=MIN_TENANTS)
    shrunk_lift: float = column("Mean of their shrunken lifts, of the logarithms of the lifts plus 1.")
    ci_low: float = column("Lower end of its interval, Student's over tenants.")
    ci_high: float = column("Upper end of its interval.")
    verdict: str = column("Works or risky where the interval leaves 0 out, else unclear.", isin=VERDICTS)


@table(
    layer="gold",
    grain=("tenant_id", "scope", "project_id", "industry", "client_type", "evidence", "pattern_type", "pattern"),
)
class ScopedPatterns(_InAScope):
    """One pattern within one project or segment, by experiment and by observation, drawn toward the whole."""

    evidence: str = column("Contrast within experiments, or comparison of what was observed.", isin=EVIDENCE)
    pattern_type: str = column("Attribute or text feature, such as hook_type.")
    pattern: str = column("Its value, such as question.")
    contents: pl.Int64 = count(
        "Posts with the pattern: those in the experiments that count. For observation, all that have a rate; those of one "
        "experiment or of one text count once."
    )
    experiments: pl.Int64 = count("Experiments that contrast it; for observation, the (project, platform) strata.")
    rate_with: float = rate("Mean rate of the contents with the pattern; null where it is not compared.", nullable=True)
    rate_without: float = rate(
        "Rate of the posts without it, in the same experiments or on the same platforms and in the same proportions. Null where "
        "it is not compared.",
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
        "p corrected within scope, evidence and pattern type, text features together; null where p is.", nullable=True
    )
    verdict: str = column("Works, risky or unclear, by the contents of the scope alone.", isin=VERDICTS)
    metric: str = column("Rate that is compared: that of the whole.", isin=RATES)


@table(
    layer="gold",
    grain=("tenant_id", "scope", "project_id", "industry", "client_type", "platform", "habit", "value"),
)
class PlatformHabits(OfTenant):
    """One tone, or one hour of posting, on one platform, against the other posts there; within projects, by observation."""

    scope: str = column("What it speaks of.", isin=("everything", "project", "segment"))
    project_id: str = column("Project; null for other scopes.", nullable=True)
    industry: str = column("Industry of a segment; null for other scopes, and where it is left open.", nullable=True)
    client_type: str = column("Kind of client of a segment; null as above.", nullable=True)
    platform: str = column("Platform.")
    habit: str = column("What is compared: the tone, or the hour at which it was published.", isin=("tone", "hour"))
    value: str = column("The tone, or the hour from 0 to 23 where its publisher is.")
    contents: pl.Int64 = count("Posts that have it and a known engagement rate.")
    other_contents: pl.Int64 = count("Other posts there of which the habit and the rate are known.")
    lift: float = column("Mean rate over that of the others, less 1; null where that is 0.", nullable=True)
    lift_ci_low: float = column("Lower end of its interval; null with fewer than two posts.", nullable=True)
    lift_ci_high: float = column("Upper end of its interval; null with fewer than two posts.", nullable=True)
    p_value: float = rate("p of no difference; null with fewer than two posts on a side.", nullable=True)
    q_value: float = rate("p corrected over all habits of the scope (Benjamini-Hochberg).", nullable=True)
    verdict: str = column("Works, is risky, or unclear.", isin=("works", "risky", "unclear"))
