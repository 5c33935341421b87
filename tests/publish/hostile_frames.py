"""Frames whose texts are as nobody should write them."""

from __future__ import annotations

import polars as pl

from kaizenlake import tables

HOSTILE = (
    "</script><script>window.hit=1</script>",
    '"><img src=x onerror=window.hit=1>',
    "]]>--></style></svg><svg onload=window.hit=1>",
    '#panic() #eval("1") $x^2$ *bold* _it_ <label> @ref \\u{41}',
    "{{ 7*7 }}{% raw %}",
    "long" * 200,
    "שלום \u202eevil\u202c مرحبا",
    "😀👩‍👩‍👧 中文 ไทย \U0001f9ff",
    "nul\x00\x07\ud800",
)
"""Text that has broken reports of others; every string column is filled with it."""


LABELS = (*HOSTILE, "]]><!--", "{{ 7 * 7 }} ${x} `a` {% raw %}", "datum.label === 1", "")
"""Words that a chart may have to draw."""

TIED = HOSTILE[3] + HOSTILE[0]
"""Put before names that tie tables together, alike in all of them."""


def hostile(frames, *, tied=frozenset(), kept=frozenset()):
    """The frames with hostile text in every string column that takes any text.

    Args:
        frames: Frames by table.
        tied: Columns that tie tables together: all their values begin with the same hostile text.
        kept: Columns that stay as they are.
    """
    texts = pl.Series([text.encode("utf-8", "ignore").decode() for text in HOSTILE])
    held = {}
    for table, frame in frames.items():
        declared = tables.columns(table)
        changes = []
        for place, (name, dtype) in enumerate(frame.schema.items()):
            if name in kept or declared[name].isin:
                continue
            if name in tied and dtype == pl.List(pl.String):
                changes.append(pl.col(name).list.eval(pl.lit(TIED) + pl.element()).alias(name))
            elif name in tied:
                changes.append((pl.lit(TIED) + pl.col(name)).alias(name))
            elif dtype == pl.String:
                begun = pl.lit(texts).gather((pl.int_range(pl.len()) + place) % len(texts))
                changes.append(pl.when(pl.col(name).is_not_null()).then(begun + pl.col(name)).alias(name))
        held[table] = frame.with_columns(changes)
    return held
