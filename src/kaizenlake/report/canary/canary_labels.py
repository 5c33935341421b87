"""What the report of a canary calls things: verdicts, results, methods, guarded metrics, and the way to a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kaizenlake.publish.formats import clean, name_words, p_words
from kaizenlake.vocabulary import plural


class Verdict(NamedTuple):
    """A verdict in words: beside a figure, and as a sentence."""

    brief: str
    sentence: str


VERDICTS = {
    "promote": Verdict("promote", "It may be promoted."),
    "rollback": Verdict("roll back", "It has to be rolled back."),
    "continue": Verdict("continue", "Not enough data yet to decide: the comparison goes on."),
    "insufficient": Verdict("too few units", "It has too few units for a verdict."),
    "invalid": Verdict("invalid", "The comparison is invalid; its effect means nothing."),
}
"""Each verdict of a look; a test holds the list to the table."""

TAKEN_BACK = Verdict("not any more", "It may not be promoted any more.")
"""Of a candidate that an earlier look would have promoted, and the one that stands would not."""

FINAL = frozenset({"rollback", "invalid"})
"""Verdicts of the latest look that stand whatever an earlier look said."""

RESULTS = {
    "promoted": "the candidate was promoted",
    "validated": "the candidate was validated",
    "rolled_back": "rolled back",
    "stopped": "stopped without a verdict",
}

METHODS = {
    "power": "spent as the square of the share of the nights that are over",
    "obrien_fleming": "spent as O’Brien and Fleming do, little at first",
    "pocock": "spent as Pocock does, much at first",
    "always_valid": "by an always-valid p, which may be looked at on any night",
}
"""How the chance of a false promotion is spent; a test holds the list to the settings."""

_METRICS = {
    "security_criticals": "critical security findings",
    "api_breakages": "broken interfaces",
    "contradictions": "contradictions",
    "cost_usd": "cost (USD)",
    "latency_seconds": "time (seconds)",
    "failed_gates_rate": "share of failed gates",
}

NIGHTLY = (
    "It is not used: each night is one more chance to be wrong. Over 30 nights such a test finds a difference where there "
    "is none in about 28 of 100 simulated canaries."
)

STEPS = (
    (
        "One value for each unit",
        "The mean loss of its runs. Runs of one unit resemble each other, so units are counted and not runs.",
    ),
    (
        "History",
        "What a unit's own runs before the start explain is taken off (CUPED). The effect stays, the noise falls.",
    ),
    (
        "Promotion",
        (
            "The chance of a false promotion is spent over the declared nights. A nightly check promotes when three things hold: p "
            "is at most its level, the smaller arm has its minimum of units, and every guardrail is held. Several candidates "
            "share the chance (Holm)."
        ),
    ),
    (
        "Roll back",
        (
            "When the whole interval of the rise in loss lies above what is tolerated, or that of a guardrail does. The "
            "intervals are confidence sequences, which hold on every night at once."
        ),
    ),
    (
        "Sample ratio",
        (
            "The sizes of the arms are tested against the allocation, and the runs of their units against one another. Where they "
            "cannot be chance, nothing else is believed."
        ),
    ),
    (
        "Missing outcomes",
        (
            "A run that ended in error, timeout or crash and tells no gates passed none: its gates term is 1. The versions must "
            "not differ beyond chance in how many runs have no loss, nor in how many routed units never ran. Else the check is "
            "invalid."
        ),
    ),
    (
        "Guardrails of the settings",
        "They count where a run of the control told the metric in the last 30 days of the comparison. One that a person named always counts.",
    ),
    ("No data", "A night without runs is a pause. It never counts as a success."),
)


def describe_metric(name: str) -> str:
    """Return a guarded metric in words.

    >>> describe_metric("cost_usd"), describe_metric("own_metric")
    ('cost (USD)', 'own metric')
    """
    return _METRICS.get(name) or clean(name_words(name), 40)


COUNTED = tuple(
    f"{name}{side}"
    for name in ("runs", "runs_failed", "runs_without_loss", "units_without_loss", "units_not_run")
    for side in ("", "_control")
)
"""Counts of a look, of the candidate and of the control, that tell of missing outcomes."""


def missing_outcomes(look: Mapping[str, Any]) -> list[str]:
    """Say of the runs and units of a look which have no loss, and which one by rule; nothing where all have one of their own.

    Args:
        look: A row of `gold.canary_looks`.
    """
    told = {name: look.get(name) or 0 for name in COUNTED}
    found = []
    if told["runs_failed"] + told["runs_failed_control"]:
        own = f"{told['runs_failed']:,} of {told['runs']:,} candidate runs ended in error and told no gates"
        other = f"of the control {told['runs_failed_control']:,} of {told['runs_control']:,}"
        found.append(f"{own}; {other}. Each counts with gates term 1.")
    if told["runs_without_loss"] + told["runs_without_loss_control"]:
        own = f"{told['runs_without_loss']:,} of {told['runs']:,} candidate runs"
        other = f"{told['runs_without_loss_control']:,} of {told['runs_control']:,} control runs"
        found.append(f"{own} and {other} have no loss.")
    if told["units_without_loss"] + told["units_without_loss_control"]:
        own = f"{plural(told['units_without_loss'], 'unit')} of the candidate"
        other = f"{told['units_without_loss_control']:,} of the control"
        gone = ""
        if told["units_not_run"] + told["units_not_run_control"]:
            gone = (
                f", of which {told['units_not_run']:,} and {told['units_not_run_control']:,} were routed and never ran"
            )
        found.append(f"{own} and {other} have no loss{gone}.")
    without = sum(told[name] for name in COUNTED if "_without_loss" in name)
    if without and look.get("missing_p") is not None:
        found.append(f"The test whether their shares differ gives {p_words(look['missing_p'], 'p')}.")
    return found
