"""The figures a team may set, one frozen group per question; jobs take them as arguments, settings hold them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from math import fsum, isclose
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from kaizenlake.vocabulary import BrandMetric, Estimator, Method, Priority, Risk

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=1, le=3660)]
AtLeastOne = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0, lt=1e15)]
Dollars = Annotated[float, Field(ge=0, le=1e9)]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class ParameterGroup(BaseModel):
    """A group of figures: frozen, and refusing names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tiers(ParameterGroup):
    """Engagement rates from which a tier begins; below `average` a content is poor."""

    excellent: Share = Field(default=0.10, description="Engagement rate from which a content is excellent.")
    good: Share = Field(default=0.05, description="Engagement rate from which a content is good.")
    average: Share = Field(default=0.02, description="Engagement rate from which a content is average.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.excellent > self.good > self.average:
            raise ValueError("the tiers must fall: excellent above good above average")
        return self


class Labels(ParameterGroup):
    """Who is marked winner or loser without a person's word."""

    share: Share = Field(default=0.10, description="Share at the top and at the bottom of a group that is labelled.")
    group_size: AtLeastOne = Field(default=20, description="Fewest contents of a group in which anyone is labelled.")
    impressions: AtLeastOne = Field(default=100, description="Fewest impressions of a content that can be labelled.")


class Windows(ParameterGroup):
    """How long the night waits, and how far it looks back."""

    reply_days: Days = Field(
        default=14, description="Days after which an outreach message without a reply counts as lost."
    )
    lead_days: Days = Field(default=180, description="Days after which a lead without a deal counts as lost.")
    pack_days: Days = Field(default=7, description="Days after which a pack that did not complete counts as lost.")
    other_days: Days = Field(
        default=30, description="Days after which an open subject of any other kind that takes time counts as lost."
    )
    freshness_hours: Annotated[int, Field(ge=1)] = Field(
        default=72, description="Hours without an event after which a source is stale."
    )


MIN_EXPERIMENTS = 3
"""Fewest experiments that can prove anything of a pattern."""


class EvidenceNeeds(ParameterGroup):
    """How much evidence a recommendation needs."""

    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(default=0.95, description="Confidence of all intervals.")
    q_value: Share = Field(
        default=0.05, description="Largest q-value (Benjamini-Hochberg) at which a finding is recommended."
    )
    contents: AtLeastOne = Field(default=10, description="Fewest contents with a pattern before it is judged.")
    decided: AtLeastOne = Field(
        default=10, description="Fewest decided outcomes of a value before its rate is recommended."
    )
    matured: AtLeastOne = Field(
        default=10,
        description="Subjects of a value that must have reached an age, of at least two values where there are two, "
        "before win rates are taken at that age; a value with fewer and more on their way is pending.",
    )
    sample_ratio_p: Share = Field(
        default=0.001, description="Sample-ratio p-value below which an experiment is left out."
    )


class TextModels(ParameterGroup):
    """What a model of wording needs."""

    experiments: Annotated[int, Field(ge=1)] = Field(
        default=50, description="Fewest experiments with two wordings or more from which a text model is learned."
    )


class Clarity(ParameterGroup):
    """When a brief counts as clear."""

    high_score: Annotated[float, Field(ge=0, le=100)] = Field(
        default=60.0, description="Clarity score from which a brief counts as clear when it arrives."
    )


class Confidence(ParameterGroup):
    """How the confidence of a context grows with its events: 0 at none, 50 at `half`, 100 at `full`, linear between."""

    half: AtLeastOne = Field(default=10, description="Events at which confidence is 50.")
    full: AtLeastOne = Field(default=50, description="Events from which confidence is 100.")


class SiteRules(ParameterGroup):
    """The pages over the lake, in `site/` of the reports."""

    nightly: bool = Field(default=True, description="Whether each night writes the pages that changed.")
    most_pages: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=1_000, description="Most pages of one kind, such as experiments; lists say how many more there are."
    )


class Publishing(ParameterGroup):
    """How long a publication holds, and how much of it there is."""

    valid_hours: Annotated[int, Field(ge=1, le=24 * 90)] = Field(
        default=36, description="Hours a publication stays fresh."
    )
    entries: AtLeastOne = Field(
        default=10, description="Most entries of one list in the evidence of a context; the context shows five."
    )
    text_length: Annotated[int, Field(ge=20, le=2000)] = Field(
        default=280, description="Most characters of an event's text that reach a generator."
    )
    promising: bool = Field(
        default=False,
        description="Whether lists of recommendations go on with what is promising: no verdict yet, but a chance of four in five.",
    )
    hold_out_share: Share = Field(
        default=0.1,
        description="Share of the units, such as briefs, from which contexts are held back, so that it shows what they are "
        "worth; only where a generator names its unit.",
    )
    banned_phrases: tuple[str, ...] = Field(default=(), description="Phrases a person has banned in every context.")
    redact: bool = Field(
        default=True,
        description="Whether e-mail addresses, numbers of phones, cards and accounts, and secrets are replaced by "
        "placeholders in all that is published or reported.",
    )


class SourceCap(ParameterGroup):
    """Most events of one source that land on a day, in place of the cap of all."""

    source: Text = Field(description="Source, as its events name it; of a mapped file the name of the mapping.")
    events_per_day: Annotated[int, Field(ge=0)] = Field(description="Events a UTC day and tenant; 0 is no cap.")


class LandingLimits(ParameterGroup):
    """What landing takes."""

    line_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=1_048_576, description="Longest line taken; a longer one goes to quarantine, cut to its beginning."
    )
    future_hours: Annotated[int, Field(ge=0)] = Field(
        default=24, description="Hours an event's time may lie ahead of the clock before it is quarantined."
    )
    keep_landed_days: Days = Field(default=30, description="Days a landed file is kept before maintenance removes it.")
    events_per_day: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="Most events of one source and tenant that land on a UTC day; what is over it waits in quarantine. 0 is no cap.",
    )
    caps: tuple[SourceCap, ...] = Field(
        default=(), description='Caps of single sources: { source = "crm_deals", events_per_day = 5000 }.'
    )
    flood: Literal["say", "hold"] = Field(
        default="say",
        description="What is done where a source sends ten times what it used to at once, and 1,000 events at least: `say` says so "
        "before figures are made, `hold` also keeps all of it in quarantine.",
    )

    @model_validator(mode="after")
    def _once(self) -> Self:
        told = Counter(cap.source for cap in self.caps)
        if twice := [name for name, times in told.items() if times > 1]:
            raise ValueError(f"the source {twice[0]!r} has two caps")
        return self

    @property
    def has_caps(self) -> bool:
        """Whether any source has a cap."""
        return bool(self.events_per_day or any(cap.events_per_day for cap in self.caps))

    def cap_of(self, source: str) -> int | None:
        """Return the most events of a source a day; None where there is no cap."""
        own = {cap.source: cap.events_per_day for cap in self.caps}
        return own.get(source, self.events_per_day) or None


class Tenants(ParameterGroup):
    """What tenants of one lake share."""

    sharing: Literal["off", "pooled"] = Field(
        default="off",
        description="What crosses between tenants: nothing, or `pooled`: the mean effects of text rules over five or more.",
    )


class Maintenance(ParameterGroup):
    """What maintenance keeps."""

    keep_versions_days: Days = Field(
        default=7, description="Days for which older versions of a table can still be read; what only they need goes."
    )
    compact_bytes: Annotated[int, Field(ge=1_048_576)] = Field(
        default=134_217_728, description="Size in bytes up to which the small files of a day are put together."
    )


class Retention(ParameterGroup):
    """How long `kaizen maintain` keeps what a lake works without; 0 keeps all."""

    runs_days: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Days for which the record of a run is kept; those of the latest 30 runs always are."
    )
    reports_days: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Days for which the reports of a night are kept; those of the latest night always are."
    )


WEIGHTS = {
    "gates": "wq",
    "contradictions": "wg",
    "grounding": "wr",
    "cost": "wc",
    "latency": "wt",
    "security": "ws",
    "api": "wa",
    "migration": "wd",
    "rag": "wrag",
}
"""The nine terms of the loss of a run, and the name that the weight of each has in settings."""


class LossOverride(ParameterGroup):
    """Weights that stand in place of all nine for the runs of a tenant, of a phase, or of a tenant in a phase."""

    tenant: Text | None = Field(default=None, description="Tenant; left out, the weights are of every tenant.")
    phase: Text | None = Field(default=None, description="Phase; left out, the weights are of every phase.")
    wq: Share = Field(default=0.0, description="Weight of the gates not passed.")
    wg: Share = Field(default=0.0, description="Weight of contradictions.")
    wr: Share = Field(default=0.0, description="Weight of what is not grounded.")
    wc: Share = Field(default=0.0, description="Weight of cost over budget.")
    wt: Share = Field(default=0.0, description="Weight of time over budget.")
    ws: Share = Field(default=0.0, description="Weight of critical security findings.")
    wa: Share = Field(default=0.0, description="Weight of broken interfaces.")
    wd: Share = Field(default=0.0, description="Weight of a failed database migration.")
    wrag: Share = Field(default=0.0, description="Weight of what retrieval did not find.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.tenant is None and self.phase is None:
            raise ValueError("an override names a tenant, a phase or both; weights of all runs stand in [loss] itself")
        _sum_to_one(self)
        return self


class LossTerm(ParameterGroup):
    """A term of a team's own: a numeric field of RUN_COMPLETED or RUN_SCORED, brought to [0, 1] by a rule, and its weight."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)] = Field(description="Name of the term.")
    field: Text = Field(description="Numeric field of RUN_COMPLETED or RUN_SCORED that it is made of.")
    rule: Literal["rate", "missing_rate", "count", "overrun"] = Field(
        description="rate: the value; missing_rate: 1 less the value; count: value / (value + half); "
        "overrun: value / budget - 1, as of cost. What lies outside [0, 1] is clipped."
    )
    half: Positive | None = Field(default=None, description="Value at which a `count` is one half.")
    budget: Positive | None = Field(default=None, description="Value from which an `overrun` begins.")
    weight: Positive = Field(description="Weight beside the nine, whose weights sum to 1; all are then scaled to 1.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        needed = {"count": "half", "overrun": "budget"}.get(self.rule)
        given = {name for name in ("half", "budget") if getattr(self, name) is not None}
        if given != ({needed} if needed else set()):
            raise ValueError(f"a term by the rule {self.rule!r} needs {needed or 'neither half nor budget'}, alone")
        if self.name in WEIGHTS:
            raise ValueError(f"{self.name!r} is one of the nine terms; give it another name")
        return self


class LossRules(ParameterGroup):
    """How much each term weighs in the loss of a run, and how it is brought to [0, 1]; the nine weights sum to 1."""

    wq: Share = Field(default=0.25, description="Weight of the gates not passed.")
    wg: Share = Field(default=0.10, description="Weight of contradictions.")
    wr: Share = Field(default=0.15, description="Weight of what is not grounded.")
    wc: Share = Field(default=0.10, description="Weight of cost over budget.")
    wt: Share = Field(default=0.05, description="Weight of time over budget.")
    ws: Share = Field(default=0.15, description="Weight of critical security findings.")
    wa: Share = Field(default=0.08, description="Weight of broken interfaces.")
    wd: Share = Field(default=0.07, description="Weight of a failed database migration.")
    wrag: Share = Field(default=0.05, description="Weight of what retrieval did not find.")
    contradictions_half: Positive = Field(default=3.0, description="Contradictions at which their term is one half.")
    security_half: Positive = Field(
        default=1.0, description="Critical security findings at which their term is one half."
    )
    api_half: Positive = Field(default=1.0, description="Broken interfaces at which their term is one half.")
    full_overrun: Positive = Field(
        default=1.0,
        description="Overrun, as a share of the budget, from which cost and time count in full; 1 is twice the budget.",
    )
    overrides: tuple[LossOverride, ...] = Field(
        default=(),
        description="Weights of a tenant, a phase or both, in place of all nine (what is not named weighs 0), "
        'such as [{tenant = "acme", phase = "draft", wq = 0.6, wr = 0.4}]. Tenant and phase go before tenant, '
        "tenant before phase.",
    )
    terms: tuple[LossTerm, ...] = Field(
        default=(),
        description="Terms of your own, such as "
        '[{name = "verbosity", field = "output_tokens", rule = "count", half = 4000, weight = 0.1}].',
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _sum_to_one(self)
        _no_doubles("override of", (f"tenant {item.tenant}, phase {item.phase}" for item in self.overrides))
        _no_doubles("term", (item.name for item in self.terms))
        return self


class Trends(ParameterGroup):
    """When the loss of a doer counts as better or worse."""

    half_life_days: Days = Field(default=7, description="Days after which a day weighs half in the moving average.")
    runs: Annotated[int, Field(ge=2)] = Field(
        default=10, description="Fewest runs in a window, and in the one before it, for a direction."
    )
    flat_change: Share = Field(
        default=0.01,
        description="Change of the mean loss that does not matter: an interval within it is flat, and no smaller rise raises an "
        "alert.",
    )
    small_difference: Share = Field(
        default=0.05,
        description="Difference between versions below which there is none worth speaking of: an interval within it that holds "
        "0 says so.",
    )
    baseline_days: Annotated[int, Field(ge=10, le=366)] = Field(
        default=30, description="Days with runs of an agent before its control chart says anything."
    )
    days_per_false_alarm: Annotated[float, Field(ge=20, le=1e6)] = Field(
        default=300.0,
        description="Days between false alarms of one control chart while nothing changes, on average over agents; the README "
        "shows what kinds of traffic make of it.",
    )


def _sum_to_one(weights: BaseModel) -> None:
    total = fsum(getattr(weights, name) for name in WEIGHTS.values())
    if not isclose(total, 1.0, rel_tol=0.0, abs_tol=1e-9):
        raise ValueError(f"the weights {', '.join(WEIGHTS.values())} must sum to 1; they sum to {total:g}")


def _no_doubles(what: str, names: Iterable[str]) -> None:
    if doubles := [name for name, times in Counter(names).items() if times > 1]:
        raise ValueError(f"there is more than one {what} {doubles[0]}")


class Curation(ParameterGroup):
    """Which examples are good enough to be learnt from."""

    quality_score: Annotated[float, Field(ge=0, le=100)] = Field(
        default=70.0, description="Least mark of an example, 0 to 100."
    )
    confidence: Share = Field(default=0.8, description="Least confidence of that mark.")
    near_duplicate: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.8,
        description="Jaccard similarity of shingles of three words from which on two texts are near-duplicates.",
    )
    synthetic_share: Share = Field(
        default=1.0,
        description="Largest share of examples whose output a model made and nobody edited or verified; 1 is no limit.",
    )
    capture: tuple[Literal["input", "output", "plan", "span_input", "span_output", "comment"], ...] = Field(
        default=("input", "output", "plan"),
        description="Contents that become part of examples: of tasks and plans, of the outermost step of traces (span_input, "
        "span_output), and what scorers say (comment); what is not named is left out of them.",
    )


class Guardrail(ParameterGroup):
    """A figure that a candidate may not make worse by more than a margin, whatever its loss."""

    metric: Literal[
        "security_criticals", "api_breakages", "contradictions", "cost_usd", "latency_seconds", "failed_gates_rate"
    ] = Field(description="Mean over the units of the candidate against that of the control.")
    margin: Annotated[float, Field(ge=0, lt=1e15)] = Field(
        description="Increase of that mean that is tolerated, in its unit."
    )


class Promotion(ParameterGroup):
    """What a policy needs to be promoted."""

    needs_approval: bool = Field(default=True, description="To become active, a policy needs the approval of a person.")
    approval_days: Days = Field(default=14, description="Days for which an approval holds.")
    approvers: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(),
        description="Persons who may approve, each by the signature of a key that `kaizen keys add` took; where none is "
        "named, an approval is what somebody says with --by.",
    )


class TaskRules(ParameterGroup):
    """Which tasks a setting approves by itself: none, unless types are named here."""

    auto_approve_types: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        default=(),
        description="Types of tasks that are approved without a person; every such approval stands in the audit. Where "
        "promotion.approvers names persons, none is.",
    )
    auto_approve_confidence: Share = Field(
        default=0.9, description="Confidence that such a task needs; one that tells none waits for a person."
    )
    auto_approve_risk: Risk = Field(
        default="low", description="Most risk that such a task may have; one that tells none counts as high."
    )


class AnomalyRules(ParameterGroup):
    """When a rate of a brand is too low: by a floor, or by the brand's own past."""

    email_open_rate: Share = Field(
        default=0.20, description="Floor of opened over delivered; below it the day is told."
    )
    email_click_rate: Share = Field(default=0.04, description="Floor of clicked over delivered.")
    instagram_engagement_rate: Share = Field(default=0.03, description="Floor of engagements over impressions.")
    website_conversion_rate: Share = Field(default=0.01, description="Floor of conversions over visits.")
    level: Annotated[float, Field(gt=0, le=0.1)] = Field(
        default=0.01, description="Chance of a finding that is none, for each series, night and kind."
    )
    alarm_q: Annotated[float, Field(gt=0, le=0.5)] = Field(
        default=0.1, description="Share of alarms of a night that may be none (Benjamini-Hochberg over all series)."
    )
    most_alarms: AtLeastOne = Field(default=10, description="Most alarms of a night, beside those of floors.")
    episode_nights: Annotated[int, Field(ge=1, le=90)] = Field(
        default=7, description="Nights within which findings of a kind are one episode."
    )


class FeedbackRule(ParameterGroup):
    """What is proposed where a rate of a brand is too low."""

    metric: BrandMetric = Field(description="Rate whose alarms ask for it.")
    cause: Text = Field(description="Why, in a few words; no second task is proposed while one of the cause is open.")
    task_type: Text = Field(description="Type of the task.")
    priority: Priority = Field(default="MEDIUM", description="How much it matters.")
    risk: Risk = Field(default="medium", description="How much harm it could do.")
    inputs: dict[str, str | int | float | bool] = Field(default={}, description="What it is to be done with.")


class Feedback(ParameterGroup):
    """What the night proposes for brands."""

    nightly: bool = Field(default=True, description="`kaizen nightly` proposes tasks for brands with new alarms.")
    rules: tuple[FeedbackRule, ...] = Field(
        default=(
            FeedbackRule(
                metric="email_open_rate",
                cause="low open rate",
                task_type="rewrite_email_sequence",
                priority="HIGH",
                inputs={"focus": "improve_subject_lines"},
            ),
            FeedbackRule(
                metric="email_click_rate",
                cause="low click rate",
                task_type="rewrite_email_sequence",
                priority="HIGH",
                inputs={"focus": "improve_calls_to_action"},
            ),
            FeedbackRule(
                metric="instagram_engagement_rate",
                cause="low social engagement",
                task_type="create_social_variants",
                priority="MEDIUM",
                inputs={"num_variants": 3},
            ),
            FeedbackRule(
                metric="website_conversion_rate",
                cause="low conversion",
                task_type="optimize_landing_page_copy",
                priority="CRITICAL",
                inputs={"focus": "improve_conversion"},
            ),
        ),
        description="Which task is proposed for which rate; written anew, they replace these.",
    )


class Reporting(ParameterGroup):
    """Which reports a night writes beside that on all figures."""

    agency: bool = Field(
        default=False,
        description="`kaizen nightly` writes the reports of an agency too: the funnel, the readiness of each pack, the week of each "
        "brand, and that for the client of each of its projects. `kaizen report` writes them when asked.",
    )


class Schedule(ParameterGroup):
    """How due tasks are taken up."""

    lease_minutes: Annotated[int, Field(ge=1, le=1440)] = Field(
        default=15,
        description="Minutes for which a scheduler holds a task; one that was killed frees it then, and it is done again.",
    )


class OwnBenchmarks(ParameterGroup):
    """By what sections of packs are judged beside the benchmarks that ship."""

    benchmark_folder: str = Field(
        default="",
        description="Folder beside kaizen.toml with the team's own section_benchmarks.<pack>.json. A section there stands in place "
        "of ours of that name; the others stay.",
    )
    benchmarks: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="The same files by pack, as objects; those of the folder are added."
    )


class GeneratorEndpoint(ParameterGroup):
    """The language model that writes what approved tasks ask for; without one they are briefs."""

    base_url: str = Field(
        default="",
        description="Address of an endpoint that takes chat completions as OpenAI does, such as http://localhost:8000/v1; "
        "empty for none.",
    )
    model: str = Field(default="", max_length=200, description="Model that is asked there.")
    api_key: SecretStr = Field(
        default=SecretStr(""),
        description="Its key; best given by the variable KAIZEN_GENERATOR__API_KEY. It is shown nowhere.",
    )
    timeout_seconds: Positive = Field(default=60.0, le=3600, description="Longest time of one call.")
    tries: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3, description="Tries of a call that meets 429, 5xx or no answer, and of an answer that does not fit."
    )
    wait_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        default=1.0, description="Bound of the random wait before the second try; it doubles with each."
    )
    seed: int = Field(default=0, description="Seed that is asked for.")
    section_tries: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3, description="Texts of a section that are asked for, until one keeps its benchmark."
    )
    cache: bool = Field(default=True, description="Keep answers in the lake, by the hash of what was asked.")

    @field_validator("base_url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("expected an address that begins with http:// or https://")
        if "@" in url.partition("://")[2].partition("/")[0]:
            raise ValueError("a key or password belongs into api_key, not into the address")
        return url

    @model_validator(mode="after")
    def _has_model(self) -> Self:
        if self.base_url and not self.model:
            raise ValueError("generator.base_url needs generator.model")
        return self


class Canaries(ParameterGroup):
    """How shadows and canaries are started and decided, where a deployment does not say otherwise."""

    alpha: Annotated[float, Field(gt=0, lt=0.5)] = Field(
        default=0.05, description="Chance of a false promotion over all nightly checks and candidates."
    )
    method: Method = Field(
        default="power", description="How it is spent over the nights; power: alpha times the square of their share."
    )
    share: Annotated[float, Field(ge=0.01, le=0.5)] = Field(
        default=0.1, description="Share of the units that a canary serves with its candidates together."
    )
    horizon_nights: Annotated[int, Field(ge=1, le=366)] = Field(
        default=14, description="Nights after which a canary is decided at the latest."
    )
    minimum_units: Annotated[int, Field(ge=2)] = Field(
        default=100, description="Units that the smaller arm must have before a verdict."
    )
    max_loss_increase: Share = Field(default=0.02, description="Increase of the mean loss that is tolerated.")
    sample_ratio_alpha: Annotated[float, Field(gt=0, lt=0.1)] = Field(
        default=0.001, description="p-value below which the sizes of the arms are not those of the allocation."
    )
    lost_runs_alpha: Annotated[float, Field(gt=0, lt=0.1)] = Field(
        default=0.006,
        description="Chance over all nights that intact arms are called invalid for their runs, or for runs without a loss.",
    )
    history_days: Days = Field(
        default=30, description="Days before the start whose losses of a unit reduce the noise of its loss (CUPED)."
    )
    segment_q: Share = Field(default=0.05, description="Corrected p-value below which a segment differs.")
    guardrails: tuple[Guardrail, ...] = Field(
        default=(Guardrail(metric="security_criticals", margin=0.05),),
        description='Guardrails, such as [{metric = "cost_usd", margin = 0.02}].',
    )
    auto_promote: bool = Field(default=False, description="The night promotes by itself on a verdict to promote.")
    auto_rollback: bool = Field(default=True, description="The night rolls back by itself on a verdict to roll back.")


class Replays(ParameterGroup):
    """When an offline replay answers, and when it passes."""

    minimum_effective_units: Positive = Field(
        default=100.0, description="Effective units under the candidate's weights below which a replay is refused."
    )
    largest_weight_bias: Positive = Field(
        default=4.0, description="Standard errors by which the mean weight may differ from 1 before it is refused."
    )
    most_unsupported: Share = Field(
        default=0.01, description="Share of the runs where the candidate does what was never logged; beyond, refused."
    )
    most_missing: Share = Field(default=0.05, description="Share of the runs without a propensity; beyond, refused.")
    estimator: Estimator = Field(default="sndr", description="Estimator that the verdict rests on.")
    clip: Positive = Field(default=10.0, description="Weight at which the clipped and the switching estimators cut.")
    resamples: Annotated[int, Field(ge=100, le=100_000)] = Field(
        default=1000, description="Resamples of the bootstrap by unit."
    )
    seeds: tuple[int, ...] = Field(default=(1, 2, 3, 4, 5), description="Seeds of the resampling and of re-execution.")
    max_loss_increase: Share = Field(
        default=0.02, description="The upper end of the effect's interval must lie below this for a replay to pass."
    )
    minimum_runs: Annotated[int, Field(ge=2)] = Field(
        default=20, description="Runs that must be run again before a re-execution passes."
    )


class Skills(ParameterGroup):
    """What a skill card looks at."""

    days: Days = Field(default=30, description="Days that a card tells of; its own past is the days before them.")
    runs: Annotated[int, Field(ge=2)] = Field(
        default=10, description="Fewest runs on either side of a comparison for a strength or a weakness."
    )
    smallest_difference: Share = Field(
        default=0.01, description="Difference of a term's mean contribution that does not matter."
    )
    q: Share = Field(default=0.05, description="Corrected p-value below which a term is a strength or a weakness.")
    experiments: Annotated[int, Field(ge=1, le=50)] = Field(
        default=5, description="Latest experiments that are listed."
    )


class ModelPrice(ParameterGroup):
    """What a model costs from a day on, in US dollars a million tokens."""

    model: Text = Field(description="Model, as traces name it; case makes no difference.")
    from_date: date = Field(description="First UTC day of the price.")
    input_usd: Dollars = Field(description="A million tokens read.")
    output_usd: Dollars = Field(description="A million tokens written.")
    cache_read_usd: Dollars | None = Field(
        default=None, description="A million tokens read from a cache; input_usd where not given."
    )
    cache_write_usd: Dollars | None = Field(
        default=None, description="A million tokens written to a cache; input_usd where not given."
    )


class Costs(ParameterGroup):
    """What models cost where their traces do not tell."""

    price_file: str = Field(
        default="",
        description="CSV of the team's own prices, beside kaizen.toml: model, from_date, input_usd, output_usd, cache_read_usd, "
        "cache_write_usd; US dollars a million tokens, from a day on.",
    )
    prices: tuple[ModelPrice, ...] = Field(
        default=(), description="The same prices as tables; those of the file are added."
    )

    @model_validator(mode="after")
    def _check_told_once(self) -> Self:
        told = Counter((price.model.lower(), price.from_date) for price in self.prices)
        if twice := [f"{model} from {day}" for (model, day), times in told.items() if times > 1]:
            raise ValueError(f"a model has one price from one day on; {', '.join(sorted(twice))} has several")
        return self


CurrencyCode = Annotated[str, Field(pattern="^[A-Z]{3}$")]


class ExchangeRate(ParameterGroup):
    """What a currency is worth from a day on."""

    currency: CurrencyCode = Field(description="Code of the currency, such as EUR.")
    from_date: date = Field(description="First UTC day of the rate.")
    usd: Annotated[float, Field(gt=0, le=1e6)] = Field(description="US dollars for one unit of it.")


class Money(ParameterGroup):
    """What amounts of foreign tables are in, and what they are worth in US dollars."""

    currency: CurrencyCode = Field(
        default="USD", description="What an amount is in where nothing says its currency, and what reports show."
    )
    rate_file: str = Field(
        default="",
        description="CSV of the team's own rates, beside kaizen.toml: currency, from_date, usd; US dollars for one unit, from a "
        "day on.",
    )
    rates: tuple[ExchangeRate, ...] = Field(
        default=(), description="The same rates as tables; those of the file are added."
    )

    @model_validator(mode="after")
    def _check_said_once(self) -> Self:
        told = Counter((rate.currency, rate.from_date) for rate in self.rates)
        if twice := [f"{currency} from {day}" for (currency, day), times in told.items() if times > 1]:
            raise ValueError(f"a currency has one rate from one day on; {', '.join(sorted(twice))} has several")
        return self


class FunnelWindow(ParameterGroup):
    """How long leads have to be won before they are judged."""

    window_days: Days = Field(
        default=90,
        description="Days after the end of a month from which on the rates of its leads are shown; for what won deals share, days "
        "after its creation within which a lead is won.",
    )


class AlertRules(ParameterGroup):
    """What is told to whom."""

    hook: tuple[str, ...] = Field(
        default=(),
        description='Command that is run with the new alerts as JSON on its input, such as ["/usr/local/bin/tell-us"].',
    )
    hook_seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        default=30.0, description="Seconds after which it is ended."
    )
    webhook: SecretStr = Field(
        default=SecretStr(""),
        description="Address to which new alerts of all tenants are posted (extra kaizenlake[generator]); best given by the variable "
        "KAIZEN_ALERTS__WEBHOOK. It is shown nowhere.",
    )
    webhook_form: Literal["auto", "slack", "teams", "json"] = Field(
        default="auto", description="Form of the message; auto: by the server's name, else JSON."
    )
    webhook_seconds: Annotated[float, Field(gt=0, le=120)] = Field(default=10.0, description="Longest time of one try.")
    webhook_tries: Annotated[int, Field(ge=1, le=5)] = Field(
        default=3, description="Tries where it does not answer, or asks for patience."
    )
    mail_to: tuple[str, ...] = Field(
        default=(), description="Addresses to which new alerts of all tenants are sent by e-mail."
    )
    mail_from: str = Field(default="", max_length=320, description="Address that sends them.")
    smtp_host: str = Field(default="", max_length=253, description="Server that sends them; empty for none.")
    smtp_port: Annotated[int, Field(ge=1, le=65_535)] = Field(default=587, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is encrypted."
    )
    smtp_user: str = Field(default="", max_length=320, description="Name to log in with; empty for no login.")
    smtp_password: SecretStr = Field(
        default=SecretStr(""),
        description="Its password; best given by the variable KAIZEN_ALERTS__SMTP_PASSWORD. It is shown nowhere.",
    )
    smtp_seconds: Annotated[float, Field(gt=0, le=120)] = Field(
        default=15.0, description="Longest time of a step of the sending."
    )

    @field_validator("webhook")
    @classmethod
    def _is_web_address(cls, url: SecretStr) -> SecretStr:
        if url.get_secret_value() and not url.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("expected an address that begins with http:// or https://")
        return url

    @field_validator("mail_to", "mail_from")
    @classmethod
    def _are_mail_addresses(cls, given: tuple[str, ...] | str) -> tuple[str, ...] | str:
        for address in (given,) if isinstance(given, str) else given:
            if address and not _MAIL_ADDRESS.fullmatch(address):
                raise ValueError(f"expected an e-mail address such as ann@example.com; found {address!r}")
        return given

    @model_validator(mode="after")
    def _can_send(self) -> Self:
        if self.mail_to and not (self.smtp_host and self.mail_from):
            raise ValueError("alerts.mail_to needs alerts.smtp_host and alerts.mail_from")
        if self.smtp_user and self.smtp_security == "none" and self.smtp_host not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("alerts.smtp_user needs an encrypted connection (alerts.smtp_security)")
        return self


_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
