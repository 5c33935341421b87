"""A command on policies: who asks, why and when, and how what it decided becomes events."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from kaizenlake import signing
from kaizenlake.decide.policies.deployment_ends import End
from kaizenlake.decide.policies.gates import Gate, GateEvidence
from kaizenlake.decide.record.command_words import check_texts, find_system_user
from kaizenlake.decide.record.lines import decision_line
from kaizenlake.decide.record.state import DecisionState, Version, read
from kaizenlake.errors import UsageError
from kaizenlake.events.write.log import Line
from kaizenlake.jobs.policies.policy_promotions import NIGHT
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of

SOURCE = "kaizen policy"


class Command:
    """A command on policies.

    Args:
        lake: The lake, as a tenant has it where there are several.
        by: Who asks.
        reason: Why, in words.
        now: Aware instant of the clock; the clock's by default.

    Raises:
        UsageError: Nobody asks, a text is none, or a tenant has to be named.
    """

    def __init__(self, lake: Lake, by: str, reason: str | None, now: datetime | None) -> None:
        if not by.strip():
            raise UsageError("Say who decides.", hint="Give --by NAME.")
        check_texts(by=by, reason=reason)
        self.lake = view_of(lake)
        self.by = by
        self.reason = reason
        self.now = now or datetime.now(UTC)

    def run(self, decide: Callable[[DecisionState], Sequence[Line]]) -> bool:
        """Decide on what there is, and append it.

        Args:
            decide: Makes the events of the decision; called again where another writer came between.

        Returns:
            Whether there was anything to append.
        """

        def on(events: pl.LazyFrame) -> Sequence[Line]:
            return decide(read(events))

        return decisions.append(self.lake, on, source=SOURCE, now=self.now) > 0

    def version(self, policy_id: str, policy_version: str) -> Version:
        """Return a version after the command."""
        return read(decisions.of(self.lake)).version(policy_id, policy_version)

    def evidence(self, found: DecisionState) -> GateEvidence:
        """Return what gates look at."""
        return GateEvidence(self.lake, found, self.now)

    def line(self, event_type: str, found: DecisionState, payload: Mapping[str, Any]) -> Line:
        """Return an event of the policy that the payload names; the same command on the same state makes the same event."""
        policy_id = payload["policy_id"]
        at = found.not_before(policy_id, self.now)
        user = None if self.by == NIGHT else find_system_user()
        said = {**payload, "decided_by": self.by, "reason": self.reason, "system_user": user}
        content = digest(f"{event_type} {at.isoformat()} {signing.canonical(said).decode()}")
        # Of two decisions at one instant the greater id counts, so the ids of one policy grow.
        name = f"policy-{digest(policy_id)}-{found.count_decisions(policy_id):08}-{content}"
        return decision_line(self.lake, event_type, said, event_id=name, occurred_at=at)

    def ends(self, found: DecisionState, ends: Iterable[End]) -> list[Line]:
        """Return the ends of deployments as events."""
        lines = []
        for end in ends:
            deployment = end.deployment
            said = {
                "deployment_id": deployment.deployment_id,
                "policy_id": deployment.policy_id,
                "doer": deployment.doer,
                "result": end.result,
                "decided_by": self.by,
                "reason": end.why,
                "looks_count": end.looks,
            }
            at = found.not_before(deployment.policy_id, self.now)
            name = f"deployment-ended-{digest(deployment.deployment_id)}-{digest(at.isoformat())}"
            lines.append(decision_line(self.lake, "DEPLOYMENT_ENDED", said, event_id=name, occurred_at=at))
        return lines

    def has_refused(self, found: DecisionState, refused: Mapping[str, Any]) -> bool:
        """Return whether the very refusal stands in the audit of the day already."""
        rows = found.promotions.filter(
            pl.col("occurred_at").dt.date() == self.now.date(),
            pl.col("reason").eq_missing(pl.lit(self.reason, pl.String)),
            policy_id=refused["policy_id"],
            policy_version=refused["policy_version"],
            action="refused",
            to_status=refused["to_status"],
            decided_by=self.by,
        )
        told = signing.canonical(refused["gates"])
        return any(signing.canonical(json.loads(text)) == told for text in rows["gates"])


def name_version(version: Version) -> dict[str, Any]:
    """Return what every event says of its version."""
    fields = ("policy_id", "policy_version", "doer", "phase", "content_sha256")
    return {field: getattr(version, field) for field in fields}


def record_gates(said: Iterable[Gate]) -> dict[str, Any]:
    """Return gates as events hold them."""
    return {"gates": [gate.to_event() for gate in said]}


def digest(text: str) -> str:
    """Return a text as the ids of events carry it: the first 16 digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
