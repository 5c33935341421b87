import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special

from kaizenlake.stats.pooling import betabinomial
from kaizenlake.stats.pooling.betabinomial import FLAT, MIN_STRENGTH, BetaPrior, fit, fit_by, shrink

NAN = float("nan")


def simulate(rng, mean, strength, decided):
    return rng.binomial(decided, rng.beta(mean * strength, (1 - mean) * strength, np.shape(decided)))


def negative_log_likelihood(log_shape, wins, decided):
    alpha, beta = np.exp(log_shape)
    return -np.sum(special.betaln(wins + alpha, decided - wins + beta) - special.betaln(alpha, beta))


def reference_fit(wins, decided):
    """The likelihood's maximum by a root finder on its derivative in (log alpha, log beta)."""

    def slope(log_shape):
        alpha, beta = np.exp(log_shape)
        both = special.digamma(decided + alpha + beta) - special.digamma(alpha + beta)
        by_alpha = special.digamma(wins + alpha) - special.digamma(alpha) - both
        by_beta = special.digamma(decided - wins + beta) - special.digamma(beta) - both
        return [alpha * by_alpha.sum(), beta * by_beta.sum()]

    rough = optimize.minimize(negative_log_likelihood, [0.0, 0.0], args=(wins, decided), method="Nelder-Mead")
    return np.exp(optimize.root(slope, rough.x, tol=1e-13).x)


@pytest.mark.parametrize("seed", range(12))
def test_fit_is_the_maximum_of_the_marginal_likelihood(seed):
    rng = np.random.default_rng(seed)
    decided = rng.integers(1, 200, rng.integers(8, 60)).astype(float)
    wins = simulate(rng, rng.uniform(0.05, 0.95), 10 ** rng.uniform(0.3, 1.3), decided.astype(int)).astype(float)
    prior = fit(wins, decided)
    assert MIN_STRENGTH < prior.strength < decided.sum()
    np.testing.assert_allclose(prior, reference_fit(wins, decided), rtol=1e-8)


def test_counts_that_are_not_whole_are_fitted_too():
    decided = np.array([120.0, 80.5, 300.25, 40.0, 77.7, 150.0])
    wins = decided * np.array([0.1, 0.3, 0.22, 0.05, 0.4, 0.18])
    np.testing.assert_allclose(fit(wins, decided), reference_fit(wins, decided), rtol=1e-8)


@pytest.mark.parametrize(
    ("wins", "decided", "mean", "strength"),
    [
        # spread unknown: two observations' worth about (wins + 1) / (decided + 2)
        ([], [], 1 / 2, 2.0),
        ([0], [0], 1 / 2, 2.0),
        ([1], [1], 2 / 3, 2.0),
        ([0], [3], 1 / 5, 2.0),
        ([50], [100], 1 / 2, 2.0),
        ([1, 0, 0], [1, 1, 1], 2 / 5, 2.0),
        ([1, 0], [1, 0], 2 / 3, 2.0),
        # no spread beyond chance: as strong as the data it came from, about the pooled rate
        ([5, 5], [10, 10], 1 / 2, 20.0),
        ([6, 8], [10, 10], 7 / 10, 20.0),
        ([2, 4, 6], [10, 20, 30], 1 / 5, 60.0),
        # all lost, all won: half a win away from the border
        ([0, 0, 0], [5, 3, 10], 0.5 / 19, 18.0),
        ([5, 3, 10], [5, 3, 10], 18.5 / 19, 18.0),
        # nothing but spread: never weaker than one observation
        ([10, 0], [10, 10], 1 / 2, 1.0),
        # what is missing or impossible is left out
        ([NAN, 5, 5, 11, -1], [10, 10, 10, 10, 10], 1 / 2, 20.0),
        ([5, 5, 3], [10, 10, NAN], 1 / 2, 20.0),
    ],
)
def test_edges_of_the_fit(wins, decided, mean, strength):
    prior = fit(wins, decided)
    np.testing.assert_allclose([prior.mean, prior.strength], [mean, strength], rtol=1e-9)


def test_a_prior_is_never_worth_more_than_a_million_observations():
    prior = fit([5e8, 5e8], [1e9, 1e9])
    np.testing.assert_allclose([prior.mean, prior.strength], [0.5, 1e6], rtol=1e-9)


@pytest.mark.parametrize(
    ("wins", "decided", "prior", "rate"),
    [
        (3, 4, BetaPrior(2.0, 4.0), 0.5),
        (1, 1, FLAT, 2 / 3),
        (0, 0, FLAT, 0.5),
        (0, 0, BetaPrior(1.0, 9.0), 0.1),
        (0.5, 2.0, FLAT, 0.375),
        (0, 10**9, FLAT, 1e-9),
        (5, 4, FLAT, NAN),
        (-1, 4, FLAT, NAN),
        (NAN, 4, FLAT, NAN),
        (1, NAN, FLAT, NAN),
    ],
)
def test_shrink_by_example(wins, decided, prior, rate):
    np.testing.assert_allclose(shrink(wins, decided, prior), rate, rtol=1e-6)


def test_groups_are_fitted_as_if_each_stood_alone():
    rng = np.random.default_rng(5)
    codes = rng.integers(0, 30, 900)
    decided = rng.integers(0, 60, 900)
    wins = rng.binomial(decided, rng.beta(2, 8, 900))
    together = fit_by(codes, wins, decided, n_groups=32)
    for code in range(32):
        alone = fit(wins[codes == code], decided[codes == code])
        assert (alone.alpha, alone.beta) == (together.alpha[code], together.beta[code])
    assert (together.alpha[31], together.beta[31]) == FLAT


def test_rows_take_the_prior_of_their_group():
    prior = BetaPrior(np.array([1.0, 3.0]), np.array([1.0, 1.0]))
    codes = np.array([1, 0, 1])
    np.testing.assert_allclose(shrink([0, 0, 4], [0, 0, 4], prior.of(codes)), [0.75, 0.5, 0.875])


RATES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.integers(0, 30)), max_size=30)


@given(RATES, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit(rates, random):
    shuffled = random.sample(rates, len(rates))
    one, other = (
        fit_by([g for g, _, _ in some], [w for _, w, _ in some], [w + lost for _, w, lost in some], n_groups=4)
        for some in (rates, shuffled)
    )
    np.testing.assert_array_equal(one, other)


@given(RATES)
def test_every_fit_is_a_usable_prior_and_shrinks_between_rate_and_prior(rates):
    wins = np.array([w for _, w, _ in rates], dtype=float)
    decided = wins + [lost for _, _, lost in rates]
    prior = fit(wins, decided)
    assert 0.0 < prior.mean < 1.0
    assert min(1.0, MIN_STRENGTH) - 1e-9 <= prior.strength <= max(2.0, decided.sum()) + 1e-9
    shrunk, rate = (
        shrink(wins, decided, prior),
        np.divide(wins, decided, out=np.full(wins.size, prior.mean), where=decided > 0),
    )
    assert np.all((np.minimum(rate, prior.mean) - 1e-12 <= shrunk) & (shrunk <= np.maximum(rate, prior.mean) + 1e-12))


@given(RATES)
def test_no_prior_within_bounds_is_likelier_unless_rates_are_alike(rates):
    wins = np.array([w for _, w, _ in rates], dtype=float)
    decided = wins + [lost for _, _, lost in rates]
    if np.sum(decided > 0) < 2 or decided.max() < 2 or wins.sum() in {0.0, decided.sum()}:
        return
    rate, lost = wins.sum() / decided.sum(), decided - wins
    excess = np.sum(wins * (wins - 1) / rate + lost * (lost - 1) / (1 - rate) - decided * (decided - 1))
    prior = fit(wins, decided)
    if excess < -1e-9:
        np.testing.assert_allclose([prior.mean, prior.strength], [rate, decided.sum()])
        return
    best = -negative_log_likelihood(np.log([prior.alpha, prior.beta]), wins, decided)
    edge = 0.5 / (decided.sum() + 1.0)
    for mean in np.linspace(edge, 1 - edge, 9):
        for strength in np.geomspace(MIN_STRENGTH, decided.sum(), 9):
            other = -negative_log_likelihood(np.log([mean * strength, (1 - mean) * strength]), wins, decided)
            assert other <= best + 1e-7


@pytest.mark.parametrize(
    ("rates_in_a_group", "times_better_than_raw", "times_worse_than_the_true_prior"),
    [(5, 3.0, 1.8), (20, 4.0, 1.3), (100, 4.5, 1.1)],
)
def test_shrunk_rates_are_nearer_the_truth_than_raw_ones(
    rates_in_a_group, times_better_than_raw, times_worse_than_the_true_prior
):
    rng = np.random.default_rng(11)
    codes = np.repeat(np.arange(6000 // rates_in_a_group), rates_in_a_group)
    truth = rng.beta(4, 36, codes.size)
    decided = rng.integers(1, 60, codes.size)
    wins = rng.binomial(decided, truth)
    shrunk = shrink(wins, decided, fit_by(codes, wins, decided).of(codes))
    raw_error, shrunk_error = np.mean((wins / decided - truth) ** 2), np.mean((shrunk - truth) ** 2)
    best_error = np.mean((shrink(wins, decided, BetaPrior(4.0, 36.0)) - truth) ** 2)
    assert raw_error > times_better_than_raw * shrunk_error
    assert shrunk_error < times_worse_than_the_true_prior * best_error


def test_the_fit_finds_the_prior_that_made_the_data():
    rng = np.random.default_rng(12)
    decided = rng.integers(1, 300, 20_000)
    prior = fit(simulate(rng, 0.04, 50.0, decided), decided)
    np.testing.assert_allclose([prior.mean, prior.strength], [0.04, 50.0], rtol=0.05)


def test_a_very_large_group_is_fitted_on_a_part_of_it(monkeypatch):
    rng = np.random.default_rng(13)
    decided = rng.integers(100, 100_000, 40_000)
    wins = simulate(rng, 0.04, 50.0, decided)
    part = fit(wins, decided)
    monkeypatch.setattr(betabinomial, "MOST_RATES", wins.size)
    whole = fit(wins, decided)
    assert part != whole
    np.testing.assert_allclose(part, whole, rtol=0.05)
    np.testing.assert_allclose(shrink(wins, decided, part), shrink(wins, decided, whole), rtol=0, atol=0.001)


@pytest.mark.parametrize("codes", [[0.0, 1.0], [-1, 0], [0], [[0, 1]]])
def test_group_codes_that_do_not_fit_are_refused(codes):
    with pytest.raises(ValueError, match="group code"):
        fit_by(codes, [1, 2], [3, 4])


def test_group_codes_beyond_the_number_of_groups_are_refused():
    with pytest.raises(ValueError, match="from 0 to 1"):
        fit_by([0, 2], [1, 2], [3, 4], n_groups=2)


def test_rows_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="shape"):
        fit([1, 2, 3], [3, 4])
    with pytest.raises(ValueError, match="one value per row"):
        fit([[1, 2]], [[3, 4]])
