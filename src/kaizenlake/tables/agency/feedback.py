"""Gold tables of feedback: what each brand achieved on each day, and which of it should be looked at."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, Words, column, count, rate, table
from kaizenlake.vocabulary import AnomalyKind, AnomalySeverity, BrandMetric

BRAND_METRICS: tuple[BrandMetric, ...] = get_args(BrandMetric)
"""Rates of a brand that are watched."""


def _of(what: str) -> pl.Int64:
    found: pl.Int64 = count(f"{what}; the denominator of the rate. Null where none is known.", nullable=True)
    return found


def _part(what: str) -> float:
    found: float = column(
        f"{what}, each message, view or visit at most once; null where not told.", nullable=True, ge=0
    )
    return found


def _rate(what: str) -> float:
    found: float = rate(f"{what}; null without a denominator.", nullable=True, format="small_rate")
    return found


@table(layer="gold", grain=("tenant_id", "brand_id", "day"))
class PerformanceSnapshots(OfTenant):
    """One brand on one day: what its channels brought, and how its leads moved. Contents that do not tell a part of a rate are left out of both."""

    brand_id: str = column("Brand that a content names, or else whose description names the project.", label="Brand")
    day: pl.Date = column("UTC date of the figures.")
    email_opens: float = _part("Messages that were opened")
    email_open_of: pl.Int64 = _of("Messages delivered of which opens are told")
    email_open_rate: float = _rate("Opened over delivered")
    email_clicks: float = _part("Messages in which somebody clicked")
    email_click_of: pl.Int64 = _of("Messages delivered of which clicks are told")
    email_click_rate: float = _rate("Clicked over delivered")
    instagram_engagements: float = _part("Engagements on Instagram")
    instagram_engagement_of: pl.Int64 = _of("Impressions on Instagram of which engagements are told")
    instagram_engagement_rate: float = _rate("Engagements over impressions")
    website_conversions: float = _part("Conversions on the website")
    website_conversion_of: pl.Int64 = _of("Visits of which conversions are told")
    website_conversion_rate: float = _rate("Conversions over visits")
    leads: pl.Int64 = count("Leads of its projects that were created on the day.")
    deals_won: pl.Int64 = count("Leads of its projects that became clients on the day.")
    notes: Words = column("What should be known of the figures, in words.")


@table(layer="gold", grain=("tenant_id", "brand_id", "metric", "day", "kind"))
class Anomalies(OfTenant):
    """One finding on one rate of one brand and day: below a floor, below what is usual, or counted differently."""

    brand_id: str = column("Brand it is of.", label="Brand")
    metric: str = column("The rate.", isin=BRAND_METRICS, format="words")
    day: pl.Date = column("Day on which it was found.")
    kind: str = column(
        "floor: below the floor of the settings; dip: the day lies below what is usual; shift: the days since some day do; "
        "volume: so many, or so few, were counted that nothing is said of the rate.",
        isin=get_args(AnomalyKind),
    )
    observed: float = column("The rate of the day; of a shift that of its days; of volume the count.", ge=0)
    expected_low: float = column("Least that was expected: the floor, or the lower end of the usual range.", ge=0)
    expected_high: float = column("Most that was expected; null for a floor.", nullable=True, ge=0)
    severity: str = column("How far it is from chance, or from the floor.", isin=get_args(AnomalySeverity))
    p_value: float = rate(
        "Chance of as much while nothing changed; of a floor, while the true rate were the floor.", format="q"
    )
    is_alarm: bool = column("It is inside the budget of the night; of a floor, the first night of its episode.")
    episode_start: pl.Date = column("First day of its episode: findings within 7 nights of each other are one.")
    successes: float = column("What was counted; null for volume.", nullable=True, ge=0)
    trials: pl.Int64 = count("Out of which it was counted, on that day.")
    past_days: pl.Int64 = count("Earlier days that say what is usual; 0 for a floor.")
    evidence: str = column("What was found, in one sentence.")


@table(layer="gold", grain=("tenant_id", "brand_id", "noted_at", "note"))
class BrandNotes(OfTenant):
    """One note on a brand: what was learned, when, and from whom."""

    brand_id: str = column("Brand it is about.", label="Brand")
    noted_at: Instant = column("When it was learned.", label="On", format="day")
    note: str = column("What was learned, in words.")
    told_by: str = column("Where it comes from; null where nobody said.", nullable=True, label="Source")
