import numpy as np
import pytest
from statsmodels.stats.power import NormalIndPower

from kaizenlake.stats.sequential.group_sequential import inflation
from kaizenlake.stats.sequential.power import nights_needed, power_so_far
from kaizenlake.stats.sequential.spending import boundaries, spend

NAN = float("nan")
INF = float("inf")


@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_nights_are_those_of_the_sample_size_that_statsmodels_asks_for(power):
    per_arm = NormalIndPower().solve_power(0.1, power=power, alpha=0.05)
    # 50 units per arm and night, sd 1, after 4 nights; statsmodels counts the wrong tail, too: a hair at power .5
    found = nights_needed(0.1, 4 * 50 / 2, 4, power=power)
    assert abs(found - (np.ceil(per_arm / 50) - 4)) <= (power < 0.6)


@pytest.mark.parametrize(
    ("effect", "information", "nights", "more"),
    [
        (0.1, 100.0, 4, 28.0),
        (-0.1, 100.0, 4, 28.0),
        (0.1, 785.0, 4, 0.0),
        (0.1, 10_000.0, 4, 0.0),
        (0.0, 100.0, 4, INF),
        (0.1, 0.0, 4, INF),
        (0.1, 0.0, 0, INF),
        (NAN, 100.0, 4, NAN),
        (0.1, NAN, 4, NAN),
    ],
)
def test_edges(effect, information, nights, more):
    np.testing.assert_array_equal(nights_needed(effect, information, nights), more)


def test_looking_every_night_costs_nights_and_they_suffice():
    looks = np.arange(1, 31) / 30
    bound = boundaries(looks, spend(looks)).critical
    factor = float(inflation(looks, bound, 0.05, 0.8))
    assert 1.05 < factor < 1.25
    # as many nights as the factor asks for, then the power is there
    information = looks * factor * float((1.959964 + 0.841621) ** 2) / 0.01**2
    assert abs(power_so_far(information, bound, -0.01)[-1] - 0.8) < 1e-5
    assert float(nights_needed(0.01, information[9], 10, inflation=factor)) in {20.0, 21.0}


def test_power_grows_night_by_night_and_a_night_without_a_look_adds_none():
    information = np.array([100.0, NAN, 300.0])
    found = power_so_far(information, boundaries(information, [0.01, 0.02, 0.05]).critical, 0.2)
    assert 0 < found[0] == found[1] < found[2] < 1


@pytest.mark.parametrize("argument", [{"power": 1.0}, {"alpha": 0.0}])
def test_figures_outside_their_range(argument):
    with pytest.raises(ValueError, match="between 0 and 1"):
        nights_needed(0.1, 100.0, 4, **argument)
