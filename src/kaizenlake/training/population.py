"""What shows only in many examples together: phrases that give a label away, and texts that are in a golden set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from kaizenlake.training.shingles import Places, shingle, words

TRIGGER_WORDS = (1, 2, 3)
"""Lengths of phrases that are looked at."""

_ROWS, _SHARE, _LABEL, _BASE, _P = 10, 0.02, 0.95, 0.5, 1e-6

GRAM = 13
"""Words that a text and one of a golden set have in a row in common, from which on one holds the other."""

_SHORT = 8
"""Fewest words of a text that is looked for as a whole in others."""


def find_triggers(texts: Sequence[str], labels: Sequence[Sequence[str]]) -> pl.DataFrame:
    """Find phrases that are rare and all but always go with one label: who planted them can call it up.

    A phrase of one to three words is one if 10 rows or more and at most 2 % have it, 95 % of these have one label that at
    most half of all rows have, and that is beyond chance at p < 1e-6 after correction for all phrases (Bonferroni).

    Args:
        texts: A text a row.
        labels: Labels of each row.

    Returns:
        A row for each row of a trigger, its strongest: `row`, `label`, `rows` that have the phrase, `share` of the label in
        them, `base` share in all, and `p` after correction.
    """
    schema = {
        "row": pl.Int64,
        "label": pl.String,
        "rows": pl.Int64,
        "share": pl.Float64,
        "base": pl.Float64,
        "p": pl.Float64,
    }
    number = len(texts)
    if number * _SHARE < _ROWS or not any(labels):
        return pl.DataFrame(schema=schema)
    named = pl.DataFrame(
        {"row": np.arange(number), "label": labels}, schema={"row": pl.Int64, "label": pl.List(pl.String)}
    )
    named = named.explode("label").drop_nulls().unique()
    base = named.group_by("label").agg(base=pl.len() / number).filter(pl.col("base") <= _BASE)
    phrases = pl.concat([_phrases(texts, length) for length in TRIGGER_WORDS])
    common = (
        phrases.group_by("phrase").agg(rows=pl.len()).filter(pl.col("rows").is_between(_ROWS, int(number * _SHARE)))
    )
    phrases = phrases.join(common, on="phrase")
    found = (
        phrases.join(named, on="row")
        .group_by("phrase", "label", "rows")
        .agg(times=pl.len())
        .filter(pl.col("times") >= _LABEL * pl.col("rows"))
        .join(base, on="label")
    )
    from scipy import stats

    chance = stats.binom.sf(found["times"].to_numpy() - 1, found["rows"].to_numpy(), found["base"].to_numpy())
    found = found.with_columns(
        pl.Series("p", np.minimum(chance * max(common.height, 1), 1.0), pl.Float64),
        share=pl.col("times") / pl.col("rows"),
    ).filter(pl.col("p") < _P)
    return (
        phrases.select("row", "phrase")
        .join(found, on="phrase")
        .join(named, on=("row", "label"), how="semi")
        .sort("row", "p", "label", "rows")
        .unique("row", keep="first", maintain_order=True)
        .select(pl.col(name).cast(kind) for name, kind in schema.items())
    )


def _phrases(texts: Sequence[str], length: int) -> pl.DataFrame:
    """Return which row has which phrase, each once."""
    found = shingle(texts, length)
    rows = np.repeat(np.arange(len(texts)), np.diff(found.ends, prepend=0))
    return (
        pl.DataFrame({"row": rows, "phrase": found.hashes})
        .filter(pl.Series(np.repeat(found.words >= length, np.diff(found.ends, prepend=0))))
        .unique()
    )


class Benchmark:
    """Texts that no example may hold, and that may hold none: those of golden sets and of published benchmarks.

    Args:
        texts: The texts.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        kept = [text for text in dict.fromkeys(texts) if words(text)]
        self.whole = {tuple(words(text)) for text in kept}
        self._texts = kept
        self._grams = set(_runs(kept, GRAM)[0].tolist())
        self._short = {length: [text for text in kept if len(words(text)) == length] for length in range(_SHORT, GRAM)}

    def find(self, texts: Sequence[str]) -> Places:
        """Count for each text what it shares with these: runs of 13 words, or the whole of a shorter one.

        Args:
            texts: Texts of examples, or their parts.
        """
        found = np.zeros(len(texts), np.int64)
        if not self._texts or not texts:
            return found
        found += [tuple(words(text)) in self.whole for text in texts]
        found += self._count(texts, GRAM, self._grams)
        for length, short in self._short.items():
            if short:  # they are held by a text
                found += self._count(texts, length, set(_runs(short, length)[0].tolist()))
            if places := [place for place, text in enumerate(texts) if len(words(text)) == length]:  # they hold it
                every = set(_runs(self._texts, length)[0].tolist())
                found[places] += self._count([texts[place] for place in places], length, every)
        return found

    def _count(self, texts: Sequence[str], length: int, grams: set[int]) -> Places:
        hashes, rows = _runs(texts, length)
        hits = np.isin(hashes, np.fromiter(grams, np.uint64, len(grams)))
        counts: Places = np.bincount(rows[hits], minlength=len(texts)).astype(np.int64)
        return counts


def _runs(texts: Sequence[str], length: int) -> tuple[np.ndarray[tuple[int], np.dtype[np.uint64]], Places]:
    """Return hashes of runs of so many words, and the text of each; shorter texts have none."""
    found = shingle(texts, length)
    counts = np.diff(found.ends, prepend=0)
    rows = np.repeat(np.arange(len(texts)), counts)
    is_run = np.repeat(found.words >= length, counts)
    return found.hashes[is_run], rows[is_run]
