"""One odd line or file never ends a landing: it gets its place in quarantine or is left alone, and the rest lands."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from kaizenlake.lake.landing.landing import land, land_folder
from kaizenlake.lake.readers.parquet_rows import texts
from kaizenlake.lake.store import Lake
from lake.landed import NOW, held, ids, lead, line, ndjson, put

MAPPING = """
description = "A table to try odd files with"
[[event]]
type = "LEAD_CREATED"
id = { columns = ["id"] }
occurred_at = { column = "at", zone = "UTC" }
[event.fields]
lead_id = "id"
source = { column = "source", optional = true }
icp_match_score = { column = "score", optional = true }
"""


@pytest.fixture
def lake(tmp_path):
    made = Lake.create(tmp_path / "lake")
    put(made.path("mappings", "table.toml"), MAPPING.encode())
    put(made.path("landing", "zz_last.ndjson"), ndjson(lead("last")))
    return made


def csv(*rows: bytes) -> Callable[[Path], Any]:
    return lambda folder: put(folder / "table" / "in.csv", b"id,at,source\n" + b"".join(rows))


def parquet(**columns: pa.Array) -> Callable[[Path], Any]:
    """A Parquet file of three rows."""
    plain = {"id": pa.array(["a", "b", "c"]), "at": pa.array(["2026-01-01T00:00:00Z"] * 3)}

    def make(folder: Path) -> None:
        (folder / "table").mkdir()
        pyarrow.parquet.write_table(pa.table(plain | columns), folder / "table" / "in.parquet")

    return make


def event(time: str = "2026-01-01T00:00:00Z", lead_id: str = "l") -> bytes:
    return f'{{"id":"odd","type":"LEAD_CREATED","occurred_at":"{time}","payload":{{"lead_id":"{lead_id}"}}}}'.encode()


def lines(*texts: bytes) -> Callable[[Path], Any]:
    return lambda folder: put(folder / "in.ndjson", b"".join(text + b"\n" for text in texts))


FAR = [2**62, 0, -(2**62)]

QUARANTINED = {
    # what is odd: (what makes the file, rows of it that land, lines and rules of those that do not)
    "half a surrogate pair in a time": (lines(event(r"\ud800")), 0, [(1, ["bad_text"])]),
    "half a surrogate pair within a time": (lines(event(r"2026-01-01T00:00:0\udc00Z")), 0, [(1, ["bad_text"])]),
    "half a surrogate pair in a text": (lines(event(lead_id=r"\udfff")), 0, [(1, ["bad_text"])]),
    "half a surrogate pair in a CloudEvent": (
        lines(
            rb'{"specversion":"1.0","id":"i","source":"s","type":"LEAD_CREATED","time":"\ud800","data":{"lead_id":"l"}}'
        ),
        0,
        [(1, ["bad_text"])],
    ),
    "a bare CR in a cell": (
        csv(b"a,2026-01-01,x\ry\n", b"b,2026-01-01,ok\n", b'c,2026-01-01,"x\ry"\n', b"d,2026-01-01\n"),
        2,
        [(2, ["line_end"]), (5, ["ragged_row"])],
    ),
    "a bare CR that would make a row": (
        csv(b"a,2026-01-01,x\rb,2026-01-01,y\n", b"c,2026-01-01,ok\n"),
        1,
        [(2, ["line_end"])],
    ),
    "NUL in a cell": (csv(b"a,2026-01-01,x\0\n", b"b,2026-01-01,\n"), 1, [(2, ["bad_text"])]),
    "a column of durations": (parquet(source=pa.array([1, 2, 3], pa.duration("s"))), 3, []),
    "a score that is a duration": (
        parquet(score=pa.array([1, None, 3], pa.duration("ns"))),
        1,
        [(1, ["wrong_type"]), (3, ["wrong_type"])],
    ),
    "decimals of 256 bits": (parquet(score=pa.array([Decimal("0.5")] * 3, pa.decimal256(60, 2))), 3, []),
    "decimals of 256 bits within": (
        parquet(source=pa.array([{"n": Decimal(1)}] * 3, pa.struct([("n", pa.decimal256(60, 2))]))),
        3,
        [],
    ),
    "times beyond all years": (
        parquet(at=pa.array(FAR, pa.timestamp("us"))),
        1,
        [(1, ["bad_time"]), (3, ["bad_time"])],
    ),
    "instants beyond what the engine holds": (
        parquet(at=pa.array(FAR, pa.timestamp("ms", "UTC"))),
        1,
        [(1, ["bad_time"]), (3, ["bad_time"])],
    ),
    "days beyond all years": (
        parquet(at=pa.array([2**31 - 1, 0, -(2**31)], pa.date32())),
        1,
        [(1, ["bad_time"]), (3, ["bad_time"])],
    ),
    "a zone that nobody knows": (parquet(at=pa.array([0, 1, 2], pa.timestamp("us", "Mars/Olympus"))), 3, []),
    "bytes that are no text": (parquet(source=pa.array([b"\xff", b"a", None])), 3, []),
    "bytes within that are no text": (parquet(source=pa.array([{"b": b"\xff"}] * 3)), 3, []),
    "a Parquet file that is none": (
        lambda folder: put(folder / "table" / "in.parquet", b"PAR1"),
        0,
        [(1, ["not_readable"])],
    ),
    "a packed file that is none": (lambda folder: put(folder / "in.ndjson.gz", b"hello"), 0, [(1, ["not_readable"])]),
    "a YAML file that is none": (
        lambda folder: put(folder / "table" / "in.yaml", b'- {id: "\\uD800"}\n'),
        0,
        [(1, ["not_readable"])],
    ),
    "a file name that is not UTF-8": (
        lambda folder: put(folder / os.fsdecode(b"caf\xe9.ndjson"), line(lead("a")) + b"\npoison\n"),
        1,
        [(2, ["not_json"])],
    ),
    "a table whose name is not UTF-8": (
        lambda folder: put(folder / "table" / os.fsdecode(b"\xff.csv"), b"id,at\na,2026-01-01\nb\n"),
        1,
        [(3, ["ragged_row"])],
    ),
    "columns that are numbered by their own header": (
        lambda folder: put(folder / "table" / "in.csv", b"id,at,x,x,x (column 4)\na,2026-01-01,1,2,3\n"),
        1,
        [],
    ),
}


@pytest.mark.parametrize("name", QUARANTINED)
def test_an_odd_line_or_cell_goes_to_quarantine_and_the_rest_lands(lake, name):
    make, landed, quarantined = QUARANTINED[name]
    make(lake.path("landing"))
    found = land_folder(lake, now=NOW)
    assert found.lines_in == found.landed + found.duplicate + found.quarantined
    assert (found.landed, held(lake)) == (landed + 1, quarantined)
    assert found.left == ()
    # Neither does the night after.
    assert land_folder(lake, now=NOW).files == 0


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


LEFT = {
    # what is odd: (what makes it, name of what is left alone, reason)
    "a named pipe": (lambda folder: os.mkfifo(folder / "in.ndjson"), "in.ndjson", "it is a named pipe, not a file"),
    "a folder named like a file": (
        lambda folder: (folder / "in.ndjson").mkdir(),
        "in.ndjson",
        "it is a folder, not a file, and nothing lies in it",
    ),
    "a link to nothing": (
        lambda folder: (folder / "in.ndjson").symlink_to("nowhere"),
        "in.ndjson",
        "it is a link to nothing",
    ),
    "a link to itself": (
        lambda folder: (folder / "in.ndjson").symlink_to("in.ndjson"),
        "in.ndjson",
        "it is a link that leads back to itself",
    ),
    "a link to its folder": (lambda folder: (folder / "in").symlink_to("."), "in", "it is a link to a folder"),
    "a link to a device": (
        lambda folder: (folder / "in.ndjson").symlink_to("/dev/null"),
        "in.ndjson",
        "it is a device, not a file",
    ),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_is_no_file_is_left_alone_with_the_reason_and_the_rest_lands(lake, name):
    make, path, reason = LEFT[name]
    make(lake.path("landing"))
    for _ in range(2):
        found = land_folder(lake, now=NOW)
        assert [(Path(name).name, reason) for name, reason in found.left] == [(path, reason)]
        assert ids(lake) == ["last"]


def test_a_socket_is_left_alone(tmp_path, monkeypatch):
    lake = Lake.create(tmp_path / "l")
    # The name of a socket is short.
    monkeypatch.chdir(lake.path("landing"))
    bind(Path("in.ndjson"))
    assert [reason for _, reason in land_folder(lake, now=NOW).left] == ["it is a socket, not a file"]


@pytest.mark.parametrize("name", ["a link to itself", "a named pipe", "a link to nothing"])
def test_what_was_named_and_not_read_is_told_apart(lake, tmp_path, name):
    LEFT[name][0](tmp_path)
    good = put(tmp_path / "good.ndjson", ndjson(lead("good")))
    odd = tmp_path / "in.ndjson"
    found = land(lake, [odd, good], now=NOW)
    assert found.unread == (str(odd),)
    assert ids(lake) == ["good"]


def test_a_file_that_grows_while_it_is_read_ends_whole(lake):
    file = put(lake.path("landing", "grows.ndjson"), b"")
    many = 4_000
    stop = threading.Event()

    def write() -> None:
        with file.open("ab", buffering=0) as stream:
            for place in range(many):
                text = ndjson(lead(f"e{place}"))
                # Half a line, then the other.
                stream.write(text[:40])
                stream.write(text[40:])
                if place % 40 == 0:
                    time.sleep(0.001)
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    totals = []
    while not stop.is_set() and file.exists():
        totals.append(land_folder(lake, now=NOW))
    writer.join()
    totals.append(land_folder(lake, now=NOW))
    assert all(found.lines_in == found.landed + found.duplicate + found.quarantined for found in totals)
    # What was appended after the file was moved is in the moved file, which is landed by name.
    land(lake, list(lake.path("landing", "done").rglob("grows*.ndjson")), now=NOW)
    assert set(ids(lake)) == {"last", *(f"e{place}" for place in range(many))}


def test_a_misfit_among_the_files_that_are_named_keeps_no_other_from_landing(lake, tmp_path):
    from kaizenlake.errors import MappingError

    files = [
        put(tmp_path / f"{place}.csv", text)
        for place, text in enumerate((b"id,at\na,2026-01-01\n", b"name,day\nb,2026-01-01\n", b"id,at\nc,2026-01-01\n"))
    ]
    with pytest.raises(MappingError, match="missing columns 'id', 'at'"):
        land(lake, files, mapping="table", now=NOW)
    assert len(ids(lake)) == 2


def test_marks_that_stay_open_cost_no_more_than_other_lines(lake):
    rows = b'"a",2026-01-01,"never closed\n' * 40_000 + b"b,2026-01-01,good\n"
    csv(rows)(lake.path("landing"))
    before = time.process_time()
    found = land_folder(lake, now=NOW)
    # It took hours: every line was read on to the end of the longest record.
    assert time.process_time() - before < 30
    assert (found.landed, found.quarantined) == (2, 40_000)
    assert found.by_rule == {"torn_line": 40_000}


def test_bytes_that_are_no_text_in_a_damaged_column_of_texts_are_escaped():
    offsets, content = (pa.py_buffer(part) for part in (b"\0\0\0\0\1\0\0\0\3\0\0\0\4\0\0\0", b"a\xee\xffb"))
    assert texts("x", pa.StringArray.from_buffers(3, offsets, content)).to_list() == ["a", "\\xee\\xff", "b"]
