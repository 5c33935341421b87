"""What the file of a mapping may say: one class for each of its tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from kaizenlake.lake import cells

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$")]
Sign = Annotated[str, Meta(min_length=1, max_length=1)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the TOML file."""


class Format(_Part, frozen=True, kw_only=True):
    """How the file is written.

    separator, quote, encoding: Of a CSV file; between the cells stands a comma, or a tab where the file's ending is `.tsv`.
    decimal, thousands: Marks in numbers that are written as text.
    null_values: Cells that say nothing.
    header, header_rows: Row that holds the names of the columns, and how many it takes; without them it is looked for by the
        names that the mapping needs.
    sheet: Name or number of a workbook's sheet.
    rows: Where the list of records lies in a JSON object, such as `data.items`.
    """

    separator: Sign | None = None
    quote: Sign = '"'
    encoding: str = "utf-8"
    decimal: Sign = "."
    thousands: Sign | None = None
    null_values: list[str] = []
    header: Annotated[int, Meta(ge=1)] | None = None
    header_rows: Annotated[int, Meta(ge=1, le=5)] | None = None
    sheet: str | Annotated[int, Meta(ge=1)] | None = None
    rows: str = ""


class Value(_Part, frozen=True, kw_only=True):
    """Where a value comes from: exactly one of `column`, `constant`, `columns`, `row`, `count` and `names`.

    column: A column. `values` replaces cells (by an empty text: they say nothing), `split` makes a list, `multiply_by`,
        `divide_by` and `percent` convert.
    constant: The same for every row.
    columns: Several columns, joined by `join`, or made into a stable hash (`hash = true`) that names their content.
    row: The row's number after this prefix.
    count: How many of these columns hold one of `is`, or something that is none of `is_not`.
    names: List of those names whose column holds one of `is`, or something that is none of `is_not`.

    The columns of an `optional` value may be missing from a table; then it says nothing.
    """

    column: str | None = None
    constant: str | int | float | bool | None = None
    columns: list[str] | None = None
    row: str | None = None
    count: list[str] | None = None
    names: dict[str, str] | None = None
    values: dict[str, str] | None = None
    split: Sign | None = None
    join: str | None = None
    hash: bool = False
    is_: list[str] | None = msgspec.field(default=None, name="is")
    is_not: list[str] | None = None
    optional: bool = False
    multiply_by: float | None = None
    divide_by: float | None = None
    percent: bool = False
    format: str | None = None
    zone: str | None = None

    @property
    def sources(self) -> list[str]:
        """Columns it reads."""
        return [
            *([self.column] if self.column is not None else []),
            *(self.columns or []),
            *(self.count or []),
            *(self.names or {}).values(),
        ]


class Moment(_Part, frozen=True, kw_only=True):
    """When it happened: exactly one of `column`, `week` and `month`.

    column: A column, read by `format`: `iso` (a date, or date and time), `epoch_seconds`, `epoch_milliseconds`, or a
        pattern such as `%d.%m.%Y %H:%M`. A time without a zone is in `zone`; without that it is refused.
    week: A column with ISO year and week, such as 201425: the Monday of that week, at midnight in `zone`.
    month: A column with the month, where `year` is given and no day is: the first day of that month which falls on
        `weekday` (a column; `first_weekday` is day 1), at the hour of `hour` (a column).
    """

    column: str | None = None
    format: str = "iso"
    zone: str | None = None
    week: str | None = None
    month: str | None = None
    year: int | None = None
    weekday: str | None = None
    first_weekday: cells.Weekday = "monday"
    hour: str | None = None

    @property
    def sources(self) -> list[str]:
        """Columns it reads."""
        return [name for name in (self.column, self.week, self.month, self.weekday, self.hour) if name is not None]


class Identity(_Part, frozen=True, kw_only=True):
    """What names an event: `columns`, or `row = true` for the row's number in this very content of a file."""

    columns: list[str] | None = None
    row: bool = False


class Section(_Part, frozen=True, kw_only=True):
    """One event that a row stands for; `when` says of which rows: each column holds one of the cells listed.

    With `each`, a row stands for one event for each item of the list that lies there. A name of a column is then that of a
    member of the item, or else of one of the row.
    """

    type: str
    id: Identity
    occurred_at: Moment
    fields: dict[str, str | Value]
    when: dict[str, list[str]] = {}
    each: str | None = None
    project_id: str | Value | None = None
    tenant_id: str | Value | None = None
    tags: list[str] = []


class Document(_Part, frozen=True, kw_only=True):
    """The whole file."""

    description: Annotated[str, Meta(min_length=10)]
    event: Annotated[list[Section], Meta(min_length=1)]
    format: Format = Format()
    source: Name | None = None


def values(section: Section) -> Iterator[tuple[str, Value]]:
    """Fields and envelope fields of a section, a bare text standing for the column of that name."""
    envelope = {"project_id": section.project_id, "tenant_id": section.tenant_id}
    for name, value in [*section.fields.items(), *envelope.items()]:
        if value is not None:
            yield name, Value(column=value) if isinstance(value, str) else value
