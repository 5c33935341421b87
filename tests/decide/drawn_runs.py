"""Runs drawn from a logging policy whose choices and losses are known, and lakes that hold them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.drafts import PolicyDraft
from kaizenlake.lake.landing import landing
from kaizenlake.lake.store import Lake

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODELS = ("large", "medium", "small")
SEGMENTS = ("de", "en")
LOGGED = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]])  # segment x model
LOSS = np.array([[0.2, 0.5, 0.8], [0.7, 0.4, 0.1]])
TARGET = np.array([[0.5, 0.4, 0.1], [0.1, 0.3, 0.6]])
RULES = {
    "rules": [{"when": {"segment": "de"}, "choose": {"large": 0.5, "medium": 0.4, "small": 0.1}}],
    "default": {"large": 0.1, "medium": 0.3, "small": 0.6},
}
TRUTH = float((TARGET * LOSS).sum(axis=1).mean())
LOGGED_TRUTH = float((LOGGED * LOSS).sum(axis=1).mean())


def draw(rng, runs, per_unit=1):
    """Runs of the logging policy: segment and model by place, loss in tenths, propensity, unit."""
    x = rng.integers(0, 2, runs)
    a = (rng.random(runs)[:, None] > np.cumsum(LOGGED, axis=1)[x]).sum(axis=1)
    return x, a, rng.binomial(10, LOSS[x, a]) / 10, LOGGED[x, a], np.arange(runs) // per_unit


def frame(rng, runs, per_unit=1):
    """The same as rows of `logged_runs`."""
    x, a, loss, propensity, unit = draw(rng, runs, per_unit)
    return pl.DataFrame(
        {
            "run_id": [f"r{number:05}" for number in range(runs)],
            "unit": [f"u{number}" for number in unit],
            "segment": np.array(SEGMENTS)[x],
            "model": np.array(MODELS)[a],
            "loss": loss,
            "action_propensity": propensity,
        }
    ).with_columns(
        pl.lit(None, dtype=pl.String).alias(name)
        for name in ("phase", "tenant_id", "project_id", "task_id", "unit_id", "action")
    )


def run(number, **payload):
    """An event of a run of the doer `router`; its loss is the share of the gates that it did not pass."""
    said = {"run_id": f"r{number:05}", "doer": "router", "gates_total": 10, "gates_passed": 5} | payload
    return {
        "id": f"run-{said['run_id']}",
        "type": "RUN_COMPLETED",
        "occurred_at": (NOW - timedelta(days=10) + timedelta(minutes=number)).isoformat(),
        "payload": said,
    }


def logged(rng, runs, per_unit=1):
    """Events of runs of the logging policy."""
    columns = zip(*(column.tolist() for column in draw(rng, runs, per_unit)), strict=True)
    return [
        run(
            number,
            segment=SEGMENTS[x],
            model=MODELS[a],
            gates_passed=10 - round(10 * loss),
            action_propensity=propensity,
            unit_id=f"u{unit}",
        )
        for number, (x, a, loss, propensity, unit) in enumerate(columns)
    ]


def lake_of(folder, events, **settings):
    """A lake in which these events have landed."""
    lake = Lake.create(folder / "lake")
    if settings:
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        lake.path("kaizen.toml").write_text("[replays]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    land(lake, events)
    return lake


def land(lake, events):
    """Land events."""
    file = lake.path("landing", f"runs-{len(list(lake.path('landing').rglob('*')))}.ndjson")
    file.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    done = landing.land_folder(lake, now=NOW)
    assert done.landed == len(events), done


def policy(lake, version="1.0.0", rules=RULES, **draft):
    """A policy of the doer `router`."""
    return policies.create(
        lake, PolicyDraft(doer="router", version=version, router_rules=rules, **draft), by="ann", now=NOW
    )
