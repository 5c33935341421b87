"""What would a candidate choose? The router rules of its document, as probabilities of actions for each run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum, isclose
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake.errors import UsageError
from kaizenlake.events.rules import near

KNOWN_BEFORE = ("phase", "segment", "tenant_id", "project_id", "task_id", "unit_id")
"""Fields of a run that a rule may look at: what is known before anything is chosen. What came of the run is not."""

EXAMPLE = '{"rules": [{"when": {"phase": "draft"}, "choose": {"small": 0.9, "large": 0.1}}], "default": {"large": 1}}'

_MOST_RULES = 1000


@dataclass(frozen=True)
class Choices:
    """What a candidate would choose in each run.

    Args:
        actions: Names of the actions, in order.
        probability: Of each action in each run, (runs, actions); rows sum to 1.
        context: Code of the context of each run: the candidate chooses alike in all runs of one.
    """

    actions: tuple[str, ...]
    probability: NDArray[np.float64]
    context: NDArray[np.int64]


@dataclass(frozen=True)
class Rule:
    """One rule: in runs whose fields have these values, actions are chosen with these probabilities."""

    when: tuple[tuple[str, str | None], ...]
    choose: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class RouterRules:
    """Rules of which the first that fits decides; the default decides where none does."""

    rules: tuple[Rule, ...]
    default: tuple[tuple[str, float], ...]

    @property
    def actions(self) -> frozenset[str]:
        """Every action that may be chosen."""
        return frozenset(name for choose in (*(rule.choose for rule in self.rules), self.default) for name, _ in choose)

    def choices(self, runs: pl.DataFrame, actions: tuple[str, ...]) -> Choices:
        """What they choose in each run.

        Args:
            runs: Rows with the columns `KNOWN_BEFORE`.
            actions: Names of all actions, those of the rules among them.
        """
        rule = pl.lit(len(self.rules), dtype=pl.Int64)
        for place in reversed(range(len(self.rules))):
            fits = pl.all_horizontal(
                *(pl.col(field).eq_missing(pl.lit(value, dtype=pl.String)) for field, value in self.rules[place].when)
            )
            rule = pl.when(fits).then(place).otherwise(rule)
        code = runs.with_columns(_rule=rule)["_rule"].cast(pl.Int64).to_numpy()
        table = np.zeros((len(self.rules) + 1, len(actions)))
        at = {name: place for place, name in enumerate(actions)}
        for place, choose in enumerate((*(rule.choose for rule in self.rules), self.default)):
            for name, probability in choose:
                table[place, at[name]] = probability
        return Choices(actions, table[code], code)


def rules_of(document: Mapping[str, Any], where: str) -> RouterRules:
    """Read the router rules of a policy's document.

    Args:
        document: The document of a version of a policy.
        where: The version, for the words of an error.

    Raises:
        UsageError: It has none, or they are not as declared; the words say what was expected and what was found.
    """
    given = document.get("router_rules")
    if not given:
        raise UsageError(
            "The policy has no router_rules, so nothing says what it would choose.",
            where=where,
            hint=f"Such as {EXAMPLE}; or hand its probabilities over in Python (target=), or run its inputs again: --call MODULE:FUNCTION.",
        )
    if not isinstance(given, Mapping) or not set(given) <= {"rules", "default"} or "default" not in given:
        raise _wrong("`rules` and `default`", given, where)
    rules = given.get("rules", [])
    if not isinstance(rules, list) or len(rules) > _MOST_RULES:
        raise _wrong(f"`rules` as a list of at most {_MOST_RULES}", rules, where)
    return RouterRules(
        tuple(_rule(item, f"{where}, rule {number}") for number, item in enumerate(rules, 1)),
        _choose(given["default"], f"{where}, default"),
    )


def _rule(given: Any, where: str) -> Rule:
    if not isinstance(given, Mapping) or set(given) != {"when", "choose"}:
        raise _wrong("a rule of `when` and `choose`", given, where)
    when = given["when"]
    if not isinstance(when, Mapping) or not when:
        raise _wrong("`when` as an object of fields and values", when, where)
    for field, value in when.items():
        if field not in KNOWN_BEFORE:
            raise UsageError(
                f"A rule may look at {', '.join(KNOWN_BEFORE)}: what is known of a run before it; found {field!r}"
                f"{near(str(field), list(KNOWN_BEFORE))}.",
                where=where,
            )
        if value is not None and not isinstance(value, str):
            raise _wrong(f"a text or null for {field}", value, where)
    return Rule(tuple(when.items()), _choose(given["choose"], where))


def _choose(given: Any, where: str) -> tuple[tuple[str, float], ...]:
    if not isinstance(given, Mapping) or not given:
        raise _wrong("an object of actions and probabilities", given, where)
    for name, probability in given.items():
        is_number = isinstance(probability, (int, float)) and not isinstance(probability, bool)
        if not is_number or not 0.0 <= probability <= 1.0:
            raise _wrong(f"a probability from 0 to 1 for {name!r}", probability, where)
    total = fsum(given.values())
    if not isclose(total, 1.0, rel_tol=0.0, abs_tol=1e-9):
        raise UsageError(f"The probabilities of the actions must sum to 1; they sum to {total:g}.", where=where)
    return tuple((str(name), float(probability)) for name, probability in given.items())


def _wrong(expected: str, found: Any, where: str) -> UsageError:
    return UsageError(f"Expected {expected}; found {str(found)[:200]!r}.", where=where, hint=f"Such as {EXAMPLE}.")
