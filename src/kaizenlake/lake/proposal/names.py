"""Which field of an event a column may feed: by its name, and by what its cells look like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

from kaizenlake.events.catalogue import EventType, Field
from kaizenlake.events.values.synonyms import ALSO, plain_name
from kaizenlake.lake.mapping.document import values
from kaizenlake.lake.mapping.files import list_shipped, load
from kaizenlake.lake.proposal.shapes import CellShape

LEAST = 0.5
"""Least likeness of names at which a column is taken for a field."""

_IDLE = frozenset(
    {
        "total",
        "totals",
        "lifetime",
        "number",
        "of",
        "no",
        "count",
        "post",
        "posts",
        "sum",
        "all",
        "the",
        "anzahl",
        "gesamt",
        "nombre",
        "de",
        "organic",
    }
)
_OTHER_FIGURE = frozenset(
    {
        "per",
        "rate",
        "ratio",
        "avg",
        "average",
        "mean",
        "cpc",
        "cpm",
        "cost",
        "pro",
        "durchschnitt",
        "change",
        "previous",
        "by",
        "who",
        "people",
    }
)
"""Words by which the name of a column says that it is another figure than the one its last word names."""


@dataclass(frozen=True)
class ColumnMatch:
    """A column that may feed a field.

    Args:
        column: The column.
        field: The field.
        score: How alike the names are, up to 1.
        why: Why it may.
    """

    column: str
    field: str
    score: float
    why: str


@cache
def _shipped_names() -> Mapping[tuple[str, str], frozenset[str]]:
    """Return the headers that shipped mappings read for each field of a type."""
    found: dict[tuple[str, str], set[str]] = {}
    for name in list_shipped():
        document = load(name).document
        for section in document.event:
            for field, value in values(section):
                if value.column is not None:
                    names = (value.column, *document.also_named.get(value.column, ()))
                    found.setdefault((section.type, field), set()).update(map(plain_name, names))
    return {key: frozenset(names) for key, names in found.items()}


def matches(event: EventType, shapes: Mapping[str, CellShape]) -> list[ColumnMatch]:
    """Return which columns may feed which fields of an event, the likeliest first.

    Args:
        event: Type of the event.
        shapes: What the cells of each column look like.
    """
    found = [
        ColumnMatch(column, field.name, *judged)
        for field in event.fields
        for column, shape in shapes.items()
        if fits(field, shape) and (judged := _judge(event.name, field, column))[0] >= LEAST
    ]
    return sorted(found, key=lambda match: -match.score)


def names_of(field: str) -> list[str]:
    """Return the names of a field, the likeliest first."""
    short = re.sub("_(usd|seconds|days|hours)$", "", field)
    return list(dict.fromkeys((plain_name(field), plain_name(short), *ALSO.get(field, ()))))


def _judge(event: str, field: Field, column: str) -> tuple[float, str]:
    """Return how alike a field and the name of a column are, and why."""
    known = names_of(field.name)
    shipped = _shipped_names().get((event, field.name), frozenset())
    best = 0.0
    for cost, name in _readings(column):
        if name in known[:2]:
            best = max(best, 1.0 - cost)
        elif name in known:
            best = max(best, 0.95 - 0.01 * known.index(name) - cost)
        elif name in shipped and not cost:
            best = max(best, 0.9)
    if best:
        return best, f"{column!r} is a name of it"
    if field.kind in {"int", "float"}:
        return _weak(field, column, known)
    return 0.0, ""


def _readings(column: str) -> Iterable[tuple[float, str]]:
    """Yield names that a column may be meant by, each with what it costs: whole, its last key, and without idle words."""
    whole = plain_name(column)
    yield 0.0, whole
    last = plain_name(re.split(r"[.\]/]", column)[-1]) if re.search(r"[.\]/]", column) else whole
    if last and last != whole:
        yield 0.05, last
    busy = " ".join(word for word in whole.split() if word not in _IDLE)
    if busy and busy != whole:
        yield 0.1, busy
    unit = re.sub(r" (usd|eur|ms|sec|secs|seconds|s|min|minutes|percent|pct)$", "", whole)
    if unit != whole:
        yield 0.05, unit


def _weak(field: Field, column: str, known: Sequence[str]) -> tuple[float, str]:
    """Return how alike they are where the name of the column only ends with a name of the field, or is spelled nearly so."""
    name = plain_name(column)
    words = name.split()
    is_rate = field.unit == "rate"
    if (not is_rate and _OTHER_FIGURE & set(words)) or ("%" in column and not is_rate):
        return 0.0, ""
    for place, other in enumerate(known):
        if len(other) > 3 and name.endswith(f" {other}"):
            return 0.6 - 0.005 * place, f"{column!r} ends with a name of it"
        if len(other) > 4 and SequenceMatcher(None, name, other).ratio() >= 0.88:
            return 0.55, f"{column!r} is nearly a name of it"
    return 0.0, ""


def is_named(column: str, known: Sequence[str]) -> float:
    """Return how surely a column has one of some names: 1 for the first, less for later ones, 0 for none."""
    best = 0.0
    for cost, name in _readings(column):
        if name in known:
            best = max(best, 1.0 - 0.01 * known.index(name) - cost)
    return best


def fits(field: Field, shape: CellShape) -> bool:
    """Return whether the cells of a column can be what a field holds."""
    match field.kind:
        case "int":
            is_count = shape.kind == "number" and not shape.currencies and not shape.is_percent and not shape.is_length
            return is_count and (shape.is_whole or bool(shape.twofold)) and shape.lowest >= (field.minimum or 0)
        case "float":
            return _fits_float(field, shape)
        case "bool":
            return shape.kind == "flag" or bool(shape.passed and shape.kind == "number")
        case "datetime" | "list":
            return shape.kind in ({"time"} if field.kind == "datetime" else {"word", "text"})
        case "str":
            is_name = field.name.endswith("_id")
            return shape.kind in ({"word", "number", "link"} if is_name else {"word", "text", "link", "flag"}) or (
                is_name and shape.kind == "text" and shape.longest <= 200
            )
        case _:
            return False


def _fits_float(field: Field, shape: CellShape) -> bool:
    if shape.kind != "number":
        return False
    match field.unit:
        case "rate":
            return shape.is_percent or (not shape.currencies and shape.lowest >= 0 and shape.highest <= 100)
        case "usd":
            return not shape.is_percent and not shape.is_length and shape.lowest >= 0
        case "seconds":
            return not shape.currencies and not shape.is_percent and shape.lowest >= 0
        case _:
            return (
                not shape.currencies
                and not shape.is_length
                and shape.lowest >= (-1e18 if field.minimum is None else field.minimum)
            )
