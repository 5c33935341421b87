import numpy as np
import pytest

from kaizenlake.stats.replay.offpolicy import (
    ESTIMATORS,
    LoggedChoices,
    OverlapRules,
    Refusal,
    Replay,
    Resampling,
    evaluate_off_policy,
    never_logged,
    off_policy_estimates,
)
from kaizenlake.stats.replay.reward_model import Predicted

NAN = float("nan")
LOGGED = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]])  # context x action
TARGET = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
LOSS = np.array([[0.2, 0.5, 0.8], [0.7, 0.4, 0.1]])
TRUTH = float((TARGET * LOSS).sum(axis=1).mean())
AT = {name: place for place, name in enumerate(ESTIMATORS)}


def log(rng, runs, model=LOSS, propensities=LOGGED):
    """Runs of the logging policy: loss, target and logged propensity, predicted and expected loss of a model."""
    x = rng.integers(0, 2, runs)
    a = (rng.random(runs)[:, None] > np.cumsum(LOGGED, axis=1)[x]).sum(axis=1)
    loss = LOSS[x, a] + rng.normal(0, 0.1, runs)
    return loss, TARGET[x, a], propensities[x, a], model[x, a], (TARGET * model)[x].sum(axis=1)


def test_by_hand():
    loss, target, logged, predicted, expected = (
        np.array(part) for part in ([1.0, 0.0, 0.5], [0.9, 0.2, 0.5], [0.3, 0.4, 0.5], [0.8, 0.1, 0.5], [0.7, 0.3, 0.5])
    )
    w, clipped = np.array([3.0, 0.5, 1.0]), np.array([2.0, 0.5, 1.0])
    residual = loss - predicted
    by_hand = {
        "ips": np.mean(w * loss),
        "clipped_ips": np.mean(clipped * loss),
        "snips": np.sum(w * loss) / np.sum(w),
        "dm": np.mean(expected),
        "dr": np.mean(expected + w * residual),
        "sndr": np.mean(expected) + np.sum(w * residual) / np.sum(w),
        "switch_dr": np.mean(expected + np.where(w <= 2, w, 0) * residual),
    }
    found = off_policy_estimates(loss, target, logged, predicted=predicted, expected=expected, clip=2.0)
    np.testing.assert_allclose(found, [by_hand[name] for name in ESTIMATORS], rtol=1e-12)


@pytest.mark.parametrize(
    ("case", "unbiased"),
    [
        ("right model and propensities", {"ips", "snips", "dm", "dr", "sndr", "switch_dr"}),
        ("wrong model", {"ips", "snips", "dr", "sndr", "switch_dr"}),
        ("wrong propensities", {"dm", "dr", "sndr", "switch_dr"}),
    ],
)
def test_the_doubly_robust_ones_need_one_of_two_to_be_right(case, unbiased):
    model = np.full((2, 3), 0.9) if case == "wrong model" else LOSS
    propensities = np.full((2, 3), 1 / 3) if case == "wrong propensities" else LOGGED
    rng = np.random.default_rng(1)
    found = []
    for _ in range(600):
        loss, target, logged, predicted, expected = log(rng, 500, model, propensities)
        found.append(off_policy_estimates(loss, target, logged, predicted=predicted, expected=expected, clip=10.0))
    found = np.array(found)
    error = found.mean(axis=0) - TRUTH
    se = found.std(axis=0) / 600**0.5
    for name in ("ips", "snips", "dm", "dr", "sndr", "switch_dr"):
        # a ratio of means is biased by about 1/n
        assert (abs(error[AT[name]]) < 4 * se[AT[name]] + 5e-4) == (name in unbiased), name
    if case == "right model and propensities":
        assert found[:, AT["dr"]].std() < found[:, AT["ips"]].std() / 2


def test_the_candidate_that_is_the_logger_has_the_logged_loss():
    rng = np.random.default_rng(2)
    loss = rng.random(300)
    answer = evaluate_off_policy(LoggedChoices(loss, np.full(300, 0.4), np.full(300, 0.4), np.arange(300)), seeds=[1])
    assert isinstance(answer, Replay)
    np.testing.assert_allclose(answer.estimates[:3], loss.mean(), rtol=1e-12)
    assert np.isnan(answer.estimates[3:]).all()
    assert np.isnan(answer.stability[3:]).all()
    assert (answer.overlap.effective_runs, answer.overlap.effective_units, answer.overlap.weight_bias) == (
        300,
        300,
        0.0,
    )


def test_intervals_by_unit_cover():
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(200):
        loss, target, logged, predicted, expected = log(rng, 1500)
        user = rng.normal(0, 0.2, 300)
        units = np.repeat(np.arange(300), 5)
        answer = evaluate_off_policy(
            LoggedChoices(loss + user[units], target, logged, units),
            seeds=[1],
            model=Predicted(predicted, expected),
            resampling=Resampling(200),
        )
        if isinstance(answer, Replay):
            covered.append((answer.ci_low <= TRUTH) & (answer.ci_high >= TRUTH))
    assert len(covered) >= 195
    covered = np.mean(covered, axis=0)
    for name in ("ips", "snips", "dm", "dr", "sndr", "switch_dr"):
        # the model is a constant of each run: its interval knows nothing of the users
        assert covered[AT[name]] > (0.0 if name == "dm" else 0.88), name


def test_seeds_decide_and_stability_says_how_much():
    columns = log(np.random.default_rng(4), 800)[:3]
    units = np.arange(800) // 2
    runs, brief = LoggedChoices(*columns, units), Resampling(200)
    one, again = (evaluate_off_policy(runs, seeds=[5], resampling=brief) for _ in range(2))
    np.testing.assert_array_equal(one.ci_low, again.ci_low)
    np.testing.assert_array_equal(one.stability[:3], 0.0)
    few, many = (evaluate_off_policy(runs, seeds=[1, 2, 3], resampling=Resampling(count)) for count in (50, 3000))
    assert 0.0 < many.stability[0] < few.stability[0]
    order = np.random.default_rng(6).permutation(800)
    shuffled = evaluate_off_policy(LoggedChoices(*(part[order] for part in runs[:4])), seeds=[5], resampling=brief)
    np.testing.assert_array_equal(shuffled.ci_low, one.ci_low)


def spoiled(**changes):
    loss, target, logged, _, _ = log(np.random.default_rng(7), 1000)
    asked = {name: changes.pop(name) for name in ("seeds", "resampling", "rules") if name in changes}
    runs = LoggedChoices(loss, target, logged, np.arange(1000))._replace(**changes)
    return evaluate_off_policy(runs, **({"seeds": [1]} | asked))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"units": np.arange(1000) // 20}, "effective units"),
        ({"target": np.zeros(1000)}, "0.0 effective units"),
        ({"target": np.append(np.zeros(990), np.ones(10))}, "effective units"),
        ({"logged": np.full(1000, 0.9)}, "mean weight is"),
        ({"target": np.full(1000, 0.5), "logged": np.full(1000, 0.6)}, "mean weight is 0.833"),
        ({"logged": np.append(np.zeros(1), np.full(999, 0.5))}, "1 runs with a propensity that cannot be"),
        ({"logged": np.append(np.full(100, NAN), np.full(900, 0.5))}, "10.0% of the runs lack"),
        ({"unsupported": np.full(1000, 0.2)}, "20.0% of the candidate's choices were never made"),
        ({"losses": [], "target": [], "logged": [], "units": []}, "0.0 effective units"),
    ],
)
def test_where_the_log_holds_no_answer_none_is_given(changes, reason):
    answer = spoiled(**changes)
    assert isinstance(answer, Refusal)
    assert any(reason in sentence for sentence in answer.reasons), answer.reasons
    assert not hasattr(answer, "estimates")


def test_good_overlap_is_answered_and_the_rules_can_be_moved():
    answer = spoiled(unsupported=np.zeros(1000))
    assert isinstance(answer, Replay)
    assert abs(answer.estimates[AT["snips"]] - TRUTH) < 0.05
    assert isinstance(spoiled(rules=OverlapRules(minimum_effective_units=900)), Refusal)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": []}, "a seed"),
        ({"resampling": Resampling(0)}, "resample"),
        ({"resampling": Resampling(clip=0.0)}, "clip"),
        ({"resampling": Resampling(confidence=1.0)}, "confidence"),
    ],
)
def test_calls_that_make_no_sense(changes, words):
    with pytest.raises(ValueError, match=words):
        spoiled(**changes)


def test_what_was_never_logged_in_a_context_is_unsupported():
    rng = np.random.default_rng(8)
    actions, contexts, choices = rng.integers(-1, 4, 80), rng.integers(0, 9, 80), rng.dirichlet(np.ones(4), 80)
    logged = {(context, action) for context, action in zip(contexts, actions, strict=True) if action >= 0}
    expected = [
        sum(p for action, p in enumerate(row) if (context, action) not in logged)
        for context, row in zip(contexts, choices, strict=True)
    ]
    np.testing.assert_allclose(never_logged(actions, contexts, choices), expected, rtol=1e-12)
    assert never_logged([], [], np.zeros((0, 3))).size == 0
