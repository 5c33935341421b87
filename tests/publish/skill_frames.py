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
    CrlTrends,
    Experiments,
    Findings,
    Policies,
    RunRecords,
    SkillCards,
    SkillFailures,
    SkillModels,
    SkillTerms,
)

READ = (SkillCards, SkillTerms, SkillModels, SkillFailures, CrlTrends, Experiments, Findings)

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


@cache
def tables_of(evil=EVIL):
    """Rows of every table that cards are made of."""
    told, policies, experiments = _fleet(evil)
    frames = {RunRecords: told, Policies: policies, Experiments: experiments}
    for job in in_order(JOBS):
        if job.name.startswith(("crl", "skill", "learning_progress")):
            frames[job.writes] = testing.run(job, frames, AS_OF)
    empty = {table: tables.empty(table).collect() for table in findings.reads if table not in frames}
    frames[Findings] = testing.run(findings, frames | empty, AS_OF)
    return {table: frames[table] for table in READ}


def scan(frames=None):
    """Gives those tables as a lake does."""
    found = tables_of() if frames is None else frames
    return lambda table: found[table].lazy() if table in found else pl.LazyFrame()
