import numpy as np
import pytest

from kaizenlake.stats.replay.reward_model import cross_fitted

NAN = float("nan")


def by_hand(losses, actions, contexts, folds, choices, k):
    """The model as its docstring says it, a run at a time."""
    known = [at for at in range(len(losses)) if losses[at] == losses[at] and actions[at] >= 0]

    def mean(of, towards):
        return (sum(losses[at] for at in of) + k * towards) / (len(of) + k)

    predicted, expected = [], []
    for at in range(len(losses)):
        others = [other for other in known if folds[other] != folds[at]]
        everywhere = sum(losses[other] for other in others) / len(others) if others else NAN

        def model(action, at=at, others=others, everywhere=everywhere):
            alike = [other for other in others if actions[other] == action]
            return mean([other for other in alike if contexts[other] == contexts[at]], mean(alike, everywhere))

        predicted.append(model(actions[at]) if actions[at] >= 0 else NAN)
        expected.append(sum(p * model(action) for action, p in enumerate(choices[at])))
    return predicted, expected


def drawn(seed, runs=60):
    rng = np.random.default_rng(seed)
    losses = np.where(rng.random(runs) < 0.1, NAN, rng.random(runs))
    choices = rng.dirichlet(np.ones(3), runs)
    return losses, rng.integers(-1, 3, runs), rng.integers(0, 4, runs), rng.integers(0, 3, runs), choices


@pytest.mark.parametrize("seed", range(4))
def test_by_hand(seed):
    given = drawn(seed)
    found = cross_fitted(*given, shrinkage=4.0)
    predicted, expected = by_hand(*given, 4.0)
    np.testing.assert_allclose(found.predicted, predicted, rtol=1e-12)
    np.testing.assert_allclose(found.expected, expected, rtol=1e-12)


def test_no_run_says_anything_of_its_own_fold():
    losses, actions, contexts, folds, choices = drawn(5)
    changed = np.where(folds == 1, 1.0 - losses, losses)
    before, after = (cross_fitted(values, actions, contexts, folds, choices) for values in (losses, changed))
    np.testing.assert_array_equal(before.predicted[folds == 1], after.predicted[folds == 1])
    assert (before.expected[folds != 1] != after.expected[folds != 1]).all()


def test_the_same_bits_in_any_order():
    given = drawn(6)
    expected = cross_fitted(*given)
    order = np.random.default_rng(7).permutation(60)
    found = cross_fitted(*(part[order] for part in given))
    np.testing.assert_array_equal(found.predicted, expected.predicted[order])
    np.testing.assert_array_equal(found.expected, expected.expected[order])


def test_without_another_fold_nothing_is_known():
    found = cross_fitted([0.5, 0.7], [0, 0], [0, 0], [0, 0], [[1.0], [1.0]])
    assert np.isnan(found.predicted).all()
    assert np.isnan(found.expected).all()
    assert cross_fitted([], [], [], [], np.zeros((0, 2))).predicted.size == 0


def test_calls_that_make_no_sense():
    with pytest.raises(ValueError, match="shrinkage above 0"):
        cross_fitted([0.5], [0], [0], [0], [[1.0]], shrinkage=0.0)
    with pytest.raises(ValueError, match="one row of choices per run"):
        cross_fitted([0.5], [0], [0], [0], [1.0])
    with pytest.raises(ValueError, match="group codes"):
        cross_fitted([0.5], [3], [0], [0], [[1.0]])
