"""What the report of a canary tells: one deployment, the looks at each candidate, its segments, and what was decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import polars as pl

from kaizenlake.jobs.canaries._canary_standing import with_pauses
from kaizenlake.report.canary.canary_labels import FINAL
from kaizenlake.report.engine.rows import Listing, TableRow, listing
from kaizenlake.report.kaizen.decision_rows import decisions
from kaizenlake.tables import CanaryLooks, CanarySegments, Deployments, Scan

NIGHTS = 31
"""Most looks of one candidate that are listed and drawn; the latest are."""

SEGMENTS = 20
DECISIONS = 20


class GuardrailRow(msgspec.Struct, frozen=True):
    """A guardrail at the latest look, out of the JSON of `gold.canary_looks`."""

    metric: str
    margin: float | None = None
    effect: float | None = None
    lower: float | None = None
    upper: float | None = None
    verdict: str = "unclear"
    policy_version: str = ""


@dataclass(frozen=True)
class CandidateNights:
    """A candidate and the looks at it, in their order."""

    version: str
    share: float | None
    looks: tuple[TableRow, ...]
    guardrails: tuple[GuardrailRow, ...]

    @property
    def last(self) -> TableRow:
        """The latest look."""
        return self.looks[-1]

    @property
    def decisive(self) -> TableRow:
        """The look that decided what stands.

        A verdict to promote or roll back, or that nothing can be said, stands since the first look of those that say so up to
        the latest, pauses aside; else the latest look stands.
        """
        looks = [look for look in self.looks if not look.is_pause]
        stands = looks[-1] if looks else self.last
        if stands.verdict not in FINAL | {"promote"}:
            return self.last
        others = [place for place, look in enumerate(looks) if look.verdict != stands.verdict]
        return looks[others[-1] + 1 if others else 0]

    @property
    def taken_back(self) -> TableRow | None:
        """The latest look that said promote, where a later one takes that back and says no more than to go on; else None."""
        if self.decisive.verdict in FINAL | {"promote"}:
            return None
        return next((look for look in reversed(self.looks) if look.verdict == "promote"), None)


@dataclass(frozen=True)
class CanaryData:
    """Everything the report of one deployment tells.

    Args:
        as_of: Events before this instant count.
        deployment: The deployment.
        candidates: Its candidates that were looked at, in the order they were given.
        segments: Parts of the units, the most surely different first.
        decisions: Decisions that rest on it or that it ended by, in their order.
    """

    as_of: datetime
    deployment: TableRow
    candidates: tuple[CandidateNights, ...]
    segments: Listing[TableRow]
    decisions: Listing[TableRow]


def current(scan: Scan, *, as_of: datetime, since: datetime | None = None) -> tuple[str, ...]:
    """Return deployments that there is something to tell of: those that run, and those that ended lately; by name.

    Args:
        scan: Gives a table.
        as_of: Aware instant; the tables hold what happened before it.
        since: From when an end is told; a day before `as_of` where not given.
    """
    after = since if since is not None else as_of - timedelta(days=1)
    looked = scan(CanaryLooks).select("deployment_id").unique()
    told = scan(Deployments).filter((pl.col("status") == "running") | (pl.col("ended_at") >= after))
    return tuple(
        told.join(looked, on="deployment_id", how="semi")
        .select("deployment_id")
        .sort("deployment_id")
        .collect()["deployment_id"]
    )


def build(scan: Scan, deployment_id: str, *, as_of: datetime) -> CanaryData | None:
    """Read the report of a deployment out of the tables; None where there is none of that name, or no look at it.

    Args:
        scan: Gives a table.
        as_of: Aware instant; the tables hold what happened before it.
    """
    this = pl.col("deployment_id") == deployment_id
    found = listing(scan(Deployments).filter(this), by={"deployment_id": False}).rows
    if not found:
        return None
    looks = listing(
        with_pauses(scan(CanaryLooks).filter(this)), by={"policy_version": False, "look": False}, rows=_ALL
    ).rows
    deployment = found[0]
    shares = dict(zip(deployment.candidate_versions, deployment.candidate_shares, strict=False))
    candidates = tuple(
        CandidateNights(version, shares.get(version), own, _list_guardrails(own[-1]))
        for version in dict.fromkeys([*deployment.candidate_versions, *(look.policy_version for look in looks)])
        if (own := tuple(look for look in looks if look.policy_version == version))
    )
    if not candidates:
        return None
    order = {"q_value": False, "units": True, "policy_version": False, "dimension": False, "value": False}
    return CanaryData(
        as_of,
        deployment,
        candidates,
        listing(scan(CanarySegments).filter(this), by=order, rows=SEGMENTS),
        decisions(scan, this, rows=DECISIONS),
    )


_ALL = 100_000


def _list_guardrails(look: TableRow) -> tuple[GuardrailRow, ...]:
    try:
        found = msgspec.json.decode(look.guardrails, type=list[GuardrailRow])
    except msgspec.MsgspecError:
        return ()
    return tuple(msgspec.structs.replace(item, policy_version=look.policy_version) for item in found)


def lately(looks: Iterable[TableRow]) -> Listing[TableRow]:
    """Return the latest looks of a candidate, in their order."""
    held = tuple(looks)
    return Listing(held[-NIGHTS:], len(held))
