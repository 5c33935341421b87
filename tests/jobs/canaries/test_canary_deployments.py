"""Deployments: what was started and ended, and the lists that their payloads hold as JSON."""

import pytest

from jobs.canary_frames import LATER, deployed, ended, started
from jobs.drawn import day


def only(*events, as_of=LATER):
    (row,) = deployed(*events, as_of=as_of).iter_rows(named=True)
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
    assert deployed(ended(4)).is_empty()
    assert deployed(started(4), as_of=day(4)).is_empty()


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
        ({"arms": [{"policy_version": "1.1.0", "share": 0.2}, None]}, [0.2]),
        ({"arms": [{"policy_version": "1.1.0", "share": 0.2}, 5]}, [None]),
        ({"arms": [{"policy_version": "1.1.0", "share": [0.2]}]}, [None]),
        ({"arms": [{"policy_version": "1.1.0", "share": {"of": 0.2}}]}, [None]),
        ({"arms": [{"policy_version": ["1.1.0"], "share": 0.2}]}, [None]),
        ('{"arms": [{"policy_version": "1.1.0", "share": 1e999}]}', [None]),
        ('{"arms": [{"policy_version": "1.1.0", "share": 0.2}], "share": [1]}', [None]),
        ('{"arms": [{"policy_version": "1.1.0", "share": 0.2, "why": "\\"share\\": [ {"}], "of": "user"}', [0.2]),
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
