"""The learning of agents in the words of applications: policies, skill cards, shadows, canaries and the loss of a run."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from kaizenlake.decide.canaries import deployments
from kaizenlake.decide.canaries.deployments import DeploymentPlan
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.drafts import PolicyDraft
from kaizenlake.decide.record.state import Version
from kaizenlake.decide.replays.logged_runs import decode_runs, with_losses
from kaizenlake.errors import UsageError
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.events.envelope import LineLimits
from kaizenlake.events.write.log import event_line
from kaizenlake.jobs.canaries._canary_standing import standing
from kaizenlake.lake.store import Lake, default_lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.publish.signed.skill_data import end_of, skills
from kaizenlake.stats.two_groups.plain_welch import plain_welch
from kaizenlake.tables import CanaryLooks, CanaryUnits
from kaizenlake.vocabulary import Mode

_ALWAYS = datetime(9999, 12, 31, tzinfo=UTC)
_MICROS = 1_000_000


class LearningOps:
    """Asks and decides about the agents of a lake; every decision goes through the gates of `kaizen policy` and `kaizen canary`.

    Args:
        lake: The lake, or its folder; the folder that KAIZEN_LAKE names, else `lake`, by default.
        by: Who decides, for the audit; the user of this process by default.
        tenant: Tenant whose agents are meant, an empty text for those of events without one. Needed where the lake has
            several: every call raises TenantNeededError else.
    """

    def __init__(
        self, lake: Lake | str | Path | None = None, *, by: str | None = None, tenant: str | None = None
    ) -> None:
        self._tenant = tenant
        self._lake = lake if isinstance(lake, Lake) else Lake(lake) if lake is not None else default_lake()
        self.by = by or getpass.getuser()

    @property
    def lake(self) -> Lake:
        """The lake as the tenant has it.

        Raises:
            TenantNeededError: It has several tenants, and none was named.
        """
        return view_of(self._lake, self._tenant, may_be_new=True)

    def create_policy(self, doer: str, version: str, *, reason: str | None = None, **content: Any) -> dict[str, Any]:
        """Create a version of a policy as a draft, hashed and signed; the same draft once more changes nothing.

        Args:
            doer: Agent that runs under it.
            version: Semantic version, such as 1.4.0 or v1.4.0.
            reason: Why, in words.
            **content: Further fields of a draft: `prompts`, `hparams`, `router_rules`, `tools_allowlist`, `weights`,
                `phase`, `policy`, `parent`, `experiment`.

        Returns:
            The version as `gold.policies` will have it.

        Raises:
            UsageError: The draft is wrong, or the version exists with another content.
        """
        try:
            draft = PolicyDraft(doer=doer, version=version, **content)
        except TypeError as error:
            fields = ", ".join(item.name for item in msgspec.structs.fields(PolicyDraft))
            raise UsageError(f"A policy has no such field: {error}.", hint=f"The fields are {fields}.") from None
        return asdict(policies.create(self.lake, draft, by=self.by, reason=reason).version)

    def promote_policy(
        self, policy_id: str, version: str, to: str = "active", *, reason: str | None = None, override: bool = False
    ) -> dict[str, Any]:
        """Give a version of a policy a status further on, where the gates let it through.

        Args:
            policy_id: Policy: the agent's name, unless the draft named another.
            version: Version of it.
            to: Status asked for: shadow, canary or active.
            reason: Why, in words; an override needs it.
            override: Skip the gates that refuse, but for a document that does not verify.

        Returns:
            The version as it stands after it.

        Raises:
            UsageError: There is no such version, or the status does not lie ahead.
            GateError: A gate refuses; the words say which, with its figures.
        """
        decision = policies.promote(self.lake, policy_id, version, to=to, by=self.by, reason=reason, override=override)
        return asdict(decision.version)

    def get_active_policy(self, policy_id: str) -> dict[str, Any] | None:
        """Return the version of a policy that is active, with its content; None where there is none.

        Args:
            policy_id: Policy: the agent's name, unless the draft named another.
        """
        active = policies.state(self.lake).active(policy_id)
        return None if active is None else _add_content(active)

    def get_skill_card(self, doer: str) -> dict[str, Any] | None:
        """Return what the last night knew of an agent: its card, policy and next steps; None where it has not run.

        Args:
            doer: The agent.
        """
        cards = skills(self.lake.scan, as_of=end_of(self.lake.scan), doer=doer)
        card: dict[str, Any] | None = msgspec.to_builtins(cards[0]) if cards else None
        return card

    def start_shadow_deployment(
        self, policy_id: str, candidate_version: str, *, reason: str | None = None, **plan: Any
    ) -> dict[str, Any]:
        """Run a candidate beside the active version, serving nobody; a draft is promoted to shadow first, through its gate.

        Args:
            candidate_version: Version to try.
            reason: Why, in words.
            **plan: Further fields of `DeploymentPlan`, such as `control`, `deployment_id` or `horizon_nights`.

        Returns:
            The deployment as `gold.deployments` will have it.

        Raises:
            UsageError: The plan is wrong, or names a version that there is not.
            GateError: A gate refuses, or another deployment of the policy runs.
        """
        return self._start("shadow", policy_id, candidate_version, reason, plan)

    def start_canary_deployment(
        self,
        policy_id: str,
        candidate_version: str,
        *,
        traffic_share: float | None = None,
        reason: str | None = None,
        **plan: Any,
    ) -> dict[str, Any]:
        """Serve a share of the units by a candidate; a shadow is promoted to canary first, through its gate.

        Args:
            candidate_version: Version to try.
            traffic_share: Share of the units that it serves, in [0.01, 0.5]; as the settings say by default.
            reason: Why, in words.
            **plan: Further fields of `DeploymentPlan`, such as `guardrails`, `horizon_nights` or `auto_promote`.

        Returns:
            The deployment as `gold.deployments` will have it.

        Raises:
            UsageError: The plan is wrong, or names a version that there is not.
            GateError: A gate refuses, or another deployment of the policy runs.
        """
        if traffic_share is not None:
            plan["shares"] = (traffic_share,)
        return self._start("canary", policy_id, candidate_version, reason, plan)

    def get_canary_report(self, deployment_id: str) -> dict[str, Any]:
        """Report what a canary or shadow showed up to the last night.

        `p_value` is that of a plain Welch t-test between the units of the two versions, true for one look alone; beside it
        stand those that hold although somebody looks every night.

        Returns:
            `delta` (mean loss of the candidate less that of the control: below 0 is better) with `ci_low` and `ci_high`,
            `p_value`, `p_always_valid`, `p_boundary` against `boundary_p`, `sequential_ci_low` and `sequential_ci_high`,
            `mean_loss`, `mean_loss_control`, `units`, `units_control`, `look`, `verdict`, `recommendation` (promote,
            rollback, continue or stop) and `reason`. Figures are None where nothing can be said yet.

        Raises:
            UsageError: There is no such deployment.
        """
        deployment = deployments.find_deployment(self.lake, deployment_id)
        looks = standing(self.lake.scan(CanaryLooks).filter(deployment_id=deployment_id)).sort("look").collect()
        last = looks.row(-1, named=True) if looks.height else {}
        candidate = last.get("policy_version") or deployment["candidate_versions"][0]
        welch = plain_welch(*self._unit_losses(deployment, candidate))
        figures = (
            "look", "p_always_valid", "p_boundary", "boundary_p", "sequential_ci_low", "sequential_ci_high", "verdict",
        )  # fmt: skip
        return {
            "deployment_id": deployment_id,
            "policy_id": deployment["policy_id"],
            "candidate_version": candidate,
            "control_version": deployment["control_version"],
            "status": deployment["status"],
            **asdict(welch),
            **{name: last.get(name) for name in figures},
            "recommendation": RECOMMENDATIONS[last.get("verdict", "insufficient")],
            "reason": last.get("reason") or "No night has looked at it yet.",
        }

    def compute_crl_for_run(self, run: str | Mapping[str, Any]) -> dict[str, Any]:
        """Compute the composite run loss (CRL) of a run by the weights of the lake, as the night does.

        Args:
            run: Name of a run that was landed, or the fields of a RUN_COMPLETED, such as `gates_passed` and `gates_total`;
                `run_id` and `doer` may be left out of them.

        Returns:
            `loss` (None where no term is known), `coverage` and, for each term that is known, `terms`, `weights` and
            `contributions`.

        Raises:
            UsageError: No such run was landed.
            EventError: A field breaks its declaration.
        """
        events = self._scan_landed(run) if isinstance(run, str) else _as_event(run)
        rows = with_losses(decode_runs(events), self.lake.settings.loss, _ALWAYS).sort("occurred_at").collect()
        if rows.is_empty():
            raise UsageError(
                f"No run {run!r} is in the lake.",
                hint="`kaizen land` lands what was logged; fields may be given as well.",
            )
        return _gather_loss(rows.row(-1, named=True))

    def _start(
        self, mode: Mode, policy_id: str, candidate: str, reason: str | None, plan: Mapping[str, Any]
    ) -> dict[str, Any]:
        try:
            wanted = DeploymentPlan(mode, policy_id, (candidate,), **plan)
        except TypeError as error:
            raise UsageError(f"A deployment has no such field: {error}.") from None
        if policies.state(self.lake).version(policy_id, candidate).status in _BEFORE[mode]:
            self.promote_policy(policy_id, candidate, to=mode, reason=reason)
        return deployments.start(self.lake, wanted, by=self.by, reason=reason)

    def _unit_losses(self, deployment: Mapping[str, Any], candidate: str) -> tuple[list[float], list[float]]:
        """Return the mean loss of each unit under the candidate and under the control, without units seen under both."""
        units = (
            self.lake.scan(CanaryUnits)
            .filter(pl.col("deployment_id") == deployment["deployment_id"], pl.col("unit_id").is_not_null())
            .group_by("policy_version", "unit_id")
            .agg(pl.col("n").sum(), pl.col("loss_micros").sum())
            .filter(pl.col("n") > 0)
            .with_columns(loss=pl.col("loss_micros") / pl.col("n") / _MICROS, versions=pl.len().over("unit_id"))
            .sort("unit_id")
            .collect()
        )
        if deployment["deployment_mode"] == "canary":
            units = units.filter(pl.col("versions") == 1)
        of = {
            key: units.filter(policy_version=key)["loss"].to_list()
            for key in (candidate, deployment["control_version"])
        }
        return of[candidate], of[deployment["control_version"]]

    def _scan_landed(self, run_id: str) -> pl.LazyFrame:
        named = pl.col("payload").str.json_decode(pl.Struct({"run_id": pl.String()})).struct.field("run_id")
        return decisions.of(self.lake).filter(pl.col("event_type").str.starts_with("RUN_"), named == run_id)


_BEFORE: dict[Mode, tuple[str, ...]] = {"shadow": ("draft",), "canary": ("draft", "shadow")}
"""Statuses from which a candidate is promoted when its deployment is started."""

RECOMMENDATIONS = {
    "promote": "promote",
    "rollback": "rollback",
    "invalid": "stop",
    "continue": "continue",
    "insufficient": "continue",
}
"""What to do after each verdict of a night."""


def _add_content(version: Version) -> dict[str, Any]:
    return asdict(version) | {"content": msgspec.json.decode(version.document)}


def _as_event(run: Mapping[str, Any]) -> pl.LazyFrame:
    """Return the bronze row that the fields of a run would become."""
    fields = {"run_id": "run", "doer": "doer"} | dict(run)
    envelope = {name: fields.pop(name) for name in ("tenant_id", "project_id", "occurred_at") if name in fields}
    line = event_line("RUN_COMPLETED", fields, **envelope)
    now = datetime.now(UTC) + timedelta(minutes=1)
    return check_lines([line.text.rstrip(b"\n")], [1], now=now, limits=LineLimits(source="compute")).frame.lazy()


def _gather_loss(row: Mapping[str, Any]) -> dict[str, Any]:
    known = [name.removesuffix("_term") for name, value in row.items() if name.endswith("_term") and value is not None]
    own = [item for item in zip(*(row[f"own_{part}"] for part in _PARTS), strict=True) if item[1] is not None]
    return {
        "run_id": row["run_id"],
        "loss": row["loss"],
        "coverage": row["coverage"],
        "terms": {name: row[f"{name}_term"] for name in known} | {item[0]: item[1] for item in own},
        "weights": {name: row[f"{name}_weight"] for name in known} | {item[0]: item[2] for item in own},
        "contributions": {name: row[f"{name}_contribution"] for name in known} | {item[0]: item[3] for item in own},
    }


_PARTS = ("names", "terms", "weights", "contributions")
