"""Plans that are written, and ticks that do what is due: once, by whoever comes first, and again after a lease ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kaizenlake import SchedulerRepository, SchedulerRuntime
from kaizenlake.decide.agency import brands, schedule, tasks
from kaizenlake.decide.agency.schedule import PlanRules
from kaizenlake.decide.agency.scheduler import TaskResult
from kaizenlake.decide.agency.tasks import TaskDraft
from kaizenlake.errors import GateError, UsageError
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
SPAN = (START, START + timedelta(days=7))


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def approve(lake, *names, **fields):
    """Tasks of a brand that a person approved; those of one call wait for nothing else."""
    made = [TaskDraft(brand_id="acme", task_type="email_rewrite", task_id=name, **fields) for name in names]
    tasks.propose(lake, lambda _: made, by="ann")
    for name in names:
        tasks.approve(lake, name, by="bob")


def plan(lake, **rules):
    return schedule.plan(lake, "acme", SPAN, PlanRules(**{"max_per_day": 2} | rules))


def statuses(lake):
    return {row["task_id"]: row["status"] for row in tasks.state(lake).rows()}


def runtime(lake, done, *, dry_run=False, result=None):
    def execute(claim):
        done.append((claim.task["task_id"], claim.execution_id))
        return result or TaskResult("completed", '{"markdown":"# Done"}')

    return SchedulerRuntime(SchedulerRepository(lake), execute, dry_run=dry_run)


def test_a_plan_schedules_what_was_approved_and_takes_up_nothing_else(lake):
    approve(lake, "a", "b", "c")
    tasks.propose(lake, lambda _: [TaskDraft("acme", "email_rewrite", task_id="waits")], by="ann")
    timeline = plan(lake)
    assert [item.task_id for item in timeline] == ["a", "b", "c"]
    assert timeline[0].run_at == START
    assert statuses(lake) == {"a": "scheduled", "b": "scheduled", "c": "scheduled", "waits": "pending_review"}
    before = tasks.state(lake).steps.height
    assert plan(lake) == timeline
    assert tasks.state(lake).steps.height == before, "the same plan once more writes nothing"
    approve(lake, "urgent", priority="CRITICAL")
    schedule.plan(lake, "acme", (START, START + timedelta(hours=10)), PlanRules(max_per_day=1))
    found = tasks.state(lake)
    assert statuses(lake) == {
        "a": "approved",
        "b": "approved",
        "c": "approved",
        "waits": "pending_review",
        "urgent": "scheduled",
    }
    assert found.task("a")["reason"] == "The plan has 1 place until its end, and tasks that matter more take them."


def test_a_plan_keeps_the_zone_and_the_holidays_of_the_brand(lake):
    brands.describe(lake, {"brand_id": "acme", "name": "Acme", "zone": "Europe/Berlin", "holidays": ["2026-12-02"]})
    approve(lake, "a", "b", "c")
    assert [item.day.day for item in plan(lake, max_per_day=1, business_days=True)] == [1, 3, 4]


def test_a_tick_does_what_is_due_in_its_order_and_at_most_so_much(lake):
    approve(lake, "a", "b", "c")
    plan(lake)
    done = []
    assert runtime(lake, done).tick(START - timedelta(seconds=1)) == []
    ran = runtime(lake, done).tick(START + timedelta(days=2), max_to_run=2)
    assert [run.status for run in ran] == ["completed", "completed"]
    assert [name for name, _ in done] == ["a", "b"]
    assert statuses(lake) == {"a": "completed", "b": "completed", "c": "scheduled"}
    assert tasks.state(lake).task("a")["output"] == '{"markdown":"# Done"}'
    runtime(lake, done).tick(START + timedelta(days=2))
    assert len({key for _, key in done}) == 3
    assert decisions.doubts(lake) == ()


def test_a_preview_may_be_scheduled_again_under_the_same_approval(lake):
    approve(lake, "a")
    plan(lake)
    first, second = [], []
    assert [run.status for run in runtime(lake, first, dry_run=True).tick(START)] == ["completed_preview"]
    plan(lake)
    assert [run.status for run in runtime(lake, second).tick(START)] == ["completed"]
    assert first[0][1] != second[0][1], "a preview and the real run are two executions"


def test_what_waits_for_another_task_or_needs_what_another_holds_is_not_taken_up(lake):
    approve(lake, "a", "c", resource="studio")
    approve(lake, "b", depends_on=("a",))
    approve(lake, "d", depends_on=("failed",))
    approve(lake, "failed")
    for name in ("a", "b", "c", "d", "failed"):
        schedule.schedule_task(lake, name, START)
    held = schedule.claim_next(lake, START, is_preview=False)
    assert held.task["task_id"] == "a"
    done = []
    fails = runtime(lake, done, result=TaskResult("failed", reason="no luck")).tick(START)
    assert [run.task_id for run in fails] == ["failed"], "c needs the studio, b and d wait"
    assert schedule.finish(lake, held, "completed")
    assert [run.task_id for run in runtime(lake, done).tick(START)] == ["b", "c"]
    assert statuses(lake)["d"] == "scheduled"


def test_what_was_begun_without_a_schedule_is_taken_up_again_beside_what_is_scheduled(lake):
    approve(lake, "killed", "scheduled")
    schedule.claim_task(lake, "killed", START, by="ann")
    schedule.schedule_task(lake, "scheduled", START)
    done = []
    later = datetime.now(UTC) + timedelta(days=1)
    assert {run.task_id for run in runtime(lake, done).tick(max(later, START + timedelta(days=1)))} == {
        "killed",
        "scheduled",
    }


def test_a_task_that_is_run_by_name_waits_for_what_another_holds(lake):
    approve(lake, "a", "b", resource="studio")
    held = schedule.claim_task(lake, "a", START, by="ann")
    with pytest.raises(GateError, match="needs studio, which a holds"):
        schedule.claim_task(lake, "b", START, by="ann")
    assert schedule.finish(lake, held, "completed")
    assert schedule.claim_task(lake, "b", START, by="ann").task["task_id"] == "b"


def test_a_window_that_ended_skips_a_task_and_an_error_fails_it(lake):
    approve(lake, "late", window_ends_at=START)
    approve(lake, "bad")
    for name in ("late", "bad"):
        schedule.schedule_task(lake, name, START)

    def execute(claim):
        raise ZeroDivisionError("oh")

    ran = SchedulerRuntime(SchedulerRepository(lake), execute).tick(START + timedelta(minutes=1))
    assert [(run.task_id, run.status, run.reason) for run in ran] == [("bad", "failed", "ZeroDivisionError: oh")]
    assert tasks.state(lake).task("late")["reason"] == "Its time window ended 2026-12-01 09:00 UTC."
    assert statuses(lake) == {"late": "skipped", "bad": "failed"}


@pytest.mark.parametrize("returned", [None, {"status": "completed"}])
def test_an_executor_that_returns_something_else_fails_its_task_and_stops_no_other(lake, returned):
    approve(lake, "a", "b")
    for name in ("a", "b"):
        schedule.schedule_task(lake, name, START)
    ran = SchedulerRuntime(SchedulerRepository(lake), lambda claim: returned).tick(START + timedelta(minutes=1))
    assert [run.status for run in ran] == ["failed", "failed"]
    assert "TaskResult" in ran[0].reason
    assert statuses(lake) == {"a": "failed", "b": "failed"}


def test_a_lease_frees_what_a_killed_tick_held_and_the_effect_carries_the_same_key(lake):
    approve(lake, "a")
    schedule.schedule_task(lake, "a", START)
    killed = schedule.claim_next(lake, START, is_preview=False)
    done = []
    assert runtime(lake, done).tick(START + timedelta(minutes=14)) == []
    (run,) = runtime(lake, done).tick(START + timedelta(minutes=15))
    assert (run.status, run.execution_id) == ("completed", killed.execution_id)
    assert not schedule.finish(lake, killed, "failed"), "who comes back late changes nothing"
    assert statuses(lake) == {"a": "completed"}


def test_of_ticks_at_once_each_task_is_claimed_by_one(lake):
    names = [f"t{number}" for number in range(6)]
    approve(lake, *names)
    for name in names:
        schedule.schedule_task(lake, name, START)
    done = []
    with ThreadPoolExecutor(3) as pool:
        ran = list(pool.map(lambda _: runtime(Lake(Path(lake.root)), done).tick(START), range(3)))
    assert sorted(run.task_id for runs in ran for run in runs) == names
    assert sorted(name for name, _ in done) == names
    assert set(statuses(lake).values()) == {"completed"}


def test_an_approval_that_does_not_count_any_more_lets_nothing_be_done(lake):
    approve(lake, "a")
    schedule.schedule_task(lake, "a", START)
    lake.path("kaizen.toml").write_text('[promotion]\napprovers = ["ann"]\n', encoding="utf-8")
    done = []
    assert runtime(Lake(Path(lake.root)), done).tick(START) == []
    assert done == []
    assert "not signed by one of ann" in tasks.state(lake).task("a")["reason"]


def test_the_repository_answers_as_applications_ask(lake):
    approve(lake, "a", "b")
    repository = SchedulerRepository(str(lake.root))
    assert repository.add_scheduled_task({"task_id": "b", "run_at": "2026-12-01T08:00:00"})["status"] == "scheduled"
    repository.add_scheduled_task("a", START)
    assert [task["task_id"] for task in repository.get_due_tasks(START.replace(tzinfo=None))] == ["b", "a"]
    assert [task["task_id"] for task in repository.get_due_tasks(START, limit=1)] == ["b"]
    assert repository.get_scheduled_task("c") is None
    assert repository.update_status("b", "skipped", "no need")["reason"] == "no need"
    assert [task["task_id"] for task in repository.list_for_brand("acme", "scheduled")] == ["a"]
    with pytest.raises(UsageError, match="does not become approved"):
        repository.update_status("a", "approved")
    with pytest.raises(GateError, match="is skipped, and does not become scheduled"):
        repository.add_scheduled_task("b", START)
    with pytest.raises(UsageError, match="Say when a is to run"):
        repository.add_scheduled_task("a")
