"""A fleet of three doers, one of them with a hostile name, as its runs make the tables of skill cards."""

from __future__ import annotations

from functools import cache

import polars as pl

from jobs.drawn import day, frame
from jobs.skills.test_skills import AS_OF, PAST, around, priced, runs, spread
from kaizenlake import tables, testing
from kaizenlake.job import in_order
from kaizenlake.jobs import JOBS
from kaizenlake.jobs.alerts.findings import findings
from kaizenlake.tables import (
    BehaviourPatterns,
    CrlTrends,
    Experiments,
    Findings,
    PlanningStrategies,
    Policies,
    RunRecords,
    SkillCards,
    SkillFailures,
    SkillModels,
    SkillTerms,
)

READ = (
    *(SkillCards, SkillTerms, SkillModels, SkillFailures, CrlTrends, Experiments, Findings),
    *(BehaviourPatterns, PlanningStrategies),
)

EVIL = '</script><script>window.hit=1</script><b onmouseover=alert(1)>"\'&{{7*7}} #eval("1") $x$ _a_ \u202eevil'
"""A name as nobody should give it."""


def _fleet(evil):
    experiments = [
        {"experiment_id": f"{evil}-1", "experiment_type": "tool_tuning", "doer": "planner", "status": "failed",
         "hypothesis": evil, "started_at": day(50), "loss_delta": -0.02},
    ]  # fmt: skip
    policies = [
        {"policy_id": evil, "policy_version": "1.2.0", "doer": "planner", "status": "active", "status_since": day(52)}
    ]
    told = [
        *spread("planner", 0.3, 60, width=0.1),
        *spread("planner", 0.9, 60, at=PAST, width=0.1),
        *spread("writer", 0.9, 60, width=0.1),
        *priced("big", 0.60, around(0.2), doer="planner"),
        *priced(evil, 0.60, around(0.7), doer="planner"),
        *[
            (1, {"doer": "planner", "failure_modes": [evil, "timeout"], "at": at, "grounding_rate": 0.3})
            for at in (46, 47)
        ],
        (12, {"doer": evil, "gates_passed": 1, "gates_total": 2}),
    ]
    return runs(*told).collect(), frame(Policies, policies).collect(), frame(Experiments, experiments).collect()


def _behaviour(evil):
    """A sequence that goes with failure, one that says nothing, and strategies of which one is refused."""
    same = {"doer": "planner", "task_type": evil, "runs": 60}
    steps = {"steps": 2, "runs_with": 30, "support_rate": 0.5, "passed_with": 3, "passed_without": 27, "pass_rate_with": 0.1,
             "pass_rate_without": 0.9, "lift": -0.89, "difference": -0.8, "ci_low": -0.9, "ci_high": -0.6, "p_value": 1e-9}  # fmt: skip
    patterns = [
        same | steps | {"pattern": f"{evil} → book", "q_value": 1e-8, "verdict": "weakness"},
        same | steps | {"pattern": "book", "q_value": 0.4, "verdict": "unclear"},
    ]
    valued = {"runs_with": 30, "measure": "loss", "effective_units": 150.0, "missing_rate": 0.0, "shortfalls": []}
    refused = {"strategy": "split", "verdict": "refused", "effective_units": 3.0, "shortfalls": ["3.0 effective units"]}
    figures = {
        "logged_value": 0.4,
        "estimated_value": 0.3,
        "effect": -0.1,
        "effect_ci_low": -0.2,
        "effect_ci_high": -0.05,
    }
    strategies = [same | valued | figures | {"strategy": evil, "verdict": "recommended"}, same | valued | refused]
    return {
        BehaviourPatterns: frame(BehaviourPatterns, patterns),
        PlanningStrategies: frame(PlanningStrategies, strategies),
    }


@cache
def tables_of(evil=EVIL):
    """Rows of every table that cards are made of."""
    told, policies, experiments = _fleet(evil)
    frames = {RunRecords: told, Policies: policies, Experiments: experiments}
    for job in in_order(JOBS):
        if job.name.startswith(("crl", "skill", "learning_progress")):
            frames[job.writes] = testing.run(job, frames, AS_OF)
    frames |= {table: rows.collect() for table, rows in _behaviour(evil).items()}
    empty = {table: tables.empty(table).collect() for table in findings.reads if table not in frames}
    frames[Findings] = testing.run(findings, frames | empty, AS_OF)
    return {table: frames[table] for table in READ}


def scan(frames=None):
    """Gives those tables as a lake does."""
    found = tables_of() if frames is None else frames
    return lambda table: found[table].lazy() if table in found else pl.LazyFrame()
