"""Tasks: every way through their states, who may approve, what is signed, and what an application cannot say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizenlake import log_event
from kaizenlake.decide.agency import tasks
from kaizenlake.decide.agency.task_command import TaskCommand
from kaizenlake.decide.agency.task_state import NEXT
from kaizenlake.decide.agency.tasks import TaskDraft
from kaizenlake.decide.record import trust
from kaizenlake.errors import EventError, GateError, UsageError
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.tables import Events

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def propose(lake, name="t1", *, now=NOW, **fields):
    draft = TaskDraft(**{"brand_id": "acme", "task_type": "email_rewrite", "task_id": name} | fields)
    (made,) = tasks.propose(lake, lambda _: [draft], by="ann", now=now)
    return tasks.state(lake).task(made)


def move(lake, to, name="t1", **said):
    command = TaskCommand(lake, "ann", now=NOW)
    command.run(lambda found: [command.move(found, found.task(name), to, **said)])
    return command.state().task(name)


def set_up(folder, **groups):
    lake = Lake.create(folder / "lake")
    lines = []
    for group, values in groups.items():
        lines += [f"[{group}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    lake.path("kaizen.toml").write_text("\n".join(lines), encoding="utf-8")
    return Lake(folder / "lake")


def test_a_task_waits_for_a_person_and_says_who_approved_it_and_why(tmp_path):
    lake = set_up(tmp_path)
    made = propose(lake, reason="Few open it", inputs={"focus": "subject lines"}, confidence_rate=0.8, priority="HIGH")
    assert (made["status"], made["decided_by"], made["reason"]) == ("pending_review", "ann", "Few open it")
    assert json.loads(made["inputs"]) == {"focus": "subject lines"}
    done = tasks.approve(lake, "t1", by="bob", reason="Worth it", now=NOW)
    assert (done["status"], done["approved_by"], done["reason"]) == ("approved", "bob", "Worth it")
    assert done["proposal_reason"] == "Few open it"
    rows = lake.scan(Events).collect().height
    assert tasks.approve(lake, "t1", by="bob", now=NOW) == done
    assert lake.scan(Events).collect().height == rows, "approved once more, nothing is appended"
    with pytest.raises(UsageError, match="not the night"):
        tasks.approve(lake, "t1", by="night")
    with pytest.raises(UsageError, match="There is no task 't2'"):
        tasks.approve(lake, "t2", by="bob")
    with pytest.raises(UsageError, match="There is a task 't1' already"):
        propose(lake)


def test_steps_of_one_instant_stand_in_the_order_in_which_they_were_taken(tmp_path):
    lake = set_up(tmp_path)
    propose(lake)
    tasks.approve(lake, "t1", by="bob", now=NOW)
    for to in ("scheduled", "approved", "scheduled", "in_progress", "completed_preview", "scheduled"):
        assert move(lake, to)["status"] == to
    assert tasks.state(lake).task("t1")["steps"] == 7
    assert decisions.doubts(lake) == ()


@settings(max_examples=6)
@given(walk=st.lists(st.sampled_from(sorted(NEXT)), min_size=1, max_size=5))
def test_only_steps_that_lead_on_are_taken(walk, tmp_path_factory):
    lake = set_up(tmp_path_factory.mktemp("walk"))
    propose(lake)
    at = "pending_review"
    for to in walk:
        if to in NEXT[at]:
            at = move(lake, to)["status"]
            assert at == to
        else:
            with pytest.raises(GateError, match=f"The task t1 is {at}, and does not become {to}"):
                move(lake, to)
            assert tasks.state(lake).task("t1")["status"] == at


def test_where_approvers_are_named_only_their_signature_lets_a_task_be_done(tmp_path):
    lake = set_up(tmp_path)
    propose(lake)
    propose(lake, "t2")
    tasks.approve(lake, "t1", by="bob", now=NOW)
    tasks.check_approval(lake, tasks.state(lake), tasks.state(lake).task("t1"))
    lake = set_up(tmp_path, promotion={"approvers": ["ann"]})
    with pytest.raises(GateError, match="bob is not signed by one of ann"):
        tasks.check_approval(lake, tasks.state(lake), tasks.state(lake).task("t1"))
    with pytest.raises(GateError, match="bob may not approve"):
        tasks.approve(lake, "t2", by="bob", now=NOW)
    with pytest.raises(GateError, match="The lake knows no key of ann"):
        tasks.approve(lake, "t2", by="ann", now=NOW)
    key = tmp_path / "ann.pem"
    trust.add_person(lake, "ann", trust.make_person_key(lake, key), by="bob")
    with pytest.raises(GateError, match="needs their signature"):
        tasks.approve(lake, "t2", by="ann", now=NOW)
    done = tasks.approve(lake, "t2", by="ann", key=key, now=NOW)
    assert done["approver_key_id"] is not None
    found = tasks.state(lake)
    tasks.check_approval(lake, found, done)
    with pytest.raises(GateError, match="not signed"):
        tasks.check_approval(lake, found, done | {"inputs": '{"focus":"another"}'})


def test_a_task_that_nobody_approved_or_that_was_withdrawn_is_not_done(tmp_path):
    lake = set_up(tmp_path)
    propose(lake)
    with pytest.raises(GateError, match="is pending_review: nobody approved it"):
        tasks.check_approval(lake, tasks.state(lake), tasks.state(lake).task("t1"))
    tasks.approve(lake, "t1", by="bob", now=NOW)
    done = tasks.reject(lake, "t1", by="bob", reason="the offer ends", now=NOW)
    assert done["status"] == "rejected"
    with pytest.raises(GateError, match="is rejected"):
        tasks.check_approval(lake, tasks.state(lake), done)


RULES = {"auto_approve_types": ["email_rewrite"], "auto_approve_confidence": 0.8, "auto_approve_risk": "medium"}


@pytest.mark.parametrize(
    ("rules", "fields", "status"),
    [
        ({}, {"confidence_rate": 1.0, "risk": "low"}, "pending_review"),
        (RULES, {"confidence_rate": 0.8, "risk": "medium"}, "approved"),
        (RULES, {"confidence_rate": 0.79, "risk": "low"}, "pending_review"),
        (RULES, {"confidence_rate": None, "risk": "low"}, "pending_review"),
        (RULES, {"confidence_rate": 1.0, "risk": "high"}, "pending_review"),
        (RULES, {"confidence_rate": 1.0, "risk": None}, "pending_review"),
        (RULES, {"confidence_rate": 1.0, "risk": "low", "task_type": "website_copy"}, "pending_review"),
    ],
)
def test_a_setting_approves_only_what_it_names(rules, fields, status, tmp_path):
    lake = set_up(tmp_path, tasks=rules)
    made = propose(lake, **fields)
    assert made["status"] == status
    if status == "approved":
        assert made["is_auto_approved"]
        assert "tasks.auto_approve_types names email_rewrite; its confidence 0.80" in made["reason"]
        tasks.check_approval(lake, tasks.state(lake), made)


def test_no_setting_approves_where_approvers_are_named(tmp_path):
    lake = set_up(tmp_path, tasks=RULES, promotion={"approvers": ["ann"]})
    assert propose(lake, confidence_rate=1.0, risk="low")["status"] == "pending_review"


def test_an_application_cannot_say_that_a_task_is_approved(tmp_path):
    lake = set_up(tmp_path)
    propose(lake)
    said = {
        "task_id": "t1",
        "brand_id": "acme",
        "from_status": "pending_review",
        "to_status": "approved",
        "decided_by": "bob",
    }
    with pytest.raises(EventError, match="TASK_MOVED is a decision, which is not logged"):
        log_event("TASK_MOVED", said)
    file = tmp_path / "forged.ndjson"
    event = {"type": "TASK_MOVED", "id": "x", "occurred_at": (NOW + timedelta(days=1)).isoformat(), "payload": said}
    file.write_text(json.dumps(event), encoding="utf-8")
    assert land(lake, file).quarantined == 1
    assert tasks.state(lake).task("t1")["status"] == "pending_review"


def test_tenants_do_not_see_the_tasks_of_others(tmp_path):
    lake = set_up(tmp_path)
    for tenant in ("north", "south"):
        propose(lake.of(tenant, is_walled=True), tenant, brand_id=tenant)
    assert [row["task_id"] for row in tasks.state(lake.of("north", is_walled=True)).rows()] == ["north"]
