"""What a night decides to do, drawn as states of a lake."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake import tables
from kaizenlake.job import Job
from kaizenlake.night.plan import batches, between, decide, predict
from kaizenlake.tables import EventCounts, Events, Performance, Projects, SourceFreshness

DAY = [date(2026, 3, day) for day in range(1, 29)]
NIGHT = [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 29)]


def made(reads, writes, *, by_day):
    return Job(lambda *frames, as_of: frames[0], reads, writes, by_day, tables.name(writes))


DECODE = made((Events,), Performance, by_day=True)
COUNT = made((Events,), EventCounts, by_day=True)
FRESH = made((EventCounts,), SourceFreshness, by_day=False)
PROJECTS = made((Events, EventCounts), Projects, by_day=False)


@dataclass
class Reads:
    versions: dict = field(default_factory=dict)
    as_of: datetime | None = None
    fingerprint: str | None = None


@dataclass
class State:
    """Versions of tables, what each was computed from, and the days changed after a version (None: everything)."""

    versions: dict
    read: dict = field(default_factory=dict)
    days: dict = field(default_factory=dict)
    held: dict = field(default_factory=dict)
    naming: dict = field(default_factory=dict)
    on: dict = field(default_factory=dict)
    """Days of which a table holds rows; of any where it is not named."""
    types: dict = field(default_factory=dict)
    """Event types of a day; none where it is not named."""

    def version(self, table):
        return self.versions.get(table)

    def rows(self, table):
        return self.held.get(table, 1)

    def has_rows_on(self, table, days):
        return not days.isdisjoint(self.on.get(table, days))

    def may_hold(self, types, days):
        return any(not set(types).isdisjoint(self.types.get(day, ())) for day in days)

    def reads_of(self, table):
        return self.read.get(table, Reads())

    def changed_days(self, table, since):
        return None if since is None else self.days.get((table, since))

    def days_naming(self, table, lookup, since):
        return None if since is None else self.naming.get((table, lookup, since))


def settled(at=NIGHT[9], **read):
    """Events at version 4; everything computed from it for `at`."""
    return State(
        {Events: 4, EventCounts: 2, SourceFreshness: 7},
        {
            EventCounts: Reads({"bronze.events": 4}, at, "f"),
            SourceFreshness: Reads({"gold.event_counts": 2}, at, "f"),
        },
    )


def plan(job, state, *, as_of=NIGHT[9], fingerprint="f", full=False):
    return decide(job, state, as_of=as_of, fingerprint=fingerprint, full=full)


def test_a_settled_lake_needs_nothing():
    assert plan(COUNT, settled()) is None
    assert plan(FRESH, settled()) is None


def test_a_table_never_computed_is_computed_whole():
    step = plan(DECODE, settled())
    assert step is not None
    assert (step.days, step.why, step.reads) == (None, ("it was never computed",), {"bronze.events": 4})


def test_a_job_by_day_redoes_the_changed_days_alone():
    state = settled()
    state.versions[Events] = 6
    state.days[Events, 4] = frozenset({DAY[1], DAY[4]})
    step = plan(COUNT, state)
    assert step is not None
    assert step.days == {DAY[1], DAY[4]}
    assert step.why == ("changes in bronze.events on 2026-03-02, 2026-03-05",)
    assert step.reads == {"bronze.events": 6}


def test_a_new_version_that_changed_no_row_is_no_change():
    """Compaction makes a version of its own."""
    state = settled()
    state.versions |= {Events: 6, EventCounts: 3}
    state.days |= {(Events, 4): frozenset(), (EventCounts, 2): frozenset()}
    assert plan(COUNT, state) is None
    assert plan(FRESH, state) is None


def test_everything_may_have_changed_where_the_log_does_not_reach_back():
    state = settled()
    state.versions[Events] = 400
    step = plan(COUNT, state)
    assert step is not None
    assert step.days is None


@pytest.mark.parametrize(("before", "after"), [(9, 11), (11, 9)])
def test_as_of_reopens_the_days_between_in_either_direction(before, after):
    step = plan(COUNT, settled(NIGHT[before]), as_of=NIGHT[after])
    assert step is not None
    assert step.days == {DAY[9], DAY[10], DAY[11]}
    assert step.why == (f"as_of moved from {NIGHT[before]:%Y-%m-%d} 00:00 to {NIGHT[after]:%Y-%m-%d} 00:00",)


@pytest.mark.parametrize(("day", "runs"), [(8, False), (9, True), (10, True), (11, True), (12, False)])
def test_as_of_reopens_nothing_where_no_input_has_rows_of_the_days_between(day, runs):
    state = settled(NIGHT[9])
    state.on[Events] = {DAY[day]}
    assert (plan(COUNT, state, as_of=NIGHT[11]) is not None) is runs
    # A late event of another day re-opens them all the same: it costs little, and the commit then says which as_of counts.
    state.versions[Events], state.days[Events, 4] = 5, frozenset({DAY[2]})
    late = plan(COUNT, state, as_of=NIGHT[11])
    assert late is not None
    assert late.days == {DAY[2], DAY[9], DAY[10], DAY[11]}


def test_as_of_and_a_late_event_reopen_their_days_together():
    state = settled(NIGHT[9])
    state.versions[Events] = 5
    state.days[Events, 4] = frozenset({DAY[2]})
    step = plan(COUNT, state, as_of=NIGHT[10])
    assert step is not None
    assert step.days == {DAY[2], DAY[9], DAY[10]}
    assert len(step.why) == 2


def test_a_whole_table_runs_when_an_input_or_as_of_moved():
    moved = plan(FRESH, settled(NIGHT[9]), as_of=NIGHT[10])
    assert moved is not None
    assert moved.days is None
    state = settled()
    state.versions[EventCounts] = 3
    state.days[EventCounts, 2] = frozenset({DAY[2]})
    changed = plan(FRESH, state)
    assert changed is not None
    assert changed.days is None
    assert changed.why == ("changes in gold.event_counts on 2026-03-03",)


def test_of_empty_tables_no_other_as_of_makes_anything():
    state = settled(NIGHT[9])
    state.held = {EventCounts: 0}
    assert plan(FRESH, state, as_of=NIGHT[10]) is None
    state.versions[EventCounts] = 3
    state.days[EventCounts, 2] = frozenset({DAY[2]})
    assert plan(FRESH, state, as_of=NIGHT[10]) is not None


def test_a_timeless_job_runs_for_its_inputs_alone():
    timeless = replace(FRESH, timeless=True)
    assert plan(timeless, settled(NIGHT[9]), as_of=NIGHT[10]) is None
    by_day = replace(COUNT, timeless=True)
    state = settled(NIGHT[9])
    state.versions[Events] = 5
    state.days[Events, 4] = frozenset({DAY[2]})
    step = plan(by_day, state, as_of=NIGHT[10])
    assert step is not None
    assert step.days == {DAY[2]}


@pytest.mark.parametrize(
    ("types", "rows_on", "runs"),
    [
        ({DAY[2]: {"LEAD_CREATED"}}, set(), False),  # others' events alone
        ({DAY[2]: {"LEAD_CREATED", "PERFORMANCE_RECORDED"}}, set(), True),
        ({DAY[3]: {"PERFORMANCE_RECORDED"}}, set(), False),  # its own, on a day that did not change
        ({DAY[2]: {"LEAD_CREATED"}}, {DAY[2]}, True),  # what it made of that day before has to go
        ({DAY[2]: {"LEAD_CREATED"}}, {DAY[3]}, False),
    ],
)
def test_a_family_is_left_alone_where_others_alone_have_events(types, rows_on, runs):
    state = settled()
    state.versions |= {Events: 5, Performance: 3}
    state.read[Performance] = Reads({"bronze.events": 4}, NIGHT[9], "f")
    state.days[Events, 4] = frozenset({DAY[2]})
    state.types, state.on = types, {Performance: rows_on}
    step = plan(replace(DECODE, of_types=("PERFORMANCE_RECORDED",)), state)
    assert (step is not None) is runs
    assert plan(DECODE, state) is not None, "a job that does not say its types"
    state.days[Events, 4] = None
    assert plan(replace(DECODE, of_types=("PERFORMANCE_RECORDED",)), state) is not None, (
        "where the log does not reach back"
    )


def test_a_job_that_adds_up_exchanges_the_changed_days():
    state = settled()
    state.versions[EventCounts] = 3
    state.days[EventCounts, 2] = frozenset({DAY[2]})
    step = plan(replace(FRESH, adds_up=True), state)
    assert step is not None
    assert (step.days, step.before) == ({DAY[2]}, {"gold.event_counts": 2})


def test_a_changed_row_of_a_lookup_reopens_the_days_that_name_it():
    job = made((Events, Projects), EventCounts, by_day=True)
    state = State(
        {Events: 4, EventCounts: 2, Projects: 1},
        {EventCounts: Reads({"bronze.events": 4, "gold.projects": 0}, NIGHT[9], "f")},
        naming={(EventCounts, Projects, 0): frozenset({DAY[5]})},
    )
    step = plan(job, state)
    assert step is not None
    assert step.days == {DAY[5]}
    state.naming[EventCounts, Projects, 0] = None
    everything = plan(job, state)
    assert everything is not None
    assert everything.days is None
    state.naming[EventCounts, Projects, 0] = frozenset()
    assert plan(job, state) is None


def test_other_code_or_settings_recompute_everything():
    for job in (COUNT, FRESH):
        step = plan(job, settled(), fingerprint="other")
        assert step is not None
        assert (step.days, step.why) == (None, ("its code or settings changed",))


def test_full_recomputes_what_is_settled():
    step = plan(COUNT, settled(), full=True)
    assert step is not None
    assert step.days is None


def test_an_input_that_appeared_is_a_change():
    state = settled()
    state.versions |= {Projects: 0}
    state.read[Projects] = Reads({"bronze.events": 4}, NIGHT[9], "f")
    step = plan(PROJECTS, state)
    assert step is not None
    assert step.reads == {"bronze.events": 4, "gold.event_counts": 2}


def names(steps):
    return {step.job.name: step.days for step in steps}


def foresee(state, *, as_of=NIGHT[9], arriving=()):
    return names(predict((COUNT, FRESH), state, as_of=as_of, fingerprint=lambda _: "f", arriving=arriving))


def test_the_plan_follows_what_earlier_steps_will_rewrite():
    state = settled()
    state.versions[Events] = 5
    state.days[Events, 4] = frozenset({DAY[2]})
    assert foresee(state) == {"event_counts": {DAY[2]}, "source_freshness": None}
    assert foresee(settled()) == {}
    assert foresee(State({Events: 0})) == {"event_counts": None, "source_freshness": None}


def test_the_plan_counts_with_what_waits_to_be_landed():
    assert foresee(settled(), arriving=(Events,)) == {"event_counts": None, "source_freshness": None}
    assert foresee(State({}), arriving=(Events,)) == {"event_counts": None, "source_freshness": None}


@given(
    st.dictionaries(st.sampled_from(DAY), st.integers(1, 50), max_size=28),
    st.integers(1, 100),
)
def test_batches_hold_every_day_once_in_order_and_stay_small(rows, most):
    found = batches(rows, most)
    assert [day for batch in found for day in batch] == sorted(rows)
    assert all(len(batch) == 1 or sum(rows[day] for day in batch) <= most for batch in found)
    assert all(found)


def test_days_between_two_instants_of_a_day():
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert between(noon, noon) == {date(2026, 3, 4)}
