"""From what went badly for a brand to tasks that wait for a person: rows of alarms, a table of rules, and nothing twice."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from difflib import SequenceMatcher
from typing import Any

import polars as pl

from kaizenlake.decide.agency.task_state import OPEN, TaskState
from kaizenlake.decide.agency.tasks import TaskDraft, propose
from kaizenlake.errors import KaizenError, UsageError
from kaizenlake.jobs.policies.policy_promotions import NIGHT
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.parameters import FeedbackRule
from kaizenlake.place import DEFAULT_LAKE, LAKE_VARIABLE
from kaizenlake.tables import Anomalies, PerformanceSnapshots

NEAR = 0.9
"""Likeness of two causes from which they are one."""

_SUREST = 0.99
"""Most confidence that a proposal tells."""


@dataclass(frozen=True)
class FeedbackResult:
    """What the loop found for a brand, and what it proposed.

    Args:
        brand_id: The brand.
        timestamp: When it was looked at.
        snapshot: Its latest day, as a row of `gold.performance_snapshots`; None without one.
        anomalies_detected: Findings of the last week up to that day, as rows of `gold.anomalies`.
        tasks_created: Names of the tasks that were proposed.
        tasks_skipped_duplicate: Causes for which there is a task already.
        errors: What went wrong, in words.
    """

    brand_id: str
    timestamp: datetime
    snapshot: dict[str, Any] | None = None
    anomalies_detected: list[dict[str, Any]] = field(default_factory=list)
    tasks_created: list[str] = field(default_factory=list)
    tasks_skipped_duplicate: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        """Return a part by its name, as of a mapping."""
        return vars(self)[name]

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as a mapping."""
        return dict(vars(self))


class FeedbackLoop:
    """Looks at the alarms of brands, as the last night found them, and proposes what the rules of the settings say.

    Args:
        lake: The lake, or its folder; as a tenant has it where there are several. That of KAIZEN_LAKE where none is given.
        by: Who proposes.
    """

    def __init__(self, lake: Lake | str | None = None, by: str = NIGHT) -> None:
        place = lake if lake is not None else os.environ.get(LAKE_VARIABLE) or DEFAULT_LAKE
        self.lake = view_of(place if isinstance(place, Lake) else Lake(place))
        self.by = by

    def brands(self) -> list[str]:
        """Return the brands of which any day is known."""
        return (
            self.lake.scan(PerformanceSnapshots)
            .select(pl.col("brand_id").unique().sort())
            .collect()["brand_id"]
            .to_list()
        )

    def brands_with_alarms(self) -> list[str]:
        """Return the brands that have any alarm."""
        alarms = self.lake.scan(Anomalies).filter("is_alarm")
        return alarms.select(pl.col("brand_id").unique().sort()).collect()["brand_id"].to_list()

    def run_for_brand(self, brand_id: str, *, now: datetime | None = None) -> FeedbackResult:
        """Look at the last week of a brand, and propose what its alarms ask for; each once.

        Args:
            brand_id: Name of it.
            now: Aware instant of the clock; the clock's by default.

        Returns:
            What was found and proposed; what goes wrong stands in its errors.
        """
        result = FeedbackResult(brand_id, now or datetime.now(UTC))
        try:
            self._run(result, now)
        except KaizenError as error:
            result.errors.append(str(error))
        except Exception as error:  # noqa: BLE001 - one brand's failure does not stop the others
            result.errors.append(f"{type(error).__name__}: {error}")
        return result

    def run_all(self, brands: Sequence[str] | None = None, *, now: datetime | None = None) -> list[FeedbackResult]:
        """Run the loop for several brands; where one fails, the others go on.

        Args:
            brands: Their names; all of which a day is known by default.
            now: Aware instant of the clock; the clock's by default.
        """
        return [self.run_for_brand(name, now=now) for name in (self.brands() if brands is None else brands)]

    def _run(self, result: FeedbackResult, now: datetime | None) -> None:
        snapshots = self.lake.scan(PerformanceSnapshots)
        latest = snapshots.filter(pl.col("brand_id") == result.brand_id).sort("day").last().collect().to_dicts()
        if not latest:
            raise UsageError(
                f"No day of the brand {result.brand_id!r} is known.",
                hint="PERFORMANCE_RECORDED, EMAIL_CAMPAIGN_RECORDED and WEB_PAGE_RECORDED tell them by brand_id; "
                "`kaizen nightly` adds them up.",
            )
        object.__setattr__(result, "snapshot", latest[0])
        # The last week is that of the lake: what a brand told long ago asks for nothing now.
        found = _find_recent(self.lake, result.brand_id, snapshots.select(pl.col("day").max()).collect().item())
        result.anomalies_detected.extend(found)
        alarms = _by_cause(found, self.lake.settings.feedback.rules)
        if not alarms:
            return

        def draft(state: TaskState) -> list[TaskDraft]:
            result.tasks_skipped_duplicate.clear()
            drafts: list[TaskDraft] = []
            tasks = state.rows(brand_id=result.brand_id)
            for rule, alarm in alarms:
                if _is_answered(tasks, rule, alarm):
                    result.tasks_skipped_duplicate.append(rule.cause)
                else:
                    drafts.append(_draft(rule, alarm))
            return drafts

        result.tasks_created.extend(propose(self.lake, draft, by=self.by, now=now))


def create_feedback_loop_orchestrator(lake: Lake | str | None = None, *, by: str = NIGHT) -> FeedbackLoop:
    """Return the feedback loop of a lake: `run_for_brand` and `run_all` look at its brands and propose tasks.

    Args:
        lake: The lake, or its folder. That of KAIZEN_LAKE where none is given.
        by: Who proposes.
    """
    return FeedbackLoop(lake, by)


def _find_recent(lake: Lake, brand_id: str, last: date) -> list[dict[str, Any]]:
    """Return the findings of a brand of the last nights that count as one episode."""
    first = last - timedelta(days=lake.settings.anomalies.episode_nights - 1)
    rows = lake.scan(Anomalies).filter(pl.col("brand_id") == brand_id, pl.col("day").is_between(first, last))
    return rows.sort("day", "metric", "kind").collect().to_dicts()


def _by_cause(
    found: Sequence[Mapping[str, Any]], rules: Sequence[FeedbackRule]
) -> list[tuple[FeedbackRule, Mapping[str, Any]]]:
    """Return the rules that alarms ask for, each with the alarm that chance explains least."""
    chosen: list[tuple[FeedbackRule, Mapping[str, Any]]] = []
    for rule in rules:
        alarms = [row for row in found if row["is_alarm"] and row["metric"] == rule.metric]
        if alarms:
            chosen.append((rule, min(alarms, key=lambda row: (row["p_value"], row["kind"], row["day"]))))
    return chosen


def _is_answered(tasks: Sequence[Mapping[str, Any]], rule: FeedbackRule, alarm: Mapping[str, Any]) -> bool:
    """Return whether a task for the cause is open, or one that was proposed for this very episode is not any more."""
    same = [task for task in tasks if task["cause"] is not None and is_near(task["cause"], rule.cause)]
    return any(task["status"] in OPEN or _find_answered_day(task) >= alarm["episode_start"] for task in same)


def _find_answered_day(task: Mapping[str, Any]) -> date:
    """Return the day up to which a task answers alarms: the one of its own alarm, else that of its proposal."""
    told = re.search(r'"alarm_day": ?"(\d{4}-\d{2}-\d{2})"', task["inputs"] or "")
    proposed: datetime = task["proposed_at"]
    return date.fromisoformat(told.group(1)) if told else proposed.date()


def is_near(one: str, other: str) -> bool:
    """Return whether two causes say the same, whatever their case and signs, or all but the same.

    >>> is_near("Low open rate", "low_open-rates"), is_near("low open rate", "low click rate")
    (True, False)
    """
    first, second = (" ".join(re.findall(r"\w+", text.casefold().replace("_", " "))) for text in (one, other))
    return first == second or SequenceMatcher(None, first, second, autojunk=False).ratio() >= NEAR


def _draft(rule: FeedbackRule, alarm: Mapping[str, Any]) -> TaskDraft:
    told = {"metric": alarm["metric"], "alarm_day": alarm["day"].isoformat(), "alarm_kind": alarm["kind"]}
    return TaskDraft(
        brand_id=alarm["brand_id"],
        task_type=rule.task_type,
        priority=rule.priority,
        reason=f"{rule.cause[:1].upper()}{rule.cause[1:]}. {alarm['evidence']}",
        confidence_rate=round(min(max(1.0 - alarm["p_value"], 0.0), _SUREST), 4),
        risk=rule.risk,
        inputs={**rule.inputs, **told},
        cause=rule.cause,
    )
