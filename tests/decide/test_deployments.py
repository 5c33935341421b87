"""Starting and stopping shadows and canaries: what is refused, by which gate, and what is written where nothing is."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from kaizenlake import signing
from kaizenlake.decide.canaries import deployments
from kaizenlake.decide.canaries.deployments import DeploymentPlan
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.drafts import PolicyDraft
from kaizenlake.errors import GateError, UsageError, VerificationError
from kaizenlake.events.write.log import event_line
from kaizenlake.lake.landing.landing import land_folder
from kaizenlake.lake.store import Lake
from kaizenlake.parameters import Guardrail
from kaizenlake.tables import Events

NOW = datetime(2026, 3, 2, tzinfo=UTC)
STATUSES = {
    "1.0.0": "active",
    "1.1.0": "canary",
    "1.2.0": "canary",
    "1.3.0": "shadow",
    "1.4.0": "draft",
    "1.5.0": "archived",
}


def create(lake, version, to, **draft):
    policies.create(lake, PolicyDraft(doer="planner", version=version, **draft), by="ann", now=NOW)
    policy = draft.get("policy", "planner")
    if to != "draft":
        said = {"by": "ann", "override": True, "reason": "for the test", "now": NOW}
        policies.promote(lake, policy, version, to=to, **said)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Versions in every status; the tests that start something take a lake of their own."""
    made = Lake.create(tmp_path_factory.mktemp("deployments") / "lake")
    for version, status in STATUSES.items():
        create(made, version, status)
    create(made, "1.0.0", "canary", policy="idle")
    create(made, "1.1.0", "canary", policy="idle")
    create(made, "1.3.0", "archived", policy="idle")
    return made


@pytest.fixture
def small(tmp_path):
    made = Lake.create(tmp_path / "lake")
    create(made, "1.0.0", "active")
    create(made, "1.1.0", "canary")
    return made


def start(lake, *candidates, mode="canary", policy="planner", by="ann", now=NOW, **plan):
    return deployments.start(lake, DeploymentPlan(mode, policy, candidates, **plan), by=by, now=now)


REFUSED = [
    # candidates, plan, error, words
    (("1.1.0",), {"mode": "all"}, UsageError, "no mode of a deployment"),
    ((), {}, UsageError, "needs a candidate"),
    (("1.1.0", "1.1.0"), {}, UsageError, "1.1.0 is named twice"),
    (("1.9.0",), {}, UsageError, "has no version '1.9.0'"),
    (("1.1.0",), {"policy": "nobody"}, UsageError, "There is no policy 'nobody'"),
    (("1.1.0",), {"control": "1.9.0"}, UsageError, "has no version '1.9.0'"),
    (("1.1.0",), {"control": "1.2.0"}, GateError, "1.0.0 is active"),
    (("1.0.0",), {}, UsageError, "is the control, so it cannot be a candidate"),
    (("1.3.0",), {}, GateError, "1.3.0 is shadow; a canary takes candidates that are canary"),
    (("1.4.0",), {}, GateError, "1.4.0 is draft"),
    (("1.5.0",), {}, GateError, "1.5.0 is archived"),
    (("1.1.0",), {"mode": "shadow"}, GateError, "1.1.0 is canary; a shadow takes"),
    (("1.4.0",), {"mode": "shadow"}, GateError, "1.4.0 is draft"),
    (("1.3.0",), {"mode": "shadow", "shares": (0.1,)}, UsageError, "A shadow serves nobody"),
    (("1.1.0",), {"policy": "idle"}, GateError, "No version of idle is active, so there is no control"),
    (("1.1.0",), {"policy": "idle", "control": "1.1.0"}, UsageError, "cannot be a candidate"),
    (("1.1.0",), {"policy": "idle", "control": "1.3.0"}, GateError, "control idle 1.3.0 is archived"),
    (("1.1.0",), {"shares": (0.1, 0.1)}, UsageError, "1 candidate and 2 shares"),
    (("1.1.0",), {"shares": (0.009,)}, UsageError, "between 0.01 and 0.5"),
    (("1.1.0",), {"shares": (0.51,)}, UsageError, "between 0.01 and 0.5"),
    (("1.1.0", "1.2.0"), {"shares": (0.3, 0.3)}, UsageError, "found 0.6"),
    (("1.1.0", "1.2.0"), {"shares": (0.6, -0.3)}, UsageError, "A share lies above 0"),
    (("1.1.0",), {"shares": (float("nan"),)}, UsageError, "A share lies above 0"),
    (("1.1.0",), {"shares": (float("inf"),)}, UsageError, "A share lies above 0"),
    (("1.1.0",), {"horizon_nights": 0}, UsageError, "horizon_nights: expected a number greater"),
    (("1.1.0",), {"horizon_nights": 367}, UsageError, "horizon_nights: expected a number less"),
    (("1.1.0",), {"minimum_units": 1}, UsageError, "minimum_units"),
    (("1.1.0",), {"alpha": 0.5}, UsageError, "alpha"),
    (("1.1.0",), {"method": "peeking"}, UsageError, "method"),
    (("1.1.0",), {"max_loss_increase": -0.1}, UsageError, "max_loss_increase"),
    (("1.1.0",), {"by": "  "}, UsageError, "Say who decides"),
]  # fmt: skip


@pytest.mark.parametrize(("candidates", "plan", "error", "words"), REFUSED)
def test_what_cannot_be_started_is_refused_with_words_and_nothing_is_written(lake, candidates, plan, error, words):
    before = lake.version(Events)
    with pytest.raises(error) as told:
        start(lake, *candidates, **plan)
    assert words in str(told.value)
    assert lake.version(Events) == before


def test_what_is_not_said_is_as_the_settings_say(small):
    (small.path() / "kaizen.toml").write_text(
        "[canaries]\nshare = 0.2\nhorizon_nights = 9\nauto_promote = true\n"
        'guardrails = [{metric = "cost_usd", margin = 0.5}]\n'
    )
    row = start(Lake(small.root), "1.1.0")
    assert (row["deployment_id"], row["salt"], row["control_version"]) == ("planner-canary-1",) * 2 + ("1.0.0",)
    assert (row["candidate_shares"], row["horizon_nights"], row["minimum_units"]) == ([0.2], 9, 100)
    assert (row["guardrail_metrics"], row["guardrail_margins"]) == (["cost_usd"], [0.5])
    assert (row["auto_promote"], row["auto_rollback"], row["status"]) == (True, True, "running")
    assert (row["started_by"], row["started_at"], row["doer"]) == ("ann", NOW, "planner")


def test_what_is_said_goes_before_the_settings(small):
    row = start(
        small,
        "1.1.0",
        shares=(0.5,),
        control="1.0.0",
        deployment_id="spring",
        salt="s",
        unit_name="user",
        horizon_nights=3,
        minimum_units=30,
        alpha=0.1,
        method="always_valid",
        max_loss_increase=0.0,
        guardrails=(Guardrail(metric="latency_seconds", margin=1.0),),
        auto_promote=True,
        auto_rollback=False,
    )
    assert (row["deployment_id"], row["salt"], row["unit_name"]) == ("spring", "s", "user")
    assert (row["horizon_nights"], row["minimum_units"], row["alpha"], row["method"]) == (3, 30, 0.1, "always_valid")
    assert (row["max_loss_increase"], row["guardrail_metrics"]) == (0.0, ["latency_seconds"])
    assert (row["auto_promote"], row["auto_rollback"], row["candidate_shares"]) == (True, False, [0.5])


def test_there_is_one_at_a_time_and_each_has_a_name_of_its_own(small):
    start(small, "1.1.0")
    with pytest.raises(GateError, match="planner-canary-1 of planner runs; there is one at a time"):
        start(small, "1.1.0")
    row, is_new = deployments.stop(small, "planner-canary-1", by="bob", reason="enough", now=NOW + timedelta(hours=1))
    assert (row["result"], row["ended_by"], row["reason"], is_new) == ("stopped", "bob", "enough", True)
    before = small.version(Events)
    row, is_new = deployments.stop(small, "planner-canary-1", by="eve", now=NOW + timedelta(hours=2))
    assert (row["ended_by"], is_new, small.version(Events)) == ("bob", False, before)
    with pytest.raises(GateError, match="There was a deployment planner-canary-1 before"):
        start(small, "1.1.0", deployment_id="planner-canary-1", now=NOW + timedelta(hours=3))
    assert start(small, "1.1.0", now=NOW + timedelta(hours=3))["deployment_id"] == "planner-canary-2"
    with pytest.raises(UsageError, match=r"no deployment 'planner-canary-9'"):
        deployments.stop(small, "planner-canary-9", by="ann")


def test_of_two_that_start_at_once_one_runs_and_the_other_is_told(small):
    told, gate = [], threading.Barrier(2)

    def one():
        gate.wait()
        try:
            told.append(start(small, "1.1.0")["deployment_id"])
        except GateError as error:
            told.append(str(error))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted("one at a time" in words for words in told) == [False, True]
    assert policies.state(small).deployments.height == 1


def test_a_version_that_does_not_verify_is_not_started(small, tmp_path):
    signing.signing_key(tmp_path)
    small.path("keys", signing.KEY_NAME).write_bytes((tmp_path / signing.KEY_NAME).read_bytes())
    with pytest.raises(VerificationError, match="name the key"):
        start(small, "1.1.0")


def test_guardrails_that_no_run_of_the_control_told_are_named(small):
    def run(number, **told):
        return event_line(
            "RUN_COMPLETED",
            {"run_id": f"r{number}", "doer": "planner", "policy_id": "planner", "policy_version": "1.0.0"} | told,
            event_id=f"run-{number}",
            occurred_at=NOW - timedelta(days=number),
        )

    row = start(small, "1.1.0")
    assert row["settings_guardrails"] == row["guardrail_metrics"] == ["security_criticals"]
    assert deployments.list_silent_guardrails(small, row) == ["security_criticals"]
    small.path("landing", "runs.ndjson").write_bytes(
        b"".join(
            item.text
            for item in (run(1, cost_usd=0.1), run(2, gates_total=1, gates_passed=1), run(31, security_criticals=0))
        )
    )
    land_folder(small)
    assert deployments.list_silent_guardrails(small, row) == ["security_criticals"], (
        "what was told 31 days ago is no longer"
    )
    deployments.stop(small, row["deployment_id"], by="ann", now=NOW)
    named = tuple(
        Guardrail(metric=metric, margin=0.1) for metric in ("cost_usd", "failed_gates_rate", "contradictions")
    )
    row = start(small, "1.1.0", guardrails=named)
    assert row["settings_guardrails"] == []
    assert deployments.list_silent_guardrails(small, row) == ["contradictions"]
