"""Cases that a model must go on to pass: an input, and what its output is held against."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.validation.attempts import TriedFunction

TRIES: Final = 3
"""Tries in which a case must fail to be lost, and in all of which the baseline must pass."""

_SPELLINGS: Final = {"schema": "json_schema", "jsonschema": "json_schema", "json schema": "json_schema"}


@dataclass(frozen=True)
class Case:
    """One case.

    Args:
        input: What a model is asked.
        kind: How its output is held against the expectation.
        check: Whether an output passes.
    """

    input: str
    kind: str
    check: Callable[[str], bool]


@dataclass(frozen=True)
class FoundCase:
    """What came of a case.

    Args:
        number: Its place among the cases, from 1.
        case: The case.
        outcome: passed, flaky (passed in a later try), known (the baseline fails too), doubtful (the baseline fails at
            times), unknown (there is no baseline), or lost.
        words: What the candidate gave last, or why it gave nothing.
    """

    number: int
    case: Case
    outcome: str
    words: str


@dataclass(frozen=True)
class CaseResults:
    """What came of all cases."""

    found: tuple[FoundCase, ...] = ()

    def count(self, *outcomes: str) -> int:
        """Return how many cases came to one of some outcomes."""
        return sum(item.outcome in outcomes for item in self.found)

    def list_lost(self) -> list[FoundCase]:
        """Return the cases that are lost."""
        return [item for item in self.found if item.outcome == "lost"]


def read_cases(cases: Iterable[Mapping[str, Any]]) -> list[Case]:
    """Return cases out of mappings with `input`, `kind` and `expected`.

    Raises:
        LearningError: One lacks a field, or its expectation cannot be checked (E7212).
    """
    return [_read_case(number, case) for number, case in enumerate(cases, 1)]


def _read_case(number: int, case: Any) -> Case:
    if not isinstance(case, Mapping) or not isinstance(case.get("input"), str) or "expected" not in case:
        raise LearningError("E7212", f"Case {number} lacks a text `input`, a `kind` or what is `expected`.")
    kind = str(case.get("kind", "")).strip().lower().replace("-", "_")
    kind = _SPELLINGS.get(kind, kind)
    if (make := _CHECKS.get(kind)) is None:
        raise LearningError("E7212", f"Case {number} is of the kind {kind[:50]!r}; kinds are {', '.join(_CHECKS)}.")
    try:
        check = make(case["input"], case["expected"])
    except (ValueError, TypeError) as error:
        raise LearningError("E7212", f"What case {number} expects cannot be checked: {str(error)[:300]}.") from error
    return Case(case["input"], kind, check)


def _check_exact(_: str, expected: Any) -> Callable[[str], bool]:
    if not isinstance(expected, str):
        raise TypeError("an exact output is a text")
    return lambda output: output == expected


def _check_contained(_: str, expected: Any) -> Callable[[str], bool]:
    parts = [expected] if isinstance(expected, str) else [*expected]
    if not parts or not all(isinstance(part, str) and part for part in parts):
        raise TypeError("what is contained is a text, or a list of texts")
    return lambda output: all(part in output for part in parts)


def _check_regex(_: str, expected: Any) -> Callable[[str], bool]:
    """Search by an engine whose time grows with the text alone: no pattern can hang it."""
    import polars as pl

    if not isinstance(expected, str):
        raise TypeError("a pattern is a text")

    def search(output: str) -> bool:
        return bool(pl.Series([output]).str.contains(expected)[0])

    try:
        search("")
    except pl.exceptions.PolarsError as error:
        raise ValueError(
            f"the pattern is none that is searched in linear time, without looking around and back: {error}"
        ) from error
    return search


def _check_json_schema(_: str, expected: Any) -> Callable[[str], bool]:
    import jsonschema_rs

    def refuse(address: str) -> Any:
        raise ValueError(f"a schema is read from no other place: {address}")

    if not isinstance(expected, (dict, bool)):
        raise TypeError("a schema is a JSON object")
    try:
        validator = jsonschema_rs.validator_for(expected, retriever=refuse)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(f"it is no JSON Schema: {error}") from error

    def validate(output: str) -> bool:
        try:
            return bool(validator.is_valid(json.loads(output, parse_constant=_refuse_constant)))
        except (ValueError, RecursionError):
            return False

    return validate


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _check_callable(asked: str, expected: Any) -> Callable[[str], bool]:
    if not callable(expected):
        raise TypeError("a callable is a function of the output, or of input and output")
    is_of_both = takes_two(expected)
    return lambda output: bool(expected(asked, output) if is_of_both else expected(output))


_CHECKS: Final[dict[str, Callable[[str, Any], Callable[[str], bool]]]] = {
    "exact": _check_exact,
    "contains": _check_contained,
    "regex": _check_regex,
    "json_schema": _check_json_schema,
    "callable": _check_callable,
}


def takes_two(function: Callable[..., Any]) -> bool:
    """Return whether a function takes input and output, rather than the output alone.

    >>> takes_two(lambda output: 1.0), takes_two(lambda asked, output: 1.0)
    (False, True)
    """
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = [item for item in parameters if item.kind in {item.POSITIONAL_ONLY, item.POSITIONAL_OR_KEYWORD}]
    needed = [item for item in positional if item.default is item.empty]
    if any(item.kind is item.VAR_POSITIONAL for item in parameters) and not needed:
        return True
    return len(needed) >= 2


@dataclass
class CaseRunner:
    """Holds a candidate and its baseline against cases.

    Args:
        candidate: The candidate.
        baseline: What it would take the place of; None where there is nothing.
        outputs: Outputs of the candidate, with their inputs, for whoever looks at them next.
    """

    candidate: TriedFunction
    baseline: TriedFunction | None
    outputs: list[tuple[str, str]] = field(default_factory=list)

    def run(self, cases: Iterable[Case]) -> CaseResults:
        """Return what comes of cases; a case is lost that fails in three tries where the baseline passes three."""
        return CaseResults(tuple(self._try(number, case) for number, case in enumerate(cases, 1)))

    def _try(self, number: int, case: Case) -> FoundCase:
        words = ""
        for attempt in range(TRIES):
            is_passed, words = self._pass(self.candidate, case, self.outputs)
            if is_passed:
                return FoundCase(number, case, "flaky" if attempt else "passed", words)
        if self.baseline is None:
            return FoundCase(number, case, "unknown", words)
        times = sum(self._pass(self.baseline, case, [])[0] for _ in range(TRIES))
        outcome = "lost" if times == TRIES else "doubtful" if times else "known"
        return FoundCase(number, case, outcome, words)

    def _pass(self, subject: TriedFunction, case: Case, outputs: list[tuple[str, str]]) -> tuple[bool, str]:
        made = subject.ask(case.input)
        if made.fault is not None:
            return False, made.fault
        outputs.append((case.input, made.value))
        # A check of the user's own may hang or raise as a model may.
        checker = TriedFunction(case.check, subject.seconds)
        checked = checker.call(made.value) if case.kind == "callable" else None
        checker.end()
        if checked is None:
            return case.check(made.value), made.value[:200]
        return bool(checked.value), made.value[:200] if checked.fault is None else f"its check: {checked.fault}"
