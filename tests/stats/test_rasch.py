"""The Rasch model, against the published fit of a known test and against what was drawn."""

import numpy as np
import pytest
from scipy import optimize, special

from kaizenlake.stats.regression import rasch

LSAT6 = (
    3,
    6,
    2,
    11,
    1,
    1,
    3,
    4,
    1,
    8,
    0,
    16,
    0,
    3,
    2,
    15,
    10,
    29,
    14,
    81,
    3,
    28,
    15,
    80,
    16,
    56,
    21,
    173,
    11,
    61,
    28,
    298,
)
"""Persons by their answers to five questions, from 00000 to 11111 (Bock and Lieberman 1970)."""


def test_it_agrees_with_the_published_fit_of_the_law_school_test(monkeypatch):
    # Random persons, fixed questions: the roles of items and takers are exchanged, and so is the sign.
    monkeypatch.setattr(rasch, "PRIOR_ITEMS", 0.0)
    answers = np.repeat([[(code >> place) & 1 for place in (4, 3, 2, 1, 0)] for code in range(32)], LSAT6, axis=0)
    persons, questions = np.indices(answers.shape)
    found = rasch.fit_rasch(persons.ravel(), questions.ravel(), answers.ravel(), np.ones(answers.size))
    # `rasch(LSAT)` of the R package ltm (Rizopoulos 2006): difficulties over the common discrimination.
    assert found.spread == pytest.approx(0.7551, abs=1e-3)
    assert -found.ability / found.spread == pytest.approx([-3.6153, -1.3224, -0.3176, -1.7301, -2.7802], abs=5e-3)


def test_difficulties_are_the_mode_of_their_posterior():
    random = np.random.default_rng(3)
    items, takers = np.repeat(np.arange(12), 3), np.tile(np.arange(3), 12)
    tries = random.integers(1, 9, items.size)
    passed = random.binomial(tries, 0.6)
    found = rasch.fit_rasch(items, takers, passed, tries)

    def loss(difficulty):
        logit = found.ability[takers] - difficulty[items]
        fit = passed * special.log_expit(logit) + (tries - passed) * special.log_expit(-logit)
        return 0.5 * np.sum(difficulty**2) / found.spread**2 - fit.sum()

    best = optimize.minimize(loss, np.zeros(12), method="BFGS")
    assert found.difficulty == pytest.approx(best.x, abs=1e-3)
    step = 1e-3 * np.eye(12)
    bent = [(loss(best.x + one) - 2 * loss(best.x) + loss(best.x - one)) / 1e-6 for one in step]
    assert found.difficulty_se**-2 == pytest.approx(bent, rel=1e-2)


def test_it_finds_what_was_drawn_whatever_the_order_of_the_rows():
    random = np.random.default_rng(5)
    difficulty, ability = random.normal(0, 1.5, 60), np.array([-0.5, 1.0])
    items, takers = (axis.ravel() for axis in np.indices((60, 2)))
    tries = np.full(items.size, 20)
    passed = random.binomial(tries, special.expit(ability[takers] - difficulty[items]))
    found = rasch.fit_rasch(items, takers, passed, tries)
    order = random.permutation(items.size)
    again = rasch.fit_rasch(*(column[order] for column in (items, takers, passed, tries)))
    assert np.array_equal(found.difficulty, again.difficulty)
    assert np.corrcoef(found.difficulty, difficulty)[0, 1] > 0.95
    assert found.ability[1] - found.ability[0] == pytest.approx(1.5, abs=0.2)
    assert np.mean(np.abs(found.difficulty - difficulty + difficulty.mean()) < 2 * found.difficulty_se) > 0.85


@pytest.mark.parametrize(
    ("rows", "difficulty"),
    [
        (([], [], [], []), []),
        (([0, 1], [0, 0], [0, 0], [0, 0]), [0, 0]),  # nothing was tried
        (([0, 1], [0, 0], [1, 2], [1, 2]), [0, 0]),  # all passed: nothing tells them apart
    ],
)
def test_what_nothing_tells_apart_is_as_hard_as_the_mean(rows, difficulty):
    found = rasch.fit_rasch(*(np.array(row, dtype=np.int64) for row in rows))
    assert found.difficulty == pytest.approx(difficulty, abs=0.05)
    assert np.isfinite(found.spread)


def test_one_try_moves_less_than_twenty():
    found = rasch.fit_rasch([0, 1, 2, 3], [0, 0, 0, 0], [0, 0, 1, 20], [1, 20, 1, 20])
    assert 0 < found.difficulty[0] < found.difficulty[1]
    assert 0 > found.difficulty[2] > found.difficulty[3]
    assert found.difficulty_se[0] > found.difficulty_se[1]


@pytest.mark.parametrize("passed", [[2, 0], [-1, 0], [np.nan, 0]])
def test_counts_that_cannot_be_are_refused(passed):
    with pytest.raises(ValueError, match="counts"):
        rasch.fit_rasch([0, 1], [0, 0], passed, [1, 1])
