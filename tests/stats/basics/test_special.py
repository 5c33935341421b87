"""Special functions that are our own, against scipy's general ones."""

import numpy as np
import pytest
from scipy import special

from kaizenlake.stats.basics._special import _USUAL, trigamma, two_sided_z


def test_trigamma_has_thirteen_digits_everywhere():
    x = np.geomspace(1e-6, 1e12, 20_000)

    assert trigamma(x) == pytest.approx(special.zeta(2.0, x), rel=1e-13, abs=0)


@pytest.mark.parametrize(("x", "value"), [(1.0, np.pi**2 / 6), (0.5, np.pi**2 / 2), (2.0, np.pi**2 / 6 - 1)])
def test_trigamma_has_its_known_values(x, value):
    assert trigamma(x) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("confidence", [*_USUAL, 0.8, 0.975, 0.999])
def test_half_widths_of_usual_confidences_are_scipys_to_the_last_digit(confidence):
    assert two_sided_z(confidence) == special.ndtri(0.5 + confidence / 2.0)
