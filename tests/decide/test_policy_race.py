"""Two processes promote at once for one doer: one wins, the other is told."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cli.running import environment
from decide.evidence import NOW, activate, create, deployed, look, looked
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.policies import promote
from kaizenlake.errors import GateError
from kaizenlake.events.write.log import Line
from kaizenlake.lake.store import Lake

PROMOTE = """
import sys
from datetime import datetime
from kaizenlake.decide.policies.policies import promote
from kaizenlake.errors import GateError
from kaizenlake.lake.store import Lake

lake, version, override, at = Lake(sys.argv[1]), sys.argv[2], sys.argv[3] == "yes", datetime.fromisoformat(sys.argv[4])
lake.settings
print("ready", flush=True)
sys.stdin.readline()
try:
    done = promote(lake, "planner", version, to="active", by=version, override=override, reason="Now.", now=at)
    print("won", done.archived)
except GateError as error:
    print("told", error)
"""


def racing(lake, override):
    """Both candidates promoted at once by a process each; what each was told."""
    command = [sys.executable, "-c", PROMOTE, str(lake.root)]
    running = [
        subprocess.Popen(
            [*command, version, override, NOW.isoformat()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        for version in ("1.1.0", "1.2.0")
    ]
    for process in running:
        assert process.stdout.readline() == "ready\n"
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=120)[0].strip() for process in running]


@pytest.fixture
def lake(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    create(lake, "1.0.0")
    activate(lake, "1.0.0")
    for version in ("1.1.0", "1.2.0"):
        create(lake, version)
        promote(lake, "planner", version, to="canary", by="ann", override=True, reason="Quick.", now=NOW)
        policies.approve(lake, "planner", version, by="bob", now=NOW)
    deployed(lake, "1.1.0", name="both", others=("1.2.0",))
    looked(lake, *(look(version, deployment_id="both") for version in ("1.1.0", "1.2.0")))
    return lake


def test_of_two_that_pass_their_gates_one_wins_and_the_other_is_told(lake):
    said = sorted(racing(lake, "no"))
    assert said[1] == "won 1.0.0"
    assert said[0].startswith("told planner 1.")
    winner = policies.state(lake).active("planner").policy_version
    assert winner in said[0], "the loser is told who won"
    statuses = policies.state(lake).policies["status"].to_list()
    assert sorted(statuses) == ["active", "archived", "canary"]


def test_who_loses_is_not_let_through_by_an_override_that_knew_nothing_of_the_winner(lake, monkeypatch):
    """The other promotion lands between the reading and the writing of this one."""
    taken = policies._Promotion.decide
    looked_at = []

    def with_another_in_between(self, found) -> list[Line]:
        lines = taken(self, found)
        if not looked_at:
            looked_at.append(found)
            promote(lake, "planner", "1.2.0", to="active", by="bob", now=NOW)
        return lines

    monkeypatch.setattr(policies._Promotion, "decide", with_another_in_between)
    with pytest.raises(
        GateError, match=r"another decision on planner came first\. 1\.1\.0 is canary now, and 1\.2\.0 is"
    ):
        promote(lake, "planner", "1.1.0", to="active", by="ann", override=True, reason="Now.", now=NOW)
    assert policies.state(lake).active("planner").policy_version == "1.2.0"
