"""Show columns of tables: label and format follow from the declaration of each; what differs is an object of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import msgspec
import polars as pl

from kaizenlake import tables
from kaizenlake.errors import UsageError
from kaizenlake.publish import formats as say
from kaizenlake.tables import Table

Kind: TypeAlias = Literal["text", "number", "verdict"]


@dataclass(frozen=True)
class Cell:
    """A value as it is shown, and the figures of the gold table behind it.

    Args:
        text: What is shown.
        names: Columns of the table of the lake, space between them; empty for words of our own.
        value: Its value as JSON; an array where there are several columns.
        link: File of ours beside the report that it leads to; empty for none. Paper has none.
    """

    text: str
    names: str = ""
    value: str = ""
    link: str = ""


@dataclass(frozen=True)
class Shown:
    """A column of a report, as far as it differs from the declaration of the column of the table.

    Args:
        names: Columns of the row behind it; two without a text of their own are the ends of an interval.
        label: Heading; that of the first column by default.
        format: Name of a format; that of the first column by default.
        text: Makes the clean text out of the row, or the whole cell, in place of a format.
        link: Makes the name of a file that it leads to out of the row.
    """

    names: tuple[str, ...] = ()
    label: str = ""
    format: str = ""
    text: Callable[[Any], str | Cell] | None = None
    link: Callable[[Any], str] | None = None

    def cell(self, row: Any, table: type[Table]) -> Cell:
        """Return the cell of a row.

        Args:
            row: Row of the table.
            table: Table that declares its columns.
        """
        values = [getattr(row, name) for name in self.names]
        if self.text is not None:
            text = self.text(row)
            if isinstance(text, Cell):
                return text
        else:
            texts = [say.FORMATS[self.format or format_of(table, self.names[0])](value) for value in values]
            text = say.between(*texts) if len(texts) > 1 else texts[0]
        value = msgspec.json.encode(values if len(values) > 1 else values[0]).decode() if values else ""
        return Cell(text, " ".join(self.names), value, self.link(row) if self.link else "")

    def heading(self, table: type[Table]) -> str:
        """Return the heading of the column."""
        return self.label or label_of(table, self.names[0])

    def kind(self, table: type[Table]) -> Kind:
        """Return whether the column holds text, figures or a verdict."""
        name = self.format or ("text" if self.text else format_of(table, self.names[0]))
        return _KINDS.get(name, "number")


def show(name: str, label: str = "", format: str = "", link: Callable[[Any], str] | None = None) -> Shown:  # noqa: A002 - the word for it
    """Show one column under another label or in another format than its own."""
    return Shown((name,), label, format, link=link)


def show_text(
    label: str,
    text: Callable[[Any], str | Cell],
    *names: str,
    format: str = "text",  # noqa: A002 - the word for it
    link: Callable[[Any], str] | None = None,
) -> Shown:
    """Show a text that is made of a row.

    Args:
        label: Heading.
        text: Makes the clean text, or the whole cell.
        names: Columns behind it.
        format: Format that tells how it is set: `text`, `verdict` or one of figures.
        link: Makes the name of a file that it leads to out of the row.
    """
    return Shown(names, label, format, text, link)


def show_interval(low: str = "ci_low", high: str = "ci_high", label: str = "Interval", format: str = "") -> Shown:  # noqa: A002 - the word for it
    """Show two columns as the ends of an interval."""
    return Shown((low, high), label, format)


@cache
def label_of(table: type[Table], name: str) -> str:
    """Return the heading under which people read a column: its label, or else its name in words."""
    declared = tables.columns(table).get(name)
    return (declared.label if declared else "") or say.sentence(say.name_words(name))


@cache
def format_of(table: type[Table], name: str) -> str:
    """Return the name of the format of a column: the one declared, or else what its unit and type tell.

    Raises:
        UsageError: A format is declared that there is not.
    """
    declared, dtype = tables.columns(table)[name], tables.schema(table)[name]
    if declared.format and declared.format not in say.FORMATS:
        raise UsageError(
            f"There is no format {declared.format!r}.",
            where=f"{tables.full_name(table)}.{name}",
            hint=f"Formats are {', '.join(say.FORMATS)}.",
        )
    plain = "count" if dtype.is_integer() else _TYPES.get(dtype.base_type(), "text")
    return declared.format or _UNITS.get(declared.unit, plain)


_UNITS: Mapping[str, str] = MappingProxyType(
    {"rate": "rate", "usd": "usd", "seconds": "seconds", "days": "days", "hours": "hours", "score": "score"}
)
_TYPES: Mapping[Any, str] = MappingProxyType(
    {pl.Boolean: "yes_or_no", pl.Date: "date", pl.Datetime: "instant", pl.Float64: "figure", pl.List: "list"}
)
_KINDS: Mapping[str, Kind] = MappingProxyType(
    {"text": "text", "sentence": "text", "words": "text", "list": "text", "verdict": "verdict"}
)
