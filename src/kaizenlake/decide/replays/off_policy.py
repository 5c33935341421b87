"""What would a candidate have lost on the runs that were logged? By their propensities, or a refusal to say."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake.decide.replays import golden, replays
from kaizenlake.decide.replays.logged_runs import logged_runs
from kaizenlake.decide.replays.replays import CandidateVersion, Replayed
from kaizenlake.decide.replays.router_rules import KNOWN_BEFORE, Choices, rules_of
from kaizenlake.errors import UsageError
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.parameters import Replays
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
from kaizenlake.vocabulary import plural

SETTING = ("phase", "segment")
"""Fields by which runs are told apart, beside what the candidate looks at, when asking which actions were ever logged."""

Target: TypeAlias = pl.DataFrame | Callable[[pl.DataFrame], pl.DataFrame]
"""Probabilities of a candidate's actions, one row a run and action: `run_id`, `action`, `probability`; or what makes them
of a frame with `run_id` and the fields known before a run."""


def replay_off_policy(
    lake: Lake,
    policy_id: str,
    policy_version: str,
    *,
    by: str,
    golden_set: str | None = None,
    all_runs: bool = False,
    target: Target | None = None,
    as_of: datetime | None = None,
    now: datetime | None = None,
) -> Replayed:
    """Evaluate a version of a policy on logged runs, and append what came out.

    The runs are those of the newest version of the doer's golden set, or all of the doer where it has none. The reward model
    of the estimators that need one is the mean loss by action and context, shrunk to that of the action and cross-fitted
    over folds of units; see `kaizenlake.stats.replay.reward_model`. It passes where the upper end of the effect's interval lies
    below `replays.max_loss_increase` for every seed.

    Args:
        policy_version: Version to evaluate.
        by: Who asks.
        golden_set: Golden set, as `name` (its newest version) or `name@version`.
        all_runs: Take all logged runs of the doer although it has a golden set.
        target: What the candidate would choose, where its document has no router rules.
        as_of: Runs that ended from this instant on do not count; now by default.
        now: Aware instant of the clock; the clock's by default.

    Raises:
        UsageError: There is no such version or golden set, or nothing says what the candidate would choose.
        VerificationError: The version's document is not what was hashed and signed.
    """
    stamp = now or datetime.now(UTC)
    lake = view_of(lake)
    events = decisions.of(lake)
    candidate = replays.candidate(lake, events, policy_id, policy_version)
    settings = lake.settings.replays
    replayed = (policy_id, policy_version)
    chosen = golden.choose(events, candidate.doer, golden_set, all_runs=all_runs, replayed=replayed)
    spoiled = () if chosen is None else golden.problems(events, chosen, golden.public_key_of(lake))
    runs = logged_runs(
        events,
        doer=candidate.doer,
        phase=candidate.phase,
        loss=lake.settings.loss,
        as_of=as_of or stamp + timedelta(microseconds=1),
        run_ids=None if chosen is None else chosen.runs,
    )
    choices = _choices(candidate, runs, target)
    answer = evaluate(runs, choices, settings, confidence=lake.settings.evidence.confidence)
    payload = _gather_payload(answer, settings, runs.height, spoiled) | replays.describe_evaluation(candidate, chosen)
    return replays.record(lake, payload | {"kind": "off_policy"}, by=by, now=stamp)


def evaluate(runs: pl.DataFrame, choices: Choices, settings: Replays, *, confidence: float) -> Replay | Refusal:
    """Estimate a candidate's mean loss from logged runs, or refuse to.

    Args:
        runs: Rows of `logged_runs`.
        choices: What the candidate would choose in each.
        settings: When an answer is refused, clip, resamples and seeds.
        confidence: Coverage of the intervals.
    """
    action = _compute_codes(_select_action(runs), choices.actions)
    here = np.arange(runs.height)
    known = action >= 0
    target = np.where(known, choices.probability[here, np.maximum(action, 0)], np.nan) if runs.height else np.zeros(0)
    losses, logged = (
        runs[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("loss", "action_propensity")
    )
    units = runs["unit"].rank("dense").cast(pl.Int64).to_numpy() - 1
    setting = runs.select(*SETTING).with_columns(context=pl.Series(choices.context))
    context = setting.select(pl.struct(pl.all()).rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
    models = [
        cross_fitted(losses, action, context, folds_by_hash(runs["unit"].to_list(), seed, FOLDS), choices.probability)
        for seed in settings.seeds
    ]
    unsupported = never_logged(action, context, choices.probability)
    return evaluate_off_policy(
        LoggedChoices(losses, target, logged, units, unsupported),
        seeds=settings.seeds,
        model=Predicted(*(np.stack(part) for part in zip(*models, strict=True))),
        resampling=Resampling(settings.resamples, confidence, settings.clip),
        rules=OverlapRules(
            minimum_effective_units=settings.minimum_effective_units,
            largest_weight_bias=settings.largest_weight_bias,
            most_unsupported=settings.most_unsupported,
            most_missing=settings.most_missing,
        ),
    )


def _select_action(runs: pl.DataFrame) -> pl.Series:
    return runs.select(pl.coalesce("action", "model")).to_series()


def _compute_codes(names: pl.Series, known: Sequence[str]) -> NDArray[np.int64]:
    """Return the place of each name among those known; -1 where it is null or none of them."""
    places = pl.DataFrame(
        {"name": list(known), "at": range(len(known))}, schema={"name": pl.String(), "at": pl.Int64()}
    )
    found = names.to_frame("name").join(places, on="name", how="left", maintain_order="left")
    return found["at"].fill_null(-1).to_numpy()


def _choices(candidate: CandidateVersion, runs: pl.DataFrame, target: Target | None) -> Choices:
    if target is None:
        rules = rules_of(candidate.document, candidate.name)
        return rules.choices(runs, tuple(sorted(rules.actions | set(_select_action(runs).drop_nulls()))))
    given = target(runs.select("run_id", *KNOWN_BEFORE)) if callable(target) else target
    return _read_choices(given, runs)


def _read_choices(given: pl.DataFrame, runs: pl.DataFrame) -> Choices:
    """Return what a frame of probabilities says of each run.

    Raises:
        UsageError: It lacks a column or a run, or its probabilities are none.
    """
    expected = "a frame with run_id, action and probability"
    if not {"run_id", "action", "probability"} <= set(given.columns):
        raise UsageError(f"Expected {expected}; found the columns {', '.join(given.columns) or 'none'}.")
    rows = given.select("run_id", "action", pl.col("probability").cast(pl.Float64)).filter(
        pl.col("run_id").is_in(runs["run_id"].to_list())
    )
    sums = rows.group_by("run_id").agg(
        pl.col("probability").sum(),
        pl.col("probability").is_between(0.0, 1.0).fill_null(value=False).all().alias("fit"),
        (pl.col("action").is_unique() & pl.col("action").is_not_null()).all().alias("distinct"),
    )
    wrong = sums.filter(~(pl.col("fit") & pl.col("distinct") & ((pl.col("probability") - 1.0).abs() < 1e-6)))
    if wrong.height:
        raise UsageError(
            f"Expected for each run distinct actions with probabilities that sum to 1; of {plural(wrong.height, 'run')} it is not so, such "
            f"as {min(wrong['run_id'])}."
        )
    if lacking := set(runs["run_id"]) - set(sums["run_id"]):
        raise UsageError(
            f"Expected {expected} for every run; {plural(len(lacking), 'run')} without it, such as {min(lacking)}."
        )
    actions = tuple(sorted(set(rows["action"]) | set(_select_action(runs).drop_nulls())))
    at = pl.DataFrame({"action": actions, "at": range(len(actions))}, schema={"action": pl.String(), "at": pl.Int64()})
    table = np.zeros((runs.height, len(actions)))
    placed = runs.select("run_id").with_row_index("row").join(rows, on="run_id").join(at, on="action")
    table[placed["row"].to_numpy(), placed["at"].to_numpy()] = placed["probability"].to_numpy()
    alike, context = np.unique(table.round(9), axis=0, return_inverse=True)
    # Where each run is a context of its own, no action was ever logged there but one: then only the setting tells.
    is_coarse = 0 < len(alike) <= max(1, runs.height // 10)
    return Choices(actions, table, context.ravel() if is_coarse else np.zeros(runs.height, dtype=np.int64))


def _gather_payload(
    answer: Replay | Refusal, settings: Replays, looked_at: int, spoiled: Sequence[str]
) -> dict[str, Any]:
    overlap = answer.overlap
    payload: dict[str, Any] = {
        "random_seeds": len(settings.seeds),
        "runs": looked_at,
        "units": overlap.units,
        "effective_units": replays.figure(overlap.effective_units),
        "max_weight": replays.figure(overlap.max_weight),
        "unsupported_rate": replays.figure(overlap.unsupported_rate),
    }
    reasons = (*spoiled, *(answer.reasons if isinstance(answer, Refusal) else ()))
    at = ESTIMATORS.index(settings.estimator)
    if isinstance(answer, Replay) and not math.isfinite(answer.effect_highest[at]):
        reasons = (*reasons, f"the estimator {settings.estimator} is not defined on these runs")
    if reasons or isinstance(answer, Refusal):
        return payload | {"verdict": "refused", "shortfalls": list(reasons), "estimates": {"estimates": []}}
    highest = float(answer.effect_highest[at])
    passed = highest < settings.max_loss_increase
    shortfall = (
        f"the effect may be as large as {highest:+.4f} by {settings.estimator}; it must lie below "
        f"{settings.max_loss_increase:+.4f}"
    )
    return payload | {
        "verdict": "passed" if passed else "failed",
        "shortfalls": [] if passed else [shortfall],
        "estimator": settings.estimator,
        "logged_loss": min(1.0, max(0.0, answer.logged)),
        "estimated_loss": float(answer.estimates[at]),
        "effect": float(answer.effects[at]),
        "effect_ci_low": float(answer.effect_ci_low[at]),
        "effect_ci_high": float(answer.effect_ci_high[at]),
        "seeds_sd": float(answer.seeds_sd[at]),
        "estimates": {"estimates": _list_entries(answer)},
    }


def _list_entries(answer: Replay) -> list[dict[str, Any]]:
    figures = {
        "loss": answer.estimates,
        "ci_low": answer.ci_low,
        "ci_high": answer.ci_high,
        "effect": answer.effects,
        "effect_ci_low": answer.effect_ci_low,
        "effect_ci_high": answer.effect_ci_high,
        "seeds_sd": answer.seeds_sd,
        "stability": answer.stability,
    }
    return [
        {"estimator": name} | {figure: replays.figure(values[place]) for figure, values in figures.items()}
        for place, name in enumerate(ESTIMATORS)
        if math.isfinite(answer.estimates[place])
    ]
