"""What gates look at, put into a lake: replays, deployments and what nights saw of them."""

from datetime import UTC, datetime, timedelta

import polars as pl

from kaizenlake import tables
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.drafts import PolicyDraft
from kaizenlake.events.write.log import event_line
from kaizenlake.lake.trust import decisions
from kaizenlake.tables import CanaryLooks

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def draft(version="1.0.0", **changes):
    """A draft of the planner."""
    return PolicyDraft(
        **{"doer": "planner", "version": version, "prompts": {"system": f"Plan, as {version}."}} | changes
    )


def create(lake, *versions, now=NOW, **changes):
    """Versions of the planner, each made of the one before."""
    parent = None
    for version in versions:
        made = policies.create(lake, draft(version, parent=parent, **changes), by="ann", now=now)
        parent = version
    return made.version


def activate(lake, version, now=NOW):
    """A version that is active by override, as the first one is."""
    return policies.promote(
        lake, "planner", version, to="active", by="ann", override=True, reason="It is the first.", now=now
    )


def append(lake, event_type, payload, at=NOW, name=None):
    """Put a decision of another command on record."""
    line = event_line(event_type, payload, occurred_at=at, event_id=name, is_decision=True)
    decisions.append(lake, lambda _: [line], source="test", now=at)


def replayed(lake, version, verdict="passed", at=NOW, **changes):
    """An offline replay of a version of the planner."""
    found = policies.state(lake).version("planner", version)
    payload = {
        "replay_id": f"r-{version}-{verdict}-{at.isoformat()}",
        "kind": "off_policy",
        "policy_id": "planner",
        "policy_version": version,
        "doer": "planner",
        "content_sha256": found.content_sha256,
        "verdict": verdict,
        "estimator": "sndr",
        "effect": -0.03,
        "effect_ci_low": -0.05,
        "effect_ci_high": -0.01,
        "random_seeds": 5,
        "runs": 1200,
        "units": 300,
        "estimates": {"estimates": []},
        "decided_by": "ann",
    }
    append(lake, "OFFLINE_REPLAYED", payload | changes, at)


def deployed(lake, version, mode="canary", control="1.0.0", at=NOW, name=None, others=()):
    """A shadow or a canary of a version of the planner that was started."""
    name = name or f"{mode}-{version}"
    payload = {
        "deployment_id": name,
        "deployment_mode": mode,
        "policy_id": "planner",
        "doer": "planner",
        "control_version": control,
        "candidate_versions": [version, *others],
        "arms": {"arms": [{"policy_version": item, "share": 0.1} for item in (version, *others)]},
        "unit_name": "user",
        "salt": name,
        "horizon_nights": 14,
        "minimum_units": 100,
        "alpha_rate": 0.05,
        "method": "power",
        "max_loss_increase_rate": 0.02,
        "guardrails": {"guardrails": []},
        "decided_by": "ann",
    }
    append(lake, "DEPLOYMENT_STARTED", payload, at)
    return name


def look(version, verdict="promote", mode="canary", control="1.0.0", number=3, **changes):
    """One candidate of a deployment as a night saw it."""
    return {
        "deployment_id": f"{mode}-{version}",
        "policy_version": version,
        "look": number,
        "looked_on": (NOW + timedelta(days=number)).date(),
        "deployment_mode": mode,
        "policy_id": "planner",
        "doer": "planner",
        "control_version": control,
        "runs": 900,
        "runs_control": 8000,
        "units": 450,
        "units_control": 4000,
        "mean_loss": 0.28,
        "mean_loss_control": 0.31,
        "effect": -0.03,
        "sequential_ci_low": -0.05,
        "sequential_ci_high": -0.01,
        "lift": -0.0968,
        "p_always_valid": 0.004,
        "guardrails": "[]",
        "guardrails_broken": [],
        "verdict": verdict,
        "reason": "p 0.004 is below the level 0.01 of this look.",
    } | changes


def filled(table, rows):
    """Rows of a table from dicts; what they do not name is null, or 0 where it may not be."""
    columns = tables.columns(table)
    types = tables.schema(table)
    zero = {name: 0 if types[name].is_numeric() else [] if isinstance(types[name], pl.List) else None for name in types}
    empty = {name: None if columns[name].nullable else zero[name] for name in types}
    return pl.DataFrame([empty | row for row in rows], schema=types)


def looked(lake, *looks):
    """What the last night saw, all of it."""
    lake.write(CanaryLooks, [filled(CanaryLooks, looks)], days=None, reads={}, as_of=NOW, fingerprint="0" * 64)
