"""Start and stop shadows and canaries: candidates that run beside their control."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, get_args

import polars as pl
from pydantic import ValidationError

from kaizenlake.decide.policies.command import Command, digest
from kaizenlake.decide.policies.deployment_ends import End
from kaizenlake.decide.policies.gates import GateEvidence, content_gate
from kaizenlake.decide.record.command_words import check_texts, write_command
from kaizenlake.decide.record.lines import decision_line
from kaizenlake.decide.record.state import DecisionState, Version, read
from kaizenlake.decide.replays.logged_runs import decode_runs, run_events
from kaizenlake.errors import GateError, UsageError
from kaizenlake.events.rules import near
from kaizenlake.events.write.log import Line
from kaizenlake.jobs.canaries._canary_known_metrics import TOLD_DAYS, tells_metric
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.parameters import Canaries, Guardrail
from kaizenlake.settings import describe_broken
from kaizenlake.vocabulary import Method, Mode, plural

SMALLEST_SHARE, LARGEST_SHARE = 0.01, 0.5
"""Share of the units that a canary may serve with its candidates together."""


@dataclass(frozen=True)
class DeploymentPlan:
    """A shadow or a canary before it is started; what is None is as the settings of `canaries` say.

    Args:
        mode: A shadow serves nobody; a canary serves a share of the units.
        policy_id: Policy whose versions are compared.
        candidates: Versions to try, one or more, in the status `shadow` for a shadow and `canary` for a canary.
        control: Version they are compared with: the active one, which is the default. It must be named where none is.
        shares: Share of each candidate of a canary, in their order; the settings' share in equal parts by default.
        deployment_id: Name of the deployment; `<policy>-<mode>-<number>` by default.
        unit_name: What is randomised, such as user or project.
        salt: Text that is hashed with the unit; the name of the deployment by default.
        horizon_nights: Nights after which it is decided at the latest.
        minimum_units: Units that the smaller arm must have before a verdict.
        alpha: Chance of a false promotion over all looks and candidates.
        method: How that chance is spent: power, obrien_fleming, pocock or always_valid.
        max_loss_increase: Increase of the mean loss that is tolerated.
        guardrails: Figures that a candidate may not make worse by more than a margin.
        auto_promote: The night promotes by itself.
        auto_rollback: The night rolls back by itself.
    """

    mode: Mode
    policy_id: str
    candidates: tuple[str, ...]
    control: str | None = None
    shares: tuple[float, ...] | None = None
    deployment_id: str | None = None
    unit_name: str = "unit"
    salt: str | None = None
    horizon_nights: int | None = None
    minimum_units: int | None = None
    alpha: float | None = None
    method: Method | None = None
    max_loss_increase: float | None = None
    guardrails: tuple[Guardrail, ...] | None = None
    auto_promote: bool | None = None
    auto_rollback: bool | None = None


def start(
    lake: Lake, plan: DeploymentPlan, *, by: str, reason: str | None = None, now: datetime | None = None
) -> dict[str, Any]:
    """Start a shadow or a canary.

    Args:
        plan: What is to be compared, and how.
        by: Who starts it.
        reason: Why, in words.
        now: Aware instant of the clock; the clock's by default.

    Returns:
        The deployment as it stands: a row of `gold.deployments`.

    Raises:
        UsageError: The plan is wrong in itself, or names a version that there is not.
        GateError: Its versions are not what they must be, or another deployment of the policy runs.
    """
    command, rule = Command(lake, by, reason, now), _rule(lake, plan)
    shares = _list_shares(plan, rule)
    begun: list[str] = []

    def decide(found: DecisionState) -> list[Line]:
        control, candidates = _versions(command.evidence(found), plan)
        name = _name(plan, found)
        begun[:] = [name]
        first = candidates[0]
        said = {
            "deployment_id": name,
            "deployment_mode": plan.mode,
            "policy_id": plan.policy_id,
            "doer": first.doer,
            "phase": first.phase,
            "control_version": control.policy_version,
            "candidate_versions": list(plan.candidates),
            "arms": {
                "arms": [
                    {"policy_version": version, "share": share}
                    for version, share in zip(plan.candidates, shares, strict=True)
                ]
            },
            "unit_name": plan.unit_name,
            "salt": plan.salt or name,
            "horizon_nights": rule.horizon_nights,
            "minimum_units": rule.minimum_units,
            "alpha_rate": rule.alpha,
            "method": rule.method,
            "max_loss_increase_rate": rule.max_loss_increase,
            "guardrails": {"guardrails": [item.model_dump() for item in rule.guardrails]},
            "settings_guardrails": [] if plan.guardrails is not None else [item.metric for item in rule.guardrails],
            "auto_promote": rule.auto_promote,
            "auto_rollback": rule.auto_rollback,
            "decided_by": by,
            "reason": reason,
        }
        at = found.not_before(plan.policy_id, command.now)
        event_id = f"deployment-started-{digest(name)}"
        return [decision_line(command.lake, "DEPLOYMENT_STARTED", said, event_id=event_id, occurred_at=at)]

    command.run(decide)
    return find_deployment(command.lake, begun[0])


def stop(
    lake: Lake, deployment_id: str, *, by: str, reason: str | None = None, now: datetime | None = None
) -> tuple[dict[str, Any], bool]:
    """End a shadow or a canary without a verdict; its candidates keep their status.

    Args:
        by: Who ends it.
        reason: Why, in words.
        now: Aware instant of the clock; the clock's by default.

    Returns:
        The deployment as it stands, and whether it was this call that ended it.

    Raises:
        UsageError: There is no such deployment.
    """
    command = Command(lake, by, reason, now)

    def decide(found: DecisionState) -> list[Line]:
        row = row_of(found, deployment_id)
        if row["status"] == "ended":
            return []
        deployment = next(item for item in found.running(row["policy_id"]) if item.deployment_id == deployment_id)
        looks = row["looks_count"] or None
        return command.ends(found, [End(deployment, "stopped", reason or f"Stopped by {by}.", looks)])

    is_new = command.run(decide)
    return find_deployment(command.lake, deployment_id), is_new


def find_deployment(lake: Lake, deployment_id: str) -> dict[str, Any]:
    """Return a deployment as it stands at this moment: a row of `gold.deployments`.

    Raises:
        UsageError: There is none; the words name a likely one.
    """
    return row_of(read(decisions.of(view_of(lake))), deployment_id)


def list_silent_guardrails(lake: Lake, row: Mapping[str, Any]) -> list[str]:
    """Name the guarded metrics of a deployment that no run of its control told in the 30 days before its start.

    Args:
        row: The deployment: a row of `gold.deployments`.
    """
    start = row["started_at"]
    since = start - timedelta(days=TOLD_DAYS)
    events = decisions.of(lake).filter(pl.col("event_date") >= since.date(), pl.col("occurred_at") >= since)
    runs = decode_runs(run_events(events, doer=row["doer"], as_of=start)).filter(
        pl.col("tenant_id").eq_missing(row["tenant_id"]),
        pl.col("policy_id") == row["policy_id"],
        pl.col("policy_version") == row["control_version"],
    )
    told = runs.select(tells_metric(metric).any().alias(metric) for metric in row["guardrail_metrics"]).collect()
    return [metric for metric in row["guardrail_metrics"] if not told[metric].item()]


def _rule(lake: Lake, plan: DeploymentPlan) -> Canaries:
    """Return the figures of a plan, those of the settings where it says nothing."""
    check_texts(name=plan.deployment_id, unit=plan.unit_name, salt=plan.salt)
    if plan.mode not in get_args(Mode):
        raise UsageError(f"{plan.mode!r} is no mode of a deployment.", hint="It is shadow or canary.")
    named = (*Canaries.model_fields.keys() & vars(plan).keys(),)
    said = {name: value for name in named if (value := getattr(plan, name)) is not None}
    if "guardrails" in said:
        said["guardrails"] = [item.model_dump() for item in said["guardrails"]]
    try:
        return Canaries.model_validate(lake.settings.canaries.model_dump() | said)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise UsageError(f"{name}: {describe_broken(first)}.") from error


def _list_shares(plan: DeploymentPlan, rule: Canaries) -> tuple[float, ...]:
    """Return the share of each candidate; 0 in a shadow."""
    count = len(plan.candidates)
    if not count:
        raise UsageError("A deployment needs a candidate.")
    if doubles := [name for name in plan.candidates if plan.candidates.count(name) > 1]:
        raise UsageError(f"The candidate {doubles[0]} is named twice.")
    if plan.mode == "shadow":
        if plan.shares is not None and any(plan.shares):
            raise UsageError("A shadow serves nobody, so it has no shares.", hint="A canary has: `--mode canary`.")
        return (0.0,) * count
    shares = (rule.share / count,) * count if plan.shares is None else plan.shares
    if len(shares) != count:
        raise UsageError(
            f"There are {plural(count, 'candidate')} and {plural(len(shares), 'share')}.", hint="Give one for each."
        )
    if not all(math.isfinite(share) and share > 0 for share in shares):
        raise UsageError(f"A share lies above 0; found {', '.join(f'{share:g}' for share in shares)}.")
    total = math.fsum(shares)
    if not SMALLEST_SHARE - 1e-12 <= total <= LARGEST_SHARE + 1e-12:
        raise UsageError(
            f"A canary serves between {SMALLEST_SHARE:g} and {LARGEST_SHARE:g} of the units with its candidates together; "
            f"found {total:g}."
        )
    return tuple(map(float, shares))


def _versions(evidence: GateEvidence, plan: DeploymentPlan) -> tuple[Version, Sequence[Version]]:
    """Return the control and candidates of a plan, each of which may run.

    Raises:
        UsageError: A version is missing.
        GateError: One is not what it must be, or another deployment of the policy runs.
    """
    found = evidence.state
    control = _control(found, plan)
    candidates = [found.version(plan.policy_id, number) for number in plan.candidates]
    for version in candidates:
        if version.status != plan.mode:
            raise GateError(
                f"{version.name} is {version.status}; a {plan.mode} takes candidates that are {plan.mode}.",
                hint=f"{write_command('policy', 'promote', version.policy_id, version.policy_version, '--to', plan.mode)} asks its gates.",
            )
    for version in (control, *candidates):
        gate = content_gate(evidence, version)
        if not gate.passed:
            raise GateError(f"{version.name} cannot be served. Gate {gate.name}: {gate.found}")
    if running := found.running(plan.policy_id):
        one = running[0]
        raise GateError(
            f"The {one.deployment_mode} {one.deployment_id} of {plan.policy_id} runs; there is one at a time.",
            hint=f"{write_command('canary', 'stop', one.deployment_id)} ends it.",
        )
    return control, candidates


def _control(found: DecisionState, plan: DeploymentPlan) -> Version:
    """Return the version that candidates are compared with: what is in service, so that nobody gets what nobody had."""
    found.check_policy(plan.policy_id)
    active = found.active(plan.policy_id)
    if plan.control is None:
        if active is None:
            raise GateError(
                f"No version of {plan.policy_id} is active, so there is no control.", hint="Name one with --control."
            )
        control = active
    else:
        control = found.version(plan.policy_id, plan.control)
    if active is not None and control.policy_version != active.policy_version:
        raise GateError(
            f"The control is {control.policy_version}, but {active.policy_version} is active.",
            hint="A candidate is compared with what is in service.",
        )
    if control.policy_version in plan.candidates:
        raise UsageError(f"{control.name} is the control, so it cannot be a candidate, too.")
    if control.status == "archived":
        raise GateError(f"The control {control.name} is archived.")
    return control


def _name(plan: DeploymentPlan, found: DecisionState) -> str:
    """Name of the deployment that a plan starts.

    Raises:
        GateError: It was used before.
    """
    used = set(found.deployments["deployment_id"])
    if plan.deployment_id is not None:
        if plan.deployment_id in used:
            raise GateError(
                f"There was a deployment {plan.deployment_id} before; each has a name, and units, of its own.",
                hint="Give another name, or none.",
            )
        return plan.deployment_id
    names = (f"{plan.policy_id[:150]}-{plan.mode}-{number}" for number in range(1, len(used) + 2))
    return next(name for name in names if name not in used)


def row_of(found: DecisionState, deployment_id: str) -> dict[str, Any]:
    """Return a deployment as it stands.

    Raises:
        UsageError: There is none; the words name a likely one.
    """
    rows = found.deployments.filter(deployment_id=deployment_id)
    if rows.is_empty():
        names = found.deployments["deployment_id"].to_list()
        raise UsageError(
            f"There is no deployment {deployment_id!r}{near(deployment_id, names)}.",
            hint="`kaizen canary list` lists them.",
        )
    return rows.row(0, named=True)
