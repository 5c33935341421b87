"""Names of platforms: matched without case, and by the names that people and exports use for them."""

from __future__ import annotations

import polars as pl

ALIASES: dict[str, tuple[str, ...]] = {
    "instagram": ("ig", "insta", "instagram.com", "instagram business"),
    "facebook": ("fb", "meta", "facebook.com", "facebook page", "facebook pages"),
    "twitter": ("x", "x.com", "twitter.com", "x (twitter)", "twitter/x", "x/twitter", "twitter (x)", "tw"),
    "linkedin": ("li", "linked in", "linkedin.com", "linkedin page", "linkedin company page"),
    "tiktok": ("tt", "tik tok", "tik-tok", "tiktok.com"),
    "youtube": ("yt", "you tube", "youtube.com", "youtube channel"),
    "pinterest": ("pin", "pinterest.com"),
    "threads": ("threads.net", "threads.com"),
    "snapchat": ("snap", "snapchat.com"),
    "reddit": ("reddit.com",),
    "whatsapp": ("wa", "whats app", "whatsapp.com"),
    "telegram": ("tg", "telegram.org"),
    "bluesky": ("bsky", "bsky.app", "blue sky"),
    "google_ads": ("google ads", "google-ads", "adwords", "google adwords"),
    "email": ("e-mail", "mail", "newsletter", "e-mail newsletter", "email newsletter"),
    "sms": ("text message", "text messages"),
    "website": ("web", "site", "web site", "www", "homepage"),
    "blog": ("weblog",),
}
"""Name of each platform, as generators know it, and the other names it goes by, in small letters."""

WITHOUT_POSTS = ("email", "sms", "website", "google_ads", "meta_ads")
"""Channels whose figures are those of a campaign, a page or a day: nothing that is rated as a post is."""

_NAMES = {alias: name for name, aliases in ALIASES.items() for alias in (name, *aliases)}


def platform_name(given: str) -> str:
    """Name of a platform; one that is not in the table is only brought into small letters.

    >>> platform_name(" IG "), platform_name("X (Twitter)"), platform_name("Mastodon")
    ('instagram', 'twitter', 'mastodon')
    """
    small = " ".join(given.lower().split())
    return _NAMES.get(small, small) or given


def normalise_column(platform: pl.Expr) -> pl.Expr:
    """Return the same of a column."""
    small = platform.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    return pl.when(small == "").then(platform).otherwise(small.replace(list(_NAMES), list(_NAMES.values())))


def holds_posts(platform: pl.Expr) -> pl.Expr:
    """Return whether a platform, by its name here, holds posts; one that is not known does.

    >>> pl.DataFrame({"p": ["instagram", "email", None]}).select(holds_posts(pl.col("p"))).to_series().to_list()
    [True, False, True]
    """
    return ~platform.is_in(WITHOUT_POSTS).fill_null(value=False)
