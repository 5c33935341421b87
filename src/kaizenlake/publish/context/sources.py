"""Which table feeds which field of the context."""

from __future__ import annotations

from dataclasses import dataclass

from kaizenlake.tables import (
    AvoidedPhrases,
    BrandNotes,
    Brands,
    Contents,
    CreativeLabels,
    EventCounts,
    Findings,
    IntakeSegments,
    LearnedValue,
    Outcomes,
    Patterns,
    PlatformHabits,
    PooledPatterns,
    Projects,
    ScopedPatterns,
    ScopedWinRates,
    Table,
    WinRates,
)

_JUDGED: tuple[type[Table], ...] = (Patterns, WinRates, ScopedPatterns, ScopedWinRates)
_RATED: tuple[type[Table], ...] = (WinRates, ScopedWinRates)


@dataclass(frozen=True)
class FieldRule:
    """Where one field of the context comes from.

    Args:
        field: Field of the context.
        tables: Tables it is read from.
        meaning: What enters it, in one sentence.
        pattern_type: For patterns: the attribute whose values it lists.
        kind: For rates: what was decided.
        dimension: For rates: the dimension whose values it lists.
    """

    field: str
    tables: tuple[type[Table], ...]
    meaning: str
    pattern_type: str = ""
    kind: str = ""
    dimension: str = ""


def _works(field: str, pattern_type: str, noun: str) -> FieldRule:
    return FieldRule(
        field,
        _JUDGED,
        f"{noun} found to work: in experiments, else as observed, else by the win rate of creatives.",
        pattern_type=pattern_type,
    )


RULES: tuple[FieldRule, ...] = (
    _works("recommended_tones", "tone", "Tones"),
    _works("high_performing_hooks", "hook_type", "Hooks"),
    _works("successful_pillars", "pillar", "Content pillars"),
    _works("preferred_platforms", "platform", "Platforms"),
    FieldRule(
        "recommended_patterns",
        (*_JUDGED, PooledPatterns),
        "Every other attribute and text feature that is found to work.",
    ),
    FieldRule(
        "risky_patterns",
        (*_JUDGED, CreativeLabels, Contents),
        "Every attribute and text feature that goes with failure, and contents that a person marked as losers.",
    ),
    FieldRule(
        "banned_phrases", (AvoidedPhrases, Projects), "Phrases banned in the settings, then those of marked losers."
    ),
    FieldRule(
        "past_winners",
        (CreativeLabels, Contents),
        "Winners: those a person marked, then by shrunk rate; one an experiment, one a text.",
    ),
    FieldRule(
        "channel_performance",
        _RATED,
        "Reply rate of every channel of outreach.",
        kind="outreach",
        dimension="channel",
    ),
    FieldRule(
        "high_clarity_segments",
        (IntakeSegments,),
        "Segments of which the interval of the share of clear briefs lies above one half; over everything.",
    ),
    FieldRule(
        "pack_success_rates",
        _RATED,
        "Share of the packs of every key that completed and did not fail on quality.",
        kind="pack",
        dimension="pack_key",
    ),
)
"""The fields of the context that are computed, in the order of the document's evidence."""

SIZES: tuple[type[Table], ...] = (EventCounts, Projects, Contents, Outcomes)
"""Tables that say which scopes there are, and how much is known of each."""

TABLES: tuple[type[Table], ...] = tuple(
    dict.fromkeys(
        (
            *SIZES,
            *(table for rule in RULES for table in rule.tables),
            LearnedValue,
            PlatformHabits,
            Brands,
            BrandNotes,
            Findings,
        )
    )
)
"""Every table that a context is made of."""

FIELD_OF: dict[str, str] = {rule.pattern_type: rule.field for rule in RULES if rule.pattern_type}
"""Field of each pattern type that has one of its own."""

RATES: tuple[FieldRule, ...] = tuple(rule for rule in RULES if rule.kind)

CREATIVE = "creative"
"""Kind of outcome whose win rates stand in where no comparison of contents can be made."""

ATTRIBUTES = ("tone", "hook_type", "pillar", "platform", "content_type", "length_band")
"""Dimensions of creatives that say how a content is made; a segment or a payment is not made by a generator."""
