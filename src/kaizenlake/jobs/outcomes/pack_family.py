"""Which family of packs is it? The key of a pack, read by rules."""

from __future__ import annotations

import polars as pl

PACK_FAMILIES = (
    "quick_social",
    "strategy_campaign",
    "full_funnel_growth_suite",
    "launch_gtm_pack",
    "brand_turnaround_lab",
    "retention_crm_booster",
    "performance_audit_revamp",
)
"""Families that are known by name; any other key is its own family (see `pack_family`)."""

PACK_TIERS = ("basic", "standard", "premium", "enterprise")
"""Tiers in which packs are sold."""

PACK_EXAMPLES: tuple[tuple[str, str, str | None], ...] = (
    # pack_key, family, tier
    ("quick_social_basic", "quick_social", "basic"),
    ("strategy_campaign_basic", "strategy_campaign", "basic"),
    ("strategy_campaign_standard", "strategy_campaign", "standard"),
    ("strategy_campaign_premium", "strategy_campaign", "premium"),
    ("strategy_campaign_enterprise", "strategy_campaign", "enterprise"),
    ("full_funnel_growth_suite", "full_funnel_growth_suite", None),
    ("launch_gtm_pack", "launch_gtm_pack", None),
    ("brand_turnaround_lab", "brand_turnaround_lab", None),
    ("retention_crm_booster", "retention_crm_booster", None),
    ("performance_audit_revamp", "performance_audit_revamp", None),
    # Spelling does not matter, nor a version, nor words that follow a known family.
    ("Strategy Campaign - Premium", "strategy_campaign", "premium"),
    ("strategy-campaign-premium-v2", "strategy_campaign", "premium"),
    ("strategy_campaign_v2.1_premium", "strategy_campaign", "premium"),
    ("quick_social_retail_standard", "quick_social", "standard"),
    # The fallback: the key without version and tier.
    ("podcast_launch_premium_v3", "podcast_launch", "premium"),
    ("podcast_launch", "podcast_launch", None),
    # A family's name counts as a whole word at the beginning, a tier as a whole word at the end, behind something.
    ("quick_socials", "quick_socials", None),
    ("my_quick_social", "my_quick_social", None),
    ("premium", "premium", None),
    ("premium_social", "premium_social", None),
    ("---", "---", None),
)
"""Keys with the family and the tier that the rules read from them; every row is tested."""

_VERSION = r"_v[0-9]+(?:_[0-9]+)*"
_TIER = "|".join(PACK_TIERS)


def pack_family(pack_key: pl.Expr) -> pl.Expr:
    """Return the family of a pack: the known family with which its key begins, else the key without version and tier.

    Keys are compared in lower case, with `_` for whatever is no letter and no digit.
    """
    spelled = _spell(pack_key)
    known = spelled.str.extract(rf"^({'|'.join(PACK_FAMILIES)})(?:_|$)")
    stem = spelled.str.replace(rf"(?:{_VERSION}|_(?:{_TIER}))+$", "")
    return pl.coalesce(known, pl.when(stem != "").then(stem), pack_key)


def pack_tier(pack_key: pl.Expr) -> pl.Expr:
    """Return the tier of a pack: the last word of its key before a version, where that is a tier; else null."""
    return _spell(pack_key).str.extract(rf"_({_TIER})(?:{_VERSION})?$")


def _spell(pack_key: pl.Expr) -> pl.Expr:
    return pack_key.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", "_").str.strip_chars("_")
