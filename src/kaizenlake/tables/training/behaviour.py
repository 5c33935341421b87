"""Gold tables of how agents go about their work: step sequences, strategies, and how hard their tasks are."""

from __future__ import annotations

from typing import get_args

import polars as pl

from kaizenlake.tables.base import Instant, OfTenant, Words, column, count, rate, table
from kaizenlake.tables.skill import VERDICTS
from kaizenlake.vocabulary import CurriculumStage, StrategyVerdict, ValueMeasure

MEASURES: tuple[str, ...] = get_args(ValueMeasure)
STAGES: tuple[str, ...] = get_args(CurriculumStage)
STRATEGY_VERDICTS: tuple[str, ...] = get_args(StrategyVerdict)


@table(layer="gold", grain=("tenant_id", "doer", "task_type", "pattern"))
class BehaviourPatterns(OfTenant):
    """One sequence of tool steps of an agent in one type of task: how often runs that hold it passed, against those without it.

    What is compared was observed and not drawn: a run may call a tool because it is in trouble already. Each run counts as
    one independent observation.
    """

    doer: str = column("Agent that did the runs.")
    task_type: str = column("Type of task; null where none is told.", nullable=True)
    pattern: str = column("Names of the tools that were called one right after the other.", label="Steps")
    steps: pl.Int64 = column("Tools in it.", ge=1)
    runs: pl.Int64 = count(
        "Runs of the type in the days of the card of which steps are recorded and that passed or failed."
    )
    runs_with: pl.Int64 = count("Those that hold the sequence.", label="Runs")
    support_rate: float = rate("runs_with over runs.", label="Support")
    passed_with: pl.Int64 = count("Those with it that passed.")
    passed_without: pl.Int64 = count("Those without it that passed.")
    pass_rate_with: float = rate("Share of the runs with it that passed.", label="Passed")
    pass_rate_without: float = rate(
        "Share of the runs without it that passed; null where there is none.", nullable=True, label="Without it"
    )
    lift: float = column(
        "The one over the other, less 1; null where the other is null or 0.", nullable=True, ge=-1, format="lift"
    )
    difference: float = column(
        "The one less the other; null where there is no other.", nullable=True, ge=-1, le=1, format="points"
    )
    ci_low: float = column(
        "Lower end of its interval (Newcombe); null where it is.", nullable=True, label="Lower end", format="points"
    )
    ci_high: float = column(
        "Upper end of its interval; null where it is.", nullable=True, label="Upper end", format="points"
    )
    p_value: float = rate(
        "Two-sided p of no difference (score test, Fisher's where counts are few); null with too few runs on a side.",
        nullable=True,
    )
    q_value: float = rate(
        "p corrected for all sequences of its tenant (Benjamini-Hochberg); null where p is.",
        nullable=True,
        label="q-value",
        format="q",
    )
    verdict: str = column(
        "Goes with success (strength) or failure (weakness); even where the interval leaves out all that matters.",
        isin=VERDICTS,
        format="verdict",
    )


@table(layer="gold", grain=("tenant_id", "doer", "task_type", "strategy"))
class PlanningStrategies(OfTenant):
    """What an agent would lose in one type of task if it always took one strategy, by what was logged of all of them.

    An answer needs the probability with which each strategy was chosen, and enough runs in effect; where the log holds no
    answer none is given.
    """

    doer: str = column("Agent that did the runs.")
    task_type: str = column("Type of task; null where none is told.", nullable=True)
    strategy: str = column("Strategy: the action of the runs, else what their plan names as its `strategy`.")
    runs: pl.Int64 = count("Runs of the type in the days of the card that name a strategy.")
    runs_with: pl.Int64 = count("Those that took this one.", label="Runs")
    measure: str = column(
        "What is valued: the loss, or where more runs have no loss than passed or failed, failure (0 or 1).",
        isin=MEASURES,
    )
    effective_units: float = column("Units that the log holds in effect for it.", ge=0, label="Effective units")
    missing_rate: float = rate("Share of the runs without a value or a propensity.")
    logged_value: float = rate("Mean value of the runs as logged; null where refused.", nullable=True)
    estimated_value: float = column(
        "Mean value if it were always taken, below is better; null where refused.", nullable=True, label="Estimated"
    )
    effect: float = column("The one less the other; null where refused.", nullable=True, format="effect")
    effect_ci_low: float = column(
        "Lower end of its interval, which holds for all strategies of the type together (Bonferroni); null where refused.",
        nullable=True,
        format="effect",
    )
    effect_ci_high: float = column("Upper end of its interval; null where refused.", nullable=True, format="effect")
    verdict: str = column(
        "recommended: the best of those better for certain than what was logged; refused: the data cannot answer.",
        isin=STRATEGY_VERDICTS,
    )
    shortfalls: Words = column("Why it was refused, in words; empty where it was not.")


@table(layer="gold", grain=("tenant_id", "item_id"))
class Curriculum(OfTenant):
    """One task that agents tried: how hard it is by who passed it, and when in a training it comes."""

    item_id: str = column("Task: as runs name it, else a hash of what went in.")
    task_type: str = column("Type of task, the first by name of several; null where none is told.", nullable=True)
    example_ids: Words = column("Examples of it, by name; empty where no run of it left one.")
    agents: pl.Int64 = column("Agents with their models that tried it.", ge=1)
    attempts: pl.Int64 = column("Runs that passed or failed it.", ge=1)
    passed: pl.Int64 = count("Those that passed.")
    pass_rate: float = rate("passed over attempts.")
    difficulty: float = column(
        "Difficulty in logits by the Rasch model, 0 the mean of the tenant's tasks; drawn to it where attempts are few."
    )
    difficulty_se: float = column("Its standard deviation.", ge=0)
    expected_pass_rate: float = rate("Chance that the mean agent passes it, by that difficulty.")
    stage: str = column(
        "Stage of a training, by that chance: warm_up from .8 on, core from .5, stretch from .2, out_of_reach below.",
        isin=STAGES,
    )
    place: pl.Int64 = column("Place in the order of a training, from 1: the easiest first.", ge=1)
    last_tried_at: Instant = column("When it was tried last.")


@table(layer="gold", grain=("tenant_id", "trace_id", "artifact_sha256", "artifact_name"))
class RunArtifacts(OfTenant):
    """One file that a run made or took, kept under its hash in the folder `artifacts` of the lake."""

    trace_id: str = column("Trace: the run that it belongs to.")
    artifact_sha256: str = column("SHA-256 of the file.")
    artifact_name: str = column("What it is called in its bundle.")
    size_bytes: pl.Int64 = count("Bytes of the file.")
    media_type: str = column("Kind of the file; null where not told.", nullable=True)
    artifact_purpose: str = column(
        "What it is of the run, such as input or output; null where not told.", nullable=True
    )
    kept_at: Instant = column("When the run that it is of ended.")
