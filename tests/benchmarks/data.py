"""Invented data of any size for the benchmarks, the same for the same seed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

PLATFORMS = ["instagram", "facebook", "linkedin", "tiktok", "youtube"]
CONTENT_TYPES = ["reel", "photo", "carousel", "story", "link"]
HOOKS = ["question", "list", "how_to", "quote", "command"]
TONES = ["friendly", "formal", "bold", "playful"]
TEXTS = [
    "Why do you never finish your plan? Seven habits that help",
    "How to write a brief that nobody has to ask about",
    "The best headline we ever tested was also the shortest",
    "Our team does not sell ads. We sell time",
    "10 mistakes in your last campaign and what they cost",
    "You will not believe what happened after the launch",
]
FIRST_DAY = date(2025, 1, 1)


def performance_payloads(count: int, days: int, seed: int = 7, first: date = FIRST_DAY) -> pl.DataFrame:
    """Performance records, one a content: envelope columns and payload columns side by side."""
    random = np.random.default_rng(seed)
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    impressions = random.integers(100, 50_000, count)
    engagements = random.binomial(impressions, random.beta(2, 40, count))
    clicks = random.binomial(impressions, random.beta(2, 80, count))
    micros = np.sort(random.integers(0, days * 86_400_000_000, count))
    pick = lambda names: pl.Series(names).gather(random.integers(0, len(names), count))  # noqa: E731
    return pl.DataFrame(
        {
            "event_id": pl.Series(np.arange(count)).cast(pl.String).str.zfill(9) + f"-{seed}",
            "occurred_at": pl.Series(micros).cast(pl.Duration("us")) + start,
            "project_id": pl.Series([f"project_{i}" for i in range(200)]).gather(random.integers(0, 200, count)),
            "content_id": pl.Series(np.arange(count)).cast(pl.String) + f"-{seed}",
            "platform": pick(PLATFORMS),
            "impressions": impressions,
            "clicks": clicks,
            "engagements": engagements,
            "content_type": pick(CONTENT_TYPES),
            "hook_type": pick([*HOOKS, None]),
            "tone": pick(TONES),
            "text": pick(TEXTS),
        }
    )


def write_ndjson(frame: pl.DataFrame, path: Path) -> None:
    """Write performance records as lines of our envelope."""
    payload = [name for name in frame.columns if name not in {"event_id", "occurred_at", "project_id"}]
    frame.select(
        id="event_id",
        type=pl.lit("PERFORMANCE_RECORDED"),
        occurred_at=pl.col("occurred_at").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"),
        project_id="project_id",
        payload=pl.struct(payload),
    ).write_ndjson(path)


def midnight_after(days: int) -> datetime:
    """The instant at which all of the invented days are over."""
    return datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day, tzinfo=UTC) + timedelta(days=days)
