"""Policy events: what commands decided of the policies under which doers run; only commands append them."""

from __future__ import annotations

from typing import Annotated, Any

from kaizenlake.events.values.fields import Count, Document, Key, Payload, Word, says
from kaizenlake.vocabulary import Status


class _Policy(Payload, frozen=True, kw_only=True):
    """What every policy event says of its policy."""

    policy_id: Annotated[Key, says("Policy, such as planner; its versions follow one another.")]
    policy_version: Annotated[Key, says("Version of that policy, by semantic versioning.")]
    doer: Annotated[Key, says("Agent that runs under it.")]
    phase: Annotated[Key | None, says("Phase of the work it is for; every phase where not given.")] = None
    content_sha256: Annotated[Key, says("SHA-256 of its canonical JSON, as 64 hexadecimal digits.")]
    decided_by: Annotated[Key, says("Who asked for it: a person, or the night.")]
    reason: Annotated[Word | None, says("Why, in words.")] = None
    system_user: Annotated[Key | None, says("Name under which the operating system knows who ran the command.")] = None


class PolicyCreated(_Policy, frozen=True, kw_only=True):
    """A version of a policy was created as a draft."""

    document: Annotated[
        Document, says("Its canonical JSON: prompts, parameters, router rules, tools, weights, parent.")
    ]
    signature: Annotated[Word, says("Ed25519 signature of its canonical JSON, in base64.")]
    key_id: Annotated[Key, says("Key that signed it, by the first 16 digits of its SHA-256.")]
    parent_version: Annotated[Key | None, says("Version it was made of; not given for a root.")] = None
    parent_sha256: Annotated[Key | None, says("Content hash of that version.")] = None
    root_sha256: Annotated[Key, says("Content hash of the first of its line; its own for a root.")]
    ancestors_count: Annotated[Count, says("Versions between it and the root, the root included.")]
    experiment_id: Annotated[Key | None, says("Experiment that generated it.")] = None


class PolicyPromoted(_Policy, frozen=True, kw_only=True):
    """A version of a policy went to another status; to active also archives the version that was active."""

    from_status: Annotated[Status, says("Status it had.")]
    to_status: Annotated[Status, says("Status it has now.")]
    archived_version: Annotated[Key | None, says("Version that was active until then, archived in the same step.")] = (
        None
    )
    is_override: Annotated[bool, says("A gate was skipped by a person who gave the reason.")] = False
    gates: Annotated[dict[str, Any], says("Each gate with its figures: a list `gates` of gate, passed and found.")]
    deployment_id: Annotated[Key | None, says("Deployment whose verdict it rests on.")] = None
    looks_count: Annotated[Count | None, says("Looks at that deployment until then.")] = None


class PolicyRefused(_Policy, frozen=True, kw_only=True):
    """A promotion was asked for and refused by a gate."""

    from_status: Annotated[Status, says("Status it has.")]
    to_status: Annotated[Status, says("Status that was asked for.")]
    gates: Annotated[dict[str, Any], says("Each gate with its figures: a list `gates` of gate, passed and found.")]


class PolicyApproved(_Policy, frozen=True, kw_only=True):
    """A person approved that a version of a policy may become active."""

    approver_key_id: Annotated[
        Key | None, says("Key of the person by which it is signed; not given where it is not.")
    ] = None
    approver_signature: Annotated[Word | None, says("Signature by that key, in base64.")] = None


class PolicyRolledBack(_Policy, frozen=True, kw_only=True):
    """A version of a policy was taken out of service and archived; the version before it is active again."""

    from_status: Annotated[Status, says("Status it had.")]
    restored_version: Annotated[
        Key | None, says("Version that is active again; not given where it was not active.")
    ] = None
    gates: Annotated[dict[str, Any], says("What it rests on: a list `gates` of gate, passed and found.")]
    deployment_id: Annotated[Key | None, says("Deployment that ended by it.")] = None
    looks_count: Annotated[Count | None, says("Looks at that deployment until then.")] = None
