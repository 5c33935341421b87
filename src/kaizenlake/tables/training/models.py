"""Gold tables of models: where each version stands, and what was decided of it."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, Words, column, count, table
from kaizenlake.vocabulary import ModelStage, ModelType, Recommendation

STAGES: tuple[str, ...] = get_args(ModelStage)
"""Stages of a version of a model, in the order in which it goes through them."""

MODEL_TYPES: tuple[str, ...] = get_args(ModelType)
RECOMMENDATIONS: tuple[str, ...] = get_args(Recommendation)
MODEL_ACTIONS = ("registered", "validated", "promoted", "refused", "rolled_back")


@table(layer="gold", grain=("tenant_id", "name", "version"))
class Models(OfTenant):
    """One version of a model as it stands: its stage, its files, its origin and its signature."""

    name: str = column("Model, such as writer; its versions follow one another.")
    version: str = column("Version of that model, by semantic versioning.")
    model_type: str = column("What kind of model it is.", isin=MODEL_TYPES)
    stage: str = column("Where it stands; of one model at most one version is in production.", isin=STAGES)
    path: str = column("Folder of its files, or their address in an object store.")
    files: str = column("Its files, as a JSON object of path to SHA-256.")
    files_count: pl.Int64 = count("Its files.")
    manifest_sha256: str = column("SHA-256 of the manifest of its files.")
    parents: Words = column("Models it was made of, as name@version, by name.")
    dataset: str = column("Data set it was trained on, as name@version; null where not told.", nullable=True)
    job_id: str = column("Training job that made it; null where none did.", nullable=True)
    metrics: str = column("Figures of it as a JSON object; null where none are told.", nullable=True)
    registered_at: Instant = column("When it was registered.")
    registered_by: str = column("Who registered it.")
    stage_since: Instant = column("Since when it has its stage.")
    decided_by: str = column("Who gave it that stage.")
    is_override: bool = column("Its stage rests on a gate that a person skipped, with the reason.")
    manifest: str = column("Its canonical JSON: each file with its SHA-256, and what it was made of.")
    signature: str = column("Ed25519 signature of its manifest, in base64.")
    key_id: str = column("Key that signed it, by the first 16 digits of its SHA-256.")


@table(layer="gold", grain=("tenant_id", "event_id"))
class ModelPromotions(OfTenant):
    """One decision on a version of a model: who took it, and on what figures. Together they are the audit trail."""

    event_id: str = column("Event of the decision.")
    occurred_at: Instant = column("When it was taken.")
    name: str = column("Model, such as writer.")
    version: str = column("Version of that model.")
    action: str = column("What was decided.", isin=MODEL_ACTIONS)
    from_stage: str = column("Stage before; null for registered and validated.", nullable=True, isin=STAGES)
    to_stage: str = column("Stage after, or asked for where refused; null for validated.", nullable=True, isin=STAGES)
    archived_version: str = column("Version that was archived in the same step; null for none.", nullable=True)
    restored_version: str = column("Version that is in production again by it; null for none.", nullable=True)
    baseline: str = column("Model it was held against, as name@version; null for none.", nullable=True)
    recommendation: str = column(
        "What its validation says; null for other decisions.", nullable=True, isin=RECOMMENDATIONS
    )
    is_regression: bool = column("Its validation found it worse; null for other decisions.", nullable=True)
    is_override: bool = column("A gate was skipped by a person, who gave the reason.")
    gates: str = column(
        "Each gate, or each stage of a validation, with its figures as JSON; null for others.", nullable=True
    )
    manifest_sha256: str = column("SHA-256 of the manifest that was decided on.")
    decided_by: str = column("Who asked for it.")
    system_user: str = column(
        "Name under which the operating system knew who ran the command; null where it is not told.", nullable=True
    )
    reason: str = column("Why, in words; null where not given.", nullable=True)
