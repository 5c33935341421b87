"""Which sequences of tool steps go with success, and which with failure? Against runs of the same agent in the same type of task."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import polars as pl

from kaizenlake.job import job
from kaizenlake.jobs.skills._card_rules import BETTER, EVEN, UNCLEAR, WORSE, in_card, with_card_end
from kaizenlake.jobs.training._tried_tasks import RUN, TYPE, tried_runs
from kaizenlake.parameters import Curation, EvidenceNeeds, Skills
from kaizenlake.stats import expressions
from kaizenlake.tables import BehaviourPatterns, RunRecords, TraceSteps, TrainingExamples

LONGEST: Final = 4
"""Most tools of a sequence."""

MOST: Final = 50
"""Most sequences of an agent in a type of task: those that most runs hold."""

BETWEEN: Final = " → "
"""What stands between two tools of a sequence."""

_GRAM = (*RUN, "pattern")


@job(reads=(TraceSteps, RunRecords, TrainingExamples), writes=BehaviourPatterns)
def behaviour_patterns(
    trace_steps: pl.LazyFrame,
    run_records: pl.LazyFrame,
    training_examples: pl.LazyFrame,
    *,
    as_of: datetime,
    evidence: EvidenceNeeds = EvidenceNeeds(),
    skills: Skills = Skills(),
    curation: Curation = Curation(),
) -> pl.LazyFrame:
    """Set the runs that hold a sequence of tool steps against those of the same agent and type of task that do not.

    Sequences are one to four tools, one called right after the other, that two runs or more hold; a run that holds one twice
    counts once. Of two sequences that the same runs hold the longer is kept, and of each agent and type those that most runs
    hold. All of that is chosen without a look at what came of the runs.

    Args:
        trace_steps: Steps of traces.
        run_records: The record of each run.
        training_examples: Examples, for types of tasks and marks of quality.
        as_of: Runs that ended from this instant on do not count.
        evidence: `confidence` of the intervals.
        skills: Days that count, and what a verdict needs.
        curation: From which mark on a run passed.
    """
    recorded = trace_steps.select("tenant_id", run_id="trace_id").unique()
    known = with_card_end(tried_runs(run_records, training_examples, as_of, curation), as_of, skills.days)
    runs = (
        known.filter(in_card(skills.days), pl.col("passed").is_not_null())
        .select(*TYPE, "run_id", "passed")
        .join(recorded, on=list(RUN), how="semi", nulls_equal=True)
    )
    whole = runs.group_by(TYPE).agg(runs=_number(), passed=_count("passed"))
    found = (
        _list_grams(trace_steps)
        .join(runs, on=list(RUN), nulls_equal=True)
        .group_by(*TYPE, "pattern", "steps", "shorter")
        .agg(runs_with=_number(), passed_with=_count("passed"))
        .filter(pl.col("runs_with") >= 2)
    )
    kept = (
        _without_parts(found)
        .sort(*TYPE, "runs_with", "steps", "pattern", descending=[False] * 3 + [True, True, False])
        .filter(pl.int_range(pl.len()).over(TYPE) < MOST)
        .join(whole, on=list(TYPE), nulls_equal=True)
        .with_columns(
            passed_without=pl.col("passed") - pl.col("passed_with"), without=pl.col("runs") - pl.col("runs_with")
        )
    )
    enough = (pl.col("runs_with") >= skills.runs) & (pl.col("without") >= skills.runs)
    compared = expressions.two_proportions(
        "passed_with", "runs_with", "passed_without", "without", evidence.confidence
    ).struct
    return (
        kept.with_columns(
            support_rate=pl.col("runs_with") / pl.col("runs"),
            pass_rate_with=pl.col("passed_with") / pl.col("runs_with"),
            pass_rate_without=pl.when(pl.col("without") > 0).then(pl.col("passed_without") / pl.col("without")),
            lift=compared.field("lift"),
            difference=compared.field("effect"),
            ci_low=compared.field("ci_low"),
            ci_high=compared.field("ci_high"),
            p_value=pl.when(enough).then(compared.field("p_value")),
        )
        .with_columns(q_value=expressions.benjamini_hochberg("p_value", ["tenant_id"]))
        .with_columns(verdict=_compute_verdict(enough, skills))
        .sort(*TYPE, "pattern")
    )


def _list_grams(trace_steps: pl.LazyFrame) -> pl.LazyFrame:
    """Return every sequence of every trace once, with the two sequences that are one tool shorter."""
    tools = (
        trace_steps.filter(pl.col("kind") == "tool", pl.coalesce("tool_name", "name").is_not_null())
        .select("tenant_id", "started_at", "span_id", run_id="trace_id", tool=pl.coalesce("tool_name", "name"))
        .sort(*RUN, "started_at", "span_id")
        .with_columns(pl.col("tool").shift(-ahead).over(RUN).alias(f"tool_{ahead}") for ahead in range(1, LONGEST))
        .rename({"tool": "tool_0"})
    )
    grams = []
    for length in range(1, LONGEST + 1):
        names = [f"tool_{place}" for place in range(length)]
        parts = [_join(names[:-1]), _join(names[1:])] if length > 1 else []
        grams.append(
            tools.filter(pl.col(names[-1]).is_not_null()).select(
                *RUN,
                pattern=_join(names),
                steps=pl.lit(length, pl.Int64),
                shorter=pl.concat_list(parts) if parts else pl.lit([], pl.List(pl.String)),
            )
        )
    return pl.concat(grams).unique(_GRAM, keep="any")


def _join(names: list[str]) -> pl.Expr:
    return pl.concat_str(names, separator=BETWEEN)


def _without_parts(found: pl.LazyFrame) -> pl.LazyFrame:
    """Leave out sequences that the same runs hold as one that is a tool longer."""
    holders = [*TYPE, "pattern", "runs_with"]
    longer = found.select(*TYPE, "runs_with", pattern="shorter").explode("pattern").drop_nulls("pattern").unique()
    return found.drop("shorter").join(longer, on=holders, how="anti", nulls_equal=True)


def _compute_verdict(enough: pl.Expr, skills: Skills) -> pl.Expr:
    least = skills.smallest_difference
    low, high = pl.col("ci_low"), pl.col("ci_high")
    matters = (pl.col("q_value") <= skills.q) & (pl.col("difference").abs() >= least)
    return (
        pl.when(~enough | low.is_null())
        .then(pl.lit(UNCLEAR))
        .when(low >= -least, high <= least)
        .then(pl.lit(EVEN))
        .when(matters, low > 0.0)
        .then(pl.lit(BETTER))
        .when(matters, high < 0.0)
        .then(pl.lit(WORSE))
        .otherwise(pl.lit(UNCLEAR))
    )


def _number() -> pl.Expr:
    return pl.len().cast(pl.Int64)


def _count(name: str) -> pl.Expr:
    return pl.col(name).sum().cast(pl.Int64)
