"""What the tables say of each doer, put together for the card, the file and the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, TypeAlias

import polars as pl

from kaizenlake.publish import formats as say
from kaizenlake.publish.context.model import DocumentPart, as_line
from kaizenlake.publish.signed import skill_file as model
from kaizenlake.publish.signed import skill_words as words
from kaizenlake.tables import (
    BehaviourPatterns,
    CrlTrends,
    Experiments,
    Findings,
    PlanningStrategies,
    Scan,
    SkillCards,
    SkillFailures,
    SkillModels,
    SkillTerms,
    Table,
)

READ: tuple[type[Table], ...] = (
    SkillCards,
    SkillTerms,
    SkillModels,
    SkillFailures,
    Experiments,
    Findings,
    BehaviourPatterns,
    PlanningStrategies,
)
"""Tables that cards are made of."""

Row: TypeAlias = Mapping[str, Any]

Doer: TypeAlias = tuple[str | None, str]
"""Tenant and name of a doer."""

OWN_KINDS = ("degrading_doer", "version_change", "skill_term")
"""Kinds of findings that are of a doer itself."""

TEXT_LENGTH = 280
ENTRIES = 50

DAYS = 120
"""Most days of a loss that are drawn."""


@dataclass(frozen=True)
class Course:
    """The loss of a doer by day.

    Args:
        days: Date, mean loss of the day and moving average, in the order of days.
        alerts: Days on which the control chart of the loss raised an alert.
    """

    days: tuple[tuple[date, float, float], ...] = ()
    alerts: frozenset[date] = frozenset()


def skills(
    scan: Scan,
    *,
    as_of: datetime,
    doer: str | None = None,
    text_length: int = TEXT_LENGTH,
    entries: int = ENTRIES,
) -> tuple[model.Skill, ...]:
    """Return what is known of each doer, by name.

    Args:
        scan: Gives a table as a lazy frame: `Lake.scan`.
        as_of: Aware instant; the tables hold what happened before it.
        doer: Only this doer; None for all.
        text_length: Most characters of a text that came with events.
        entries: Most models and failure modes of a card.
    """
    chosen = pl.lit(value=True) if doer is None else pl.col("doer") == doer
    cards, terms, models, failures, experiments, findings, behaviours, strategies = pl.collect_all(
        [
            scan(SkillCards).filter(chosen).sort("tenant_id", "doer"),
            scan(SkillTerms).filter(chosen).sort("loss_share_rate", "term", descending=[True, False], nulls_last=True),
            scan(SkillModels)
            .filter(chosen)
            .sort("place", "runs", "model", descending=[False, True, False], nulls_last=True),
            scan(SkillFailures)
            .filter(chosen, pl.col("failed") > 0)
            .sort("failed", "failure_mode", descending=[True, False]),
            scan(Experiments).filter(chosen),
            scan(Findings)
            .filter(chosen, pl.col("kind").is_in(OWN_KINDS))
            .sort("raised_on", "finding_id", descending=[True, False]),
            scan(BehaviourPatterns)
            .filter(chosen, pl.col("verdict").is_in(["strength", "weakness"]))
            .sort("q_value", "task_type", "pattern", nulls_last=True),
            scan(PlanningStrategies)
            .filter(chosen)
            .sort(pl.col("effect").is_null(), "task_type", "estimated_value", "strategy", nulls_last=True),
        ]
    )
    held = {"terms": terms, "models": models, "failures": failures, "findings": findings}
    held |= {"behaviours": behaviours, "strategies": strategies}
    of = {name: _by_doer(frame) for name, frame in held.items()}
    listed = {(row.get("tenant_id"), row["experiment_id"]): row for row in experiments.iter_rows(named=True)}
    line = _Lines(text_length)
    return tuple(
        _skill(
            row,
            as_of=as_of,
            line=line,
            parts=_Parts(
                terms=of["terms"].get(_doer(row), []),
                models=of["models"].get(_doer(row), [])[:entries],
                failures=of["failures"].get(_doer(row), [])[:entries],
                findings=of["findings"].get(_doer(row), []),
                behaviours=of["behaviours"].get(_doer(row), [])[:entries],
                strategies=of["strategies"].get(_doer(row), [])[:entries],
                experiments=[
                    listed[row["tenant_id"], name] for name in row["experiments"] if (row["tenant_id"], name) in listed
                ],
            ),
        )
        for row in cards.iter_rows(named=True)
    )


def end_of(scan: Scan) -> datetime:
    """Return the midnight after the last day that the cards tell of; that before 1970 without a card."""
    last = scan(SkillCards).select(pl.col("last_day").max()).collect().item()
    day = last if last is not None else datetime(1970, 1, 1, tzinfo=UTC).date()
    return datetime.combine(day, time(), UTC) + timedelta(days=1)


def courses(scan: Scan, *, as_of: datetime, doer: str | None = None) -> dict[str, Course]:
    """Return the loss of each doer by day, its latest days up to its last run.

    Args:
        scan: Gives a table.
        as_of: Aware instant; the tables hold what happened before it.
        doer: Only this doer; None for all.
    """
    chosen = pl.lit(value=True) if doer is None else pl.col("doer") == doer
    day = pl.col("event_date")
    rows = (
        scan(CrlTrends)
        .filter(chosen, pl.col("cut") == "all", day.cast(pl.Datetime("us", "UTC")) < as_of)
        # Of a doer that rests, the days up to its last run, as its card has them.
        .filter((day.max().over("doer") - day).dt.total_days() < DAYS)
        .select("doer", "event_date", "mean_loss", "ewma_loss", "alert")
        .sort("doer", "event_date")
        .collect()
    )
    return {
        str(name): Course(
            tuple(part.select("event_date", "mean_loss", "ewma_loss").iter_rows()),
            frozenset(part.filter(pl.col("alert").fill_null(value=False))["event_date"]),
        )
        for (name,), part in rows.partition_by("doer", as_dict=True).items()
    }


TABLES: dict[type[DocumentPart], type[Table]] = {
    model.Loss: SkillCards,
    model.Term: SkillTerms,
    model.Model: SkillModels,
    model.Failure: SkillFailures,
    model.Experiment: Experiments,
    model.Finding: Findings,
    model.Behaviour: BehaviourPatterns,
    model.Strategy: PlanningStrategies,
}
"""Table that the figures of a part come from."""


class _Lines:
    """Texts from outside, as one line each."""

    def __init__(self, length: int) -> None:
        self._length = length

    def __call__(self, value: Any) -> Any:
        return as_line(value, self._length) if isinstance(value, str) else value

    def all(self, values: Iterable[str]) -> list[str]:
        return [as_line(value, self._length) for value in values]


class _Parts(NamedTuple):
    """Rows of the tables that a card is made of, those of one agent."""

    terms: list[Row]
    models: list[Row]
    failures: list[Row]
    findings: list[Row]
    experiments: list[Row]
    behaviours: list[Row]
    strategies: list[Row]


def _skill(row: Row, *, as_of: datetime, line: _Lines, parts: _Parts) -> model.Skill:
    reasons = {term["term"]: words.of_term(term) for term in parts.terms}
    return model.Skill(
        doer=row["doer"],
        as_of=as_of,
        data_window=model.Window(first_day=row["first_day"], last_day=row["last_day"]),
        sample_size=row["n"],
        card=model.Card(
            loss=_part(model.Loss, row, line),
            findings=[
                _part(model.Finding, item, line, sentence=say.clean(item["sentence"], 600)) for item in parts.findings
            ],
            strengths=line.all(row["strengths"]),
            weaknesses=line.all(row["weaknesses"]),
            not_observed=line.all(row["not_observed"]),
            terms=[_part(model.Term, term, line, reason=reasons[term["term"]]) for term in parts.terms],
            best_model=line(row["best_model"]),
            models=[_part(model.Model, item, line, reason=words.of_model(item)) for item in parts.models],
            failure_modes=[_part(model.Failure, item, line, reason=words.of_failure(item)) for item in parts.failures],
            experiments=[_part(model.Experiment, item, line) for item in parts.experiments],
            behaviours=[
                _part(model.Behaviour, item, line, reason=words.of_behaviour(item)) for item in parts.behaviours
            ],
            strategies=[_part(model.Strategy, item, line, reason=words.of_strategy(item)) for item in parts.strategies],
        ),
        policy=None
        if row["policy_id"] is None
        else model.Policy(
            policy_id=line(row["policy_id"]),
            policy_version=line(row["policy_version"]),
            known_from=row["policy_from"],
            since=row["policy_since"],
            age_days=row["policy_age_days"],
            active_policies=row["active_policies"],
        ),
        next_steps=[]
        if row["next_experiment"] is None
        else [
            model.NextStep(
                experiment_type=row["next_experiment"],
                term=line(row["next_term"]),
                because=row["next_because"],
                words=words.next_step(row, reasons.get(row["next_term"]), _find_rise(parts.findings)),
            )
        ],
    )


def _find_rise(findings: list[Row]) -> str | None:
    """Return the sentence that the loss has risen; None where it has not."""
    return next((say.clean(row["sentence"], 600) for row in findings if row["kind"] == "degrading_doer"), None)


def _part(kind: type[Any], row: Row, line: _Lines, **said: str) -> Any:
    """Return a part of the card from the columns of its row that have the names of its fields."""
    return kind(**{name: said.get(name, line(row.get(name))) for name in kind.__struct_fields__})


def _doer(row: Row) -> Doer:
    """Return the tenant and name of a doer."""
    return row["tenant_id"], row["doer"]


def _by_doer(frame: pl.DataFrame) -> dict[Doer, list[Row]]:
    found: dict[Doer, list[Row]] = {}
    for row in frame.iter_rows(named=True):
        found.setdefault(_doer(row), []).append(row)
    return found
