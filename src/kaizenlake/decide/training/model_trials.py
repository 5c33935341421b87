"""Try models of the lake on logged inputs, keep what was found, and put a model in production where that recommends it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from kaizenlake.decide.record.user_functions import load_function, load_module
from kaizenlake.decide.training import datasets, registry
from kaizenlake.decide.training.gateways import EndpointGateway, Gateway
from kaizenlake.decide.training.model_state import ModelState, RegisteredModel
from kaizenlake.decide.training.registry import ModelCommand, ModelDecision
from kaizenlake.errors import KaizenError, UsageError
from kaizenlake.events.write.log import Line
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.redaction import redact
from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.validation.safety import SAFETY_RULES, SafetyRule
from kaizenlake.training.validation.validate import (
    CALL_SECONDS,
    TextModel,
    Validation,
    ValidationPlan,
    ValidationStage,
    run_validation,
)

MOST_INPUTS: Final = 200
"""Most inputs of the lake that are asked."""


@dataclass(frozen=True)
class ModelTrial:
    """What runs models of the lake, and what they are held against.

    Args:
        run: Takes the folder of a model and gives its function from text to text; or `module:function` of one that does.
        endpoint: Address of an endpoint that serves the models, in place of `run`.
        inputs: What they are asked; inputs of the lake unless given: of the test split of the data set that the model was
            trained on, else of the examples that are fit.
        score: Takes output, or input and output, and gives a number; the words in common with the logged output unless
            given.
        cases: Cases that must not be lost.
        golden: Cases of golden sets.
        rules: Rules of safety.
        margin: Largest loss of the mean score that is no matter.
        seed: Seed of the bootstrap.
        seconds: Longest time of a call.
    """

    run: Callable[[Path], TextModel] | str | None = None
    endpoint: str | None = None
    inputs: Sequence[str] | None = None
    score: Callable[..., Any] | None = None
    cases: Sequence[Mapping[str, Any]] = ()
    golden: Sequence[Mapping[str, Any]] = ()
    rules: Sequence[SafetyRule] = SAFETY_RULES
    margin: float = 0.05
    seed: int = 0
    seconds: float = CALL_SECONDS


NO_TRIAL: Final = ModelTrial()
"""Nothing was named that could run a model."""


@dataclass(frozen=True)
class DeploymentWish:
    """Who asks for a deployment, and how.

    Args:
        by: Who asks.
        reason: Why, in words.
        is_override: Skip the gates that refuse, never the hash.
    """

    by: str
    reason: str | None = None
    is_override: bool = False


@dataclass(frozen=True)
class Deployed:
    """What came of a deployment.

    Args:
        validation: What was found.
        decision: What was decided on it.
        is_served: A gateway serves it.
    """

    validation: Validation
    decision: ModelDecision
    is_served: bool = field(default=False)


def validate(
    lake: Lake, model_id: str, baseline_id: str | None = None, *, trial: ModelTrial = NO_TRIAL, by: str
) -> Validation:
    """Hold a model against another, and keep what was found as a decision.

    Args:
        lake: The lake, as a tenant has it where there are several.
        model_id: Model, as name@version; by its name alone the newest version.
        baseline_id: What it would take the place of; what is in production, else what it was made of, unless given.
        trial: What runs the models, and what they are held against.
        by: Who asks.

    Raises:
        LearningError: There is no such model (E7204), a byte of one was changed (E7208), a case is wrong (E7212), or what
            should run them is none (E7213).
    """
    view = view_of(lake)
    model = registry.find_model(view, model_id)
    baseline = _find_baseline(view, model, baseline_id)
    found = _try(view, model, baseline, trial)
    command = ModelCommand(view, by)

    def decide(state: ModelState) -> list[Line]:
        said = command.name(model) | {
            "recommendation": found.recommendation,
            "is_regression": found.regression_detected,
            "baseline_model": None if baseline is None else baseline.full_name,
            "findings": {"stages": [_record(stage) for stage in found.stages]},
            "reason": (redact([found.reason[:500]]).texts[0] or "")[:500],
        }
        return [command.line("MODEL_VALIDATED", state, said)]

    command.run(decide)
    return found


def deploy(
    lake: Lake,
    model_id: str,
    *,
    trial: ModelTrial = NO_TRIAL,
    gateway: Gateway | None = None,
    asked: DeploymentWish,
) -> Deployed:
    """Validate a model, put it in production where that recommends it, and have it served.

    A version that is in production already is served again, and not validated.

    Args:
        lake: The lake, as a tenant has it where there are several.
        model_id: Model, as name@version; by its name alone the newest version.
        trial: What runs the models, and what they are held against.
        gateway: Where it is served from then on; the lake alone unless given.
        asked: Who asks, and how.

    Raises:
        LearningError: There is no such model (E7204), a byte of it was changed (E7208), a gate refuses (E7209), or the
            gateway failed (E7211).
    """
    view = view_of(lake)
    model = registry.find_model(view, model_id)
    registry.check(view, model)
    if gateway is not None:
        gateway.check(model.name, model.version)
    if model.stage == "production":
        found = Validation("DEPLOY", f"{model.full_name} is in production already.", regression_detected=False)
    else:
        found = validate(view, model.full_name, trial=trial, by=asked.by)
    decision = registry.promote(
        view,
        (model.name, model.version),
        "production",
        by=asked.by,
        reason=asked.reason,
        override=asked.is_override,
    )
    if gateway is not None:
        gateway.serve(model.name, model.version)
    return Deployed(found, decision, gateway is not None)


def _find_baseline(lake: Lake, model: RegisteredModel, asked: str | None) -> RegisteredModel | None:
    if asked is not None:
        return registry.find_model(lake, asked)
    state = registry.state(lake)
    served = state.find_production(model.name)
    if served is not None and served.version != model.version:
        return served
    return next((found for name in model.parents if (found := state.by_full_name(name)) is not None), None)


def _try(lake: Lake, model: RegisteredModel, baseline: RegisteredModel | None, trial: ModelTrial) -> Validation:
    """Run two models, each after every byte of it was checked; what cannot be run is left to a person."""
    for item in (model, baseline):
        if item is not None:
            registry.check(lake, item)
    if trial.run is None and trial.endpoint is None:
        reason = "Nothing was named that could run the model, so nothing is known of what it does."
        return Validation("REVIEW", reason, regression_detected=False)
    logged = _read_logged(lake, model)
    inputs = [*logged][:MOST_INPUTS] if trial.inputs is None else [*trial.inputs]
    plan = ValidationPlan(
        inputs,
        trial.score or _make_score(logged),
        trial.cases,
        trial.golden,
        trial.rules,
        trial.margin,
        trial.seed,
        trial.seconds,
    )
    try:
        functions = [None if item is None else make_runner(lake, item, trial) for item in (model, baseline)]
    except LearningError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a model does when it is loaded is a finding
        reason = f"The model could not be loaded: {type(error).__name__}: {' '.join(str(error).split())[:200]}."
        return Validation("REVIEW", reason, regression_detected=False)
    candidate, other = functions
    assert candidate is not None, "a model has its function"
    return run_validation(candidate, other, plan)


def make_runner(lake: Lake, model: RegisteredModel, trial: ModelTrial) -> TextModel:
    """Return the function of a model from text to text.

    Raises:
        LearningError: What should run it is none (E7213), or a byte of it was changed (E7208).
    """
    if trial.endpoint is not None:
        return EndpointGateway(trial.endpoint, seconds=trial.seconds).run(model.name, model.version)
    run = find_function(trial.run) if isinstance(trial.run, str) else trial.run
    assert run is not None, "there is an endpoint or a function"
    loaded = registry.load_model(model.name, model.version, lake)
    return run(loaded.path)


def find_function(text: str) -> Callable[..., Any]:
    """Return the function that `module:function` names.

    Raises:
        LearningError: There is none (E7213).
    """
    try:
        return load_function(text)
    except UsageError as error:
        raise LearningError("E7213", error.message) from error


def _read_logged(lake: Lake, model: RegisteredModel) -> dict[str, str]:
    """Return logged inputs with the best output to each, in an order that depends on their texts alone."""
    try:
        rows = _read_rows(lake, model)
    except KaizenError:
        return {}
    best = rows.sort("quality_score", "example_id", descending=[True, False], nulls_last=True)
    found = {asked: said for asked, said in best.select("input_text", "output_text").reverse().iter_rows() if asked}
    return dict(sorted(found.items(), key=lambda item: hashlib.sha256(item[0].encode()).digest()))


def _read_rows(lake: Lake, model: RegisteredModel) -> pl.DataFrame:
    if model.dataset is not None:
        name, _, version = model.dataset.rpartition("@")
        held = datasets.read(lake, name, version).rows.filter(split="test")
        if held.height:
            return held
    return datasets.find_examples(lake)


def _make_score(logged: Mapping[str, str]) -> Callable[[str, str], float]:
    """Return the score of an output by the words that it has in common with the logged one (F1); NaN where none is logged."""

    def agree(asked: str, output: str) -> float:
        if asked not in logged:
            return float("nan")
        ours, theirs = (Counter(re.findall(r"\w+", text.casefold())) for text in (output, logged[asked]))
        shared = (ours & theirs).total()
        return 2 * shared / max(ours.total() + theirs.total(), 1)

    return agree


def _record(stage: ValidationStage) -> dict[str, Any]:
    """Return a stage as the audit keeps it: figures and words, without texts of inputs and outputs."""
    kept = {key: value for key, value in stage.figures.items() if key not in {"found", "failures"}}
    return {"name": stage.name, "passed": stage.passed, "words": stage.words, "figures": kept}


def list_cases(lines: Iterable[Mapping[str, Any]], functions: str | None = None) -> list[Mapping[str, Any]]:
    """Return cases of a file; a callable is the name of a function of a module that the command names, and of no other.

    Args:
        lines: What the file says: data, which never names what is imported.
        functions: Module that defines the functions.

    Raises:
        LearningError: There is no such module or function (E7213).
    """
    return [
        {**line, "expected": _find_check(line.get("expected"), functions)}
        if isinstance(line, dict) and line.get("kind") == "callable"
        else line
        for line in lines
    ]


def _find_check(name: Any, functions: str | None) -> Callable[..., Any]:
    if functions is None:
        raise LearningError(
            "E7213",
            f"A case is checked by the function {str(name)[:100]!r}, and no module was named for such functions.",
            hint="Name the module that defines it, as --functions MODULE.",
        )
    try:
        module = load_module(functions)
    except UsageError as error:
        raise LearningError("E7213", error.message) from error
    found = vars(module).get(name) if isinstance(name, str) else None
    if not callable(found) or getattr(found, "__module__", None) != module.__name__:
        raise LearningError("E7213", f"The module {functions!r} defines no function {str(name)[:100]!r}.")
    taken: Callable[..., Any] = found
    return taken
