"""Which look at a candidate stands."""

import json

import polars as pl
import pytest

from jobs.drawn import frame
from kaizenlake.jobs.canaries._canary_standing import standing, with_pauses
from kaizenlake.tables import CanaryLooks

HELD, UNCLEAR = ([{"metric": "cost_usd", "verdict": verdict}] for verdict in ("held", "unclear"))


def looks(*nights, version="1.1.0", tenant=None):
    """Looks as nights tell them: verdict, runs of the candidate and of the control so far, effect, guardrails."""
    rows = [
        {
            "tenant_id": tenant,
            "deployment_id": "d",
            "policy_version": version,
            "look": look,
            "verdict": verdict,
            "runs": runs,
            "runs_control": control,
            "effect": effect,
            "guardrails": json.dumps(rails[0] if rails else HELD),
        }
        for look, (verdict, runs, control, effect, *rails) in enumerate(nights, 1)
    ]
    return frame(CanaryLooks, rows)


CROSSED = ("promote", 100, 100, -0.1)


@pytest.mark.parametrize(
    ("nights", "stands"),
    [
        ([("insufficient", 9, 9, None), CROSSED], 2),
        ([CROSSED, ("continue", 100, 100, -0.1)], 1),  # no run came
        ([CROSSED, ("continue", 100, 180, -0.1)], 1),  # none under the candidate
        ([CROSSED, ("continue", 100, 180, 0.02)], 2),  # which shows that it is worse
        ([CROSSED, ("continue", 150, 150, 0.01)], 2),
        ([CROSSED, ("continue", 150, 150, -0.1, UNCLEAR)], 2),  # a guardrail is held no more
        ([CROSSED, ("continue", 150, 150, 0.01), ("continue", 150, 150, 0.01)], 2),
        ([CROSSED, ("rollback", 150, 150, 0.3)], 2),
        ([CROSSED, ("invalid", 100, 200, -0.1), ("continue", 100, 200, -0.1)], 2),
        ([("continue", 50, 50, -0.1), ("continue", 60, 50, -0.1)], 2),
        ([("continue", 50, 50, -0.1), ("continue", 50, 50, -0.1)], 1),
        ([("continue", 0, 0, None), ("continue", 0, 0, None)], 2),
    ],
)
def test_a_pause_takes_nothing_back_and_what_came_may(nights, stands):
    assert standing(looks(*nights)).collect()["look"].to_list() == [stands]


def test_each_candidate_of_each_tenant_stands_for_itself():
    pause = ("continue", 100, 100, -0.1)
    parts = [
        looks(CROSSED, pause, tenant="a"),
        looks(CROSSED, ("continue", 150, 150, 0.1), tenant="b"),
        looks(pause, CROSSED, pause),
        looks(pause, version="1.2.0"),
    ]
    found = standing(pl.concat(parts)).sort("tenant_id", "policy_version").collect()
    told = found.select("tenant_id", "policy_version", "look", "verdict").rows()
    assert told == [
        (None, "1.1.0", 2, "promote"),
        (None, "1.2.0", 1, "continue"),
        ("a", "1.1.0", 1, "promote"),
        ("b", "1.1.0", 2, "continue"),
    ]


def test_of_no_look_none_stands():
    assert standing(looks()).collect().is_empty()
    assert with_pauses(looks()).collect().is_empty()
