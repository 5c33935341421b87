"""What is computed: one pure module a question; `JOBS` names them all, in no particular order."""

from __future__ import annotations

from kaizenlake.job import Job
from kaizenlake.jobs import (
    avoided_phrases,
    content_features,
    contents,
    creative_labels,
    crl,
    crl_daily,
    crl_trends,
    daily_performance,
    event_counts,
    learning_progress,
    outcomes,
    patterns,
    performance_tiers,
    projects,
    scoped_patterns,
    scoped_win_rates,
    segment_clarity,
    silver,
    source_freshness,
    win_rates,
)

JOBS: tuple[Job, ...] = (
    *silver.DECODE,
    event_counts.event_counts,
    projects.projects,
    source_freshness.source_freshness,
    daily_performance.daily_performance,
    content_features.content_features,
    contents.contents,
    performance_tiers.performance_tiers,
    creative_labels.creative_labels,
    avoided_phrases.avoided_phrases,
    segment_clarity.segment_clarity,
    outcomes.outcomes,
    win_rates.win_rates,
    scoped_win_rates.scoped_win_rates,
    patterns.patterns,
    scoped_patterns.scoped_patterns,
    crl.crl,
    crl_daily.crl_daily,
    crl_trends.crl_trends,
    learning_progress.learning_progress,
)
"""Every job: the decoding of each family, then one per gold table; `kaizenlake.job.in_order` puts them in order."""
