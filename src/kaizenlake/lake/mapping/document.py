"""What the file of a mapping may say: one class for each of its tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from kaizenlake.vocabulary import Figures, Weekday

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$")]
Sign = Annotated[str, Meta(min_length=1, max_length=1)]
Code = Annotated[str, Meta(pattern="^[A-Z]{3}$")]


class _TomlTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the TOML file."""


class FileFormat(_TomlTable, frozen=True, kw_only=True):
    """How the file is written.

    separator, quote, encoding: Of a CSV file; between the cells stands a comma, or a tab where the file's ending is `.tsv`.
    decimal, thousands: Marks in numbers that are written as text. Without either they follow from those cells of a column
        that can be read one way only; where none can, the column is refused.
    null_values: Cells that say nothing.
    header, header_rows: Row that holds the names of the columns, and how many it takes; without them it is looked for by the
        names that the mapping needs.
    sheet: Name or number of a workbook's sheet.
    rows: Where the list of records lies in a JSON object, such as `data.items`.
    """

    separator: Sign | None = None
    quote: Sign = '"'
    encoding: str = "utf-8"
    decimal: Literal[".", ","] | None = None
    thousands: Sign | None = None
    null_values: list[str] = []
    header: Annotated[int, Meta(ge=1)] | None = None
    header_rows: Annotated[int, Meta(ge=1, le=5)] | None = None
    sheet: str | Annotated[int, Meta(ge=1)] | None = None
    rows: str = ""


class Test(_TomlTable, frozen=True, kw_only=True):
    """What is asked of a cell; all that is said must hold.

    in: It is one of these.
    not: It is none of these; a cell that says nothing is none of them.
    matches: This regular expression is found in it.
    empty: It says nothing, or where this is false, something.
    same_as, differs_from: It says the same as another column of the row, or something else.
    """

    in_: list[str] | None = msgspec.field(default=None, name="in")
    not_: list[str] | str | None = msgspec.field(default=None, name="not")
    matches: str | None = None
    empty: bool | None = None
    same_as: str | None = None
    differs_from: str | None = None

    @property
    def sources(self) -> list[str]:
        """Columns it compares with."""
        return [name for name in (self.same_as, self.differs_from) if name is not None]


Tests: TypeAlias = dict[str, str | list[str] | Test]
"""What is asked of cells by their columns, all of which must hold; a text, or one of a list, is what the cell is."""


class Value(_TomlTable, frozen=True, kw_only=True):
    """Where a value comes from: exactly one of those of `SOURCES`.

    column: A column. `values` replaces cells (by an empty text: they say nothing) and `otherwise` those that are none of them,
        `split` makes a list, `multiply_by`, `divide_by` and `percent` convert.
    constant: The same for every row.
    columns: Several columns, joined by `join`, or made into a stable hash (`hash = true`) that names their content.
    row: The row's number after this prefix.
    count: How many of these columns hold one of `is`, or something that is none of `is_not`.
    names: List of those names whose column holds one of `is`, or something that is none of `is_not`.
    first: The first of these columns that says something.
    sum: These columns added up, less those of `minus`; one that says nothing counts for nothing.
    ratio: The first of two columns over the second; nothing where the second is 0.
    product: These columns multiplied.

    default: What holds where nothing is said. case: The text in `lower` or `upper` case, before `values` are looked up.
    currency: What an amount is in: a code such as EUR, or the column that says it.
    format: Of a time, as in `occurred_at`; of a length of time, what `0:30` is: `m:ss` or `h:mm`, without which it is refused.
    The columns of an `optional` value may be missing from a table; then it says nothing.
    """

    column: str | None = None
    constant: str | int | float | bool | None = None
    columns: list[str] | None = None
    row: str | None = None
    count: list[str] | None = None
    names: dict[str, str] | None = None
    first: Annotated[list[str], Meta(min_length=1)] | None = None
    sum: Annotated[list[str], Meta(min_length=1)] | None = None
    minus: list[str] = []
    ratio: Annotated[list[str], Meta(min_length=2, max_length=2)] | None = None
    product: Annotated[list[str], Meta(min_length=2)] | None = None
    values: dict[str, str] | None = None
    otherwise: str | None = None
    split: Sign | None = None
    join: str | None = None
    hash: bool = False
    is_: list[str] | None = msgspec.field(default=None, name="is")
    is_not: list[str] | None = None
    optional: bool = False
    multiply_by: float | None = None
    divide_by: float | None = None
    percent: bool = False
    format: str | list[str] | None = None
    zone: str | None = None
    default: str | int | float | bool | None = None
    case: Literal["lower", "upper"] | None = None
    currency: Code | Currency | None = None

    @property
    def figures(self) -> list[str]:
        """Columns of numbers that it is made of."""
        return [*(self.sum or []), *self.minus, *(self.ratio or []), *(self.product or [])]

    @property
    def sources(self) -> list[str]:
        """Columns it reads."""
        return [
            *([self.column] if self.column is not None else []),
            *(self.columns or []),
            *(self.count or []),
            *(self.names or {}).values(),
            *(self.first or []),
            *self.figures,
            *([self.currency.column] if isinstance(self.currency, Currency) else []),
        ]


SOURCES = ("column", "constant", "columns", "row", "count", "names", "first", "sum", "ratio", "product")
"""Keys of a value that say where it comes from."""


class Currency(_TomlTable, frozen=True, kw_only=True):
    """The column that says what an amount is in, as a code such as EUR."""

    column: str


class Moment(_TomlTable, frozen=True, kw_only=True):
    """When it happened: exactly one of those of `MOMENTS`.

    A date alone is that day in `zone`: its first instant there that has the same date in UTC, so that it stays that day. A
    midnight that a clock skipped is the first instant of its day. Of a time that came twice, the first is meant. Records of
    figures count on the local day also where a time of it is another day in UTC; their metadata then tell the `instant`.

    column: A column, read by `format`: `iso` (a date, or date and time), `epoch_seconds`, `epoch_milliseconds`,
        `epoch_microseconds`, `epoch_nanoseconds`, or a pattern such as `%d.%m.%Y %H:%M`; of several, the first that fits a
        cell. A time without a zone is in `zone`; without that it is refused.
    columns: A column with the date and one with the time, read together, a blank between them.
    constant: The same date or instant for all rows.
    file_name: A pattern such as `%Y-%m-%d`, found in the name of the file.
    preamble: A pattern such as `End date: %Y%m%d`, or several, the first of which is found in the lines at the beginning of a CSV
        file, at the last place where it fits; where none is, the option `--occurred-at`.
    file_time: True takes when the file was last changed; false says nothing.
    week: A column with ISO year and week, such as 201425: the Monday of that week, at midnight in `zone`.
    month: A column with the month, where `year` is given and no day is: the first day of that month which falls on
        `weekday` (a column; `first_weekday` is day 1), at the hour of `hour` (a column).
    """

    column: str | None = None
    columns: Annotated[list[str], Meta(min_length=2, max_length=2)] | None = None
    constant: str | None = None
    file_name: str | None = None
    file_time: bool | None = None
    preamble: str | list[str] | None = None
    format: str | list[str] = "iso"
    zone: str | None = None
    week: str | None = None
    month: str | None = None
    year: int | None = None
    weekday: str | None = None
    first_weekday: Weekday = "monday"
    hour: str | None = None

    @property
    def sources(self) -> list[str]:
        """Columns it reads."""
        named = (self.column, *(self.columns or ()), self.week, self.month, self.weekday, self.hour)
        return [name for name in named if name is not None]


MOMENTS = ("column", "columns", "constant", "file_name", "file_time", "preamble", "week", "month")
"""Keys of a moment that say where it comes from."""


class Identity(_TomlTable, frozen=True, kw_only=True):
    """What names an event: `columns`, or `row = true` for the row's number in this very content of a file."""

    columns: list[str] | None = None
    row: bool = False


class EventSection(_TomlTable, frozen=True, kw_only=True):
    """One event that a row stands for; `when` says of which rows.

    With `each`, a row stands for one event for each item of the list that lies there. A name of a column is then that of a
    member of the item, or else of one of the row. Without `occurred_at`, the time is that of the option `--occurred-at`.

    Of records of figures, such as PERFORMANCE_RECORDED: `figures` says what the counts are of, all since the content was published or the day alone.
    `breakdown` names the columns that break a content down, such as age or placement, whose rows add up. `measured_at` says when
    the figures were measured; `occurred_at` is then when the content was published.
    """

    type: str
    id: Identity
    occurred_at: Moment | None = None
    measured_at: Moment | None = None
    figures: Figures | None = None
    breakdown: list[str] = []
    fields: dict[str, str | Value]
    when: Tests = {}
    each: str | None = None
    project_id: str | Value | None = None
    tenant_id: str | Value | None = None
    tags: list[str] = []


class MappingDocument(_TomlTable, frozen=True, kw_only=True):
    """The whole file.

    `also_named` says what a column that the mapping names is called in other exports (`*` stands for any words); a mapping that
    has it finds columns without regard to case. Columns of `optional` may be missing. `silent` says of a column where its cells
    say nothing. `figures` and `breakdown` are those of each event that does not say its own, and rows for which all of one table of `leave_out` holds are no events, such as those of totals.
    """

    description: Annotated[str, Meta(min_length=10)]
    event: Annotated[list[EventSection], Meta(min_length=1)]
    format: FileFormat = FileFormat()
    leave_out: list[Tests] = []
    figures: Figures | None = None
    breakdown: list[str] = []
    source: Name | None = None
    also_named: dict[str, list[str]] = {}
    optional: list[str] = []
    silent: dict[str, Tests] = {}


def values(section: EventSection) -> Iterator[tuple[str, Value]]:
    """Yield fields and envelope fields of a section, a bare text standing for the column of that name."""
    envelope = {"project_id": section.project_id, "tenant_id": section.tenant_id}
    for name, value in [*section.fields.items(), *envelope.items()]:
        if value is not None:
            yield name, Value(column=value) if isinstance(value, str) else value


def names_asked(tests: Tests) -> list[str]:
    """Return the columns that tests read."""
    beside = [name for test in tests.values() if isinstance(test, Test) for name in test.sources]
    return [*tests, *beside]


def names_read(document: MappingDocument) -> dict[str, bool]:
    """Return the columns that a mapping reads, in the order in which it names them, and whether each is needed."""
    read: dict[str, bool] = {}
    read.update(dict.fromkeys((name for tests in document.leave_out for name in names_asked(tests)), True))
    for section in document.event:
        if section.each is not None:
            # What lies in its items is no column of the table; a name may be that of either.
            read[section.each] = True
        moments = (section.occurred_at, section.measured_at)
        times = [name for said in moments if said is not None for name in said.sources]
        parts = section.breakdown or document.breakdown
        for names in (section.id.columns or [], times, names_asked(section.when), parts):
            for name in names:
                read[name] = read.get(name, False) or section.each is None
        for _, value in values(section):
            for name in value.sources:
                read[name] = read.get(name, False) or not (value.optional or section.each)
    for tests in document.silent.values():
        read |= {name: read.get(name, False) for name in names_asked(tests)}
    return read | {name: False for name in read if name in document.optional}
