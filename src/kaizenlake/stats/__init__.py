"""The mathematics: arrays in, arrays out; it knows no table, no file and no clock.

One module a statistic. NaN means "not defined"; every module says when. Group-wise functions end in ``_by`` and take group
codes from 0. :mod:`kaizenlake.stats.expressions` offers the row-wise ones as Polars expressions.
"""

from kaizenlake.stats.betabinomial import FLAT, BetaPrior, fit, fit_by, shrink
from kaizenlake.stats.meta import Pooled, dersimonian_laird, dersimonian_laird_by
from kaizenlake.stats.moments import Moments, merge_moments, merge_moments_by, moments, moments_by
from kaizenlake.stats.multiplicity import benjamini_hochberg, benjamini_hochberg_by, holm, holm_by
from kaizenlake.stats.normal_shrinkage import NormalPrior, fit_normal_by, shrink_normal, shrink_normal_by
from kaizenlake.stats.proportions import Interval, TwoProportions, two_proportions, wilson
from kaizenlake.stats.ratios import LogRatio, log_risk_ratio
from kaizenlake.stats.srm import SampleRatio, sample_ratio, sample_ratio_by
from kaizenlake.stats.welch import Welch, welch

__all__ = [
    "FLAT",
    "BetaPrior",
    "Interval",
    "LogRatio",
    "Moments",
    "NormalPrior",
    "Pooled",
    "SampleRatio",
    "TwoProportions",
    "Welch",
    "benjamini_hochberg",
    "benjamini_hochberg_by",
    "dersimonian_laird",
    "dersimonian_laird_by",
    "fit",
    "fit_by",
    "fit_normal_by",
    "holm",
    "holm_by",
    "log_risk_ratio",
    "merge_moments",
    "merge_moments_by",
    "moments",
    "moments_by",
    "sample_ratio",
    "sample_ratio_by",
    "shrink",
    "shrink_normal",
    "shrink_normal_by",
    "two_proportions",
    "welch",
    "wilson",
]
