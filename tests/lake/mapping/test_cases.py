"""Files of the field that came out wrong once, each with its right value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kaizenlake.errors import MappingError, UsageError
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.tables import Events, Quarantine
from lake.landed import NOW, held, put

CASES = Path(__file__).parents[2] / "cases"
LATER = NOW.replace(month=12)


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def payloads(lake: Lake) -> list[dict]:
    return [json.loads(text) for text in lake.scan(Events).sort("line").collect()["payload"]]


def reasons(lake: Lake) -> list[str]:
    return ["; ".join(row) for row in lake.scan(Quarantine).sort("line").collect()["reasons"]]


LEAVE_OUT = '[[leave_out]]\n"Campaign status" = { matches = "^Total" }\n[[event]]'


@pytest.mark.parametrize("told", ["", LEAVE_OUT], ids=["by its own words", "by the mapping"])
def test_a_header_below_other_lines_is_found_and_a_line_of_totals_is_no_event(tmp_path, lake, told):
    case = CASES / "gads-preamble-totals"
    toml = (case / "gads.toml").read_text()
    mapping = put(tmp_path / "gads.toml", (toml.replace("[[event]]", told, 1) if told else toml).encode())
    found = land(lake, case / "gads.csv", mapping=mapping, now=LATER)
    assert (found.landed, found.quarantined, found.left_out) == (3, 0, 1)
    assert [row.get("spend_usd") for row in payloads(lake)] == [1234.5, 300.0, None]
    assert [row["impressions"] for row in payloads(lake)] == [12345, 8000, 310000]
    assert lake.scan(Events).sort("line").collect()["line"].to_list() == [4, 5, 6]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Europe/Berlin", "America/Los_Angeles", "Pacific/Kiritimati", "UTC"])
def test_a_date_stays_the_day_that_the_file_says(tmp_path, lake, zone):
    case = CASES / "local-day-shift"
    toml = (case / "posts.toml").read_text().replace("Asia/Tokyo", zone)
    land(lake, case / "posts.csv", mapping=put(tmp_path / "posts.toml", toml.encode()), now=LATER)
    days = lake.scan(Events).sort("line").collect()
    assert days["event_date"].cast(str).to_list() == ["2026-07-01", "2026-07-02"]
    here = days["occurred_at"].dt.convert_time_zone(zone).dt.date().cast(str).to_list()
    assert here == ["2026-07-01", "2026-07-02"]


def test_the_time_of_all_rows_is_said_once(tmp_path, lake):
    case = CASES / "no-date-column"
    assert land(lake, case / "tau.csv", mapping=case / "tau.toml", now=LATER).landed == 2
    rows = lake.scan(Events).sort("line").collect()
    assert rows["event_date"].cast(str).unique().to_list() == ["2026-07-01"]
    assert {json.loads(text)["occurred_at"] for text in rows["metadata"]} == {"a constant of the mapping"}
    # What is given for a landing goes before a constant, and stands for a mapping that says nothing.
    bare = (case / "tau.toml").read_text().replace('occurred_at = { constant = "2026-07-01" }\n', "")
    mapping = put(tmp_path / "bare.toml", bare.encode())
    with pytest.raises(MappingError, match="give --occurred-at"):
        land(lake, case / "tau.csv", mapping=mapping, now=LATER)
    with pytest.raises(UsageError, match="takes a date such as"):
        land(lake, case / "tau.csv", mapping=mapping, occurred_at="July", now=LATER)
    assert land(lake, case / "tau.csv", mapping=mapping, occurred_at="2026-07-03T10:00:00Z", now=LATER).landed == 2
    # Another time for the same rows is no silence: they are in conflict with what landed.
    assert land(lake, case / "tau.csv", mapping=mapping, occurred_at="2026-07-04", now=LATER).quarantined == 2
    posts = CASES / "local-day-shift"
    with pytest.raises(UsageError, match="reads the time of each row"):
        land(lake, posts / "posts.csv", mapping=posts / "posts.toml", occurred_at="2026-07-04", now=LATER)


def test_marks_of_thousands_stand_between_groups_of_three(lake):
    case = CASES / "thousands-not-grouped"
    found = land(lake, case / "posts.csv", mapping=case / "posts.toml", now=LATER)
    assert (found.landed, held(lake)) == (0, [(place, ["wrong_type"]) for place in (2, 3, 4)])
    first, second, third = reasons(lake)
    assert "`spend_usd` from the column 'Spend': '9,99': ',' stands between thousands" in first
    assert "`impressions` from the column 'Impressions': '1,2'" in second
    assert "'1,234.50'" not in second
    assert "`clicks` from the column 'Clicks': '1,00'" in third


def test_a_file_of_another_encoding_is_told_which(tmp_path, lake):
    case = CASES / "utf16-tab"
    toml = (case / "ads.toml").read_text()
    other = put(tmp_path / "other.toml", toml.replace('encoding = "utf-16"\n', "").encode())
    with pytest.raises(MappingError, match=r'The file is UTF-16.*Say `encoding = "utf-16"`'):
        land(lake, case / "ads.csv", mapping=other, now=LATER)
    assert land(lake, case / "ads.csv", mapping=case / "ads.toml", now=LATER).landed == 2
    assert [row["text"] for row in payloads(lake)] == ["Grüße – 50 %", "\U0001f600"]
    windows = put(tmp_path / "w.csv", "Day,Ad ID,Impressions,Clicks,Caption\n2026-07-01,a,1,1,Grüße\n".encode("cp1252"))
    plain = put(tmp_path / "plain.toml", toml.replace('encoding = "utf-16"\nseparator = "\\t"\n', "").encode())
    assert land(lake, windows, mapping=plain, now=LATER).by_rule == {"encoding": 1}
    assert 'say `encoding = "cp1252"`' in reasons(lake)[0]
