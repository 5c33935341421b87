"""Whatever is commanded in whatever order: one version active at most, and no gate passed without its evidence."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from datetime import timedelta
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decide.evidence import NOW, activate, create, deployed, look, looked, replayed
from kaizenlake.decide.policies import policies
from kaizenlake.errors import GateError, UsageError
from kaizenlake.lake.store import Lake
from kaizenlake.tables.policy import STATUSES

VERSIONS = ("1.0.0", "1.1.0", "1.2.0")
versions = st.sampled_from(VERSIONS)
COMMANDS = st.one_of(
    st.tuples(st.just("promote"), versions, st.sampled_from(STATUSES), st.booleans()),
    st.tuples(st.just("promote"), versions, st.sampled_from(("shadow", "canary", "active")), st.just(False)),
    st.tuples(st.just("roll_back"), versions),
    st.tuples(st.just("approve"), versions),
    st.tuples(st.just("replay"), versions, st.sampled_from(("passed", "failed"))),
    st.tuples(
        st.just("look"), versions, st.sampled_from(("shadow", "canary")), st.sampled_from(("promote", "continue"))
    ),
)


class World:
    """A lake, and what an onlooker who keeps his own books knows of it."""

    def __init__(self, lake):
        self.lake = lake
        self.step = 0
        self.replays = {}
        self.looks = {}
        self.approved = set()
        self.rows = []

    def do(self, command):
        """Carry out a command; what it may not do it refuses."""
        self.step += 1
        at = NOW + timedelta(minutes=self.step)
        kind, version, *more = command
        if kind == "promote":
            to, override = more
            with suppress(GateError, UsageError):
                before = self.active()
                policies.promote(
                    self.lake, "planner", version, to=to, by="ann", override=override, reason="Law.", now=at
                )
                self.check_evidence(version, to, before)
        elif kind == "roll_back":
            with suppress(GateError):
                policies.roll_back(self.lake, "planner", version, by="ann", now=at)
        elif kind == "approve":
            with suppress(GateError):
                policies.approve(self.lake, "planner", version, by="bob", now=at)
                self.approved.add(version)
        elif kind == "replay":
            replayed(self.lake, version, more[0], at=at)
            self.replays[version] = more[0]
        else:
            mode, verdict = more
            control = next(other for other in VERSIONS if other != version)
            if (active := self.active()) not in {None, version}:
                control = active
            name = f"{mode}-{version}-{self.step}"
            deployed(self.lake, version, mode, control, at=at, name=name)
            self.looks[version, mode] = (verdict, control)
            self.rows.append(look(version, verdict, mode, control, deployment_id=name))
            looked(self.lake, *self.rows)

    def active(self):
        found = policies.state(self.lake).active("planner")
        return None if found is None else found.policy_version

    def check_evidence(self, version, to, active_before):
        """A promotion went through: either a skipped gate is on record, or the evidence was there."""
        made = policies.state(self.lake).promotions.filter(
            action="promoted", policy_version=version, occurred_at=NOW + timedelta(minutes=self.step)
        )
        if made.is_empty() or made["is_override"].item() or to == "archived":
            return
        if to == "shadow":
            assert self.replays.get(version) == "passed"
        elif to == "canary":
            assert self.looks[version, "shadow"][0] == "promote"
        else:
            verdict, control = self.looks[version, "canary"]
            assert verdict == "promote"
            assert active_before in {None, control}
            assert version in self.approved

    def check_always(self):
        state = policies.state(self.lake)
        assert state.policies.filter(status="active").height <= 1
        for row in state.promotions.filter(action="promoted").iter_rows(named=True):
            refused = [gate["gate"] for gate in json.loads(row["gates"])["gates"] if not gate["passed"]]
            assert bool(refused) == row["is_override"]
            assert "content" not in refused
            assert not row["is_override"] or row["reason"]
        told = state.promotions.group_by("event_id").len()["len"].to_list()
        assert set(told) == {1}
        ended = state.deployments.filter(status="ended")
        assert ended.height + sum(1 for _ in state.running("planner")) == state.deployments.height


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    lake = Lake.create(tmp_path_factory.mktemp("law") / "lake")
    create(lake, *VERSIONS)
    activate(lake, "1.0.0")
    return lake


@settings(max_examples=8)
@given(st.lists(COMMANDS, min_size=3, max_size=7))
def test_no_sequence_of_commands_breaks_the_law(begun, commands):
    with TemporaryDirectory() as folder:
        shutil.copytree(begun.root, f"{folder}/lake")
        world = World(Lake(f"{folder}/lake"))
        for command in commands:
            world.do(command)
            world.check_always()


def test_the_way_of_a_version_by_the_law(begun, tmp_path):
    """The law is not empty: this sequence goes all the way."""
    shutil.copytree(begun.root, tmp_path / "lake")
    world = World(Lake(tmp_path / "lake"))
    for command in (
        ("replay", "1.1.0", "passed"),
        ("promote", "1.1.0", "shadow", False),
        ("look", "1.1.0", "shadow", "promote"),
        ("promote", "1.1.0", "canary", False),
        ("look", "1.1.0", "canary", "promote"),
        ("approve", "1.1.0"),
        ("promote", "1.1.0", "active", False),
    ):
        world.do(command)
        world.check_always()
    assert world.active() == "1.1.0"
    world.do(("roll_back", "1.1.0"))
    assert world.active() == "1.0.0"
