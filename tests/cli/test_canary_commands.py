"""`kaizen canary`: started, looked at and stopped from the command line, and what routers know of it meanwhile."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from cli.running import kaizen
from kaizenlake.cli.app import app
from kaizenlake.context import Router
from kaizenlake.decide.canaries import deployments
from kaizenlake.decide.canaries.deployments import DeploymentPlan
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.drafts import PolicyDraft
from kaizenlake.lake.store import Lake
from night import test_canary_nights as scene


@pytest.fixture(scope="module")
def decided(tmp_path_factory):
    """A canary that the night rolled back, in a folder of its own."""
    folder = tmp_path_factory.mktemp("commands")
    lake = scene.begun(folder / "lake", horizon_nights=2)
    scene.log_day(lake, 0, worse=0.3)
    assert scene.night(lake, 0).exit_code == 0
    return folder


@pytest.fixture
def folder(tmp_path):
    """1.0.0 active, 1.1.0 and 1.2.0 in canary, and nothing that runs."""
    lake = Lake.create(tmp_path / "lake")
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        policies.create(lake, PolicyDraft(doer="planner", version=version), by="ann")
        to = "active" if version == "1.0.0" else "canary"
        policies.promote(lake, "planner", version, to=to, by="ann", override=True, reason="the first")
    return tmp_path


def served(folder):
    router = Router(folder / "lake" / "published")
    return {router.route("planner", unit).policy_version for unit in range(80)}


def test_a_canary_is_started_looked_at_and_stopped(folder):
    said = kaizen(
        *("canary", "start", "planner", "1.1.0", "1.2.0", "--share", "0.2", "--share", "0.3", "--unit", "user"),
        *("--nights", 7, "--guardrail", "cost_usd=0.02", "--no-auto-rollback", "--by", "ann", "--reason", "spring"),
        cwd=folder,
    ).stdout
    assert "The canary planner-canary-1 runs." in said
    assert "1.1.0 (20%), 1.2.0 (30%) against 1.0.0, by user" in said
    assert "cost_usd at most 0.02 more" in said
    assert "Warning: no run of 1.0.0 told cost_usd in the last 30 days." in said
    assert "The night decides nothing by itself." in said
    assert served(folder) == {"1.0.0", "1.1.0", "1.2.0"}
    (row,) = json.loads(kaizen("canary", "list", "--running", "--json", cwd=folder).stdout)
    assert (row["started_by"], row["horizon_nights"], row["candidate_shares"]) == ("ann", 7, [0.2, 0.3])
    assert row["guardrail_metrics"] == ["cost_usd"]
    assert "is stopped" in kaizen("canary", "stop", "planner-canary-1", "--by", "bob", cwd=folder).stdout
    assert served(folder) == {"1.0.0"}
    again = kaizen("canary", "stop", "planner-canary-1", "--by", "eve", "--json", cwd=folder).stdout
    assert {name: json.loads(again)[name] for name in ("is_new", "result", "ended_by")} == {
        "is_new": False,
        "result": "stopped",
        "ended_by": "bob",
    }
    kaizen("policy", "promote", "planner", "1.1.0", "--to", "active", "--override", "--reason", "now", cwd=folder)
    assert served(folder) == {"1.1.0"}


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("start", "planner", "1.1.0", "--guardrail", "joy=1"), 2, "--guardrail takes metric=margin"),
        (("start", "planner", "1.1.0", "--guardrail", "cost_usd=inf"), 2, "expected a number less than"),
        (("start", "planner", "1.1.0", "--mode", "shadow"), 1, "1.1.0 is draft; a shadow takes candidates"),
        (("stop", "nothing"), 2, "There is no deployment 'nothing'"),
    ],
)
def test_a_mistake_is_told_in_words(tmp_path, words, code, told):
    lake = Lake.create(tmp_path / "lake")
    policies.create(lake, PolicyDraft(doer="planner", version="1.0.0"), by="ann")
    policies.promote(lake, "planner", "1.0.0", to="active", by="ann", override=True, reason="the first")
    policies.create(lake, PolicyDraft(doer="planner", version="1.1.0"), by="ann")
    done = kaizen("canary", *words, cwd=tmp_path, code=code)
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def listed(folder):
    """Candidates with what came of each, as the list tells it."""
    done = CliRunner().invoke(app, ["canary", "list", "--lake", str(folder / "lake")])
    assert done.exit_code == 0, done.exception
    heads, *rows = (line.split("\t") for line in done.output.splitlines())
    return [(row[heads.index("candidate")], row[heads.index("status")]) for row in rows]


def test_what_came_of_a_candidate_is_not_told_of_the_others(folder):
    lake = Lake(folder / "lake")

    deployments.start(lake, DeploymentPlan("canary", "planner", ("1.1.0", "1.2.0")), by="ann")
    assert listed(folder) == [("1.1.0", "running"), ("1.2.0", "running")]
    policies.roll_back(lake, "planner", "1.1.0", by="ann")
    assert listed(folder) == [("1.1.0", "rolled_back"), ("1.2.0", "stopped")]
    policies.create(lake, PolicyDraft(doer="planner", version="1.3.0"), by="ann")
    policies.promote(lake, "planner", "1.3.0", to="canary", by="ann", override=True, reason="the next")
    deployments.start(lake, DeploymentPlan("canary", "planner", ("1.2.0", "1.3.0")), by="ann")
    policies.promote(lake, "planner", "1.3.0", to="active", by="ann", override=True, reason="it is good")
    assert listed(folder)[2:] == [("1.2.0", "stopped"), ("1.3.0", "promoted")]
    shown = CliRunner().invoke(app, ["canary", "show", "planner-canary-2", "--lake", str(folder / "lake")]).output
    assert "Of each: 1.2.0 stopped, 1.3.0 promoted." in shown


def test_every_look_is_shown_with_its_verdict_and_why(decided):
    said = kaizen("canary", "show", "d1", cwd=decided).stdout
    assert "rolled_back" in said
    heads, row = (line.split("\t") for line in said.split("\n") if line.count("\t") > 5)
    assert len(heads) == len(row)
    assert (row[heads.index("look")], row[heads.index("verdict")]) == ("1", "rollback")
    found = json.loads(kaizen("canary", "show", "d1", "--json", cwd=decided).stdout)
    (look,) = found["looks"]
    assert look["verdict"] == "rollback"
    assert look["reason"] in said
    said = kaizen("canary", "list", cwd=decided).stdout
    assert "\trolled_back\t" in said
    assert said.rstrip().endswith("\trollback")
