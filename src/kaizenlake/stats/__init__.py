"""The mathematics: arrays in, arrays out; it knows no table, no file and no clock.

One module a statistic. NaN means "not defined"; every module says when. Group-wise functions end in ``_by`` and take group
codes from 0. :mod:`kaizenlake.stats.expressions` offers the row-wise ones as Polars expressions.
"""

from kaizenlake.stats.basics.decayed_sums import DecayedSums, decayed_sums_by
from kaizenlake.stats.basics.moments import Moments, merge_moments, merge_moments_by, moments, moments_by
from kaizenlake.stats.pooling.betabinomial import FLAT, BetaPrior, fit, fit_by, shrink
from kaizenlake.stats.pooling.clustered_ratio import ClusteredRatio, clustered_ratio
from kaizenlake.stats.pooling.mantel_haenszel import MantelHaenszel, mantel_haenszel_by
from kaizenlake.stats.pooling.meta import Pooled, dersimonian_laird, dersimonian_laird_by
from kaizenlake.stats.pooling.multiplicity import benjamini_hochberg, benjamini_hochberg_by, holm, holm_by
from kaizenlake.stats.pooling.normal_shrinkage import (
    NormalPrior,
    ShrunkContrasts,
    fit_normal_by,
    shrink_contrasts_by,
    shrink_normal,
    shrink_normal_by,
)
from kaizenlake.stats.pooling.stratified import Stratified, stratified_by
from kaizenlake.stats.replay.offpolicy import (
    ESTIMATORS,
    Overlap,
    OverlapRules,
    Refusal,
    Replay,
    evaluate_off_policy,
    off_policy_estimates,
)
from kaizenlake.stats.sequential.confidence_sequences import (
    Sequence,
    confidence_sequence,
    first_look,
    planned_sequence,
    running_minimum,
    running_minimum_by,
    sequence_of_estimate,
)
from kaizenlake.stats.sequential.control_chart import ControlChart, drift_chart, rise_limit
from kaizenlake.stats.sequential.group_sequential import (
    CrossingChances,
    StoppedEffect,
    crossing,
    drift_for_power,
    inflation,
    repeated_interval,
    stopped_effect,
)
from kaizenlake.stats.sequential.intact_arms import Intact, intact
from kaizenlake.stats.sequential.power import nights_needed, power_so_far
from kaizenlake.stats.sequential.spending import Boundaries, boundaries, information, spend
from kaizenlake.stats.sequential.srm import SampleRatio, sample_ratio, sample_ratio_by
from kaizenlake.stats.sequential.staged_holm import StagedHolm, staged_holm
from kaizenlake.stats.two_groups.cautious_difference import CautiousDifference, cautious_difference
from kaizenlake.stats.two_groups.cuped import (
    CoMoments,
    CupedArms,
    comoments_by,
    cuped_by,
    merge_comoments,
    merge_comoments_by,
)
from kaizenlake.stats.two_groups.mean_interval import mean_interval
from kaizenlake.stats.two_groups.noninferiority import NonInferiority, non_inferiority
from kaizenlake.stats.two_groups.proportions import Interval, TwoProportions, two_proportions, wilson
from kaizenlake.stats.two_groups.ratios import LogRatio, log_risk_ratio
from kaizenlake.stats.two_groups.standard_error import CautiousTest, cautious_test, squared_errors_by, standard_error
from kaizenlake.stats.two_groups.units import UnitMeans, arm_moments, design_effect, intraclass_correlation, unit_means
from kaizenlake.stats.two_groups.welch import Welch, welch

__all__ = [
    "ESTIMATORS",
    "FLAT",
    "BetaPrior",
    "Boundaries",
    "CautiousDifference",
    "CautiousTest",
    "ClusteredRatio",
    "CoMoments",
    "ControlChart",
    "CrossingChances",
    "CupedArms",
    "DecayedSums",
    "Intact",
    "Interval",
    "LogRatio",
    "MantelHaenszel",
    "Moments",
    "NonInferiority",
    "NormalPrior",
    "Overlap",
    "OverlapRules",
    "Pooled",
    "Refusal",
    "Replay",
    "SampleRatio",
    "Sequence",
    "ShrunkContrasts",
    "StagedHolm",
    "StoppedEffect",
    "Stratified",
    "TwoProportions",
    "UnitMeans",
    "Welch",
    "arm_moments",
    "benjamini_hochberg",
    "benjamini_hochberg_by",
    "boundaries",
    "cautious_difference",
    "cautious_test",
    "clustered_ratio",
    "comoments_by",
    "confidence_sequence",
    "crossing",
    "cuped_by",
    "decayed_sums_by",
    "dersimonian_laird",
    "dersimonian_laird_by",
    "design_effect",
    "drift_chart",
    "drift_for_power",
    "evaluate_off_policy",
    "first_look",
    "fit",
    "fit_by",
    "fit_normal_by",
    "holm",
    "holm_by",
    "inflation",
    "information",
    "intact",
    "intraclass_correlation",
    "log_risk_ratio",
    "mantel_haenszel_by",
    "mean_interval",
    "merge_comoments",
    "merge_comoments_by",
    "merge_moments",
    "merge_moments_by",
    "moments",
    "moments_by",
    "nights_needed",
    "non_inferiority",
    "off_policy_estimates",
    "planned_sequence",
    "power_so_far",
    "repeated_interval",
    "rise_limit",
    "running_minimum",
    "running_minimum_by",
    "sample_ratio",
    "sample_ratio_by",
    "sequence_of_estimate",
    "shrink",
    "shrink_contrasts_by",
    "shrink_normal",
    "shrink_normal_by",
    "spend",
    "squared_errors_by",
    "staged_holm",
    "standard_error",
    "stopped_effect",
    "stratified_by",
    "two_proportions",
    "unit_means",
    "welch",
    "wilson",
]
