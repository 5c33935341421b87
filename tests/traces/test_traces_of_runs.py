"""What a trace becomes: one run, its steps, tokens, cost, latency, errors and retries."""

import random

import polars as pl
import pytest

from kaizenlake.jobs import JOBS
from kaizenlake.jobs.traces._span_tree import in_tree
from kaizenlake.jobs.traces.trace_steps import trace_steps
from kaizenlake.jobs.traces.traces import traces
from kaizenlake.parameters import Costs, ModelPrice
from kaizenlake.tables import Runs
from kaizenlake.testing import fold, same
from traces.told import NOW, START, agent, chat, events_of, lines_of, of_lines, otlp, run_scored, span, tables_of, tool

TRACE = "a" * 32
IO = ("input_tokens", "output_tokens")


def trace_of(*spans, lines=()):
    return tables_of(otlp(*spans), lines=lines)["traces"].row(0, named=True)


NESTED = (agent("root", called="planner", seconds=4.0), chat("c", "root", 300, 60, at=1.0, seconds=2.0))

CASES = {
    "an agent repeats the tokens of its call": (
        (agent("root", called="planner", gen_ai__usage__input_tokens=300, gen_ai__usage__output_tokens=60), NESTED[1]),
        {"input_tokens": 300, "output_tokens": 60, "llm_calls": 1, "doer": "planner"},
    ),
    "a call that two libraries record counts once, by the inner": (
        (chat("outer", None, 542, 235), chat("inner", "outer", 163, 20)),
        {"input_tokens": 163, "output_tokens": 20, "llm_calls": 1},
    ),
    "a call within that tells no tokens leaves those around it": (
        (chat("outer", None, 5, 2), chat("inner", "outer")),
        {"input_tokens": 5, "output_tokens": 2, "llm_calls": 1},
    ),
    "no call tells tokens: they are not known": (
        (agent("root", gen_ai__usage__input_tokens=9),),
        {"input_tokens": None, "output_tokens": None, "cost_usd": None, "llm_calls": 0},
    ),
    "the root tells the time, whatever runs on behind it": (
        (agent("root", seconds=2.0), chat("late", "root", 1, 1, at=1.0, seconds=9.0)),
        {"latency_seconds": 2.0, "roots": 1},
    ),
    "several parentless spans are one run, from first start to last end": (
        (chat("one", None, 1, 1, seconds=1.0), chat("two", None, 2, 2, at=3.0, seconds=1.5)),
        {"latency_seconds": 4.5, "roots": 2, "llm_calls": 2, "input_tokens": 3},
    ),
    "a root that was not recorded leaves a run": (
        (chat("one", "gone", 7, 1, at=1.0), chat("two", "gone", 2, 2, at=3.0, seconds=1.5)),
        {"latency_seconds": 3.5, "roots": 0, "input_tokens": 9, "doer": "one"},
    ),
    "the outermost named agent did it": (
        (
            span("workflow", gen_ai__operation__name="invoke_workflow"),
            agent("a", "workflow", called="writer", at=1.0),
            agent("b", "a", called="critic", at=1.0),
        ),
        {"doer": "writer"},
    ),
    "of two agents side by side the first": (
        (span("root"), agent("a", "root", called="second", at=2.0), agent("b", "root", called="first", at=1.0)),
        {"doer": "first"},
    ),
    "an unnamed agent goes by the name of its step": ((agent("invoke_agent [bot]"),), {"doer": "bot"}),
    "executed tools count, asked-for ones do not": (
        (
            chat("c", None, 1, 1, gen_ai__output__messages='[{"parts":[{"type":"tool_call"}]}]'),
            tool("search", "c"),
            span("by kind", "c", openinference__span__kind="TOOL"),
            span("by name", "c", gen_ai__tool__name="x"),
            span("tools", "c"),
        ),
        {"tool_calls": 3},
    ),
    "a retry follows a failed step of its name under its parent": (
        (
            agent("root"),
            tool("search#1", "root", at=0.1, status=2),
            tool("search#2", "root", at=0.2, status=2),
            tool("search#3", "root", at=0.3),
            tool("search#4", "root", at=0.4),
        ),
        {"retries": 2, "errors": 2, "outcome": None},
    ),
    "another step between them, another parent or no failure: no retry": (
        (
            agent("root"),
            tool("search#1", "root", at=0.1, status=2),
            tool("other", "root", at=0.2),
            tool("search#2", "root", at=0.3, status="STATUS_CODE_ERROR"),
            agent("inner", "root", at=0.4),
            tool("search#3", "inner", at=0.5),
        ),
        {"retries": 0, "errors": 2},
    ),
    "a root that failed is a run that failed": (
        (agent("root", status=2, error__type="Timeout"),),
        {"outcome": "error", "errors": 1},
    ),
    "a cost that is told is summed over the calls": (
        (
            agent("root", gen_ai__usage__cost=9.0),
            chat("a", "root", 1, 1, gen_ai__usage__input_cost=0.1, gen_ai__usage__output_cost=0.2),
            chat("b", "root", 1, 1, operation__cost=0.03),
        ),
        {"cost_usd": pytest.approx(0.33, abs=1e-12), "calls_without_cost": 0},
    ),
    "of one call nobody tells the cost: the sum is not known": (
        (agent("root"), chat("a", "root", 1, 1, gen_ai__usage__cost=0.1), chat("b", "root", 1, 1)),
        {"cost_usd": None, "calls_without_cost": 1},
    ),
    "a failed call without tokens costs nothing that is not known": (
        (agent("root"), chat("a", "root", 1, 1, gen_ai__usage__cost=0.1), chat("b", "root", status=2)),
        {"cost_usd": 0.1, "calls_without_cost": 0},
    ),
    "a cost told around a call is its cost": (
        (chat("outer", None, 5, 2, gen_ai__usage__cost=0.5), chat("inner", "outer", 4, 1)),
        {"cost_usd": 0.5, "input_tokens": 4, "calls_without_cost": 0},
    ),
    "cached tokens are within those read, also where they are told apart": (
        (chat("a", None, 10, 1, gen_ai__usage__cache_read__input_tokens=250),),
        {"input_tokens": 260, "cache_read_tokens": 250},
    ),
    "a span that is its own parent, and two that are each other's": (
        (chat("self", "self", 1, 1), chat("x", "y", 2, 2), chat("y", "x", 4, 4)),
        {"input_tokens": 7, "llm_calls": 3},
    ),
    "a score of the run counts, the latest": (
        (agent("root"),),
        {"quality_score": 80.0},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_trace_becomes_one_run(name):
    spans, expected = CASES[name]
    scores = [run_scored(TRACE, 5, quality_score=80), run_scored(TRACE, 1, quality_score=10)]
    found = trace_of(*spans, lines=scores if "quality_score" in expected else [])
    assert {key: found[key] for key in expected} == expected


def test_a_run_made_of_a_trace_is_named_by_it_and_completed_by_scores_and_its_own_word():
    told = [run_scored(TRACE, 5, gates_total=2, gates_passed=2, grounding_rate=0.9)]
    made = tables_of(otlp(*NESTED), lines=told)
    (run,) = made["run_records"].to_dicts()
    expected = {"run_id": TRACE, "doer": "planner", "model": "m", "latency_seconds": 4.0, "input_tokens": 300,
                "output_tokens": 60, "gates_passed": 2, "grounding_rate": 0.9, "records": 3}  # fmt: skip
    assert {key: run[key] for key in expected} == expected
    assert made["pending_scores"].is_empty()


def test_a_root_that_comes_a_night_later_joins():
    inner, root = NESTED[1], NESTED[0]
    before, after = trace_of(inner), trace_of(inner, root)
    assert (before["doer"], before["roots"], before["latency_seconds"]) == ("c", 0, 2.0)
    assert (after["doer"], after["roots"], after["latency_seconds"]) == ("planner", 1, 4.0)
    assert [before[name] for name in IO] == [after[name] for name in IO]


def test_the_order_and_the_number_of_landings_change_nothing():
    spans = [
        agent("root", called="p", seconds=9.0),
        *(chat(f"c{n}", "root", 10 + n, n, at=n / 10, gen_ai__usage__cost=0.1 * n) for n in range(9)),
        *(tool(f"t#{n}", "root", at=n / 7, status=2 if n % 2 else None) for n in range(9)),
    ]
    lines = [*lines_of(otlp(*spans))[0], run_scored(TRACE, 1, quality_score=50)]
    expected = of_lines(lines)
    by_name = {job.name: job for job in JOBS}
    for seed in range(4):
        drawn = lines * 2
        random.Random(seed).shuffle(drawn)
        for name, frame in of_lines(drawn).items():
            if name in by_name:
                same(frame, expected[name], by_name[name])


def test_a_span_that_is_told_again_with_more_counts_once_by_its_last_word():
    open_span = {key: value for key, value in chat("c", None, 5, 1).items() if key != "endTimeUnixNano"}
    closed = chat("c", None, 7, 3, seconds=2.0)
    found = trace_of(open_span, closed, open_span)
    assert (found["steps"], found["input_tokens"], found["latency_seconds"]) == (1, 7, 2.0)


def test_costs_of_models_leave_out_the_time_of_cached_answers():
    made = tables_of(
        otlp(
            agent("root", called="p"),
            chat("a", "root", 100, 1, seconds=3.0, gen_ai__usage__cost=0.2),
            chat("b", "root", 300, 1, seconds=0.001, gen_ai__usage__cost=0.2, gen_ai__response__cached=True,
                 gen_ai__usage__cache_read__input_tokens=300),
            chat("c", "root", 1, 1, model="other", gen_ai__usage__cost=0.1),
        ),
        lines=[run_scored(TRACE, 1, gates_total=1, gates_passed=1)],
    )["run_costs"].sort("model")  # fmt: skip
    rows = made.select(
        "model", "runs", "passed", "calls", "input_tokens", "cached_rate", "timed_calls", "latency_seconds"
    )
    assert rows.rows() == [("m", 1, 1, 2, 400, 0.75, 1, 3.0), ("other", 1, 1, 1, 1, None, 1, 1.0)]
    assert made["cost_per_passed_usd"].to_list() == pytest.approx([0.4, 0.1])


def test_runs_without_a_trace_have_costs_too():
    line = (
        b'{"id":"r","type":"RUN_COMPLETED","occurred_at":"2026-11-18T12:00:00Z","payload":'
        b'{"run_id":"r","doer":"d","model":"m","cost_usd":0.5,"input_tokens":4,"output_tokens":1,"gates_total":2,"gates_passed":1}}'
    )
    (row,) = of_lines([line])["run_costs"].to_dicts()
    assert (row["cost_usd"], row["runs"], row["passed"], row["cost_per_passed_usd"], row["calls"]) == (
        0.5,
        1,
        0,
        None,
        0,
    )


def test_attributes_that_nothing_reads_are_counted_by_name():
    made = tables_of(otlp(span("a", my__own=1, llm__tools__0__x="y"), span("b", my__own=2)))
    rows = made["trace_attributes"].sort("attribute").select("attribute", "spans").rows()
    assert rows == [("llm.tools.N.x", 1), ("my.own", 2)]
    assert '"my.own":"1"' in made["events"]["metadata"].str.join("").item()


def test_a_deep_chain_of_calls_counts_its_innermost():
    count = 3_000
    chain = pl.DataFrame(
        {
            "tenant_id": pl.Series([None] * count, dtype=pl.String),
            "trace_id": ["t"] * count,
            "span_id": [str(n) for n in range(count)],
            "parent_span_id": [None, *(str(n) for n in range(count - 1))],
            "kind": ["inference"] * count,
            "input_tokens": [1] * count,
            "output_tokens": [1] * count,
            "cost_usd": pl.Series([None] * count, dtype=pl.Float64),
        }
    )
    made = in_tree(chain)
    assert made["counts_tokens"].to_list() == [False] * (count - 1) + [True]
    assert made["depth"].to_list() == list(range(count))


def test_a_day_begins_with_the_first_step():
    made = tables_of(otlp(chat("late", "root", 1, 1, at=90_000.0), agent("root", seconds=90_001.0)))
    (row,) = made["traces"].to_dicts()
    assert row["started_at"].timestamp() == START
    assert row["event_date"] == row["started_at"].date()
    assert row["first_told_date"] < row["last_told_date"]


PRICED = Costs(
    prices=[
        ModelPrice(model="M", from_date="2026-01-01", input_usd=2, output_usd=10, cache_read_usd=0.5),
        ModelPrice(model="m", from_date="2026-11-18", input_usd=4, output_usd=10),
        ModelPrice(model="m", from_date="2026-12-18", input_usd=400, output_usd=10),
    ]
)


def test_the_price_of_the_day_holds_where_nobody_told_a_cost():
    day = 86_400
    lines, _ = lines_of(
        otlp(
            agent("root", called="p"),
            chat("a", "root", 1_000, 100, gen_ai__usage__cache_read__input_tokens=400),
            chat("b", "root", 1_000, 0, at=-2 * day, gen_ai__usage__cache_read__input_tokens=400),
            chat("c", "root", 1, 1, at=1.0, gen_ai__usage__cost=0.25),
        )
    )
    runs = silver(events_of(lines))
    steps = trace_steps(runs, as_of=NOW, costs=PRICED)
    found = {row["span_id"]: row for row in steps.collect().to_dicts()}
    costs = sorted((row["cost_usd"], row["cost_from"]) for row in found.values() if row["counts_cost"])
    assert costs == [((600 * 2 + 400 * 0.5) / 1e6, "prices"), ((1_000 * 4 + 100 * 10) / 1e6, "prices"), (0.25, "told")]
    (run,) = traces(runs, steps, as_of=NOW).collect().to_dicts()
    assert run["cost_usd"] == pytest.approx(0.25 + 0.005 + 0.0014, abs=1e-12)
    assert run["calls_without_cost"] == 0


def test_a_model_that_has_no_price_yet_costs_what_nobody_knows():
    lines, _ = lines_of(otlp(chat("a", None, 1, 1, at=-400 * 86_400.0), chat("b", None, 1, 1, model="other")))
    steps = trace_steps(silver(events_of(lines)), as_of=NOW, costs=PRICED).collect()
    assert (steps["lacks_cost"].sum(), steps["cost_usd"].null_count()) == (2, 2)


def silver(events):
    return fold(events, as_of=NOW, jobs=[job for job in JOBS if job.name == "runs"])[Runs].lazy()
