"""A segment that grows: each landing reads what was added since, and a file that is not what was landed is read anew."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from deltalake import write_deltalake
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizenlake import tables
from kaizenlake.events.write.spool import Spool
from kaizenlake.lake.landing.landing import land, land_folder, waiting
from kaizenlake.lake.readers.sources import Content, SourceFile, content
from kaizenlake.lake.store import Lake
from lake.landed import NOW, ids, lead, ndjson, put

NAME = "20260301T000000.000000Z-host-1-0123abcd.ndjson"


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def counts(found):
    assert found.lines_in == found.landed + found.duplicate + found.quarantined
    return found.landed, found.duplicate, found.quarantined


def test_a_logger_that_lives_through_many_nights_is_read_once(lake):
    spool = Spool(lake.root)
    assert waiting(lake) == []
    for night in range(4):
        spool.write(ndjson(*(lead(f"{night}-{place}") for place in range(3)), lead("0-0"), lead("0-1", "other")))
        assert len(waiting(lake)) == 1
        assert counts(land_folder(lake, now=NOW + timedelta(days=night))) == (3, 1, 1)
        assert waiting(lake) == []
        assert counts(land_folder(lake, now=NOW + timedelta(days=night, hours=1))) == (0, 0, 0)
    spool.close()
    assert len(waiting(lake)) == 1
    assert counts(land_folder(lake, now=NOW + timedelta(days=5))) == (0, 0, 0)
    assert waiting(lake) == []
    rows = lake.scan(tables.Landings).sort("landed_at").collect()
    assert rows["lines_in"].to_list() == [5] * 4
    assert rows["landed"].sum() == lake.rows(tables.Events) == 12
    assert rows["quarantined"].sum() == lake.rows(tables.Quarantine) == 4
    assert rows["segment_bytes"].is_sorted()
    (done,) = lake.path("landing", "done").rglob("*.ndjson")
    assert rows["segment_bytes"][-1] == done.stat().st_size


def test_a_line_keeps_the_number_it_has_in_its_segment(lake):
    spool = Spool(lake.root)
    spool.write(ndjson(lead("a")) + b"\n\r\n" + ndjson(lead("b")))
    land_folder(lake, now=NOW)
    spool.write(ndjson(lead("c")) + b"poison\n")
    land_folder(lake, now=NOW)
    spool.close()
    assert lake.scan(tables.Events).sort("event_id").collect()["line"].to_list() == [1, 4, 5]
    assert lake.scan(tables.Quarantine).collect()["line"].to_list() == [6]


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        (ndjson(lead("a"), lead("b"), lead("c")), (1, 0, 0)),
        (ndjson(lead("a"), lead("c")), (1, 1, 0)),  # cut off, and others written after
        (ndjson(lead("b"), lead("a"), lead("c")), (1, 2, 0)),  # as long, and not the same
        (ndjson(lead("a")), (0, 1, 0)),  # cut off
        (ndjson(lead("c"), lead("d"), lead("e")), (3, 0, 0)),  # another file of that name
        (b"", (0, 0, 0)),
    ],
)
def test_a_segment_that_was_cut_off_or_written_anew_is_read_from_its_first_line(lake, then, expected):
    path = put(lake.path("landing", NAME), ndjson(lead("a"), lead("b")))
    assert counts(land(lake, path, now=NOW)) == (2, 0, 0)
    path.write_bytes(then)
    assert counts(land(lake, path, now=NOW)) == expected
    assert set(ids(lake)) >= {"a", "b"}
    assert len(ids(lake)) == 2 + expected[0]


def test_a_torn_last_line_is_no_beginning_to_read_on_from(lake):
    path = put(lake.path("landing", NAME), ndjson(lead("a")) + ndjson(lead("b"))[:-9])
    assert counts(land(lake, path, now=NOW)) == (1, 0, 1)
    path.write_bytes(ndjson(lead("a"), lead("b")))
    assert counts(land(lake, path, now=NOW)) == (1, 1, 0)


def test_a_lake_that_did_not_keep_how_far_a_segment_was_read_reads_it_anew_and_keeps_it_from_then_on(lake):
    path = put(lake.path("landing", NAME), ndjson(lead("a"), lead("b")))
    land(lake, path, now=NOW)
    stored = lake.scan(tables.Landings).collect().drop("segment_bytes")
    write_deltalake(lake.uri(tables.Landings), stored, mode="overwrite", schema_mode="overwrite")
    assert counts(land(lake, path, now=NOW)) == (0, 0, 0)
    path.write_bytes(ndjson(lead("a"), lead("b"), lead("c")))
    assert counts(land(lake, path, now=NOW)) == (1, 2, 0)
    path.write_bytes(ndjson(lead("a"), lead("b"), lead("c"), lead("d")))
    assert counts(land(lake, path, now=NOW)) == (1, 0, 0)
    assert lake.scan(tables.Landings).sort("lines_in").collect()["segment_bytes"].null_count() == 1


def hashed(text):
    return {len(text): sha256(text).hexdigest()}


@pytest.mark.parametrize(
    ("limit", "landed", "known"),
    [
        (None, {}, (0, 0)),
        (None, hashed(b"a\n"), (2, 1)),
        (None, hashed(b"a\n") | hashed(b"a\n\nb\n"), (5, 3)),
        (None, hashed(b"a\n") | hashed(b"a\n\nX\n"), (2, 1)),
        (None, hashed(b"a\n\nb\nc"), (0, 0)),  # no line ends there
        (None, hashed(b"a\n\nb\nc\nd"), (0, 0)),  # longer than the file
        (None, hashed(b""), (0, 0)),
        (5, hashed(b"a\n\nb\n"), (5, 3)),
        (2, hashed(b"a\n\nb\n"), (0, 0)),  # beyond what is to be read
        (2, hashed(b"a\n"), (2, 1)),
    ],
)
def test_the_longest_beginning_that_was_landed_is_found(tmp_path, monkeypatch, limit, landed, known):
    text = b"a\n\nb\nc"
    source = SourceFile(put(tmp_path / NAME, text), NAME, "ndjson", segment=True, limit=limit)
    size = len(text) if limit is None else limit
    expected = Content(sha256(text[:size]).hexdigest(), size, *known)
    assert content(source, landed) == expected
    monkeypatch.setattr("kaizenlake.lake.readers.sources.BLOCK_BYTES", 3)
    assert content(source, landed) == expected


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["grow", "rewrite", "cut"]),
            st.lists(st.sampled_from("abcdefgh"), max_size=4),
            st.booleans(),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_becomes_of_a_segment_each_event_is_there_once(tmp_path_factory, steps):
    """Events that were ever landed stay, each once; what is in the file at a landing is in the lake after it."""
    lake = Lake.create(tmp_path_factory.mktemp("lake"))
    path = Path(lake.path("landing", NAME))
    held: list[str] = []
    ever: set[str] = set()
    for number, (how, names, is_landed) in enumerate(steps):
        held = names if how == "rewrite" else held[: len(held) // 2] if how == "cut" else [*held, *names]
        put(path, ndjson(*map(lead, held)))
        if is_landed:
            found = land(lake, path, now=NOW + timedelta(hours=number))
            fresh = set(held) - ever
            assert found.landed == len(fresh)
            assert found.quarantined == 0
            assert found.duplicate <= len(held) - len(fresh)
            ever |= fresh
            assert ids(lake) == sorted(ever)
    assert lake.scan(tables.Landings).collect()["landed"].sum() == len(ever)
