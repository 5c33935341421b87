"""Loss of a run: what each term is, how they are weighed, and what holds for every run."""

import math
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.drawn import day, frame, recorded
from kaizenlake import samples, tables
from kaizenlake.events.catalogue import by_name
from kaizenlake.events.decode import decode
from kaizenlake.jobs.runs.crl import crl
from kaizenlake.jobs.runs.run_records import run_records
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.parameters import WEIGHTS, LossOverride, LossRules, LossTerm
from kaizenlake.tables import Crl, Runs, Traces

LATER = day(365)
TERMS = tuple(WEIGHTS)
DATA = Path(__file__).parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here")

PERFECT = {
    "gates_passed": 4,
    "gates_total": 4,
    "contradictions": 0,
    "grounding_rate": 1.0,
    "cost_usd": 1.0,
    "budget_usd": 2.0,
    "latency_seconds": 10.0,
    "latency_budget_seconds": 20.0,
    "security_criticals": 0,
    "api_breakages": 0,
    "db_migration_failed": False,
    "rag_coverage_rate": 1.0,
}


def run(number=0, at=0.5, **told):
    when = day(at)
    return {
        "event_id": f"e{number}",
        "event_type": "RUN_COMPLETED",
        "occurred_at": when,
        "event_date": when.date(),
        "run_id": f"r{number}",
        "doer": "planner",
    } | told


def compute(rows, as_of=LATER, **settings):
    return tables.check(Crl, crl(recorded(frame(Runs, rows)), as_of=as_of, **settings).collect())


DEFAULTS = LossRules()


def one(loss=DEFAULTS, **told):
    return compute([run(**told)], loss=loss).row(0, named=True)


@pytest.mark.parametrize(
    ("term", "told", "expected"),
    [
        ("gates", {"gates_passed": 3, "gates_total": 4}, 0.25),
        ("gates", {"gates_passed": 4, "gates_total": 4}, 0.0),
        ("gates", {"gates_passed": 0, "gates_total": 4}, 1.0),
        ("gates", {"gates_passed": 0, "gates_total": 0}, None),  # no gates, no rate
        ("gates", {"gates_passed": 5, "gates_total": 4}, None),  # unknown, as for outcomes
        ("gates", {"gates_passed": 3}, None),
        ("gates", {"gates_total": 3}, None),
        ("contradictions", {"contradictions": 0}, 0.0),
        ("contradictions", {"contradictions": 3}, 0.5),
        ("contradictions", {"contradictions": 9}, 0.75),
        ("contradictions", {"contradictions": 2**63 - 1}, 1.0),
        ("contradictions", {}, None),
        ("grounding", {"grounding_rate": 0.75}, 0.25),
        ("grounding", {"grounding_rate": 0.0}, 1.0),
        ("cost", {"cost_usd": 1.0, "budget_usd": 2.0}, 0.0),  # under budget is not rewarded
        ("cost", {"cost_usd": 2.0, "budget_usd": 2.0}, 0.0),
        ("cost", {"cost_usd": 3.0, "budget_usd": 2.0}, 0.5),
        ("cost", {"cost_usd": 4.0, "budget_usd": 2.0}, 1.0),
        ("cost", {"cost_usd": 9.0, "budget_usd": 2.0}, 1.0),
        ("cost", {"cost_usd": 9.0, "budget_usd": 5e-324}, 1.0),
        ("cost", {"cost_usd": 9.0}, None),
        ("cost", {"budget_usd": 9.0}, None),
        ("cost", {"cost_usd": 9.0, "budget_usd": 0.0}, None),
        ("cost", {"cost_usd": 0.0, "budget_usd": 0.0}, None),
        ("latency", {"latency_seconds": 15.0, "latency_budget_seconds": 10.0}, 0.5),
        ("latency", {"latency_seconds": 15.0}, None),
        ("security", {"security_criticals": 1}, 0.5),
        ("security", {"security_criticals": 3}, 0.75),
        ("api", {"api_breakages": 1}, 0.5),
        ("migration", {"db_migration_failed": True}, 1.0),
        ("migration", {"db_migration_failed": False}, 0.0),
        ("migration", {}, None),
        ("rag", {"rag_coverage_rate": 0.9}, pytest.approx(0.1)),
    ],
)
def test_a_term(term, told, expected):
    row = one(**told)
    assert row[f"{term}_term"] == expected
    if expected is None:
        assert (row["loss"], row["coverage"], row[f"{term}_weight"], row[f"{term}_contribution"]) == (None, 0, 0, None)
    else:
        # The only term there is carries the whole weight.
        assert (row["loss"], row[f"{term}_weight"], row[f"{term}_contribution"]) == (expected, 1.0, expected)
        assert row["coverage"] == pytest.approx(getattr(LossRules(), WEIGHTS[term]))


def test_the_weights_of_a_run_that_tells_everything_are_those_of_the_settings():
    row = one(**PERFECT)
    assert (row["loss"], row["coverage"]) == (0.0, 1.0)
    assert {row[f"{term}_term"] for term in TERMS} == {0.0}
    for term, name in WEIGHTS.items():
        assert row[f"{term}_weight"] == pytest.approx(getattr(LossRules(), name), rel=1e-12)


def test_the_loss_by_hand():
    # .25 * 1/4 + .10 * 1/2 + .15 * .4 + .10 * 1 + .05 * 0 + .15 * 1/2 + .08 * 2/3 + .07 * 1 + .05 * .2
    row = one(
        **PERFECT
        | {"gates_passed": 3, "contradictions": 3, "grounding_rate": 0.6, "cost_usd": 5.0, "security_criticals": 1}
        | {"api_breakages": 2, "db_migration_failed": True, "rag_coverage_rate": 0.8}
    )
    assert row["loss"] == pytest.approx(0.0625 + 0.05 + 0.06 + 0.10 + 0.075 + 0.16 / 3 + 0.07 + 0.01, rel=1e-12)
    assert row["coverage"] == 1.0


def test_what_was_not_observed_is_left_out_and_not_zero():
    # Gates .25 and grounding .15 were observed: 40 % of the weight, scaled to 5/8 and 3/8.
    row = one(gates_passed=1, gates_total=2, grounding_rate=0.8)
    assert row["coverage"] == pytest.approx(0.40)
    assert (row["gates_weight"], row["grounding_weight"]) == (pytest.approx(0.625), pytest.approx(0.375))
    assert row["loss"] == pytest.approx(0.625 * 0.5 + 0.375 * 0.2)
    assert row["loss"] != pytest.approx(0.25 * 0.5 + 0.15 * 0.2), "nothing of the rest counts as zero loss"


OF_ALL = {"wq": 1.0} | {name: 0.0 for name in WEIGHTS.values() if name != "wq"}
OVERRIDES = (
    LossOverride(phase="draft", wg=1.0),
    LossOverride(tenant="acme", phase="draft", wr=1.0),
    LossOverride(tenant="acme", ws=1.0),
    LossOverride(tenant="bolt", ws=0.5, wd=0.5),
)


@pytest.mark.parametrize(
    ("tenant", "phase", "weights"),
    [
        (None, None, {"gates": 1.0}),
        ("other", "final", {"gates": 1.0}),
        ("other", "draft", {"contradictions": 1.0}),
        (None, "draft", {"contradictions": 1.0}),
        ("acme", "draft", {"grounding": 1.0}),
        ("acme", "final", {"security": 1.0}),
        ("acme", None, {"security": 1.0}),
        ("bolt", "draft", {"security": 0.5, "migration": 0.5}),  # the tenant goes before the phase
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_weights_of_a_tenant_and_of_a_phase(tenant, phase, weights, order):
    loss = LossRules(**OF_ALL, overrides=OVERRIDES[::order])
    row = one(loss, **PERFECT, tenant_id=tenant, phase=phase)
    assert {term: row[f"{term}_weight"] for term in TERMS if row[f"{term}_weight"]} == weights
    assert row["coverage"] == 1.0


def test_a_run_that_tells_only_terms_without_weight_has_no_loss():
    row = one(LossRules(**OF_ALL), contradictions=5)
    assert row["contradictions_term"] == pytest.approx(5 / 8)
    assert (row["loss"], row["coverage"], row["contradictions_contribution"]) == (None, 0.0, None)


@pytest.mark.parametrize(
    ("rule", "figure", "value", "expected"),
    [
        ("count", {"half": 1_000.0}, 3_000, 0.75),
        ("count", {"half": 1_000.0}, 0, 0.0),
        ("overrun", {"budget": 1_000.0}, 1_250, 0.25),
        ("overrun", {"budget": 1_000.0}, 9_000, 1.0),
        ("overrun", {"budget": 1_000.0}, 10, 0.0),
        ("overrun", {"budget": 1e-9}, 2**63 - 1, 1.0),
        ("count", {"half": 1e-9}, 2**63 - 1, 1.0),
        ("rate", {}, 2**63 - 1, 1.0),
        ("rate", {}, 7, 1.0),
        ("missing_rate", {}, 7, 0.0),
        ("missing_rate", {}, 0, 1.0),
        ("count", {"half": 1_000.0}, None, None),
    ],
)
def test_a_term_of_the_teams_own(rule, figure, value, expected):
    term = LossTerm(name="verbosity", field="output_tokens", rule=rule, weight=0.25, **figure)
    row = one(LossRules(terms=(term,)), gates_passed=1, gates_total=2, output_tokens=value)
    assert (row["own_names"], row["own_terms"]) == (["verbosity"], [expected])
    if expected is None:
        assert (row["own_weights"], row["own_contributions"], row["loss"]) == ([0.0], [None], 0.5)
        assert row["coverage"] == pytest.approx(0.25 / 1.25)
    else:
        # Gates weigh .25 of the nine, and so does the term beside them.
        assert row["own_weights"] == [0.5]
        assert row["loss"] == pytest.approx(0.25 + 0.5 * expected)
        assert row["own_contributions"] == [pytest.approx(0.5 * expected)]
        assert row["coverage"] == pytest.approx(0.5 / 1.25)


def test_own_terms_keep_their_order_and_a_negative_value_counts_as_none():
    seed = LossTerm(name="seed", field="seed", rule="count", half=1.0, weight=1.0)
    failed = LossTerm(name="failed", field="db_migration_failed", rule="rate", weight=1.0)
    row = one(LossRules(terms=(seed, failed)), seed=-5, db_migration_failed=True)
    assert (row["own_names"], row["own_terms"]) == (["seed", "failed"], [0.0, 1.0])
    assert one()["own_names"] == []


figures = st.fixed_dictionaries(
    {},
    optional={
        "gates_passed": st.integers(0, 9),
        "gates_total": st.integers(0, 9),
        "contradictions": st.integers(0, 2**63 - 1),
        "grounding_rate": st.floats(0, 1),
        "cost_usd": st.floats(0, 1e12),
        "budget_usd": st.floats(0, 1e12),
        "latency_seconds": st.floats(0, 1e9),
        "latency_budget_seconds": st.floats(0, 1e9),
        "security_criticals": st.integers(0, 9),
        "api_breakages": st.integers(0, 9),
        "db_migration_failed": st.booleans(),
        "rag_coverage_rate": st.floats(0, 1),
        "output_tokens": st.integers(0, 10**6),
        "phase": st.sampled_from(("draft", "final")),
    },
)
parts = st.lists(st.integers(0, 20), min_size=9, max_size=9).filter(any)


@st.composite
def losses(draw):
    def weights():
        shares = draw(parts)
        return {name: share / sum(shares) for name, share in zip(WEIGHTS.values(), shares, strict=True)}

    own = LossTerm(name="own", field="output_tokens", rule="count", half=500.0, weight=draw(st.floats(0.01, 3)))
    return LossRules(
        **weights(),
        overrides=(LossOverride(phase="draft", **weights()),) if draw(st.booleans()) else (),
        terms=(own,) if draw(st.booleans()) else (),
    )


@settings(max_examples=60)
@given(loss=losses(), told=st.lists(figures, min_size=1, max_size=4))
def test_what_holds_for_every_run(loss, told):
    rows = compute([run(number, **row) for number, row in enumerate(told)], loss=loss)
    assert rows.height == len(told)
    for row in rows.iter_rows(named=True):
        terms = [*(row[f"{term}_term"] for term in TERMS), *row["own_terms"]]
        weights = [*(row[f"{term}_weight"] for term in TERMS), *row["own_weights"]]
        contributions = [*(row[f"{term}_contribution"] for term in TERMS), *row["own_contributions"]]
        assert all(0.0 <= term <= 1.0 for term in terms if term is not None)
        assert [weight for term, weight in zip(terms, weights, strict=True) if term is None and weight] == []
        if row["loss"] is None:
            assert (row["coverage"], sum(weights), contributions) == (0.0, 0.0, [None] * len(terms))
            continue
        assert 0.0 <= row["loss"] <= 1.0
        assert 0.0 < row["coverage"] <= 1.0
        assert math.fsum(weights) == pytest.approx(1.0, abs=1e-12)
        assert math.fsum(part for part in contributions if part is not None) == pytest.approx(row["loss"], abs=1e-12)
        for term, weight, part in zip(terms, weights, contributions, strict=True):
            assert part == (None if term is None else pytest.approx(weight * term, abs=1e-12))


@settings(max_examples=30)
@given(told=figures)
def test_observed_weights_keep_their_proportions_and_coverage_is_their_share(told):
    row = one(**told)
    known = {name: getattr(LossRules(), name) for term, name in WEIGHTS.items() if row[f"{term}_term"] is not None}
    assert row["coverage"] == pytest.approx(sum(known.values()), abs=1e-12)
    for term, name in WEIGHTS.items():
        if name in known:
            assert row[f"{term}_weight"] == pytest.approx(known[name] / sum(known.values()), rel=1e-12)


def real_runs(folder, tmp_path):
    lake = Lake.create(tmp_path / "lake")
    land(lake, folder / "agent_runs.csv", mapping="agent_runs", now=day(365))
    return decode(lake.scan(tables.Events), by_name("RUN_COMPLETED").family)


@pytest.mark.parametrize(
    "folder", [Path(samples.__file__).parent, pytest.param(DATA, marks=needs_data)], ids=["sample", "whole"]
)
def test_the_loss_of_real_agent_runs_is_their_share_of_flags_not_passed(tmp_path, folder):
    table = pl.read_csv(folder / "agent_runs.csv", infer_schema_length=None)
    records = run_records(real_runs(folder, tmp_path), tables.empty(Traces), as_of=day(365))
    found = tables.check(Crl, crl(records, as_of=day(365)).collect())
    flags = table.select(
        pl.concat_str("run_id", "model", "task_id", "run_index", separator="/").alias("run_id"),
        expected=1 - pl.sum_horizontal("schema_pass", "tool_trace_pass", "grader_pass") / 3,
    )
    assert found.height == table.height == 261
    compared = found.join(flags, on="run_id", validate="1:1")
    assert compared.height == 261
    assert (compared["loss"] - compared["expected"]).abs().max() < 1e-12
    # They tell neither budgets nor findings: gates are all that is observed, and coverage says so.
    assert found["coverage"].unique().to_list() == [0.25]
    assert found.filter(pl.col("cost_term").is_not_null() | pl.col("latency_term").is_not_null()).is_empty()
