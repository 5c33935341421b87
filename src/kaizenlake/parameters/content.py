"""How content, its patterns and what is published of them are judged."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from kaizenlake.parameters.base import AtLeastOne, Days, ParameterGroup, Share


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
