"""Which texts say nearly the same? Exact clusters of them, and in each the one that stays."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl

from kaizenlake.errors import UsageError
from kaizenlake.training.jaccard_join import cluster_sets
from kaizenlake.training.shingles import Places, shingle

THRESHOLD = 0.8
"""Least Jaccard similarity of near-duplicates."""

COLUMNS = ("example_id", "text", "quality_score", "created_at")


def near_duplicates(
    frame: pl.DataFrame | pl.LazyFrame, threshold: float = THRESHOLD, known: pl.DataFrame | pl.LazyFrame | None = None
) -> pl.DataFrame:
    """Cluster texts that say nearly the same, and name in each cluster the one that stays.

    Two texts are near if the sets of their shingles of three words (after NFKC, without format characters, casefolded) have
    a Jaccard similarity of the threshold or more; texts under three words only if their words are equal. What is near to
    what is near is of one cluster. The highest score stays, then the oldest, then the first by its id. No order of rows
    changes anything.

    Args:
        frame: Columns `example_id`, `text`, `quality_score` and `created_at` (of any type that has an order). A text that is
            missing is near to none, and a score or time that is missing comes after all others.
        threshold: Least Jaccard similarity, above 0 and at most 1.
        known: Rows of earlier times, alike; where a cluster has one of them, one of them stays.

    Returns:
        A row for each of `frame`, in its order: `example_id`, `cluster_id` (the first id of its cluster, of known rows where
        there are some) and `survivor_id`.

    Raises:
        UsageError: A column is missing, or the threshold lies outside its range.
    """
    if not 0 < threshold <= 1:
        raise UsageError(f"The threshold of near-duplicates lies above 0 and at most at 1; found {threshold!r}.")
    given = [part.lazy().collect() for part in (frame, known) if part is not None]
    for part in given:
        if missing := [name for name in COLUMNS if name not in part.columns]:
            raise UsageError(f"near_duplicates needs the columns {', '.join(COLUMNS)}; {missing[0]} is missing.")
    rows = pl.concat([part.select(COLUMNS) for part in given], how="vertical_relaxed").with_row_index("_row")
    newer = pl.col("_row") < given[0].height if known is not None else pl.lit(value=False)
    rows = rows.with_columns(pl.Series("_cluster", cluster_texts(rows["text"], threshold)), newer.alias("_newer"))
    score = pl.col("quality_score").cast(pl.Float64).fill_nan(None)
    ranked = rows.sort(
        "_newer", score, "created_at", "example_id", descending=[False, True, False, False], nulls_last=True
    )
    ids = pl.col("example_id")
    named = ranked.group_by("_cluster").agg(
        survivor_id=ids.first(),
        cluster_id=ids.filter(pl.col("_newer") == pl.col("_newer").first()).min(),
    )
    return (
        rows.head(given[0].height)
        .join(named, on="_cluster", how="left", maintain_order="left")
        .select("example_id", "cluster_id", "survivor_id")
    )


def cluster_texts(texts: pl.Series, threshold: float = THRESHOLD) -> Places:
    """Return numbers of texts, so that near-duplicates, and what is near to them, have one number.

    Args:
        texts: Any texts; one that is missing has a number of its own.
        threshold: Least Jaccard similarity of near-duplicates.
    """
    labels = np.arange(len(texts))
    firsts = (
        pl.DataFrame({"text": texts.cast(pl.String), "row": labels})
        .drop_nulls("text")
        .with_columns(first=pl.col("row").min().over("text"))
    )
    labels[firsts["row"].to_numpy()] = firsts["first"].to_numpy()
    several = firsts.filter(pl.col("row") == pl.col("first"))
    found = shingle(several["text"].to_list())
    clusters = cluster_sets(found.hashes, found.ends, threshold)
    clusters = np.where(found.words > 0, clusters, np.arange(clusters.size))
    of_row = np.arange(len(texts))
    places = several["row"].to_numpy()
    of_row[places] = places[clusters]
    joined: Places = of_row[labels]
    return joined


def near_pairs(texts: list[str], threshold: float = THRESHOLD) -> set[tuple[int, int]]:
    """Return every pair of near-duplicates among a few texts, by comparing all of them.

    Args:
        texts: Texts to compare, such as those of one cluster.
        threshold: Least Jaccard similarity.
    """
    found = shingle(texts)
    sets = [frozenset(part.tolist()) for part in np.split(found.hashes, found.ends[:-1])] if texts else []
    return {
        (one, other)
        for one, other in combinations(range(len(texts)), 2)
        if texts[one] == texts[other]
        or (
            found.words[one] > 0
            and found.words[other] > 0
            and len(sets[one] & sets[other]) / len(sets[one] | sets[other]) >= threshold
        )
    }
