"""Files of traces and of results of benchmarks: known by what is in them, and read as the event lines they tell."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any
from zipfile import ZipFile

import msgspec

from kaizenlake import traces
from kaizenlake.lake.readers.chunks import Lines, Refused, breaks_off, is_full
from kaizenlake.lake.readers.faults import FAULTS, describe_fault, printable
from kaizenlake.lake.readers.read_files import json_values, ndjson_lines
from kaizenlake.lake.readers.sources import BLOCK_BYTES, SourceFile, open_source
from kaizenlake.traces.head import top_keys

WHOLE_BYTES = 256 * 1024 * 1024
"""A JSON file up to so many bytes is read at once; of a longer one, values are cut out one after the other."""

LINE_BYTES = 64 * 1024 * 1024
"""Longest document taken: a line of a Collector's file holds thousands of spans."""

_RAW_LENGTH = 4_000


def is_of_traces(source: SourceFile) -> bool:
    """Return whether a file tells of traces, by the keys of its first object.

    Raises:
        OSError: It cannot be read.
    """
    if source.form == "inspect":
        return True
    if source.segment or source.form not in {"ndjson", "json"}:
        return False
    try:
        with open_source(source) as stream:
            head = stream.read(BLOCK_BYTES)
    except FAULTS:
        # Whoever reads it whole says so.
        return False
    keys = top_keys(head)
    return bool(keys) and any(
        any(mark <= keys for mark in form.marks) or (form.within and form.within in head) for form in traces.FORMS
    )


def read_traces(source: SourceFile, line_bytes: int) -> Iterator[Lines]:
    """Read a file of traces as event lines, in chunks; lines that tell of none are handed on as they are.

    Args:
        source: An NDJSON or JSON file.
        line_bytes: Longest line handed on as it is.
    """
    chunk, size, number = Lines(), 0, 0
    # A document may end in another chunk than it began in, so what is refused of it is handed over with each.
    refused: list[Refused] = []
    origin = _origin(source)
    try:
        for number, raw, document in _yield_documents(source):
            form = traces.form_of(document)
            if form is None:
                lines = iter([raw[: line_bytes + 1] if raw is not None else msgspec.json.encode(document)])
            else:
                lines = _yield_event_lines(form, document, origin, refused, number)
            for line in lines:
                chunk.lines.append(line)
                chunk.numbers.append(number)
                size += len(line)
                if is_full(len(chunk.lines) + len(refused), size):
                    yield Lines(chunk.lines, chunk.numbers, refused.copy())
                    chunk, size = Lines(), 0
                    refused.clear()
    except FAULTS as error:
        refused.append(breaks_off(number + 1, error))
    if chunk.lines or refused:
        yield Lines(chunk.lines, chunk.numbers, refused)


def _yield_event_lines(
    form: traces.TraceForm, document: Any, origin: traces.TraceOrigin, refused: list[Refused], number: int
) -> Iterator[bytes]:
    try:
        for told in form.read(document):
            try:
                yield traces.line_of(told, origin)
            except traces.BadSpanError as error:
                rule = "bad_span" if isinstance(told, traces.Span) else "bad_record"
                refused.append(Refused(number, rule, f"it is left out: {error}", _raw(told)))
    except traces.BadSpanError as error:
        refused.append(Refused(number, "bad_record", f"it is left out: {error}", _raw(document)))
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError) as error:
        reason = f"the document is not as {form.name} writes it: {describe_fault(error)}"
        refused.append(Refused(number, "bad_trace", reason, _raw(document)))


def _origin(source: SourceFile) -> traces.TraceOrigin:
    name = PurePath(source.member or source.path).name
    ending = "".join(PurePath(name).suffixes[-2:] if source.packed else PurePath(name).suffixes[-1:])
    return traces.TraceOrigin(printable(name.removesuffix(ending)), source.path.stat().st_mtime_ns)


def _raw(told: Any) -> str:
    try:
        said = msgspec.json.encode(told if isinstance(told, dict) else vars(told)).decode()
    except (TypeError, ValueError, RecursionError, OverflowError):
        said = repr(told)
    return said[:_RAW_LENGTH]


def _yield_documents(source: SourceFile) -> Iterator[tuple[int, bytes | None, Any]]:
    """Yield documents of a file with their numbers; one that is no JSON is None, and its text is what there is of it."""
    if source.form == "inspect":
        yield from _yield_samples(source)
        return
    if source.form == "json":
        with open_source(source) as stream:
            stream.seek(source.start)
            held = stream.read(WHOLE_BYTES + 1)
        if len(held) <= WHOLE_BYTES:
            try:
                whole = _decode_json(held.removeprefix(b"\xef\xbb\xbf"))
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
                pass
            else:
                yield from ((place, None, item) for place, item in enumerate(_each(whole), 1))
                return
        # The Collector's file holds one document a line, whatever its ending.
        runs = (ndjson_lines if _is_json(held.partition(b"\n")[0]) else json_values)(source, LINE_BYTES)
        del held
    else:
        runs = ndjson_lines(source, LINE_BYTES)
    for numbers, lines in runs:
        for number, line in zip(numbers, lines, strict=True):
            try:
                made = _decode_json(line.removeprefix(b"\xef\xbb\xbf"))
            except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
                made = None
            if isinstance(made, list):
                yield from ((number, None, item) for item in made)
            else:
                yield number, line, made


def _yield_samples(source: SourceFile) -> Iterator[tuple[int, bytes | None, Any]]:
    """Yield each sample of a log of inspect_ai as a log of its own: a zip file holds them beside what the log says of itself.

    While a log is being written, what it says of itself lies in its journal.
    """
    with open_source(source) as stream, ZipFile(stream) as archive:
        names = set(archive.namelist())
        about = next((name for name in _ABOUT if name in names), None)
        if about is None:
            raise ValueError("it is no log of inspect_ai: it does not say of which evaluation it is")
        header = {"status": "started"} | _decode_json(_read_member(archive, about))
        samples = sorted(name for name in names if name.startswith("samples/") and name.endswith(".json"))
        for number, name in enumerate(samples, 1):
            yield number, None, header | {"samples": [_decode_json(_read_member(archive, name))]}


_ABOUT = ("header.json", "_journal/start.json")


def _read_member(archive: ZipFile, name: str) -> bytes:
    """Return a file of a zip file.

    Raises:
        ValueError: It is longer than is read at once.
    """
    if archive.getinfo(name).file_size > WHOLE_BYTES:
        raise ValueError(f"{name} is longer than {WHOLE_BYTES:,} bytes")
    with archive.open(name) as member:
        return member.read(WHOLE_BYTES)


def _is_json(text: bytes) -> bool:
    try:
        _decode_json(text.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    return True


def _decode_json(text: bytes) -> Any:
    """Return JSON without the collector of garbage, which looks through millions of new objects for circles that JSON has none of."""
    is_on = gc.isenabled()
    gc.disable()
    try:
        return msgspec.json.decode(text)
    finally:
        if is_on:
            gc.enable()


def _each(whole: Any) -> list[Any]:
    return whole if isinstance(whole, list) else [whole]
