"""How versions of agents are compared, promoted and learned from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kaizenlake.parameters.base import Days, ParameterGroup, Positive, Share
from kaizenlake.vocabulary import Estimator, Method


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
