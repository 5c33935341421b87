"""Subjects: a person or client, named by an id, and whether a text, line or row names it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import polars as pl

from kaizenlake.errors import UsageError
from kaizenlake.events.catalogue import Catalogue
from kaizenlake.events.rules import find_text_fault, near

ANY_TEXT = "text"
"""Kind of a subject that no field names: whatever says its id is of it."""

SHORTEST = 3
"""Fewest characters of an id: less stands in every other text."""

ENVELOPE_FIELDS = ("project_id", "tenant_id", "event_id", "source")
"""Fields of an envelope that may name a subject."""

_BEFORE, _AFTER = r"(?:^|[^\p{L}\p{N}]|\\[nrtbf]|\\u[0-9a-fA-F]{4})", r"(?:$|[^\p{L}\p{N}])"
"""What stands around an id: no letter and no digit, but for the escape of a line's end in JSON."""

_BEFORE_BYTES, _AFTER_BYTES = (
    rb"(?:(?<![A-Za-z0-9\x80-\xff])|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))",
    rb"(?![A-Za-z0-9\x80-\xff])",
)


@dataclass(frozen=True)
class Subject:
    """A person or client that is to be forgotten.

    Args:
        field: Field of events that names it; empty where any text does.
        name: Its id.
        tenant: Tenant whose events are meant; None means the events without one.
        is_of_tenant: Only events of that tenant are meant; else all of the lake.
    """

    field: str
    name: str
    tenant: str | None = None
    is_of_tenant: bool = False

    @cached_property
    def _pattern(self) -> str:
        # The engine may not look behind, so it takes what stands around the id.
        begins, ends = self.name[0].isalnum(), self.name[-1].isalnum()
        told = "|".join(map(pl.escape_regex, _spell(self.name)))
        return f"(?i){_BEFORE if begins else ''}(?:{told}){_AFTER if ends else ''}"

    @cached_property
    def _bytes(self) -> re.Pattern[bytes]:
        told = b"|".join(re.escape(spelled.encode()) for spelled in _spell(self.name))
        before = _BEFORE_BYTES if self.name[0].isalnum() else b""
        return re.compile(b"(?i)%s(?:%s)%s" % (before, told, _AFTER_BYTES if self.name[-1].isalnum() else b""))

    def is_in(self, content: bytes) -> bool:
        """Return whether some bytes of text name it."""
        return self._bytes.search(content) is not None

    def is_in_line(self, line: bytes) -> bool:
        """Return whether an event line names it, and is not of another tenant."""
        return self.is_in(line) and (not self.is_of_tenant or self._may_be_of_tenant(line))

    def _may_be_of_tenant(self, line: bytes) -> bool:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            return True
        return not isinstance(found, dict) or found.get("tenant_id", found.get("tenantid")) == self.tenant

    def without(self, text: str, stand_in: str) -> str:
        """Return a text in which something else stands where it was named."""
        return self._bytes.sub(stand_in.encode(), text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")

    def names(self, columns: Iterable[str], schema: pl.Schema) -> pl.Expr:
        """Return whether a row names it in one of some columns.

        Args:
            columns: Columns; of those that are neither texts nor lists of texts none names it.
            schema: Types of the columns.
        """
        found = [pl.lit(value=False)]
        for column in columns:
            if schema[column] == pl.String:
                found.append(pl.col(column).str.contains(self._pattern))
            elif schema[column] == pl.List(pl.String):
                found.append(pl.col(column).list.eval(pl.element().str.contains(self._pattern)).list.any())
        return pl.any_horizontal(item.fill_null(value=False) for item in found)

    def is_row(self, columns: Iterable[str], schema: pl.Schema) -> pl.Expr:
        """Return whether a row names it, and is of the tenant that is meant."""
        named = self.names(columns, schema)
        if not self.is_of_tenant or "tenant_id" not in schema:
            return named
        return named & pl.col("tenant_id").eq_missing(pl.lit(self.tenant, pl.String))

    def is_by_field(self) -> pl.Expr:
        """Return whether the field of an event says the id, rather than any other text of it."""
        if not self.field:
            return pl.lit(value=True)
        if self.field in ENVELOPE_FIELDS:
            return pl.col(self.field).str.to_lowercase().eq_missing(pl.lit(self.name.lower()))
        named = "|".join(pl.escape_regex(json.dumps(self.name, ensure_ascii=is_ascii)) for is_ascii in (True, False))
        pattern = f'(?i)"{pl.escape_regex(self.field)}":\\s*(?:{named}|{pl.escape_regex(self.name)}[,}}])'
        return pl.col("payload").str.contains(pattern)


def _spell(name: str) -> list[str]:
    """Return the ways in which files spell an id: as it is, in JSON, in HTML, in an address."""
    whole, escaped = (json.dumps(name, ensure_ascii=is_ascii)[1:-1] for is_ascii in (False, True))
    return list(dict.fromkeys((name, whole, escaped, html.escape(name), quote(name))))


def read_subject(text: str, catalogue: Catalogue, tenant: str | None = None, *, is_of_tenant: bool = False) -> Subject:
    """Return the subject that `KIND=ID` names.

    Args:
        text: The words: a field of events with or without its `_id`, or `text`, then the id.
        catalogue: Event types that there are.
        tenant: Tenant whose events are meant.
        is_of_tenant: Only events of that tenant are meant.

    Raises:
        UsageError: There is no such field, or no id that could be told from other words.
    """
    kind, separator, name = text.partition("=")
    kind, name = kind.strip(), name.strip()
    if not separator or not kind or not name:
        raise UsageError(
            f"--subject takes KIND=ID, such as lead=lead-17 or text=ann@example.com; found {ascii(text)[:200]}."
        )
    if fault := find_text_fault(name):
        raise UsageError(f"The id holds {fault}; expected a text in UTF-8.")
    if len(name) < SHORTEST or not any(map(str.isalnum, name)):
        raise UsageError(
            f"The id {name!r} is too short to be told from other words; expected {SHORTEST} characters or more."
        )
    known = {field.name for event in catalogue.events for field in event.fields} | {*ENVELOPE_FIELDS}
    found = "" if kind == ANY_TEXT else next((item for item in (kind, f"{kind}_id") if item in known), None)
    if found is None:
        likely = near(kind, sorted({item.removesuffix("_id") for item in known}))
        raise UsageError(
            f"No event has a field {kind!r} or '{kind}_id'{likely}.",
            hint="Name a field of `kaizen events`, or `text` for whatever says the id.",
        )
    return Subject(found, name, tenant, is_of_tenant)


def split_words(text: str, lengths: Iterable[int]) -> Iterator[str]:
    """Yield the pieces of a text that stand for themselves and are so long, in small letters.

    >>> [word in split_words("Ask Lead-17, not lead-180", [7]) for word in ("lead-17", "lead-18")]
    [True, False]
    """
    small = text.lower()
    size = len(small)
    asked = [length for length in lengths if length <= size]
    if not asked:
        return
    is_word = [*map(str.isalnum, small)]
    edges = [place for place in range(1, size) if not (is_word[place - 1] and is_word[place])]
    ends = {*edges, size}
    for start in (0, *edges):
        for length in asked:
            if start + length in ends:
                yield small[start : start + length]


def yield_texts(value: Any) -> Iterator[str]:
    """Yield every text of a JSON value, the names of fields and whole numbers too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from yield_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from yield_texts(inner)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)
