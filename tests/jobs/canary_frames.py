"""Deployments, their runs and their units, drawn with only the columns that matter."""

import json

import numpy as np
import polars as pl

from jobs.drawn import day, frame, recorded
from kaizenlake import tables
from kaizenlake.jobs.canaries.canary_looks import canary_looks
from kaizenlake.jobs.canaries.canary_units import canary_units
from kaizenlake.jobs.canaries.deployments import deployments
from kaizenlake.tables import (
    CanaryLooks,
    CanaryUnits,
    Crl,
    DeploymentLog,
    DeploymentRoutings,
    Deployments,
    RunRecords,
    Runs,
)

LATER = day(60)


def started(at=0.5, **told):
    """A start on a day, by its payload as silver holds it."""
    arms = told.pop("shares", {"1.1.0": 0.1})
    arms = told.pop("arms", {"arms": [{"policy_version": key, "share": share} for key, share in arms.items()]})
    rails = told.pop("rails", {"cost_usd": 0.02})
    rails = told.pop("guardrails", {"guardrails": [{"metric": key, "margin": value} for key, value in rails.items()]})
    return event("DEPLOYMENT_STARTED", at) | {
        "deployment_id": "d",
        "deployment_mode": "canary",
        "policy_id": "planner",
        "doer": "planner",
        "control_version": "1.0.0",
        "candidate_versions": ["1.1.0"],
        "arms": arms if isinstance(arms, str) else json.dumps(arms),
        "unit_name": "user",
        "salt": "s",
        "horizon_nights": 14,
        "minimum_units": 100,
        "alpha_rate": 0.05,
        "method": "power",
        "max_loss_increase_rate": 0.02,
        "guardrails": rails if isinstance(rails, str) else json.dumps(rails),
        "decided_by": "ada",
        **told,
    }


def ended(at, **told):
    return event("DEPLOYMENT_ENDED", at) | {"deployment_id": "d", "result": "stopped", "decided_by": "bo", **told}


def event(event_type, at):
    return {"event_type": event_type, "occurred_at": day(at), "event_date": day(at).date()}


def deployed(*events, as_of=LATER):
    rows = [{"event_id": f"e{number}", **row} for number, row in enumerate(events)]
    return tables.check(Deployments, deployments(frame(DeploymentLog, rows), as_of=as_of).collect())


def of_units(rows, **same):
    """Sums of units by day: (night, version, unit, loss), or also what else there is; one run each where not told."""
    drawn = []
    for night, version, unit, loss, *more in rows:
        told = {"runs": 1, "n": 0 if loss is None else 1} | (more[0] if more else {})
        loss_micros = 0 if loss is None else round(loss * told["n"] * 1_000_000)
        drawn.append(
            {"deployment_id": "d", "policy_version": version, "unit_id": unit, "event_date": day(night).date()}
            | {"loss_micros": loss_micros}
            | told
        )
    found = frame(CanaryUnits, drawn, **same)
    whole = [name for name, dtype in tables.schema(CanaryUnits).items() if dtype == pl.Int64]
    return tables.check(CanaryUnits, found.with_columns(pl.col(whole).fill_null(0)).collect())


def looked(units, *events, as_of=LATER, records=None, **groups):
    """Looks at units under deployments that were started so, and at the records of runs before it, where there are."""
    known = tables.empty(RunRecords) if records is None else records
    found = canary_looks(deployed(*events, as_of=as_of).lazy(), units.lazy(), known, as_of=as_of, **groups).collect()
    assert found["reason"].str.contains(r"\d").all()  # never a verdict without its numbers
    return tables.check(CanaryLooks, found)


def units_from(runs, *events, as_of=LATER, routed=(), **groups):
    """Units of runs: (at, version, unit, loss), or also what else the run tells."""
    drawn, losses = [], []
    for number, (at, version, unit, loss, *more) in enumerate(runs):
        run = {
            "run_id": f"r{number}",
            "doer": "planner",
            "policy_id": "planner",
            "policy_version": version,
            "unit_id": unit,
            "occurred_at": day(at),
            "event_date": day(at).date(),
        } | (more[0] if more else {})
        drawn.append({"event_id": f"e{number}", "event_type": "RUN_COMPLETED"} | run)
        losses.append({"loss": loss} | {name: value for name, value in run.items() if name in tables.schema(Crl)})
    kept = [{name: value for name, value in run.items() if name in tables.schema(Runs)} for run in drawn]
    found = canary_units(
        deployed(*events, as_of=as_of).lazy(),
        recorded(frame(Runs, kept)),
        frame(Crl, losses),
        frame(DeploymentRoutings, routed),
        as_of=as_of,
        **groups,
    )
    return tables.check(CanaryUnits, found.collect())


def arms(rng, nights, a, b, *, effect=0.0, sd=0.15, mean=0.5):
    """Units that come once each: `a` a night under the candidate, whose loss is by `effect` higher, `b` under the control."""
    rows = []
    for night in range(nights):
        for version, count, shift in (("1.1.0", a, effect), ("1.0.0", b, 0.0)):
            losses = np.clip(rng.normal(mean + shift, sd, count), 0.0, 1.0)
            rows += [(night, version, f"{version}-{night}-{unit}", float(loss)) for unit, loss in enumerate(losses)]
    return rows
