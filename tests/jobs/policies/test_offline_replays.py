"""Replays by estimator, and golden sets by version."""

import json

import pytest

from jobs.drawn import day, frame
from kaizenlake import tables
from kaizenlake.jobs.policies.golden_sets import golden_sets
from kaizenlake.jobs.policies.offline_replays import offline_replays
from kaizenlake.tables import GoldenSets, OfflineReplays, ReplayLog

LATER = day(365)


def entry(estimator, loss, **figures):
    return {"estimator": estimator, "loss": loss, "effect": loss - 0.5, "seeds_sd": 0.0} | figures


def replayed(number, estimates, **said):
    """One replay event."""
    return {
        "event_id": f"e{number}",
        "event_type": "OFFLINE_REPLAYED",
        "occurred_at": day(number),
        "event_date": day(number).date(),
        "replay_id": f"p{number}",
        "kind": "off_policy",
        "policy_id": "router",
        "policy_version": "1.0.0",
        "doer": "router",
        "content_sha256": "a" * 64,
        "verdict": "passed",
        "estimator": "sndr",
        "logged_loss": 0.5,
        "shortfalls": [],
        "random_seeds": 5,
        "runs": 900,
        "units": 300,
        "decided_by": "ann",
        "estimates": json.dumps(estimates),
    } | said


def compute(*rows, as_of=LATER):
    return tables.check(OfflineReplays, offline_replays(frame(ReplayLog, rows), as_of=as_of).collect())


def test_one_row_an_estimator_and_one_that_the_verdict_rests_on():
    found = compute(
        replayed(0, {"estimates": [entry("ips", 0.4), entry("sndr", 0.45, ci_low=0.4, effect_ci_high=-0.01)]})
    )
    shown = found.select(
        "replay_id", "estimator", "is_verdict", "estimated_loss", "loss_ci_low", "effect_ci_high", "runs"
    )
    assert shown.rows() == [
        ("p0", "ips", False, 0.4, None, None, 900),
        ("p0", "sndr", True, 0.45, 0.4, -0.01, 900),
    ]
    assert found["replayed_at"].to_list() == [day(0)] * 2
    assert found["logged_loss"].to_list() == [0.5] * 2


@pytest.mark.parametrize(
    ("estimates", "said"),
    [
        ({"estimates": []}, {"verdict": "refused", "estimator": None, "logged_loss": None, "shortfalls": ["too few"]}),
        # What a refusal should not carry does not get through.
        ({"estimates": [entry("sndr", 0.4)]}, {"verdict": "refused", "shortfalls": ["too few"]}),
        ({"click_rate": 0.03}, {}),
        ({"estimates": None}, {"shortfalls": None}),
        ({"estimates": 5}, {}),
        ({"estimates": {"sndr": 0.4}}, {}),
        ({"estimates": [entry("sndr", 0.4), 5]}, {}),
        ({"estimates": [entry("sndr", 0.4), [0.4]]}, {}),
        ({"estimates": [{"estimator": {"name": "sndr"}, "loss": 0.4}]}, {}),
        ({"estimates": [entry("sndr", 0.4, effect=10**400)]}, {}),
        ([entry("sndr", 0.4)], {}),
    ],
)
def test_without_an_answer_there_is_one_row_without_figures(estimates, said):
    (row,) = compute(replayed(0, estimates, **said)).iter_rows(named=True)
    assert (row["estimator"], row["is_verdict"]) == ("none", False)
    figures = ("estimated_loss", "loss_ci_low", "loss_ci_high", "effect", "effect_ci_low", "effect_ci_high", "seeds_sd")
    assert [row[name] for name in figures] == [None] * len(figures)
    assert row["shortfalls"] == (said.get("shortfalls") or [])
    if said.get("verdict") == "refused":
        assert row["logged_loss"] is None


def test_a_figure_that_is_no_number_is_not_known_and_the_others_are():
    (row,) = compute(replayed(0, {"estimates": [entry("sndr", 0.4, ci_low="low", effect=1e-300)]})).to_dicts()
    assert (row["estimated_loss"], row["loss_ci_low"], row["effect"]) == (0.4, None, 1e-300)


def test_of_one_replay_the_latest_event_counts_and_later_ones_not_yet():
    rows = (
        replayed(0, {"estimates": [entry("sndr", 0.4)]}, replay_id="p"),
        replayed(1, {"estimates": [entry("sndr", 0.3), entry("sndr", 0.3)]}, replay_id="p"),
        replayed(9, {"estimates": [entry("sndr", 0.2)]}),
    )
    assert compute(*rows, as_of=day(9)).select("replay_id", "estimated_loss").rows() == [("p", 0.3)]


def frozen(number, version, runs, **said):
    return {
        "event_id": f"e{number}",
        "event_type": "GOLDEN_SET_FROZEN",
        "occurred_at": day(number),
        "event_date": day(number).date(),
        "golden_set_id": "core",
        "golden_set_version": version,
        "doer": "router",
        "golden_runs": runs,
        "content_sha256": f"{number}" * 64,
        "signature": "s",
        "key_id": "k",
        "decided_by": "ann",
    } | said


def test_versions_of_golden_sets():
    rows = (
        frozen(0, 1, ["a", "b"]),
        frozen(1, 2, ["a", "b", "c"], reason="one more"),
        frozen(2, 2, ["x"]),  # the version there was first stays
        frozen(3, 1, ["a"], golden_set_id="edge"),
        frozen(9, 3, ["a"]),
    )
    made = golden_sets(frame(ReplayLog, rows), as_of=day(9)).collect()
    shown = tables.check(GoldenSets, made).select("golden_set_id", "golden_set_version", "runs", "is_newest", "reason")
    assert shown.rows() == [("core", 1, 2, False, None), ("core", 2, 3, True, "one more"), ("edge", 1, 1, True, None)]
