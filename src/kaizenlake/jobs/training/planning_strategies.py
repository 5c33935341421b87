"""What would an agent lose in a type of task if it always took one strategy? By their logged propensities, or a refusal to say."""

from __future__ import annotations

import math
from datetime import datetime
from functools import partial
from typing import Any, Final

import numpy as np
import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.skills._card_rules import in_card, with_card_end
from kaizenlake.jobs.training._tried_tasks import RUN, TYPE, tried_runs
from kaizenlake.parameters import Curation, EvidenceNeeds, Replays, Skills
from kaizenlake.stats.basics.seeds import folds_by_hash
from kaizenlake.stats.replay.offpolicy import (
    ESTIMATORS,
    LoggedChoices,
    OverlapRules,
    Refusal,
    Replay,
    Resampling,
    evaluate_off_policy,
    never_logged,
)
from kaizenlake.stats.replay.reward_model import FOLDS, Predicted, cross_fitted
from kaizenlake.tables import Crl, PlanningStrategies, RunRecords, TrainingExamples

MOST: Final = 20
"""Most strategies of an agent in a type of task that are valued: those that most runs took."""

_PLACES = 6
_FIGURES = ("logged_value", "estimated_value", "effect", "effect_ci_low", "effect_ci_high")


@job(reads=(RunRecords, Crl, TrainingExamples), writes=PlanningStrategies)
def planning_strategies(
    run_records: pl.LazyFrame,
    crl: pl.LazyFrame,
    training_examples: pl.LazyFrame,
    *,
    as_of: datetime,
    evidence: EvidenceNeeds = EvidenceNeeds(),
    skills: Skills = Skills(),
    replays: Replays = Replays(),
    curation: Curation = Curation(),
) -> pl.LazyFrame:
    """Value each strategy of each agent and type of task in which it took several, by the estimator that replays rest on.

    Where propensities are missing, where too few runs are left in effect, or where the weights do not add up, the answer is
    refused, as that of a replay is. Intervals of the strategies of one type hold together.

    Args:
        run_records: The record of each run.
        crl: Losses of runs.
        training_examples: Examples, for types of tasks, plans and marks of quality.
        as_of: Runs that ended from this instant on do not count.
        evidence: `confidence` of the intervals.
        skills: Days that count.
        replays: When an answer is refused, estimator, resamples and seeds.
        curation: From which mark on a run passed.
    """
    plans = (
        training_examples.filter(pl.col("source_type") == "PLANNING_TRACE", pl.col("created_at") < as_of)
        .sort("created_at", "example_id")
        .group_by("tenant_id", run_id="trace_id")
        .agg(plan=pl.col("output_text").map_batches(_read_strategies, return_dtype=pl.String).drop_nulls().first())
    )
    losses = crl.filter(pl.col("occurred_at") < as_of).select(*RUN, "loss")
    known = with_card_end(tried_runs(run_records, training_examples, as_of, curation), as_of, skills.days)
    runs = (
        known.filter(in_card(skills.days))
        .join(plans, on=list(RUN), how="left", nulls_equal=True)
        .join(losses, on=list(RUN), how="left", nulls_equal=True)
        .with_columns(strategy=pl.coalesce("action", "plan"))
        .filter(pl.col("strategy").is_not_null())
        .select(*TYPE, "run_id", "unit_id", "segment", "strategy", "passed", "loss", "action_propensity")
    )
    value = partial(_value, evidence=evidence, replays=replays)
    whole = {"predicate_pushdown": False, "projection_pushdown": False, "slice_pushdown": False}
    return runs.map_batches(value, schema=tables.schema(PlanningStrategies), **whole)


def _read_strategies(plans: pl.Series) -> pl.Series:
    """Return what each plan names as its strategy; null where it is no object or names none."""
    import json

    def read(text: str | None) -> str | None:
        try:
            plan = json.loads(text) if text and text.lstrip().startswith("{") else None
        except (ValueError, RecursionError):
            return None
        found = plan.get("strategy") if isinstance(plan, dict) else None
        return found.strip()[:200] or None if isinstance(found, str) else None

    return pl.Series([read(text) for text in plans], dtype=pl.String)


def _value(runs: pl.DataFrame, *, evidence: EvidenceNeeds, replays: Replays) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for _, part in runs.sort(*TYPE, "run_id", nulls_last=True).group_by(TYPE, maintain_order=True):
        counts = part.group_by("strategy").len().sort("len", "strategy", descending=[True, False]).head(MOST)
        if counts.height > 1:
            rows += _value_type(part, counts, evidence.confidence, replays)
    frame = pl.DataFrame(rows, schema=tables.schema(PlanningStrategies))
    return frame.sort(*TYPE, "strategy", nulls_last=True)


def _value_type(runs: pl.DataFrame, counts: pl.DataFrame, confidence: float, replays: Replays) -> list[dict[str, Any]]:
    """Return a row for each of the most frequent strategies of one agent in one type of task."""
    has_loss = runs["loss"].is_not_null().sum() >= runs["passed"].is_not_null().sum()
    value = runs["loss"] if has_loss else (~runs["passed"]).cast(pl.Float64)
    names = sorted(set(runs["strategy"]))
    code_of = {name: code for code, name in enumerate(names)}
    arrays = _Arrays(
        value.cast(pl.Float64).fill_null(np.nan).to_numpy(),
        np.array([code_of[name] for name in runs["strategy"]], dtype=np.int64),
        runs["action_propensity"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        runs["segment"].fill_null("").rank("dense").cast(pl.Int64).to_numpy() - 1,
        [unit if unit is not None else f"run:{run}" for unit, run in runs.select("unit_id", "run_id").iter_rows()],
    )
    together = 1.0 - (1.0 - confidence) / counts.height
    rows = []
    for name, times in counts.iter_rows():
        answer = arrays.evaluate(code_of[name], len(names), together, replays)
        overlap = answer.overlap
        row = {key: runs[key][0] for key in TYPE} | {
            "strategy": name,
            "runs": runs.height,
            "runs_with": times,
            "measure": "loss" if has_loss else "failure",
            "effective_units": round(overlap.effective_units, _PLACES),
            "missing_rate": overlap.missing_rate,
            **dict.fromkeys(_FIGURES),
            "verdict": "refused",
            "shortfalls": list(answer.reasons) if isinstance(answer, Refusal) else [],
        }
        rows.append(row | _describe(answer, replays))
    better = [row for row in rows if row["verdict"] == "better"]
    if better:
        min(better, key=lambda row: (row["estimated_value"], row["strategy"]))["verdict"] = "recommended"
    return rows


class _Arrays:
    """The runs of one agent in one type of task."""

    def __init__(self, values: Any, actions: Any, logged: Any, contexts: Any, units: list[str]) -> None:
        self.values, self.actions, self.logged, self.contexts, self.units = values, actions, logged, contexts, units

    def evaluate(self, action: int, actions: int, confidence: float, replays: Replays) -> Replay | Refusal:
        """Value the candidate that always takes one action."""
        table = np.zeros((self.values.size, actions))
        table[:, action] = 1.0
        models = [
            cross_fitted(self.values, self.actions, self.contexts, folds_by_hash(self.units, seed, FOLDS), table)
            for seed in replays.seeds
        ]
        order = {name: code for code, name in enumerate(sorted(set(self.units)))}
        # The tail of a Bonferroni interval still takes ten resamples.
        resamples = max(replays.resamples, math.ceil(20.0 / (1.0 - confidence)))
        return evaluate_off_policy(
            LoggedChoices(
                self.values,
                (self.actions == action).astype(np.float64),
                self.logged,
                np.array([order[unit] for unit in self.units], dtype=np.int64),
                never_logged(self.actions, self.contexts, table),
            ),
            seeds=replays.seeds,
            model=Predicted(*(np.stack(part) for part in zip(*models, strict=True))),
            resampling=Resampling(resamples, confidence, replays.clip),
            rules=OverlapRules(
                minimum_effective_units=replays.minimum_effective_units,
                largest_weight_bias=replays.largest_weight_bias,
                most_unsupported=replays.most_unsupported,
                most_missing=replays.most_missing,
            ),
        )


def _describe(answer: Replay | Refusal, replays: Replays) -> dict[str, Any]:
    """Return figures and verdict of an answer; nothing of one that is refused."""
    if isinstance(answer, Refusal):
        return {}
    at = ESTIMATORS.index(replays.estimator)
    figures = (
        answer.logged,
        float(answer.estimates[at]),
        float(answer.effects[at]),
        float(answer.effect_ci_low[at]),
        float(answer.effect_ci_high[at]),
    )
    if not all(math.isfinite(figure) for figure in figures):
        return {"shortfalls": [f"the estimator {replays.estimator} is not defined on these runs"]}
    low, high = figures[3], float(answer.effect_highest[at])
    verdict = "better" if high < 0.0 else ("worse" if low > 0.0 else "unclear")
    told = dict(zip(_FIGURES, (round(figure, _PLACES) for figure in figures), strict=True))
    return told | {"logged_value": min(1.0, max(0.0, told["logged_value"])), "verdict": verdict}
