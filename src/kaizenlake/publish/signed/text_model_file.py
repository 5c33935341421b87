"""What is published of a text model: the weights by which drafts are scored, and what they are worth."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from kaizenlake.publish import schemas
from kaizenlake.publish.context.model import DocumentPart, Instant, Line, Share, Whole
from kaizenlake.publish.schemas import Signature
from kaizenlake.publish.signed.skill_file import Provenance

SCHEMA: Final = "kaizen-text-model"
VERSION: Final = 1

Weights = Annotated[dict[str, float], Meta(description="Change of the log rate by name.")]


class LearnedFigures(DocumentPart, frozen=True, kw_only=True):
    """What a model is worth on experiments that followed those it was learned from; null where nothing could be judged."""

    judged_experiments: Whole
    pairs: Whole
    pair_accuracy: Share | None
    pair_accuracy_error: float | None
    significant_pairs: Whole
    significant_accuracy: Share | None
    significant_accuracy_error: float | None
    click_gain: Annotated[
        float | None, Meta(description="Rate of the best score over that of the mean wording, less 1.")
    ]
    click_gain_error: float | None
    slope: Annotated[float | None, Meta(description="Actual difference for each predicted one; 1 is right.")]
    slope_error: float | None
    signs: Whole
    kept_signs: Whole


class SignedTextModel(DocumentPart, frozen=True, kw_only=True):
    """Everything of the file that is signed."""

    schema: Literal["kaizen-text-model"]
    version: Literal[1]
    tenant_id: str | None
    model: Annotated[str, Meta(description="Project that it was learned from; empty for all projects of the tenant.")]
    generated_at: Instant
    valid_until: Instant
    status: Literal["usable", "no_model", "too_few"]
    why: Line
    experiments: Whole
    arms: Whole
    first_at: Instant
    last_at: Instant
    value: LearnedFigures
    is_english: bool
    centre: float
    spread: Annotated[float, Meta(ge=0, description="Standard deviation of the log rate that it does not explain.")]
    rule_error: Annotated[float, Meta(ge=0, description="Standard error of the weight of a rule, over all alike.")]
    word_error: Annotated[float, Meta(ge=0, description="Standard error of the weight of a word, over all alike.")]
    rules: Weights
    words: Weights
    data_notice: str
    provenance: Provenance


class TextModelFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of a text model."""

    signed: SignedTextModel
    signature: Signature


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file of a text model."""
    return schemas.json_schema(TextModelFile, SCHEMA, VERSION, "Text model of a project")
