"""Is it at least not worse by more than we tolerate? The test behind a guardrail.

Losses, costs and latencies: lower is better, and the margin is the increase that would just be tolerated. That no
increase was **found** is no evidence; the upper bound of the effect must lie below the margin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from kaizenlake.stats.basics._arrays import Floats
from kaizenlake.stats.basics._special import t_lower, t_quantile
from kaizenlake.stats.basics.moments import Moments
from kaizenlake.stats.two_groups.welch import welch


class NonInferiority(NamedTuple):
    """Mean a against mean b plus a margin.

    Attributes:
        effect: mean_a - mean_b.
        t: (effect - margin) / se.
        df: Welch-Satterthwaite degrees of freedom.
        p_value: of the effect being as large as the margin or larger; small says "not worse by more than the margin".
        p_worse: of the effect being as small as the margin or smaller; small says "surely worse than tolerated".
        upper: one-sided upper confidence bound of the effect; below the margin where p_value is below 1 - confidence.
    """

    effect: Floats
    t: Floats
    df: Floats
    p_value: Floats
    p_worse: Floats
    upper: Floats


def non_inferiority(a: Moments, b: Moments, margin: ArrayLike, confidence: float = 0.95) -> NonInferiority:
    """Return one-sided Welch test of many pairs against a margin; meant for one look.

    For a verdict on any night take :func:`kaizenlake.stats.sequential.confidence_sequences.confidence_sequence` with ``no_effect=margin``,
    side ``below`` for "not worse" and ``above`` for "surely worse".

    Args:
        a: units of the candidate; lower is better.
        b: units of the control.
        margin: increase that would just be tolerated, >= 0, in the unit of the values.
        confidence: of the upper bound.

    Returns:
        NaN where :func:`kaizenlake.stats.two_groups.welch.welch` has no test, and where the margin is missing.

    Raises:
        ValueError: a negative margin, or a confidence outside (0, 1).

    >>> found = non_inferiority(Moments(200, 0.51, 4.5), Moments(200, 0.50, 4.5), margin=0.05)
    >>> round(float(found.p_value), 4), round(float(found.upper), 4)
    (0.0041, 0.0348)
    """
    margin = np.asarray(margin, dtype=np.float64)
    if np.any(margin < 0.0):
        raise ValueError("expected a tolerated increase of 0 or more, found a negative one")
    found = welch(a, b, confidence)
    t = (found.effect - margin) / found.se
    return NonInferiority(
        effect=found.effect,
        t=t,
        df=found.df,
        p_value=t_lower(found.df, t),
        p_worse=t_lower(found.df, -t),
        upper=found.effect + t_quantile(found.df, confidence) * found.se,
    )
