"""What text rules do over tenants, where the settings let them share it."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.jobs.patterns.pooled_patterns import pooled_patterns
from kaizenlake.parameters import Tenants
from kaizenlake.tables import Patterns, PooledPatterns

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
POOLED = Tenants(sharing="pooled")


def row(tenant, lift, pattern_type="question", **given):
    empty = dict.fromkeys(tables.schema(Patterns).names())
    told = {
        "tenant_id": tenant,
        "evidence": "observation",
        "pattern_type": pattern_type,
        "pattern": "yes",
        "contents": 9,
    }
    told |= {"experiments": 3, "shrunk_lift": lift, "verdict": "unclear", "metric": "engagement_rate", "left_out": 0}
    return empty | told | given


def pooled(*rows, tenants=POOLED):
    frame = pl.LazyFrame(list(rows), schema=tables.schema(Patterns))
    made = pooled_patterns(frame, as_of=AS_OF, tenants=tenants).collect()
    return tables.check(PooledPatterns, made).rows(named=True)


def test_the_effects_of_five_tenants_are_pooled_and_of_four_are_not():
    rows = [
        row(tenant, lift) for tenant, lift in zip(("a", "b", "c", "d", None), (0.1, 0.2, 0.3, 0.2, 0.2), strict=True)
    ]
    (found,) = pooled(*rows)
    assert (found["pattern_type"], found["tenants"], found["verdict"]) == ("question", 5, "works")
    assert found["shrunk_lift"] == pytest.approx((1.1 * 1.2 * 1.3 * 1.2 * 1.2) ** 0.2 - 1, abs=1e-5)
    assert 0 < found["ci_low"] < found["shrunk_lift"] < found["ci_high"]
    assert pooled(*rows[:4]) == []


@pytest.mark.parametrize(
    ("lifts", "verdict"),
    [
        ((-0.1, -0.2, -0.1, -0.2, -0.1), "risky"),
        ((0.3, -0.3, 0.2, -0.2, 0.0), "unclear"),
        ((0.1,) * 5, "works"),
        ((0.0,) * 5, "unclear"),
    ],
)
def test_a_verdict_needs_an_interval_that_leaves_0_out(lifts, verdict):
    (found,) = pooled(*(row(f"t{place}", lift) for place, lift in enumerate(lifts)))
    assert found["verdict"] == verdict


def test_nothing_crosses_unless_the_settings_say_so():
    assert pooled(*(row(f"t{place}", 0.2) for place in range(9)), tenants=Tenants()) == []


def test_what_is_no_rule_of_this_program_never_crosses():
    words = [row(f"t{place}", 0.2, "tone", pattern="a name of a tenant") for place in range(9)]
    assert pooled(*words) == []


def test_of_each_tenant_one_figure_counts_that_of_experiments_where_there_are_enough():
    rows = [row(f"t{place}", 0.1) for place in range(5)]
    rows += [
        row("t0", 0.5, evidence="experiment", experiments=40),
        row("t1", 0.9, evidence="experiment", experiments=1),
    ]
    (found,) = pooled(*rows)
    assert found["tenants"] == 5
    assert found["shrunk_lift"] == pytest.approx((1.1**4 * 1.5) ** 0.2 - 1, abs=1e-5)
