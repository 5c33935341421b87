"""What the tables look like: one Pandera model each; everything that knows of tables follows from `TABLES`."""

from __future__ import annotations

from kaizenlake.tables.activity import EventCounts, Projects, SegmentClarity, SourceFreshness
from kaizenlake.tables.base import (
    Table,
    check,
    check_parts,
    empty,
    full_name,
    grain,
    layer,
    meaning,
    name,
    partition,
    schema,
)
from kaizenlake.tables.bronze import Events, Landings, Quarantine
from kaizenlake.tables.canary import CanaryLooks, CanarySegments, CanaryUnits, Deployments
from kaizenlake.tables.content import (
    AvoidedPhrases,
    ContentFeatures,
    Contents,
    CreativeLabels,
    DailyPerformance,
    PerformanceTiers,
)
from kaizenlake.tables.loss import Crl, CrlDaily, CrlTrends, LearningProgress
from kaizenlake.tables.outcome import Outcomes, Patterns, ScopedPatterns, ScopedWinRates, WinRates
from kaizenlake.tables.policy import Experiments, ExperimentSuccess, Policies, PolicyPerformance, PolicyPromotions
from kaizenlake.tables.replay import GoldenSets, OfflineReplays
from kaizenlake.tables.silver import (
    SILVER,
    Acquisition,
    Core,
    DeploymentLog,
    ExperimentLog,
    Intake,
    Packs,
    Performance,
    PolicyLog,
    ReplayLog,
    Runs,
)

BRONZE: tuple[type[Table], ...] = (Events, Quarantine, Landings)

GOLD: tuple[type[Table], ...] = (
    EventCounts,
    Projects,
    SourceFreshness,
    DailyPerformance,
    ContentFeatures,
    Contents,
    PerformanceTiers,
    CreativeLabels,
    AvoidedPhrases,
    Outcomes,
    WinRates,
    ScopedWinRates,
    Patterns,
    ScopedPatterns,
    SegmentClarity,
    Crl,
    CrlDaily,
    CrlTrends,
    LearningProgress,
    Policies,
    PolicyPromotions,
    PolicyPerformance,
    Experiments,
    ExperimentSuccess,
    OfflineReplays,
    GoldenSets,
)

TABLES: tuple[type[Table], ...] = (*BRONZE, *SILVER, *GOLD)

__all__ = [
    "BRONZE",
    "GOLD",
    "SILVER",
    "TABLES",
    "Acquisition",
    "AvoidedPhrases",
    "CanaryLooks",
    "CanarySegments",
    "CanaryUnits",
    "ContentFeatures",
    "Contents",
    "Core",
    "CreativeLabels",
    "Crl",
    "CrlDaily",
    "CrlTrends",
    "DailyPerformance",
    "DeploymentLog",
    "Deployments",
    "EventCounts",
    "Events",
    "ExperimentLog",
    "ExperimentSuccess",
    "Experiments",
    "GoldenSets",
    "Intake",
    "Landings",
    "LearningProgress",
    "OfflineReplays",
    "Outcomes",
    "Packs",
    "Patterns",
    "Performance",
    "PerformanceTiers",
    "Policies",
    "PolicyLog",
    "PolicyPerformance",
    "PolicyPromotions",
    "Projects",
    "Quarantine",
    "ReplayLog",
    "Runs",
    "ScopedPatterns",
    "ScopedWinRates",
    "SegmentClarity",
    "SourceFreshness",
    "Table",
    "WinRates",
    "check",
    "check_parts",
    "empty",
    "full_name",
    "grain",
    "layer",
    "meaning",
    "name",
    "partition",
    "schema",
]
