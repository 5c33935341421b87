"""The learning of agents in the words of applications, on real lakes: what is started, reported and refused."""

from __future__ import annotations

import polars as pl
import pytest
from scipy import stats

import kaizenlake
from kaizenlake import LearningOps
from kaizenlake.errors import EventError, GateError, UsageError
from kaizenlake.lake.store import Lake
from kaizenlake.tables import CanaryUnits
from night import test_canary_nights as scene


@pytest.fixture
def ops(tmp_path):
    return LearningOps(Lake.create(tmp_path / "lake"), by="ann")


def put_in_service(ops, *versions):
    """Versions of the planner as applications spell them; the first is active."""
    for version in versions:
        ops.create_policy("planner", version, prompts={"system": f"Plan by {version}."})
    ops.promote_policy("planner", versions[0], override=True, reason="the first")


def test_a_policy_is_created_promoted_and_read(ops):
    assert ops.get_active_policy("planner") is None
    put_in_service(ops, "v1.0.0", "v2.0.0")
    active = ops.get_active_policy("planner")
    assert (active["policy_version"], active["status"], active["decided_by"]) == ("v1.0.0", "active", "ann")
    assert active["content"]["prompts"] == {"system": "Plan by v1.0.0."}
    assert ops.get_skill_card("planner") is None


def test_one_version_in_two_spellings_is_refused(ops):
    put_in_service(ops, "v1.0.0")
    with pytest.raises(UsageError, match="exists with another content"):
        ops.create_policy("planner", "1.0.0")


def test_deployments_go_through_the_gates(ops):
    put_in_service(ops, "v1.0.0", "v2.0.0")
    with pytest.raises(GateError, match="replay"):
        ops.start_shadow_deployment("planner", "v2.0.0")
    ops.promote_policy("planner", "v2.0.0", "shadow", override=True, reason="no runs to replay yet")
    shadow = ops.start_shadow_deployment("planner", "v2.0.0", horizon_nights=5)
    assert (shadow["deployment_mode"], shadow["candidate_versions"]) == ("shadow", ["v2.0.0"])
    with pytest.raises(GateError):
        ops.start_canary_deployment("planner", "v2.0.0")
    ops.promote_policy("planner", "v2.0.0", "canary", override=True, reason="urgent")
    canary = ops.start_canary_deployment("planner", "v2.0.0", traffic_share=0.2)
    assert (canary["candidate_shares"], canary["control_version"]) == ([0.2], "v1.0.0")
    report = ops.get_canary_report(canary["deployment_id"])
    assert (report["recommendation"], report["reason"]) == ("continue", "No night has looked at it yet.")
    assert (report["delta"], report["p_value"], report["units"], report["look"]) == (None, None, 0, None)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda ops: ops.create_policy("planner", "1.0.0", prompt="x"), "The fields are doer"),
        (lambda ops: ops.start_canary_deployment("planner", "1.0.0", share=2), "share"),
        (lambda ops: ops.start_canary_deployment("planner", "1.0.0"), "There is no policy 'planner'"),
        (lambda ops: ops.get_canary_report("d9"), "There is no deployment 'd9'"),
        (lambda ops: ops.compute_crl_for_run("r9"), "No run 'r9'"),
        (lambda ops: ops.compute_crl_for_run({"gates_passed": -1}), "gates_passed"),
    ],
)
def test_what_cannot_be_asked_is_said_in_words(ops, ask, words):
    with pytest.raises((UsageError, EventError), match=words):
        ask(ops)


@pytest.mark.parametrize(
    ("worse", "recommendation"), [(-0.3, "rollback"), (0.3, "promote")], ids=["a worse candidate", "a better one"]
)
def test_a_report_says_what_the_nights_saw_and_what_one_test_would(tmp_path, worse, recommendation):
    # The scene's `worse` lowers the share of gates that the candidate passes.
    lake = scene.begun(tmp_path / "lake")
    for number in range(2):
        scene.log_day(lake, number, worse=-worse)
        assert scene.night(lake, number).exit_code == 0
    report = LearningOps(lake).get_canary_report("d1")
    assert report["recommendation"] == recommendation
    units = lake.scan(CanaryUnits).collect()
    arms = [
        (rows["loss_micros"] / rows["n"] / 1e6).to_list()
        for version in ("1.1.0", "1.0.0")
        for rows in [units.filter(pl.col("policy_version") == version)]
    ]
    expected = stats.ttest_ind(*arms, equal_var=False)
    interval = expected.confidence_interval()
    assert report["p_value"] == pytest.approx(expected.pvalue, rel=1e-9)
    assert (report["ci_low"], report["ci_high"]) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert report["delta"] == pytest.approx(sum(arms[0]) / len(arms[0]) - sum(arms[1]) / len(arms[1]), abs=1e-12)
    assert (report["delta"] > 0) == (recommendation == "rollback")


def test_the_loss_of_a_run_is_that_of_the_night(ops):
    loss = ops.compute_crl_for_run({"gates_passed": 3, "gates_total": 4, "cost_usd": 3.0, "budget_usd": 2.0})
    assert loss["terms"] == {"gates": 0.25, "cost": 0.5}
    assert sum(loss["weights"].values()) == pytest.approx(1)
    assert loss["loss"] == pytest.approx(sum(loss["contributions"].values()))
    assert ops.compute_crl_for_run({"model": "m"})["loss"] is None


def test_the_loss_of_a_landed_run_is_found_by_its_name(tmp_path):
    lake = scene.begun(tmp_path / "lake")
    scene.log_day(lake, 0, worse=0.1)
    assert scene.night(lake, 0).exit_code == 0
    from kaizenlake.tables import Crl

    row = lake.scan(Crl).sort("run_id").head(1).collect().row(0, named=True)
    loss = LearningOps(lake).compute_crl_for_run(row["run_id"])
    assert (loss["loss"], loss["coverage"]) == (row["loss"], row["coverage"])


def test_the_lake_is_that_of_the_environment_by_default(tmp_path, monkeypatch):
    monkeypatch.setenv("KAIZEN_LAKE", str(tmp_path / "mine"))
    assert LearningOps().lake.root == tmp_path / "mine"
    assert kaizenlake.KaizenService().lake.root == tmp_path / "mine"
    monkeypatch.delenv("KAIZEN_LAKE")
    monkeypatch.chdir(tmp_path)
    assert LearningOps().lake.root == tmp_path / "lake"
