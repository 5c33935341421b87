"""Gold tables of intake: how clear each brief arrived, how it became clear, and what unclear ones cost later."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, Words, column, count, rate, table
from kaizenlake.vocabulary import ClarityLevel, IntakeEfficiency

_INDUSTRY = "Industry of the project; null where unknown."
_CLIENT = "Kind of client of the project; null where unknown."


@table(layer="gold", grain=("tenant_id", "project_id"))
class Intakes(OfTenant):
    """The brief of one project: how clear it arrived, what it took to make it clear, and when it was approved."""

    project_id: str = column("Project whose brief it is.")
    industry: str = column(_INDUSTRY, nullable=True)
    client_type: str = column(_CLIENT, nullable=True)
    first_score: float = column(
        "First clarity score, null where it was never scored.", nullable=True, unit="score", ge=0, le=100
    )
    final_score: float = column(
        "Latest word on its clarity: of a score, or of the approval; null without any.",
        nullable=True,
        unit="score",
        ge=0,
        le=100,
    )
    clarity_level: str = column(
        "Level of the final score, which is not rounded: excellent from 80, good from 60, needs_clarification from 40, "
        "else poor; null without a score.",
        nullable=True,
        isin=get_args(ClarityLevel),
    )
    rounds: pl.Int64 = count("Rounds of questions: as its approval tells them, else the requests to date.")
    efficiency: str = column(
        "What the rounds to date say: perfect without one, good with one, acceptable with two or three, else problematic.",
        isin=get_args(IntakeEfficiency),
    )
    hours_to_answer: float = column(
        "Mean time in which questions were answered, as the answers tell it, else since the latest question before; null "
        "without an answer.",
        nullable=True,
        unit="hours",
        ge=0,
    )
    missing_fields: Words = column("Fields that any word on the brief named as missing, whether they were told later.")
    blocked: bool = column("Work stopped at least once until something was clear.")
    started_at: Instant = column("First word on the brief.")
    approved_at: Instant = column("When it was approved last; null where it was not.", nullable=True)
    days_to_approval: float = column(
        "Days from the first word to the approval, as that tells them, else between both; null without an approval.",
        nullable=True,
        unit="days",
        ge=0,
    )


@table(layer="gold", grain=("tenant_id", "industry", "client_type"))
class IntakeSegments(OfTenant):
    """How clear the briefs of one segment (industry and kind of client) arrive, and what unclear ones cost later."""

    industry: str = column("Industry; null where unknown.", nullable=True)
    client_type: str = column("Kind of client; null where unknown.", nullable=True)
    briefs: pl.Int64 = column("Projects whose brief was scored; the first score of each counts.", ge=1)
    mean_score: float = column("Mean first clarity score.", unit="score", ge=0, le=100)
    clear_briefs: pl.Int64 = count("Briefs that arrived clear.", label="Clear")
    clear_rate: float = rate("Clear briefs over briefs.")
    ci_low: float = rate("Lower end of the Wilson interval.", label="Interval, lower end")
    ci_high: float = rate("Upper end of the Wilson interval.", label="Interval, upper end")
    shrunk_rate: float = rate("Clear rate drawn toward all segments (empirical-Bayes beta-binomial).")
    mean_rounds: float = column("Mean rounds of questions a brief took to date.", unit="rounds", ge=0)
    missing_fields: Words = column("Fields that briefs lacked, the one that most lacked first; ties by name.")
    most_missing_rate: float = rate(
        "Share of the briefs that lacked the first of them; null without any.", nullable=True
    )
    clear_packs: pl.Int64 = count("Packs of projects whose brief arrived clear, decided or old enough to be judged.")
    clear_packs_won: pl.Int64 = count("Those of them that were completed and did not fail on quality.")
    clear_packs_won_rate: float = rate("Won over packs of clear briefs; null without any.", nullable=True)
    unclear_packs: pl.Int64 = count("Packs of projects whose brief did not arrive clear.")
    unclear_packs_won: pl.Int64 = count("Those of them that were won.")
    unclear_packs_won_rate: float = rate("Won over packs of unclear briefs; null without any.", nullable=True)
    unclear_cost: float = column(
        "Win rate that unclear briefs lose: that of packs of clear briefs less that of packs of unclear ones; null without "
        "packs of both.",
        nullable=True,
        ge=-1,
        le=1,
    )
    unclear_cost_low: float = column("Lower end of its interval.", nullable=True, ge=-1, le=1)
    unclear_cost_high: float = column("Upper end of its interval.", nullable=True, ge=-1, le=1)
    unclear_cost_p: float = rate("p of that difference; null where there is none.", nullable=True)
