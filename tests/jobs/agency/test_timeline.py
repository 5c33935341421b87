"""Plans of a brand: what is kept whatever the tasks are, and what a planner of people would see at once."""

from __future__ import annotations

import math
import random
import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizenlake import CampaignTimelinePlanner, plan_timeline_for_brand
from kaizenlake.errors import UsageError
from kaizenlake.vocabulary import PRIORITIES

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
"""A Tuesday."""


def plan(tasks, days=10, per_day=2, **more):
    return plan_timeline_for_brand("acme", START, START + timedelta(days=days), per_day, tasks, **more)


def task(name, **keys):
    return {"task_id": name, "brand_id": "acme", "task_type": "email_rewrite", "priority": "MEDIUM"} | keys


def names(timeline):
    return [item.task_id for item in timeline]


def reasons(timeline):
    return {item.task_id: item.reason for item in timeline.unplanned}


@st.composite
def drawn_tasks(draw):
    number = draw(st.integers(0, 14))
    instants = st.none() | st.integers(-48, 300).map(lambda hours: START + timedelta(hours=hours))
    return [
        task(
            f"t{place}",
            priority=draw(st.sampled_from([*PRIORITIES])),
            deadline=draw(instants),
            time_window_end=draw(instants) if draw(st.booleans()) else None,
            resource=draw(st.sampled_from([None, "studio"])),
            depends_on=draw(st.lists(st.sampled_from([f"t{other}" for other in range(place)]), max_size=2))
            if place
            else [],
        )
        for place in range(number)
    ]


@settings(max_examples=60, deadline=None)
@given(
    tasks=drawn_tasks(),
    per_day=st.integers(1, 3),
    days=st.integers(1, 40).map(lambda quarters: quarters / 4),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata"]),
    business_days=st.booleans(),
    spread=st.booleans(),
    chance=st.randoms(use_true_random=False),
)
def test_laws_of_every_plan(tasks, per_day, days, zone, business_days, spread, chance):
    more = {"zone": zone, "business_days": business_days, "spread": spread, "holidays": [date(2026, 12, 3)]}
    found = plan(tasks, days, per_day, **more)
    given_of = {item["task_id"]: item for item in tasks}
    assert sorted([*names(found), *reasons(found)]) == sorted(given_of)
    runs = [item.run_at for item in found]
    assert runs == sorted(set(runs)), "no two tasks run at one time, so none shares a resource"
    assert all(START <= run < START + timedelta(days=days) for run in runs)
    local = [run.astimezone(ZoneInfo(zone)).date() for run in runs]
    assert [item.day for item in found] == local
    assert max(map(local.count, local), default=0) <= per_day
    if business_days:
        assert all(day.weekday() < 5 and day != date(2026, 12, 3) for day in local)
    at = {item.task_id: item.run_at for item in found}
    for name, run in at.items():
        assert all(at[other] < run for other in given_of[name]["depends_on"])
        assert given_of[name]["time_window_end"] is None or run <= given_of[name]["time_window_end"]
    shuffled = chance.sample(tasks, len(tasks))
    assert plan(shuffled, days, per_day, **more) == found
    if found.planned and not spread and not business_days:
        assert found[0].run_at == START
    # Nobody is left out for want of room while there is some.
    if not any(item["time_window_end"] for item in tasks) and not business_days:
        assert len(found) >= min(len(tasks), per_day * math.ceil(days))


@pytest.mark.parametrize("zone", ["America/New_York", "UTC", "Asia/Kolkata", "Pacific/Kiritimati"])
@pytest.mark.parametrize("day", ["2026-12-02", date(2026, 12, 2)])
def test_a_deadline_that_is_a_day_is_that_day_of_the_brand(zone, day):
    start = datetime(2026, 12, 2, 9, tzinfo=ZoneInfo(zone))
    tasks = [task("a", deadline=day), task("b", deadline=day)]
    found = plan_timeline_for_brand("acme", start, start + timedelta(days=3), 1, tasks, zone=zone)
    assert [(item.day.day, item.days_late) for item in found] == [(2, 0), (3, 1)]


def test_a_deadline_at_the_end_of_time_is_none_that_is_late():
    never = "9999-12-31T23:59:59Z"
    assert plan([task("a", deadline=never)], zone="Asia/Kolkata")[0].days_late == 0


@pytest.mark.parametrize(
    ("end", "per_day", "fails"),
    [
        (datetime(9999, 12, 31, 23, tzinfo=UTC), 1, "within the years 2 to 9998"),
        (START + timedelta(days=2), 10**12, "Expected at most 1,000,000 tasks a day"),
    ],
)
def test_a_plan_without_bounds_is_refused(end, per_day, fails):
    with pytest.raises(UsageError, match=fails):
        plan_timeline_for_brand("acme", START, end, per_day, [task("a")])


def test_days_off_alone_are_said_to_be_no_place():
    saturday = datetime(2026, 12, 5, 9, tzinfo=UTC)
    found = plan_timeline_for_brand("acme", saturday, saturday + timedelta(days=1), 2, [task("a")], business_days=True)
    assert reasons(found) == {"a": "The plan has no place: none of its days is one on which the brand works."}


def test_a_cycle_is_named():
    with pytest.raises(UsageError, match=r"a → c → b → a|c → b → a → c|b → a → c → b"):
        plan([task("a", depends_on=["c"]), task("b", depends_on=["a"]), task("c", depends_on=["b"]), task("d")])
    with pytest.raises(UsageError, match="a → a"):
        plan([task("a", depends_on=["a"])])


def test_without_deadlines_priority_decides_and_a_task_lends_its_own_to_what_it_waits_for():
    tasks = [task("low", priority="LOW"), task("high", priority="high"), task("first", priority="LOW")]
    tasks += [task("top", priority="CRITICAL", depends_on="first"), task("task_10"), task("task_9")]
    assert names(plan(tasks)) == ["first", "top", "high", "task_9", "task_10", "low"]


def test_a_near_deadline_goes_before_priority_and_tardiness_is_told_in_weighted_calendar_days():
    tasks = [task("grand", priority="CRITICAL"), task("small", priority="LOW", deadline="2026-12-01T23:00:00Z")]
    tasks += [task("past", priority="HIGH", deadline=datetime(2026, 11, 29, tzinfo=UTC))]
    found = plan(tasks, per_day=1)
    assert names(found)[-1] == "grand"
    assert plan_timeline_for_brand("acme", START.replace(tzinfo=None), "2026-12-11T09:00", 1, tasks) == found
    assert {item.task_id: item.days_late for item in found} == {"past": 2, "small": 1, "grand": 0}
    assert found.weighted_tardiness == 4 * 2 + 1


def test_a_deadline_counts_by_its_day_in_the_zone_of_the_brand():
    deadline = datetime(2026, 12, 2, 3, tzinfo=UTC)  # still the evening of the first in New York
    tasks = [task("a"), task("b", depends_on=["a"], deadline=deadline)]
    assert plan(tasks, per_day=1).weighted_tardiness == 0
    assert plan(tasks, per_day=1, zone="America/New_York").weighted_tardiness == PRIORITIES["MEDIUM"]


def test_days_begin_at_the_hour_of_the_start_also_after_clocks_change():
    start = datetime(2026, 10, 24, 7, tzinfo=UTC)  # 9 o'clock in Berlin, the day before summer time ends
    found = plan_timeline_for_brand(
        "acme", start, start + timedelta(days=3), 1, [task("a"), task("b")], zone="Europe/Berlin"
    )
    assert [item.run_at for item in found] == [start, datetime(2026, 10, 25, 8, tzinfo=UTC)]


def test_a_short_rest_of_a_day_holds_all_its_tasks():
    start = datetime(2026, 12, 1, 23, 59, tzinfo=UTC)
    found = plan_timeline_for_brand(
        "acme", start, datetime(2026, 12, 2, tzinfo=UTC), 30, [task(f"t{n}") for n in range(30)]
    )
    assert len(found) == 30
    assert found[-1].run_at < datetime(2026, 12, 2, tzinfo=UTC)


def test_tasks_come_nearer_where_the_plan_or_a_window_ends_soon():
    three = [task("a"), task("b"), task("c")]
    soon = plan(three, days=1 / 48, per_day=3)
    assert [item.run_at - START for item in soon] == [timedelta(minutes=minutes) for minutes in (0, 10, 20)]
    windows = [item | {"time_window_end": START + timedelta(minutes=45)} for item in three]
    for spread in (False, True):
        found = plan([*windows, task("d"), task("e")], days=2, per_day=4, spread=spread)
        assert [(item.task_id, item.run_at - START) for item in found[:3]] == [
            ("a", timedelta()),
            ("b", timedelta(seconds=1350)),
            ("c", timedelta(minutes=45)),
        ]
        assert len(found) == 5
    assert [item.run_at for item in plan(three, days=1.2e-11, per_day=3)] == [START]


def test_what_has_no_place_is_said_with_its_reason():
    tasks = [
        task("kept", priority="HIGH"),
        task("left", priority="LOW"),
        task("after", depends_on=["left"], priority="LOW"),
        task("closed", time_window_end=START - timedelta(hours=1)),
        task("waits", depends_on=["unknown"]),
        task("other", brand_id="rival"),
        task("ready", depends_on=["done"], priority="CRITICAL"),
    ]
    found = plan(tasks, days=1, completed=["done"])
    assert names(found) == ["ready", "kept"]
    said = reasons(found)
    assert said["left"] == "The plan has 2 places until its end, and tasks that matter more take them."
    assert said["after"] == "It depends on left, which is not planned."
    assert said["closed"] == "No place is free until its time window ends, 2026-12-01 08:00 UTC."
    assert said["waits"] == "It depends on unknown, which is neither among the tasks of the brand nor completed."
    assert said["other"] == "It is a task of rival."


def test_an_even_load_uses_all_days():
    tasks = [task(f"t{place}") for place in range(6)]
    planner = CampaignTimelinePlanner(spread=True)
    found = planner.plan_timeline_for_brand("acme", START, START + timedelta(days=6), 3, tasks)
    assert [item.day.day for item in found] == [1, 2, 3, 4, 5, 6]
    assert [item.day.day for item in plan(tasks, per_day=3)] == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"priority": "URGENT"}, "Expected CRITICAL, HIGH, MEDIUM, LOW as priority of a, found 'URGENT'"),
        ({"deadline": "soon"}, "as deadline of a, found 'soon'"),
        ({"task_id": " "}, "Expected a task_id"),
        ({"depends_on": [1]}, "Expected names of tasks as depends_on of a"),
        ({"resource": 7}, "Expected a text as resource of a"),
    ],
)
def test_a_wrong_value_is_named(keys, expected):
    with pytest.raises(UsageError, match=expected.replace("(", r"\(")):
        plan([task("a") | keys])


@pytest.mark.parametrize("more", [{"zone": "Mars"}, {"holidays": ["x"]}, {"holidays": "2026-12-25"}, {"per_day": 0}])
def test_a_wrong_calendar_is_named(more):
    with pytest.raises(UsageError, match="Expected"):
        plan([task("a")], **more)
    with pytest.raises(UsageError, match="start before the end"):
        plan([], days=0)
    with pytest.raises(UsageError, match="Two tasks are called a"):
        plan([task("a"), task("a")])


def test_ten_thousand_tasks_are_planned_within_a_second():
    draw = random.Random(7)
    tasks = [
        task(
            f"t{place}",
            priority=draw.choice([*PRIORITIES]),
            deadline=START + timedelta(days=draw.randint(0, 2000)),
            depends_on=[f"t{draw.randrange(place)}"] if place else [],
        )
        for place in range(10_000)
    ]
    begun = time.process_time()
    found = plan(tasks, days=4000, per_day=3)
    assert time.process_time() - begun < 2, "a second is promised; the rest is for a machine that is busy"
    assert len(found) == 10_000


PAST, FIRST = START - timedelta(days=9), START


@pytest.mark.parametrize(
    ("tasks", "days", "planned"),
    [
        # Nothing that cannot run holds up what it waits for.
        ([task("a"), task("c", depends_on=["a"], time_window_end=PAST)], 4, ["a"]),
        ([task("a"), task("b", depends_on=["a"]), task("c", depends_on=["b"], time_window_end=FIRST)], 4, ["a", "b"]),
        ([task("a"), task("z"), task("c", depends_on=["a", "z"], time_window_end=FIRST)], 4, ["a", "z"]),
        # What waits for a task and has no place is no reason to keep that task before another.
        (
            [
                task("a", priority="LOW"),
                task("c", priority="CRITICAL", depends_on=["a"]),
                task("z", priority="CRITICAL"),
            ],
            1,
            ["z"],
        ),
    ],
)
def test_what_cannot_run_costs_nothing_that_can(tasks, days, planned):
    found = plan(tasks, days=days, per_day=1)
    assert sorted(names(found)) == planned
    assert set(reasons(found)) == {item["task_id"] for item in tasks} - set(planned)
