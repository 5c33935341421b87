"""Create, approve, promote and roll back versions of policies: each command looks, decides, and appends in one step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kaizenlake import signing
from kaizenlake.decide.policies import deployment_ends, drafts
from kaizenlake.decide.policies.command import Command, name_version, record_gates
from kaizenlake.decide.policies.deployment_ends import End
from kaizenlake.decide.policies.drafts import PolicyDraft
from kaizenlake.decide.policies.gates import CONTENT, Gate, approval_gate, content_gate, gates
from kaizenlake.decide.policies.versions import precedence
from kaizenlake.decide.record import trust
from kaizenlake.decide.record.command_words import write_command
from kaizenlake.decide.record.state import DecisionState, Version, read
from kaizenlake.errors import GateError, UsageError
from kaizenlake.events.write.log import Line
from kaizenlake.jobs.policies.policy_promotions import NIGHT
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions, keys
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.tables.policy import STATUSES

IN_SERVICE = ("shadow", "canary", "active")
"""Statuses from which a version can be rolled back."""


@dataclass(frozen=True)
class Decision:
    """What a command did.

    Args:
        version: The version as it stands after it.
        is_new: Something was decided; false where it stood so already.
        archived: Version that was archived in the same step.
        restored: Version that is active again.
        ended: Deployments that ended in the same step.
        gates: What the gates said.
    """

    version: Version
    is_new: bool
    archived: str | None = None
    restored: str | None = None
    ended: tuple[str, ...] = ()
    gates: tuple[Gate, ...] = ()


def state(lake: Lake) -> DecisionState:
    """Return what was decided until this moment, whatever the last night has seen of it.

    Args:
        lake: The lake, as a tenant has it where there are several.
    """
    view = view_of(lake)
    found = decisions.find_believed(view)
    known = view.notes.get("state")
    if known is None or known[0] is not found:
        # Folded once for a moment: a night asks when it decides and when it publishes.
        known = view.notes["state"] = found, dict[tuple[str | None, bool], DecisionState]()
    of_tenants: dict[tuple[str | None, bool], DecisionState] = known[1]
    tenant = view.tenant, view.is_walled
    if tenant not in of_tenants:
        of_tenants[tenant] = read(decisions.of(view))
    return of_tenants[tenant]


def create(
    lake: Lake, draft: PolicyDraft, *, by: str, reason: str | None = None, now: datetime | None = None
) -> Decision:
    """Create a version of a policy as a draft: hashed, signed, and chained to its parent.

    The same draft once more changes nothing.

    Args:
        lake: The lake; its key signs.
        draft: What the version is made of.
        by: Who creates it.
        reason: Why, in words.
        now: Aware instant of the clock; the clock's by default.

    Raises:
        UsageError: The draft is wrong, its parent is missing, or the version exists with another content.
    """
    draft = drafts.check_draft(draft)
    key = keys.private_key(lake)
    command = Command(lake, by, reason, now)

    def decide(found: DecisionState) -> list[Line]:
        parent = drafts.check_place(draft, found)
        document = drafts.document(draft, parent)
        content_sha256 = signing.content_hash(document)
        for other in found.versions(draft.policy_id):
            if precedence(other.policy_version) == precedence(draft.version):
                if other.content_sha256 == content_sha256:
                    return []
                raise UsageError(
                    f"{other.name} exists with another content, and a version never changes.",
                    hint=f"{write_command('policy', 'show', other.policy_id, other.policy_version)} shows it; give the draft a greater version.",
                )
        return [
            command.line(
                "POLICY_CREATED",
                found,
                {
                    "policy_id": draft.policy_id,
                    "policy_version": draft.version,
                    "doer": draft.doer,
                    "phase": draft.phase,
                    "content_sha256": content_sha256,
                    "document": document,
                    "signature": signing.sign_document(document, key),
                    "key_id": signing.key_id(key.public_key()),
                    "parent_version": draft.parent,
                    "parent_sha256": None if parent is None else parent.content_sha256,
                    "root_sha256": content_sha256 if parent is None else parent.root_sha256,
                    "ancestors_count": 0 if parent is None else parent.ancestors_count + 1,
                    "experiment_id": draft.experiment,
                },
            )
        ]

    is_new = command.run(decide)
    return Decision(command.version(draft.policy_id, draft.version), is_new)


def approve(
    lake: Lake,
    policy_id: str,
    policy_version: str,
    *,
    by: str,
    reason: str | None = None,
    key: Path | None = None,
    now: datetime | None = None,
) -> Decision:
    """Approve, as a person, that a version may become active; a person's approval counts once a day.

    Args:
        by: Who approves.
        reason: Why, in words.
        key: File with the private key of the person; needed where the settings name approvers.
        now: Aware instant of the clock; the clock's by default.

    Raises:
        UsageError: There is no such version, or the night asks.
        GateError: It is active or archived, its document does not verify, or the person may not approve, or not so.
        PublishError: The person's key cannot be read, or others may read it.
    """
    command = Command(lake, by, reason, now)
    if by == NIGHT:
        raise UsageError("A person approves, not the night.")

    def decide(found: DecisionState) -> list[Line]:
        version = found.version(policy_id, policy_version)
        if version.status in {"active", "archived"}:
            raise GateError(f"{version.name} is {version.status}, so there is nothing to approve.")
        if not (gate := content_gate(command.evidence(found), version)).passed:
            raise _make_refusal(version, "approved", [gate])
        same_day = version.approved_at is not None and version.approved_at.date() == command.now.date()
        if version.approved_by == by and same_day and approval_gate(command.evidence(found), version).passed:
            return []
        at = found.not_before(policy_id, command.now)
        signed = trust.sign_approval(
            command.lake, trust.approval(command.lake, version, by, at, command.lake.tenant), by, key
        )
        return [command.line("POLICY_APPROVED", found, name_version(version) | signed)]

    is_new = command.run(decide)
    return Decision(command.version(policy_id, policy_version), is_new)


def promote(
    lake: Lake,
    policy_id: str,
    policy_version: str,
    *,
    to: str,
    by: str,
    reason: str | None = None,
    override: bool = False,
    now: datetime | None = None,
) -> Decision:
    """Give a version a status further on, where the gates let it through.

    To active also archives the version that was active and ends the deployments of the policy, in the same step. A
    refusal is kept for the audit. Asked for a status that it has, nothing changes.

    Args:
        to: Status asked for.
        by: Who asks: a person, or the night.
        reason: Why, in words.
        override: Skip the gates that refuse, but for a document that does not verify; needs a reason.
        now: Aware instant of the clock; the clock's by default.

    Raises:
        UsageError: There is no such version, the status does not lie ahead, or an override, or the end of what is active,
            gives no reason.
        GateError: A gate refuses; the words say which, with its figures. Or another decision came first.
    """
    if override and not (reason or "").strip():
        raise UsageError("An override needs its reason.", hint="Say it with --reason.")
    if override and by == NIGHT:
        raise UsageError("The night skips no gate.")
    if to not in STATUSES:
        raise UsageError(f"{to!r} is no status.", hint=f"They are {', '.join(STATUSES)}.")
    command = Command(lake, by, reason, now)
    promotion = _Promotion(command, policy_id, policy_version, to, override)
    is_new = command.run(promotion.decide)
    if promotion.refusal is not None:
        raise promotion.refusal
    return Decision(
        command.version(policy_id, policy_version),
        is_new,
        archived=promotion.archived,
        ended=tuple(end.deployment.deployment_id for end in promotion.ends),
        gates=promotion.said,
    )


class _Promotion:
    """A promotion that is decided, and decided again where another writer came between."""

    def __init__(self, command: Command, policy_id: str, policy_version: str, to: str, override: bool) -> None:  # noqa: FBT001 - as asked
        self.command = command
        self.policy_id = policy_id
        self.policy_version = policy_version
        self.to = to
        self.override = override
        self.first: tuple[str, str | None] | None = None
        self._forget()

    def _forget(self) -> None:
        self.refusal: GateError | None = None
        self.archived: str | None = None
        self.ends: tuple[End, ...] = ()
        self.said: tuple[Gate, ...] = ()

    def decide(self, found: DecisionState) -> list[Line]:
        """Return the events of the promotion, or of its refusal; none where the version has the status."""
        self._forget()
        version = found.version(self.policy_id, self.policy_version)
        active = found.active(self.policy_id)
        if version.status == self.to:
            return []
        self._check_first(version, active)
        if STATUSES.index(self.to) < STATUSES.index(version.status):
            raise UsageError(
                f"{version.name} is {version.status}; {self.to} lies behind it.",
                hint=f"{write_command('policy', 'rollback', version.policy_id, version.policy_version)} takes it out of service."
                if version.status in IN_SERVICE
                else "Create a new version of it.",
            )
        if self.to == "archived" and version == active and not (self.command.reason or "").strip():
            raise UsageError(
                f"{version.name} is active; archived without a successor, nothing serves {version.doer}. That needs a reason.",
                hint="Say it with --reason; `kaizen policy rollback` brings the version before it back instead.",
            )
        evidence = self.command.evidence(found)
        self.said = gates(evidence, version, self.to)
        failed = [gate for gate in self.said if not gate.passed]
        moved = {
            **name_version(version),
            "from_status": version.status,
            "to_status": self.to,
            "gates": record_gates(self.said),
        }
        if failed and (not self.override or CONTENT in {gate.name for gate in failed}):
            self.refusal = _make_refusal(version, self.to, failed)
            is_told = self.command.has_refused(found, moved)
            return [] if is_told else [self.command.line("POLICY_REFUSED", found, moved)]
        self.archived = active.policy_version if active is not None and self.to == "active" else None
        self.ends = deployment_ends.list_ends_by_promotion(evidence, version, self.to)
        rests_on = next((gate for gate in reversed(self.said) if gate.deployment_id is not None), None)
        moved |= {
            "archived_version": self.archived,
            "is_override": bool(failed),
            "deployment_id": None if rests_on is None else rests_on.deployment_id,
            "looks_count": None if rests_on is None else rests_on.looks,
        }
        return [self.command.line("POLICY_PROMOTED", found, moved), *self.command.ends(found, self.ends)]

    def _check_first(self, version: Version, active: Version | None) -> None:
        """Check that what was found first still stands: of two promotions that race, the later is told.

        Raises:
            GateError: The version, or the one that is active, was moved meanwhile.
        """
        standing = (version.status, None if active is None else active.policy_version)
        if self.first is None:
            self.first = standing
        elif self.first != standing:
            now = (
                "no version is active"
                if active is None
                else f"{active.policy_version} is active, by {active.decided_by}"
            )
            raise GateError(
                f"{version.name} was not promoted to {self.to}: another decision on {self.policy_id} came first. "
                f"{version.policy_version} is {version.status} now, and {now}.",
                hint=f"See {write_command('policy', 'audit', self.policy_id)}, and ask again if it is still wanted.",
            )


def roll_back(
    lake: Lake,
    policy_id: str,
    policy_version: str,
    *,
    by: str,
    reason: str | None = None,
    rests_on: Sequence[Gate] = (),
    now: datetime | None = None,
) -> Decision:
    """Take a version out of service and archive it; where it was active, the version before it is active again.

    Deployments that try it, or compare with it, end in the same step. Rolled back once more, nothing changes.

    Args:
        policy_version: Version in the shadow, in a canary, or active.
        by: Who asks: a person, or the night.
        reason: Why, in words.
        rests_on: Figures on which it rests, such as the verdict of a canary.
        now: Aware instant of the clock; the clock's by default.

    Raises:
        UsageError: There is no such version.
        GateError: It is a draft, or was archived by something else than a roll back.
    """
    command = Command(lake, by, reason, now)
    restored: list[str] = []
    said: list[Gate] = []
    ends: list[End] = []

    def decide(found: DecisionState) -> list[Line]:
        version = found.version(policy_id, policy_version)
        said[:], restored[:], ends[:] = rests_on, (), ()
        if version.status not in IN_SERVICE:
            if version.status == "archived" and found.was_rolled_back(version):
                return []
            raise GateError(
                f"{version.name} is {version.status}; only what is in {', '.join(IN_SERVICE)} can be rolled back.",
                hint=f"{write_command('policy', 'audit', policy_id)} tells what was decided of it.",
            )
        evidence = command.evidence(found)
        before = found.active_before(version) if version.status == "active" else None
        if before is not None:
            # What does not verify is not served, so it does not come back either.
            check = content_gate(evidence, before)
            said.append(Gate("restored", check.passed, f"{before.policy_version}: {check.found}"))
            restored[:] = [before.policy_version] if check.passed else []
        ends[:] = deployment_ends.list_ends_by_roll_back(evidence, version)
        shown = [(gate.deployment_id, gate.looks) for gate in said if gate.deployment_id is not None]
        shown += [(end.deployment.deployment_id, end.looks) for end in ends if end.result == "rolled_back"]
        deployment_id, looks = shown[0] if shown else (None, None)
        moved = {
            **name_version(version),
            "from_status": version.status,
            "restored_version": restored[0] if restored else None,
            "gates": record_gates(said),
            "deployment_id": deployment_id,
            "looks_count": looks,
        }
        return [command.line("POLICY_ROLLED_BACK", found, moved), *command.ends(found, ends)]

    is_new = command.run(decide)
    return Decision(
        command.version(policy_id, policy_version),
        is_new,
        restored=restored[0] if restored else None,
        ended=tuple(end.deployment.deployment_id for end in ends),
        gates=tuple(said),
    )


def _make_refusal(version: Version, target: str, failed: Sequence[Gate]) -> GateError:
    """Return what gates refused, with what each of them found."""
    asked = "approved" if target == "approved" else f"promoted to {target}"
    can_be_skipped = target != "approved" and CONTENT not in {gate.name for gate in failed}
    return GateError(
        f"{version.name} was not {asked}. " + " ".join(f"Gate {gate.name}: {gate.found}" for gate in failed),
        hint="A person can skip it with `--override --reason …`, which the audit shows." if can_be_skipped else "",
    )
