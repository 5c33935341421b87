"""Laws of landing: order, batching, repetition and splitting of files change no event and lose no line."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaizenlake import tables
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from lake.landed import NOW, lead, line, put

# Each id has one content, so that no order decides a conflict.
GOOD = st.integers(0, 15).map(
    lambda place: line(lead(f"e{place}", f"l{place}", occurred_at=f"2026-02-{place + 1:02}T00:00:00Z"))
)
BAD = st.sampled_from([b"poison", b"{", b'{"id": 1}', "é".encode("latin-1"), line(lead("x", payload={}))])
LINES = st.lists(st.one_of(GOOD, GOOD, GOOD, BAD, st.just(b""), st.just(b"  \r")), max_size=25)


def events(lake: Lake) -> pl.DataFrame:
    """All that an event says of itself."""
    return lake.scan(tables.Events).drop("landed_at", "file", "line", "batch", "seal").sort("event_id").collect()


def poison(lake: Lake) -> set[tuple[str, tuple[str, ...]]]:
    rows = lake.scan(tables.Quarantine).collect()
    return {(raw, tuple(rules)) for raw, rules in zip(rows["raw"], rows["rules"], strict=True)}


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(lines=LINES, data=st.data())
def test_order_batching_repetition_and_splitting_change_nothing(lines, data):
    order = data.draw(st.permutations(lines))
    repeats = data.draw(st.lists(st.sampled_from(lines), max_size=5)) if lines else []
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lines) + len(repeats)), max_size=4)))
    chunk, batch_lines = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 8))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        plain, mixed = Lake.create(root / "plain"), Lake.create(root / "mixed")
        first = land(plain, put(root / "in.ndjson", b"\n".join(lines)), now=NOW)
        again = [*order, *repeats]
        bounds = [0, *cuts, len(again)]
        pieces = [again[start:end] for start, end in pairwise(bounds)]
        files = [
            put(root / f"{place}.ndjson", b"".join(item + b"\n" for item in piece))
            for place, piece in enumerate(pieces)
        ]
        from kaizenlake.lake.landing import batch
        from kaizenlake.lake.readers import chunks

        whole = chunks.CHUNK_LINES, batch.BATCH_LINES
        chunks.CHUNK_LINES, batch.BATCH_LINES = chunk, batch_lines
        try:
            second = land(mixed, files, now=NOW)
            third = land(mixed, reversed(files), now=NOW)
        finally:
            chunks.CHUNK_LINES, batch.BATCH_LINES = whole
        filled = sum(bool(item.strip()) for item in lines)
        assert first.lines_in == filled == first.landed + first.duplicate + first.quarantined
        assert second.lines_in == third.lines_in == filled + sum(bool(item.strip()) for item in repeats)
        assert second.lines_in == second.landed + second.duplicate + second.quarantined
        # What waits in quarantine is said again to wait there, and is no duplicate.
        assert third.landed == 0
        assert third.duplicate + third.quarantined == second.lines_in
        assert third.quarantined == third.quarantined_before
        assert events(plain).equals(events(mixed))
        assert poison(plain) == poison(mixed)
        assert first.landed == second.landed == events(plain).height


@settings(max_examples=150)
@given(content=st.binary(max_size=300), name=st.sampled_from(["in.ndjson", "in.json", "in.ndjson.gz"]))
def test_any_bytes_at_all_are_accounted_for(content, name):
    from kaizenlake.lake.readers.read_files import read_lines
    from kaizenlake.lake.readers.sources import describe

    with tempfile.TemporaryDirectory() as folder:
        (source,), _ = describe(put(Path(folder) / name, content), name, None)
        chunks = list(read_lines(source, 1024))
        numbers = [number for chunk in chunks for number in chunk.numbers]
        assert numbers == sorted(set(numbers))
        if name == "in.ndjson":
            expected = [item for item in content.removeprefix(b"\xef\xbb\xbf").split(b"\n") if item.strip()]
            assert [item for chunk in chunks for item in chunk.lines] == [item.removesuffix(b"\r") for item in expected]


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=60)
@given(table=st.lists(st.tuples(CELL, CELL, CELL), max_size=12), separator=st.sampled_from([",", ";", "\t"]))
def test_what_a_csv_writer_wrote_is_what_is_read(table, separator):
    import csv
    import io

    from kaizenlake.lake.readers.chunks import CsvDialect
    from kaizenlake.lake.readers.read_files import read_rows
    from kaizenlake.lake.readers.sources import SourceFile

    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b", "c"), *table])
    with tempfile.TemporaryDirectory() as folder:
        path = put(Path(folder) / "t.csv", text.getvalue().encode())
        chunks = list(read_rows(SourceFile(path, "t.csv", "csv"), CsvDialect(separator), 100_000))
    read = [row for chunk in chunks for row in chunk.frame.rows()]
    assert [item for chunk in chunks for item in chunk.refused] == []
    assert read == table
    assert [number for chunk in chunks for number in chunk.numbers] == list(range(2, len(table) + 2))
