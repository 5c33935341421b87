"""Gold tables of policies: where each version stands, what was decided of it, how it does, and what was tried."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, column, count, rate, table
from kaizenlake.vocabulary import Status

STATUSES: tuple[str, ...] = get_args(Status)
"""Statuses of a version of a policy, in the order in which it goes through them."""

ACTIONS = ("created", "promoted", "refused", "approved", "rolled_back")
EVIDENCE = ("canary", "shadow", "observation")
EXPERIMENT_STATUSES = ("running", "completed", "failed")


class _Version(OfTenant):
    policy_id: str = column("Policy, such as planner; its versions follow one another.")
    policy_version: str = column("Version of that policy, by semantic versioning.", label="Version")
    doer: str = column("Agent that runs under it.")


@table(layer="gold", grain=("tenant_id", "policy_id", "policy_version"))
class Policies(_Version):
    """One version of a policy as it stands: its status, its origin, its document and signature."""

    phase: str = column("Phase of the work it is for; null for every phase.", nullable=True)
    status: str = column(
        "Where it stands; of one policy at most one version is active.", isin=STATUSES, format="verdict"
    )
    content_sha256: str = column("SHA-256 of its document, as 64 hexadecimal digits.", label="Content")
    parent_version: str = column("Version it was made of; null for a root.", nullable=True)
    parent_sha256: str = column("Content hash of that version; null for a root.", nullable=True)
    root_sha256: str = column("Content hash of the first of its line; its own for a root.")
    ancestors_count: pl.Int64 = count("Versions between it and the root, the root included; 0 for a root.")
    experiment_id: str = column("Experiment that generated it; null where none did.", nullable=True)
    created_at: Instant = column("When it was created.")
    created_by: str = column("Who created it.")
    status_since: Instant = column("Since when it has its status.", label="Since", format="day")
    decided_by: str = column("Who gave it that status: a person, or the night.")
    approved_at: Instant = column("When it was approved last; null where nobody did.", nullable=True)
    approved_by: str = column("Who approved it last; null where nobody did.", nullable=True)
    is_override: bool = column("Its status rests on a gate that a person skipped, with the reason.", label="Override")
    document: str = column("Its canonical JSON: prompts, parameters, router rules, tools, weights, parent.")
    signature: str = column("Ed25519 signature of its document, in base64.")
    key_id: str = column("Key that signed it, by the first 16 digits of its SHA-256.")


@table(layer="gold", grain=("tenant_id", "event_id"))
class PolicyPromotions(_Version):
    """One decision on a version of a policy: who took it, and on what figures. Together they are the audit trail."""

    event_id: str = column("Event of the decision.")
    occurred_at: Instant = column("When it was taken.")
    phase: str = column("Phase of the work the policy is for; null for every phase.", nullable=True)
    action: str = column("What was decided.", isin=ACTIONS)
    from_status: str = column("Status before; null for created and approved.", nullable=True, isin=STATUSES)
    to_status: str = column(
        "Status after, or asked for where refused; null for approved.", nullable=True, isin=STATUSES
    )
    decided_by: str = column("Who asked for it: a person, or the night.", label="By")
    is_automatic: bool = column("The night decided by itself.")
    system_user: str = column(
        "Name under which the operating system knew who ran the command, which is not proven by a signature; null where "
        "it is not told.",
        nullable=True,
    )
    approver_key_id: str = column("Key of the person by which an approval is signed; null without one.", nullable=True)
    is_override: bool = column("A gate was skipped by a person, who gave the reason.", label="Override")
    reason: str = column("Why, in words; null where not given.", nullable=True)
    gates: str = column("Each gate with its figures, as JSON text; null for created and approved.", nullable=True)
    archived_version: str = column(
        "Version that was active until then and was archived in the same step; null where none was.", nullable=True
    )
    restored_version: str = column("Version that is active again by a roll back; null otherwise.", nullable=True)
    deployment_id: str = column("Deployment whose verdict it rests on, or that it ended; null for none.", nullable=True)
    looks_count: pl.Int64 = count("Looks at that deployment until then; null without one.", nullable=True)
    content_sha256: str = column("Content hash of the version.")


@table(layer="gold", grain=("tenant_id", "policy_id", "policy_version"))
class PolicyPerformance(_Version):
    """The loss under one version of a policy against the version it was compared with, by the best evidence there is."""

    status: str = column("Where the version stands.", isin=STATUSES)
    compared_with: str = column(
        "The control of the deployment, or by observation the version before it; null for a first version.",
        nullable=True,
    )
    evidence: str = column(
        "What the figures rest on: the latest canary, else the latest shadow, else the runs over time, which compare "
        "times, not arms.",
        isin=EVIDENCE,
        label="By",
    )
    runs: pl.Int64 = count("Runs under the version.")
    units: pl.Int64 = count("Units under the version; null for observation.", nullable=True)
    mean_loss: float = rate("Mean loss under the version; null where no run has one.", nullable=True, format="loss")
    control_mean_loss: float = rate("Mean loss under what it is compared with; null without that.", nullable=True)
    effect: float = column(
        "Mean loss less that of the other; below 0 is better; null without both.", nullable=True, format="effect"
    )
    ci_low: float = column(
        "Lower end of its interval: of a deployment one that holds on every night at once (sequential), by observation "
        "that of learning_progress; null where it is not defined.",
        nullable=True,
        label="Interval, lower end",
        format="effect",
    )
    ci_high: float = column(
        "Upper end of its interval; null where the lower is.",
        nullable=True,
        label="Interval, upper end",
        format="effect",
    )
    lift: float = column("Effect as a share of the other's mean loss; null where that is 0 or unknown.", nullable=True)
    p_value: float = rate("Always-valid p-value of the latest check; null for observation.", nullable=True)
    verdict: str = column("Verdict of the latest check; null for observation.", nullable=True)


@table(layer="gold", grain=("tenant_id", "experiment_id"))
class Experiments(OfTenant):
    """One attempt to find a better policy for an agent, and what came of it."""

    experiment_id: str = column("Experiment, as the application names it.", label="Experiment")
    experiment_type: str = column("What was varied, such as prompt_synthesis.", label="Type", format="words")
    doer: str = column("Agent it is to improve.", label="Agent")
    status: str = column("Running until its end is told.", isin=EXPERIMENT_STATUSES, label="State", format="verdict")
    config: str = column("Its configuration as JSON text; null where not given.", nullable=True)
    hypothesis: str = column(
        "What was expected of it, in words; null where not given.", nullable=True, format="sentence"
    )
    policy_id: str = column("Policy it generated a version of; null for none.", nullable=True)
    policy_version: str = column("Version it generated; null for none.", nullable=True, label="Version")
    policy_status: str = column(
        "Where that version stands; null where none was created.", nullable=True, isin=STATUSES, label="It is"
    )
    loss_delta: float = column(
        "Change of the mean loss it found, below 0 is better; null where not told.",
        nullable=True,
        ge=-1,
        le=1,
        label="Change of loss",
        format="effect",
    )
    stability_rate: float = rate(
        "Share of its repetitions that agree with the result; null if not told.", nullable=True
    )
    cost_usd: float = column("Cost of it; null where not told.", unit="usd", nullable=True, ge=0, label="USD")
    duration_seconds: float = column(
        "Time it took, as told, else from start to end; null where neither is known.",
        unit="seconds",
        nullable=True,
        ge=0,
    )
    started_at: Instant = column("When it was started; null where only its end was told.", nullable=True)
    ended_at: Instant = column("When it was completed or failed last; null while it runs.", nullable=True)
    reason: str = column("Why it failed; null where it did not.", nullable=True)


@table(layer="gold", grain=("tenant_id", "doer", "experiment_type"))
class ExperimentSuccess(OfTenant):
    """The experiments of one type for one agent, or for all together (`*`), and how many led to a policy in service."""

    doer: str = column("Agent they are to improve; `*` for all together.")
    experiment_type: str = column("What was varied.", label="Type", format="words")
    experiments: pl.Int64 = column("Experiments.", ge=1)
    completed: pl.Int64 = count("Those that were completed.")
    failed: pl.Int64 = count("Those that failed.")
    policies: pl.Int64 = count("Those that generated a version of a policy that was created.")
    promoted: pl.Int64 = count("Those whose version became active, whatever came of it later.")
    decided: pl.Int64 = count(
        "Those of which the outcome is known: failed, or completed without a version, or with one that became active or "
        "was archived."
    )
    success_rate: float = rate(
        "Promoted as a share of the decided; null where nothing is decided.", nullable=True, label="Success"
    )
    ci_low: float = rate(
        "Lower end of its interval (Wilson); null where the share is.", nullable=True, label="Interval, lower end"
    )
    ci_high: float = rate(
        "Upper end of its interval; null where the share is.", nullable=True, label="Interval, upper end"
    )
    mean_delta: float = column(
        "Mean change of the loss that they found; null where none told it.", nullable=True, ge=-1, le=1
    )
    mean_stability: float = rate("Mean of their stability; null where none told it.", nullable=True)
    cost_usd: float = column(
        "Cost of all of them as far as told; null where none told it.", unit="usd", nullable=True, ge=0
    )
    cost_per_success_usd: float = column(
        "That cost for each promoted; null where none was promoted or no cost is told.",
        unit="usd",
        nullable=True,
        ge=0,
        label="USD for each",
    )
    mean_duration_seconds: float = column(
        "Mean time they took; null where none is known.", unit="seconds", nullable=True, ge=0
    )
