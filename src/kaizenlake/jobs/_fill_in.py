"""Words with values in them, row by row."""

from __future__ import annotations

import polars as pl


def fill_in(words: str, *values: pl.Expr | str) -> pl.Expr:
    """Return a text with the values of columns in the place of each `{}`; null where one of them is null.

    `pl.format` says the same, and panics on the empty chunk that a filter leaves in a streamed frame (polars 2.1).

    Args:
        words: Text with a `{}` for each value.
        values: Expressions or names of columns.

    >>> pl.DataFrame({"n": [1, None]}).select(fill_in("{} of {}", "n", pl.lit(2))).to_series().to_list()
    ['1 of 2', None]
    """
    parts = words.split("{}")
    assert len(parts) == len(values) + 1, words
    texts: list[pl.Expr] = [pl.lit(parts[0])]
    for value, after in zip(values, parts[1:], strict=True):
        texts += [(pl.col(value) if isinstance(value, str) else value).cast(pl.String), pl.lit(after)]
    return pl.concat_str(texts)
