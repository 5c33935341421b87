"""What is published of a doer's skill: its card, the policy it runs under, how it fails, and what to try next."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, field

from kaizenlake.publish import schemas
from kaizenlake.publish.context.model import DocumentPart, Instant, Line, Share, Whole
from kaizenlake.publish.schemas import Signature
from kaizenlake.vocabulary import (
    Direction,
    ExperimentCause,
    ExperimentType,
    PolicyOrigin,
    StrategyVerdict,
    TermVerdict,
    Trend,
    ValueMeasure,
)

SCHEMA: Final = "kaizen-skill"
VERSION: Final = 1

Difference = Annotated[float, Meta(description="Below 0 is better; null where it is not defined.")]
Usd = Annotated[float, Meta(ge=0)]
Place = Annotated[int, Meta(ge=1)]


class Provenance(DocumentPart, frozen=True, kw_only=True):
    """Where a skill card comes from."""

    run_id: str
    package_version: str
    tables: Annotated[dict[str, int | None], Meta(description="Version of each table that was read.")]


class Window(DocumentPart, frozen=True, kw_only=True):
    """The days that the card tells of; its own past are as many days before."""

    first_day: date
    last_day: date


class Loss(DocumentPart, frozen=True, kw_only=True):
    """How much the doer loses, and where that goes; lower is better."""

    runs: Whole
    n: Annotated[Whole, Meta(description="Runs that have a loss.")]
    units_without_loss: Annotated[Whole, Meta(description="Units none of whose runs has a loss.")]
    runs_before: Whole
    last_run_date: date
    mean_loss: Share | None
    mean_coverage: Annotated[Share | None, Meta(description="Mean weight of what was observed.")]
    change_7d: Difference | None
    change_7d_ci_low: float | None
    change_7d_ci_high: float | None
    change_30d: Difference | None
    change_30d_ci_low: float | None
    change_30d_ci_high: float | None
    direction: Direction
    alert: Annotated[bool | None, Meta(description="The control chart of the loss raised an alert on its latest day.")]


class Term(DocumentPart, frozen=True, kw_only=True):
    """One term of the loss, against the other doers (fleet) and against the doer's own past."""

    term: Line
    verdict: TermVerdict
    reason: Line
    n: Annotated[Whole, Meta(description="Runs in which it was observed.")]
    observed_rate: Share | None
    weight: Share | None
    mean_term: Share | None
    mean_contribution: Share | None
    loss_share_rate: Share | None
    n_fleet: Whole
    fleet_difference: Difference | None
    fleet_ci_low: float | None
    fleet_ci_high: float | None
    fleet_q_value: Share | None
    fleet_verdict: TermVerdict
    n_past: Whole
    past_difference: Difference | None
    past_ci_low: float | None
    past_ci_high: float | None
    past_q_value: Share | None
    past_verdict: TermVerdict


class Model(DocumentPart, frozen=True, kw_only=True):
    """One model that the doer called, as it is and at equal cost against the doer's other models."""

    model: Line
    verdict: TermVerdict
    reason: Line
    runs: Whole
    n: Whole
    units_without_loss: Annotated[Whole, Meta(description="Units none of whose runs with the model has a loss.")]
    mean_loss: Share | None
    ci_low: Share | None
    ci_high: Share | None
    costed: Annotated[Whole, Meta(description="Runs with a loss and a known cost, above 0.")]
    mean_cost_usd: Annotated[Usd | None, Meta(description="Null where no cost above 0 is known.")]
    compared: Annotated[Whole, Meta(description="Runs in bands of cost in which other models ran too.")]
    equal_cost_loss: Share | None
    equal_cost_others: Share | None
    equal_cost_difference: Difference | None
    equal_cost_ci_low: float | None
    equal_cost_ci_high: float | None
    equal_cost_q_value: Share | None
    place: Place | None


class Failure(DocumentPart, frozen=True, kw_only=True):
    """One way in which its runs fail, to be avoided."""

    failure_mode: Line
    reason: Line
    runs: Whole
    failed: Whole
    failed_rate: Share | None
    ci_low: Share | None
    ci_high: Share | None
    runs_before: Whole
    failed_before_rate: Share | None
    change: Difference | None
    change_ci_low: float | None
    change_ci_high: float | None
    q_value: Share | None
    trend: Trend


class Behaviour(DocumentPart, frozen=True, kw_only=True):
    """One sequence of tool steps that goes with success or failure in one type of task."""

    task_type: Line | None
    pattern: Annotated[Line, Meta(description="Tools that were called one right after the other.")]
    verdict: TermVerdict
    reason: Line
    runs: Annotated[Whole, Meta(description="Runs of the type that passed or failed and of which steps are recorded.")]
    runs_with: Whole
    pass_rate_with: Share
    pass_rate_without: Share | None
    lift: float | None
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    q_value: Share | None


class Strategy(DocumentPart, frozen=True, kw_only=True):
    """One strategy in one type of task, by what it would lose if it were always taken; null where the log cannot tell."""

    task_type: Line | None
    strategy: Line
    verdict: StrategyVerdict
    reason: Line
    runs_with: Whole
    measure: ValueMeasure
    effective_units: float
    estimated_value: float | None
    effect: Difference | None
    effect_ci_low: float | None
    effect_ci_high: float | None


class Policy(DocumentPart, frozen=True, kw_only=True):
    """The policy that the doer runs under; `policies/` holds its document."""

    policy_id: Line
    policy_version: Line
    known_from: Annotated[PolicyOrigin, Meta(description="The table of policies, or what its runs name.")]
    since: date
    age_days: Whole
    active_policies: Annotated[Whole, Meta(description="Policies that are active for it: one per phase.")]


class Experiment(DocumentPart, frozen=True, kw_only=True):
    """One of the latest experiments to improve the doer."""

    experiment_id: Line
    experiment_type: Line
    status: Line
    hypothesis: Line | None
    policy_version: Line | None
    policy_status: Line | None
    loss_delta: Difference | None
    started_at: Instant | None
    ended_at: Instant | None


class NextStep(DocumentPart, frozen=True, kw_only=True):
    """An experiment to try next."""

    experiment_type: ExperimentType
    term: Annotated[Line | None, Meta(description="Term of the loss that it should lower.")]
    because: ExperimentCause
    words: Annotated[str, Meta(description="What to try and why, with the figures.")]


class Finding(DocumentPart, frozen=True, kw_only=True):
    """One thing that the tables say of the doer, in the sentence in which reports and alerts say it too."""

    kind: Line
    verdict: Line
    window: Line
    sentence: str
    remedy: Annotated[str | None, Meta(description="What can be done about it; null where nothing needs to be.")]


class Card(DocumentPart, frozen=True, kw_only=True):
    """What a doer is good and bad at."""

    loss: Loss
    findings: Annotated[list[Finding], Meta(description="The latest first.")]
    strengths: list[Line]
    weaknesses: list[Line]
    not_observed: Annotated[list[Line], Meta(description="Terms that no run told: of them nothing is known.")]
    terms: list[Term]
    best_model: Line | None
    models: Annotated[list[Model], Meta(description="By place at equal cost, then by runs.")]
    failure_modes: Annotated[list[Failure], Meta(description="The most frequent first: what to avoid.")]
    experiments: Annotated[list[Experiment], Meta(description="The newest first.")]
    behaviours: Annotated[
        list[Behaviour], Meta(description="Step sequences that go with success or failure, the surest first.")
    ] = field(default_factory=list)
    strategies: Annotated[
        list[Strategy], Meta(description="By type of task, what the log can value first; a refused one says why.")
    ] = field(default_factory=list)


class Skill(DocumentPart, frozen=True, kw_only=True):
    """What is known of one doer as the tables say it."""

    doer: str
    as_of: Annotated[Instant, Meta(description="Events before this instant count.")]
    data_window: Window
    sample_size: Annotated[Whole, Meta(description="Runs of the window that have a loss.")]
    card: Card
    policy: Annotated[Policy | None, Meta(description="Null where neither a policy is active nor a run names one.")]
    next_steps: Annotated[list[NextStep], Meta(description="Empty where it neither degrades nor has a weakness.")]


class SkillDocument(Skill, frozen=True, kw_only=True):
    """The context of a doer, the part of a file that is signed."""

    tenant_id: Annotated[str | None, Meta(description="Tenant it is for; null for events without one.")] = None
    schema: Literal["kaizen-skill"]
    version: Literal[1]
    data_notice: Annotated[str, Meta(description="How the texts of the document are to be taken.")]
    generated_at: Instant
    valid_until: Annotated[Instant, Meta(description="From then on readers call it stale.")]
    provenance: Provenance


class SkillFile(DocumentPart, frozen=True, kw_only=True):
    """The file of a doer."""

    signed: SkillDocument
    signature: Signature


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file of a doer."""
    return schemas.json_schema(SkillFile, SCHEMA, VERSION, "Skill card of a doer")
