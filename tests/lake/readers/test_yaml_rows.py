"""A YAML list of records: what is written comes as text, and what could be a trap is refused."""

from __future__ import annotations

import gzip
import io

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake.errors import MappingError
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.readers import chunks
from kaizenlake.lake.readers.chunks import CsvDialect
from kaizenlake.lake.readers.read_files import read_rows
from kaizenlake.lake.readers.sources import SourceFile
from kaizenlake.lake.readers.yaml_rows import DEEPEST, MOST_KEYS, BrokenRecordError, records
from kaizenlake.lake.store import Lake
from kaizenlake.tables import Events
from lake.landed import NOW, held, put

# YAML takes these for line ends, and folds them.
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x85\u2028\u2029"), max_size=8)

MAPPING = """
description = "Runs as a list of records."

[[event]]
type = "RUN_COMPLETED"
id = { row = true }
occurred_at = { column = "day", zone = "UTC" }

[event.fields]
run_id = "run"
doer = { constant = "planner" }
cost_usd = { column = "cost", optional = true }
"""


def read(text: bytes, most_bytes: int = 1000) -> list:
    return list(records(io.BytesIO(text), most_bytes))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", []),
        (b"# nothing\n", []),
        (b"[]", []),
        (b"- a: 0.10\n  b: no\n  c: 2025-02-25\n", [{"a": "0.10", "b": "no", "c": "2025-02-25"}]),
        (b"- {a: ~, b: null, c: , d: '', e: '~'}", [{"a": None, "b": None, "c": None, "d": "", "e": "~"}]),
        (b"- {a: [1, x], b: {c: d}}", [{"a": '["1", "x"]', "b": '{"c": "d"}'}]),
        (b"- {a: 1, a: 2}", [{"a": "2"}]),
        (b"- {1: x, [y]: z}", [{"1": "x", '["y"]': "z"}]),
        ("\ufeff- {a: é}".encode(), [{"a": "é"}]),
        ("- {a: é}".encode("utf-16"), [{"a": "é"}]),
        (b"- a: 1\n- b\n- c: 2\n", [{"a": "1"}, 'expected a map, found "b"', {"c": "2"}]),
        (b"- a: " + b"x" * 1000, ["a record may be 1000 bytes long at most"]),
    ],
)
def test_records_are_read_as_they_are_written(text, found):
    assert read(text) == list(enumerate(found, 1))


@pytest.mark.parametrize(
    ("text", "number", "words"),
    [
        (b"a: 1", 1, "not a list"),
        (b"- a: 1\n- b: 'torn", 2, "quoted scalar"),
        (b"- a: 1\n  - b", 1, "line 2"),
        (b"- &x {a: 1}\n- *x\n", 2, "alias"),
        (b"- {a: !!python/object/apply:os.system [ls]}", 1, "tag"),
        (b"- a: 1\n---\n- b: 2\n", 2, "second document"),
        (b"- a: \x01", 1, "control characters"),
        (b"- a: \xff", 1, "UTF-8"),
        (b"- " + b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), 1, "deeper than"),
    ],
)
def test_what_cannot_be_read_is_told_and_what_came_before_is_kept(text, number, words):
    reading = records(io.BytesIO(text), 1000)
    taken = []
    with pytest.raises(BrokenRecordError, match=words) as broken:
        taken.extend(reading)
    assert broken.value.number == number == len(taken) + 1


@given(st.lists(st.dictionaries(WORDS, WORDS, max_size=4), max_size=5))
def test_any_texts_come_back(written):
    assert [record for _, record in read(yaml.safe_dump(written, allow_unicode=True).encode())] == written


def landed_from(tmp_path, name: str, content: bytes) -> Lake:
    lake = Lake.create(tmp_path / "lake")
    mapping = put(tmp_path / "runs.toml", MAPPING.encode())
    lines = land(lake, put(tmp_path / name, content), mapping=mapping, now=NOW)
    assert lines.lines_in == lines.landed + lines.duplicate + lines.quarantined
    return lake


RUNS = b"- {run: one, day: 2026-01-01, cost: 0.5}\n- {run: two, day: 2026-01-02}\n- three\n- {run: four}\n"


@pytest.mark.parametrize(
    ("name", "content"), [("runs.yaml", RUNS), ("runs.yml.gz", gzip.compress(RUNS, mtime=0))], ids=["plain", "packed"]
)
def test_a_list_lands_through_a_mapping(tmp_path, name, content):
    lake = landed_from(tmp_path, name, content)
    found = lake.scan(Events).select("line", "payload").sort("line").collect()
    assert found.rows() == [
        (1, '{"cost_usd":0.5,"doer":"planner","run_id":"one"}'),
        (2, '{"doer":"planner","run_id":"two"}'),
    ]
    assert held(lake) == [(3, ["not_a_record"]), (4, ["missing_field"])]


def test_a_torn_file_lands_as_far_as_it_goes(tmp_path):
    lake = landed_from(tmp_path, "runs.yml", RUNS[:60])
    assert lake.scan(Events).select(pl.len()).collect().item() == 1
    assert held(lake) == [(2, ["not_readable"])]


def test_a_list_without_a_mapping_or_with_other_keys_is_told(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    file = put(tmp_path / "runs.yml", b"- {name: one, day: 2026-01-01}")
    with pytest.raises(MappingError, match="needs a mapping"):
        land(lake, file, now=NOW)
    with pytest.raises(MappingError, match=r"run.*day"):
        land(lake, file, mapping=put(tmp_path / "runs.toml", MAPPING.encode()), now=NOW)


class Endless(io.RawIOBase):
    """A file that never ends: a beginning, then one text over and over."""

    def __init__(self, beginning: bytes, over_and_over: bytes) -> None:
        self.left = beginning
        self.over_and_over = over_and_over
        self.given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self.left) < size:
            self.left += self.over_and_over * 1000
        block, self.left = self.left[:size], self.left[size:]
        self.given += size
        return block


@pytest.mark.parametrize(
    ("beginning", "over_and_over"),
    [
        (b"- a: 1\n- b: ", b"x"),
        (b"- a: 1\n- b: '", b"x\n  "),
        (b"- a: 1\n- b: |\n", b"    x\n"),
        (b"- a: 1\n- [", b"x,"),
        (b"- a: 1\n- ", b"k: 1\n  "),
        (b"- a: 1\n- b: 1\n  ", b"\n"),
        (b"- a: 1\n- b: 1\n", b"# nothing\n"),
    ],
)
def test_a_record_without_an_end_is_refused_after_a_bounded_read(beginning, over_and_over):
    stream = Endless(beginning, over_and_over)
    taken = []
    with pytest.raises(BrokenRecordError, match="1000 bytes long at most") as broken:
        taken.extend(records(stream, 1000))
    assert [record for _, record in taken] == [{"a": "1"}, {"b": "1"}][: broken.value.number - 1]
    assert stream.given < 1_000_000


def test_a_long_file_comes_in_chunks_with_the_keys_of_all(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK_LINES", 7)
    text = "".join(f"- {{run: r{number}, k{number % 10}: {number}}}\n" for number in range(50)) + "- torn: '"
    file = put(tmp_path / "runs.yaml", text.encode())
    read_in = list(read_rows(SourceFile(file, file.name, "yaml"), CsvDialect(), 1000))
    assert [len(rows.numbers) for rows in read_in] == [7] * 7 + [1]
    assert {tuple(rows.frame.columns) for rows in read_in} == {tuple(read_in[0].frame.columns)}
    assert pl.concat(rows.frame for rows in read_in)["run"].to_list() == [f"r{number}" for number in range(50)]
    assert [(refused.number, refused.rule) for rows in read_in for refused in rows.refused] == [(51, "not_readable")]


def test_more_keys_than_a_table_has_columns_are_refused(tmp_path):
    text = "".join(f"- {{run: one, k{number}: 1}}\n" for number in range(MOST_KEYS + 1))
    lake = landed_from(tmp_path, "runs.yaml", text.encode())
    assert held(lake) == [(1, ["not_readable"])]
