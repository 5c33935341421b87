"""Model events: versions of models that were registered, what was found of them, and the stages they went through."""

from __future__ import annotations

from typing import Annotated, Any

from kaizenlake.events.values.fields import Count, Document, Key, Keys, Payload, Text, Word, says
from kaizenlake.vocabulary import ModelStage, ModelType, Recommendation


class _Model(Payload, frozen=True, kw_only=True):
    """What every event says of its model."""

    model_id: Annotated[Key, says("Model, such as writer; its versions follow one another.")]
    model_version: Annotated[Key, says("Version of that model, by semantic versioning.")]
    manifest_sha256: Annotated[Key, says("SHA-256 of the manifest of its files, as 64 hexadecimal digits.")]
    decided_by: Annotated[Key, says("Who asked for it.")]
    reason: Annotated[Word | None, says("Why, in words.")] = None
    system_user: Annotated[Key | None, says("Name under which the operating system knows who ran the command.")] = None


class ModelRegistered(_Model, frozen=True, kw_only=True):
    """A version of a model was registered; it is in staging from then on."""

    model_type: Annotated[ModelType, says("What kind of model it is.")]
    model_path: Annotated[Text, says("Folder of its files, or their address in an object store.")]
    model_manifest: Annotated[
        Document, says("Its canonical JSON: each file with its SHA-256, and what it was made of.")
    ]
    files_count: Annotated[Count, says("Its files.")]
    signature: Annotated[Word, says("Ed25519 signature of that manifest, in base64.")]
    key_id: Annotated[Key, says("Key that signed it, by the first 16 digits of its SHA-256.")]
    parent_models: Annotated[Keys, says("Models it was made of, as name@version.")] = []
    trained_dataset: Annotated[Key | None, says("Data set it was trained on, as name@version.")] = None
    job_id: Annotated[Key | None, says("Training job that made it.")] = None
    metrics: Annotated[dict[str, Any] | None, says("Figures of it, such as a loss.")] = None


class ModelValidated(_Model, frozen=True, kw_only=True):
    """A version of a model was held against another: cases, benchmarks, outputs side by side, and rules of safety."""

    recommendation: Annotated[Recommendation, says("Whether to deploy it, to look closer, or not to.")]
    is_regression: Annotated[bool, says("It does worse than the other, beyond chance.")]
    baseline_model: Annotated[
        Key | None, says("Model it was held against, as name@version; not given without one.")
    ] = None
    findings: Annotated[dict[str, Any], says("Each stage with its figures: a list `stages`.")]


class ModelPromoted(_Model, frozen=True, kw_only=True):
    """A version of a model went to another stage; to production also archives the version that was there."""

    stage_before: Annotated[ModelStage, says("Stage it had.")]
    stage_after: Annotated[ModelStage, says("Stage it has now.")]
    archived_version: Annotated[Key | None, says("Version that was in production until then.")] = None
    is_override: Annotated[bool, says("A gate was skipped by a person who gave the reason.")] = False
    gates: Annotated[dict[str, Any], says("Each gate with its figures: a list `gates` of gate, passed and found.")]


class ModelRefused(_Model, frozen=True, kw_only=True):
    """A stage was asked for and refused by a gate."""

    stage_before: Annotated[ModelStage, says("Stage it has.")]
    stage_after: Annotated[ModelStage, says("Stage that was asked for.")]
    gates: Annotated[dict[str, Any], says("Each gate with its figures: a list `gates` of gate, passed and found.")]


class ModelRolledBack(_Model, frozen=True, kw_only=True):
    """A version of a model was taken out of production and archived; the version before it is there again."""

    stage_before: Annotated[ModelStage, says("Stage it had.")]
    restored_version: Annotated[Key | None, says("Version that is in production again; none where none was.")] = None
