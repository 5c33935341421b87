"""What is computed of one tenant's contents does not change by what others do."""

from functools import cache

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from kaizenlake import tables, testing
from kaizenlake.jobs import JOBS
from kaizenlake.tables import (
    AvoidedPhrases,
    ContentFeatures,
    Contents,
    CreativeLabels,
    CreativeMarks,
    DailyPerformance,
    Patterns,
    PatternSums,
    PerformanceTiers,
    ScopedPatterns,
)

TABLES = (
    DailyPerformance,
    ContentFeatures,
    Contents,
    PerformanceTiers,
    CreativeMarks,
    CreativeLabels,
    AvoidedPhrases,
    PatternSums,
    Patterns,
    ScopedPatterns,
)
TENANTS = (None, "north")


def needed():
    """The jobs that write these tables, and those they rest on."""
    wanted = set(TABLES)
    for _ in JOBS:
        wanted |= {read for job in JOBS if job.writes in wanted for read in job.reads}
    return [job for job in JOBS if job.writes in wanted]


def events(tenant, seed):
    """Events of one tenant; names of projects, contents and runs are those of every other."""
    drawn = testing.sample_events(700, seed=seed).filter(pl.col("event_type").str.contains("PERFORMANCE|CREATIVE"))
    name = pl.lit(tenant, dtype=pl.String)
    return drawn.with_columns(tenant_id=name, event_id=f"{tenant}-" + pl.col("event_id"))


@cache
def folded(*tenants):
    drawn = pl.concat([events(tenant, seed) for seed, tenant in enumerate(TENANTS) if tenant in tenants])
    return testing.fold(drawn, as_of=testing.AS_OF, jobs=needed())


@pytest.mark.parametrize("table", TABLES, ids=tables.name)
def test_the_figures_of_a_tenant_are_those_it_has_alone(table):
    together, parts = folded(*TENANTS)[table], [folded(tenant)[table] for tenant in TENANTS]
    assert all(part.height for part in parts), "nothing is compared"
    keys = tables.grain(table)
    assert_frame_equal(together.sort(keys), pl.concat(parts).sort(keys), check_exact=True)


@pytest.mark.parametrize("table", TABLES, ids=tables.name)
def test_the_tenant_comes_first_and_names_the_row(table):
    assert next(iter(tables.schema(table))) == tables.grain(table)[0] == "tenant_id"
