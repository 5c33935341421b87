"""What the events of a landing do not tell and tables need: counted on the first of them, so that a large landing is no slower."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import polars as pl

from kaizenlake.events.values.platforms import holds_posts, normalise_column
from kaizenlake.tables.base.needs import NEEDS, TableNeed
from kaizenlake.vocabulary import plural

MOST_ASKED = 50_000
"""Events of a file that are asked what they tell."""

LEAST_MISSING = 0.05
"""Least share of the events of a type that tell nothing of what is needed, for a word."""

_ASKED = tuple(need for need in NEEDS if need.fields)
_TYPES = frozenset(need.event for need in _ASKED)


def count_missing(events: pl.DataFrame) -> tuple[Counter[str], Counter[str]]:
    """Count events by type, and by the name of a need those that tell nothing of it.

    Args:
        events: Columns `event_type` and `payload`, JSON text in which a field that is null is left out.
    """
    asked = events.filter(pl.col("event_type").is_in(_TYPES)).select("event_type", "payload")
    if asked.is_empty():
        return Counter(), Counter()
    types = Counter(dict(asked["event_type"].value_counts().iter_rows()))
    needs = [need for need in _ASKED if need.event in types]
    of_posts = holds_posts(normalise_column(pl.col("payload").str.extract(r'"platform":"([^"]*)"')))
    told = {
        need.name: (
            (pl.col("event_type") == need.event)
            & ~pl.col("payload").str.contains_any([f'"{name}":' for name in need.fields])
            & (of_posts if need.of_posts else pl.lit(value=True))
        ).sum()
        for need in needs
    }
    return types, Counter(asked.select(**told).row(0, named=True))


def missing_words(types: Counter[str], missing: Counter[str]) -> Iterable[str]:
    """Yield what is missing, what stays empty for it, and what can be done about it.

    Args:
        types: Events by type.
        missing: By the name of a need, events that tell nothing of it.
    """
    lacking = [need for need in _ASKED if missing[need.name] > max(0.0, LEAST_MISSING * types[need.event])]
    for need in lacking:
        if not any(set(need.fields) < set(wider.fields) for wider in lacking):
            yield _sentence(need, missing[need.name])


def _sentence(need: TableNeed, events: int) -> str:
    return f"{plural(events, *need.what)} without {need.missing}: no {need.lost}. {need.remedy}"
