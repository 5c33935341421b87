"""Skill cards in words: what a term is called, what a verdict rests on, and which experiment would help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kaizenlake.publish import formats as say
from kaizenlake.vocabulary import plural

TERMS = {
    "gates": "failed gates",
    "contradictions": "contradictions",
    "grounding": "unsupported claims",
    "cost": "cost over budget",
    "latency": "time over budget",
    "security": "critical security findings",
    "api": "broken interfaces",
    "migration": "failed migrations",
    "rag": "missed sources",
}
"""Each of the nine terms as a noun."""

EXPERIMENTS = {
    "prompt_synthesis": "a synthesis of prompts",
    "adapter_training": "the training of an adapter",
    "tool_tuning": "a tuning of tools",
    "rag_optimization": "an optimization of retrieval",
}

LEVERS = {
    "gates": "state the gates in the prompt, and show it runs that passed them",
    "contradictions": "have the prompt ask for a check of each claim against those before it",
    "grounding": "retrieve more to the point, and answer from what was retrieved alone",
    "cost": "call fewer and cheaper tools, and stop when the budget is near",
    "latency": "call tools side by side, and drop those that wait long for little",
    "security": "train on runs whose findings were mended",
    "api": "show the tools the interfaces that must hold, and check calls before they are made",
    "migration": "have the tools try a migration on a copy before it counts",
    "rag": "widen what is searched, and rank it anew",
}
"""What an experiment would vary to lower each of the nine terms."""

AGAINST = {"strength": "better", "weakness": "worse", "even": "even", "unclear": "unclear"}
"""What one comparison says; a strength or a weakness is what both together make of it."""

_OTHER_LEVER = "vary the prompt for what the term counts"
_ANY_LEVER = "vary the prompt, and hold it against the one in service"


def term(name: str) -> str:
    """Return a term as a noun.

    >>> term("gates"), term("tone_drift")
    ('failed gates', 'tone drift')
    """
    return TERMS.get(name) or say.clean(say.name_words(name), 60)


def of_term(row: Mapping[str, Any]) -> str:
    """Return what the verdict of a term rests on, with its numbers.

    Args:
        row: A row of `gold.skill_terms`.
    """
    if not row["n"]:
        return "Not observed: no run told it."
    found = [
        _against(row, "fleet", "than other agents", "n_fleet"),
        _against(row, "past", "than in the days before", "n_past"),
    ]
    return "; ".join(part for part in found if part) or "Not enough data yet to compare it."


def _against(row: Mapping[str, Any], kind: str, whom: str, of: str) -> str:
    difference, low, high, q_value = (row[f"{kind}_{name}"] for name in ("difference", "ci_low", "ci_high", "q_value"))
    if difference is None:
        return ""
    runs = f"{say.count(row['n'])} runs against {say.count(row[of])}"
    if low is None:
        return f"{_more(difference)} {whom}, with no spread to judge it by ({runs})"
    interval = say.between(say.effect(low), say.effect(high))
    verdict = AGAINST[row[f"{kind}_verdict"]]
    return f"{_more(difference)} {whom} (interval {interval}, {say.p_words(q_value)}; {runs}): {verdict}"


def _more(difference: float) -> str:
    word = "less" if difference < 0 else "more"
    return f"loses {say.effect(abs(difference)).lstrip('+')} {word}"


def of_model(row: Mapping[str, Any]) -> str:
    """Return what the verdict of a model rests on, with its numbers.

    Args:
        row: A row of `gold.skill_models`.
    """
    if not row["costed"]:
        return "The cost of its runs is not known, so it cannot be compared at equal cost."
    difference = row["equal_cost_difference"]
    if difference is None:
        return "No other model ran at its cost, so it cannot be compared at equal cost."
    runs = f"{say.count(row['compared'])} of {say.count(row['n'])} runs against {say.count(row['compared_others'])}"
    said = f"{_more(difference)} than the other models at equal cost"
    if row["equal_cost_ci_low"] is None:
        return f"{said}, with no spread to judge it by ({runs})"
    interval = say.between(say.effect(row["equal_cost_ci_low"]), say.effect(row["equal_cost_ci_high"]))
    return f"{said} (interval {interval}, {say.p_words(row['equal_cost_q_value'])}; {runs})"


def of_failure(row: Mapping[str, Any]) -> str:
    """Return how often a failure mode came, and how that moved.

    Args:
        row: A row of `gold.skill_failures`.
    """
    interval = say.between(say.percent(row["ci_low"]), say.percent(row["ci_high"]))
    now = f"in {say.percent(row['failed_rate'])} of {plural(row['runs'], 'run')} (interval {interval})"
    if row["change"] is None:
        return f"{now}; no run in the days before to compare with"
    moved = say.between(say.points(row["change_ci_low"]), say.points(row["change_ci_high"]))
    before = say.percent(row["failed_before_rate"])
    return f"{now}, {before} in the days before: {say.points(row['change'])} (interval {moved}, {say.p_words(row['q_value'])})"


def of_behaviour(row: Mapping[str, Any]) -> str:
    """Return how often runs with a sequence of steps passed, against those without it.

    Args:
        row: A row of `gold.behaviour_patterns`.
    """
    held = f"passed in {say.percent(row['pass_rate_with'])} of {plural(row['runs_with'], 'run')} with it"
    if row["difference"] is None:
        return f"{held}; no run of the type is without it"
    interval = say.between(say.points(row["ci_low"]), say.points(row["ci_high"]))
    without = f"{say.percent(row['pass_rate_without'])} of {row['runs'] - row['runs_with']:,} without"
    return f"{held}, {without}: {say.points(row['difference'])} (interval {interval}, {say.p_words(row['q_value'])})"


def of_strategy(row: Mapping[str, Any]) -> str:
    """Return what a strategy would lose if it were always taken, or why the log cannot say.

    Args:
        row: A row of `gold.planning_strategies`.
    """
    runs = f"{say.count(row['runs_with'])} of {plural(row['runs'], 'run')} took it"
    if row["effect"] is None:
        return f"{runs}; the log cannot tell: {'; '.join(row['shortfalls'])}"
    interval = say.between(say.effect(row["effect_ci_low"]), say.effect(row["effect_ci_high"]))
    return (
        f"{runs}; always taken, {row['measure']} {say.loss(row['estimated_value'])}, {say.effect(row['effect'])} against "
        f"what was logged (interval {interval}, {say.count(round(row['effective_units']))} effective units)"
    )


def next_step(row: Mapping[str, Any], reason: str | None, risen: str | None) -> str:
    """Return what to try next and why.

    Args:
        row: A row of `gold.skill_cards` with a next experiment.
        reason: What the verdict of the term rests on; None without a term.
        risen: The sentence of the finding that its loss has risen; None without.
    """
    name = row["next_term"]
    lever = _ANY_LEVER if name is None else LEVERS.get(name, _OTHER_LEVER)
    aim = "" if name is None else f" to lower {term(name)}"
    why = []
    if row["next_because"] != "weakness":
        why.append("its loss has risen" if risen is None else risen.rstrip("."))
    if reason is not None:
        why.append(f"{term(name)}: {reason}")
    return f"Try {EXPERIMENTS[row['next_experiment']]}{aim}: {lever}. Why: {'; '.join(why)}."
