"""The evidence document of a context: what each entry rests on, and what was not recommended and why."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from kaizenlake.publish import schemas
from kaizenlake.publish.context.model import Basis, DocumentPart, Line, Scope, Share, Whole, flat

SCHEMA: Final = "kaizen-evidence"
VERSION: Final = 2


class Evidence(DocumentPart, frozen=True, kw_only=True):
    """What one entry rests on."""

    value: Annotated[Line, Meta(description="The entry, where the context has it cut to its length.")]
    basis: Annotated[Basis, Meta(description="A contrast within experiments outranks what was only observed.")]
    observations: Annotated[Whole, Meta(description="How many of `observed` it rests on, in the scope itself.")]
    observed: Annotated[str, Meta(description="What was counted, such as contents or decided outcomes.")]
    rate: Annotated[Share | None, Meta(description="Rate of what has the value.")]
    rate_low: Share | None
    rate_high: Share | None
    rate_without: Annotated[Share | None, Meta(description="Rate of what has it not.")]
    shrunk_rate: Annotated[Share | None, Meta(description="The rate drawn toward its like: the best guess.")]
    effect: Annotated[float | None, Meta(description="Relative lift: rate with over rate without, less 1.")]
    effect_low: Annotated[float | None, Meta(description="Lower end of the lift's interval.")]
    effect_high: Annotated[float | None, Meta(description="Upper end of the lift's interval.")]
    shrunk_effect: Annotated[float | None, Meta(description="The lift drawn toward its like, or toward the whole.")]
    corrected_p: Annotated[Share | None, Meta(description="p corrected for the number of comparisons.")]
    age_days: Annotated[Whole | None, Meta(description="Age in days at which its outcomes were counted.")]
    pending: Annotated[Whole | None, Meta(description="Subjects that have not reached that age.")]
    table: Annotated[str, Meta(description="Table the figures are read from; the index says its version.")]
    reason: Line
    borrowed_rate: Annotated[Share, Meta(description="Weight of everything in the figures of a small scope.")]
    borrowed: Annotated[str | None, Meta(description="What was borrowed from everything, in words.")]


class NotRecommended(DocumentPart, frozen=True, kw_only=True):
    """What was looked at and not recommended, and why."""

    reason: Annotated[Line, Meta(description="Why not.")]
    evidence: Evidence


class KaizenEvidence(DocumentPart, frozen=True, kw_only=True):
    """The evidence behind one context, found by field and value as the context has them."""

    schema: Literal["kaizen-evidence"]
    version: Literal[2]
    data_notice: Annotated[str, Meta(description="How the texts of the document are to be taken.")]
    tenant: Line | None
    scope: Scope
    sample_size: Annotated[Whole, Meta(description="Events of the scope.")]
    confidence: Annotated[float, Meta(ge=0, le=100, description="How much the scope's own events can carry.")]
    evidence: Annotated[
        dict[str, dict[str, Evidence]], Meta(description="By field of the context, then by value; more than it lists.")
    ]
    not_recommended: Annotated[dict[str, dict[str, NotRecommended]], Meta(description="By field, then by value.")]
    why_empty: Annotated[dict[str, str], Meta(description="By field without an entry: why.")]


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of an evidence document."""
    schema: dict[str, Any] = flat(schemas.json_schema(KaizenEvidence, SCHEMA, VERSION, "Kaizen evidence"))
    return schema
