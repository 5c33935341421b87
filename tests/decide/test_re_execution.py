"""Recorded inputs run again under fixed seeds: same answers required, losses compared in pairs."""

from __future__ import annotations

import random
from itertools import count

import numpy as np
import polars as pl
import pytest

from decide.drawn_runs import NOW, lake_of, land, policy, run
from kaizenlake import tables
from kaizenlake.decide.replays import golden
from kaizenlake.decide.replays.re_execution import RecordedInput, re_execute
from kaizenlake.errors import EventError, UsageError
from kaizenlake.tables import Events


def recorded(number, **payload):
    """A run with a recorded input; it passed between 3 and 7 of 10 gates."""
    random.seed(number)
    passed = random.randint(3, 7)
    return run(number, gates_passed=passed, unit_id=f"u{number // 2}", **payload) | {
        "metadata": {"input": {"task": number}}
    }


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake with thirty recorded runs of fifteen units, frozen, and a policy."""
    made = lake_of(tmp_path_factory.mktemp("lake"), [recorded(number) for number in range(30)], seeds=[1, 2])
    policy(made)
    golden.freeze(made, "core", doer="router", by="ann", now=NOW)
    return made


def again(lake, call, **more):
    return re_execute(lake, "router", "1.0.0", call, by="ann", now=NOW, **more).payload


def better(given, seed):
    return {
        "gates_total": 10,
        "gates_passed": min(10, given.payload["gates_passed"] + 1 + (given.input["task"] + seed) % 3),
    }


def test_a_candidate_that_loses_less_passes(lake):
    found = again(lake, better)
    logged = np.array([1 - recorded(number)["payload"]["gates_passed"] / 10 for number in range(30)])
    after = logged - np.array([np.mean([1 + (number + seed) % 3 for seed in (1, 2)]) for number in range(30)]) / 10
    assert (found["verdict"], found["kind"], found["estimator"]) == ("passed", "re_execution", "paired")
    assert (found["runs"], found["units"], found["random_seeds"], found["differing_answers"]) == (30, 15, 2, 0)
    assert (found["golden_set_id"], found["golden_set_version"]) == ("core", 1)
    assert found["logged_loss"] == pytest.approx(logged.mean())
    assert found["estimated_loss"] == pytest.approx(after.mean())
    assert found["effect"] == pytest.approx((after - logged).mean())
    assert found["effect_ci_low"] < found["effect"] < found["effect_ci_high"] < 0
    assert found["shortfalls"] == []


def test_twice_is_once(lake):
    first = re_execute(lake, "router", "1.0.0", better, by="ann", now=NOW)
    before = lake.rows(Events)
    other = re_execute(lake, "router", "1.0.0", better, by="bob", now=NOW)
    assert not other.is_new
    assert other.payload["replay_id"] == first.payload["replay_id"]
    assert lake.rows(Events) == before


def test_the_same_answers_have_no_effect_and_pass(lake):
    found = again(lake, lambda given, seed: {"gates_total": 10, "gates_passed": given.payload["gates_passed"]})
    assert (found["verdict"], found["effect"], found["effect_ci_low"], found["effect_ci_high"]) == ("passed", 0, 0, 0)


def test_a_candidate_that_loses_more_fails_with_its_figure(lake):
    found = again(lake, lambda given, seed: {"gates_total": 10, "gates_passed": given.payload["gates_passed"] - 2})
    assert found["verdict"] == "failed"
    assert found["effect"] == pytest.approx(0.2)
    assert found["shortfalls"] == ["the effect may be as large as +0.2000; it must lie below +0.0200"]


def test_answers_that_differ_under_one_seed_fail_and_are_named(lake):
    ticks = count()

    def moody(given, seed):
        extra = {"output_tokens": next(ticks)} if given.run_id in {"r00003", "r00007"} else {}
        return {"gates_total": 10, "gates_passed": 10, **extra}

    found = again(lake, moody)
    assert (found["verdict"], found["differing_answers"]) == ("failed", 2)
    assert found["shortfalls"] == ["2 runs answered differently with the same seed: r00003, r00007"]
    assert found["effect"] < 0, "the figures stand beside the reason"


def test_runs_that_raise_fail_and_are_named(lake):
    def fragile(given, seed):
        if given.input["task"] == 4:
            raise RuntimeError("no such tool")
        return better(given, seed)

    found = again(lake, fragile)
    assert found["verdict"] == "failed"
    assert found["shortfalls"] == ["1 run raised: 1 by RuntimeError: no such tool (r00004)"]


def test_an_error_of_many_runs_is_told_once_with_their_number(lake):
    def broken(given, seed):
        if given.input["task"] % 10 == 4:
            raise KeyError(given.input["task"])
        if given.input["task"] == 7:
            raise SystemExit("the tool\nleft")
        raise RuntimeError("no such tool")

    found = again(lake, broken)
    assert found["verdict"] == "failed"
    assert found["shortfalls"][0] == (
        "30 runs raised: 26 by RuntimeError: no such tool (r00000, r00001, r00002, r00003, r00005 and 21 more); "
        "1 by KeyError: 4 (r00004); 1 by SystemExit: the tool left (r00007); 1 by KeyError: 14 (r00014); "
        "1 by KeyError: 24 (r00024)"
    )


def test_it_is_given_what_was_recorded_and_each_seed_twice(lake):
    seen: list[tuple[RecordedInput, int]] = []

    def witness(given, seed):
        seen.append((given, seed))
        return better(given, seed)

    again(lake, witness)
    assert [seed for given, seed in seen if given.run_id == "r00000"] == [1, 1, 2, 2]
    given = seen[0][0]
    assert given.input == {"task": 0}
    assert given.payload == recorded(0)["payload"]
    assert len(seen) == 120


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("done", "Run r00000: the callable answered a str"),
        ({"gates_passed": -1}, "Run r00000.*gates_passed"),
        ({"gates_pased": 1}, "Run r00000.*gates_pased"),
        ({"grounding_rate": float("nan")}, "Run r00000.*grounding_rate"),
    ],
)
def test_an_answer_that_breaks_the_catalogue_is_told(lake, answer, words):
    with pytest.raises(EventError, match=words):
        again(lake, lambda given, seed: answer)


def test_only_terms_that_both_tell_are_compared(tmp_path):
    events = [
        recorded(number, cost_usd=0.2, budget_usd=0.1, **({"grounding_rate": 0.0} if number % 2 else {}))
        for number in range(30)
    ]
    lake = lake_of(tmp_path, events, seeds=[1])
    policy(lake)
    golden.freeze(lake, "core", doer="router", by="ann", now=NOW)

    def call(given, seed):
        # latency was not logged; what was grounded is not told; the budget is the logged one
        return {"gates_total": 10, "gates_passed": given.payload["gates_passed"], "cost_usd": 0.1, "latency_seconds": 9,
                "latency_budget_seconds": 1}  # fmt: skip

    found = again(lake, call)
    # cost went from twice the budget (term 1) to the budget (term 0); it weighs .1 beside .25 of the gates
    assert found["effect"] == pytest.approx(-0.10 / 0.35)
    assert (found["effect_ci_low"], found["effect_ci_high"]) == pytest.approx((found["effect"],) * 2)


def test_too_few_runs_are_refused_without_a_figure(tmp_path):
    lake = lake_of(tmp_path, [recorded(number) for number in range(10)], seeds=[1])
    policy(lake)
    with pytest.raises(UsageError, match=r"has no golden set.*golden freeze NAME --doer router"):
        again(lake, better)
    golden.freeze(lake, "core", doer="router", by="ann", now=NOW)
    found = again(lake, better)
    assert (found["verdict"], found["shortfalls"]) == (
        "refused",
        ["10 runs could be compared, at least 20 are needed"],
    )
    assert {"effect", "estimated_loss", "logged_loss", "estimator"}.isdisjoint(found)


def test_a_set_that_changed_is_not_run(tmp_path):
    lake = lake_of(tmp_path, [recorded(number) for number in range(30)], seeds=[1])
    policy(lake)
    golden.freeze(lake, "core", doer="router", by="ann", now=NOW)
    land(lake, [recorded(3, api_breakages=1) | {"id": "corrected"}])
    found = again(lake, lambda given, seed: pytest.fail("it was run"))
    assert (found["verdict"], found["shortfalls"]) == (
        "refused",
        ["golden set core@1: 1 run changed since: r00003"],
    )
    golden.freeze(lake, "core", doer="router", by="ann", now=NOW)
    assert again(lake, better)["golden_set_version"] == 2


def test_runs_whose_answers_tell_nothing_in_common_are_not_compared(lake):
    found = again(lake, lambda given, seed: {"latency_seconds": 1.0})
    assert (found["verdict"], "effect" in found) == ("refused", False)
    assert found["shortfalls"][0].startswith("0 runs could be compared")


def test_the_gold_table_holds_it(lake):
    from kaizenlake.decide.record.state import read
    from kaizenlake.jobs.policies.offline_replays import offline_replays

    done = again(lake, better)
    log = read(lake.scan(Events)).replay_log
    rows = tables.check(tables.OfflineReplays, offline_replays(log.lazy(), as_of=NOW.replace(year=2100)).collect())
    row = rows.filter(pl.col("replay_id") == done["replay_id"]).row(0, named=True)
    assert (row["estimator"], row["is_verdict"], row["effect"]) == (
        "paired",
        True,
        pytest.approx(done["effect"], rel=1e-15),
    )
    assert row["effective_units"] is None
