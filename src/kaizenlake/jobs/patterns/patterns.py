"""Which patterns of content work? Within experiments where there are any, and by observation."""

from __future__ import annotations

import numpy as np
import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.activity.scopes import group_codes
from kaizenlake.jobs.patterns.contrasts import lifts, verdict
from kaizenlake.jobs.patterns.experiments import contrast_experiments, places_of_arms
from kaizenlake.jobs.patterns.observation import contrast_strata, one_metric, with_squares
from kaizenlake.jobs.patterns.pattern_types import family, name_places
from kaizenlake.parameters import MIN_EXPERIMENTS, EvidenceNeeds
from kaizenlake.stats import expressions, shrink_normal_by
from kaizenlake.tables import ContentExperiments, Contents, Patterns, PatternSums


@job(reads=(Contents, PatternSums, ContentExperiments), writes=Patterns, timeless=True)
def patterns(
    contents: pl.LazyFrame,
    pattern_sums: pl.LazyFrame,
    arms: pl.LazyFrame,
    *,
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Compare contents that have a pattern with contents that have not, by experiment and by observation.

    Tenants are told apart throughout. Each pattern type is read by one metric: the one that more of its contents have; of two alike, the click rate for
    experiments, the engagement rate for observation. q-values and shrinkage take the patterns of one type
    together, and all text features together. A pattern works or is risky where its q is at most `evidence.q_value`, the
    interval of its lift leaves out 0, at least `evidence.contents` contents with it were compared and, by experiment,
    in at least `MIN_EXPERIMENTS` experiments.

    Args:
        contents: Contents with their figures, attributes, features and experiments.
        pattern_sums: Rates of contents added up by place and pattern.
        arms: Arms of experiments, with the shares that were told of them.
        evidence: How much evidence a verdict needs, and the confidence of the intervals.
    """
    pattern = ["tenant_id", "pattern_type", "pattern"]
    by_experiment = (
        contrast_experiments(contents, arms, confidence=evidence.confidence, sample_ratio_p=evidence.sample_ratio_p)
        .with_columns(evidence=pl.lit("experiment"), compared="contents", least=pl.lit(MIN_EXPERIMENTS))
        .join(places_of_arms(contents), on=pattern, how="left", nulls_equal=True)
    )
    observed = (
        contrast_strata(
            one_metric(with_squares(pattern_sums)),
            by=(),
            stratum=("project_id", "platform"),
            confidence=evidence.confidence,
        )
        .with_columns(
            evidence=pl.lit("observation"),
            compared="contents",
            contents="known",
            least=pl.lit(1),
            left_out=pl.lit(0, dtype=pl.Int64),
        )
        .join(name_places(pattern_sums), on=pattern, how="left", nulls_equal=True)
    )
    return (
        pl.concat([by_experiment, observed.drop("known")], how="diagonal")
        .with_columns(family=family())
        .with_columns(q_value=expressions.benjamini_hochberg("p_value", ["tenant_id", "evidence", "family"]), **lifts())
        .with_columns(
            experiments="studies",
            verdict=verdict(q_value=evidence.q_value, contents=evidence.contents, studies=pl.col("least")),
        )
        .map_batches(_select_shrunk, schema=tables.schema(Patterns))
        .sort(tables.grain(Patterns))
    )


def _select_shrunk(rows: pl.DataFrame) -> pl.DataFrame:
    codes, _ = group_codes(rows, ["tenant_id", "evidence", "family"])
    log_lift, log_se = (rows[name].fill_null(np.nan).to_numpy() for name in ("log_lift", "log_se"))
    shrunk = pl.Series("shrunk_lift", np.expm1(shrink_normal_by(codes, log_lift, log_se**2))).fill_nan(None)
    return rows.with_columns(shrunk).select(tables.schema(Patterns).names())
