"""The whole lake as a state machine: land, night, decide, forget, restore, kill, in any order, against a small model in memory.

KAIZEN_LAWS=200 runs that many lakes; the tests run a few.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from unittest.mock import patch

import polars as pl
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from kaizenlake import tables
from kaizenlake.decide.record import trust
from kaizenlake.errors import LakeError
from kaizenlake.jobs.activity.event_counts import event_counts
from kaizenlake.lake.landing import batches
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import attested, decisions
from kaizenlake.lake.trust.subjects import Subject
from kaizenlake.lake.upkeep import versions
from kaizenlake.lake.upkeep.erase_events import Decider, erase_events, erase_quarantine
from kaizenlake.lake.upkeep.maintain import maintain
from kaizenlake.night import run as night
from lake.landed import NOW, lead, line, put

LAKES = int(os.environ.get("KAIZEN_LAWS", "4"))
PEOPLE = 4
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)

GOOD = st.builds(
    lambda place, person: (f"e{place}", f"person-{person}"),
    st.integers(0, 11),
    st.integers(0, PEOPLE - 1),
)
"""Id and person of an event; an id that comes with two persons is a conflict."""

LINES = st.lists(
    st.one_of(GOOD, GOOD, st.integers(0, PEOPLE).map(lambda person: (None, f"person-{person}"))), min_size=1, max_size=8
)
"""Events, and lines that are none and name somebody all the same."""


def spell(told):
    name, person = told
    if name is None:
        return json.dumps({"poison": person}).encode()
    day = int(name[1:]) % 5 + 1
    return line(lead(name, person, occurred_at=f"2026-02-0{day}T09:00:00Z"))


class Killed(BaseException):
    """Ends a process at one point, as far as one in the same process can."""


class Kill:
    """Raises at the so manieth call of a method of the lake, before or after its work."""

    def __init__(self, method, at, *, is_after):
        self.real, self.left, self.is_after = getattr(Lake, method), at, is_after

        # A function, so that it is bound to the lake.
        def call(*given, **named):
            return self.count(*given, **named)

        self.patch = patch.object(Lake, method, call)

    def count(self, *given, **named):
        self.left -= 1
        if self.left == 0 and not self.is_after:
            raise Killed
        found = self.real(*given, **named)
        if self.left == 0:
            raise Killed
        return found


@cache
def public_key():
    with tempfile.TemporaryDirectory() as folder:
        return trust.make_person_key(Lake.create(Path(folder) / "lake"), Path(folder) / "p.pem")


class Model:
    """What a lake should hold: each event by its id, what waits, who was forgotten, who may sign."""

    def __init__(self):
        self.events, self.waiting, self.forgotten, self.persons, self.seen = {}, [], set(), set(), set()

    def land(self, content):
        """Take a file; return how many of its lines land, are there already, and wait."""
        if content in self.seen:
            return None
        self.seen.add(content)
        landed = duplicate = 0
        before = len(self.waiting)
        for name, person in content:
            if person in self.forgotten:
                duplicate += 1
            elif name is None or self.events.get(name, person) != person:
                self.waiting.append(person)
            elif name in self.events:
                duplicate += 1
            else:
                self.events[name] = person
                landed += 1
        return landed, duplicate, len(self.waiting) - before

    def forget(self, person):
        self.forgotten.add(person)
        self.events = {name: other for name, other in self.events.items() if other != person}
        self.waiting = [other for other in self.waiting if other != person]

    def days(self):
        found = {}
        for name in self.events:
            day = int(name[1:]) % 5 + 1
            found[day] = found.get(day, 0) + 1
        return found


class WholeLake(RuleBasedStateMachine):
    """A lake and its model, to which the same happens."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        self.lake, self.model = Lake.create(self.folder / "lake"), Model()
        self.files = 0

    def teardown(self):
        if hasattr(self, "folder"):
            self.check()
            assert batches.verify(self.lake).problems == ()
            assert decisions.doubts(self.lake) == ()
            shutil.rmtree(self.folder)

    def check(self):
        self.lake = Lake(self.lake.root)
        logged = self.lake.scan(tables.Events).filter(attested.IS_LOGGED).collect()
        there = {row["event_id"]: json.loads(row["payload"])["lead_id"] for row in logged.iter_rows(named=True)}
        assert there == self.model.events
        assert logged.height == len(there)
        assert self.lake.scan(tables.Quarantine).filter(status="waiting").collect().height == len(self.model.waiting)
        assert set(trust.persons(self.lake)) == self.model.persons

    def put(self, told):
        self.files += 1
        return put(self.folder / f"{self.files}.ndjson", b"".join(spell(item) + b"\n" for item in told))

    @rule(told=LINES)
    def land(self, told):
        done = land(self.lake, self.put(told), now=NOW)
        expected = self.model.land(tuple(told))
        assert done.lines_in == len(told) == done.landed + done.duplicate + done.quarantined
        if expected is None:
            assert done.landed == 0
        else:
            assert (done.landed, done.duplicate, done.quarantined) == expected
        self.check()

    @rule(told=LINES, at=st.integers(1, 3), is_after=st.booleans())
    def land_killed_and_again(self, told, at, is_after):
        file = self.put(told)
        kill = Kill("append", at, is_after=is_after)
        with kill.patch, suppress(Killed):
            land(self.lake, file, now=NOW)
        self.lake = Lake(self.lake.root)
        land(self.lake, file, now=NOW)
        self.model.land(tuple(told))
        self.check()

    @rule(kills=st.booleans(), is_after=st.booleans())
    def night(self, kills, is_after):
        if kills:
            with Kill("write", 1, is_after=is_after).patch, suppress(Killed):
                self.run()
            self.lake = Lake(self.lake.root)
        self.run()
        counted = self.lake.scan(tables.EventCounts).filter(source="application").collect()
        found = dict(counted.group_by(pl.col("event_date").dt.day()).agg(pl.col("events").sum()).iter_rows())
        assert found == self.model.days()

    def run(self):
        # What is published is no part of the model.
        with patch.object(night, "publish"), patch.object(night, "missing_data", return_value=()):
            done = night.nightly(self.lake, as_of=AS_OF, jobs=(event_counts,), take=None)
        assert done.errors == []

    @rule(name=st.sampled_from(["ada-key", "bob-key"]))
    def decide(self, name):
        if name not in self.model.persons:
            trust.add_person(self.lake, name, public_key(), by="ann")
            self.model.persons.add(name)
        self.check()

    @rule(person=st.integers(0, PEOPLE - 1).map("person-{}".format))
    def forget(self, person):
        who = Decider("ann", takes_mentions=True)
        erase_events(self.lake, Subject("lead_id", person), who)
        erase_quarantine(self.lake, Subject("lead_id", person))
        self.model.forget(person)
        self.check()

    @precondition(lambda self: self.lake.exists(tables.EventCounts))
    @rule(back=st.integers(0, 3))
    def restore(self, back):
        newest = self.lake.version(tables.EventCounts)
        if back <= newest:
            # Maintenance may have removed what that version rests on.
            with suppress(LakeError):
                versions.restore(self.lake, tables.EventCounts, newest - back)

    @rule()
    def tend(self):
        maintain(self.lake, keep=timedelta(0))
        self.check()

    @rule()
    def migrate(self):
        assert trust.adopt(self.lake, by="ann") is None


TestWholeLake = WholeLake.TestCase
TestWholeLake.settings = settings(
    max_examples=LAKES,
    stateful_step_count=10 if LAKES < 20 else 25,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
    deadline=None,
)
