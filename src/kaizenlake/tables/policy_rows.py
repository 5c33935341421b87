"""A row of `gold.policies` as whoever decides on policies and whoever audits them holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class PolicyVersion:
    """A version of a policy as it stands; the columns of `gold.policies`, which say what each is."""

    tenant_id: str | None
    policy_id: str
    policy_version: str
    doer: str
    phase: str | None
    status: str
    content_sha256: str
    parent_version: str | None
    parent_sha256: str | None
    root_sha256: str
    ancestors_count: int
    experiment_id: str | None
    created_at: datetime
    created_by: str
    status_since: datetime
    decided_by: str
    approved_at: datetime | None
    approved_by: str | None
    is_override: bool
    document: str
    signature: str
    key_id: str

    @property
    def name(self) -> str:
        """Policy and version, as people say them."""
        return f"{self.policy_id} {self.policy_version}"
