"""Mappings: how the rows of a foreign table become events, declared in TOML.

A mapping says how the file is written (`[format]`) and, for each event a row stands for (`[[event]]`), its type, its id,
its time and which column feeds which field. The rows become event lines that pass the same check as any other, so a cell
that cannot be read as what it should be is handed on as it is, for the check to refuse and to name.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import available_timezones

import msgspec
import polars as pl
from msgspec import Meta

from kaizenlake.errors import MappingError
from kaizenlake.events.catalogue import EVENTS, EventType, by_name
from kaizenlake.lake import cells
from kaizenlake.lake.chunks import Dialect, Rows

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$")]
Sign = Annotated[str, Meta(min_length=1, max_length=1)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the TOML file."""


class Format(_Part, frozen=True, kw_only=True):
    """How the file is written; all but `null_values` is for CSV alone."""

    separator: Sign = ","
    quote: Sign = '"'
    encoding: str = "utf-8"
    decimal: Sign = "."
    thousands: Sign | None = None
    null_values: list[str] = []


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
    """One event that a row stands for; `when` says of which rows: each column holds one of the cells listed."""

    type: str
    id: Identity
    occurred_at: Moment
    fields: dict[str, str | Value]
    when: dict[str, list[str]] = {}
    project_id: str | Value | None = None
    tenant_id: str | Value | None = None
    tags: list[str] = []


class _Document(_Part, frozen=True, kw_only=True):
    description: Annotated[str, Meta(min_length=10)]
    event: Annotated[list[Section], Meta(min_length=1)]
    format: Format = Format()
    source: Name | None = None


@dataclass(frozen=True)
class Mapped:
    """Rows as event lines.

    Args:
        lines: Event lines, in the order of their rows.
        places: Row that each line comes from, counted from 0 in the chunk.
        unmatched: Rows that no event section takes.
    """

    lines: list[bytes]
    places: list[int]
    unmatched: list[int]


@dataclass(frozen=True)
class Mapping:
    """How a foreign table is read.

    Args:
        name: Name of the mapping; also the source of its events, unless it says another.
        where: File it was read from.
        digest: SHA-256 of its text.
        document: What it declares.
    """

    name: str
    where: str
    digest: str
    document: _Document

    @property
    def description(self) -> str:
        """What table it is for."""
        return self.document.description

    @property
    def source(self) -> str:
        """Source of its events."""
        return self.document.source or self.name

    @property
    def dialect(self) -> Dialect:
        """How a CSV file of it is written."""
        form = self.document.format
        return Dialect(form.separator, form.quote, codecs.lookup(form.encoding).name)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns it reads, in the order in which it names them."""
        return tuple(self._read)

    @cached_property
    def _read(self) -> dict[str, bool]:
        """Columns it reads, and whether each is needed."""
        read: dict[str, bool] = {}
        for section in self.document.event:
            for part in (section.id.columns or [], section.occurred_at.sources, section.when):
                read.update(dict.fromkeys(part, True))
            for _, value in _values(section):
                for name in value.sources:
                    read[name] = read.get(name, False) or not value.optional
        return read

    def fits(self, present: Sequence[str], *, where: str) -> None:
        """Check that a table has the columns that are needed; it may have others.

        Raises:
            MappingError: Names each missing column, the nearest there are, and all there are.
        """
        missing = [name for name, is_needed in self._read.items() if is_needed and name not in present]
        doubled = [
            name
            for name in self.columns
            if any(re.fullmatch(rf"{re.escape(name)} \(column \d+\)", column) for column in present)
        ]
        shown = ", ".join(repr(name) for name in present) or "none"
        if doubled:
            raise MappingError(
                f"Mapping {self.name!r} reads the column {doubled[0]!r}, and the table has it more than once. "
                f"There are: {shown}.",
                where=where,
            )
        if missing:
            words = []
            for name in missing:
                near = _near(name, present)
                words.append(f"{name!r}" + (f" (nearest: {', '.join(map(repr, near))})" if near else ""))
            hint = ""
            if len(present) == 1 and re.search(r"[;,\t|]", present[0]):
                hint = (
                    f"The separator of this mapping is {self.document.format.separator!r}; the file may have another."
                )
            raise MappingError(
                f"Mapping {self.name!r} does not fit: it needs the missing column{'s' if len(missing) > 1 else ''} "
                f"{', '.join(words)}. There are: {shown}.",
                where=where,
                hint=hint,
            )

    def apply(self, rows: Rows, *, identity: str) -> Mapped:
        """Make event lines of rows.

        Args:
            rows: Rows of a table that the mapping fits.
            identity: SHA-256 of the file, by which events are named that only their row names.
        """
        form = self.document.format
        marks = cells.Numbers() if rows.native else cells.Numbers(form.thousands, form.decimal)
        absent = pl.lit(None, dtype=pl.String)
        stripped = {
            name: pl.col(name).str.strip_chars() if name in rows.frame.columns else absent for name in self.columns
        }
        frame = rows.frame.select(
            pl.when(cell.is_in(["", *form.null_values]).not_()).then(cell).alias(name)
            for name, cell in stripped.items()
        )
        frame = frame.with_columns(pl.Series(_ROW, rows.numbers, dtype=pl.Int64)).with_row_index(_PLACE)
        made = [self._lines(section, frame, marks, identity) for section in self.document.event]
        lines = pl.concat(made).sort(_PLACE, maintain_order=True)
        taken = set(lines[_PLACE])
        return Mapped(
            lines["line"].cast(pl.Binary).to_list(),
            lines[_PLACE].to_list(),
            [place for place in range(frame.height) if place not in taken],
        )

    def _lines(self, section: Section, frame: pl.DataFrame, marks: cells.Numbers, identity: str) -> pl.DataFrame:
        event = by_name(section.type)
        assert event is not None, "a mapping is checked when it is read"
        kinds = {field.name: field.kind for field in event.fields}
        rows = frame.filter(*(pl.col(name).is_in(words) for name, words in section.when.items()))
        hashed = {name: value.columns or [] for name, value in _values(section) if value.hash}
        rows = rows.with_columns(
            pl.Series(_HASH + name, cells.digests(rows, columns, ""), dtype=pl.String)
            for name, columns in hashed.items()
        )
        if section.id.row:
            event_id = pl.concat_str(pl.lit(f"{self.source}:{section.type}:{identity[:24]}:"), _ROW)
        else:
            named = cells.digests(rows, section.id.columns or [], f"{self.source}\0{section.type}\0")
            rows = rows.with_columns(pl.Series(_HASH, named, dtype=pl.String))
            event_id = pl.lit(f"{self.source}:") + pl.col(_HASH)
        given = {name: _value(name, value, kinds.get(name, "str"), marks) for name, value in _values(section)}
        payload = pl.concat_str(*(cells.member(name, given[name]) for name in section.fields))
        tags = f'"tags":{_json(section.tags)},' if section.tags else ""
        return rows.select(
            _PLACE,
            pl.concat_str(
                pl.lit("{"),
                cells.member("id", cells.text(event_id)),
                pl.lit(f'"type":{_json(section.type)},"source":{_json(self.source)},{tags}'),
                cells.member("occurred_at", _moment(section.occurred_at)),
                *(cells.member(name, given[name]) for name in ("project_id", "tenant_id") if name in given),
                pl.lit('"payload":{'),
                payload.str.strip_suffix(","),
                pl.lit("}}"),
            ).alias("line"),
        )


_PLACE, _ROW, _HASH = "\0place", "\0row", "\0hash "
"""Columns of ours beside those of the table; no header holds a NUL."""


def _value(name: str, value: Value, kind: str, marks: cells.Numbers) -> pl.Expr:
    """The value of a field as JSON text, null where the table says nothing."""
    if value.column is not None:
        return _cell(pl.col(value.column), value, kind, marks)
    if value.columns is not None:
        joined = pl.concat_str(value.columns, separator=value.join or "", ignore_nulls=True)
        return cells.text(pl.col(_HASH + name) if value.hash else pl.when(joined != "").then(joined))
    if value.count is not None:
        return pl.sum_horizontal(_holds(value, item) for item in value.count).cast(pl.String)
    if value.names is not None:
        held = [pl.when(_holds(value, item)).then(pl.lit(word)) for word, item in value.names.items()]
        return cells.listed(pl.concat_list(held).list.drop_nulls())
    if value.row is not None:
        return cells.text(pl.lit(value.row) + pl.col(_ROW).cast(pl.String))
    return pl.lit(_json(value.constant))


def _holds(value: Value, column: str) -> pl.Expr:
    """Whether a column holds what counts; one that says nothing does not."""
    cell = pl.col(column)
    return cell.is_in(value.is_) if value.is_ is not None else cell.is_in(value.is_not or []).not_()


def _cell(cell: pl.Expr, value: Value, kind: str, marks: cells.Numbers) -> pl.Expr:
    """A cell as JSON text of the kind that its field is of."""
    if value.values is not None:
        cell = cell.replace(list(value.values), [word or None for word in value.values.values()])
    match kind:
        case "list":
            return cells.words(cell, value.split or ",")
        case "bool":
            return cells.boolean(cell)
        case "datetime":
            return cells.instant(cell, value.format or "iso", value.zone)
        case "int" | "float":
            if value.percent:
                cell = cell.str.strip_suffix("%").str.strip_chars_end()
            divisor = (value.divide_by or 1.0) * (100.0 if value.percent else 1.0)
            return cells.number(cell, marks, whole=kind == "int", factor=value.multiply_by or 1.0, divisor=divisor)
        case _:
            return cells.text(cell)


def _moment(moment: Moment) -> pl.Expr:
    if moment.column is not None:
        return cells.instant(pl.col(moment.column), moment.format, moment.zone)
    zone = moment.zone or "UTC"
    if moment.week is not None:
        return cells.iso_week(pl.col(moment.week), zone)
    assert moment.month is not None, "a mapping is checked when it is read"
    assert moment.weekday is not None, "a mapping is checked when it is read"
    assert moment.year is not None, "a mapping is checked when it is read"
    return cells.first_weekday_of_month(
        moment.year,
        pl.col(moment.month),
        pl.col(moment.weekday),
        None if moment.hour is None else pl.col(moment.hour),
        day_one=moment.first_weekday,
        zone=zone,
    )


def _values(section: Section) -> Iterator[tuple[str, Value]]:
    """Fields and envelope fields of a section, a bare text standing for the column of that name."""
    envelope = {"project_id": section.project_id, "tenant_id": section.tenant_id}
    for name, value in [*section.fields.items(), *envelope.items()]:
        if value is not None:
            yield name, Value(column=value) if isinstance(value, str) else value


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _near(name: str, present: Sequence[str]) -> list[str]:
    lower = {column.lower(): column for column in reversed(present)}
    found = get_close_matches(name.lower(), list(lower), n=3, cutoff=0.5)
    return [lower[item] for item in found]


def shipped() -> tuple[str, ...]:
    """Names of the mappings that come with the package."""
    return tuple(
        sorted(item.name.removesuffix(".toml") for item in _shipped().iterdir() if item.name.endswith(".toml"))
    )


def _shipped() -> Traversable:
    return files("kaizenlake").joinpath("mappings")


def load(name: str, folder: Path | None = None) -> Mapping:
    """Read a mapping.

    Args:
        name: Path of a TOML file, or a name: of a file in the lake's `mappings` folder, or else of one that is shipped.
        folder: The lake's `mappings` folder.

    Raises:
        MappingError: There is none of that name, or it breaks a rule; file, key and rule are named.
    """
    if name.endswith(".toml") or "/" in name or "\\" in name:
        path = Path(name)
        if not path.is_file():
            raise MappingError("There is no such mapping file.", where=name)
        return parse(path.read_bytes(), name=path.stem, where=name)
    if folder is not None and (own := folder / f"{name}.toml").is_file():
        return parse(own.read_bytes(), name=name, where=str(own))
    if name in shipped():
        return parse(_shipped().joinpath(f"{name}.toml").read_bytes(), name=name, where=f"mappings/{name}.toml")
    owned = sorted(path.stem for path in folder.glob("*.toml")) if folder is not None and folder.is_dir() else []
    known = [*owned, *(item for item in shipped() if item not in owned)]
    near = _near(name, known)
    raise MappingError(
        f"There is no mapping {name!r}"
        + (f"; did you mean {near[0]!r}?" if near else ".")
        + f" There are: {', '.join(known)}.",
        hint="A mapping may also be given as the path of its TOML file.",
    )


def parse(text: bytes, *, name: str, where: str) -> Mapping:
    """Read a mapping from the text of its file.

    Raises:
        MappingError: It is no TOML, or it breaks a rule; file, key and rule are named.
    """
    try:
        document = msgspec.toml.decode(text, type=_Document)
        msgspec.convert(name, Name)
    except msgspec.ValidationError as error:
        raise MappingError(f"A mapping breaks a rule: {error}.".replace("`$.", "`"), where=where) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise MappingError(f"A mapping is not readable as TOML: {error}.", where=where) from error
    for problem in _problems(document):
        raise MappingError(f"A mapping breaks a rule: {problem}" + ("" if problem.endswith("?") else "."), where=where)
    return Mapping(name, where, sha256(text).hexdigest(), document)


def _problems(document: _Document) -> Iterator[str]:
    form = document.format
    try:
        codecs.lookup(form.encoding)
    except LookupError:
        yield f"`format.encoding`: there is no encoding {form.encoding!r}"
    if form.decimal == form.thousands:
        yield "`format.thousands`: the mark of thousands and of decimals are the same"
    for place, section in enumerate(document.event):
        at = f"event[{place}]"
        event = by_name(section.type)
        if event is None:
            near = get_close_matches(section.type, [item.name for item in EVENTS], n=1)
            yield f"`{at}.type`: no event type {section.type!r}" + (f"; did you mean {near[0]}?" if near else "")
            continue
        yield from _identity_problems(f"{at}.id", section.id)
        yield from _moment_problems(f"{at}.occurred_at", section.occurred_at)
        yield from _field_problems(at, section, event)


def _identity_problems(at: str, identity: Identity) -> Iterator[str]:
    if bool(identity.columns) == identity.row:
        yield f"`{at}`: exactly one of `columns` and `row = true`"


def _moment_problems(at: str, moment: Moment) -> Iterator[str]:
    if sum(item is not None for item in (moment.column, moment.week, moment.month)) != 1:
        yield f"`{at}`: exactly one of `column`, `week` and `month`"
    if moment.month is not None and (moment.year is None or moment.weekday is None):
        yield f"`{at}`: `month` needs `year` and `weekday` too"
    if moment.month is None and any(item is not None for item in (moment.year, moment.weekday, moment.hour)):
        yield f"`{at}`: `year`, `weekday` and `hour` go with `month`"
    yield from _zone_problems(at, moment.zone)


def _zone_problems(at: str, zone: str | None) -> Iterator[str]:
    if zone is not None and zone not in available_timezones():
        yield f"`{at}.zone`: there is no time zone {zone!r}"


def _field_problems(at: str, section: Section, event: EventType) -> Iterator[str]:
    fields = {field.name: field for field in event.fields}
    for name in section.fields:
        if name not in fields:
            near = get_close_matches(name, list(fields), n=1)
            yield f"`{at}.fields.{name}`: {event.name} has no such field" + (
                f"; did you mean {near[0]}?" if near else ""
            )
            return
    for name, field in fields.items():
        if field.required and name not in section.fields:
            yield f"`{at}.fields`: {event.name} needs `{name}`"
    if event.family.needs_project and section.project_id is None:
        yield f"`{at}.project_id`: {event.name} needs a project"
    for name, value in _values(section):
        kind = fields[name].kind if name in fields else "str"
        yield from _value_problems(f"{at}.fields.{name}" if name in fields else f"{at}.{name}", value, kind)


def _value_problems(at: str, value: Value, kind: str) -> Iterator[str]:
    given = [
        key for key in ("column", "constant", "columns", "row", "count", "names") if getattr(value, key) is not None
    ]
    if len(given) != 1:
        yield f"`{at}`: exactly one of `column`, `constant`, `columns`, `row`, `count` and `names`"
        return
    if kind == "dict" and given != ["constant"]:
        yield f"`{at}`: a free object cannot come from a table"
    said = sum(words is not None for words in (value.is_, value.is_not))
    if said != (value.count is not None or value.names is not None):
        yield f"`{at}`: exactly one of `is` and `is_not` goes with `count` and `names`, and they with it"
    if value.columns is None and (value.hash or value.join is not None):
        yield f"`{at}`: `hash` and `join` go with `columns`"
    if value.columns is not None and value.hash == (value.join is not None):
        yield f"`{at}`: `columns` needs one of `join` and `hash = true`"
    if kind not in {"int", "float"} and (value.multiply_by or value.divide_by or value.percent):
        yield f"`{at}`: `multiply_by`, `divide_by` and `percent` are for numbers, this field is {kind}"
    if value.divide_by == 0:
        yield f"`{at}.divide_by`: nothing can be divided by 0"
    if kind != "list" and value.split is not None:
        yield f"`{at}`: `split` is for lists, this field is {kind}"
    if kind != "datetime" and (value.format is not None or value.zone is not None):
        yield f"`{at}`: `format` and `zone` are for times, this field is {kind}"
    yield from _zone_problems(at, value.zone)
