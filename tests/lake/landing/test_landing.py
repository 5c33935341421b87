from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.errors import ConservationError, LakeError, MappingError
from kaizenlake.lake.landing import batch
from kaizenlake.lake.landing.batch import FileTally
from kaizenlake.lake.landing.landing import Landing, land
from kaizenlake.lake.store import Lake
from lake.landed import NOW, held, ids, lead, line, ndjson, post, put


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def counts(found: Landing) -> tuple[int, int, int, int]:
    return found.lines_in, found.landed, found.duplicate, found.quarantined


GOOD = lead("good")

POISON = {
    # what is wrong: (a line of the file, the rules it breaks)
    "not JSON": (b"hello", ["not_json"]),
    "JSON, but no object": (b"[1]", ["not_json"]),
    "wrong encoding": ('{"id":"é"}'.encode("latin-1"), ["encoding"]),
    "a nested bomb": (b'{"id":' + b"[" * 100_000, ["too_deep"]),
    "unknown event type": (line(lead(type="LEAD_CREATE")), ["unknown_type"]),
    "missing field": (line(lead(payload={})), ["missing_field"]),
    "unknown field": (line(lead(payload={"lead_id": "x", "leed": 1})), ["unknown_field"]),
    "wrong type": (line(post(impressions="many")), ["wrong_type"]),
    "rate above 1": (line(post(engagement_rate=1.2)), ["out_of_range"]),
    "negative count": (line(post(impressions=-1)), ["out_of_range"]),
    "NaN": (line(post(engagement_rate=float("nan"))), ["not_finite"]),
    "Infinity": (line(post(revenue_usd=float("inf"))), ["not_finite"]),
    "no zone": (line(lead(occurred_at="2026-02-01T09:00:00")), ["no_zone"]),
    "no time": (line(lead(occurred_at="yesterday")), ["bad_time"]),
    "far future": (line(lead(occurred_at="2026-03-09T00:00:00Z")), ["far_future"]),
    "no project": (line(lead(type="INTAKE_CLARITY_SCORED", payload={"clarity_score": 5})), ["missing_project"]),
    "two rules at once": (
        line(lead(occurred_at="2026-02-01T09:00:00", payload={})),
        ["no_zone", "missing_field"],
    ),
    "too long": (line(lead(payload={"lead_id": "x" * 1_100_000})), ["too_long"]),
}


@pytest.mark.parametrize("name", POISON)
def test_a_poison_line_goes_to_quarantine_by_its_rules_and_the_lines_around_it_land(lake, tmp_path, name):
    text, rules = POISON[name]
    file = put(tmp_path / "in.ndjson", line(GOOD) + b"\n" + text + b"\n" + line(lead("after")) + b"\n")
    found = land(lake, file, now=NOW)
    assert counts(found) == (3, 2, 0, 1)
    assert ids(lake) == ["after", "good"]
    row = lake.scan(tables.Quarantine).collect().row(0, named=True)
    assert row["line"] == 2
    assert sorted(row["rules"]) == sorted(rules)
    assert row["file"] == str(file)
    assert row["status"] == "waiting"
    assert row["raw"] == text[:1_048_576].decode("utf-8", "backslashreplace")
    assert found.by_rule == dict.fromkeys(rules, 1)


FORMS = {
    # what the file looks like: (its bytes, lines in, ids that land, rules of the quarantined lines)
    "empty": (b"", 0, [], []),
    "blank lines only": (b"\n \r\n\n", 0, [], []),
    "BOM": (b"\xef\xbb\xbf" + ndjson(GOOD), 1, ["good"], []),
    "CRLF": (ndjson(GOOD, lead("b")).replace(b"\n", b"\r\n"), 2, ["b", "good"], []),
    "blank lines between": (b"\n" + ndjson(GOOD) + b"\r\n\n" + ndjson(lead("b")), 2, ["b", "good"], []),
    "no end of the last line": (ndjson(GOOD) + line(lead("b")), 2, ["b", "good"], []),
    "torn last line": (ndjson(GOOD) + line(lead("b"))[:-9], 2, ["good"], [(2, ["torn_line"])]),
    "UTF-16": (line(GOOD).decode().encode("utf-16"), 1, [], [(1, ["encoding"])]),
}


@pytest.mark.parametrize("name", FORMS)
def test_files_of_every_shape_are_read_to_their_end(lake, tmp_path, name):
    content, lines_in, landed, rules = FORMS[name]
    found = land(lake, put(tmp_path / "in.ndjson", content), now=NOW)
    assert counts(found) == (lines_in, len(landed), 0, len(rules))
    assert ids(lake) == landed
    assert held(lake) == rules


CLOUD = {
    "specversion": "1.0",
    "id": "6f2c1c1e-54c5-4f5c-8b1c-2b1f0a4ad001",
    "type": "io.kaizenlake.LEAD_CREATED",
    "source": "/crm",
    "time": "2026-02-01T09:00:00Z",
    "data": {"lead_id": "l"},
}

DOCUMENTS = {
    # file, content, events landed
    "a CloudEvent, over several lines": ("one.json", json.dumps(CLOUD, indent=2).encode(), 1),
    "a batch of CloudEvents": ("batch.json", json.dumps([CLOUD, CLOUD | {"id": "other"}], indent=1).encode(), 2),
    "CloudEvents line by line": ("events.ndjson", ndjson(CLOUD, CLOUD | {"id": "other"}), 2),
    "our envelopes in an array": ("array.json", json.dumps([lead("a"), lead("b"), lead("c")]).encode(), 3),
    "one envelope": ("one.json", json.dumps(GOOD, indent=4).encode(), 1),
    "lines in a .json file": ("lines.json", ndjson(lead("a"), lead("b")), 2),
    "lines in a .jsonl file": ("lines.jsonl", ndjson(lead("a"), lead("b")), 2),
    "packed lines": ("lines.ndjson.gz", gzip.compress(ndjson(lead("a"), lead("b"))), 2),
    "a packed array": ("array.json.gz", gzip.compress(json.dumps([lead("a")]).encode()), 1),
    "an empty array": ("array.json", b" [ ] ", 0),
    "nothing": ("nothing.json", b"", 0),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_json_comes_in_all_the_forms_of_the_envelope_and_of_cloud_events(lake, tmp_path, name):
    file, content, landed = DOCUMENTS[name]
    found = land(lake, put(tmp_path / file, content), now=NOW)
    assert counts(found) == (landed, landed, 0, 0)
    assert len(ids(lake)) == landed


def test_a_broken_element_of_an_array_does_not_spoil_the_others(lake, tmp_path):
    content = b'[%s, {"id":, }, "text", %s, {"id": "tor' % (line(lead("a")), line(lead("b")))
    found = land(lake, put(tmp_path / "in.json", content), now=NOW)
    assert counts(found) == (5, 2, 0, 3)
    assert ids(lake) == ["a", "b"]
    assert held(lake) == [(2, ["not_json"]), (3, ["not_json"]), (5, ["torn_line"])]


def test_a_packed_file_that_breaks_off_lands_what_it_holds_and_says_so(lake, tmp_path):
    content = gzip.compress(ndjson(*(lead(f"{place:05}") for place in range(9_000))))
    found = land(lake, put(tmp_path / "in.ndjson.gz", content[: len(content) // 2]), now=NOW)
    assert found.by_rule["not_readable"] == 1
    assert found.lines_in == found.landed + found.quarantined
    rest = land(lake, put(tmp_path / "again.ndjson.gz", content), now=NOW)
    assert (rest.lines_in, rest.quarantined) == (9_000, 0)
    assert len(ids(lake)) == 9_000


SAME_ID = {
    # what comes after the first event: (a second one of the same id, landed, duplicate, quarantined)
    "the same again": (lead("e", "l", project_id="p"), 1, 1, 0),
    "the same, its keys in another order": (dict(reversed(lead("e", "l", project_id="p").items())), 1, 1, 0),
    "the same instant in another zone": (
        lead("e", "l", project_id="p", occurred_at="2026-02-01T10:00:00+01:00"),
        1,
        1,
        0,
    ),
    "another payload": (lead("e", "other", project_id="p"), 1, 0, 1),
    "another project": (lead("e", "l", project_id="q"), 1, 0, 1),
    "another day": (lead("e", "l", project_id="p", occurred_at="2026-02-02T09:00:00Z"), 1, 0, 1),
}


@pytest.mark.parametrize("apart", ["one file", "two files", "two landings"])
@pytest.mark.parametrize("name", SAME_ID)
def test_an_id_is_one_event_over_all_files_and_days_and_the_first_stays(lake, tmp_path, name, apart):
    first, (second, landed, duplicate, quarantined) = lead("e", "l", project_id="p"), SAME_ID[name]
    if apart == "one file":
        tallies = [land(lake, put(tmp_path / "a.ndjson", ndjson(first, second)), now=NOW)]
    else:
        files = [put(tmp_path / "a.ndjson", ndjson(first)), put(tmp_path / "b.ndjson", ndjson(second))]
        tallies = [land(lake, files, now=NOW)] if apart == "two files" else [land(lake, it, now=NOW) for it in files]
    told = [sum(column) for column in zip(*map(counts, tallies), strict=True)]
    if second == first and apart != "one file":
        # The same bytes: the file itself is known.
        assert told == [2, 1, 1, 0]
    assert told == [2, landed, duplicate, quarantined]
    kept = lake.scan(tables.Events).collect()
    assert kept["payload"].to_list() == ['{"lead_id":"l"}']
    assert kept["project_id"].to_list() == ["p"]
    assert [rules for _, rules in held(lake)] == [["conflict"]] * quarantined


def test_a_conflict_says_which_event_has_the_id(lake, tmp_path):
    first = put(tmp_path / "a.ndjson", ndjson(lead("x"), lead("e", "l")))
    land(lake, [first, put(tmp_path / "b.ndjson", ndjson(lead("e", "other")))], now=NOW)
    reasons = lake.scan(tables.Quarantine).collect()["reasons"].to_list()
    assert reasons == [[f"`id` 'e' is the name of another event already, which came from {first}, line 2"]]


def test_landing_again_adds_nothing_to_any_table(lake, tmp_path):
    file = put(tmp_path / "in.ndjson", ndjson(lead("a"), lead("b"), lead("b", "other")) + b"nonsense\n")
    land(lake, file, now=NOW)
    before = [lake.scan(table).collect() for table in tables.BRONZE]
    again = land(lake, file, now=NOW.replace(day=2))
    copy = land(lake, put(tmp_path / "copy.ndjson", file.read_bytes()), now=NOW)
    assert counts(again) == counts(copy) == (4, 0, 2, 2)
    assert again.quarantined_before == copy.quarantined_before == 2
    assert [lake.scan(table).collect().equals(old) for table, old in zip(tables.BRONZE, before, strict=True)] == [
        True
    ] * len(tables.BRONZE)


def test_a_file_that_grew_adds_its_new_lines_alone(lake, tmp_path):
    land(lake, put(tmp_path / "in.ndjson", ndjson(lead("a"), lead("b"))), now=NOW)
    found = land(lake, put(tmp_path / "in.ndjson", ndjson(lead("a"), lead("b"), lead("c"))), now=NOW)
    assert counts(found) == (3, 1, 2, 0)
    assert ids(lake) == ["a", "b", "c"]


def test_the_landings_table_tells_of_each_file_what_became_of_its_lines(lake, tmp_path):
    put(tmp_path / "in" / "a.ndjson", ndjson(lead("a"), lead("a")))
    put(tmp_path / "in" / "b.ndjson", ndjson(lead("b", occurred_at="2026-02-03T00:00:00Z")) + b"?\n")
    put(tmp_path / "in" / "empty.ndjson", b"")
    land(lake, tmp_path / "in", now=NOW)
    rows = lake.scan(tables.Landings).sort("file").collect()
    assert rows.select("lines_in", "landed", "duplicate", "quarantined").rows() == [
        (2, 1, 1, 0),
        (2, 1, 0, 1),
        (0, 0, 0, 0),
    ]
    assert [None if at is None else at.date().isoformat() for at in rows["newest_at"]] == [
        "2026-02-01",
        "2026-02-03",
        None,
    ]
    assert rows["landed_at"].to_list() == [NOW] * 3


def test_a_folder_is_walked_in_order_and_what_is_not_read_is_named(lake, tmp_path):
    outside = put(tmp_path / "secret" / "outside.ndjson", ndjson(lead("outside")))
    folder = tmp_path / "in"
    put(folder / "b.ndjson", ndjson(lead("e", "second")))
    put(folder / "a" / "z.ndjson", ndjson(lead("a")))
    put(folder / "a.ndjson", ndjson(lead("e", "first")))
    put(folder / ".hidden.ndjson", ndjson(lead("hidden")))
    put(folder / "notes.txt", b"hello")
    put(folder / "table.csv", b"a,b\n1,2\n")
    (folder / "way_out.ndjson").symlink_to(outside)
    (folder / "folder_out").symlink_to(outside.parent)
    (folder / "inside.ndjson").symlink_to(folder / "a.ndjson")
    found = land(lake, folder, now=NOW)
    assert ids(lake) == ["a", "e"]
    assert lake.scan(tables.Events).filter(pl.col("event_id") == "e").collect()["payload"][0] == '{"lead_id":"first"}'
    assert {name.removeprefix(f"{folder}/"): reason for name, reason in found.left} == {
        "folder_out": "it is a link to a folder",
        "notes.txt": "its ending is none of .csv, .eval, .json, .jsonl, .ndjson, .ods, .parquet, .tab, .tsv, .xls, .xlsm, .xlsx, .yaml, .yml, .zip",
        "table.csv": "a CSV, TSV, XLSX, YAML or Parquet file needs a mapping",
        "way_out.ndjson": "it is a link that leads out of the folder",
    }


def test_a_file_that_is_named_and_cannot_be_landed_is_a_mistake_of_the_call(lake, tmp_path):
    with pytest.raises(LakeError, match="no such file"):
        land(lake, tmp_path / "missing.ndjson", now=NOW)
    with pytest.raises(MappingError, match="needs a mapping"):
        land(lake, put(tmp_path / "t.csv", b"a\n1\n"), now=NOW)
    with pytest.raises(MappingError, match="no mapping 'facebok_posts'; did you mean 'facebook_posts'"):
        land(lake, tmp_path / "t.csv", mapping="facebok_posts", now=NOW)


def test_batches_of_any_size_give_the_same_rows(tmp_path, monkeypatch):
    events = [lead(f"{place % 400:04}", "l" if place % 7 else str(place)) for place in range(600)]
    content = ndjson(*events[:300]) + b"bad\n" + ndjson(*events[300:])
    file = put(tmp_path / "in.ndjson", content)
    whole, parts = Lake.create(tmp_path / "whole"), Lake.create(tmp_path / "parts")
    once = land(whole, file, now=NOW)
    monkeypatch.setattr(batch, "BATCH_LINES", 50)
    monkeypatch.setattr("kaizenlake.lake.readers.chunks.CHUNK_LINES", 20)
    told: list[int] = []
    many = land(parts, file, now=NOW, progress=lambda _file, lines: told.append(lines))
    assert counts(once) == counts(many)
    assert told == [*range(20, 601, 20), 601]
    assert parts.version(tables.Events) > 5 > whole.version(tables.Events)
    for table in tables.BRONZE:
        key = list(tables.grain(table))
        one, other = (
            lake.scan(table).drop("batch", "seal", strict=False).sort(key).collect() for lake in (whole, parts)
        )
        assert one.equals(other)


def test_lines_that_are_not_accounted_for_are_an_error_and_the_file_stays_unbooked(lake, tmp_path):
    with pytest.raises(ConservationError, match="3 lines were read, 2 accounted for"):
        FileTally("f", "k", "i", lines_in=3, landed=1, duplicate=1).check()


def test_a_line_lost_between_reading_and_writing_is_noticed(lake, tmp_path, monkeypatch):
    judge = batch.judge
    monkeypatch.setattr(batch, "judge", lambda *given: judge(*given).head(1))
    with pytest.raises(ConservationError):
        land(lake, put(tmp_path / "in.ndjson", ndjson(lead("a"), lead("b"))), now=NOW)
    assert lake.rows(tables.Landings) == 0
    monkeypatch.undo()
    assert counts(land(lake, tmp_path / "in.ndjson", now=NOW)) == (2, 2, 0, 0)
    assert ids(lake) == ["a", "b"]


def test_racing_landers_put_each_event_in_once(tmp_path):
    root = Lake.create(tmp_path / "lake").root
    for name in range(4):
        put(tmp_path / f"{name}.ndjson", ndjson(*(lead(f"e{place:03}") for place in range(name * 20, name * 20 + 60))))
    results: list[Landing] = []

    def one(name: int) -> None:
        results.append(land(Lake(root), tmp_path / f"{name}.ndjson", now=NOW))

    threads = [threading.Thread(target=one, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert sum(found.landed for found in results) == 120
    assert sum(found.duplicate for found in results) == 120
    assert ids(Lake(root)) == [f"e{place:03}" for place in range(120)]


def test_a_line_of_50_mb_stays_within_bounded_memory(tmp_path):
    Lake.create(tmp_path / "lake")
    with (tmp_path / "in.ndjson").open("wb") as stream:
        stream.write(ndjson(lead("before")))
        for _ in range(50):
            stream.write(b"x" * 1_000_000)
        stream.write(b"\n" + ndjson(lead("after")))
    small = put(tmp_path / "small.ndjson", ndjson(lead("small")))
    # What the libraries take is there after the first landing.
    code = (
        "import resource, sys; from datetime import datetime, UTC\n"
        "from kaizenlake.lake.landing.landing import land; from kaizenlake.lake.store import Lake\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "lake, now = Lake(sys.argv[1]), datetime(2026, 3, 1, tzinfo=UTC)\n"
        "land(lake, sys.argv[2], now=now); before = peak()\n"
        "found = land(lake, sys.argv[3], now=now)\n"
        "print(found.landed, found.quarantined, found.by_rule); print(peak() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "lake", small, tmp_path / "in.ndjson"],
        capture_output=True,
        text=True,
        check=True,
    )
    told, grown = done.stdout.splitlines()
    assert told == "2 1 {'too_long': 1}"
    assert int(grown) < 40
    assert ids(Lake(tmp_path / "lake")) == ["after", "before", "small"]
