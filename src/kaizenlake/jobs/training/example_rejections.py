"""Which examples are not fit to be learnt from, and why?"""

from __future__ import annotations

import json
from datetime import datetime

import polars as pl

from kaizenlake.job import job
from kaizenlake.parameters import Curation
from kaizenlake.tables import DatasetLog, ExampleRejections, ModelLog, TrainingExamples, schema
from kaizenlake.training.example_filter import Surroundings, reject
from kaizenlake.training.rules import RULES, RULES_VERSION


@job(reads=(TrainingExamples, DatasetLog, ModelLog), writes=ExampleRejections, timeless=True)
def example_rejections(
    training_examples: pl.LazyFrame,
    dataset_log: pl.LazyFrame,
    model_log: pl.LazyFrame,
    *,
    as_of: datetime,
    curation: Curation = Curation(),
) -> pl.LazyFrame:
    """Drop examples that are unfit, each for the first rule that it breaks; those of one tenant are held against no other's.

    Args:
        training_examples: Every example, unfit ones among them.
        dataset_log: Decisions on data sets, for the golden texts among them.
        model_log: Decisions on models: what a registered model put out is no example for the models that follow it.
        as_of: Texts that were frozen from this instant on do not count.
        curation: Thresholds.
    """
    frozen = dataset_log.filter(pl.col("event_type") == "GOLDEN_TEXTS_FROZEN", pl.col("occurred_at") < as_of)
    examples = training_examples.filter(pl.col("created_at") < as_of).with_row_index("row").collect()
    if examples.is_empty():
        return pl.LazyFrame(schema=schema(ExampleRejections))
    golden = frozen.select("tenant_id", "golden_texts").collect()
    registered = model_log.filter(pl.col("event_type") == "MODEL_REGISTERED", pl.col("occurred_at") < as_of)
    models = registered.select("tenant_id", name=pl.concat_str("model_id", pl.lit("@"), "model_version")).collect()
    parts = []
    for (tenant,), own in examples.partition_by("tenant_id", as_dict=True, maintain_order=True).items():
        texts = golden.filter(pl.col("tenant_id").eq_missing(pl.lit(tenant, pl.String)))["golden_texts"]
        line = models.filter(pl.col("tenant_id").eq_missing(pl.lit(tenant, pl.String)))["name"]
        around = Surroundings(
            curation, tuple(text for listed in texts for text in _read_texts(listed)), frozenset(line.drop_nulls())
        )
        parts.append(reject(own.rename({"created_at": "timestamp"}), around))
    codes = {rule: code for rule, (code, _) in RULES.items()}
    return (
        pl.concat(parts)
        .join(examples.select("row", "tenant_id", "example_id", "task_type"), on="row")
        .with_columns(code=pl.col("rule").replace_strict(codes, return_dtype=pl.String), version=pl.lit(RULES_VERSION))
        .sort("tenant_id", "example_id")
        .lazy()
    )


def _read_texts(listed: str) -> list[str]:
    """Return texts out of a JSON list; none where it is no such list."""
    try:
        found = json.loads(listed)
    except ValueError:
        return []
    return [text for text in found if isinstance(text, str)] if isinstance(found, list) else []
