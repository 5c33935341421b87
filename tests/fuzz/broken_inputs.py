"""A seeded generator of broken inputs: good lines and files, changed as writers, disks and strangers change them."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from kaizenlake.testing import sample_events

ODD: tuple[bytes, ...] = (
    b"", b"\0", b"\r", b"\n", b"\r\n", b'"', b'""', b"'", b",", b";", b"\t", b"\\", b"\\u0000", b"\\ud800", b"\\udc00\\ud800",
    b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"[", b"]", b"{", b"}", b"[" * 80, b"null", b"true", b"NaN",
    b"-Infinity", b"1e999", b"-0", b"-1", b"1.5", b"9223372036854775807", b"9223372036854775808", b"1" * 400, b"0.1e-400",
    b"0000-00-00", b"9999-12-31T23:59:59.999999+14:00", b"+275760-09-13T00:00:00Z", b"1969-12-31T23:59:59Z", b"2026-02-30",
    b"2026-03-01T25:00:00Z", b"12:00", b"&a", b"*a", b"!!python/object:os.system", b"- ", b": ", b"? ", b"| ", b"--- ", b"...",
    b"%YAML 9.9", b"\xe2\x80\xa8", b"\xc2\x85", b"=cmd()", b"x" * 3000, "\u202e\U0001f525".encode(),
)  # fmt: skip
"""What is put into lines and files."""

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**63, 10**400, float("nan"), float("inf"), "", " ", "\0", "\ud800", "x" * 21_000, [], {},
    [[]], {"": ""}, [None] * 50, "2026-03-01", "2026-03-01T00:00:00Z", "instagram", 1e-320, -0.0, "١٢", {"a": {"b": [1]}},
)  # fmt: skip
"""What stands where another value should."""


@cache
def good_lines(count: int, seed: int) -> list[bytes]:
    """Lines of events of all types of the catalogue."""
    rows = sample_events(count, seed=seed).iter_rows(named=True)
    return [
        json.dumps(
            {
                "id": row["event_id"],
                "type": row["event_type"],
                "occurred_at": row["occurred_at"].isoformat(),
                "source": row["source"],
                "payload": json.loads(row["payload"]),
                **({"project_id": row["project_id"]} if row["project_id"] else {}),
            }
        ).encode()
        for row in rows
    ]


def spoiled(content: bytes, random: Random) -> bytes:
    """Bytes with one to four changes: a bit, a piece taken out, doubled, put elsewhere or put in, an end cut off."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        at, end = sorted(random.randrange(len(content) + 1) for _ in range(2))
        end = min(end, at + random.choice((1, 3, 20, 400)))
        piece = content[at:end]
        change = random.randrange(7)
        if change == 0 and piece:
            content = content[:at] + bytes((piece[0] ^ (1 << random.randrange(8)),)) + content[at + 1 :]
        elif change == 1:
            content = content[:at] + content[end:]
        elif change == 2:
            content = content[:end] + piece * random.choice((1, 2, 30)) + content[end:]
        elif change == 3:
            rest = content[:at] + content[end:]
            place = random.randrange(len(rest) + 1)
            content = rest[:place] + piece + rest[place:]
        elif change == 4:
            content = content[:at]
        else:
            content = content[:at] + random.choice(ODD) + content[at if change == 5 else end :]
    return content


def spoiled_event(line: bytes, random: Random) -> bytes:
    """An event with one to three of its values, or names, exchanged; it is JSON still, or nearly."""
    event = json.loads(line)
    for _ in range(random.choice((1, 1, 2, 3))):
        holder = random.choice((event, event, event.get("payload"), event.get("metadata")))
        if not isinstance(holder, dict) or not holder:
            holder = event
        name = random.choice(list(holder))
        change = random.randrange(5)
        if change == 0:
            holder.pop(name)
        elif change == 1:
            holder[random.choice(("", "Id", "typ", "\ud83d", "specversion", "time", "data", "metadata", "tags"))] = (
                holder[name]
            )
        else:
            holder[name] = deepcopy(random.choice(VALUES))
        if not event:
            break
    return json.dumps(event).encode("utf-8", "surrogatepass")


def lines(count: int, seed: int) -> Iterator[bytes]:
    """Lines, most of them changed; none holds a line feed.

    Args:
        count: How many.
        seed: The same lines for the same seed.
    """
    random = Random(seed)
    good = good_lines(400, 0)
    for _ in range(count):
        line = random.choice(good)
        way = random.random()
        if way > 0.55:
            line = spoiled(line, random)
        elif way > 0.1:
            line = spoiled_event(line, random)
        # A line that is none would not be read.
        yield line.replace(b"\n", b" ") if line.strip() else b"-"


TABLE = """
description = "A table to try broken files with"
[[event]]
type = "PERFORMANCE_RECORDED"
id = { columns = ["id"] }
occurred_at = { column = "at", zone = "UTC" }
project_id = "project"
[event.fields]
content_id = "id"
platform = "platform"
impressions = { column = "shown", optional = true }
engagements = { column = "engaged", optional = true }
spend_usd = { column = "cost", optional = true }
is_paid = { column = "paid", optional = true }
text = { column = "text", optional = true }
"""
"""Mapping of the tables."""

HEADER = ("id", "at", "platform", "project", "shown", "engaged", "cost", "paid", "text")


def records(random: Random, count: int) -> list[tuple[str, ...]]:
    """Rows of a good table."""
    texts = ("plain", 'with "marks"', "two\nlines", "a,b;c", "", "üñí", "tail\r\nof it")
    return [
        (
            f"c{random.getrandbits(30)}", f"2026-02-{random.randrange(1, 29):02}T10:00:00Z", random.choice(("Instagram", "x")),
            "p", str(random.randrange(100, 9000)), str(random.randrange(100)), f"{random.random() * 90:.2f}",
            random.choice(("yes", "no", "")), random.choice(texts),
        )
        for _ in range(count)
    ]  # fmt: skip


def csv_file(random: Random) -> bytes:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if random.random() < 0.3 or set(text) & set('",\r\n') else text

    end = random.choice(("\n", "\r\n"))
    rows = [HEADER, *records(random, random.randrange(1, 25))]
    content = "".join(",".join(map(cell, row)) + end for row in rows).encode()
    # The header is spoiled now and then only: without it the whole file is left alone.
    head = content.find(b"\n") + 1
    return spoiled(content, random) if random.random() < 0.2 else content[:head] + spoiled(content[head:], random)


def yaml_file(random: Random) -> bytes:
    rows = [dict(zip(HEADER, row, strict=True)) for row in records(random, random.randrange(1, 12))]
    text = "".join(
        "- {" + ", ".join(f"{name}: {json.dumps(cell)}" for name, cell in row.items()) + "}\n" for row in rows
    )
    return spoiled(text.encode(), random)


def json_file(random: Random) -> bytes:
    good = good_lines(400, 0)
    chosen = [random.choice(good) for _ in range(random.randrange(1, 20))]
    content = b"[" + b",\n".join(chosen) + b"]" if random.random() < 0.7 else b"\n".join(chosen)
    return spoiled(content, random)


def ndjson_file(random: Random) -> bytes:
    return spoiled(b"\n".join(lines(random.randrange(1, 20), random.randrange(10**6))) + b"\n", random)


def packed(make: Callable[[Random], bytes]) -> Callable[[Random], bytes]:
    """A packed file, spoiled before it is packed or after."""

    def pack(random: Random) -> bytes:
        content = gzip.compress(make(random), mtime=0)
        return spoiled(content, random) if random.random() < 0.6 else content

    return pack


_TYPES: tuple[Callable[[], pa.DataType], ...] = (
    pa.string, pa.large_string, pa.binary, pa.large_binary, pa.int8, pa.uint8, pa.int64, pa.uint64, pa.float16, pa.float32,
    pa.float64, pa.bool_, pa.date32, pa.date64, pa.null, lambda: pa.timestamp("s"), lambda: pa.timestamp("ms", "UTC"),
    lambda: pa.timestamp("us"), lambda: pa.timestamp("ns", "Europe/Berlin"), lambda: pa.timestamp("us", "Mars/Olympus"),
    lambda: pa.duration("s"), lambda: pa.duration("ns"), lambda: pa.time32("ms"), lambda: pa.time64("ns"),
    lambda: pa.decimal128(20, 3), lambda: pa.decimal256(60, 4), lambda: pa.binary(4), lambda: pa.list_(pa.int32()),
    lambda: pa.list_(pa.timestamp("us")), lambda: pa.struct([("a", pa.binary()), ("b", pa.duration("us"))]),
    lambda: pa.map_(pa.string(), pa.decimal256(50, 1)), lambda: pa.dictionary(pa.int32(), pa.string()),
)  # fmt: skip
"""Kinds of columns."""


def _array(kind: pa.DataType, size: int, random: Random) -> pa.Array:  # noqa: PLR0911 - one branch a kind
    """Values of a kind, out of random bytes where bytes are all that it takes."""
    if pa.types.is_null(kind):
        return pa.nulls(size)
    if pa.types.is_decimal(kind):
        return pa.array([Decimal(random.getrandbits(40)) / 100 for _ in range(size)], kind)
    if pa.types.is_dictionary(kind):
        return pa.array([random.choice(("a", "b", None)) for _ in range(size)]).dictionary_encode()
    if pa.types.is_struct(kind):
        return pa.array([{"a": random.randbytes(3), "b": random.getrandbits(40)} for _ in range(size)], kind)
    if pa.types.is_map(kind):
        return pa.array([[("k", Decimal(random.getrandbits(30)))] for _ in range(size)], kind)
    if pa.types.is_list(kind):
        inner = _array(kind.value_type, 2 * size, random)
        return pa.ListArray.from_arrays(pa.array(range(0, 2 * size + 1, 2), pa.int32()), inner)
    if pa.types.is_boolean(kind):
        return pa.array([random.choice((True, False, None)) for _ in range(size)])
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.array([random.choice(("a", "2026-01-01", "7", None)) for _ in range(size)], kind)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.array([random.randbytes(4) for _ in range(size)], kind)
    width = kind.bit_width // 8
    # Half of the numbers are small, half are whatever bits there are.
    values = b"".join(
        random.randbytes(width) if random.random() < 0.5 else random.getrandbits(7).to_bytes(width, "little")
        for _ in range(size)
    )
    if pa.types.is_time(kind):
        values = b"".join(random.getrandbits(20).to_bytes(width, "little") for _ in range(size))
    return pa.Array.from_buffers(kind, size, [None, pa.py_buffer(values)])


def parquet_file(random: Random) -> bytes:
    rows = records(random, random.randrange(1, 30))
    columns: dict[str, pa.Array] = {
        name: pa.array(cells) for name, cells in zip(HEADER, zip(*rows, strict=True), strict=True)
    }
    for name in random.sample((*HEADER, "other", "more"), random.randrange(4)):
        columns[name] = _array(random.choice(_TYPES)(), len(rows), random)
    sink = io.BytesIO()
    codec = random.choice(("snappy", "none", "zstd"))
    try:
        pyarrow.parquet.write_table(pa.table(columns), sink, compression=codec)
    except (pa.ArrowException, OverflowError):
        # Some kinds cannot be written with some values.
        return b"PAR1"
    content = sink.getvalue()
    return spoiled(content, random) if random.random() < 0.6 else content


FILES: Sequence[tuple[str, Callable[[Random], bytes]]] = (
    ("table/{}.csv", csv_file),
    ("table/{}.csv.gz", packed(csv_file)),
    ("table/{}.yaml", yaml_file),
    ("table/{}.parquet", parquet_file),
    ("table/{}.parquet", parquet_file),
    ("{}.json", json_file),
    ("{}.ndjson", ndjson_file),
    ("{}.ndjson.gz", packed(ndjson_file)),
)


def write_files(folder: Path, count: int, seed: int) -> list[Path]:
    """Write broken files of every form.

    Args:
        folder: A landing folder whose mapping is called `table`.
        count: How many.
        seed: The same files for the same seed.
    """
    random = Random(seed)
    made = []
    for number in range(count):
        name, make = FILES[number % len(FILES)]
        path = folder / name.format(f"{seed}-{number}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make(random))
        made.append(path)
    return made
