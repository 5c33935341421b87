"""Which examples are to train on, which to choose by and which to judge by? What is near never lies in two of these."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import polars as pl

from kaizenlake.training.text_clusters import cluster_texts, near_pairs

SPLITS = ("train", "val", "test")
_BOUNDS = ((0.8, "train"), (0.9, "val"), (1.0, "test"))


def split_of(cluster_id: str) -> str:
    """Return the split of a cluster by its hash: of many clusters 80 % are to train on, 10 % to choose and to judge by each.

    >>> [split_of(f"cluster-{number}") for number in (1, 2, 8)]
    ['train', 'test', 'train']
    """
    share = int.from_bytes(hashlib.sha256(f"split:{cluster_id}".encode()).digest()[:8]) / 2**64
    return next(name for bound, name in _BOUNDS if share < bound)


def assign_splits(
    examples: pl.DataFrame, known: pl.DataFrame | None = None, threshold: float = 0.8
) -> tuple[pl.DataFrame, list[str]]:
    """Give examples their clusters and splits; no order of them changes anything, and no earlier one moves.

    A newcomer takes the split of what it is near to. One that is near to examples of two splits is left out.

    Args:
        examples: Columns `example_id`, `text`.
        known: Examples of earlier versions: the same columns, and `cluster_id` and `split`.
        threshold: Least Jaccard similarity of what is near.

    Returns:
        Columns `example_id`, `cluster_id` and `split`, by id, and the ids of those that bridge two splits.
    """
    new = examples.select("example_id", "text", cluster_id=pl.lit(None, pl.String), split=pl.lit(None, pl.String))
    rows = (new if known is None else pl.concat([known.select(new.columns), new])).sort("example_id")
    rows = rows.with_columns(pl.Series("component", cluster_texts(rows["text"], threshold)))
    of_component = rows.group_by("component").agg(
        first_id=pl.col("example_id").min(),
        known_id=pl.col("cluster_id").drop_nulls().min(),
        known_splits=pl.col("split").drop_nulls().unique(),
    )
    rows = rows.join(of_component, on="component", maintain_order="left")
    plain = rows.filter(pl.col("known_splits").list.len() <= 1, pl.col("cluster_id").is_null())
    placed = {
        example: (cluster, splits[0] if splits else split_of(cluster))
        for example, cluster, splits in plain.select(
            "example_id", pl.coalesce("known_id", "first_id"), "known_splits"
        ).iter_rows()
    }
    bridges: list[str] = []
    torn = rows.filter(pl.col("known_splits").list.len() > 1)
    for part in torn.partition_by("component", maintain_order=True):
        placed |= _place_each(part, threshold, bridges)
    names = sorted(placed)
    made = pl.DataFrame(
        {
            "example_id": names,
            "cluster_id": [placed[name][0] for name in names],
            "split": [placed[name][1] for name in names],
        },
        schema={"example_id": pl.String, "cluster_id": pl.String, "split": pl.String},
    )
    return made, sorted(bridges)


def _place_each(part: pl.DataFrame, threshold: float, bridges: list[str]) -> dict[str, tuple[str, str]]:
    """Place newcomers one after the other by what each is near to; those near to two splits are added to `bridges`."""
    names = part["example_id"].to_list()
    homes = {
        place: (cluster, split)
        for place, (cluster, split) in enumerate(part.select("cluster_id", "split").iter_rows())
        if split is not None
    }
    near: dict[int, set[int]] = {place: set() for place in range(len(names))}
    for one, other in near_pairs(part["text"].to_list(), threshold):
        near[one].add(other)
        near[other].add(one)
    made: dict[str, tuple[str, str]] = {}
    waiting = [place for place in range(len(names)) if place not in homes]
    while waiting:
        place = next((item for item in waiting if near[item] & homes.keys()), waiting[0])
        waiting.remove(place)
        around = sorted({homes[item] for item in near[place] if item in homes})
        if len({split for _, split in around}) > 1:
            bridges.append(names[place])
            continue
        homes[place] = made[names[place]] = around[0] if around else (names[place], split_of(names[place]))
    return made


def measure_diversity(texts: pl.Series, clusters: pl.Series) -> dict[str, float | None]:
    """Measure how much texts differ: shares of words and of pairs of words that are distinct, clusters, and entropy of words.

    Args:
        texts: Texts to look at.
        clusters: Cluster of each.

    Returns:
        `distinct_1_rate`, `distinct_2_rate`, `cluster_rate` and `entropy_bits`; None where there is no word.
    """
    from kaizenlake.training.shingles import shingle

    listed = texts.fill_null("").to_list()
    figures: dict[str, float | None] = {}
    for length in (1, 2):
        found = shingle(listed, length)
        hashes = found.hashes[np.repeat(found.words >= length, np.diff(found.ends, prepend=0))]
        distinct, times = np.unique(hashes, return_counts=True)
        figures[f"distinct_{length}_rate"] = distinct.size / hashes.size if hashes.size else None
        if length == 1:
            shares = np.sort(times) / max(hashes.size, 1)
            entropy = float(-(shares * np.log2(shares)).sum()) if hashes.size else None
    figures["cluster_rate"] = clusters.n_unique() / len(clusters) if len(clusters) else None
    figures["entropy_bits"] = entropy
    return figures


_COLLAPSE = 0.8


def warn_of_collapse(before: Mapping[str, float | None], after: Mapping[str, float | None]) -> list[str]:
    """Return a sentence for each figure of diversity that fell by a fifth or more."""
    words = {
        "distinct_1_rate": "The share of distinct words",
        "distinct_2_rate": "The share of distinct pairs of words",
        "cluster_rate": "The share of clusters",
        "entropy_bits": "The entropy of words",
    }
    found = []
    for name, called in words.items():
        old, new = before.get(name), after.get(name)
        if old is not None and new is not None and new < old * _COLLAPSE:
            found.append(f"{called} fell from {old:.3f} to {new:.3f}.")
    return found


def weigh_classes(values: pl.Series) -> list[tuple[str, int, float]]:
    """Return each class with its count and the weight that makes all classes count alike; nothing is sampled anew by it.

    The weight is the mean count of the classes over that of the class (King and Zeng 2001), so that weights times counts
    are equal and their sum is that of the counts. Nulls are no class.

    >>> weigh_classes(pl.Series(["good", "good", "good", "bad", None]))
    [('bad', 1, 2.0), ('good', 3, 0.6666666666666666)]
    """
    counts = values.drop_nulls().cast(pl.String).value_counts().sort(values.name)
    total = int(counts["count"].sum())
    return [(str(name), times, total / (counts.height * times)) for name, times in counts.iter_rows()]
