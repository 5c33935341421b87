"""A YAML list of records as rows of text: nothing in it is made into an object, followed or guessed at."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any, TypeAlias

import polars as pl
import yaml

from kaizenlake.lake.readers.chunks import Refused, Rows, breaks_off, is_full
from kaizenlake.lake.readers.faults import FAULTS
from kaizenlake.lake.readers.json_rows import mark_places
from kaizenlake.lake.readers.sources import SourceFile, open_source

Record: TypeAlias = dict[str, str | None]
"""Cells of a record by key: scalars as they are written, lists and maps as JSON, null where nothing is written."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class PlainText(str):
    """A scalar that is written without quotation marks."""

    __slots__ = ()

    @property
    def is_number(self) -> bool:
        """YAML takes it for a number."""
        return _NUMBER.fullmatch(self) is not None


DEEPEST = 64
"""Most levels of lists and maps within one another."""

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class BrokenRecordError(Exception):
    """The file cannot be read from this record on.

    Args:
        number: Number of the record, from 1.
        reason: What is wrong, in words.
    """

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(reason)
        self.number = number
        self.reason = reason


def records(stream: IO[bytes], most_bytes: int) -> Iterator[tuple[int, Record | str]]:
    """Yield records of a file that is a list of maps, in their order, each with its number from 1.

    No more is held than one record, however long the file is: one that takes four times the bytes that a record may have ends
    the reading. Scalars are not resolved: `0.10`, `2025-02-25` and `no` stay as they are written. Of a key that comes twice the last
    counts. Tags and aliases are refused: a file of figures needs neither, and either can be a trap.

    Args:
        stream: UTF-8 or UTF-16, as YAML says.
        most_bytes: Longest record taken, by the texts in it.

    Yields:
        The record, or the reason in words why this one is not taken.

    Raises:
        BrokenRecordError: The file is no list of maps, or cannot be read from a record on; those before it were given.
    """
    bounded = _Bounded(stream, _SLACK + 4 * most_bytes, most_bytes)
    loader = _LOADER(bounded)
    number = 1
    try:
        if loader.check_event(yaml.StreamStartEvent):
            loader.get_event()
        if loader.check_event(yaml.StreamEndEvent):
            return
        loader.get_event()
        if not loader.check_event(yaml.SequenceStartEvent):
            raise BrokenRecordError(1, "the file is not a list of records")
        loader.get_event()
        while not loader.check_event(yaml.SequenceEndEvent):
            bounded.begin()
            value = _value(loader, 1)
            yield number, _record(value, most_bytes)
            number += 1
        loader.get_event()
        loader.get_event()
        if not loader.check_event(yaml.StreamEndEvent):
            raise BrokenRecordError(number, "a second document begins, and only one is taken")
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BrokenRecordError(number, " ".join(str(error).split())) from error
    finally:
        loader.dispose()


_SLACK = 256 * 1024
"""Bytes that may be read ahead of a record, or lie between two."""


class _Bounded:
    """A stream that ends with an error where one record goes on for too long."""

    def __init__(self, stream: IO[bytes], most: int, said: int) -> None:
        self.stream = stream
        self.most = most
        self.said = said
        self.since = 0
        self.name = getattr(stream, "name", "the file")  # the parser names it where it finds a fault

    def begin(self) -> None:
        """Count the bytes of a record from here."""
        self.since = 0

    def read(self, size: int) -> bytes:
        """Read so many bytes at most."""
        block = self.stream.read(size)
        self.since += len(block)
        if self.since > self.most:
            raise yaml.YAMLError(f"a record may be {self.said} bytes long at most, and this one goes on")
        return block


_Value: TypeAlias = "str | list[_Value] | dict[str, _Value] | None"


def _value(loader: Any, depth: int) -> _Value:
    """Return the value that the events ahead spell."""
    if depth > DEEPEST:
        raise yaml.YAMLError(f"lists and maps lie deeper than {DEEPEST} levels")
    event = loader.get_event()
    if isinstance(event, yaml.AliasEvent):
        raise yaml.YAMLError(f"it holds an alias, *{event.anchor}, which is not taken")
    if getattr(event, "tag", None) is not None:
        raise yaml.YAMLError(f"it holds a tag, {event.tag}, which is not taken")
    if isinstance(event, yaml.ScalarEvent):
        is_nothing = not event.style and event.value in {"", "~", "null"}
        return None if is_nothing else str(event.value) if event.style else PlainText(event.value)
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[_Value] = []
        while not loader.check_event(yaml.SequenceEndEvent):
            items.append(_value(loader, depth + 1))
        loader.get_event()
        return items
    found: dict[str, _Value] = {}
    while not loader.check_event(yaml.MappingEndEvent):
        key = _value(loader, depth + 1)
        found[key if isinstance(key, str) else json.dumps(key)] = _value(loader, depth + 1)
    loader.get_event()
    return found


def _record(value: _Value, most_bytes: int) -> Record | str:
    if not isinstance(value, dict):
        return f"expected a map, found {json.dumps(value, ensure_ascii=False)[:200]}"
    cells = {
        key: item if item is None or isinstance(item, str) else json.dumps(item, ensure_ascii=False)
        for key, item in value.items()
    }
    size = sum(len(key) + len(item or "") for key, item in cells.items())
    return cells if size <= most_bytes else f"a record may be {most_bytes} bytes long at most"


def yaml_rows(source: SourceFile, line_bytes: int) -> Iterator[Rows]:
    """Yield records of a YAML list in chunks; the columns are the keys of all of them, so a key may be missing from a record.

    The file is read twice, so that memory holds one chunk: first for the keys, then for the cells.
    """
    header = dict.fromkeys(_yaml_keys(source, line_bytes))
    if len(header) > MOST_KEYS:
        wide = f"its records have more than {MOST_KEYS} different keys; a file of so many columns is not taken"
        yield Rows(pl.DataFrame(), [], [breaks_off(1, ValueError(wide))])
        return
    cells: list[Record] = []
    rows, size, number = Rows(pl.DataFrame()), 0, 0
    with open_source(source) as stream:
        try:
            for number, record in records(stream, line_bytes):
                if isinstance(record, str):
                    rows.refused.append(Refused(number, "not_a_record", record, ""))
                else:
                    cells.append(record)
                    rows.numbers.append(number)
                    size += sum(len(name) + len(cell or "") for name, cell in record.items())
                if is_full(len(cells) + len(rows.refused), size):
                    yield _frame(rows, cells, header)
                    cells, rows, size = [], Rows(pl.DataFrame()), 0
        except BrokenRecordError as error:
            rows.refused.append(breaks_off(error.number, error))
        except FAULTS as error:
            rows.refused.append(breaks_off(number + 1, error))
    yield _frame(rows, cells, header)


MOST_KEYS = 1_000
"""Different keys that records of one YAML file may have."""


def _yaml_keys(source: SourceFile, line_bytes: int) -> Iterator[str]:
    """Yield keys of the records of a YAML list, as far as it can be read; one more than are taken, where there are more."""
    seen = set[str]()
    with open_source(source) as stream, suppress(BrokenRecordError, *FAULTS):
        for _, record in records(stream, line_bytes):
            for name in record if isinstance(record, dict) else ():
                if name not in seen:
                    seen.add(name)
                    yield name
            if len(seen) > MOST_KEYS:
                return


def _frame(rows: Rows, cells: list[Record], header: dict[str, None]) -> Rows:
    """Return a chunk with its cells, under the keys of the whole file and those that came meanwhile."""
    names = dict.fromkeys((*header, *(name for record in cells for name in record)))
    rows.frame = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String))
    numeric: dict[str, list[int]] = {}
    for place, record in enumerate(cells):
        for name, cell in record.items():
            if isinstance(cell, PlainText) and cell.is_number:
                numeric.setdefault(name, []).append(place)
    rows.typed = {name: mark_places(places, len(cells)) for name, places in numeric.items()}
    return rows
