"""What a mapping can make of the cells of a row, the same for every form of file."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest

from kaizenlake.errors import MappingError
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.mapping import files as mappings
from kaizenlake.lake.mapping.times import find_in_name
from kaizenlake.lake.store import Lake
from kaizenlake.tables import Events, Quarantine
from lake.landed import NOW, held, put
from lake.workbooks import workbook

LATER = NOW.replace(month=12)
README = Path(__file__).parents[3] / "README.md"
BASE = """
description = "A table of posts for tests."
[format]
thousands = ","
[[event]]
type = "PERFORMANCE_RECORDED"
id = { columns = ["id"] }
occurred_at = { column = "at", zone = "UTC" }
[event.fields]
content_id = "id"
platform = { constant = "x" }
"""


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def one(tmp_path, lake, rule: str, cells: dict, form: str, text: str = BASE) -> dict | None:
    """The payload of the event that a row becomes."""
    row = {"id": "1", "at": "2026-01-01"} | cells
    if form == "csv":
        quoted = ['"' + str("" if cell is None else cell).replace('"', '""') + '"' for cell in row.values()]
        content = ",".join(row) + "\n" + ",".join(quoted) + "\n"
    else:
        content = json.dumps([row])
    toml = put(tmp_path / "m.toml", (text + rule + "\n").encode())
    land(lake, put(tmp_path / f"in.{form}", content.encode()), mapping=toml, now=LATER)
    found = lake.scan(Events).collect()["payload"]
    return json.loads(found[0]) if len(found) else None


VALUES = [
    # rule, cells, field, value (... where it is missing, None where the row is refused)
    ('engagements = { sum = ["a", "b", "c"] }', {"a": "1,000", "b": 5, "c": None}, "engagements", 1005),
    ('engagements = { sum = ["a", "b"] }', {"a": None, "b": None}, "engagements", ...),
    ('engagements = { sum = ["a"], minus = ["b"] }', {"a": 10, "b": 4}, "engagements", 6),
    ('engagements = { sum = ["a", "b"] }', {"a": 10, "b": "9,99"}, "engagements", None),
    ('spend_usd = { sum = ["a", "b"] }', {"a": "0.1", "b": "0.2"}, "spend_usd", 0.3),
    ('ctr = { ratio = ["a", "b"] }', {"a": 1, "b": 4}, "ctr", 0.25),
    ('ctr = { ratio = ["a", "b"] }', {"a": 1, "b": 0}, "ctr", ...),
    ('clicks = { product = ["a", "b"] }', {"a": "1,000", "b": 0.05}, "clicks", 50),
    ('impressions = { first = ["a", "b"] }', {"a": None, "b": "1.2K"}, "impressions", 1200),
    ('text = { first = ["a", "b"] }', {"a": " ", "b": "said"}, "text", "said"),
    ('clicks = { column = "a", default = 0 }', {"a": None}, "clicks", 0),
    ('clicks = { column = "a", default = 0, optional = true }', {}, "clicks", 0),
    ('tone = { column = "a", default = "plain" }', {"a": ""}, "tone", "plain"),
    ('tone = { column = "a", case = "lower" }', {"a": "FRIENDLY"}, "tone", "friendly"),
    ('tone = { column = "a", case = "lower", values = { warm = "friendly" } }', {"a": "Warm"}, "tone", "friendly"),
    ('engagement_rate = "a"', {"a": "8 %"}, "engagement_rate", 0.08),
    ('engagement_rate = { column = "a", percent = true }', {"a": "8 %"}, "engagement_rate", 0.08),
    ('conversions = "a"', {"a": "12.33"}, "conversions", 12.33),
    ('clicks = "a"', {"a": "12%"}, "clicks", None),
]


@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize(("rule", "cells", "name", "value"), VALUES)
def test_a_value_is_made_of_the_cells_of_a_row(tmp_path, lake, rule, cells, name, value, form):
    found = one(tmp_path, lake, rule, cells, form)
    assert (found if found is None else found.get(name, ...)) == value


OUT = [
    # leave_out, cells of three rows, ids that stay
    ('"a" = "x"', ["x", "y", ""], ["2", "3"]),
    ('"a" = ["x", "y"]', ["x", "y", ""], ["3"]),
    ('"a" = { not = "x" }', ["x", "y", ""], ["1"]),
    ('"a" = { in = ["x", "y"], not = ["y"] }', ["x", "y", ""], ["2", "3"]),
    ('"a" = { matches = "^[xy]$" }', ["x", "xy", "y"], ["2"]),
    ('"a" = { empty = true }', ["x", "y", ""], ["1", "2"]),
    ('"a" = { empty = false }', ["x", "y", ""], ["3"]),
    ('"a" = "x"\n"id" = "2"', ["x", "x", ""], ["1", "3"]),
    ('"a" = "x"\n[[leave_out]]\n"id" = "2"', ["x", "x", ""], ["3"]),
]


@pytest.mark.parametrize(("rule", "cells", "ids"), OUT)
def test_rows_are_left_out_by_what_their_cells_say(tmp_path, lake, rule, cells, ids):
    text = BASE.replace("[[event]]", f"[[leave_out]]\n{rule}\n[[event]]")
    content = "id,at,a\n" + "".join(f"{place},2026-01-01,{cell}\n" for place, cell in enumerate(cells, 1))
    found = land(
        lake, put(tmp_path / "t.csv", content.encode()), mapping=put(tmp_path / "m.toml", text.encode()), now=LATER
    )
    kept = [json.loads(text)["content_id"] for text in lake.scan(Events).sort("line").collect()["payload"]]
    assert (kept, found.left_out, found.lines_in) == (ids, 3 - len(ids), len(ids))


def test_a_post_that_is_called_total_is_an_event_where_it_has_a_time_of_its_own(tmp_path, lake):
    content = b"id,at,Name\nTotal eclipse,2026-01-01,x\n2,2026-01-01,Total\nTotal,,\n"
    found = land(lake, put(tmp_path / "t.csv", content), mapping=put(tmp_path / "m.toml", BASE.encode()), now=LATER)
    assert (found.landed, found.left_out) == (2, 1)


TIMES = [
    # occurred_at, cells, instant
    ('{ columns = ["day", "time"], zone = "Europe/Berlin" }', ("2026-07-01", "12:30"), "2026-07-01T10:30:00"),
    ('{ columns = ["day", "time"], zone = "Asia/Tokyo" }', ("2026-07-01", ""), "2026-07-01T00:00:00"),
    (
        '{ columns = ["day", "time"], format = "%d.%m.%Y %H:%M", zone = "UTC" }',
        ("01.07.2026", "12:30"),
        "2026-07-01T12:30:00",
    ),
    ('{ column = "day", format = "epoch_nanoseconds" }', ("1770127506789012345", ""), "2026-02-03T14:05:06.789012"),
    ('{ column = "day", format = "epoch_microseconds" }', ("1770127506789012", ""), "2026-02-03T14:05:06.789012"),
    ('{ column = "day", format = "epoch_seconds" }', ("1770127506.5", ""), "2026-02-03T14:05:06.500000"),
    ('{ column = "day", format = "%m/%d/%Y", zone = "Asia/Tokyo" }', ("07/01/2026", ""), "2026-07-01T00:00:00"),
    # The clocks of Sao Paulo went from midnight to one, as those of Cairo do.
    ('{ column = "day", zone = "America/Sao_Paulo" }', ("2018-11-04", ""), "2018-11-04T03:00:00"),
    ('{ column = "day", zone = "America/Sao_Paulo" }', ("2018-11-04 00:00", ""), "2018-11-04T03:00:00"),
    ('{ column = "day", zone = "Africa/Cairo" }', ("2026-04-24", ""), "2026-04-24T00:00:00"),
    ('{ constant = "2026-07-01", zone = "America/New_York" }', ("", ""), "2026-07-01T04:00:00"),
    ('{ file_name = "%Y-%m-%d" }', ("", ""), "2026-07-05T00:00:00"),
]


@pytest.mark.parametrize(("rule", "cells", "instant"), TIMES)
def test_times_come_of_columns_or_of_the_file(tmp_path, lake, rule, cells, instant):
    text = BASE.replace('{ column = "at", zone = "UTC" }', rule)
    content = f"id,day,time\n1,{cells[0]},{cells[1]}\n".encode()
    land(lake, put(tmp_path / "x_2026-07-05.csv", content), mapping=put(tmp_path / "m.toml", text.encode()), now=LATER)
    (found,) = lake.scan(Events).collect()["occurred_at"]
    assert found.isoformat() == f"{instant}+00:00"


def test_when_a_file_was_changed_is_a_time_and_the_event_says_so(tmp_path, lake):
    import os

    file = put(tmp_path / "t.csv", b"id\n1\n")
    os.utime(file, (1_770_127_506, 1_770_127_506))
    toml = put(tmp_path / "m.toml", BASE.replace('{ column = "at", zone = "UTC" }', "{ file_time = true }").encode())
    land(lake, file, mapping=toml, now=LATER)
    row = lake.scan(Events).collect().row(0, named=True)
    assert row["occurred_at"].isoformat() == "2026-02-03T14:05:06+00:00"
    assert json.loads(row["metadata"]) == {"occurred_at": "when the file was last changed"}


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("%Y%m%d", "export-20260701.csv", "20260701"),
        ("%Y%m%d", "123456789012.csv", None),
        ("%d.%m.%Y", "a/01.07.2026/in_02.07.2026.csv", "02.07.2026"),
        ("%Y-%m-%d", "2026-01-01_2026-01-31.csv", "2026-01-31"),
        ("report %b %Y", "report Jul 2026.csv", "report Jul 2026"),
    ],
)
def test_a_date_is_found_in_the_name_of_a_file(pattern, name, found):
    assert find_in_name(pattern, name) == found


WRONG = [
    ('clicks = { sum = ["a"], ratio = ["a", "b"] }', "exactly one of `column`, `constant`"),
    ('clicks = { column = "a", minus = ["b"] }', "`minus` goes with `sum`"),
    ('text = { sum = ["a"] }', "are for numbers"),
    ('clicks = { column = "a", currency = "EUR" }', "this field is no money"),
    ('clicks = { ratio = ["a"] }', "length >= 2"),
]


@pytest.mark.parametrize(("rule", "words"), WRONG)
def test_what_makes_no_sense_is_refused_by_its_key(rule, words):
    with pytest.raises(MappingError, match=words):
        mappings.parse((BASE + rule).encode(), name="m", where="m.toml")


def test_what_is_asked_of_cells_is_checked():
    for told in ("[[leave_out]]\n", '[[leave_out]]\n"a" = { matches = "(" }\n', '[[leave_out]]\n"a" = { is = "x" }\n'):
        with pytest.raises(MappingError, match="leave_out"):
            mappings.parse(BASE.replace("[[event]]", f"{told}[[event]]").encode(), name="m", where="m.toml")


HEADERS = [
    # what lies above the rows, and how the mapping says it
    ("", "id,at,a\n"),
    ("", "Report\n\nmade,by,hand\nid,at,a\n"),
    ("header = 2\n", "id,at,a\nid,at,a\n"),
    ("", ",,Figures\nid,at,a\n"),
    ("header_rows = 2\n", ",,a\nid,at,\n"),
]


@pytest.mark.parametrize(("told", "above"), HEADERS)
def test_a_header_is_found_or_given(tmp_path, lake, told, above):
    text = BASE.replace("[format]\n", f"[format]\n{told}") + 'clicks = "a"\n'
    land(
        lake,
        put(tmp_path / "t.csv", f"{above}1,2026-01-01,7\n".encode()),
        mapping=put(tmp_path / "m.toml", text.encode()),
        now=LATER,
    )
    assert [json.loads(row)["clicks"] for row in lake.scan(Events).collect()["payload"]] == [7]


def test_a_header_of_two_rows_names_its_columns_by_both(tmp_path, lake):
    text = BASE + 'clicks = "Figures / Clicks"\nlikes = "Figures / Likes"\n'
    content = b"Post,,Figures,,\nid,at,Clicks,Likes,\n1,2026-01-01,7,8,\n"
    text = text.replace('"id"', '"Post / id"').replace('"at"', '"Post / at"')
    land(lake, put(tmp_path / "t.csv", content), mapping=put(tmp_path / "m.toml", text.encode()), now=LATER)
    assert held(lake) == []
    (row,) = lake.scan(Events).collect()["payload"]
    assert (json.loads(row)["clicks"], json.loads(row)["likes"]) == (7, 8)


def landed(tmp_path, lake, name: str, content: bytes, text: str) -> list[dict]:
    land(lake, put(tmp_path / name, content), mapping=put(tmp_path / "m.toml", text.encode()), now=LATER)
    return [json.loads(row) for row in lake.scan(Events).sort("line").collect()["payload"]]


def test_cells_of_a_workbook_keep_their_kinds(tmp_path, lake):
    when = dt.datetime(2026, 7, 1)  # noqa: DTZ001 - a sheet knows no zone
    rows = [
        ["id", "at", "n", "rate", "text"],
        [1, when, 1234.5, 0.08, "1,234"],
        [2, when.replace(hour=9), 12.0, "8 %", 7],
    ]
    text = BASE.replace('zone = "UTC"', 'format = "%m/%d/%Y", zone = "Asia/Tokyo"').replace(
        'thousands = ","', 'thousands = "."'
    )
    text += 'revenue_usd = "n"\nengagement_rate = "rate"\ntext = "text"\n'
    first, second = landed(tmp_path, lake, "t.xlsx", workbook({"Posts": rows}), text)
    assert (first["content_id"], first["revenue_usd"], first["engagement_rate"], first["text"]) == (
        "1",
        1234.5,
        0.08,
        "1,234",
    )
    assert (second["revenue_usd"], second["engagement_rate"], second["text"]) == (12.0, 0.08, "7")
    times = lake.scan(Events).sort("line").collect()["occurred_at"].dt.strftime("%F %R").to_list()
    assert times == ["2026-07-01 00:00", "2026-07-01 00:00"]


def test_a_percent_in_a_workbook_is_not_guessed_at(tmp_path, lake):
    text = BASE + 'engagement_rate = { column = "rate", percent = true }\n'
    book = workbook({"Posts": [["id", "at", "rate"], ["1", "2026-01-01", 0.08], ["2", "2026-01-01", "8 %"]]})
    assert [row["engagement_rate"] for row in landed(tmp_path, lake, "t.xlsx", book, text)] == [0.08]
    (reasons,) = lake.scan(Quarantine).collect()["reasons"].to_list()
    assert "leave `percent` out of the mapping" in reasons[-1]


ODD = [
    # bytes, what the mapping says of them, what lands or what the words say
    (b"id,at,a\n1,2026-01-01,7,\n2,2026-01-01,8,,\n3,2026-01-01,9,x\n", "", [7, 8]),
    (
        "id,at,a,ü\n1,2026-01-01,7,é\n".encode(),
        'encoding = "cp1252"',
        "The file is UTF-8, and the mapping reads it as cp1252",
    ),
    ("id,at,a,ü\n1,2026-01-01,7,é\n".encode("cp1252"), 'encoding = "cp1252"', [7]),
    (b"id,at,a\n1,2026-01-01,7\n", 'encoding = "cp1252"', [7]),
    (b"id,at,a\n1,2026-01-01,7\n", 'encoding = "utf-16"', "The file is UTF-8, and the mapping reads it as utf-16"),
    ("id,at,a,b\n1,2026-01-01,7,8\n".encode("utf-16-le"), "", "The file is UTF-16"),
]


@pytest.mark.parametrize(("content", "form", "found"), ODD)
def test_odd_cells_and_encodings_are_read_or_told(tmp_path, lake, content, form, found):
    text = BASE.replace("[format]\n", f"[format]\n{form}\n") + 'clicks = "a"\n'
    if isinstance(found, list):
        assert [row["clicks"] for row in landed(tmp_path, lake, "t.csv", content, text)] == found
        return
    with pytest.raises(MappingError, match=found):
        landed(tmp_path, lake, "t.csv", content, text)


def test_a_header_in_another_encoding_is_told(tmp_path, lake):
    text = BASE + 'clicks = "Größe"\n'
    with pytest.raises(MappingError, match="It may be cp1252"):
        landed(tmp_path, lake, "t.csv", "id,at,Größe\n1,2026-01-01,7\n".encode("cp1252"), text)


def test_the_mapping_of_the_readme_does_what_it_says(tmp_path, lake):
    (text,) = re.findall(r"```toml\n(description.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    put(lake.path("rates.csv"), b"currency,from_date,usd\nEUR,2026-01-01,1.1\n")
    put(lake.path("kaizen.toml"), b'[money]\nrate_file = "rates.csv"\n')
    content = """Made on 2 July
Day,Ad ID,Age,Status,Network,Impressions,Views,Link clicks,Other clicks,Invalid clicks,Cost
01/07/2026,a,18-24,On,FB,"1,000",,10,5,1,"1,000.50 \u20ac"
01/07/2026,a,65+,On,,--,200,2,,,10
01/07/2026,b,65+,Draft,,100,,2,,,10
--,,,Total,,"1,200",,12,5,1,
"""
    first, second = landed(tmp_path, Lake(lake.root), "ads.csv", content.encode(), text)
    assert first == {
        "content_id": "a",
        "platform": "facebook",
        "impressions": 1000,
        "clicks": 14,
        "ctr": 0.01,
        "spend_usd": 1100.55,
        "figures": "of the day",
        "breakdown": "Age=18-24",
    }
    assert (second["platform"], second["impressions"], second["spend_usd"]) == ("facebook", 200, 11.0)
    assert held(lake) == [(5, ["no_event"])]
