"""What does each rule, word and phrase do to the clicks of a text, all others alike?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from kaizenlake import tables
from kaizenlake.context.texts.features import meanings
from kaizenlake.job import job
from kaizenlake.jobs.wording._arms import Arms, read_wordings, tests_with
from kaizenlake.jobs.wording.learned_value import split_models
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.stats.regression.partly_centred import Floats, Ridge
from kaizenlake.tables import ContentExperiments, LearnedValue, TextEffects

if TYPE_CHECKING:
    from scipy.sparse import csr_array

EXAMPLES = 2
EXAMPLE_LENGTH = 120


@job(reads=(ContentExperiments, LearnedValue), writes=TextEffects, timeless=True)
def text_effects(
    experiments: pl.LazyFrame, learned_value: pl.LazyFrame, *, evidence: EvidenceNeeds = EvidenceNeeds()
) -> pl.LazyFrame:
    """Fit each text model that beats chance, with the penalties that were chosen for it.

    Args:
        experiments: Arms of experiments.
        learned_value: What each model is worth; of those that do not beat chance nothing is told.
        evidence: `confidence` of the intervals.
    """
    usable = learned_value.filter(pl.col("status") == "usable")
    told = usable.select("tenant_id", learned=pl.struct(tables.schema(LearnedValue).names()))

    def compute(rows: pl.DataFrame) -> pl.DataFrame:
        models = {(row["tenant_id"], row["model"]): row for row in rows["learned"].drop_nulls().to_list()}
        if not models:
            return pl.DataFrame(schema=tables.schema(TextEffects))
        arms = rows.filter(pl.col("learned").is_null()).drop("learned")
        fits = [
            fit.with_columns(model=pl.lit(name))
            for tenant, names, found in split_models(arms)
            if (tenant, names[0]) in models
            for fit in (_fit(found, models[tenant, names[0]], evidence.confidence),)
            for name in names
        ]
        return pl.concat([pl.DataFrame(schema=tables.schema(TextEffects)), *fits])

    both = pl.concat([experiments, told], how="diagonal")
    return both.map_batches(compute, schema=tables.schema(TextEffects))


def _fit(rows: pl.DataFrame, model: dict[str, Any], confidence: float) -> pl.DataFrame:
    arms = read_wordings(rows)
    parts = [
        _fit_one(arms, arms.rules, arms.rule_names, (model["rules_penalty"], model["rules_share"])),
        _fit_one(arms, arms.terms, arms.term_names, (model["words_penalty"], model["words_share"])),
    ]
    mean = sum(float(np.mean(part.predicted)) for part in parts)
    z = NormalDist().inv_cdf(0.5 + confidence / 2.0)
    rules = meanings()
    is_rule = [True] * len(arms.rule_names) + [False] * len(arms.term_names)
    names = [*arms.rule_names, *arms.term_names]
    weight, error = (np.concatenate([getattr(part, name) for part in parts]) for name in ("weights", "errors"))
    found = pl.DataFrame(
        {
            "term": names,
            "kind": ["rule" if rule else "phrase" if " " in name else "word" for rule, name in zip(is_rule, names, strict=True)],
            "meaning": [rules[name].meaning if rule else _say(name) for rule, name in zip(is_rule, names, strict=True)],
            "examples": [
                *(list(rules[name].examples) for name in arms.rule_names), *_examples(arms.terms, arms.texts)
            ],
            "weight": weight,
            "effect": np.expm1(weight),
            "ci_low": np.expm1(weight - z * error),
            "ci_high": np.expm1(weight + z * error),
            "tests": np.concatenate([tests_with(part.design, arms.outcomes.groups) for part in parts]),
            "arms": np.concatenate([np.bincount(part.design.indices, minlength=part.design.shape[1]) for part in parts]),
            "penalty": np.concatenate([np.full(part.design.shape[1], part.penalty) for part in parts]),
        },
        schema_overrides={"examples": pl.List(pl.String), "tests": pl.Int64, "arms": pl.Int64},
    )  # fmt: skip
    whole = {name: model[name] for name in ("tenant_id", "model", "spread", "is_english", "first_at", "last_at")}
    schema = tables.schema(TextEffects)
    return (
        found.filter(pl.col("arms") > 0)
        .with_columns(
            pl.lit(mean).alias("centre"),
            *(pl.lit(value, dtype=schema[name]).alias(name) for name, value in whole.items()),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    )


class _Part(NamedTuple):
    """One ridge of a model: its design, the weights of its features with their errors, and what it predicts."""

    design: csr_array
    weights: Floats
    errors: Floats
    predicted: Floats
    penalty: float


def _fit_one(arms: Arms, design: csr_array, names: Sequence[str], chosen: tuple[float, float]) -> _Part:
    penalty, share = chosen
    if not names:
        none = np.zeros(0)
        return _Part(design, none, none, np.zeros(len(arms.texts)), penalty)
    ridge = Ridge(design, arms.outcomes)
    coefficients = ridge.solve(penalty)
    errors = ridge.standard_errors(coefficients, penalty)
    return _Part(design, share * coefficients, share * errors, share * (design @ coefficients), penalty)


def _say(term: str) -> str:
    return f"It has the {'phrase' if ' ' in term else 'word'} {term}."


def _examples(design: csr_array, texts: Sequence[str]) -> list[list[str]]:
    """Return the first texts in which each term stands, cut to a line."""
    by_term = design.tocsc()
    by_term.sort_indices()
    starts, places = by_term.indptr.tolist(), by_term.indices
    return [
        list(dict.fromkeys(texts[place][:EXAMPLE_LENGTH] for place in places[start : min(end, start + 8)].tolist()))[
            :EXAMPLES
        ]
        for start, end in pairwise(starts)
    ]
