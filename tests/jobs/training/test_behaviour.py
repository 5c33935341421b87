"""Behaviour of agents: step sequences and what goes with them, strategies by their logged propensities, hard and easy tasks."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import fisher_exact

from jobs.drawn import day, frame, through
from kaizenlake import testing
from kaizenlake.jobs.training.behaviour_patterns import behaviour_patterns
from kaizenlake.jobs.training.curriculum import curriculum
from kaizenlake.jobs.training.planning_strategies import planning_strategies
from kaizenlake.parameters import Replays
from kaizenlake.tables import BehaviourPatterns, Crl, PlanningStrategies, RunRecords, TraceSteps, TrainingExamples

AS_OF = day(60)


def lines(text):
    return [line.split("|") for line in map(str.strip, text.splitlines()) if line]


def runs(rows):
    return frame(
        RunRecords,
        [
            {"event_id": row["run_id"], "doer": "helper", "occurred_at": day(50), "event_date": day(50).date(), "failure_modes": [],
             "failed_without_gates": False, "records": 1} | row
            for row in rows
        ],
    )  # fmt: skip


def worked(text):
    """Frames out of lines `times | tools | passed`: each a number of runs, of which so many passed."""
    rows, steps = [], []
    for times, tools, passed in lines(text):
        for number in range(int(times)):
            run = f"r{len(rows):04d}"
            rows.append({"run_id": run, "outcome": "success" if number < int(passed) else "failed", "phase": "book"})
            for place, tool in enumerate(tools.split() or [None]):
                step = {
                    "trace_id": run,
                    "span_id": f"{run}-{place}",
                    "started_at": day(50 + place / 1e4),
                    "tool_name": tool,
                }
                steps.append(step | {"kind": "tool" if tool else "inference", "event_date": day(50).date()})
    return {RunRecords: runs(rows), TraceSteps: frame(TraceSteps, steps)}


def found(given, job=behaviour_patterns, **settings):
    return through(job, as_of=AS_OF, given=given, **settings)


def test_a_sequence_is_set_against_runs_without_it():
    told = found(worked("20|search read book|18 \n 20|search book|4 \n 4||0"))
    by = {row["pattern"]: row for row in told.iter_rows(named=True)}
    # `read` alone, `search → read` and `read → book` are in the same runs as the whole: it stands for them.
    assert set(by) == {"search → read → book", "search → book", "search", "book"} - {"search", "book"} | set(by) & {
        "search",
        "book",
    }
    whole = by["search → read → book"]
    assert (whole["runs"], whole["runs_with"], whole["passed_with"], whole["passed_without"]) == (44, 20, 18, 4)
    assert whole["support_rate"] == pytest.approx(20 / 44)
    assert whole["lift"] == pytest.approx((18 / 20) / (4 / 24) - 1)
    assert whole["verdict"] == "strength"
    assert whole["ci_low"] > 0
    assert by["search → book"]["verdict"] == "weakness"
    # Where cells are small, p is Fisher's.
    assert by["search"]["p_value"] is None  # four runs without it are too few


def test_small_samples_say_nothing():
    told = found(worked("9|a b|9 \n 30|c|0"))
    assert set(told["verdict"]) == {"unclear"}
    assert told["p_value"].null_count() == told.height


def test_p_values_are_corrected_over_the_tenant():
    told = found(worked("12|a|9 \n 12|b|5 \n 12|c|5 \n 12|d|6")).filter(pl.col("p_value").is_not_null())
    assert told.height == 4
    assert (told["q_value"] >= told["p_value"]).all()
    exact = fisher_exact([[9, 3], [16, 20]]).pvalue
    assert told.filter(pattern="a")["p_value"].item() == pytest.approx(exact, abs=0.05)


def test_equal_agents_are_told_apart_no_more_often_than_promised():
    random, wrong = np.random.default_rng(1), 0
    for _ in range(40):
        text = "\n".join(f"20|{tools}|{random.binomial(20, 0.5)}" for tools in ("a b", "b c", "c a", "d"))
        wrong += set(found(worked(text))["verdict"]) != {"unclear"}
    assert wrong <= 6  # 5 % of 40, and three standard errors


def test_a_run_nobody_judged_and_one_that_is_too_old_do_not_count():
    given = worked("20|a|10 \n 20|b|10")
    hidden = pl.col("run_id") < "r0005"
    given[RunRecords] = given[RunRecords].with_columns(
        outcome=pl.when(hidden).then(pl.lit("done")).otherwise("outcome")
    )
    assert found(given)["runs"].max() == 35
    old = pl.when(hidden).then(pl.lit(day(10).date())).otherwise("event_date")
    given = worked("20|a|10 \n 20|b|10")
    given[RunRecords] = given[RunRecords].with_columns(event_date=old)
    assert found(given)["runs"].max() == 35


def test_patterns_keep_every_law_of_jobs():
    # Samples hold too few tool steps, so the laws are held here.
    given = worked("12|a b a|9 \n 12|b a|2 \n 3||1") | {TrainingExamples: frame(TrainingExamples)}
    frames = {table: rows.collect() for table, rows in given.items()}
    for law in (
        testing.takes_nothing,
        testing.takes_one_row,
        testing.takes_nulls,
        testing.ignores_order,
        testing.repeats_itself,
    ):
        law(behaviour_patterns, frames, AS_OF)
    assert not testing.run(behaviour_patterns, frames, AS_OF).is_empty()


def chose(count, best=0.2, other=0.6, propensity=0.5, seed=2):
    """Runs that chose `plan` or `act` by a coin, and what each lost."""
    random = np.random.default_rng(seed)
    rows, losses = [], []
    for number in range(count):
        plans = random.random() < propensity
        run = f"r{number:05d}"
        rows.append(
            {"run_id": run, "phase": "book", "action": "plan" if plans else "act",
             "action_propensity": propensity if plans else 1 - propensity}
        )  # fmt: skip
        loss = float(random.random() < (best if plans else other))
        losses.append({"run_id": run, "loss": loss, "occurred_at": day(50), "event_date": day(50).date()})
    return {RunRecords: runs(rows), Crl: frame(Crl, losses)}


FEW = Replays(seeds=(1, 2), resamples=200)


def test_the_better_strategy_is_recommended_with_its_interval():
    told = found(chose(600), planning_strategies, replays=FEW)
    by = {row["strategy"]: row for row in told.iter_rows(named=True)}
    assert (by["plan"]["verdict"], by["act"]["verdict"]) == ("recommended", "worse")
    assert by["plan"]["estimated_value"] == pytest.approx(0.2, abs=0.06)
    assert by["plan"]["effect_ci_low"] < by["plan"]["effect"] < by["plan"]["effect_ci_high"] < 0
    assert by["plan"]["measure"] == "loss"
    assert by["plan"]["effective_units"] > 200


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda given: given | {RunRecords: given[RunRecords].with_columns(action_propensity=None)}, "lack a loss or a propensity"),
        (lambda given: given | {RunRecords: given[RunRecords].head(120)}, "effective units"),
        (lambda given: given | {RunRecords: given[RunRecords].with_columns(action_propensity=pl.lit(1.0))}, "mean weight"),
    ],
)  # fmt: skip
def test_without_overlap_no_figure_is_given(spoil, reason):
    told = found(spoil(chose(600)), planning_strategies, replays=FEW)
    assert set(told["verdict"]) == {"refused"}
    assert told["effect"].null_count() == told.height
    assert told["estimated_value"].null_count() == told.height
    assert all(any(reason in words for words in row) for row in told["shortfalls"])


def test_a_plan_names_its_strategy_and_failure_is_valued_without_a_loss():
    plans = [
        {"example_id": f"e{number}", "source_type": "PLANNING_TRACE", "trace_id": f"r{number:05d}", "task_type": "trip",
         "output_text": text, "created_at": day(50), "labels": []}
        for number, text in enumerate(['{"strategy": "direct"}', '{"strategy": "split"}', '{"strategy": 3}', "[1]", "{broken"])
    ]  # fmt: skip
    given = {
        RunRecords: runs([{"run_id": f"r{number:05d}", "outcome": "success"} for number in range(5)]),
        TrainingExamples: frame(TrainingExamples, plans),
    }
    told = found(given, planning_strategies)
    assert told.select("task_type", "strategy", "runs", "measure", "verdict").rows() == [
        ("trip", "direct", 2, "failure", "refused"),
        ("trip", "split", 2, "failure", "refused"),
    ]


def test_tasks_are_ordered_from_the_easiest():
    tried = {"easy": (10, 9), "middle": (10, 6), "hard": (10, 0), "once": (1, 0)}
    rows = [
        {"run_id": f"{task}-{agent}-{number}", "task_id": task, "doer": agent, "model": "m"}
        | {"outcome": "success" if number < passed else "failed"}
        for agent in "ab"
        for task, (times, passed) in tried.items()
        for number in range(times)
    ]
    told = found({RunRecords: runs(rows)}, curriculum).sort("place")
    # Of the two that nobody passed, two tries are drawn to the mean, twenty less.
    assert told["item_id"].to_list() == ["easy", "middle", "once", "hard"]
    assert told["stage"].to_list() == ["warm_up", "core", "out_of_reach", "out_of_reach"]
    assert told.select("agents", "attempts", "passed").row(0) == (2, 20, 18)
    assert told["expected_pass_rate"].to_list() == pytest.approx([0.9, 0.6, 0.0, 0.0], abs=0.12)


def test_examples_are_tasks_by_what_went_in():
    examples = [
        {"example_id": f"e{number}", "trace_id": f"t{number}", "input_text": text, "output_text": str(number), "agent_id": "a",
         "task_type": "sum", "quality_score": score, "created_at": day(number), "labels": [], "source_type": "EXECUTION_TRACE"}
        for number, (text, score) in enumerate([("one", 90), ("one", 20), ("two", 95), ("three", None)])
    ]  # fmt: skip
    told = found({TrainingExamples: frame(TrainingExamples, examples)}, curriculum).sort("place")
    assert told["example_ids"].to_list() == [["e2"], ["e0", "e1"]]
    assert told["pass_rate"].to_list() == [1.0, 0.5]


def test_nothing_makes_nothing():
    for job, table in ((behaviour_patterns, BehaviourPatterns), (planning_strategies, PlanningStrategies)):
        assert found({}, job).is_empty(), table
    assert found({}, curriculum).is_empty()
