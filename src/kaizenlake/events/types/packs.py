"""Pack events: packs of sections that are generated, assessed and delivered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from kaizenlake.events.values.disagreements import Disagreement, beyond, refuse
from kaizenlake.events.values.disagreements import Figure as Told
from kaizenlake.events.values.fields import (
    Count,
    Key,
    Keys,
    Payload,
    Score,
    Seconds,
    SectionText,
    Texts,
    Usd,
    Word,
    says,
)
from kaizenlake.vocabulary import SectionFormat, SectionVerdict


class _Pack(Payload, frozen=True, kw_only=True):
    """What every pack event says of its pack."""

    pack_key: Annotated[Key, says("Pack that was asked for, such as strategy_campaign_premium.")]
    pack_run_id: Annotated[
        Key | None, says("One production of the pack; without it the project's productions of a pack are one.")
    ] = None
    industry: Annotated[Key | None, says("Industry of the client.")] = None
    client_type: Annotated[Key | None, says("Kind of client, such as startup or enterprise.")] = None
    model: Annotated[Key | None, says("Model that generated it.")] = None


class PackStarted(_Pack, frozen=True, kw_only=True):
    """The production of a pack was started."""

    sections_planned: Annotated[Count | None, says("Sections the pack is to have.")] = None


class PackCompleted(_Pack, frozen=True, kw_only=True):
    """The production of a pack was completed."""

    sections_generated: Annotated[Count | None, says("Sections that were generated.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time the production took.")] = None
    cost_usd: Annotated[Usd | None, says("Cost of the production.")] = None


class PackFailed(_Pack, frozen=True, kw_only=True):
    """The production of a pack failed."""

    reason: Annotated[Word, says("Why it failed, in words.")]
    error_type: Annotated[Key | None, says("Class of the error.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time until it failed.")] = None
    cost_usd: Annotated[Usd | None, says("Cost until it failed.")] = None


class SectionGenerated(_Pack, frozen=True, kw_only=True):
    """A section of a pack was generated."""

    section_id: Annotated[Key, says("Section of the pack, such as persona_cards.")]
    text: Annotated[SectionText | None, says("Text of the section, in Markdown; it is judged by its benchmark.")] = None
    format: Annotated[
        SectionFormat | None, says("What the text is written in: markdown, or markdown_table where it is a table.")
    ] = None
    is_stub: Annotated[
        bool | None, says("It stands in for content that is still to come; a section of which it is not said is real.")
    ] = None
    words_count: Annotated[Count | None, says("Words of the section.")] = None
    attempts_count: Annotated[Count | None, says("Attempts that were needed.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time the generation took.")] = None
    cost_usd: Annotated[Usd | None, says("Cost of the generation.")] = None


class SectionTried(_Pack, frozen=True, kw_only=True):
    """A text of a section was generated and judged by its benchmark, and may be generated again."""

    section_id: Annotated[Key, says("Section of the pack, such as persona_cards.")]
    attempts_count: Annotated[Count, says("Attempts so far, this one among them.")]
    verdict: Annotated[SectionVerdict | None, says("What the section is; null where no text came.")] = None
    broken_rules: Annotated[Keys, says("Codes of the rules that it breaks, such as TOO_FEW_WORDS.")] = []
    reason: Annotated[Word | None, says("Why no text came, in words.")] = None
    words_count: Annotated[Count | None, says("Words of the text.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time the generation took.")] = None


class SectionFailed(_Pack, frozen=True, kw_only=True):
    """The generation of a section failed."""

    section_id: Annotated[Key, says("Section of the pack, such as persona_cards.")]
    reason: Annotated[Word, says("Why it failed, in words.")]
    error_type: Annotated[Key | None, says("Class of the error.")] = None
    attempts_count: Annotated[Count | None, says("Attempts that were made.")] = None
    duration_seconds: Annotated[Seconds | None, says("Time until it failed.")] = None


class _Quality(_Pack, frozen=True, kw_only=True):
    """What every quality event says of its assessment."""

    quality_score: Annotated[Score | None, says("Mark of the pack, 0 to 100.")] = None
    gates_passed: Annotated[Count | None, says("Quality gates that were passed.")] = None
    gates_total: Annotated[Count | None, says("Quality gates there were.")] = None
    issues: Annotated[Texts, says("What was found wanting, in words.")] = []

    def disagreements(self) -> Iterator[Disagreement]:
        """Yield more gates passed than there were."""
        yield from beyond(Told("gates_passed", self.gates_passed), Told("gates_total", self.gates_total))

    def __post_init__(self) -> None:
        if self.gates_total is not None and (self.gates_passed or 0) > self.gates_total:
            refuse(self.disagreements())


class PackQualityAssessed(_Quality, frozen=True, kw_only=True):
    """The quality of a pack was assessed."""


class PackQualityPassed(_Quality, frozen=True, kw_only=True):
    """A pack passed its quality gates."""


class PackQualityFailed(_Quality, frozen=True, kw_only=True):
    """A pack failed its quality gates."""
