"""Policies, the audit of decisions on them, experiments, and what came of each."""

from datetime import timedelta

import pytest
from scipy.stats import binomtest

from jobs.drawn import day, events, frame
from kaizenlake import tables
from kaizenlake.jobs.policies.doer_experiments import experiments
from kaizenlake.jobs.policies.experiment_success import experiment_success
from kaizenlake.jobs.policies.policies import policies
from kaizenlake.jobs.policies.policy_performance import policy_performance
from kaizenlake.jobs.policies.policy_promotions import policy_promotions
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.tables import (
    CanaryLooks,
    ExperimentLog,
    Experiments,
    ExperimentSuccess,
    LearningProgress,
    Policies,
    PolicyLog,
    PolicyPerformance,
    PolicyPromotions,
)

LATER = day(365)


def log(text, **more):
    """Decisions on the policy p, one a line: day, event without POLICY_, version, then `column=value` words."""
    lines = []
    for line in filter(None, map(str.strip, text.splitlines())):
        when, kind, version, *words = line.split()
        lines.append(f"{when} POLICY_{kind} policy_version={version} {' '.join(words)}")
    given = {
        "policy_id": "p", "doer": "coder", "decided_by": "ann", "content_sha256": "hash", "document": "{}",
        "signature": "s", "key_id": "k", "root_sha256": "root", "ancestors_count": 0, "is_override": False,
        "gates": '{"gates":[]}',
    } | more  # fmt: skip
    return events(PolicyLog, "\n".join(lines), **given)


def standing(text, as_of=LATER, **more):
    made = tables.check(Policies, policies(log(text, **more), as_of=as_of).collect())
    return {row["policy_version"]: row for row in made.iter_rows(named=True)}


STORY = """
    0 CREATED     1.0.0
    1 PROMOTED    1.0.0 from_status=draft  to_status=active decided_by=bob
    2 CREATED     1.1.0 parent_version=1.0.0 experiment_id=x
    3 PROMOTED    1.1.0 from_status=draft  to_status=shadow
    4 REFUSED     1.1.0 from_status=shadow to_status=canary
    5 PROMOTED    1.1.0 from_status=shadow to_status=canary
    6 APPROVED    1.1.0 decided_by=eve
    7 PROMOTED    1.1.0 from_status=canary to_status=active archived_version=1.0.0
    9 ROLLED_BACK 1.1.0 from_status=active restored_version=1.0.0 decided_by=night
"""


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (0, {}),
        (1, {"1.0.0": "draft"}),
        (2, {"1.0.0": "active"}),
        (3, {"1.0.0": "active", "1.1.0": "draft"}),
        (5, {"1.0.0": "active", "1.1.0": "shadow"}),
        (6, {"1.0.0": "active", "1.1.0": "canary"}),
        (8, {"1.0.0": "archived", "1.1.0": "active"}),
        (10, {"1.0.0": "active", "1.1.0": "archived"}),
    ],
)
def test_a_version_stands_where_the_last_decision_put_it(until, expected):
    found = standing(STORY, as_of=day(until))
    assert {version: row["status"] for version, row in found.items()} == expected


def test_a_version_tells_since_when_by_whom_and_where_it_comes_from():
    found = standing(STORY)
    assert {name: found["1.0.0"][name] for name in ("created_at", "created_by", "status_since", "decided_by")} == {
        "created_at": day(0), "created_by": "ann", "status_since": day(9), "decided_by": "night",
    }  # fmt: skip
    row = found["1.1.0"]
    assert (row["approved_at"], row["approved_by"], row["parent_version"], row["experiment_id"]) == (
        day(6), "eve", "1.0.0", "x",
    )  # fmt: skip
    assert found["1.0.0"]["approved_by"] is None


def test_an_override_counts_while_the_status_rests_on_it():
    rows = """
        0 CREATED  1.0.0
        1 PROMOTED 1.0.0 from_status=draft to_status=active
        2 CREATED  1.1.0
        3 PROMOTED 1.1.0 from_status=draft to_status=active archived_version=1.0.0
        4 ROLLED_BACK 1.1.0 from_status=active restored_version=1.0.0
    """
    for until, expected in ((2, {True}), (4, {True, False}), (5, {True, False})):
        found = standing(rows, as_of=day(until), is_override=True)
        assert {row["is_override"] for row in found.values()} == expected
        assert not any(row["is_override"] for row in found.values() if row["status"] in {"draft", "archived"})


def test_what_was_never_created_and_an_approval_of_another_content_count_for_nothing():
    found = standing("0 PROMOTED 1.0.0 from_status=draft to_status=active\n1 CREATED 1.1.0\n2 APPROVED 1.1.0")
    assert list(found) == ["1.1.0"]
    other = log("0 CREATED 1.0.0").collect().vstack(log("1 APPROVED 1.0.0", content_sha256="other").collect())
    assert policies(other.lazy(), as_of=LATER).collect()["approved_at"].to_list() == [None]


def test_a_second_creation_takes_nothing_back():
    found = standing(
        "0 CREATED 1.0.0\n1 PROMOTED 1.0.0 from_status=draft to_status=active\n2 CREATED 1.0.0 decided_by=eve"
    )
    assert (found["1.0.0"]["status"], found["1.0.0"]["created_by"]) == ("active", "ann")


def test_of_decisions_at_one_instant_the_greater_id_counts():
    rows = """
        0 CREATED  1.0.0
        0 PROMOTED 1.0.0 from_status=draft to_status=shadow
        0 ROLLED_BACK 1.0.0 from_status=shadow
    """
    assert standing(rows)["1.0.0"]["status"] == "archived"


def test_the_audit_lists_every_decision_in_order():
    made = tables.check(PolicyPromotions, policy_promotions(log(STORY), as_of=day(9.5)).collect())
    assert made.select("action", "from_status", "to_status", "is_automatic").rows() == [
        ("created", None, "draft", False),
        ("promoted", "draft", "active", False),
        ("created", None, "draft", False),
        ("promoted", "draft", "shadow", False),
        ("refused", "shadow", "canary", False),
        ("promoted", "shadow", "canary", False),
        ("approved", None, None, False),
        ("promoted", "canary", "active", False),
        ("rolled_back", "active", "archived", True),
    ]
    assert made["occurred_at"].is_sorted()


def tried(text, created=()):
    """Experiments, one event a line as `events` takes them, and the versions that stand somewhere."""
    known = frame(Policies, [{"doer": "coder", "created_at": day(1)} | row for row in created])
    made = experiments(events(ExperimentLog, text, doer="coder"), known, as_of=LATER).collect()
    return tables.check(Experiments, made)


def test_an_experiment_is_put_together_from_its_start_and_its_end():
    made = tried(
        """
        0 EXPERIMENT_STARTED   experiment_id=a experiment_type=tool_tuning config={"k":1} hypothesis=better
        3 EXPERIMENT_COMPLETED experiment_id=a experiment_type=tool_tuning policy_id=p policy_version=1.1.0
        1 EXPERIMENT_STARTED   experiment_id=b experiment_type=prompt_synthesis
        2 EXPERIMENT_FAILED    experiment_id=b experiment_type=prompt_synthesis reason=budget
        5 EXPERIMENT_STARTED   experiment_id=c experiment_type=rag_optimization
        6 EXPERIMENT_COMPLETED experiment_id=d experiment_type=tool_tuning config={"k":2}
        """,
        [
            {"policy_id": "p", "policy_version": "1.1.0", "status": "active", "experiment_id": None},
            {"policy_id": "p", "policy_version": "1.2.0", "status": "canary", "experiment_id": "d"},
        ],
    )
    assert made.select("experiment_id", "status", "config", "policy_version", "policy_status", "reason").rows() == [
        ("a", "completed", '{"k":1}', "1.1.0", "active", None),
        ("b", "failed", None, None, None, "budget"),
        ("c", "running", None, None, None, None),
        ("d", "completed", '{"k":2}', "1.2.0", "canary", None),
    ]
    assert made["duration_seconds"].to_list() == [3 * 86_400.0, 86_400.0, None, None]
    assert made["started_at"].to_list() == [day(0), day(1), day(5), None]


def success(rows, reached=(), confidence=0.95):
    full = [{"experiment_id": f"x{number}", "doer": "coder", "experiment_type": "tool_tuning"} | row for number, row in enumerate(rows)]  # fmt: skip
    promotions = [
        {
            "policy_id": "p",
            "policy_version": version,
            "action": "promoted",
            "to_status": "active",
            "occurred_at": day(1),
        }
        for version in reached
    ]
    made = experiment_success(
        frame(Experiments, full), frame(PolicyPromotions, promotions), as_of=LATER, evidence=EvidenceNeeds(confidence=confidence)
    )  # fmt: skip
    return tables.check(ExperimentSuccess, made.collect())


def test_experiments_are_counted_by_doer_and_for_all():
    version = {"policy_id": "p"}
    made = success(
        [
            {"status": "completed", "policy_version": "1", "policy_status": "archived", "loss_delta": -0.1, "cost_usd": 3.0} | version,
            {"status": "completed", "policy_version": "2", "policy_status": "archived", "loss_delta": 0.1, "cost_usd": 1.5} | version,
            {"status": "completed", "policy_version": "3", "policy_status": "canary", "loss_delta": -0.3} | version,
            {"status": "completed"},
            {"status": "failed", "cost_usd": 0.5},
            {"status": "running"},
            {"status": "failed", "doer": "planner"},
        ],
        reached=["1", "3"],
    )  # fmt: skip
    assert made.select(
        "doer", "experiments", "completed", "failed", "policies", "promoted", "decided", "success_rate", "cost_usd",
        "cost_per_success_usd",
    ).rows() == [
        ("*", 7, 4, 2, 3, 2, 6, pytest.approx(2 / 6), 5.0, 2.5),
        ("coder", 6, 4, 1, 3, 2, 5, 0.4, 5.0, 2.5),
        ("planner", 1, 0, 1, 0, 0, 1, 0.0, None, None),
    ]  # fmt: skip
    assert made["mean_delta"].to_list() == [pytest.approx(-0.1), pytest.approx(-0.1), None]
    expected = binomtest(2, 5).proportion_ci(method="wilson")
    assert made.row(1, named=True)["ci_low"] == pytest.approx(expected.low, rel=1e-9)
    assert made.row(1, named=True)["ci_high"] == pytest.approx(expected.high, rel=1e-9)


def test_a_doer_of_the_name_of_all_of_them_is_counted_once():
    made = success([{"status": "failed", "doer": "*"}, {"status": "failed"}])
    assert made.select("doer", "experiments").rows() == [("*", 2), ("coder", 1)]


def test_of_what_is_not_decided_no_share_is_told():
    row = success([{"status": "running"}]).row(1, named=True)
    figures = ("success_rate", "ci_low", "ci_high", "mean_delta", "mean_stability", "cost_usd", "mean_duration_seconds")
    assert (row["decided"], [row[name] for name in figures]) == (0, [None] * len(figures))


SEEN = {
    "policy_id": "p", "doer": "coder", "control_version": "1.0.0", "runs": 50, "runs_control": 400, "units": 20,
    "units_control": 200, "mean_loss": 0.2, "mean_loss_control": 0.3, "effect": -0.1, "sequential_ci_low": -0.2,
    "sequential_ci_high": 0.0, "lift": -1 / 3, "p_always_valid": 0.04, "verdict": "continue",
}  # fmt: skip


def performance(looks=(), days=(), versions=("1.0.0", "1.1.0")):
    stand = [{"policy_id": "p", "policy_version": version, "doer": "coder", "status": "canary"} for version in versions]
    seen = [
        SEEN | {"policy_version": "1.1.0", "deployment_mode": "canary", "looked_on": day(look["look"]).date()} | look
        for look in looks
    ]
    observed = [{"doer": "coder", "policy_id": "p", "policy_version": "1.1.0", "n_so_far": 9, "mean_so_far": 0.25} | row for row in days]  # fmt: skip
    made = policy_performance(
        frame(Policies, stand), frame(CanaryLooks, seen), frame(LearningProgress, observed), as_of=LATER
    ).collect()
    return tables.check(PolicyPerformance, made).rows(named=True)


def test_the_latest_look_at_a_canary_goes_before_a_shadow_and_before_observation():
    looks = [
        {"deployment_id": "c", "look": 1, "verdict": "insufficient"},
        {"deployment_id": "c", "look": 2, "verdict": "promote"},
        {"deployment_id": "s", "look": 9, "deployment_mode": "shadow"},
    ]
    days = [{"event_date": (day(20) + timedelta(days=number)).date(), "n_so_far": number} for number in (1, 2)]
    (row,) = performance(looks, days)
    assert row == {
        "tenant_id": None, "policy_id": "p", "policy_version": "1.1.0", "doer": "coder", "status": "canary", "compared_with": "1.0.0",
        "evidence": "canary", "runs": 50, "units": 20, "mean_loss": 0.2, "control_mean_loss": 0.3, "effect": -0.1,
        "ci_low": -0.2, "ci_high": 0.0, "lift": -1 / 3, "p_value": 0.04, "verdict": "promote",
    }  # fmt: skip
    assert [row["evidence"] for row in performance(looks[2:], days)] == ["shadow"]
    (row,) = performance((), days)
    assert (row["evidence"], row["runs"], row["units"], row["verdict"]) == ("observation", 2, None, None)
    assert performance() == []


@pytest.mark.parametrize(("before", "change", "lift"), [(0.5, -0.25, -0.5), (0.0, 0.25, None), (None, None, None)])
def test_a_lift_over_nothing_is_not_known(before, change, lift):
    days = [{"event_date": day(1).date(), "previous_version": "1.0.0", "previous_mean": before, "change": change}]
    (row,) = performance((), days)
    assert (row["control_mean_loss"], row["effect"], row["lift"]) == (before, change, lift)
    other = [days[0] | {"doer": "planner"}]
    assert performance((), other) == [], "runs of another doer say nothing of the policy"
