"""Units of a deployment: which runs are theirs, what is added up, and what they did before."""

import pytest

from jobs.canary_frames import ended, started, units_from
from jobs.drawn import day
from kaizenlake.parameters import Canaries

NEW, OLD = "1.1.0", "1.0.0"


def versions(found):
    return sorted(found.select("deployment_id", "policy_version", "runs").rows())


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ((1, NEW, "u", 0.5), True),
        ((1, OLD, "u", 0.5), True),
        ((1, "2.0.0", "u", 0.5), False),  # a version that is not compared
        ((0.4, NEW, "u", 0.5), False),  # before the start
        ((0.5, NEW, "u", 0.5), True),
        ((3.5, NEW, "u", 0.5), False),  # at the end
        ((1, NEW, "u", 0.5, {"policy_id": "coder"}), False),
        ((1, NEW, "u", 0.5, {"doer": "coder"}), False),
        ((1, NEW, "u", 0.5, {"doer": "coder", "deployment_id": "d"}), True),  # it says so itself
        ((1, NEW, "u", 0.5, {"deployment_id": "other"}), False),
        ((1, NEW, "u", 0.5, {"phase": "final"}), False),
        ((1, NEW, "u", 0.5, {"phase": None}), False),
        ((1, NEW, "u", 0.5, {"phase": "final", "deployment_id": "d"}), True),
        ((1, NEW, "u", None), True),  # no loss, and yet a run of the unit
        ((1, NEW, None, 0.5), True),  # no unit: kept, to be counted
    ],
    ids=str,
)
def test_which_runs_are_of_a_deployment(run, expected):
    run = (*run[:4], {"phase": "draft"} | (run[4] if len(run) > 4 else {}))
    found = units_from([run], started(phase="draft"), ended(3.5))
    assert found.height == int(expected)


def test_a_deployment_without_a_phase_takes_runs_of_all():
    found = units_from([(1, NEW, "u", 0.5, {"phase": phase}) for phase in ("draft", "final", None)], started())
    assert versions(found) == [("d", NEW, 1)] * 3


def test_two_deployments_share_the_runs_of_their_control():
    runs = [(1, OLD, "u", 0.5), (1, NEW, "v", 0.5), (1, "1.2.0", "w", 0.5)]
    found = units_from(runs, started(), started(deployment_id="e", candidate_versions=["1.2.0"]))
    assert versions(found) == [("d", OLD, 1), ("d", NEW, 1), ("e", OLD, 1), ("e", "1.2.0", 1)]


def test_losses_and_guarded_figures_are_added_up_by_unit_and_day():
    runs = [
        (1.1, NEW, "u", 0.25, {"cost_usd": 0.5, "security_criticals": 0}),
        (1.2, NEW, "u", 0.5, {"cost_usd": 0.25}),
        (1.3, NEW, "u", None, {"security_criticals": 2**60}),
        (2.1, NEW, "u", 0.125),
    ]
    first, second = units_from(runs, started()).iter_rows(named=True)
    assert (first["event_date"], first["runs"], first["n"], first["loss_micros"]) == (day(1).date(), 3, 2, 750_000)
    assert (first["cost_usd_n"], first["cost_usd_micros"]) == (2, 750_000)
    # A single run counts up to a million.
    assert (first["security_criticals_n"], first["security_criticals_micros"]) == (2, 10**12)
    assert (first["latency_seconds_n"], first["latency_seconds_micros"]) == (0, 0)
    assert (second["event_date"], second["runs"], second["loss_micros"]) == (day(2).date(), 1, 125_000)


def test_failed_gates_are_those_of_the_loss():
    found = units_from([(1, NEW, "u", 0.5, {"gates_term": 0.25}), (1, NEW, "u", 0.5)], started())
    assert found.select("failed_gates_rate_n", "failed_gates_rate_micros").row(0) == (1, 250_000)


def test_units_are_parted_by_tenant_phase_and_segment():
    runs = [(1, NEW, "u", 0.5, {"segment": name, "tenant_id": "t"}) for name in ("a", "a", "b")]
    runs.append((1, NEW, "u", 0.5, {"segment": "a"}))  # of another tenant, which is none
    found = units_from(runs, started(tenant_id="t")).select("tenant_id", "segment", "runs")
    assert sorted(found.rows()) == [("t", "a", 2), ("t", "b", 1)]


def test_the_past_of_a_unit_are_its_runs_before_the_start_under_whatever_policy():
    runs = [
        (1, NEW, "u", 0.5),
        (1, NEW, "v", 0.5),
        (0.4, "0.9.0", "u", 0.25),
        (0.3, "0.9.0", "u", None),  # no loss
        (0.2, "0.9.0", "u", 0.5, {"policy_id": "other"}),
        (0.2, "0.9.0", "u", 0.5, {"doer": "coder"}),  # another agent
        (-9.4, "0.9.0", "u", 0.125),
        (-9.6, "0.9.0", "u", 1.0),  # too long ago
    ]
    found = units_from(runs, started(), canaries=Canaries(history_days=10)).sort("unit_id")
    assert found.select("unit_id", "history_n", "history_micros").rows() == [("u", 3, 875_000), ("v", 0, 0)]
    phased = units_from(
        [(1, NEW, "u", 0.5, {"phase": "draft"}), (0.1, OLD, "u", 0.5), (0.2, OLD, "u", 0.25, {"phase": "draft"})],
        started(phase="draft"),
    )
    assert phased["history_micros"].to_list() == [250_000]
