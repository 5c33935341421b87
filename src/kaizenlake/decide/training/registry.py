"""Register models, move them between stages and load them: each step checks every byte, and is a signed decision."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args

import polars as pl

from kaizenlake import signing
from kaizenlake.decide.policies.versions import precedence
from kaizenlake.decide.record.command_words import check_texts, find_system_user, write_command
from kaizenlake.decide.record.lines import decision_line
from kaizenlake.decide.training import datasets, model_bundle, model_files
from kaizenlake.decide.training.model_state import ModelState, RegisteredModel, find_manifest_fault, read_models
from kaizenlake.errors import UsageError
from kaizenlake.events.rules import near
from kaizenlake.events.write.log import Line
from kaizenlake.lake import files
from kaizenlake.lake.store import Lake, default_lake
from kaizenlake.lake.trust import decisions, keys
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.tables.training.models import STAGES
from kaizenlake.training.error_codes import LearningError
from kaizenlake.vocabulary import ModelType

SOURCE: Final = "kaizen model"
FOLDER: Final = "models"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,99}")
_MOST_METRICS: Final = 500


@dataclass(frozen=True)
class ModelDraft:
    """What a version of a model is registered with.

    Args:
        name: Model: letters, digits, `.`, `_` and `-`.
        version: Its version, by semantic versioning.
        folder: Folder of its files, or their address in an object store; they stay where they are.
        model_type: What kind of model it is: BASE, FINE_TUNED, DISTILLED, LORA_ADAPTER or REWARD.
        parents: Models of the lake it was made of, as name@version.
        dataset: Data set of the lake it was trained on, as name@version.
        job_id: Training job that made it.
        metrics: Figures of it, by name.
    """

    name: str
    version: str
    folder: str | Path
    model_type: str
    parents: Sequence[str] = ()
    dataset: str | None = None
    job_id: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadedModel:
    """A version of a model whose every byte was checked just now.

    Args:
        model: What is known of it.
        path: Folder of this machine with its files.
    """

    model: RegisteredModel
    path: Path

    @property
    def name(self) -> str:
        """Model."""
        return self.model.name

    @property
    def version(self) -> str:
        """Its version."""
        return self.model.version


def state(lake: Lake) -> ModelState:
    """Return where the models of a tenant stand at this moment."""
    return read_models(decisions.of(view_of(lake)))


def list_lineage(lake: Lake, full_name: str | None = None) -> frozenset[str]:
    """Return the models whose outputs are no examples, as name@version.

    Args:
        lake: The lake, as a tenant has it where there are several.
        full_name: Model that is to be trained on: its lineage; every registered model unless given.

    Raises:
        LearningError: There is no such model (E7204).
    """
    found = state(lake)
    if full_name is None:
        return frozenset(item.full_name for item in found.list_models())
    name, _, version = full_name.rpartition("@")
    return found.name_line(found.find(name or full_name, version if name else None))


def find_model(lake: Lake, full_name: str) -> RegisteredModel:
    """Return a model by name@version, or by its name alone the version that was registered last.

    Raises:
        LearningError: There is none (E7204).
    """
    found = state(lake)
    name, _, version = full_name.rpartition("@")
    if name:
        return found.find(name, version)
    versions = found.list_models(full_name)
    return versions[-1] if versions else found.find(full_name)


def register(lake: Lake, draft: ModelDraft, *, by: str, reason: str | None = None) -> RegisteredModel:
    """Register a version of a model: each file is looked into and hashed, and the manifest of them signed.

    Args:
        lake: The lake, as a tenant has it where there are several.
        draft: What is registered.
        by: Who asks.
        reason: Why, in words.

    Raises:
        UsageError: The name, the type or the figures are none.
        LearningError: The version is none or taken (E7205), a file is refused (E7206), or a parent or data set is unknown
            (E7207).
    """
    _check_draft(draft)
    view = view_of(lake, may_be_new=True)
    command = ModelCommand(view, by, reason)
    place = str(draft.folder)
    if not model_files.is_remote(place):
        place = str(Path(place).absolute())
    held = model_files.hash_files(place)
    manifest = {
        "format": 1,
        "name": draft.name,
        "version": draft.version,
        "type": draft.model_type,
        "files": held,
        "parents": sorted(set(draft.parents)),
        "dataset": draft.dataset,
        "job_id": draft.job_id,
        "metrics": dict(draft.metrics),
    }
    document = signing.canonical(manifest).decode()
    key = keys.private_key(view)

    def decide(found: ModelState) -> list[Line]:
        _check_place(view, draft, found)
        payload = {
            "model_id": draft.name,
            "model_version": draft.version,
            "manifest_sha256": signing.content_hash(document),
            "model_type": draft.model_type,
            "model_path": place,
            "model_manifest": document,
            "files_count": len(held),
            "signature": signing.sign_document(document, key),
            "key_id": signing.key_id(key.public_key()),
            "parent_models": manifest["parents"],
            "trained_dataset": draft.dataset,
            "job_id": draft.job_id,
            "metrics": dict(draft.metrics) or None,
        }
        return [command.line("MODEL_REGISTERED", found, payload)]

    command.run(decide)
    _write_signatures(view, draft, manifest, Path(place).name)
    return state(view).find(draft.name, draft.version)


def check_draft(lake: Lake, draft: ModelDraft) -> None:
    """Check, before it is made, that a version could be registered: its name and version are free, its parents there.

    Raises:
        UsageError: The name or the type is none.
        LearningError: The version is none or taken (E7205), or a parent or data set is unknown (E7207).
    """
    _check_draft(draft)
    view = view_of(lake, may_be_new=True)
    _check_place(view, draft, state(view))


def _check_draft(draft: ModelDraft) -> None:
    check_texts(name=draft.name, version=draft.version, folder=str(draft.folder), job=draft.job_id)
    if not _NAME.fullmatch(draft.name):
        raise UsageError(f"A model is named by letters, digits, '.', '_' and '-', at most 100; found {draft.name!r}.")
    types = get_args(ModelType)
    if draft.model_type not in types:
        raise UsageError(
            f"There is no type {draft.model_type!r}{near(draft.model_type, types)}.", hint=f"Types: {', '.join(types)}."
        )
    try:
        precedence(draft.version)
    except UsageError as error:
        raise LearningError("E7205", str(error)) from error
    if draft.version.startswith("v"):
        raise LearningError("E7205", f"A version of a model is written without a v, as {draft.version[1:]}.")
    if len(draft.metrics) > _MOST_METRICS:
        raise UsageError(f"A model has {_MOST_METRICS} figures at most; found {len(draft.metrics)}.")
    for name, value in draft.metrics.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise UsageError(
                f"The figure {str(name)[:100]!r} of a model is {str(value)[:100]!r}; expected a finite number."
            )


def _check_place(lake: Lake, draft: ModelDraft, found: ModelState) -> None:
    """Check that a version is free and that all it names is there."""
    for other in found.list_models(draft.name):
        if precedence(other.version) == precedence(draft.version):
            raise LearningError("E7205", f"{other.full_name} is registered already, and a version never changes.")
    for parent in draft.parents:
        if found.by_full_name(parent) is None:
            names = [item.full_name for item in found.list_models()]
            raise LearningError("E7207", f"There is no model {parent!r} to be a parent{near(parent, names)}.")
    if draft.dataset is not None:
        name, _, version = draft.dataset.rpartition("@")
        known = datasets.find_versions(decisions.of(lake), name or draft.dataset)
        if version not in {item["dataset_version"] for item in known} or not name:
            raise LearningError("E7207", f"There is no data set {draft.dataset!r}; expected such as summaries@1.0.0.")


def _write_signatures(lake: Lake, draft: ModelDraft, manifest: Mapping[str, Any], folder_name: str) -> None:
    """Write the manifest with the signature of the lake, and beside it the bundle that others verify."""
    folder = signatures_of(lake, draft.name, draft.version)
    bundle_key = model_bundle.read_key(lake)
    signature = signing.sign(manifest, keys.private_key(lake))
    files.write_atomic(folder / "manifest.json", signing.canonical(manifest))
    files.write_atomic(folder / "signature.json", signing.canonical(signature))
    bundle = model_bundle.write_bundle(folder_name, manifest["files"], bundle_key)
    files.write_atomic(folder / model_bundle.BUNDLE, bundle)
    files.write_atomic(folder / model_bundle.PUBLIC_KEY, model_bundle.write_public_key(bundle_key))


def signatures_of(lake: Lake, name: str, version: str) -> Path:
    """Return the folder with the manifest and the signatures of a model."""
    return lake.path(FOLDER, *lake.tenant_place, name, version)


def find_problems(lake: Lake, model: RegisteredModel) -> list[str]:
    """Return what is not as it was registered in a model: manifest, signature and every file; a sentence each."""
    if fault := find_manifest_fault(model, decisions.public_keys(lake)):
        return [fault]
    return model_files.find_changes(model.path, model.files)


def check(lake: Lake, model: RegisteredModel) -> None:
    """Check that every byte of a model is what was registered.

    Raises:
        LearningError: One is not (E7208).
    """
    if problems := find_problems(lake, model):
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise LearningError("E7208", f"{model.full_name} was changed: {problems[0]}{more}.", where=model.path)


def load_model(
    name: str, version: str | None = None, lake: Lake | str | Path | None = None, *, tenant: str | None = None
) -> LoadedModel:
    """Return a version of a model after every byte of it was checked.

    Args:
        name: Model.
        version: Its version, or a stage such as staging; the one in production unless given.
        lake: Folder or lake; the one that KAIZEN_LAKE names, else `./lake`, unless given.
        tenant: Tenant, where the lake has several.

    Raises:
        LearningError: There is none (E7204), or a byte of it was changed (E7208).
    """
    opened = lake if isinstance(lake, Lake) else Lake(lake) if lake is not None else default_lake()
    view = view_of(opened, tenant)
    model = state(view).find(name, version)
    check(view, model)
    return LoadedModel(model, model_files.fetch(view, model.path, model.files, model.manifest_sha256))


@dataclass(frozen=True)
class ModelGate:
    """What one gate says of a stage that is asked for."""

    gate: str
    passed: bool
    found: str


@dataclass(frozen=True)
class ModelDecision:
    """What a command did.

    Args:
        model: The version as it stands after it.
        is_new: Something was decided; false where it stood so already.
        archived: Version that was archived in the same step.
        restored: Version that is in production again.
        gates: What the gates said.
    """

    model: RegisteredModel
    is_new: bool
    archived: str | None = None
    restored: str | None = None
    gates: tuple[ModelGate, ...] = ()


def promote(
    lake: Lake, full_name: tuple[str, str], to: str, *, by: str, reason: str | None = None, override: bool = False
) -> ModelDecision:
    """Give a version the next stage, where the gates let it through; to production also archives what was there.

    A refusal is kept for the audit. Asked for a stage that it has, nothing changes.

    Args:
        lake: The lake, as a tenant has it where there are several.
        full_name: Model and version.
        to: Stage asked for.
        by: Who asks.
        reason: Why, in words.
        override: Skip the gates that refuse, but for files that were changed; needs a reason.

    Raises:
        UsageError: There is no such stage, or a reason is needed.
        LearningError: There is no such version (E7204), a byte of it was changed (E7208), or a gate refuses (E7209).
    """
    if to not in STAGES:
        raise UsageError(f"{to!r} is no stage{near(to, STAGES)}.", hint=f"They are {', '.join(STAGES)}.")
    if override and not (reason or "").strip():
        raise UsageError("An override needs its reason.", hint="Say it with --reason.")
    view = view_of(lake)
    command = ModelCommand(view, by, reason)
    refusal: LearningError | None = None
    archived: str | None = None
    said: list[ModelGate] = []

    def decide(found: ModelState) -> list[Line]:
        nonlocal refusal, archived
        refusal, archived = None, None
        model = found.find(*full_name)
        if model.stage == to:
            said.clear()
            return []
        _check_way(model, to, command)
        said[:] = find_gates(view, found, model, to)
        failed = [gate for gate in said if not gate.passed]
        moved = command.name(model) | {
            "stage_before": model.stage,
            "stage_after": to,
            "gates": {"gates": [vars(gate) for gate in said]},
        }
        changed = next((gate for gate in failed if gate.gate == "files"), None)
        if failed and (changed is not None or not override):
            words = "; ".join(f"{gate.gate}: {gate.found}" for gate in failed)
            refusal = LearningError(
                "E7209" if changed is None else "E7208", f"{model.full_name} was not moved to {to}. {words}."
            )
            return [command.line("MODEL_REFUSED", found, moved)]
        served = found.find_production(model.name)
        archived = served.version if served is not None and to == "production" else None
        moved |= {"archived_version": archived, "is_override": bool(failed)}
        return [command.line("MODEL_PROMOTED", found, moved)]

    is_new = command.run(decide)
    if refusal is not None:
        raise refusal
    return ModelDecision(state(view).find(*full_name), is_new, archived=archived, gates=tuple(said))


def _check_way(model: RegisteredModel, to: str, command: ModelCommand) -> None:
    if STAGES.index(to) < STAGES.index(model.stage):
        hint = (
            f"{write_command('model', 'rollback', model.name)} brings the version before it back."
            if model.stage == "production"
            else "Register it as a new version; what was in production comes back by a roll back of what is."
        )
        raise LearningError("E7209", f"{model.full_name} is in {model.stage}; {to} lies behind it.", hint=hint)
    if to == "archived" and model.stage == "production" and not (command.reason or "").strip():
        raise UsageError(
            f"{model.full_name} is in production; archived without a successor, nothing serves. That needs a reason.",
            hint="Say it with --reason; `kaizen model rollback` brings the version before it back instead.",
        )


def find_gates(lake: Lake, found: ModelState, model: RegisteredModel, to: str) -> list[ModelGate]:
    """Return what the gates say of a stage: its files are whole, and for production a validation recommends it."""
    if to == "archived":
        return []
    problems = find_problems(lake, model)
    gates = [
        ModelGate("files", not problems, f"{model.files_count} files as registered" if not problems else problems[0])
    ]
    if to == "production":
        gates.append(_find_validation_gate(found, model))
    return gates


def _find_validation_gate(found: ModelState, model: RegisteredModel) -> ModelGate:
    validation = found.find_validation(model)
    served = found.find_production(model.name)
    if validation is None:
        return ModelGate("validation", False, "it was not validated; `kaizen model deploy` does")
    against = validation["baseline"]
    if served is not None and against != served.full_name:
        return ModelGate(
            "validation",
            False,
            f"it was validated against {against or 'no other'}, and {served.full_name} is in production",
        )
    recommendation = validation["recommendation"]
    return ModelGate(
        "validation",
        recommendation == "DEPLOY",
        f"the validation of {validation['occurred_at']:%Y-%m-%d} against {against or 'no other'} says {recommendation}: "
        f"{validation['reason']}",
    )


def roll_back(lake: Lake, name: str, *, by: str, reason: str | None = None) -> ModelDecision:
    """Take the version in production out of it and archive it; the version that was there before is there again.

    Args:
        lake: The lake, as a tenant has it where there are several.
        name: Model.
        by: Who asks.
        reason: Why, in words.

    Raises:
        LearningError: There is no such model (E7204), nothing to go back to (E7210), or the version before was changed
            (E7208).
    """
    view = view_of(lake)
    command = ModelCommand(view, by, reason)
    moved: list[str] = []

    def decide(found: ModelState) -> list[Line]:
        known = found.list_models(name)
        served = found.find_production(name)
        if not known:
            found.find(name)
        if served is None:
            raise LearningError("E7210", f"No version of the model {name} is in production.")
        before = found.find_before(served)
        if before is None:
            raise LearningError("E7210", f"No version was in production before {served.full_name}.")
        check(view, found.find(name, before))
        moved[:] = served.version, before
        said = command.name(served) | {"stage_before": served.stage, "restored_version": before}
        return [command.line("MODEL_ROLLED_BACK", found, said)]

    is_new = command.run(decide)
    return ModelDecision(state(view).find(name, moved[0]), is_new, archived=moved[0], restored=moved[1])


class ModelCommand:
    """A command on models: who asks, why, and how what it decided becomes events.

    Args:
        lake: The lake as a tenant has it.
        by: Who asks.
        reason: Why, in words.

    Raises:
        UsageError: Nobody asks, or a text is none.
    """

    def __init__(self, lake: Lake, by: str, reason: str | None = None) -> None:
        if not by.strip():
            raise UsageError("Say who decides.", hint="Give --by NAME.")
        check_texts(by=by, reason=reason)
        self.lake = lake
        self.by = by
        self.reason = reason
        self.now = datetime.now(UTC)

    def run(self, decide: Callable[[ModelState], Sequence[Line]]) -> bool:
        """Decide on what there is, append it, and say whether there was anything to append."""

        def on(events: pl.LazyFrame) -> Sequence[Line]:
            return decide(read_models(events))

        return decisions.append(self.lake, on, source=SOURCE, now=self.now) > 0

    def name(self, model: RegisteredModel) -> dict[str, Any]:
        """Return what every event says of its version."""
        return {
            "model_id": model.name,
            "model_version": model.version,
            "manifest_sha256": model.manifest_sha256,
        }

    def line(self, event_type: str, found: ModelState, payload: Mapping[str, Any]) -> Line:
        """Return an event of the model that the payload names."""
        name = payload["model_id"]
        at = found.not_before(name, self.now)
        said = {"reason": self.reason, **payload, "decided_by": self.by, "system_user": find_system_user()}
        # Of two decisions at one instant the greater id counts, so the ids of one model grow.
        number = found.promotions.filter(name=name).height
        content = _shorten(f"{event_type} {at.isoformat()} {json.dumps(said, sort_keys=True)}")
        return decision_line(
            self.lake, event_type, said, event_id=f"model-{_shorten(name)}-{number:08}-{content}", occurred_at=at
        )


def _shorten(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
