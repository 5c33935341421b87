"""A file as it is found, without a mapping: how it is written, where its header is, and the first of its rows."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import polars as pl

from kaizenlake.errors import MappingError
from kaizenlake.events.values.synonyms import NOTHING
from kaizenlake.lake.mapping.document import FileFormat
from kaizenlake.lake.mapping.items import TYPED, each_item, table_of
from kaizenlake.lake.readers.chunks import CsvDialect, Rows
from kaizenlake.lake.readers.csv_rows import likely_encoding
from kaizenlake.lake.readers.faults import FAULTS
from kaizenlake.lake.readers.header import FIRST_ROWS
from kaizenlake.lake.readers.json_rows import items, record
from kaizenlake.lake.readers.read_files import read_rows
from kaizenlake.lake.readers.sources import SourceFile, open_source

SEPARATORS = (",", ";", "\t", "|")
DEEPEST = 3
"""Most keys of a path to a figure within a record."""

_HEAD_BYTES = 262_144


@dataclass(frozen=True)
class FileSample:
    """The first rows of a file.

    Args:
        source: The file.
        form: How it is written, as a mapping says it.
        rows: Its rows as they are read.
        table: Their cells by column, null where they say nothing; a figure within a record by its path.
        names: Names of the columns, or paths.
        each: Column of a list of which each item is a row of the table; None where the rows are those of the file.
        before: Rows before the header, as they are written.
        notes: What was found out of how the file is written, in words.
    """

    source: SourceFile
    form: FileFormat
    rows: Rows
    table: pl.DataFrame
    names: tuple[str, ...]
    each: str | None = None
    before: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def find_typed(self, name: str) -> pl.Series | None:
        """Return which cells of a column the file itself holds as numbers; None where it holds none."""
        return self.table[TYPED + name] if TYPED + name in self.table.columns else None


def samples(source: SourceFile, line_bytes: int) -> Iterator[FileSample]:
    """Yield the rows of a file, and for each list that lies in its records the items of that list.

    Args:
        source: The file.
        line_bytes: Longest record taken.

    Raises:
        MappingError: It holds no rows.
    """
    form, dialect, before, notes = _read_form(source)
    rows = _first(source, dialect, line_bytes)
    if source.form in {"json", "ndjson", "yaml"} and len(rows.numbers) == 1 and not form.rows:
        path = _longest_list(rows)
        if path and source.form == "json":
            form = msgspec.structs.replace(form, rows=path)
            rows = _first(source, _dialect(form), line_bytes)
            notes = [*notes, f"The records are the list at {path!r}."]
    if not rows.numbers:
        raise MappingError("The file holds no rows that can be read.", where=source.name)
    names = _names(rows)
    nothing = _nothing(rows, names)
    form = msgspec.structs.replace(form, null_values=nothing)
    yield _sample(source, form, rows, names, None, (before, notes))
    for each in (name for name in names if _is_list(rows.frame, name)):
        members = list(
            dict.fromkeys(key for text in rows.frame[each].head(200) for item in items(text) for key in record(item))
        )
        if members:
            inner = [f"{each}.{key}" if key in names else key for key in members]
            yield _sample(source, form, rows, [name for name in names if name != each] + inner, each, (before, notes))


def _sample(
    source: SourceFile,
    form: FileFormat,
    rows: Rows,
    names: Sequence[str],
    each: str | None,
    told: tuple[Sequence[str], Sequence[str]],
) -> FileSample:
    columns = list(names)
    table = table_of(rows, columns if each is None else [*columns, each], form.null_values)
    if each is not None:
        table = each_item(table, each, columns, form.null_values)
    return FileSample(source, form, rows, table, tuple(columns), each, *map(tuple, told))


def _dialect(form: FileFormat, header: int | None = None, span: int | None = None) -> CsvDialect:
    return CsvDialect(
        form.separator or ",", form.quote, codecs.lookup(form.encoding).name, form.rows, form.sheet, header, span
    )


def _first(source: SourceFile, dialect: CsvDialect, line_bytes: int) -> Rows:
    """Return the first chunk of a file that has rows."""
    last = Rows(pl.DataFrame())
    for rows in read_rows(source, dialect, line_bytes):
        if rows.numbers:
            return rows
        last = rows
    return last


def _read_form(source: SourceFile) -> tuple[FileFormat, CsvDialect, list[str], list[str]]:
    """Return how a file is written, how to read it, the rows before its header, and what to say of it."""
    if source.form in {"csv", "tsv"}:
        return _of_text(source)
    if source.form == "xlsx":
        return _of_workbook(source)
    return FileFormat(), CsvDialect(), [], []


def _of_text(source: SourceFile) -> tuple[FileFormat, CsvDialect, list[str], list[str]]:
    try:
        with open_source(source) as stream:
            head = stream.read(_HEAD_BYTES)
    except FAULTS as error:
        raise MappingError("The file cannot be read.", where=source.name) from error
    whole = head if len(head) < _HEAD_BYTES else head[: head.rfind(b"\n") + 1] or head
    encoding = likely_encoding(whole)
    lines = [line for line in whole.decode(encoding, "replace").removeprefix("\ufeff").splitlines() if line.strip()]
    if not lines:
        raise MappingError("The file is empty.", where=source.name)
    separator = _separator(lines, "\t" if source.form == "tsv" else ",")
    form = FileFormat(
        separator=None if separator == ("\t" if source.form == "tsv" else ",") else separator, encoding=encoding
    )
    first = _split(lines, separator)
    header, span = find_likely_header(first)
    notes = []
    if encoding != "utf-8":
        notes.append(f"The file is written in {encoding}.")
    if form.separator:
        notes.append(f"Between the cells stands {separator!r}.")
    return (
        form,
        _dialect(msgspec.structs.replace(form, separator=separator), header + 1, span),
        *_describe_header(first, header, span, notes),
    )


def _of_workbook(source: SourceFile) -> tuple[FileFormat, CsvDialect, list[str], list[str]]:
    # What reads workbooks is loaded where there is one.
    from kaizenlake.lake.readers.xlsx_rows import first_rows

    sheets = first_rows(source)
    if not sheets:
        raise MappingError("The workbook cannot be read.", where=source.name)
    chosen = max(sheets, key=lambda name: sum(sum(map(bool, row)) for row in sheets[name]))
    first = sheets[chosen]
    notes = [f"Of {len(sheets)} sheets the one named {chosen!r} holds the most."] if len(sheets) > 1 else []
    form = FileFormat(sheet=chosen if len(sheets) > 1 else None)
    filled = [row for row in first if any(row)]
    if not filled:
        raise MappingError("The workbook holds no rows.", where=source.name)
    header, span = find_likely_header(first)
    return form, _dialect(form, header + 1, span), *_describe_header(first, header, span, notes)


def _describe_header(
    first: Sequence[Sequence[str]], header: int, span: int, notes: list[str]
) -> tuple[list[str], list[str]]:
    before = [" ".join(filter(None, row)) for row in first[:header] if any(row)]
    if before:
        notes.append(f"The header is row {header + 1}; what stands before it is passed over.")
    if span > 1:
        notes.append("The header takes two rows.")
    return before, notes


def _separator(lines: Sequence[str], usual: str) -> str:
    """Return what stands between the cells: what gives the most rows of one width, and then the widest."""

    def fit(separator: str) -> tuple[float, int, bool]:
        widths = Counter(len(row) for row in _split(lines, separator) if row)
        width, rows = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]))
        return (rows / max(sum(widths.values()), 1) if width > 1 else 0.0), width, separator == usual

    return max(SEPARATORS, key=lambda separator: (round(fit(separator)[0], 1), *fit(separator)[1:]))


def _split(lines: Sequence[str], separator: str) -> list[list[str]]:
    try:
        read = csv.reader(lines, delimiter=separator)
        return [[cell.strip() for cell in row] for row, _ in zip(read, range(FIRST_ROWS), strict=False)]
    except csv.Error:
        return []


_FIGURE = re.compile(
    r"[<>~]?\s*[$\u20ac\u00a3]?\s*[-+(]?[\d.,:'/%\u00a0 -]+\)?\s*([%\u20ac$\u00a3]|[A-Z]{3}|[kKmM])?|true|false|-+|\d{4}-\d\d-\d\d.*"
)


def find_likely_header(first: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Return the row, from 0, that is likely to name the columns, and how many rows it takes.

    It is as wide as the rows below it, and none of its cells is a figure.

    >>> find_likely_header([["Report"], ["Day", "Clicks"], ["2026-07-01", "5"]])
    (1, 1)
    """
    width = Counter(sum(map(bool, row)) for row in first).most_common(1)[0][0] if first else 0
    width = max(width, max((sum(map(bool, row)) for row in first), default=0) // 2)
    for place, row in enumerate(first):
        cells = [cell for cell in row if cell]
        if len(cells) < max(1, 0.6 * width) or any(_FIGURE.fullmatch(cell) for cell in cells):
            continue
        below = first[place + 1] if place + 1 < len(first) else []
        is_group = len(set(row)) < len(row) and (len(cells) < len(row) or len(set(cells)) < len(cells))
        under = [cell for cell in below if cell]
        if (
            is_group
            and len(under) > len(set(cells))
            and len(under) >= 0.6 * width
            and not any(map(_FIGURE.fullmatch, under))
        ):
            return place, 2
        return place, 1
    return 0, 1


def _longest_list(rows: Rows) -> str:
    """Return the path to the longest list of records in a lone record; empty where there is none."""
    found: dict[str, int] = {}
    for name in rows.frame.columns:
        text = rows.frame[name][0]
        for path, value in [
            (name, text),
            *((f"{name}.{key}", bytes(raw).decode()) for key, raw in _members(text).items()),
        ]:
            if value is not None and value.lstrip().startswith("["):
                found[path] = sum(bool(record(item)) for item in items(value))
    best = max(found, key=found.__getitem__, default="")
    return best if best and found[best] else ""


def _members(text: str | None) -> dict[str, msgspec.Raw]:
    return record(msgspec.Raw(text.encode())) if text is not None and text.lstrip().startswith("{") else {}


def _names(rows: Rows) -> list[str]:
    """Return names of the columns; of one that holds records the paths to what lies in them."""
    found: dict[str, None] = {}

    def walk(path: str, texts: list[str], depth: int) -> None:
        inside = [_members(text) for text in texts]
        if depth < DEEPEST and sum(map(bool, inside)) * 2 > len(texts) > 0:
            for key in dict.fromkeys(key for members in inside for key in members):
                walk(f"{path}.{key}", [_read_raw(members[key]) for members in inside if key in members], depth + 1)
        else:
            found[path] = None

    for name in rows.frame.columns:
        walk(name, [text for text in rows.frame[name].head(200) if text is not None], 1)
    return list(found)


def _read_raw(raw: msgspec.Raw) -> str:
    return bytes(raw).decode("utf-8", "replace")


def _is_list(frame: pl.DataFrame, name: str) -> bool:
    if name not in frame.columns:
        return False
    cells = frame[name].drop_nulls()
    return bool(cells.len()) and bool(cells.str.contains(r"^\[\s*\{").sum() * 2 > cells.len())


def _nothing(rows: Rows, names: Sequence[str]) -> list[str]:
    """Return cells that say nothing, of those columns of which most others are figures."""
    found: dict[str, None] = {}
    for name in names:
        if name not in rows.frame.columns:
            continue
        cells = rows.frame[name].str.strip_chars().drop_nulls()
        said = cells.filter(cells.is_in([*NOTHING, ""]).not_())
        odd = [word for word in NOTHING if (cells == word).any()]
        if odd and (said.is_empty() or all(_FIGURE.fullmatch(text) for text in said.head(200))):
            found.update(dict.fromkeys(odd))
    return list(found)
