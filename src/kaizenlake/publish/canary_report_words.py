"""What the report of a canary calls things: verdicts, results, methods, guarded metrics, and the way to a verdict."""

from __future__ import annotations

from typing import NamedTuple

from kaizenlake.publish.report_format import clean, words


class Verdict(NamedTuple):
    """A verdict in words: beside a figure, and as a sentence."""

    brief: str
    sentence: str


VERDICTS = {
    "promote": Verdict("promote", "It may be promoted."),
    "rollback": Verdict("roll back", "It has to be rolled back."),
    "continue": Verdict("continue", "It goes on; nothing is decided yet."),
    "insufficient": Verdict("too few units", "It has too few units for a verdict."),
    "invalid": Verdict("invalid", "The comparison is invalid; its effect means nothing."),
}
"""Each verdict of a look; a test holds the list to the table."""

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
    "It is not used: each night is one more chance to be wrong, and over 30 nights such a test finds a difference where there "
    "is none in about 28 of 100 simulated canaries."
)

TERMS = {
    "sequential_ci_low": "On all nights, lower end",
    "ci_low": "That night alone, lower end",
    "p_boundary": "p held",
    "boundary_p": "Boundary",
    "p_value": "t-test",
    "p_always_valid": "p, always valid",
    "sample_ratio_p": "Sample-ratio p",
    "q_value": "q",
    "units_mixed": "Units in several arms",
    "units_misrouted": "Units in another arm",
}
"""Columns that the report calls by another name."""

STEPS = (
    (
        "One value for each unit",
        "The mean loss of its runs. Runs of one unit resemble each other, so units are counted and not runs.",
    ),
    (
        "History",
        "Where units ran before the start, what their own past explains is taken off (CUPED): the effect stays, the noise falls.",
    ),
    (
        "Promotion",
        (
            "The chance of a false promotion is spent over the declared nights. A look promotes where its p is at most its level, "
            "the smaller arm has its minimum of units and every guardrail is held. Several candidates share the chance (Holm)."
        ),
    ),
    (
        "Roll back",
        (
            "By confidence sequences, which hold on every night at once: when the loss has risen by more than is tolerated, or a "
            "guardrail is broken, by the whole of its interval."
        ),
    ),
    (
        "Sample ratio",
        "The sizes of the arms are tested against the allocation; where they cannot be chance, nothing else is believed.",
    ),
    ("No data", "A night without runs is a pause. It never counts as a success."),
)


def metric(name: str) -> str:
    """A guarded metric in words.

    >>> metric("cost_usd"), metric("own_metric")
    ('cost (USD)', 'own metric')
    """
    return _METRICS.get(name) or clean(words(name), 40)
