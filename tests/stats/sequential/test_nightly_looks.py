"""What the methods promise although somebody looks every night, on few canaries; the benchmark runs 20,000 of each."""

import pytest

from benchmarks.canaries import CASES, UNSAFE, early_estimates, false_decisions, power, segment_decisions, shrinkage

CANARIES = 800
SAFE = ("always-valid", "spending t²", "O'Brien-Fleming", "promote or roll back")


def most(canaries, alpha=0.05):
    return alpha + 3 * (alpha * (1 - alpha) / canaries) ** 0.5


@pytest.mark.parametrize("number", sorted(set(range(len(CASES))) - UNSAFE), ids=lambda number: CASES[number].name)
def test_an_a_a_canary_is_seldom_decided(number):
    shares = false_decisions(CASES[number], CANARIES, seed=number)
    for method in SAFE:
        assert shares[method] <= most(CANARIES), method


def test_a_welch_test_every_night_decides_many():
    shares = false_decisions(CASES[1], CANARIES, seed=9)
    assert 0.22 < shares["Welch every night"] < 0.34


def test_runs_of_one_user_tested_as_if_independent_decide_most():
    shares = false_decisions(CASES[9], 200, seed=9)
    assert shares["always-valid"] > 0.4


def test_none_of_twenty_null_segments_is_called_different():
    shares = segment_decisions(150, seed=1)
    assert shares["Welch every night"] > 0.9
    assert shares["running-minimum always-valid with Benjamini-Hochberg"] <= most(150)


def test_true_effects_are_found():
    found = power(500, seed=2)
    slack = 0.03
    for method in ("always-valid", "spending t²", "promote or roll back"):
        assert found[-0.02, method, 10] >= 0.89 - slack
    assert found[-0.01, "spending t²", 30] >= 0.93 - slack
    assert found[-0.01, "always-valid", 30] >= 0.78 - slack


def test_effects_of_early_nights_are_mended_and_those_of_segments_shrunk():
    early = early_estimates(200, seed=3)
    assert abs(early["corrected, median"] + 0.01) < abs(early["raw, median"] + 0.01) + 0.0005
    name = "mean of those decided within 10 nights"
    assert early[f"raw, {name}"] < early[f"corrected, {name}"] < -0.01
    assert abs(early[f"shrunk, {name}"] + 0.01) < abs(early[f"raw, {name}"] + 0.01) / 1.5
    raw, shrunk = shrinkage(300, seed=4)
    assert shrunk < raw / 3
