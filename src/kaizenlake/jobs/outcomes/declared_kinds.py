"""What became of the subjects of further kinds, which plug-ins declare? Each counts at its ages, as ours do."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache

import polars as pl

from kaizenlake.job import Job
from kaizenlake.jobs.outcomes._ages import START, at_ages
from kaizenlake.jobs.outcomes.outcomes import SEGMENT, by_dimension, outcomes
from kaizenlake.tables import ProjectSegments
from kaizenlake.tables.outcome_kind import NEEDED, PROJECT, OutcomeKind


@cache
def subjects_job(kind: OutcomeKind) -> Job:
    """Declare the job that looks at the subjects of a kind at each age."""

    def look(rows: pl.LazyFrame, project_segments: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
        at_start = pl.col("age_days") == START
        won = (pl.col("won_at") <= pl.col("until")).fill_null(value=False)
        begun = rows.filter(pl.col("started_at") < as_of).select(*NEEDED, *kind.dimensions)
        return (
            at_ages(begun, kind.ages, as_of=as_of)
            .filter(~at_start | pl.col("is_latest"))
            .with_columns(won=pl.when(~at_start).then(won))
            .join(project_segments.select(*PROJECT, *SEGMENT), on=PROJECT, how="left", nulls_equal=True)
        )

    look.__doc__ = f"Look at each {kind.name} at each age that it has reached."
    return Job(look, (kind.table, ProjectSegments), kind.subjects, by_day=False, name=f"{kind.name}_subjects")


@cache
def outcomes_with(kinds: tuple[OutcomeKind, ...]) -> Job:
    """Return the job of outcomes, which lists the subjects of further kinds too."""
    if not kinds:
        return outcomes

    def list_all(
        outcome_subjects: pl.LazyFrame,
        contents: pl.LazyFrame,
        creative_wins: pl.LazyFrame,
        *declared: pl.LazyFrame,
    ) -> pl.LazyFrame:
        parts = [outcomes.function(outcome_subjects, contents, creative_wins)]
        for kind, rows in zip(kinds, declared, strict=True):
            named = rows.with_columns(kind=pl.lit(kind.name))
            parts.append(by_dimension(named, (*kind.dimensions, *SEGMENT), {kind.name: kind.strata}))
        return pl.concat(parts)

    list_all.__doc__ = outcomes.function.__doc__
    return replace(outcomes, function=list_all, reads=(*outcomes.reads, *(kind.subjects for kind in kinds)))
