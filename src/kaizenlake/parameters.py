"""The figures a team may set, one frozen group per question; jobs take them as arguments, settings hold them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(ge=1, le=3660)]
AtLeastOne = Annotated[int, Field(ge=1)]


class Group(BaseModel):
    """A group of figures: frozen, and refusing names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tiers(Group):
    """Engagement rates from which a tier begins; below `average` a content is poor."""

    excellent: Share = Field(default=0.10, description="Engagement rate from which a content is excellent.")
    good: Share = Field(default=0.05, description="Engagement rate from which a content is good.")
    average: Share = Field(default=0.02, description="Engagement rate from which a content is average.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.excellent > self.good > self.average:
            raise ValueError("the tiers must fall: excellent above good above average")
        return self


class Labels(Group):
    """Who is marked winner or loser without a person's word."""

    share: Share = Field(default=0.10, description="Share at the top and at the bottom of a group that is labelled.")
    group_size: AtLeastOne = Field(default=20, description="Fewest contents of a group in which anyone is labelled.")
    impressions: AtLeastOne = Field(default=100, description="Fewest impressions of a content that can be labelled.")


class Windows(Group):
    """How long the night waits, and how far it looks back."""

    reply_days: Days = Field(default=14, description="Days after which an outreach without a reply counts as lost.")
    freshness_hours: Annotated[int, Field(ge=1)] = Field(
        default=72, description="Hours without an event after which a source is stale."
    )


class Evidence(Group):
    """How much evidence a recommendation needs."""

    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(default=0.95, description="Confidence of all intervals.")
    q_value: Share = Field(
        default=0.05, description="Largest q-value (Benjamini-Hochberg) at which a finding is recommended."
    )
    contents: AtLeastOne = Field(default=10, description="Fewest contents with a pattern before it is judged.")
    decided: AtLeastOne = Field(
        default=10, description="Fewest decided outcomes of a value before its rate is recommended."
    )
    sample_ratio_p: Share = Field(
        default=0.001, description="Sample-ratio p-value below which an experiment is left out."
    )


class Clarity(Group):
    """When a brief counts as clear."""

    high_score: Annotated[float, Field(ge=0, le=100)] = Field(
        default=70.0, description="Clarity score from which a brief counts as clear when it arrives."
    )


class Confidence(Group):
    """How the confidence of a context grows with its events: 0 at none, 50 at `half`, 100 at `full`, linear between."""

    half: AtLeastOne = Field(default=10, description="Events at which confidence is 50.")
    full: AtLeastOne = Field(default=50, description="Events from which confidence is 100.")


class Publishing(Group):
    """How long a publication holds, and how much of it there is."""

    valid_hours: Annotated[int, Field(ge=1, le=24 * 90)] = Field(
        default=36, description="Hours a publication stays fresh."
    )
    entries: AtLeastOne = Field(default=10, description="Most entries of one list in a context.")
    text_length: Annotated[int, Field(ge=20, le=2000)] = Field(
        default=280, description="Most characters of an event's text that reach a generator."
    )
    banned_phrases: tuple[str, ...] = Field(default=(), description="Phrases a person has banned in every context.")


class Landing(Group):
    """What landing takes."""

    line_bytes: Annotated[int, Field(ge=1024)] = Field(
        default=1_048_576, description="Longest line taken; a longer one goes to quarantine, cut to its beginning."
    )
    future_hours: Annotated[int, Field(ge=0)] = Field(
        default=24, description="Hours an event's time may lie ahead of the clock before it is quarantined."
    )
    keep_landed_days: Days = Field(default=30, description="Days a landed file is kept before maintenance removes it.")


class Maintenance(Group):
    """What maintenance keeps."""

    keep_versions_days: Days = Field(
        default=7, description="Days for which older versions of a table can still be read; what only they need goes."
    )
    compact_bytes: Annotated[int, Field(ge=1_048_576)] = Field(
        default=134_217_728, description="Size in bytes up to which the small files of a day are put together."
    )
