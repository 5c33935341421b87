from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.errors import MappingError
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.mapping import files as mappings
from kaizenlake.lake.mapping.apply import Mapping
from kaizenlake.lake.mapping.times import RowOrigin
from kaizenlake.lake.readers.chunks import Rows
from kaizenlake.lake.store import Lake
from lake.landed import NOW, held, put

POSTS = """
description = "A table of posts for tests."
[[event]]
type = "PERFORMANCE_RECORDED"
id = { columns = ["id"] }
occurred_at = { column = "at", zone = "UTC" }
[event.fields]
content_id = "id"
platform = { constant = "x" }
"""


def mapping(text: str, name: str = "posts") -> Mapping:
    return mappings.parse(text.encode(), name=name, where=f"{name}.toml")


def rows(**cells: list[str | None]) -> Rows:
    frame = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String))
    return Rows(frame, list(range(2, frame.height + 2)))


def made(text: str, is_typed: bool = False, **cells: str | None) -> dict:
    """The one event that a mapping makes of one row."""
    given = rows(**{name: [cell] for name, cell in ({"id": "1", "at": "2026-01-01"} | cells).items()})
    given.typed = {name: pl.Series([True]) for name in cells} if is_typed else {}
    (line,) = mapping(text).apply(given, RowOrigin("f" * 64)).lines
    return json.loads(line)


def field(rule: str, cell: str | None, name: str = "impressions", form: str = "") -> object:
    """What one field becomes for one cell; a missing one is `...`."""
    text = POSTS.replace("[[event]]", f"{form}\n[[event]]", 1) + f"{name} = {rule}\n"
    return made(text, c=cell)["payload"].get(name, ...)


C = '{ column = "c" }'
NUMBERS = [
    # rule, cell, value
    ('"c"', "12", 12),
    ('"c"', " 12 ", 12),
    ('"c"', "+12", 12),
    ('"c"', "007", 7),
    ('"c"', "12.0", 12),
    ('"c"', "1e3", 1000),
    ('"c"', "", ...),
    ('"c"', "  ", ...),
    ('"c"', None, ...),
    ('"c"', "12.5", 12.5),
    ('"c"', "-3", -3),
    ('"c"', "many", "many"),
    ('"c"', "1,234", "1,234"),
    ('"c"', "9223372036854775807", 9223372036854775807),
    ('"c"', "0x10", "0x10"),
    ('{ column = "c", multiply_by = 1000 }', "1.5", 1500),
    ('{ column = "c", multiply_by = 1000 }', "n/a", "n/a"),
]


@pytest.mark.parametrize(("rule", "cell", "value"), NUMBERS)
def test_a_cell_becomes_a_count_or_stays_as_it_is_for_the_check_to_refuse(rule, cell, value):
    assert field(rule, cell) == value


FLOATS = [
    # field, rule, cell, value
    ("engagement_rate", C, "0.25", 0.25),
    ("engagement_rate", '{ column = "c", percent = true }', "4.2", 0.042),
    ("engagement_rate", '{ column = "c", percent = true }', "4.2%", 0.042),
    ("engagement_rate", '{ column = "c", percent = true }', "4.2 %", 0.042),
    ("engagement_rate", '{ column = "c", percent = true }', "?%", "?%"),
    ("revenue_usd", C, "19.99", 19.99),
    ("revenue_usd", C, ".5", 0.5),
    ("revenue_usd", C, "1e-9", 1e-9),
    ("revenue_usd", '{ column = "c", divide_by = 100 }', "1999", 19.99),
    ("revenue_usd", '{ column = "c", divide_by = 1000 }', "65979", 65.979),
]


@pytest.mark.parametrize(("name", "rule", "cell", "value"), FLOATS)
def test_units_are_converted(name, rule, cell, value):
    assert field(rule, cell, name) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1.234,5", 1234.5), ("1.234", 1234.0), ("0,05", 0.05), ("1,5e2", 150.0), ("12", 12.0), ("1,2,3", "1,2,3")],
)
def test_decimal_commas_and_dots_between_thousands(cell, value):
    assert field(C, cell, "revenue_usd", '[format]\ndecimal = ","\nthousands = "."') == value


def test_marks_of_numbers_are_not_looked_for_in_cells_that_were_typed():
    text = POSTS.replace("[[event]]", '[format]\ndecimal = ","\nthousands = "."\n[[event]]') + 'revenue_usd = "c"\n'
    assert made(text, is_typed=True, c="1.5")["payload"]["revenue_usd"] == 1.5


@pytest.mark.parametrize("cell", ["NaN", "nan", "Infinity", "-inf"])
def test_a_number_that_is_not_finite_is_quarantined_as_that(tmp_path, cell):
    toml = put(tmp_path / "posts.toml", (POSTS + 'engagement_rate = "c"\n').encode())
    lake = Lake.create(tmp_path / "lake")
    land(lake, put(tmp_path / "t.csv", f"id,at,c\n1,2026-01-01,{cell}\n".encode()), mapping=toml, now=NOW)
    assert held(lake) == [(2, ["not_finite"])]


@pytest.mark.parametrize(
    ("cell", "value"),
    [("true", True), ("FALSE", False), ("1", True), ("0", False), ("Yes", True), ("n", False), ("", ...), ("2", "2")],
)
def test_words_for_true_and_false(cell, value):
    assert field(C, cell, "is_paid") == value


@pytest.mark.parametrize(
    ("rule", "cell", "value"),
    [
        ('"c"', 'say "hé"\n\\ \t', 'say "hé"\n\\'),
        ('{ column = "c", values = { a = "alpha", b = "" } }', "a", "alpha"),
        ('{ column = "c", values = { a = "alpha" } }', "z", "z"),
        ('{ constant = "fixed" }', None, "fixed"),
        ('{ row = "post-" }', None, "post-2"),
        ('{ columns = ["id", "c"], join = "/" }', "x", "1/x"),
        ('{ columns = ["id", "c"], join = "/" }', None, "1"),
        ('{ column = "gone", optional = true }', None, ...),
    ],
)
def test_texts(rule, cell, value):
    assert field(rule, cell, "text") == value


def test_null_values_say_nothing():
    assert field('"c"', "n/a", form='[format]\nnull_values = ["n/a", "-"]') is ...


RUNS = """
description = "A table of runs for tests."
[[event]]
type = "RUN_COMPLETED"
id = { columns = ["id"] }
occurred_at = { column = "at", zone = "UTC" }
project_id = { constant = "p" }
tags = ["imported"]
[event.fields]
run_id = "id"
doer = { constant = "planner" }
gates_passed = { count = ["a", "b"], is = ["true", "yes"] }
failure_modes = { names = { schema = "a", judge = "b" }, is = ["false"] }
"""


@pytest.mark.parametrize(
    ("a", "b", "passed", "failed"),
    [
        ("true", "yes", 2, []),
        ("true", "false", 1, ["judge"]),
        ("false", "false", 0, ["schema", "judge"]),
        (None, None, 0, []),
    ],
)
def test_flags_become_counts_and_names(a, b, passed, failed):
    event = made(RUNS, a=a, b=b)
    assert (event["payload"]["gates_passed"], event["payload"]["failure_modes"]) == (passed, failed)
    assert (event["project_id"], event["tags"], event["source"]) == ("p", ["imported"], "posts")


def test_a_cell_becomes_a_list():
    text = RUNS.replace('{ names = { schema = "a", judge = "b" }, is = ["false"] }', '{ column = "c", split = "|" }')
    assert made(text, a="x", b="x", c=" one | two||")["payload"]["failure_modes"] == ["one", "two"]
    assert "failure_modes" not in made(text, a="x", b="x", c=None)["payload"]


TIMES = [
    # occurred_at, cell, instant in UTC; a text that stays as it is breaks a rule of the check
    ('{ column = "at", zone = "UTC" }', "2026-02-03", "2026-02-03T00:00:00.000000Z"),
    ('{ column = "at", zone = "UTC" }', "2026-02-03 14:05", "2026-02-03T14:05:00.000000Z"),
    ('{ column = "at", zone = "UTC" }', "2026-02-03T14:05:06.789", "2026-02-03T14:05:06.789000Z"),
    ('{ column = "at", zone = "UTC" }', "2026-02-03T14:05:06Z", "2026-02-03T14:05:06.000000Z"),
    ('{ column = "at", zone = "UTC" }', "2026-02-03T14:05:06+02:00", "2026-02-03T12:05:06.000000Z"),
    ('{ column = "at", zone = "Europe/Berlin" }', "2026-07-01 12:00", "2026-07-01T10:00:00.000000Z"),
    ('{ column = "at", zone = "Europe/Berlin" }', "2026-07-01T12:00:00Z", "2026-07-01T12:00:00.000000Z"),
    # The clock is set back: 02:30 comes twice, the first is meant. It is set forward: 02:30 never is.
    ('{ column = "at", zone = "Europe/Berlin" }', "2025-10-26 02:30", "2025-10-26T00:30:00.000000Z"),
    ('{ column = "at", zone = "Europe/Berlin" }', "2025-03-30 02:30", "2025-03-30 02:30"),
    ('{ column = "at" }', "2026-02-03 14:05:00", "2026-02-03 14:05:00"),
    ('{ column = "at" }', "2026-02-03T14:05:06+02:00", "2026-02-03T12:05:06.000000Z"),
    ('{ column = "at", zone = "UTC" }', "2026-02-30", "2026-02-30"),
    ('{ column = "at", zone = "UTC" }', "soon", "soon"),
    ('{ column = "at", format = "%d.%m.%Y %H:%M", zone = "UTC" }', "03.02.2026 14:05", "2026-02-03T14:05:00.000000Z"),
    ('{ column = "at", format = "%d.%m.%Y", zone = "UTC" }', "03.02.2026", "2026-02-03T00:00:00.000000Z"),
    ('{ column = "at", format = "%d/%m/%Y %H:%M %z" }', "03/02/2026 14:05 +0100", "2026-02-03T13:05:00.000000Z"),
    ('{ column = "at", format = "epoch_seconds" }', "1770127506", "2026-02-03T14:05:06.000000Z"),
    ('{ column = "at", format = "epoch_milliseconds" }', "1770127506789", "2026-02-03T14:05:06.789000Z"),
    ('{ week = "at" }', "201425", "2014-06-16T00:00:00.000000Z"),
    ('{ week = "at" }', "2026-W01", "2025-12-29T00:00:00.000000Z"),
    ('{ week = "at" }', "202054", "202054"),
]


@pytest.mark.parametrize(("rule", "cell", "instant"), TIMES)
def test_times_are_read_in_their_zone(rule, cell, instant):
    assert made(POSTS.replace('{ column = "at", zone = "UTC" }', rule), at=cell)["occurred_at"] == instant


MONTHS = [
    # month, weekday, hour, first weekday, instant
    ("12", "4", "3", "sunday", "2014-12-03T03:00:00.000000Z"),
    ("1", "4", "0", "sunday", "2014-01-01T00:00:00.000000Z"),
    ("1", "3", "23", "sunday", "2014-01-07T23:00:00.000000Z"),
    ("6", "1", "0", "sunday", "2014-06-01T00:00:00.000000Z"),
    ("6", "1", "0", "monday", "2014-06-02T00:00:00.000000Z"),
    ("6", "7", "0", "monday", "2014-06-01T00:00:00.000000Z"),
    ("13", "1", "0", "monday", "month 13, weekday 1, hour 0"),
    ("6", "8", "0", "monday", "month 6, weekday 8, hour 0"),
    ("6", "1", "24", "monday", "month 6, weekday 1, hour 24"),
    ("6", None, "1", "monday", "month 6, weekday ?, hour 1"),
]


@pytest.mark.parametrize(("month", "weekday", "hour", "day_one", "instant"), MONTHS)
def test_the_first_day_of_a_month_with_a_weekday_stands_for_the_unknown_day(month, weekday, hour, day_one, instant):
    rule = f'{{ month = "m", year = 2014, weekday = "w", first_weekday = "{day_one}", hour = "h" }}'
    text = POSTS.replace('{ column = "at", zone = "UTC" }', rule)
    found = made(text, m=month, w=weekday, h=hour)["occurred_at"]
    assert found == instant
    if found.endswith("Z"):
        when = dt.datetime.fromisoformat(found)
        assert when.month == int(month)
        assert when.day <= 7


def test_ids_name_the_content_of_columns_or_the_row_of_a_file():
    text = POSTS + 'text = "c"\n'
    one, same, other = (made(text, id=name, c=said)["id"] for name, said in [("1", "a"), ("1", "b"), ("2", "a")])
    # A record that says something else of the same is another event, by what stands behind the last colon.
    assert one != same
    assert one.rpartition(":")[0] == same.rpartition(":")[0] != other.rpartition(":")[0]
    assert one.startswith("posts:")
    # A null is not an empty neighbour: ("1", null) is not (null, "1").
    wide = POSTS.replace('columns = ["id"]', 'columns = ["id", "c"]') + 'text = "c"\n'
    assert made(wide, id="1", c=None)["id"] != made(wide, id=None, c="1")["id"]
    by_row = mapping(POSTS.replace('columns = ["id"]', "row = true"))
    given = rows(id=["1", "1"], at=["2026-01-01"] * 2)
    first, second = (json.loads(line)["id"] for line in by_row.apply(given, RowOrigin("a" * 64)).lines)
    (elsewhere, _) = (json.loads(line)["id"] for line in by_row.apply(given, RowOrigin("b" * 64)).lines)
    assert len({first, second, elsewhere}) == 3
    assert first == "posts:PERFORMANCE_RECORDED:aaaaaaaaaaaaaaaaaaaaaaaa:2"


def test_a_row_without_what_names_it_is_refused_for_want_of_an_id(tmp_path):
    toml = put(tmp_path / "posts.toml", POSTS.encode())
    lake = Lake.create(tmp_path / "lake")
    land(lake, put(tmp_path / "t.csv", b"id,at\n,2026-01-01\n"), mapping=toml, now=NOW)
    assert held(lake) == [(2, ["missing_field"])]


TWO = """
description = "Rows that stand for one or two events."
[[event]]
type = "LEAD_CREATED"
when = { kind = ["new", "both"] }
id = { columns = ["id"] }
occurred_at = { column = "at", zone = "UTC" }
[event.fields]
lead_id = "id"
[[event]]
type = "DEAL_WON"
when = { kind = ["won", "both"] }
id = { columns = ["id"] }
occurred_at = { column = "at", zone = "UTC" }
[event.fields]
lead_id = "id"
deal_size = "amount"
"""


def test_a_row_gives_an_event_for_each_section_that_takes_it_and_one_that_none_takes_is_quarantined(tmp_path):
    table = b"id,at,kind,amount\n1,2026-01-01,new,\n2,2026-01-01,won,5\n3,2026-01-01,both,7\n4,2026-01-01,odd,1\n"
    lake = Lake.create(tmp_path / "lake")
    toml = put(tmp_path / "two.toml", TWO.encode())
    found = land(lake, put(tmp_path / "t.csv", table + b"5,2026-01-01,both,x\n"), mapping=toml, now=NOW)
    # Row 3 and row 5 stand for two events each.
    assert (found.lines_in, found.landed, found.quarantined) == (7, 5, 2)
    kept = lake.scan(tables.Events).sort("line", "event_type").collect()
    assert kept.select("line", "event_type").rows() == [
        (2, "LEAD_CREATED"),
        (3, "DEAL_WON"),
        (4, "DEAL_WON"),
        (4, "LEAD_CREATED"),
        (6, "LEAD_CREATED"),
    ]
    rows_held = lake.scan(tables.Quarantine).sort("line").collect()
    assert rows_held.select("line", "rules", "event_type").rows() == [
        (5, ["no_event"], None),
        (6, ["wrong_type"], "DEAL_WON"),
    ]
    assert json.loads(rows_held["raw"][1]) == {"id": "5", "at": "2026-01-01", "kind": "both", "amount": "x"}
    assert rows_held["mapping"].to_list() == ["two", "two"]
    assert "LEAD_CREATED when 'kind' is one of 'new', 'both'" in rows_held["reasons"][0][0]


CSV = {
    # how the file is written: (format, bytes, the texts that land, what is quarantined)
    "plain": ("", b"id,at,text\n1,2026-01-01,a\n", ["a"], []),
    "semicolons": ('separator = ";"', b"id;at;text\n1;2026-01-01;a,b\n", ["a,b"], []),
    "tabs": ('separator = "\\t"', b"id\tat\ttext\n1\t2026-01-01\ta\n", ["a"], []),
    "BOM and CRLF": ("", b"\xef\xbb\xbfid,at,text\r\n1,2026-01-01,a\r\n", ["a"], []),
    "another order, and columns nobody asked for": ("", b"z,text,at,y,id\n,a,2026-01-01,,1\n", ["a"], []),
    "spaces around": ("", b" id , at,text \n 1 , 2026-01-01 , a \n", ["a"], []),
    "no end of the last line": ("", b"id,at,text\n1,2026-01-01,a", ["a"], []),
    "blank lines": ("", b"id,at,text\n\n1,2026-01-01,a\n\n\n", ["a"], []),
    "header only": ("", b"id,at,text\n", [], []),
    "nothing": ("", b"", [], []),
    "quoted separators and line ends": ("", b'id,at,text\n1,2026-01-01,"a, ""b""\nc"\n', ['a, "b"\nc'], []),
    "a quotation mark within a cell": ("", b'id,at,text\n1,2026-01-01,12" record\n', ['12" record'], []),
    "too few cells": ("", b"id,at,text\n1\n2,2026-01-01,b\n", ["b"], [(2, ["ragged_row"])]),
    "too many cells": ("", b"id,at,text\n1,2026-01-01,a,b\n2,2026-01-01,b\n", ["b"], [(2, ["ragged_row"])]),
    "a quotation mark that is never closed": (
        "",
        b'id,at,text\n1,2026-01-01,"a\n2,2026-01-01,b\n3,2026-01-01,c\n',
        ["b", "c"],
        [(2, ["torn_line"])],
    ),
    "a quotation mark that is closed in the middle of a later row": (
        "",
        b'id,at,text\n1,2026-01-01,"a\n2,2026-01-01,"b\n3,2026-01-01,c\n',
        ["c"],
        [(2, ["torn_line"])],
    ),
    "spaces behind a closing mark": ("", b'id,at,text\n1,2026-01-01,"a\nb" \n', ["a\nb"], []),
    "not UTF-8": ("", b"id,at,text\n1,2026-01-01,\xe9\n2,2026-01-01,b\n", ["b"], [(2, ["encoding"])]),
    "Latin-1 that says so": ('encoding = "latin-1"', b"id,at,text\n1,2026-01-01,\xe9\n", ["é"], []),
    "UTF-16 that says so": ('encoding = "utf-16"', "id,at,text\n1,2026-01-01,é\n".encode("utf-16"), ["é"], []),
    "bytes the encoding does not have": (
        'encoding = "cp1252"',
        b"id,at,text\n1,2026-01-01,\x81\n2,2026-01-01,\xe9\n",
        ["é"],
        [(2, ["encoding"])],
    ),
    "a bad time": ("", b"id,at,text\n1,01/02/2026,a\n", [], [(2, ["bad_time"])]),
    "a very long record": (
        "",
        b"id,at,text\n1,2026-01-01," + b"x" * 1_200_000 + b"\n2,2026-01-01,b\n",
        ["b"],
        [(2, ["too_long"])],
    ),
}


@pytest.mark.parametrize("name", CSV)
def test_csv_of_every_shape_is_read_to_its_end(tmp_path, name):
    form, content, texts, rules = CSV[name]
    toml = put(
        tmp_path / "m.toml", (POSTS.replace("[[event]]", f"[format]\n{form}\n[[event]]") + 'text = "text"\n').encode()
    )
    lake = Lake.create(tmp_path / "lake")
    found = land(lake, put(tmp_path / "t.csv", content), mapping=toml, now=NOW)
    payloads = lake.scan(tables.Events).sort("line").collect()["payload"]
    assert [json.loads(payload)["text"] for payload in payloads] == texts
    assert held(lake) == rules
    assert (found.lines_in, found.landed, found.quarantined) == (len(texts) + len(rules), len(texts), len(rules))


def test_parquet_is_read_with_the_types_it_has(tmp_path):
    frame = pl.DataFrame(
        {
            "id": [1, 2, 3],
            "at": [dt.datetime(2026, 1, 1, 9, tzinfo=dt.UTC), dt.datetime(2026, 1, 2, tzinfo=dt.UTC), None],
            "rate": [0.25, None, float("nan")],
            "paid": [True, False, None],
            "text": ['a "b"\n', None, ""],
            "other": [[1], [], None],
        },
    )
    frame.write_parquet(tmp_path / "t.parquet")
    text = POSTS + 'engagement_rate = "rate"\nis_paid = "paid"\ntext = "text"\n'
    lake = Lake.create(tmp_path / "lake")
    found = land(lake, tmp_path / "t.parquet", mapping=put(tmp_path / "m.toml", text.encode()), now=NOW)
    assert (found.lines_in, found.landed, found.quarantined) == (3, 2, 1)
    kept = lake.scan(tables.Events).sort("line").collect()
    assert kept["occurred_at"].dt.strftime("%FT%TZ").to_list() == ["2026-01-01T09:00:00Z", "2026-01-02T00:00:00Z"]
    assert [json.loads(payload) for payload in kept["payload"]] == [
        {"content_id": "1", "platform": "x", "engagement_rate": 0.25, "is_paid": True, "text": 'a "b"'},
        {"content_id": "2", "platform": "x", "is_paid": False},
    ]
    row = lake.scan(tables.Quarantine).collect().row(0, named=True)
    assert (row["line"], sorted(row["rules"])) == (3, ["missing_field", "not_finite"])


def test_a_file_that_is_no_parquet_is_quarantined_as_unreadable(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    found = land(lake, put(tmp_path / "t.parquet", b"PAR1"), mapping=put(tmp_path / "m.toml", POSTS.encode()), now=NOW)
    assert found.by_rule == {"not_readable": 1}


HEADERS = {
    # header: what the words say
    "at,text": "it needs the missing column 'id'. There are: 'at', 'text'.",
    "ID,at,text": "it needs the missing column 'id' (nearest: 'ID'). There are: 'ID', 'at', 'text'.",
    "ident,when,text": "it needs the missing columns 'id' (nearest: 'ident'), 'at'. There are: 'ident', 'when', 'text'.",
    "id;at;text": "it needs the missing columns 'id', 'at'. There are: 'id;at;text'. (FILE) The separator of this mapping is ','",
    "id,at,id,text": "reads the column 'id', and the table has it more than once",
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_mapping_that_does_not_fit_says_what_is_missing_and_what_is_there(tmp_path, header):
    lake = Lake.create(tmp_path / "lake")
    file = put(tmp_path / "t.csv", header.encode() + b"\n1,2,3\n")
    toml = put(tmp_path / "posts.toml", POSTS.encode())
    with pytest.raises(MappingError) as caught:
        land(lake, file, mapping=toml, now=NOW)
    assert HEADERS[header] in str(caught.value).replace(str(file), "FILE")
    assert lake.rows(tables.Events) == 0


def test_files_before_one_that_does_not_fit_have_landed(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    put(tmp_path / "in" / "a.csv", b"id,at\n1,2026-01-01\n")
    put(tmp_path / "in" / "b.csv", b"x\n1\n")
    with pytest.raises(MappingError):
        land(lake, tmp_path / "in", mapping=put(tmp_path / "posts.toml", POSTS.encode()), now=NOW)
    assert (lake.rows(tables.Events), lake.rows(tables.Landings)) == (1, 1)


WRONG = [
    # what is changed, into what, and what the words say
    (
        "PERFORMANCE_RECORDED",
        "PERFORMANCE_RECORD",
        "`event[0].type`: no event type 'PERFORMANCE_RECORD'; did you mean PERFORMANCE_RECORDED",
    ),
    (
        "content_id =",
        "contents_id =",
        "`event[0].fields.contents_id`: PERFORMANCE_RECORDED has no such field; did you mean content_id? (",
    ),
    ('content_id = "id"\n', "", "`event[0].fields`: PERFORMANCE_RECORDED needs `content_id`"),
    ('{ columns = ["id"] }', "{}", "`event[0].id`: exactly one of"),
    ('{ columns = ["id"] }', '{ columns = ["id"], row = true }', "`event[0].id`: exactly one of"),
    ('{ constant = "x" }', "{}", "`event[0].fields.platform`: exactly one of"),
    ('{ constant = "x" }', '{ constant = "x", column = "y" }', "`event[0].fields.platform`: exactly one of"),
    ('{ constant = "x" }', '{ column = "y", percent = true }', "are for numbers, this field is str"),
    ('{ constant = "x" }', '{ column = "y", hash = true }', "`hash` and `join` go with `columns`"),
    ('{ constant = "x" }', '{ columns = ["y"] }', "`columns` needs one of"),
    ('{ constant = "x" }', '{ colunm = "y" }', "unknown field `colunm`"),
    ('zone = "UTC"', 'zone = "Berlin"', "`event[0].occurred_at.zone`: there is no time zone 'Berlin'"),
    ('column = "at"', 'column = "at", week = "w"', "`event[0].occurred_at`: exactly one of"),
    ('column = "at"', 'month = "m"', "`month` needs `year` and `weekday` too"),
    ("[[event]]", '[format]\nseparator = ";;"\n[[event]]', "Expected `str` of length <= 1 - at `format.separator`"),
    ("[[event]]", '[format]\nencoding = "utf-9"\n[[event]]', "`format.encoding`: there is no encoding 'utf-9'"),
    (
        "[[event]]",
        '[format]\nthousands = "."\ndecimal = "."\n[[event]]',
        "the mark of thousands and of decimals are the same",
    ),
    ("type =", "typo =", "unknown field `typo` - at `event[0]`"),
    ('description = "A table of posts for tests."', "", "missing required field `description`"),
    ("[[event]]", "[[event]", "not readable as TOML"),
]


@pytest.mark.parametrize(("old", "new", "words"), WRONG)
def test_a_wrong_mapping_names_file_key_and_rule(old, new, words):
    assert POSTS.count(old) >= 1
    with pytest.raises(MappingError) as caught:
        mapping(POSTS.replace(old, new, 1))
    assert words in str(caught.value)
    assert "posts.toml" in str(caught.value)


def test_a_mapping_of_an_intake_event_needs_a_project():
    text = POSTS.replace("PERFORMANCE_RECORDED", "INTAKE_APPROVED").split("[event.fields]")[0] + "[event.fields]\n"
    with pytest.raises(MappingError, match="INTAKE_APPROVED needs a project"):
        mapping(text)


def test_the_mappings_of_a_lake_come_before_those_that_are_shipped(tmp_path):
    put(tmp_path / "crm_deals.toml", POSTS.encode())
    assert mappings.load("crm_deals", tmp_path).description == "A table of posts for tests."
    assert mappings.load("facebook_posts", tmp_path).description.startswith("Posts of one Facebook page")
    with pytest.raises(MappingError, match="no such mapping file"):
        mappings.load(str(tmp_path / "none.toml"), tmp_path)


def test_a_mended_mapping_reads_a_file_again_that_has_landed(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    file = put(tmp_path / "t.csv", b"id,at\n1,03.02.2026\n")
    toml = put(tmp_path / "posts.toml", POSTS.encode())
    assert land(lake, file, mapping=toml, now=NOW).quarantined == 1
    assert land(lake, file, mapping=toml, now=NOW).quarantined_before == 1
    put(toml, POSTS.replace('zone = "UTC"', 'format = "%d.%m.%Y", zone = "UTC"').encode())
    assert land(lake, file, mapping=toml, now=NOW).landed == 1
