"""Which patterns work here? Compared within one project or segment, and drawn toward the whole."""

from __future__ import annotations

import numpy as np
import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.activity.scopes import SCOPE, by_scope, group_codes
from kaizenlake.jobs.patterns.contrasts import lifts, verdict
from kaizenlake.jobs.patterns.experiments import contrast_experiments
from kaizenlake.jobs.patterns.observation import contrast_strata, with_squares
from kaizenlake.jobs.patterns.pattern_types import family
from kaizenlake.parameters import MIN_EXPERIMENTS, EvidenceNeeds
from kaizenlake.stats import NormalPrior, expressions, fit_normal_by, shrink_normal
from kaizenlake.tables import ContentExperiments, Contents, Patterns, PatternSums, ScopedPatterns


@job(reads=(Contents, PatternSums, Patterns, ContentExperiments), writes=ScopedPatterns, timeless=True)
def scoped_patterns(
    contents: pl.LazyFrame,
    pattern_sums: pl.LazyFrame,
    patterns: pl.LazyFrame,
    arms: pl.LazyFrame,
    *,
    evidence: EvidenceNeeds = EvidenceNeeds(),
) -> pl.LazyFrame:
    """Compare each pattern within each project and segment, and draw its lift toward the lift over everything.

    The comparison is that of `patterns`, by experiment and by observation, of the same metric, on the scope's contents
    alone; so is the rule of the verdict, which rests on the scope's own contents. The shrunk lift weighs the scope's own log lift, by the
    variance of the pattern's true lifts between scopes of that kind, against the whole's; a scope that can compare
    nothing has the whole's.

    Args:
        contents: Contents, of which the arms of experiments are read.
        pattern_sums: Rates of contents added up by place and pattern.
        patterns: Patterns over everything.
        arms: Arms of experiments, with the shares that were told of them.
        evidence: How much evidence a verdict needs, and the confidence of the intervals.
    """
    what = ["tenant_id", "evidence", "pattern_type", "pattern", "metric"]
    whole = patterns.select(*what, whole_lift="lift")
    parts = by_scope(with_squares(pattern_sums))
    observed = contrast_strata(
        parts, by=SCOPE, stratum=("of_project_id", "platform"), confidence=evidence.confidence
    ).with_columns(evidence=pl.lit("observation"), compared="contents", contents="known", least=pl.lit(1))
    by_experiment = contrast_experiments(
        contents, arms, confidence=evidence.confidence, sample_ratio_p=evidence.sample_ratio_p, by=SCOPE
    ).with_columns(evidence=pl.lit("experiment"), compared="contents", least=pl.lit(MIN_EXPERIMENTS))
    return (
        pl.concat([observed.drop("known"), by_experiment.drop("left_out")], how="diagonal")
        .join(whole, on=what, nulls_equal=True)
        .with_columns(family=family(), experiments="studies")
        .with_columns(q_value=expressions.benjamini_hochberg("p_value", [*SCOPE, "evidence", "family"]), **lifts())
        .with_columns(
            verdict=verdict(q_value=evidence.q_value, contents=evidence.contents, studies=pl.col("least")),
        )
        .map_batches(_draw_toward_the_whole, schema=tables.schema(ScopedPatterns))
        .sort(tables.grain(ScopedPatterns))
    )


def _draw_toward_the_whole(rows: pl.DataFrame) -> pl.DataFrame:
    codes, _ = group_codes(rows, ["tenant_id", "scope", "evidence", "pattern_type", "pattern"])
    log_lift, log_se, whole = (rows[name].fill_null(np.nan).to_numpy() for name in ("log_lift", "log_se", "whole_lift"))
    between = np.asarray(fit_normal_by(codes, log_lift, log_se**2).variance)[codes]
    toward = np.log1p(whole)
    shrunk = np.where(np.isnan(log_lift), toward, shrink_normal(log_lift, log_se**2, NormalPrior(toward, between)))
    return rows.with_columns(pl.Series("shrunk_lift", np.expm1(shrunk)).fill_nan(None)).select(
        tables.schema(ScopedPatterns).names()
    )
