"""Canaries from their start to what the nights make of them: units routed, runs logged, nights run day by day."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jobs.feeding import feeding
from kaizenlake import signing, tables
from kaizenlake.context import Router, arm_of
from kaizenlake.decide.canaries import deployments, nights
from kaizenlake.decide.canaries.deployments import DeploymentPlan
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.drafts import PolicyDraft
from kaizenlake.lake.store import Lake
from kaizenlake.night.deciding import publish_as_decided
from kaizenlake.night.run import nightly, plan
from kaizenlake.night.verify import checks
from kaizenlake.tables import CanaryLooks, Deployments, Events, Policies, PolicyPromotions

START = datetime(2026, 3, 2, tzinfo=UTC)
UNITS = 160


SOME = feeding(CanaryLooks, Policies, Deployments, PolicyPromotions)


def create(lake, version, **draft):
    return policies.create(lake, PolicyDraft(doer="planner", version=version, **draft), by="ann", now=START)


def promote(lake, version, to):
    for status in ("shadow", "canary", "active"):
        policies.promote(
            lake, "planner", version, to=status, by="ann", override=True, reason="the first of its kind", now=START
        )
        if status == to:
            return


def begun(root, candidate="1.1.0", mode="canary", **plan):
    """A lake with 1.0.0 active and a candidate beside it, the file of the doer published."""
    lake = Lake.create(root)
    for version in ("1.0.0", candidate):
        create(lake, version, prompts={"system": f"plan by {version}"})
    promote(lake, "1.0.0", "active")
    promote(lake, candidate, mode)
    said = {"shares": (0.5,), "minimum_units": 30, "horizon_nights": 2} | plan
    deployments.start(
        lake, DeploymentPlan(mode, "planner", (candidate,), deployment_id="d1", **said), by="ann", now=START
    )
    publish_as_decided(lake)
    return lake


def log_day(lake, number, worse, units=UNITS, criticals=0):
    """A day of runs: each unit is routed, and its run logged with what the router said; `worse` is the effect of 1.1.0."""
    router, rng = Router(lake.path("published")), np.random.default_rng(number)
    lines = []
    for unit in range(units):
        found = router.route("planner", f"user_{number}_{unit}")
        assert found.is_fresh, found
        rate = 0.5 - (worse if found.policy_version == "1.1.0" else 0.0)
        payload = {
            "run_id": f"r{number}_{unit}",
            "doer": "planner",
            "policy_id": found.policy_id,
            "policy_version": found.policy_version,
            "deployment_id": found.deployment_id,
            "unit_id": f"user_{number}_{unit}",
            "gates_total": 20,
            "gates_passed": int(rng.binomial(20, rate)),
            "security_criticals": criticals,
        }
        at = START + timedelta(days=number, hours=9, seconds=unit)
        event = {
            "id": f"run-{number}-{unit}",
            "type": "RUN_COMPLETED",
            "occurred_at": at.isoformat(),
            "payload": {name: value for name, value in payload.items() if value is not None},
        }
        lines.append(json.dumps(event))
    lake.path("landing", f"day{number}.ndjson").write_text("\n".join(lines) + "\n")


def night(lake, number, **options):
    """The night after a day."""
    return nightly(lake, as_of=START + timedelta(days=number + 1), jobs=SOME, **options)


def served(lake):
    """Versions that serve, by the router."""
    router = Router(lake.path("published"))
    return {router.route("planner", f"anybody_{unit}").policy_version for unit in range(60)}


def status(lake):
    rows = lake.scan(Policies).select("policy_version", "status").collect().iter_rows()
    return dict(rows)


def decisions(lake):
    types = ["POLICY_PROMOTED", "POLICY_ROLLED_BACK", "POLICY_REFUSED", "DEPLOYMENT_ENDED"]
    return sorted(lake.scan(Events).filter(pl.col("event_type").is_in(types)).collect()["event_id"])


def files(lake):
    found = {}
    for path in sorted(lake.path("published").rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            found[str(path.relative_to(lake.path()))] = path.read_bytes()
    return found


@pytest.fixture(scope="module")
def rolled_back(tmp_path_factory):
    """A truly worse candidate, and the night that decided."""
    lake = begun(tmp_path_factory.mktemp("worse") / "lake")
    assert served(lake) == {"1.0.0", "1.1.0"}
    log_day(lake, 1, worse=0.3)
    done = night(lake, 1)
    assert done.exit_code == 0, done.errors
    return lake, 1, done


def test_a_worse_candidate_is_rolled_back_by_the_night_and_serves_nobody_from_then_on(rolled_back):
    lake, _, done = rolled_back
    step = done.step("decide")
    assert "planner 1.1.0 was rolled back: night" in step.why[0]
    assert status(lake) == {"1.0.0": "active", "1.1.0": "archived"}
    assert served(lake) == {"1.0.0"}
    assert Router(lake.path("published")).route("planner", "user_1").deployment_id is None


def test_the_tables_of_that_very_night_tell_of_the_roll_back(rolled_back):
    lake, number, done = rolled_back
    (row,) = lake.scan(Deployments).collect().iter_rows(named=True)
    assert (row["status"], row["result"], row["ended_by"]) == ("ended", "rolled_back", "night")
    assert row["ended_at"] == START + timedelta(days=number + 1) - timedelta(microseconds=1)
    last = lake.scan(PolicyPromotions).sort("occurred_at", "event_id").collect().row(-1, named=True)
    assert (last["action"], last["is_automatic"], last["deployment_id"]) == ("rolled_back", True, "d1")
    look = lake.scan(CanaryLooks).sort("look").collect().row(-1, named=True)
    assert (look["verdict"], last["looks_count"]) == ("rollback", look["look"])
    assert look["reason"] in json.loads(last["gates"])["gates"][0]["found"]
    assert last["reason"] == look["reason"][:500]
    names = [step.name for step in done.steps]
    assert names.index("canary_looks") < names.index("decide") < names.index("serve") < names.index("publish")
    assert "deployments" in names[names.index("decide") :]


def test_the_same_night_once_more_does_nothing(rolled_back):
    lake, number, _ = rolled_back
    before = decisions(lake), files(lake), {table: lake.version(table) for table in tables.TABLES}
    again = night(lake, number)
    assert not again.changed, [(step.name, step.why) for step in again.steps if step.status != "nothing to do"]
    assert (decisions(lake), files(lake), {table: lake.version(table) for table in tables.TABLES}) == before


def test_an_older_night_decides_nothing_and_serves_nothing_that_was_rolled_back(rolled_back):
    lake, number, _ = rolled_back
    before = decisions(lake)
    done = night(lake, number - 1)
    assert done.exit_code == 0
    assert decisions(lake) == before
    assert served(lake) == {"1.0.0"}
    night(lake, number)
    assert status(lake)["1.1.0"] == "archived"


def test_everything_verifies_after_it(rolled_back):
    lake, _, _ = rolled_back
    found = list(checks(lake))
    assert [check.error for check in found if check.error is not None] == []
    assert any(check.name.startswith("policies of agents") for check in found)


def test_a_better_candidate_waits_for_a_person_and_then_serves_alone(tmp_path):
    lake = begun(tmp_path / "lake")
    log_day(lake, 0, worse=-0.3)
    done = night(lake, 0)
    assert plan(lake, as_of=START + timedelta(days=2), jobs=SOME).running == ("d1",)
    assert lake.scan(CanaryLooks).collect()["verdict"].to_list() == ["promote"]
    assert done.step("decide").status == "nothing to do"
    assert "says promote 1.1.0 to active; `kaizen policy promote" in done.step("decide").why[0]
    assert status(lake) == {"1.0.0": "active", "1.1.0": "canary"}
    assert served(lake) == {"1.0.0", "1.1.0"}
    now = START + timedelta(days=1, hours=8)
    policies.approve(lake, "planner", "1.1.0", by="bob", now=now)
    policies.promote(lake, "planner", "1.1.0", to="active", by="bob", now=now)
    done = night(lake, 1)
    assert done.step("decide").why == ("no shadow or canary runs",)
    assert status(lake) == {"1.0.0": "archived", "1.1.0": "active"}
    assert served(lake) == {"1.1.0"}


def test_a_night_that_may_promote_does_so_where_every_gate_lets_it(tmp_path):
    lake = begun(tmp_path / "lake", auto_promote=True)
    log_day(lake, 0, worse=-0.3)
    before = decisions(lake)
    done = night(lake, 0)
    assert done.step("decide").status == "nothing to do"
    assert "Gate approval: nobody has approved it" in done.step("decide").why[0]
    assert decisions(lake) == before, "a gate that waits for a person is no refusal to keep"
    policies.approve(lake, "planner", "1.1.0", by="bob", now=START + timedelta(days=1, hours=8))
    log_day(lake, 1, worse=-0.3)
    done = night(lake, 1)
    assert "planner 1.1.0 was promoted to active" in done.step("decide").why[0]
    assert status(lake) == {"1.0.0": "archived", "1.1.0": "active"}
    assert served(lake) == {"1.1.0"}
    (row,) = lake.scan(Deployments).collect().iter_rows(named=True)
    assert (row["result"], row["ended_by"]) == ("promoted", "night")


def test_a_guardrail_of_the_settings_that_no_run_tells_keeps_no_canary_from_promoting(tmp_path):
    """100 units of the candidate against 900, an effect of -.05, approved, and no run that tells of security findings."""
    lake = begun(tmp_path / "lake", auto_promote=True, shares=(0.1,), minimum_units=80)
    log_day(lake, 0, worse=-0.05, units=1_000, criticals=None)
    policies.approve(lake, "planner", "1.1.0", by="bob", now=START + timedelta(hours=20))
    done = night(lake, 0)
    assert "planner 1.1.0 was promoted to active" in done.step("decide").why[0]
    assert status(lake) == {"1.0.0": "archived", "1.1.0": "active"}
    (look,) = lake.scan(CanaryLooks).collect().iter_rows(named=True)
    assert 80 <= look["units"] <= 120
    assert look["guardrails_left_out"] == ["security_criticals"]
    assert -0.08 < look["effect"] < -0.03
    assert look["p_value"] < 0.05
    last = lake.scan(PolicyPromotions).sort("occurred_at", "event_id").collect().row(-1, named=True)
    assert "Left out: the guardrail of security_criticals" in last["gates"]
    (row,) = lake.scan(Deployments).collect().iter_rows(named=True)
    assert row["settings_guardrails"] == ["security_criticals"]


def test_of_several_candidates_a_worse_one_takes_the_canary_with_it_and_the_others_may_start_anew(tmp_path):
    lake = begun(tmp_path / "lake", shares=(0.25,), horizon_nights=5)
    deployments.stop(lake, "d1", by="ann", now=START)
    create(lake, "1.2.0")
    promote(lake, "1.2.0", "canary")
    both = DeploymentPlan("canary", "planner", ("1.1.0", "1.2.0"), shares=(0.25, 0.25), minimum_units=30)
    deployments.start(lake, both, by="ann", now=START)
    publish_as_decided(lake)
    assert served(lake) == {"1.0.0", "1.1.0", "1.2.0"}
    log_day(lake, 0, worse=0.35)
    done = night(lake, 0)
    assert "planner 1.1.0 was rolled back" in done.step("decide").why[0]
    assert status(lake) == {"1.0.0": "active", "1.1.0": "archived", "1.2.0": "canary"}
    assert served(lake) == {"1.0.0"}
    alone = DeploymentPlan("canary", "planner", ("1.2.0",), shares=(0.5,))
    row = deployments.start(lake, alone, by="ann", now=START + timedelta(days=1, hours=1))
    assert row["deployment_id"] == "planner-canary-2"


def test_a_roll_back_that_nobody_allowed_waits_for_a_person(tmp_path):
    lake = begun(tmp_path / "lake", auto_rollback=False)
    log_day(lake, 0, worse=0.3)
    done = night(lake, 0)
    assert done.step("decide").status == "nothing to do"
    assert "says rollback of 1.1.0" in done.step("decide").why[0]
    assert served(lake) == {"1.0.0", "1.1.0"}


def test_a_night_that_was_killed_after_it_decided_decides_once(tmp_path):
    lake = begun(tmp_path / "lake")
    log_day(lake, 0, worse=0.3)
    code = (
        "import os, signal, sys\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from kaizenlake.decide.policies import policies\n"
        "from kaizenlake.lake.store import Lake\n"
        "from night import test_canary_nights as scene\n"
        "whole = policies.roll_back\n"
        "def roll_back(*given, **said):\n"
        "    whole(*given, **said)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "policies.roll_back = roll_back\n"
        "scene.night(Lake(sys.argv[1]), 0)\n"
    )
    tests = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code, lake.root, tests], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    decided = decisions(lake)
    assert served(lake) == {"1.0.0", "1.1.0"}, "the night that was killed had not published yet"
    repeated = night(lake, 0)
    assert repeated.exit_code == 0
    assert decisions(lake) == decided
    assert status(lake)["1.1.0"] == "archived"
    assert served(lake) == {"1.0.0"}


def test_a_shadow_serves_the_control_alone_and_decides_by_what_ran_beside_it(tmp_path):
    lake = begun(tmp_path / "lake", mode="shadow", shares=None)
    router = Router(lake.path("published"))
    found = router.route("planner", "user_1")
    assert (found.policy_version, found.deployment_id) == ("1.0.0", "d1")
    assert [shadow.policy_version for shadow in found.shadows] == ["1.1.0"]
    rng, lines = np.random.default_rng(3), []
    for unit in range(60):
        for version, rate in (("1.0.0", 0.5), *((shadow.policy_version, 0.2) for shadow in found.shadows)):
            payload = {
                "run_id": f"{version}-{unit}",
                "doer": "planner",
                "policy_id": "planner",
                "policy_version": version,
                "deployment_id": found.deployment_id,
                "unit_id": f"user_{unit}",
                "gates_total": 20,
                "gates_passed": int(rng.binomial(20, rate)),
            }
            at = (START + timedelta(hours=9, seconds=unit)).isoformat()
            line = {"id": f"{version}-{unit}", "type": "RUN_COMPLETED", "occurred_at": at, "payload": payload}
            lines.append(json.dumps(line))
    lake.path("landing", "shadow.ndjson").write_text("\n".join(lines) + "\n")
    done = night(lake, 0)
    assert "planner 1.1.0 was rolled back" in done.step("decide").why[0]
    assert router.route("planner", "user_1").shadows == ()


def test_the_router_and_the_looks_agree_on_every_unit(tmp_path):
    lake = begun(tmp_path / "lake", shares=(0.3,))
    log_day(lake, 0, worse=0.0)
    night(lake, 0)
    look = lake.scan(CanaryLooks).collect().row(-1, named=True)
    expected = sum(arm_of("d1", f"user_0_{unit}", (0.3,)) for unit in range(UNITS))
    assert (look["units"], look["units_control"]) == (expected, UNITS - expected)
    assert (look["units_mixed"], look["units_misrouted"]) == (0, 0)


def test_where_no_deployment_runs_the_night_says_so(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    done = night(lake, 0)
    assert done.step("decide").why == ("no shadow or canary runs",)
    assert done.step("serve").why == ("there is no policy",)
    assert nights.night(lake, as_of=START, now=START) == nights.Night()


def test_a_night_with_the_key_of_another_lake_fails_and_publishes_nothing(tmp_path):
    lake = begun(tmp_path / "lake")
    other = Lake.create(tmp_path / "other")
    signing.signing_key(other.path("keys"))
    key = lake.path("keys", signing.KEY_NAME)
    key.write_bytes(other.path("keys", signing.KEY_NAME).read_bytes())
    done = night(lake, 0)
    assert done.exit_code == 1
    assert any("name the key" in error.message for error in done.errors)
    assert served(lake) == {"1.0.0", "1.1.0"}, "what was published stays"
