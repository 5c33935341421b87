from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.lake.landing.landing import acknowledge, count_unacknowledged, land, quarantine_summary, retry
from kaizenlake.lake.landing.quarantine import RULES
from kaizenlake.lake.store import Lake
from lake.landed import NOW, ids, lead, line, ndjson, put

DEALS = b"id,at,amount\n1,2026-01-01,10\n2,2026-01-02,ten\n3,02.01.2026,30\n"
MAPPING = b"""
description = "Deals for tests."
[[event]]
type = "DEAL_WON"
id = { columns = ["id"] }
occurred_at = { column = "at", zone = "UTC" }
[event.fields]
lead_id = "id"
deal_size = "amount"
"""


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def status(lake: Lake) -> list[tuple[int, str]]:
    return lake.scan(tables.Quarantine).sort("file", "line").select("line", "status").collect().rows()


def test_the_summary_tells_each_rule_with_its_count_and_examples(lake, tmp_path):
    bad = [lead(f"a{place}", payload={}) for place in range(5)] + [
        lead("z", payload={}, occurred_at="2026-02-01T00:00:00")
    ]
    file = put(tmp_path / "in.ndjson", ndjson(*bad) + b"what?\n")
    land(lake, file, now=NOW)
    found = quarantine_summary(lake, examples=2, width=20)
    assert [(item.rule, item.waiting, item.landed) for item in found] == [
        ("missing_field", 6, 0),
        ("no_zone", 1, 0),
        ("not_json", 1, 0),
    ]
    assert found[0].meaning == RULES["missing_field"]
    assert [(item.file, item.line, item.raw) for item in found[0].examples] == [
        (str(file), 1, line(bad[0])[:20].decode()),
        (str(file), 2, line(bad[1])[:20].decode()),
    ]
    assert "`lead_id` is missing" in found[0].examples[0].reason
    assert quarantine_summary(Lake.create(tmp_path / "other")) == []


def test_a_retry_lands_what_a_later_clock_or_a_wider_setting_accepts(lake, tmp_path):
    far = lead("far", occurred_at="2026-03-09T00:00:00Z")
    long = lead("long", metadata={"note": "x" * 5_000})
    put(lake.path("kaizen.toml"), b"[landing]\nline_bytes = 2048\n")
    lake = Lake(lake.root)
    file = put(tmp_path / "in.ndjson", ndjson(far, long, lead("good")) + b"never\n")
    assert land(lake, file, now=NOW).quarantined == 3
    nothing = retry(lake, now=NOW)
    assert (nothing.tried, nothing.landed, nothing.waiting) == (3, 0, 3)
    found = retry(lake, now=NOW.replace(day=9))
    assert (found.tried, found.landed, found.waiting) == (3, 1, 2)
    # A line that was kept only in part stays, however wide the setting is.
    put(lake.path("kaizen.toml"), b"")
    last = retry(Lake(lake.root), now=NOW.replace(day=9))
    assert (last.tried, last.landed, last.by_rule) == (2, 0, {"not_json": 1, "torn_line": 1})
    assert status(lake) == [(1, "landed"), (2, "waiting"), (4, "waiting")]
    row = lake.scan(tables.Events).filter(pl.col("event_id") == "far").collect().row(0, named=True)
    assert (row["file"], row["line"]) == (str(file), 1)
    assert [(item.rule, item.waiting, item.landed) for item in quarantine_summary(lake)][-1] == ("far_future", 0, 1)


def test_a_retry_sends_rows_through_their_mapping_as_it_is_now(lake, tmp_path):
    own = put(lake.path("mappings", "deals.toml"), MAPPING)
    file = put(tmp_path / "deals.csv", DEALS)
    assert land(lake, file, mapping="deals", now=NOW).by_rule == {"wrong_type": 1, "bad_time": 1}
    own.write_bytes(MAPPING.replace(b'"amount"', b'{ column = "amount", values = { ten = "10" } }'))
    found = retry(lake, now=NOW)
    assert (found.tried, found.landed, found.by_rule) == (2, 1, {"bad_time": 1})
    sizes = lake.scan(tables.Events).sort("line").collect()["payload"]
    assert [json.loads(item)["deal_size"] for item in sizes] == [10.0, 10.0]
    own.write_bytes(MAPPING.replace(b'zone = "UTC"', b'format = "%d.%m.%Y", zone = "UTC"'))
    assert retry(lake, now=NOW).landed == 1
    assert status(lake) == [(3, "landed"), (4, "landed")]
    assert retry(lake, now=NOW).tried == 0


def test_a_retried_row_has_the_id_its_file_would_give_it(lake, tmp_path):
    own = put(lake.path("mappings", "deals.toml"), MAPPING.replace(b'columns = ["id"]', b"row = true"))
    file = put(tmp_path / "deals.csv", DEALS)
    land(lake, file, mapping="deals", now=NOW)
    mended = own.read_bytes().replace(b'"amount"', b'{ column = "amount", values = { ten = "10" } }')
    own.write_bytes(mended)
    assert retry(lake, now=NOW).landed == 1
    again = land(lake, file, mapping="deals", now=NOW)
    assert (again.landed, again.duplicate, again.quarantined) == (0, 2, 1)


def test_a_conflict_stays_a_conflict(lake, tmp_path):
    land(lake, put(tmp_path / "in.ndjson", ndjson(lead("e"), lead("e", "other"))), now=NOW)
    assert retry(lake, now=NOW).by_rule == {"conflict": 1}
    assert lake.rows(tables.Events) == 1


def test_a_waiting_line_whose_event_came_by_another_way_counts_as_landed(lake, tmp_path):
    far = lead("far", occurred_at="2026-03-09T00:00:00Z")
    land(lake, put(tmp_path / "a.ndjson", ndjson(far)), now=NOW)
    land(lake, put(tmp_path / "b.ndjson", b"\n" + ndjson(far)), now=NOW.replace(day=9))
    assert retry(lake, now=NOW.replace(day=9)).landed == 1
    assert (ids(lake), status(lake)) == (["far"], [(1, "landed")])


def test_rows_whose_mapping_is_gone_or_does_not_fit_wait_on(lake, tmp_path):
    own = put(lake.path("mappings", "deals.toml"), MAPPING)
    land(lake, put(tmp_path / "deals.csv", DEALS + b"ragged\n"), mapping="deals", now=NOW)
    own.write_bytes(MAPPING.replace(b'"amount"', b'"price"'))
    assert retry(lake, now=NOW).by_rule == {"wrong_type": 1, "bad_time": 1, "ragged_row": 1}
    own.unlink()
    assert retry(lake, now=NOW).waiting == 3


def test_every_rule_a_line_can_break_is_told_in_a_sentence():
    assert {"conflict", "ragged_row", "no_event", "not_readable", "not_json", "torn_line"} <= set(RULES)
    assert all(sentence.endswith(".") for sentence in RULES.values())


def test_lines_of_a_file_that_grows_are_quarantined_once_and_told_as_before(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    file = put(tmp_path / "a.ndjson", line(lead("a")) + b"\npoison\nvenom\n")
    first = land(lake, file, now=NOW)
    assert (first.quarantined, first.quarantined_before) == (2, 0)
    same = land(lake, file, now=NOW + timedelta(hours=1))
    assert (same.lines_in, same.landed, same.duplicate, same.quarantined, same.quarantined_before) == (3, 0, 1, 2, 2)
    assert same.by_rule == {"not_json": 2}
    with file.open("ab") as stream:
        stream.write(b"arsenic\n" + ndjson(lead("b")))
    grown = land(lake, file, now=NOW + timedelta(hours=2))
    assert (grown.lines_in, grown.landed, grown.duplicate, grown.quarantined, grown.quarantined_before) == (
        5, 1, 1, 3, 2,
    )  # fmt: skip
    assert lake.scan(tables.Quarantine).select("raw").collect()["raw"].sort().to_list() == [
        "arsenic",
        "poison",
        "venom",
    ]


def test_lines_that_a_retry_landed_are_duplicates_of_a_file_that_is_landed_again(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    file = put(tmp_path / "a.ndjson", ndjson(lead("a"), lead("late", occurred_at="2026-03-03T12:00:00Z")))
    assert land(lake, file, now=NOW).quarantined == 1
    assert retry(lake, now=NOW + timedelta(days=4)).landed == 1
    again = land(lake, file, now=NOW + timedelta(days=5))
    assert (again.duplicate, again.quarantined) == (2, 0)


def test_what_waits_counts_until_it_is_acknowledged_and_what_comes_later_counts_again(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    assert count_unacknowledged(lake) == 0
    land(lake, put(tmp_path / "a.ndjson", b"poison\nvenom\n"), now=NOW)
    assert count_unacknowledged(lake) == 2
    assert acknowledge(lake, by="Ada", note="seen", now=NOW + timedelta(hours=1)) == 2
    assert count_unacknowledged(lake) == 0
    land(lake, put(tmp_path / "b.ndjson", b"arsenic\n"), now=NOW + timedelta(hours=2))
    assert count_unacknowledged(lake) == 1
    # A clock that runs behind acknowledges what it sees all the same.
    acknowledge(lake, by="Bob", now=NOW)
    assert count_unacknowledged(lake) == 0
    rows = lake.scan(tables.Acknowledgements).sort("acknowledged_at").collect()
    assert rows["acknowledged_by"].to_list() == ["Ada", "Bob"]
    assert rows["waiting"].to_list() == [2, 3]
