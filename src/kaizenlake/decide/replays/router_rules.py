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

NAMES = frozenset({"rules", "default"})
"""What router rules hold; an object without any of them is another router's, of which no probabilities are known."""

TOLERANCE = 1e-9
"""By how much probabilities may sum to another number than 1."""

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
class RouterRule:
    """One rule: in runs whose fields have these values, actions are chosen with these probabilities."""

    when: tuple[tuple[str, Any], ...]
    choose: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class RouterRules:
    """Rules of which the first that fits decides; the default decides where none does."""

    rules: tuple[RouterRule, ...]
    default: tuple[tuple[str, float], ...]

    @property
    def actions(self) -> frozenset[str]:
        """Every action that may be chosen."""
        return frozenset(name for choose in (*(rule.choose for rule in self.rules), self.default) for name, _ in choose)

    def choices(self, runs: pl.DataFrame, actions: tuple[str, ...]) -> Choices:
        """Return what they choose in each run.

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


def read_rules(given: Mapping[str, Any]) -> RouterRules:
    """Read router rules as a draft holds them, whatever the fields are that they look at.

    Args:
        given: An object of `rules` and `default`, or of one of them.

    Raises:
        UsageError: They are not as declared; the words say where, what was expected and what was found.
    """
    if unknown := sorted(set(given) - NAMES):
        raise _make_error(f"router_rules has {unknown[0]!r} beside `rules` and `default`.")
    listed = given.get("rules", [])
    if not isinstance(listed, list) or len(listed) > _MOST_RULES:
        raise _make_error(f"router_rules.rules is no list of at most {_MOST_RULES}.")
    rules = tuple(_make_rule(item, f"router_rules.rules[{number}]") for number, item in enumerate(listed))
    return RouterRules(rules, _choose(given["default"], "router_rules.default") if "default" in given else ())


def rules_of(document: Mapping[str, Any], where: str) -> RouterRules:
    """Read the router rules of a policy's document, all of which can be followed for a logged run.

    Args:
        document: The document of a version of a policy.
        where: The version, for the words of an error.

    Raises:
        UsageError: It has none, or they cannot be followed; the words say what was expected and what was found.
    """
    given = document.get("router_rules")
    if not given:
        raise UsageError(
            "The policy has no router_rules, so nothing says what it would choose.",
            where=where,
            hint=f"Such as {EXAMPLE}; or hand its probabilities over in Python (target=), or run its inputs again: "
            "--call MODULE:FUNCTION.",
        )
    try:
        if not isinstance(given, Mapping) or "default" not in given:
            raise _make_error("router_rules has no `default`, which decides where no rule fits.")
        found = read_rules(given)
        for number, rule in enumerate(found.rules):
            _check_known(rule, f"router_rules.rules[{number}].when")
    except UsageError as error:
        raise UsageError(error.message, where=where, hint=error.hint) from error
    return found


def _check_known(rule: RouterRule, place: str) -> None:
    """Check that a rule of a logged run looks at what is known of a run before it."""
    if not rule.when:
        raise _make_error(f"{place} names no field.")
    for field, value in rule.when:
        if field not in KNOWN_BEFORE:
            raise UsageError(
                f"A rule may look at {', '.join(KNOWN_BEFORE)}: what is known of a run before it; {place} names {field!r}"
                f"{near(str(field), list(KNOWN_BEFORE))}."
            )
        if value is not None and not isinstance(value, str):
            raise _make_error(f"{place}: expected a text or null for {field}, found {str(value)[:200]}.")


def _make_rule(given: Any, place: str) -> RouterRule:
    if not isinstance(given, Mapping) or set(given) != {"when", "choose"}:
        raise _make_error(f"{place} does not hold `when` and `choose`, these two.")
    when = given["when"]
    if not isinstance(when, Mapping) or not all(isinstance(item, str | int | float | None) for item in when.values()):
        raise _make_error(f"{place}.when does not hold fields of a run with a value each.")
    return RouterRule(tuple(when.items()), _choose(given["choose"], f"{place}.choose"))


def _choose(given: Any, place: str) -> tuple[tuple[str, float], ...]:
    if not isinstance(given, Mapping) or not given:
        raise _make_error(f"{place} names no action with its probability.")
    for action, chance in given.items():
        if isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 <= chance <= 1:
            raise _make_error(f"{place}: the probability of {action!r} is {str(chance)[:200]}, expected from 0 to 1.")
    total = fsum(given.values())
    if not isclose(total, 1.0, rel_tol=0.0, abs_tol=TOLERANCE):
        raise _make_error(f"{place}: the probabilities sum to {total:g}, expected 1.")
    return tuple((str(action), float(chance)) for action, chance in given.items())


def _make_error(words: str) -> UsageError:
    return UsageError(words, hint=f"Such as {EXAMPLE}.")
