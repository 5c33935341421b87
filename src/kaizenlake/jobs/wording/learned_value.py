"""What are the text models worth? Learned by experiments before, judged on those that followed."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import Any

import polars as pl

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs.wording._arms import count_comparisons, read_wordings, wordings
from kaizenlake.jobs.wording._forward import Estimate, judge_forward, learn
from kaizenlake.parameters import TextModels
from kaizenlake.tables import ContentExperiments, LearnedValue

WHOLE = ""
"""Name of the model of all projects of a tenant."""


@job(reads=(ContentExperiments,), writes=LearnedValue, timeless=True)
def learned_value(experiments: pl.LazyFrame, *, text_models: TextModels = TextModels()) -> pl.LazyFrame:
    """Judge the text model of each project, and that of all projects of each tenant, by experiments that it did not see.

    A model is a sum of two ridges, of rules and of words, on the log click rate of each wording, partly centred by experiment.
    Penalties, and how much each ridge counts, come from predictions of weeks that were left out. Experiments that are
    invalid by their sample ratio take no part; equal wordings of one experiment are added up.

    Args:
        experiments: Arms of experiments.
        text_models: How many experiments a model needs.
    """

    def compute(arms: pl.DataFrame) -> pl.DataFrame:
        rows = [
            judged | {"model": model}
            for tenant, models, found in split_models(arms)
            for judged in (_judge(tenant, found, text_models.experiments),)
            for model in models
        ]
        return pl.DataFrame(rows, schema=tables.schema(LearnedValue), orient="row")

    return experiments.map_batches(compute, schema=tables.schema(LearnedValue))


def split_models(arms: pl.DataFrame) -> Iterator[tuple[str | None, tuple[str, ...], pl.DataFrame]]:
    """Yield tenant, names and wordings of each model: one of each project that is named, and one of the whole tenant.

    A tenant of which one project alone has experiments has one model under both names.

    Args:
        arms: Rows of `ContentExperiments`.
    """
    for tenant in arms["tenant_id"].unique().sort():
        rows = wordings(arms.filter(pl.col("tenant_id").eq_missing(pl.lit(tenant, dtype=pl.String))))
        if rows.is_empty():
            continue
        projects = [name for name in rows["project_id"].drop_nulls().unique().sort() if name != WHOLE]
        if len(projects) == 1 and (rows["project_id"] == projects[0]).fill_null(False).all():
            yield tenant, (WHOLE, *projects), rows
            continue
        yield tenant, (WHOLE,), rows
        for project in projects:
            yield tenant, (project,), rows.filter(pl.col("project_id") == project)


def _judge(tenant: str | None, rows: pl.DataFrame, needed: int) -> dict[str, Any]:
    experiments = count_comparisons(rows)
    found: dict[str, Any] = {
        "tenant_id": tenant,
        "status": "too_few",
        "experiments": experiments,
        "arms": rows.height,
        "is_english": True,
        **dict.fromkeys(("judged_experiments", "pairs", "significant_pairs", "signs", "kept_signs"), 0),
        "first_at": rows["measured_at"].min(),
        "last_at": rows["measured_at"].max(),
    }
    if experiments < needed:
        return found
    arms = read_wordings(rows)
    judged = judge_forward(arms)
    found |= {
        "is_english": arms.is_english,
        "judged_experiments": judged.experiments,
        "pairs": judged.pairs,
        "significant_pairs": judged.significant_pairs,
        "signs": judged.signs,
        "kept_signs": judged.kept_signs,
        "kept_sign_rate": judged.kept_signs / judged.signs if judged.signs else None,
    }
    for name in ("pair_accuracy", "significant_accuracy", "click_gain", "slope"):
        estimate: Estimate = getattr(judged, name.removeprefix("pair_"))
        found |= {name: _or_none(estimate.value), f"{name}_error": _or_none(estimate.error)}
    if not judged.beats_chance:
        return found | {"status": "no_model"}
    stacked = learn(arms)
    return found | {
        "status": "usable" if any(stacked.counts) else "no_model",
        "rules_penalty": stacked.penalties[0],
        "words_penalty": stacked.penalties[1],
        "rules_share": stacked.counts[0],
        "words_share": stacked.counts[1],
        "spread": stacked.spread,
    }


def _or_none(figure: float) -> float | None:
    return None if isnan(figure) else figure
