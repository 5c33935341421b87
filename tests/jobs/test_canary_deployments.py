"""Deployments: what was started and ended, and the lists that their payloads hold as JSON."""

import json

import pytest

from jobs.drawn import day, frame
from kaizenlake import tables
from kaizenlake.jobs.deployments import deployments
from kaizenlake.tables import DeploymentLog, Deployments

LATER = day(20)


def started(at=0.5, **told):
    """A start on a day, by its payload as silver holds it."""
    arms = told.pop("shares", {"1.1.0": 0.1})
    arms = told.pop("arms", {"arms": [{"policy_version": key, "share": share} for key, share in arms.items()]})
    rails = told.pop("rails", {"cost_usd": 0.02})
    rails = told.pop("guardrails", {"guardrails": [{"metric": key, "margin": value} for key, value in rails.items()]})
    return event("DEPLOYMENT_STARTED", at) | {
        "deployment_id": "d",
        "deployment_mode": "canary",
        "policy_id": "planner",
        "doer": "planner",
        "control_version": "1.0.0",
        "candidate_versions": ["1.1.0"],
        "arms": arms if isinstance(arms, str) else json.dumps(arms),
        "unit_name": "user",
        "salt": "s",
        "horizon_nights": 14,
        "minimum_units": 100,
        "alpha_rate": 0.05,
        "method": "power",
        "max_loss_increase_rate": 0.02,
        "guardrails": rails if isinstance(rails, str) else json.dumps(rails),
        "decided_by": "ada",
        **told,
    }


def ended(at, **told):
    return event("DEPLOYMENT_ENDED", at) | {"deployment_id": "d", "result": "stopped", "decided_by": "bo", **told}


def event(event_type, at):
    return {"event_type": event_type, "occurred_at": day(at), "event_date": day(at).date()}


def run(*events, as_of=LATER):
    rows = [{"event_id": f"e{number}", **row} for number, row in enumerate(events)]
    return tables.check(Deployments, deployments(frame(DeploymentLog, rows), as_of=as_of).collect())


def only(*events, as_of=LATER):
    (row,) = run(*events, as_of=as_of).iter_rows(named=True)
    return row


def test_a_start_is_told_with_its_lists_decoded():
    row = only(started(reason="try it", auto_promote=True, phase="draft"))
    assert (row["status"], row["started_at"], row["started_by"], row["reason"]) == (
        "running",
        day(0.5),
        "ada",
        "try it",
    )
    assert (row["candidate_versions"], row["candidate_shares"]) == (["1.1.0"], [0.1])
    assert (row["guardrail_metrics"], row["guardrail_margins"]) == (["cost_usd"], [0.02])
    assert (row["alpha"], row["max_loss_increase"], row["phase"]) == (0.05, 0.02, "draft")
    assert (row["auto_promote"], row["auto_rollback"]) == (True, True)
    assert (row["ended_at"], row["result"], row["ended_by"]) == (None, None, None)


def test_an_end_closes_it():
    row = only(started(reason="try it"), ended(3.5, reason="enough", result="promoted"))
    assert (row["status"], row["ended_at"], row["ended_by"]) == ("ended", day(3.5), "bo")
    assert (row["result"], row["reason"], row["looks_count"]) == ("promoted", "enough", 4)


def test_only_the_first_start_and_the_first_end_after_it_count():
    row = only(started(1, salt="first"), started(2, salt="second"), ended(0.5), ended(4, result="validated"), ended(5))
    assert (row["salt"], row["ended_at"], row["result"]) == ("first", day(4), "validated")
    assert run(ended(4)).is_empty()
    assert run(started(4), as_of=day(4)).is_empty()


@pytest.mark.parametrize(
    ("at", "end", "as_of", "horizon", "expected"),
    [
        (0.5, None, 1, 14, 1),  # the first day is over
        (0.5, None, 0.9, 14, 0),  # it is not yet
        (0.5, None, 3.9, 14, 3),  # a day that goes on has no look yet
        (0.0, None, 20, 14, 14),  # no look after the horizon
        (0.5, 2.3, 20, 14, 3),  # the day of the end is the last
        (0.5, 2.3, 2.5, 14, 2),
        (0.5, 0.6, 20, 1, 1),
    ],
)
def test_looks(at, end, as_of, horizon, expected):
    events = [started(at, horizon_nights=horizon)] + ([ended(end)] if end is not None else [])
    assert only(*events, as_of=day(as_of))["looks_count"] == expected


def test_candidates_and_shares_stand_side_by_side_in_the_order_given():
    versions = ["c", "a", "b", "a", "1.0.0"]
    row = only(started(candidate_versions=versions, shares={"b": 0.2, "c": 0.1, "x": 0.3}))
    assert row["candidate_versions"] == ["c", "a", "b"]
    assert row["candidate_shares"] == [0.1, None, 0.2]


@pytest.mark.parametrize(
    ("arms", "shares"),
    [
        ({"click_rate": 0.03}, [None]),
        ({"arms": None}, [None]),
        ({"arms": 5}, [None]),
        ({"arms": []}, [None]),
        ({"arms": ["1.1.0"]}, [None]),
        ([], [None]),
        ({"arms": [{"policy_version": "1.1.0"}]}, [None]),
        ({"arms": [{"policy_version": "1.1.0", "share": "much"}]}, [None]),
        ({"arms": [{"policy_version": "1.1.0", "share": 1.5}]}, [None]),
        ({"arms": [{"policy_version": "1.1.0", "share": 1}]}, [1.0]),
        ('{ "arms" : [ {"share": 0.2, "policy_version": "1.1.0", "more": [1]}]}', [0.2]),
    ],
    ids=str,
)
def test_shares_that_are_not_told_are_null(arms, shares):
    assert only(started(arms=arms))["candidate_shares"] == shares


@pytest.mark.parametrize(
    ("guardrails", "expected"),
    [
        ({"click_rate": 0.03}, []),
        ({"guardrails": [{"metric": "beauty", "margin": 1}]}, []),
        ({"guardrails": [{"metric": "cost_usd", "margin": -1}]}, []),
        ({"guardrails": [{"metric": "cost_usd"}, {"margin": 1}]}, []),
        (
            {"guardrails": [{"metric": m, "margin": at} for at, m in enumerate(("cost_usd", "contradictions") * 2)]},
            [("cost_usd", 0.0), ("contradictions", 1.0)],
        ),
    ],
    ids=str,
)
def test_guardrails_are_those_that_can_be_watched(guardrails, expected):
    row = only(started(guardrails=guardrails))
    assert list(zip(row["guardrail_metrics"], row["guardrail_margins"], strict=True)) == expected
