"""A tenant is a wall: what is computed of a doer of one tenant is the same whoever else keeps runs in the lake."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from jobs.skills.test_skills import AS_OF, PAST, around, priced, runs, spread
from kaizenlake import tables, testing
from kaizenlake.job import in_order
from kaizenlake.jobs import JOBS
from kaizenlake.tables import (
    CrlDaily,
    CrlTermsDaily,
    CrlTrends,
    Experiments,
    LearningProgress,
    Policies,
    RunRecords,
    SkillCards,
    SkillFailures,
    SkillModels,
    SkillTerms,
)

TABLES = (
    CrlDaily,
    CrlTermsDaily,
    CrlTrends,
    LearningProgress,
    SkillTerms,
    SkillModels,
    SkillFailures,
    SkillCards,
)

LOSS = {"gates_passed": 7, "gates_total": 10}


def told():
    """Runs of two doers, with models, failures and versions."""
    return runs(
        *spread("planner", 0.3, 60, width=0.1),
        *spread("planner", 0.9, 60, at=PAST, width=0.1),
        *spread("writer", 0.9, 60, width=0.1),
        *priced("big", 0.60, around(0.2), doer="planner"),
        *priced("small", 0.60, around(0.7), doer="planner"),
        (
            5,
            {
                "doer": "planner",
                "failure_modes": ["timeout"],
                "at": 46,
                "policy_id": "p",
                "policy_version": "1",
                **LOSS,
            },
        ),
        (
            5,
            {
                "doer": "planner",
                "failure_modes": ["timeout"],
                "at": 47,
                "policy_id": "p",
                "policy_version": "2",
                **LOSS,
            },
        ),
    ).collect()


def of_tenant(frame, tenant, factor=1.0):
    """The same runs under a tenant, with other losses."""
    return frame.with_columns(
        tenant_id=pl.lit(tenant, pl.String),
        gates_passed=(pl.col("gates_passed") * factor).floor().cast(pl.Int64),
    )


def computed(frame):
    frames = {table: tables.empty(table).collect() for table in (Policies, Experiments)} | {RunRecords: frame}
    for job in in_order(JOBS):
        if job.name.startswith(("crl", "skill", "learning_progress")):
            frames[job.writes] = testing.run(job, frames, AS_OF)
    return frames


@pytest.fixture(scope="module")
def frames():
    one = told()
    return {
        "alone": computed(one),
        "together": computed(pl.concat([one, of_tenant(one, "acme", 0.5), of_tenant(one, "zebra", 0.2)])),
    }


@pytest.mark.parametrize("table", TABLES, ids=tables.name)
def test_the_figures_of_a_tenant_are_those_it_has_alone(frames, table):
    alone, together = (held[table] for held in frames.values())
    keys = list(tables.grain(table))
    assert keys[0] == alone.columns[0] == "tenant_id"
    own = together.filter(pl.col("tenant_id").is_null())
    assert_frame_equal(own.sort(keys), alone.sort(keys))
    assert together.height == 3 * alone.height > 0
