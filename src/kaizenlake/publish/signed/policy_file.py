"""What is published of a doer's policies: the versions that serve, the candidates beside them, and who gets which."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from kaizenlake.publish import schemas
from kaizenlake.publish.context.model import DocumentPart, Instant, Share
from kaizenlake.publish.schemas import Signature
from kaizenlake.vocabulary import Mode

SCHEMA: Final = "kaizen-policies"
VERSION: Final = 1

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Version(DocumentPart, frozen=True, kw_only=True):
    """A version of a policy, whole: its document has the hash that stands beside it."""

    policy_version: str
    content_sha256: Sha256
    document: Annotated[dict[str, Any], Meta(description="Prompts, parameters, router rules, tools, weights.")]


class Allocation(DocumentPart, frozen=True, kw_only=True):
    """The share of the units that one candidate serves; the active version has the rest."""

    policy_version: str
    share: Annotated[Share, Meta(description="0 in a shadow.")]


class Policy(DocumentPart, frozen=True, kw_only=True):
    """One policy of the doer, with the shadow or canary that runs on it."""

    policy_id: str
    phase: Annotated[str | None, Meta(description="Phase of the work it is for; null for every phase.")]
    active: Annotated[Version, Meta(description="Serves whoever no candidate serves; the control of a deployment.")]
    candidates: Annotated[list[Version], Meta(description="Empty without a deployment.")]
    allocation: Annotated[list[Allocation], Meta(description="One for each candidate, in their order.")]
    deployment_id: str | None
    mode: Mode | None
    unit_name: Annotated[str | None, Meta(description="What is randomised, such as user or project.")]
    salt: Annotated[
        str | None,
        Meta(
            description="The point of a unit is the first 8 bytes of SHA-256(salt, U+001F, unit id) over 2^64; the first "
            "candidate has the points below its share, the next those from there, and so on."
        ),
    ]


class Policies(DocumentPart, frozen=True, kw_only=True):
    """The policies of one doer, the part of a file that is signed."""

    schema: Literal["kaizen-policies"]
    version: Literal[1]
    tenant_id: Annotated[str | None, Meta(description="Tenant it is for; null for events without one.")] = None
    doer: str
    generated_at: Instant
    valid_until: Annotated[Instant, Meta(description="From then on readers call it stale.")]
    policies: Annotated[
        list[Policy], Meta(description="Of two for one phase the first counts; none where nothing is in service.")
    ]


class PolicyFile(DocumentPart, frozen=True, kw_only=True):
    """The file of a doer."""

    signed: Policies
    signature: Signature


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file of a doer."""
    return schemas.json_schema(PolicyFile, SCHEMA, VERSION, "Policies of a doer")
