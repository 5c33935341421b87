"""Commands on models: register versions, look at them, check every byte, and move them between stages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from kaizenlake.cli.shell.groups import add_group
from kaizenlake.cli.shell.options import (
    LAKE,
    ByOption,
    JsonOption,
    LakeOption,
    ReasonOption,
    TenantOption,
    VersionArgument,
)
from kaizenlake.cli.shell.output import decider, draw, note, open_view, say, say_json
from kaizenlake.errors import KaizenError, UsageError
from kaizenlake.vocabulary import ModelType, plural

if TYPE_CHECKING:
    from kaizenlake.decide.training.model_state import RegisteredModel
    from kaizenlake.decide.training.registry import ModelDecision
    from kaizenlake.lake.store import Lake

OverrideOption = Annotated[
    bool, typer.Option("--override", help="Skip the gates that refuse, never the hash; needs --reason.")
]
NameArgument = Annotated[str, typer.Argument(help="Model, such as writer.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands on models."""
    add_group(
        app,
        "model",
        (register, "register writer 1.0.0 trained/writer --type FINE_TUNED --by ann"),
        (list_, "list"),
        (show, "show writer 1.0.0"),
        (compare, "compare writer 1.0.0 1.1.0"),
        (verify, "verify writer 1.0.0"),
        (lineage, "lineage writer 1.1.0"),
        (promote, "promote writer 1.1.0 --to production --by ann"),
        (deploy, "deploy writer 1.1.0 --endpoint http://localhost:11434 --cases cases.jsonl --by ann"),
        (rollback, "rollback writer --by ann"),
        about="Register models, check every byte of them, and move them from staging to production through gates.",
        more="Safetensors, ONNX and JSON only: no pickle is ever loaded.",
    )


def register(
    name: NameArgument,
    version: VersionArgument,
    folder: Annotated[str, typer.Argument(help="Folder of its files, or their address, such as s3://bucket/writer.")],
    kind: Annotated[
        str, typer.Option("--type", help=f"What it is: {', '.join(get_args(ModelType))}.", show_default=False)
    ],
    parents: Annotated[
        list[str] | None,
        typer.Option("--parent", help="Model it was made of, as name@version; may be given many times."),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option("--dataset", help="Data set it was trained on, as name@version.")
    ] = None,
    metrics: Annotated[
        Path | None, typer.Option("--metrics", help='JSON file with figures of it, such as {"loss": 0.4}.')
    ] = None,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register a version of a model: each file is looked into, hashed and signed. It is in staging, and never changes."""
    from kaizenlake.decide.training import registry

    draft = registry.ModelDraft(
        name, version, folder, kind, tuple(parents or ()), dataset, metrics=_read_metrics(metrics)
    )
    made = registry.register(open_view(lake, tenant, may_be_new=True), draft, by=decider(by), reason=reason)
    if as_json:
        say_json(_gather_facts(made))
        return
    say(
        f"{made.full_name} is in {made.stage}: {plural(made.files_count, 'file')}, manifest {made.manifest_sha256[:16]}…."
    )


def list_(lake: LakeOption = LAKE, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List the versions of models with the stage of each at this moment."""
    from kaizenlake.decide.training import registry

    found = registry.state(open_view(lake, tenant)).list_models()
    if as_json:
        say_json([_gather_facts(item) for item in found])
    elif not found:
        say("There is no model; `kaizen model register NAME VERSION FOLDER --type TYPE` registers one.")
    else:
        heads = ("model", "version", "type", "stage", "since", "by", "files", "parents", "override")
        draw(
            heads,
            [
                (
                    item.name,
                    item.version,
                    item.model_type,
                    item.stage,
                    f"{item.stage_since:%Y-%m-%d}",
                    item.decided_by,
                    item.files_count,
                    ", ".join(item.parents),
                    item.is_override,
                )
                for item in found
            ],
        )


def show(
    name: NameArgument,
    version: VersionArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a version: its stage, origin, files and figures, whether it verifies, and what was decided of it."""
    from kaizenlake.decide.training import registry

    opened = open_view(lake, tenant)
    state = registry.state(opened)
    model = state.find(name, version)
    problems = registry.find_problems(opened, model)
    decided = state.promotions.filter(name=model.name, version=model.version)
    columns = (
        "occurred_at",
        "action",
        "from_stage",
        "to_stage",
        "recommendation",
        "decided_by",
        "is_override",
        "reason",
    )
    if as_json:
        rows = [{key: row[key] for key in columns} for row in decided.iter_rows(named=True)]
        say_json({**_gather_facts(model), "problems": problems, "decisions": rows})
        return
    say(
        f"{model.full_name} ({model.model_type}): {model.stage} since {model.stage_since:%Y-%m-%d %H:%M}, by "
        f"{model.decided_by}{' - BY OVERRIDE' if model.is_override else ''}."
    )
    say(f"Files in {model.path}, " + ("verified." if not problems else f"DO NOT VERIFY: {problems[0]}."))
    if model.parents:
        say(f"Made of {', '.join(model.parents)}.")
    if model.dataset:
        say(f"Trained on {model.dataset}.")
    draw(("file", "SHA-256"), sorted(model.files.items()))
    if model.metrics:
        draw(("figure", "value"), sorted(model.metrics.items()))
    heads = ("when", "what", "from", "to", "says", "by", "override", "reason")
    draw(heads, [(f"{row[0]:%Y-%m-%d %H:%M}", *row[1:]) for row in decided.select(columns).iter_rows()])


def compare(
    name: NameArgument,
    one: VersionArgument,
    other: Annotated[str, typer.Argument(help="Another version.")],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put two versions of a model side by side: stage, origin, figures, and the files that differ."""
    from kaizenlake.decide.training import registry

    state = registry.state(open_view(lake, tenant))
    models = [state.find(name, version) for version in (one, other)]
    figures = {
        key: [item.metrics.get(key) for item in models] for key in sorted({*models[0].metrics, *models[1].metrics})
    }
    files = {
        key: [item.files.get(key) for item in models]
        for key in sorted({*models[0].files, *models[1].files})
        if models[0].files.get(key) != models[1].files.get(key)
    }
    if as_json:
        say_json({"models": [_gather_facts(item) for item in models], "metrics": figures, "files": files})
        return
    facts = ("stage", "model_type", "parents", "dataset", "job_id", "registered_at")
    draw(
        ("", *(item.full_name for item in models)),
        [(fact.replace("_", " "), *(_tell(getattr(item, fact)) for item in models)) for fact in facts],
    )
    if figures:
        draw(
            ("figure", one, other, "change"),
            [(key, *map(_tell, values), _subtract(*values)) for key, values in figures.items()],
        )
    say("No file differs." if not files else f"{plural(len(files), 'file')} differ:")
    if files:
        draw(("file", one, other), [(key, *(_tell(value)[:16] for value in values)) for key, values in files.items()])


def verify(
    name: NameArgument,
    version: VersionArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every byte of a version against what was registered and signed."""
    from kaizenlake.decide.training import registry
    from kaizenlake.training.error_codes import LearningError

    opened = open_view(lake, tenant)
    model = registry.state(opened).find(name, version)
    problems = registry.find_problems(opened, model)
    if as_json:
        say_json({"name": model.name, "version": model.version, "problems": problems})
    else:
        for problem in problems:
            say(f"FAILED  {problem}")
        if not problems:
            say(f"ok      {model.full_name}: {plural(model.files_count, 'file')} as registered")
            bundle = registry.signatures_of(opened, model.name, model.version)
            say(f"        manifest, signature and bundle lie in {bundle}")
    if problems:
        raise LearningError("E7208", f"{model.full_name} was changed.")


def lineage(
    name: NameArgument,
    version: VersionArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a version was made of, and what was made of it."""
    from kaizenlake.decide.training import registry

    state = registry.state(open_view(lake, tenant))
    model = state.find(name, version)
    before = [(depth, said, found) for depth, said, found in state.list_ancestors(model)]
    after = state.list_descendants(model)
    if as_json:
        say_json(
            {
                "model": model.full_name,
                "ancestors": [{"model": said, "distance": depth} for depth, said, _ in before],
                "descendants": [item.full_name for item in after],
            }
        )
        return
    say(f"{model.full_name} ({model.model_type}), {model.stage}.")
    if before:
        draw(
            ("made of", "steps back", "type", "stage", "data set"),
            [
                (said, depth, *(() if found is None else (found.model_type, found.stage, found.dataset or "")))
                for depth, said, found in before
            ],
        )
    else:
        say("It was made of no other model of this lake.")
    if after:
        draw(
            ("what was made of it", "type", "stage", "data set"),
            [(item.full_name, item.model_type, item.stage, item.dataset or "") for item in after],
        )


def promote(
    name: NameArgument,
    version: VersionArgument,
    to: Annotated[str, typer.Option("--to", help="Stage: production or archived.", show_default=False)],
    override: OverrideOption = False,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a version the next stage where the gates let it; `kaizen model deploy` validates it before."""
    from kaizenlake.decide.training import registry

    opened = open_view(lake, tenant)
    done = registry.promote(opened, (name, version), to, by=decider(by), reason=reason, override=override)
    _publish(opened)
    _report(done, as_json=as_json)


def deploy(
    name: NameArgument,
    version: VersionArgument,
    endpoint: Annotated[
        str | None,
        typer.Option(
            "--endpoint", help="Address that serves the versions, as Ollama does; it serves what is deployed."
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", help="module:function that takes the folder and gives a function from text to text."),
    ] = None,
    inputs: Annotated[
        Path | None,
        typer.Option("--inputs", help='Lines of JSON, each a text or {"input": …}; logged inputs unless given.'),
    ] = None,
    score: Annotated[
        str | None, typer.Option("--score", help="module:function of output, or of input and output; more is better.")
    ] = None,
    cases: Annotated[
        Path | None, typer.Option("--cases", help='Lines of JSON: {"input": …, "kind": "exact", "expected": …}.')
    ] = None,
    functions: Annotated[
        str | None,
        typer.Option("--functions", help="Module with the functions that cases of kind callable name as expected."),
    ] = None,
    margin: Annotated[
        float, typer.Option("--margin", min=0, help="Largest loss of the mean score that is no matter.")
    ] = 0.05,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the comparison.")] = 0,
    seconds: Annotated[float, typer.Option("--seconds", help="Longest time of one answer.")] = 60.0,
    override: OverrideOption = False,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Validate a version against the one in production, and put it there where that recommends it; all stands in the audit."""
    from kaizenlake.decide.training import model_trials
    from kaizenlake.decide.training.gateways import EndpointGateway

    opened = open_view(lake, tenant)
    trial = model_trials.ModelTrial(
        run=run,
        endpoint=endpoint,
        inputs=None if inputs is None else [_read_input(line) for line in _read_lines(inputs)],
        score=None if score is None else model_trials.find_function(score),
        cases=() if cases is None else model_trials.list_cases(_read_lines(cases), functions),
        margin=margin,
        seed=seed,
        seconds=seconds,
    )
    gateway = None if endpoint is None else EndpointGateway(endpoint, seconds=seconds)
    asked = model_trials.DeploymentWish(decider(by), reason, is_override=override)
    done = model_trials.deploy(opened, f"{name}@{version}", trial=trial, gateway=gateway, asked=asked)
    _publish(opened)
    if as_json:
        stages = [vars(stage) for stage in done.validation.stages]
        facts = {key: getattr(done.validation, key) for key in ("recommendation", "reason", "regression_detected")}
        say_json(_gather_facts(done.decision.model) | facts | {"passed": done.validation.passed, "stages": stages})
        return
    say(f"{done.validation.recommendation}: {done.validation.reason}")
    for stage in done.validation.stages:
        state = {True: "passed ", False: "FAILED ", None: "open   "}[stage.passed]
        say(f"{state} {stage.name}: {stage.words}")
    _report(done.decision, as_json=False)
    if endpoint is not None:
        say(f"{endpoint} serves it as {name}:production.")


def _publish(lake: Lake) -> None:
    """Publish the models in production as they were decided; the decision stands also where that fails."""
    from kaizenlake.decide.training import registry
    from kaizenlake.publish.training.served_models import publish_models

    try:
        publish_models(lake, registry.state(lake).models)
    except KaizenError as error:
        note(f"It is decided, but services that read published/models do not know of it: [{error.code}] {error}")


def _read_lines(file: Path) -> list[Any]:
    try:
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"The lines of JSON cannot be read: {error}.", where=str(file)) from error


def _read_input(line: Any) -> str:
    found = line.get("input") if isinstance(line, dict) else line
    if not isinstance(found, str):
        raise UsageError('Each line of inputs is a text, or an object such as {"input": "…"}.')
    return found


def rollback(
    name: NameArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Archive the version in production; the one that was there before is there again."""
    from kaizenlake.decide.training import registry

    opened = open_view(lake, tenant)
    done = registry.roll_back(opened, name, by=decider(by), reason=reason)
    _publish(opened)
    _report(done, as_json=as_json)


def _report(done: ModelDecision, *, as_json: bool) -> None:
    """Say what a command did."""
    model = done.model
    if as_json:
        gates = [vars(gate) for gate in done.gates]
        moved = {"is_new": done.is_new, "archived": done.archived, "restored": done.restored, "gates": gates}
        say_json(_gather_facts(model) | moved)
        return
    say(f"{model.full_name} is in {model.stage}{'' if done.is_new else ' already'}.")
    for gate in done.gates:
        say(f"{'passed ' if gate.passed else 'SKIPPED'} {gate.gate}: {gate.found}")
    if done.archived and done.archived != model.version:
        say(f"{model.name}@{done.archived} was archived.")
    if done.restored:
        say(f"{model.name}@{done.restored} is in production again.")


def _gather_facts(model: RegisteredModel) -> dict[str, Any]:
    left_out = {"tenant_id", "manifest", "signature"}
    return {key: value for key, value in vars(model).items() if key not in left_out}


def _read_metrics(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"The figures cannot be read: {error}.", where=str(file)) from error
    if not isinstance(found, dict):
        raise UsageError("The figures are no JSON object.", where=str(file), hint='Write them as {"loss": 0.4}.')
    return found


def _tell(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _subtract(one: Any, other: Any) -> str:
    return "" if one is None or other is None else f"{other - one:+.6g}"
