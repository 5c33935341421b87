"""Mappings: how the rows of a foreign table become events, declared in TOML.

A mapping says how the file is written (`[format]`) and, for each event a row stands for (`[[event]]`), its type, its id,
its time and which column feeds which field. The rows become event lines that pass the same check as any other, so a cell
that cannot be read as what it should be is handed on as it is, for the check to refuse and to name.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property

import polars as pl

from kaizenlake.errors import MappingError
from kaizenlake.events.catalogue import OURS, Catalogue
from kaizenlake.lake.mapping.document import EventSection, MappingDocument, Value, names_read, values
from kaizenlake.lake.mapping.figures import MONEY, Style
from kaizenlake.lake.mapping.items import ITEM, PLACE, ROW, each_item, table_of
from kaizenlake.lake.mapping.money import currency_column
from kaizenlake.lake.mapping.records import TYPE, breakdown_of, digests, figures_of, number_records, part
from kaizenlake.lake.mapping.row_tests import are_totals, describe_tests, holds
from kaizenlake.lake.mapping.times import RowOrigin, find_in_name, moment
from kaizenlake.lake.mapping.values import HASH, Fields, Reading, hashes, to_json
from kaizenlake.lake.readers import json_cells
from kaizenlake.lake.readers.chunks import CsvDialect, Rows
from kaizenlake.lake.readers.names import find, has, root
from kaizenlake.lake.readers.sources import Form


@dataclass(frozen=True)
class Mapped:
    """Rows as event lines.

    Args:
        lines: Event lines, in the order of their rows.
        places: Row that each line comes from, counted from 0 in the chunk.
        unmatched: Rows that no event section takes.
        hints: By line, why cells of its row could not be read.
        left_out: Rows that are no events, such as those of totals.
        records: Of each line that is a record of figures, its place among the lines, and what `number_records` gives.
        reason: Why no event section takes a row.
    """

    lines: list[bytes]
    places: list[int]
    unmatched: list[int]
    hints: dict[int, list[str]] = field(default_factory=dict)
    left_out: int = 0
    reason: str = ""
    records: pl.DataFrame = field(default_factory=pl.DataFrame)

    def without(self, records: set[int]) -> tuple[Mapped, list[tuple[int, str]]]:
        """Return the lines without some records, and of each of these the row that it comes from and its type.

        Args:
            records: Their places among the records.
        """
        lines, types = self.records[_LINE_OF_ALL], self.records[TYPE]
        out = {lines[place]: types[place] for place in records}
        kept = [line for line in range(len(self.lines)) if line not in out]
        hints = {place: self.hints[line] for place, line in enumerate(kept) if line in self.hints}
        left = replace(
            self, lines=[self.lines[line] for line in kept], places=[self.places[line] for line in kept], hints=hints
        )
        return left, [(self.places[line], out[line]) for line in sorted(out)]


@dataclass(frozen=True)
class Mapping:
    """How a foreign table is read.

    Args:
        name: Name of the mapping; also the source of its events, unless it says another.
        where: File it was read from.
        digest: SHA-256 of its text.
        document: What it declares.
        catalogue: Event types that its rows may become.
    """

    name: str
    where: str
    digest: str
    document: MappingDocument
    catalogue: Catalogue = OURS

    @property
    def description(self) -> str:
        """What table it is for."""
        return self.document.description

    @property
    def source(self) -> str:
        """Source of its events."""
        return self.document.source or self.name

    def dialect(self, form: Form) -> CsvDialect:
        """Return how a file of it is written.

        Args:
            form: Form of the file.
        """
        said = self.document.format
        return CsvDialect(
            said.separator or ("\t" if form == "tsv" else ","),
            said.quote,
            codecs.lookup(said.encoding).name,
            said.rows,
            said.sheet,
            said.header,
            said.header_rows,
            tuple(name for name, is_needed in self._read.items() if is_needed),
            self.document.also_named,
        )

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns it reads, in the order in which it names them."""
        return tuple(self._read)

    @cached_property
    def _read(self) -> dict[str, bool]:
        return names_read(self.document)

    def _find_called(self, present: Sequence[str]) -> dict[str, str]:
        """Return the columns of a table that have another name in the mapping, by that name."""
        others = self.document.also_named
        found = {name: find(name, present, others) for name in self._read if root(name, present) is None}
        return {name: column for name, column in found.items() if column is not None}

    def fits(self, present: Sequence[str], *, where: str) -> None:
        """Check that a table has the columns that are needed; it may have others.

        Raises:
            MappingError: Names each missing column, the nearest there are, and all there are.
        """
        missing = [
            name
            for name, is_needed in self._read.items()
            if is_needed and not has(name, present, self.document.also_named)
        ]
        called = self._find_called(present)
        doubled = [
            name
            for name in (called.get(column, column) for column in self.columns)
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
                alike = near(name, present)
                words.append(f"{name!r}" + (f" (nearest: {', '.join(map(repr, alike))})" if alike else ""))
            hint = ""
            if {"type", "payload"} <= set(present) or "specversion" in present:
                hint = "The file may hold events already; these land without a mapping."
            elif len(present) == 1 and re.search(r"[;,\t|]", present[0]):
                hint = f"The separator of this mapping is {self.document.format.separator or ','!r}; the file may have another."
            raise MappingError(
                f"Mapping {self.name!r} does not fit: it needs the missing column{'s' if len(missing) > 1 else ''} "
                f"{', '.join(words)}. There are: {shown}.",
                where=where,
                hint=hint,
            )

    def _is_record(self, section: EventSection) -> bool:
        event = self.catalogue.by_name(section.type)
        return event is not None and event.is_record

    @property
    def needs_time(self) -> bool:
        """Whether the time of its events has to be given for a whole file."""
        return any(section.occurred_at is None for section in self.document.event)

    @property
    def takes_time(self) -> bool:
        """Whether the time of some of its events can be given for a whole file."""
        times = [section.occurred_at for section in self.document.event]
        return any(said is None or said.constant is not None or said.preamble is not None for said in times)

    @property
    def reads_preamble(self) -> bool:
        """Whether the time of some of its events stands before the header."""
        return any(
            said is not None and said.preamble is not None
            for section in self.document.event
            for said in (section.occurred_at, section.measured_at)
        )

    @property
    def records_figures(self) -> bool:
        """Whether it makes records of figures."""
        return any(self._is_record(section) for section in self.document.event)

    @property
    def has_breakdown(self) -> bool:
        """Whether it says which columns break contents down."""
        return any(breakdown_of(section, self.document) for section in self.document.event)

    @property
    def asks_for_figures(self) -> bool:
        """Whether it does not say what the counts of records are of, whose rows tell their time."""
        return any(
            self._is_record(section)
            and figures_of(section, self.document) is None
            and "figures" not in section.fields
            and (said := section.measured_at or section.occurred_at) is not None
            and bool(said.sources)
            for section in self.document.event
        )

    def before_header(self, head: str) -> str:
        """Return the lines of the beginning of a file before its header: the first line that has two columns of the mapping."""
        before: list[str] = []
        for line in head.splitlines():
            cells = [
                cell.strip().strip('"')
                for cell in line.split(self.document.format.separator or ("\t" if "\t" in line else ","))
            ]
            if sum(has(name, cells, self.document.also_named) for name in self.columns) > 1:
                break
            before.append(line)
        return "\n".join(before)

    def time_in(self, name: str) -> list[str]:
        """Return what the name of a file tells of the time of its events."""
        moments = [said for section in self.document.event for said in (section.occurred_at, section.measured_at)]
        patterns = [said.file_name for said in moments if said is not None and said.file_name is not None]
        return [found for pattern in patterns if (found := find_in_name(pattern, name)) is not None]

    def conditions(self) -> str:
        """Return of which rows it makes events, in words."""
        told = "; ".join(
            f"{section.type} when {describe_tests(section.when)}"
            if section.when
            else f"{section.type} of each `{section.each}`"
            for section in self.document.event
        )
        return f"no event of the mapping takes this row: {told}"

    def apply(self, rows: Rows, origin: RowOrigin, seen: dict[str, set[str]] | None = None) -> Mapped:
        """Make event lines of rows.

        Args:
            rows: Rows of a table.
            origin: Where they come from.
            seen: By column, which marks of decimals earlier rows of the file have shown; what these show is added.
        """
        beside = currency_column(rows.frame.columns)
        called = self._find_called(rows.frame.columns)
        origin = replace(origin, exchange=origin.exchange.beside(self._name_amounts(rows.frame.columns, called)))
        if called:
            rows = replace(
                rows,
                frame=rows.frame.with_columns(pl.col(column).alias(name) for name, column in called.items()),
                typed=rows.typed
                | {name: rows.typed[column] for name, column in called.items() if column in rows.typed},
            )
        columns = self.columns if beside is None or beside in self.columns else (*self.columns, beside)
        frame = table_of(rows, columns, self.document.format.null_values)
        frame = frame.with_columns(
            pl.when(~holds(tests)).then(pl.col(name)).alias(name) for name, tests in self.document.silent.items()
        )
        out = self._find_left_out(frame, rows)
        kept = frame.filter(~out)
        hints: dict[tuple[int, int], list[str]] = {}
        made, records = [], []
        for number, section in enumerate(self.document.event):
            lines, found, keys = self._lines(
                section, kept, origin, {} if seen is None else seen, Reading(rows.is_workbook, called)
            )
            numbered = pl.lit(number).alias(_SECTION), pl.int_range(pl.len()).alias(_LINE)
            made.append(lines.with_columns(numbered))
            if keys is not None:
                records.append(keys.with_columns(numbered))
            hints |= {(number, line): reasons for line, reasons in found.items()}
        lines = pl.concat(made).sort(PLACE, maintain_order=True)
        taken = set(lines[PLACE])
        named = enumerate(lines.select(_SECTION, _LINE).iter_rows()) if hints else ()
        at = lines.select(_SECTION, _LINE).with_row_index(_LINE_OF_ALL)
        return Mapped(
            lines["line"].cast(pl.Binary).to_list(),
            lines[PLACE].to_list(),
            [place for place in kept[PLACE] if place not in taken],
            {line: hints[key] for line, key in named if key in hints},
            frame.height - kept.height,
            self.conditions(),
            pl.concat(records).join(at, on=[_SECTION, _LINE]).sort(_LINE_OF_ALL) if records else pl.DataFrame(),
        )

    def _name_amounts(self, present: Sequence[str], called: dict[str, str]) -> set[str]:
        """Return the columns of money that a table has, as it calls them."""
        read = {
            column
            for section in self.document.event
            if (event := self.catalogue.by_name(section.type)) is not None
            for name, value in values(section)
            if name in {field.name for field in event.fields if field.unit == MONEY}
            for column in value.sources
        }
        return {told for column in read if (told := called.get(column) or root(column, present)) is not None}

    def _find_left_out(self, frame: pl.DataFrame, rows: Rows) -> pl.Series:
        """Return which rows are no events."""
        asked = [holds(tests) for tests in self.document.leave_out]
        first = rows.frame.columns[0] if rows.frame.columns else None
        with_first = frame if first is None or first in frame.columns else frame.with_columns(rows.frame[first])
        if first is not None:
            asked.append(are_totals(self.document.event[0], first))
        return with_first.select(pl.any_horizontal(asked).alias("_")).to_series()

    def _lines(
        self,
        section: EventSection,
        frame: pl.DataFrame,
        origin: RowOrigin,
        seen: dict[str, set[str]],
        reading: Reading,
    ) -> tuple[pl.DataFrame, dict[int, list[str]], pl.DataFrame | None]:
        event = self.catalogue.by_name(section.type)
        assert event is not None, "a mapping is checked when it is read"
        declared = {field.name: field for field in event.fields}
        form = self.document.format
        if section.each is not None:
            frame = each_item(frame, section.each, self.columns, form.null_values)
        rows = frame.filter(holds(section.when))
        rows = rows.with_columns(hashes(rows, values(section)))
        if section.id.row:
            number = [ROW] if section.each is None else [ROW, pl.lit("."), ITEM]
            event_id = pl.concat_str(pl.lit(f"{self.source}:{section.type}:{origin.mark[:24]}:"), *number)
        else:
            named = json_cells.digests(rows, section.id.columns or [], f"{origin.salt}{self.source}\0{section.type}\0")
            rows = rows.with_columns(pl.Series(HASH, named, dtype=pl.String))
            event_id = pl.lit(f"{self.source}:") + pl.col(HASH)
        style = Style(form.decimal or ("," if form.thousands == "." else "."), form.thousands, is_declared=True)
        said = section.measured_at or section.occurred_at
        time, told = moment(said, origin)
        rows = rows.with_columns(time.alias(_INSTANT))
        zone = said.zone if said is not None and event.is_record else None
        rows = rows.with_columns(json_cells.on_local_day(pl.col(_INSTANT), zone or "UTC").alias(_TIME))
        style = style if form.decimal or form.thousands else Style()
        fields = Fields(rows, style, seen, origin.exchange, currency_column(rows.columns), rows[_TIME], reading)
        given = {name: fields.value(name, value, declared.get(name)) for name, value in values(section)}
        is_record = event.is_record
        if is_record:
            given |= self._of_record(section, origin)
        rows = rows.with_columns(_series(given[name], name) for name in given)
        payload = pl.concat_str(
            *(json_cells.member(name, pl.col(_GIVEN + name)) for name in given if name not in _BESIDE)
        )
        rows = rows.with_columns(payload.str.strip_suffix(",").alias(_PAYLOAD))
        if is_record and not section.id.row:
            event_id = pl.concat_str(
                event_id,
                pl.lit(":"),
                digests(rows.select(pl.concat_str(_TIME, _PAYLOAD, ignore_nulls=True)).to_series()),
            )
        tags = f'"tags":{to_json(section.tags)},' if section.tags else ""
        lines = rows.select(
            PLACE,
            pl.concat_str(
                pl.lit("{"),
                json_cells.member("id", json_cells.text(event_id)),
                pl.lit(f'"type":{to_json(section.type)},"source":{to_json(self.source)},{tags}'),
                _metadata(told),
                json_cells.member("occurred_at", pl.col(_TIME)),
                *(json_cells.member(name, pl.col(_GIVEN + name)) for name in _BESIDE if name in given),
                pl.lit('"payload":{'),
                pl.col(_PAYLOAD),
                pl.lit("}}"),
            ).alias("line"),
        )
        if not is_record:
            return lines, fields.hints, None
        names = [name for name in (*_BESIDE, "content_id", "platform", "breakdown") if name in given]
        about = rows.select(
            *(pl.col(_GIVEN + name).alias(name) for name in names),
            pl.col(_TIME).alias("time"),
            pl.col(_PAYLOAD).alias("payload"),
            pl.lit(section.type).alias("type"),
        )
        return lines, fields.hints, number_records(about, figures_of(section, self.document), names)

    def _of_record(self, section: EventSection, origin: RowOrigin) -> dict[str, pl.Expr]:
        """Return fields of a record that the mapping says beside its fields."""
        found: dict[str, pl.Expr] = {}
        if (figures := figures_of(section, self.document)) is not None and "figures" not in section.fields:
            found["figures"] = pl.lit(to_json(figures))
        if (columns := breakdown_of(section, self.document)) and "breakdown" not in section.fields:
            found["breakdown"] = part(columns)
        if section.measured_at is not None and section.occurred_at is not None and "published_at" not in section.fields:
            found["published_at"] = moment(section.occurred_at, origin)[0]
        return found | self._of_publication(section)

    def _of_publication(self, section: EventSection) -> dict[str, pl.Expr]:
        """Return the weekday and hour at which a content was published, where its publisher is."""
        event = self.catalogue.by_name(section.type)
        told = section.fields.get("published_at")
        said = told if isinstance(told, Value) else section.occurred_at if section.measured_at is not None else None
        if event is None or said is None or said.column is None or said.zone is None:
            return {}
        weekday, hour = json_cells.weekday_and_hour(pl.col(said.column), said.format or "iso", said.zone)
        wanted = {field.name for field in event.fields} - set(section.fields)
        return {name: made for name, made in (("posted_weekday", weekday), ("posted_hour", hour)) if name in wanted}


_SECTION, _LINE, _LINE_OF_ALL, _GIVEN = "\0section", "\0line", "\0line of all", "\0given "
_TIME, _INSTANT, _PAYLOAD = "\0time", "\0instant", "\0payload"
_BESIDE = ("project_id", "tenant_id")
"""Fields that stand beside the payload."""


def _metadata(told: str) -> pl.Expr:
    """Return what is said of the time of each event: where it is from, and the instant, where it counts on another day than that of UTC."""
    where = f'"occurred_at":{to_json(told)},' if told else ""
    said = pl.lit(f'"metadata":{{{where.rstrip(",")}}},' if told else "")
    moved = pl.concat_str(pl.lit(f'"metadata":{{{where}"instant":'), pl.col(_INSTANT), pl.lit("},"))
    return pl.when(pl.col(_INSTANT) != pl.col(_TIME)).then(moved).otherwise(said)


def _series(made: pl.Expr | pl.Series, name: str) -> pl.Expr:
    return (pl.lit(made) if isinstance(made, pl.Series) else made).alias(_GIVEN + name)


def near(name: str, present: Sequence[str]) -> list[str]:
    """Return up to three of the names that are there, the most alike first."""
    lower = {column.lower(): column for column in reversed(present)}
    found = get_close_matches(name.lower(), list(lower), n=3, cutoff=0.5)
    return [lower[item] for item in found]
