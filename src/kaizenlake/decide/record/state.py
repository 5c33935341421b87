"""Where do policies, deployments and replays stand at this moment? Folded from the events by the jobs of the night."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import polars as pl

from kaizenlake.decide.record.lines import not_before
from kaizenlake.errors import UsageError
from kaizenlake.events.catalogue import EVENTS, Family
from kaizenlake.events.decode import ENVELOPE_COLUMNS, decode
from kaizenlake.events.rules import near
from kaizenlake.jobs.canaries.deployments import deployments
from kaizenlake.jobs.policies.policies import policies
from kaizenlake.jobs.policies.policy_promotions import policy_promotions
from kaizenlake.tables.policy_rows import PolicyVersion

ALWAYS = datetime(9999, 1, 1, tzinfo=UTC)
"""As_of of a command: everything that was decided counts, also by a clock that is ahead."""


Version: TypeAlias = PolicyVersion


@dataclass(frozen=True)
class Deployment:
    """A deployment as it stands; columns of `gold.deployments`."""

    deployment_id: str
    deployment_mode: str
    policy_id: str
    doer: str
    status: str
    control_version: str
    candidate_versions: tuple[str, ...]
    started_at: datetime


@dataclass(frozen=True)
class DecisionState:
    """Everything that was decided, as frames of the tables that the next night will write.

    Args:
        policies: As `gold.policies`.
        promotions: As `gold.policy_promotions`.
        deployments: As `gold.deployments`.
        replay_log: Evaluations of candidates and golden sets, as `silver.replay_log`.
        last: Time of the latest decision on policies and deployments, by policy.
    """

    policies: pl.DataFrame
    promotions: pl.DataFrame
    deployments: pl.DataFrame
    replay_log: pl.DataFrame
    last: dict[str, datetime]

    def versions(self, policy_id: str) -> list[Version]:
        """Return versions of a policy, in the order in which they were created."""
        found = self.policies.filter(policy_id=policy_id).sort("created_at", "policy_version")
        return [Version(**row) for row in found.iter_rows(named=True)]

    def version(self, policy_id: str, policy_version: str) -> Version:
        """Return a version of a policy.

        Raises:
            UsageError: There is none; the words name those there are.
        """
        self.check_policy(policy_id)
        versions = self.versions(policy_id)
        for version in versions:
            if version.policy_version == policy_version:
                return version
        raise UsageError(
            f"The policy {policy_id} has no version {policy_version!r}.",
            hint=f"It has {', '.join(item.policy_version for item in versions[-10:])}.",
        )

    def check_policy(self, policy_id: str) -> None:
        """Check that there is a policy of that name.

        Raises:
            UsageError: There is none; the words name a likely one.
        """
        names = sorted(set(self.policies["policy_id"]))
        if policy_id not in names:
            raise UsageError(
                f"There is no policy {policy_id!r}{near(policy_id, names)}.",
                hint="`kaizen policy list` lists them, `kaizen policy create FILE` creates one.",
            )

    def active(self, policy_id: str) -> Version | None:
        """Return the version of a policy that is active."""
        return next((item for item in self.versions(policy_id) if item.status == "active"), None)

    def lineage(self, version: Version) -> Iterator[Version]:
        """Yield a version and its ancestors up to the root, by the hashes that their documents name."""
        by_hash = {item.content_sha256: item for item in self.versions(version.policy_id)}
        seen: set[str] = set()
        ahead: Version | None = version
        while ahead is not None and ahead.content_sha256 not in seen:
            yield ahead
            seen.add(ahead.content_sha256)
            ahead = by_hash.get(ahead.parent_sha256 or "")

    def deployments_of(self, policy_id: str) -> list[Deployment]:
        """Return deployments of a policy, in the order in which they were started."""
        found = self.deployments.filter(policy_id=policy_id).sort("started_at", "deployment_id")
        fields = tuple(Deployment.__dataclass_fields__)
        return [
            Deployment(**row | {"candidate_versions": tuple(row["candidate_versions"])})
            for row in found.select(fields).iter_rows(named=True)
        ]

    def running(self, policy_id: str) -> list[Deployment]:
        """Return deployments of a policy that have not ended."""
        return [item for item in self.deployments_of(policy_id) if item.status == "running"]

    def active_before(self, version: Version) -> Version | None:
        """Return the version that was active until one became so by its last promotion."""
        rows = self._decisions(version).filter(action="promoted", to_status="active")
        before = None if rows.is_empty() else rows["archived_version"][-1]
        return None if before is None else self.version(version.policy_id, before)

    def was_rolled_back(self, version: Version) -> bool:
        """Return whether a version was taken out of service by a roll back."""
        return not self._decisions(version).filter(action="rolled_back").is_empty()

    def _decisions(self, version: Version) -> pl.DataFrame:
        return self.promotions.filter(policy_id=version.policy_id, policy_version=version.policy_version)

    def count_decisions(self, policy_id: str) -> int:
        """Return the number of decisions on a policy and its deployments: each new one is numbered on."""
        return self.promotions.filter(policy_id=policy_id).height

    def not_before(self, policy_id: str, now: datetime) -> datetime:
        """Return the time of a decision on a policy: now, or by a clock that is behind the time of the latest one before it.

        Raises:
            KaizenError: The clock is behind by more than a day.
        """
        return not_before(now, self.last.get(policy_id), f"decision on {policy_id}")


def read(events: pl.LazyFrame) -> DecisionState:
    """Fold the decisions among events.

    Args:
        events: Rows of `bronze.events`.
    """
    log = {name: _family(name) for name in ("policy_log", "deployment_log", "replay_log")}
    types = [event.name for event in EVENTS if event.family in log.values()]
    # Of other events only their type is read.
    taken = events.filter(pl.col("event_type").is_in(types)).select(*ENVELOPE_COLUMNS, "payload").collect()
    decoded = {name: decode(taken.lazy(), family).collect().lazy() for name, family in log.items()}
    decisions = pl.concat(
        [decoded[name].select("policy_id", "occurred_at") for name in ("policy_log", "deployment_log")]
    ).collect()
    last = decisions.group_by("policy_id").agg(pl.col("occurred_at").max())
    return DecisionState(
        policies=policies(decoded["policy_log"], as_of=ALWAYS).collect(),
        promotions=policy_promotions(decoded["policy_log"], as_of=ALWAYS).collect(),
        deployments=deployments(decoded["deployment_log"], as_of=ALWAYS).collect(),
        replay_log=decoded["replay_log"].collect(),
        last=dict[str, Any](last.iter_rows()),
    )


def _family(name: str) -> Family:
    return next(event.family for event in EVENTS if event.family.name == name)
