"""What is in a version of a data set, and what should give pause?"""

from __future__ import annotations

from typing import Any

import polars as pl

from kaizenlake.decide.training import datasets
from kaizenlake.errors import TableNotFoundError
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.tables import ExampleRejections
from kaizenlake.training.splits import SPLITS, measure_diversity, warn_of_collapse, weigh_classes

_RARE = 0.05
"""Share of a label below which it is said to be rare."""


def summarise(rows: pl.DataFrame) -> dict[str, Any]:
    """Return counts and shares of the rows of a data set by split, task type and label.

    Args:
        rows: Rows of the data set.
    """
    number = max(rows.height, 1)

    def shares(counts: list[tuple[Any, int]]) -> list[tuple[str | None, int, float]]:
        return [(name, times, times / number) for name, times in counts]

    labels = rows.select(pl.col("labels").explode()).drop_nulls().group_by("labels").len()
    return {
        "examples": rows.height,
        "splits": shares([(name, rows.filter(split=name).height) for name in SPLITS]),
        "task_types": shares(rows.group_by("task_type").len().sort("task_type", nulls_last=True).rows()),
        "labels": shares(labels.sort("labels").rows()),
        "class_weights": weigh_classes(rows["labels"].explode()),
    }


def audit(lake: Lake, dataset_id: str, version: str | None = None) -> dict[str, Any]:
    """Look through a version of a data set.

    Args:
        lake: The lake, as a tenant has it where there are several.
        dataset_id: Data set.
        version: Version of it; the newest unless given.

    Returns:
        Counts and shares, `diversity` (each figure with that of the version before), `synthetic_share`, `rejections` of the
        lake by rule, and `warnings` in words.
    """
    view = view_of(lake)
    found = datasets.read(view, dataset_id, version)
    told = summarise(found.rows)
    now = measure_diversity(found.rows["output_text"], found.rows["cluster_id"])
    before: dict[str, float | None] = {}
    if len(found.told) > 1:
        earlier = datasets.read(view, dataset_id, found.told[-2]["dataset_version"]).rows
        before = measure_diversity(earlier["output_text"], earlier["cluster_id"])
    by_model = (
        pl.col("model").is_not_null() & ~pl.col("human_edited").fill_null(False) & pl.col("verified_by").is_null()
    )
    try:
        dropped = (
            view.scan(ExampleRejections)
            .group_by("rule")
            .len()
            .sort("len", "rule", descending=[True, False])
            .collect()
            .rows()
        )
    except TableNotFoundError:
        dropped = []
    warnings = warn_of_collapse(before, now)
    warnings += [
        f"Only {share:.1%} of examples have the label {name}." for name, _, share in told["labels"] if share < _RARE
    ]
    warnings += [f"The split {name} is empty." for name, times, _ in told["splits"] if not times]
    if left_out := [name for item in found.manifests for name in item["left_out"]]:
        warnings.append(f"{len(left_out)} examples are near to examples of two splits and in none (bridges_splits).")
    return {
        "dataset_id": dataset_id,
        "version": found.version,
        **told,
        "diversity": [(name, _figure(value), _figure(before.get(name))) for name, value in now.items()],
        "synthetic_share": found.rows.filter(by_model).height / max(found.rows.height, 1),
        "rejections": dropped,
        "warnings": warnings,
    }


def _figure(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
