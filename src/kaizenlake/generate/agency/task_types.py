"""Every type of task there is: what it makes, of which facts, and for which section of a pack."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskType:
    """A type of task.

    Args:
        name: Its name.
        title: Title of what it makes.
        purpose: What that is for, in a sentence.
        needs: Facts of the brand that it asks for.
        parts: Parts of what the tables know that its template prints, `<name>.md.j2`.
        pack: Pack whose section it makes.
        section: That section, by whose benchmark it is judged.
    """

    name: str
    title: str
    purpose: str
    needs: tuple[str, ...]
    parts: tuple[str, ...]
    pack: str
    section: str


TYPES = (
    TaskType(
        "social_variants",
        "Social variants",
        "A brief for variants of social posts, from what worked on the channels of the brand.",
        ("offer", "audience", "voice", "claims"),
        ("wording", "avoid", "platforms", "best", "targets"),
        "quick_social_basic",
        "copy_variants",
    ),
    TaskType(
        "email_rewrite",
        "E-mail rewrite",
        "A brief for rewriting a sequence of e-mails so that more of them are opened and clicked.",
        ("offer", "audience", "voice", "claims"),
        ("works", "wording", "avoid", "email_targets"),
        "retention_crm_booster",
        "email_and_crm_flows",
    ),
    TaskType(
        "website_copy",
        "Website copy",
        "A brief for the copy of a landing page so that more visits convert.",
        ("offer", "audience", "voice", "competitors", "claims"),
        ("works", "wording", "avoid", "platforms", "best", "website_targets"),
        "strategy_campaign_standard",
        "conversion_strategy",
    ),
    TaskType(
        "media_generation",
        "Media brief",
        "A brief for pictures and films, without making any.",
        ("offer", "audience", "voice", "claims", "logo"),
        ("works", "wording", "avoid", "platforms", "best", "targets"),
        "strategy_campaign_standard",
        "media_brief",
    ),
    TaskType(
        "swot_analysis",
        "SWOT analysis",
        "Strengths and weaknesses are what the figures show; opportunities and threats are asked for where they do not.",
        ("offer", "competitors", "claims"),
        ("avoid", "platforms", "hours", "targets", "strengths", "weaknesses"),
        "strategy_campaign_standard",
        "swot_analysis",
    ),
    TaskType(
        "persona_generation",
        "Personas",
        "Who the brand speaks to, as far as it was told and as its posts show.",
        ("offer", "audience", "claims"),
        ("works", "avoid", "platforms", "hours", "best"),
        "strategy_campaign_standard",
        "persona_cards",
    ),
    TaskType(
        "messaging_pillars",
        "Messaging pillars",
        "What the brand says, and which of it is proven.",
        ("offer", "audience", "voice", "competitors", "claims"),
        ("works", "wording", "avoid", "platforms", "best", "targets", "strengths"),
        "strategy_campaign_standard",
        "value_proposition_map",
    ),
    TaskType(
        "creative_directions",
        "Creative directions",
        "Themes that the posts of the brand bear out, and what to keep away from.",
        ("offer", "audience", "voice", "claims"),
        ("works", "wording", "avoid", "platforms", "hours", "best", "targets"),
        "strategy_campaign_standard",
        "creative_territories",
    ),
    TaskType(
        "social_calendar",
        "Social calendar",
        "Platforms and hours at which the posts of the brand did best.",
        ("zone",),
        ("works", "platforms", "hours", "best"),
        "quick_social_basic",
        "detailed_30_day_calendar",
    ),
    TaskType(
        "audience_research",
        "Audience research",
        "What is known of the audience, and what has to be asked.",
        ("offer", "audience", "claims"),
        ("works", "avoid", "platforms", "hours", "best"),
        "strategy_campaign_standard",
        "audience_research",
    ),
    TaskType(
        "brand_positioning",
        "Brand positioning",
        "What the brand offers, to whom, against whom, and which claims bear it.",
        ("offer", "audience", "voice", "competitors", "claims"),
        ("works", "wording", "platforms", "hours", "best", "targets", "strengths"),
        "strategy_campaign_standard",
        "value_proposition_map",
    ),
    TaskType(
        "competitive_analysis",
        "Competitive analysis",
        "Whom the brand is compared with, and where it stands by its own figures; others' figures are not in the lake.",
        ("offer", "competitors", "claims"),
        ("wording", "platforms", "hours", "targets", "strengths", "weaknesses"),
        "strategy_campaign_standard",
        "competitive_analysis",
    ),
    TaskType(
        "video_briefs",
        "Video briefs",
        "Briefs for films, from what worked on the channels of the brand.",
        ("offer", "voice", "claims"),
        ("works", "wording", "avoid", "platforms", "best", "targets"),
        "strategy_campaign_standard",
        "video_briefs",
    ),
    TaskType(
        "kpi_definition",
        "KPI definition",
        "Targets from the brand's own distribution: a quarter of its posts reached each of them.",
        ("budget",),
        ("platforms", "targets", "email_targets", "website_targets"),
        "strategy_campaign_standard",
        "kpi_and_budget_plan",
    ),
    TaskType(
        "success_metrics",
        "Success metrics",
        "What success is measured by, and where it stands now.",
        ("offer",),
        ("works", "platforms", "best", "targets", "strengths", "weaknesses"),
        "strategy_campaign_standard",
        "post_campaign_analysis",
    ),
)
BY_NAME = {kind.name: kind for kind in TYPES}

ALIASES = {
    "rewrite_email_sequence": "email_rewrite",
    "create_social_variants": "social_variants",
    "optimize_landing_page_copy": "website_copy",
}
"""Other names under which types are accepted."""


def find_type(name: object) -> TaskType | None:
    """Return the type of a name; None where there is none."""
    said = getattr(name, "value", name)
    return BY_NAME.get(ALIASES.get(said, said)) if isinstance(said, str) else None
