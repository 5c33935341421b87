"""What tables need of events: which fields, or which other events, without which they stay empty; declared once.

What a landing and a night say of empty tables, the findings, `kaizen doctor`, the report, the contexts and `kaizen map` all follow.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TableNeed:
    """Something that tables need.

    Args:
        name: Stable name of it.
        event: Type of the events that should tell it.
        what: What those events are called, one and several.
        fields: Fields of which an event should tell one; empty where it is other events that are needed.
        events: Types of other events of which there should be one; empty where it is fields.
        of_posts: Records of a channel that holds no posts, such as those of a newsletter, need it not.
        called: What is missing, in words behind "without"; the first of the fields unless given.
        tables: Tables that stay empty without it.
        lost: What there is not, in words behind "no".
        context: Fields of the contexts that stay empty.
    """

    name: str
    event: str
    what: tuple[str, str]
    fields: tuple[str, ...]
    tables: tuple[str, ...]
    lost: str
    context: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    called: str = ""
    of_posts: bool = False

    @property
    def remedy(self) -> str:
        """What can be done about it."""
        if self.events:
            return f"Land {' or '.join(self.events)} too, such as from an export that says how they ended."
        return f"Map {'one of: ' if len(self.fields) > 1 else ''}{', '.join(self.fields)}."

    def in_short(self, source: str | None) -> str:
        """Return what is missing and what can be done about it, without counts.

        Args:
            source: Producer of the events; None for all.
        """
        of = "" if source is None else f" from source \u201c{source}\u201d"
        many = self.what[1]
        return f"{many[0].upper()}{many[1:]}{of} come without {self.missing}. {self.remedy}"

    @property
    def missing(self) -> str:
        """What is missing, in words behind "without"."""
        return self.called or self.fields[0].replace("_", " ")


_PATTERNS = ("recommended_tones", "high_performing_hooks", "successful_pillars", "recommended_patterns")
_RECORD = ("record of figures", "records of figures")

NEEDS: tuple[TableNeed, ...] = (
    TableNeed(
        "engagements",
        "PERFORMANCE_RECORDED",
        _RECORD,
        ("engagements", "likes", "comments", "shares", "saves", "engagement_rate"),
        ("performance_tiers", "creative_labels", "patterns"),
        "engagement rates, tiers, winners or patterns",
        (*_PATTERNS, "preferred_platforms", "past_winners", "risky_patterns"),
        of_posts=True,
    ),
    TableNeed(
        "audience",
        "PERFORMANCE_RECORDED",
        _RECORD,
        ("impressions", "reach", "engagement_rate"),
        ("performance_tiers", "creative_labels", "patterns"),
        "rates of any kind, tiers, winners or patterns",
        (*_PATTERNS, "preferred_platforms", "past_winners", "risky_patterns"),
    ),
    TableNeed(
        "attributes",
        "PERFORMANCE_RECORDED",
        _RECORD,
        ("text", "tone", "hook_type", "pillar", "content_type"),
        ("content_features", "patterns"),
        "patterns of what works",
        _PATTERNS,
        called="a text or an attribute",
        of_posts=True,
    ),
    TableNeed(
        "text",
        "PERFORMANCE_RECORDED",
        _RECORD,
        ("text",),
        ("content_features",),
        "features of texts, such as questions or length",
        ("recommended_patterns",),
        of_posts=True,
    ),
    TableNeed(
        "run_terms",
        "RUN_COMPLETED",
        ("record of a run", "records of runs"),
        ("gates_total", "contradictions", "grounding_rate", "budget_usd", "latency_budget_seconds", "security_criticals", "api_breakages", "rag_coverage_rate"),
        ("crl", "crl_daily", "crl_trends", "skill_cards"),
        "loss, unless the run failed or is scored later",
        called="any term of the loss",
    ),
    TableNeed(
        "policy_version",
        "RUN_COMPLETED",
        ("record of a run", "records of runs"),
        ("policy_version",),
        ("learning_progress", "policy_performance"),
        "comparison of versions",
    ),
    TableNeed(
        "ends",
        "LEAD_CREATED",
        ("lead", "leads"),
        (),
        ("win_rates",),
        "win rates of leads",
        events=("DEAL_WON", "LEAD_LOST"),
        called="any that ended",
    ),
    TableNeed(
        "lead_attributes",
        "LEAD_CREATED",
        ("lead", "leads"),
        ("source", "industry", "client_type"),
        ("win_rates",),
        "win rates by where leads come from",
    ),
    TableNeed(
        "replies",
        "OUTREACH_SENT",
        ("outreach message", "outreach messages"),
        (),
        ("win_rates",),
        "reply rates",
        ("channel_performance",),
        events=("OUTREACH_REPLIED",),
        called="any that was replied to",
    ),
)  # fmt: skip
