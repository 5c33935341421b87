"""Records of JSON as rows of text: numbers to the digit as they are written, lists and objects as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import IO

import msgspec
import polars as pl

from kaizenlake.lake.readers.chunks import Refused, Rows
from kaizenlake.lake.readers.faults import FAULTS, describe_fault

_RECORD = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_NUMBER = b"-0123456789"


def rows_of(lines: Sequence[bytes], numbers: Sequence[int], line_bytes: int) -> Rows:
    """Read records, each a JSON object, as rows; the columns are the keys of all of them.

    Args:
        lines: JSON texts.
        numbers: Number of each in its file.
        line_bytes: Longest record taken.
    """
    rows: list[dict[str, str | None]] = []
    raws, taken, refused = [], [], []
    numeric: dict[str, list[int]] = {}
    for line, number in zip(lines, numbers, strict=True):
        try:
            row = _row(line, len(rows), numeric, line_bytes)
        except FAULTS as error:
            refused.append(Refused(number, *_rule(error, len(line) > line_bytes, line_bytes), _quote(line)))
            continue
        rows.append(row)
        raws.append(_quote(line))
        taken.append(number)
    header = dict.fromkeys(name for row in rows for name in row)
    frame = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String))
    return Rows(frame, taken, refused, {name: mark_places(places, len(rows)) for name, places in numeric.items()}, raws)


def mark_places(places: Sequence[int], size: int) -> pl.Series:
    """Return a mask that is true at some places."""
    mask = [False] * size
    for place in places:
        mask[place] = True
    return pl.Series(mask, dtype=pl.Boolean)


def _row(line: bytes, place: int, numeric: dict[str, list[int]], line_bytes: int) -> dict[str, str | None]:
    if len(line) > line_bytes:
        raise ValueError
    row: dict[str, str | None] = {}
    for name, raw in _RECORD.decode(line).items():
        text, is_number = cell(raw)
        row[name] = text
        if is_number:
            numeric.setdefault(name, []).append(place)
    return row


def _rule(error: BaseException, is_long: bool, line_bytes: int) -> tuple[str, str]:  # noqa: FBT001 - of one line
    if is_long:
        return "too_long", f"a record may be {line_bytes} bytes long at most"
    if isinstance(error, msgspec.ValidationError):
        return "not_a_record", "expected a JSON object"
    return "not_json", f"the record is no JSON: {describe_fault(error)}"


def _quote(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")


def cell(raw: msgspec.Raw) -> tuple[str | None, bool]:
    """Return a JSON value as a cell of text, and whether it is a number."""
    value = bytes(raw)
    first = value[:1]
    if first == b'"':
        return _TEXT.decode(value), False
    if first == b"n":
        return None, False
    return value.decode(), first in _NUMBER


_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


def steps(path: str) -> list[str | int] | None:
    """Return the steps of a path such as `a.b[0].c`; None where it is none.

    >>> steps("a.b[0].c")
    ['a', 'b', 0, 'c']
    """
    found: list[str | int] = []
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return None
        found.append(step[1] if step[1] is not None else int(step[2]))
        at = step.end()
    return found


def inner(text: str | None, path: str) -> msgspec.Raw | None:
    """Return the value at a path within a JSON text; None where there is none.

    At each object the longest key that the path begins with is meant, so keys may hold dots.
    """
    value = None if text is None else msgspec.Raw(text.encode())
    rest = path.removeprefix(".")
    try:
        while value is not None and rest:
            value, rest = _step(value, rest)
    except msgspec.MsgspecError:
        return None
    return value


def _step(value: msgspec.Raw, rest: str) -> tuple[msgspec.Raw | None, str]:
    if index := re.match(r"\[(\d+)\]", rest):
        items = _LIST.decode(value)
        place = int(index[1])
        return (items[place] if place < len(items) else None), rest[index.end() :].removeprefix(".")
    record = _RECORD.decode(value)
    for end in sorted({len(rest), *(mark.start() for mark in re.finditer(r"[.\[]", rest))}, reverse=True):
        if rest[:end] in record:
            return record[rest[:end]], rest[end:].removeprefix(".")
    return None, ""


def items(text: str | None) -> list[msgspec.Raw]:
    """Return the items of a JSON list; of a lone object that object, and of nothing none."""
    if text is None:
        return []
    try:
        return _LIST.decode(text)
    except msgspec.MsgspecError:
        return [msgspec.Raw(text.encode())] if text.lstrip().startswith("{") else []


def record(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    """Return the members of a JSON object; none where it is no object."""
    try:
        return _RECORD.decode(raw)
    except msgspec.MsgspecError:
        return {}


def lists_in(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield lists within an object, down to two levels: the path to each, and the keys of its first item."""
    try:
        for name, raw in _RECORD.decode(text).items():
            for path, value in [(name, raw), *((f"{name}.{key}", inside) for key, inside in record(raw).items())]:
                if bytes(value)[:1] == b"[" and (found := _LIST.decode(value)):
                    yield path, list(record(found[0]))
    except msgspec.MsgspecError:
        return


class NoSuchListError(Exception):
    """A file has no list at the path at which its records should be."""


_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{},:]', re.DOTALL)


class _JsonPlace:
    """Where a reader of JSON is: the key or place that is under way in each object and list that is open."""

    def __init__(self) -> None:
        self.path: list[str | int] = []
        self.word = b'""'
        """The last string that was read; before a colon it is a key."""

    def take(self, mark: bytes) -> None:
        """Go on by one mark."""
        match mark:
            case b"{":
                self.path.append("")
            case b"[":
                self.path.append(0)
            case b"}" | b"]":
                del self.path[-1:]
            case b":":
                self.path[-1:] = [_TEXT.decode(self.word)]
            case b",":
                self.path[-1:] = [place + 1 if isinstance(place, int) else place for place in self.path[-1:]]
            case _:
                self.word = mark


def from_list(stream: IO[bytes], path: str, block_bytes: int) -> Iterator[bytes]:
    """Yield blocks of a stream from the bracket on that opens the list at a path; what lies before is passed over.

    Args:
        stream: A JSON object.
        path: Keys that lead to the list, such as `data.items`.
        block_bytes: Bytes that are read at a time.

    Raises:
        NoSuchListError: There is no list at that path.
    """
    wanted = steps(path)
    place = _JsonPlace()
    window, scan = b"", 0
    while block := stream.read(block_bytes):
        window, scan = window[scan:] + block, 0
        while (token := _TOKEN.search(window, scan)) and (mark := token.group()) != b'"':
            if mark == b"[" and place.path == wanted:
                yield window[token.start() :]
                yield from iter(lambda: stream.read(block_bytes), b"")
                return
            scan = token.end()
            place.take(mark)
        # A string that is not closed yet is looked at again with the next block.
        scan = token.start() if token else len(window)
    raise NoSuchListError(f"there is no list at {path!r}")
