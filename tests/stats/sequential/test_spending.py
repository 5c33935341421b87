import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from scipy import stats as scipy_stats

from kaizenlake.stats.sequential.group_sequential import crossing
from kaizenlake.stats.sequential.spending import boundaries, information, spend

NAN = float("nan")
INF = float("inf")

# Jennison and Turnbull (2000), Group Sequential Methods with Applications to Clinical Trials, tables 2.1 and 2.3:
# constants of two-sided tests of K equally spaced looks, alpha .01, .05, .1.
POCOCK = {
    2: (2.772, 2.178, 1.875),
    3: (2.873, 2.289, 1.992),
    4: (2.939, 2.361, 2.067),
    5: (2.986, 2.413, 2.122),
    6: (3.023, 2.453, 2.164),
    8: (3.078, 2.512, 2.225),
    10: (3.117, 2.555, 2.270),
    15: (3.182, 2.626, 2.344),
    20: (3.225, 2.672, 2.392),
}
O_BRIEN_FLEMING = {
    2: (2.580, 1.977, 1.678),
    3: (2.595, 2.004, 1.710),
    4: (2.609, 2.024, 1.733),
    5: (2.621, 2.040, 1.751),
    6: (2.631, 2.053, 1.765),
    8: (2.648, 2.072, 1.786),
    10: (2.660, 2.087, 1.801),
    15: (2.681, 2.110, 1.826),
    20: (2.695, 2.126, 1.842),
}


def constant(looks, shape, alpha):
    """The constant whose boundaries ``constant * shape`` are crossed under no effect with probability alpha."""
    return optimize.brentq(lambda c: sum(map(np.sum, crossing(looks, c * shape))) - alpha, 1.2, 5.0)


@pytest.mark.parametrize("k", POCOCK)
@pytest.mark.parametrize(("place", "alpha"), [(0, 0.01), (1, 0.05), (2, 0.1)])
def test_the_published_constants(k, place, alpha):
    looks = np.arange(1, k + 1) / k
    assert round(constant(looks, np.ones(k), alpha), 3) == POCOCK[k][place]
    assert round(constant(looks, 1 / np.sqrt(looks), alpha), 3) == O_BRIEN_FLEMING[k][place]


@pytest.mark.parametrize(
    ("family", "published"),
    [
        # Reboussin, DeMets, Kim and Lan (2000), Controlled Clinical Trials 21: five equally spaced looks, two-sided .05
        ("obrien_fleming", [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        ("pocock", [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ],
)
def test_published_spending_boundaries(family, published):
    looks = np.arange(1, 6) / 5
    # their grid leaves an error of 1e-4 in the second and the last
    np.testing.assert_allclose(boundaries(looks, spend(looks, family=family)).critical, published, atol=1.5e-4)


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize("looks", [[0.3, 0.5, 1.0], [0.05, 0.9, 0.95], [0.2, 0.21, 1.3]])
def test_each_look_spends_its_share_by_the_multivariate_normal(looks, sides):
    looks = np.array(looks)
    spent = spend(looks, 0.05, exponent=1.0)
    bound = boundaries(looks, spent, sides=sides).critical
    correlation = np.sqrt(np.minimum.outer(looks, looks) / np.maximum.outer(looks, looks))
    for k in (2, 3):
        joint = scipy_stats.multivariate_normal(np.zeros(k), correlation[:k, :k], maxpts=2_000_000, abseps=1e-9)
        lower = -bound[:k] if sides == 2 else np.full(k, -np.inf)
        rng = np.random.default_rng(1)
        stays = joint.cdf(bound[:k], lower_limit=lower, rng=rng)
        assert abs(1.0 - stays - spent[k - 1]) < 2e-7


@pytest.mark.parametrize(
    ("family", "sides", "half"),
    [
        ("power", 2, 0.05 * 0.25),
        ("power", 1, 0.05 * 0.25),
        ("pocock", 2, 0.05 * np.log1p((np.e - 1) / 2)),
        ("obrien_fleming", 1, 2 * scipy_stats.norm.sf(scipy_stats.norm.isf(0.025) * 2**0.5)),
        ("obrien_fleming", 2, 4 * scipy_stats.norm.sf(scipy_stats.norm.isf(0.0125) * 2**0.5)),
    ],
)
def test_spending_starts_at_nothing_and_ends_with_all(family, sides, half):
    found = spend([0.0, 0.5, 1.0, 1.7, NAN], 0.05, family, sides=sides)
    np.testing.assert_allclose(found, [0.0, half, 0.05, 0.05, NAN], rtol=1e-12)


@pytest.mark.parametrize(
    ("known", "spent", "critical", "used"),
    [
        # one look is the test of a fixed sample
        ([7.0], [0.05], [1.959964], [0.05]),
        # a look that was not made leaves its share to the next
        ([NAN, 1.0], [0.01, 0.05], [NAN, 1.959964], [0.0, 0.05]),
        # nothing spent yet
        ([1.0, 2.0], [0.0, 0.05], [INF, 1.959964], [0.0, 0.05]),
        # nothing new, or less than a thousandth
        ([1.0, 1.0], [0.05, 0.06], [1.959964, INF], [0.05, 0.05]),
        ([1.0, 1.0005, 1.2], [0.05, 0.06, 0.06], [1.959964, INF, 2.1089], [0.05, 0.05, 0.06]),
        # all is spent
        ([1.0, 2.0], [0.05, 0.05], [1.959964, INF], [0.05, 0.05]),
        # the same looks in another unit of information
        ([100.0, 200.0], [0.02, 0.05], [2.326348, 2.0758], [0.02, 0.05]),
        ([1.0, 2.0], [0.02, 0.05], [2.326348, 2.0758], [0.02, 0.05]),
        ([NAN, NAN], [0.01, 0.05], [NAN, NAN], [0.0, 0.0]),
        ([], [], [], []),
    ],
)
def test_by_example(known, spent, critical, used):
    found = boundaries(known, spent)
    np.testing.assert_allclose(found.critical, critical, atol=1e-4)
    np.testing.assert_allclose(found.spent, used, atol=1e-12)
    np.testing.assert_allclose(found.level, 2 * scipy_stats.norm.sf(found.critical), rtol=1e-9)


DESIGN = st.lists(st.tuples(st.floats(0.01, 5.0), st.floats(1e-5, 0.02), st.booleans()), min_size=1, max_size=12)


@given(DESIGN, st.sampled_from([1, 2]))
def test_under_no_effect_exactly_what_was_spent_is_crossed(steps, sides):
    gain, share, made = (np.array(part) for part in zip(*steps, strict=True))
    known = np.where(made, np.cumsum(gain), np.nan)
    found = boundaries(known, np.cumsum(share), sides=sides)
    crossed = crossing(known, found.critical, sides=sides)
    np.testing.assert_allclose(np.cumsum(crossed.upper + crossed.lower), found.spent, atol=1e-9)


@settings(max_examples=25)
@given(st.lists(DESIGN, min_size=2, max_size=4))
def test_designs_computed_together_are_those_computed_alone(designs):
    looks = max(map(len, designs))
    known, spent = np.full((2, len(designs), looks), np.nan)
    for row, steps in enumerate(designs):
        known[row, : len(steps)] = np.cumsum([gain for gain, _, _ in steps])
        spent[row, : len(steps)] = np.cumsum([share for _, share, _ in steps])
    together = boundaries(known, spent).critical
    for row in range(len(designs)):
        np.testing.assert_allclose(together[row], boundaries(known[row], spent[row]).critical, rtol=1e-8)


def test_information_never_falls():
    np.testing.assert_array_equal(
        information([[0.5, NAN, 0.6, 0.25], [0.0, 1.0, -1.0, 2.0]]), [[4, NAN, 4, 16], [NAN, 1, NAN, 1]]
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: spend(0.5, 0.0), "error probability"),
        (lambda: spend(0.5, 0.05, "haybittle"), "found 'haybittle'"),
        (lambda: spend(-0.5), "negative"),
        (lambda: spend(0.5, exponent=0.0), "exponent"),
        (lambda: spend(0.5, sides=3), "1 or 2 sides"),
        (lambda: boundaries([1.0, 0.9], [0.01, 0.05]), "does not fall"),
        (lambda: boundaries([0.0, 1.0], [0.01, 0.05]), "above 0"),
        (lambda: boundaries([1.0, 2.0], [0.05, 0.01]), "spending"),
        (lambda: boundaries([1.0, 2.0], [0.01, NAN]), "spending"),
        (lambda: boundaries(1.0, 0.05), "one entry per look"),
    ],
)
def test_what_cannot_be_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_many_canaries_of_one_design_are_solved_as_one():
    looks = np.where(np.arange(1, 31) < 5, NAN, np.arange(1, 31.0))
    spent = spend(np.arange(1, 31) / 30)
    start = time.process_time()
    found = boundaries(np.broadcast_to(looks, (5000, 30)), spent)
    assert time.process_time() - start < 2.0  # 0.4 s; one by one it would be a minute
    np.testing.assert_array_equal(found.critical[4999], boundaries(looks, spent).critical)
