"""A tenant is a wall: in a lake with others, each has the figures that it would have alone."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from kaizenlake import tables
from kaizenlake.tables import Events
from kaizenlake.testing import AS_OF, fold, sample_events

TENANTS = ("alpha", "beta", None)
SIZE = 700


def events_of(tenant, seed):
    """Sample events of a tenant: the names of projects, doers, policies and contents are those of the others, too."""
    named = pl.lit(tenant, pl.String)
    return sample_events(SIZE, seed=seed).with_columns(
        tenant_id=named, event_id=pl.concat_str(pl.lit(tenant or "none"), pl.col("event_id"))
    )


@pytest.fixture(scope="module")
def events():
    return {tenant: events_of(tenant, seed) for seed, tenant in enumerate(TENANTS)}


@pytest.fixture(scope="module")
def together(events):
    return fold(pl.concat(events.values()), as_of=AS_OF)


@pytest.mark.parametrize("tenant", TENANTS)
def test_each_table_of_a_tenant_is_that_of_a_lake_that_holds_it_alone(tenant, events, together):
    alone = fold(events[tenant], as_of=AS_OF)
    differing = []
    for table, rows in together.items():
        if table is Events or "tenant_id" not in tables.schema(table):
            continue
        mine = rows.filter(pl.col("tenant_id").eq_missing(pl.lit(tenant, pl.String)))
        keys = tables.grain(table)
        try:
            # The last bit of a sum of many terms may follow from where a row stands.
            assert_frame_equal(mine.sort(keys), alone[table].sort(keys), rel_tol=1e-14, abs_tol=0)
        except AssertionError as error:
            differing.append(f"{tables.full_name(table)}: {error}")
    assert not differing


def test_only_tables_about_the_lake_itself_name_no_tenant():
    of_the_lake = {tables.full_name(table) for table in tables.TABLES if "tenant_id" not in tables.schema(table)}
    assert of_the_lake <= {"bronze.quarantine", "bronze.landings", "bronze.acknowledgements", "gold.pooled_patterns"}
