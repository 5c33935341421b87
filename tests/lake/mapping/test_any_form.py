"""A mapping reads every form of file, and gives the same events of the same records."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizenlake.errors import MappingError
from kaizenlake.lake.landing.landing import land, land_folder
from kaizenlake.lake.landing.retry import retry
from kaizenlake.lake.readers.json_rows import from_list, inner
from kaizenlake.lake.store import Lake
from kaizenlake.tables import Events, Quarantine
from lake.landed import NOW, held, ndjson, post, put
from lake.workbooks import workbook

CASES = Path(__file__).parents[2] / "cases"
RECORDS = [
    {"Post ID": "p1", "Date": "2026-07-01", "Views": 1000, "Likes": 40, "Comments": 5, "Shares": 3, "Saves": 2},
    {"Post ID": "p2", "Date": "2026-07-02", "Views": 900, "Likes": 0, "Comments": 1, "Shares": 0, "Saves": 0},
]
MAPPING = CASES / "json-mapping-ignored" / "ig.toml"


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def payloads(lake: Lake) -> list[dict]:
    return [json.loads(text) for text in lake.scan(Events).sort("file", "line").collect()["payload"]]


def delimited(mark: str) -> bytes:
    lines = [mark.join(RECORDS[0]), *(mark.join(map(str, record.values())) for record in RECORDS)]
    return "\n".join(lines).encode()


def parquet() -> bytes:
    stream = io.BytesIO()
    pl.DataFrame(RECORDS).write_parquet(stream)
    return stream.getvalue()


def zipped(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return stream.getvalue()


LIST = json.dumps(RECORDS, indent=1).encode()
SHEET = workbook({"Posts": [list(RECORDS[0]), *(list(record.values()) for record in RECORDS)]})
FORMS = {
    "posts.csv": delimited(","),
    "posts.tsv": delimited("\t"),
    "posts.json": LIST,
    "lines.json": b"\n".join(json.dumps(record).encode() for record in RECORDS),
    "posts.ndjson": b"\n".join(json.dumps(record).encode() for record in RECORDS),
    "posts.yaml": LIST,
    "posts.parquet": parquet(),
    "posts.xlsx": SHEET,
    "posts.json.gz": gzip.compress(LIST),
    "posts.xlsx.gz": gzip.compress(SHEET),
    "posts.parquet.gz": gzip.compress(parquet()),
    "csv.zip": zipped(report_csv=delimited(","), _csv=b"x", in___csv=b"x"),
    "json.zip": zipped(in__posts_json=LIST),
    "sheet.zip": zipped(posts_xlsx=SHEET),
    "packed.zip": zipped(posts_csv_gz=gzip.compress(delimited(","))),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_same_records_give_the_same_events_in_every_form(tmp_path, lake, name):
    found = land(lake, put(tmp_path / name, FORMS[name]), mapping=MAPPING, now=NOW_LATER)
    assert (found.files, found.lines_in, found.landed) == (1, 2, 2)
    told = payloads(lake)
    assert [(row["content_id"], row["impressions"], row["likes"]) for row in told] == [("p1", 1000, 40), ("p2", 900, 0)]


NOW_LATER = NOW.replace(year=2026, month=12)


def test_the_case_gives_the_event_that_the_same_records_give_as_yaml(lake):
    assert land(lake, CASES / "json-mapping-ignored" / "ig.json", mapping=MAPPING, now=NOW_LATER).landed == 1
    assert payloads(lake)[0]["impressions"] == 1000


def test_a_mapping_is_refused_where_it_does_not_fit_and_events_are_told_to_need_none(tmp_path, lake):
    events = put(tmp_path / "events.ndjson", ndjson(post()))
    with pytest.raises(MappingError, match="events already; these land without"):
        land(lake, events, mapping=MAPPING, now=NOW)
    with pytest.raises(MappingError, match="needs the missing columns 'Post ID'"):
        land(lake, put(tmp_path / "one.json", b'{"x": 1}'), mapping=MAPPING, now=NOW)
    # In a folder that is walked, what holds events is none of the mapping's files.
    folder = tmp_path / "folder"
    put(folder / "events.ndjson", ndjson(post()))
    put(folder / "posts.json", LIST)
    assert land(lake, folder, mapping=MAPPING, now=NOW_LATER).landed == 3


def test_the_folder_of_a_mapping_takes_all_forms_and_a_zip_file_is_put_away_once_all_of_it_has_landed(lake):
    put(lake.path("mappings", "ig.toml"), MAPPING.read_bytes())
    put(lake.path("landing", "ig", "a.json"), LIST)
    put(lake.path("landing", "ig", "b.zip"), zipped(one_csv=delimited(","), two_json=LIST))
    put(lake.path("landing", "ig", "events.ndjson"), ndjson(post()))
    put(lake.path("landing", "loose.zip"), zipped(one_csv=delimited(",")))
    found = land_folder(lake, now=NOW_LATER)
    assert (found.files, found.lines_in, found.landed, found.duplicate) == (4, 7, 3, 4)
    left = dict(found.left)
    assert list(left) == ["landing/loose.zip/one.csv"]
    assert "belongs into a folder named for its mapping" in left["landing/loose.zip/one.csv"]
    assert not lake.path("landing", "ig", "b.zip").exists()


NESTED = """
description = "Records in which figures lie deep."
[format]
rows = "data.posts"
thousands = ","
[[event]]
type = "PERFORMANCE_RECORDED"
id = { columns = ["id"] }
occurred_at = { column = "when.at", zone = "UTC" }
[event.fields]
content_id = "id"
platform = { constant = "x" }
impressions = "insights[0].values[0].value"
clicks = "stats.clicks"
likes = { column = "stats.none.likes", optional = true }
spend_usd = "stats.cost.usd"
"""


def test_records_in_an_object_and_figures_deep_in_them_are_found_by_their_paths(tmp_path, lake):
    posts = [
        {
            "id": f"p{place}",
            "when": {"at": "2026-01-01"},
            "insights": [{"values": [{"value": 1000 + place}]}],
            "stats": {"clicks": "1,000", "cost.usd": 1.234},
        }
        for place in (1, 2)
    ]
    other = {"posts": [{"id": "not this"}], "data": {"more": [[1], {"posts": "]"}], "posts": posts, "z": [1]}, "x": [2]}
    found = land(
        lake,
        put(tmp_path / "in.json", json.dumps(other).encode()),
        mapping=put(tmp_path / "nested.toml", NESTED.encode()),
        now=NOW,
    )
    assert (found.lines_in, found.landed) == (2, 2)
    assert payloads(lake)[1] == {
        "content_id": "p2",
        "platform": "x",
        "impressions": 1002,
        "clicks": 1000,
        "spend_usd": 1.234,
    }
    with pytest.raises(MappingError, match=r"no list at 'data\.posts'"):
        land(lake, put(tmp_path / "other.json", b'{"data": {"post": []}}'), mapping=tmp_path / "nested.toml", now=NOW)


EACH = """
description = "An order holds its items."
[[event]]
type = "LEAD_CREATED"
id = { columns = ["id"] }
occurred_at = { column = "at", zone = "UTC" }
[event.fields]
lead_id = "id"
[[event]]
type = "PERFORMANCE_RECORDED"
each = "items"
id = { columns = ["id", "sku"] }
occurred_at = { column = "at", zone = "UTC" }
[event.fields]
content_id = "items.sku"
variant_id = "id"
platform = { constant = "shop" }
revenue_usd = "price"
"""
ORDER = {"id": "o1", "at": "2026-01-01", "items": [{"sku": "a", "price": 1.5}, {"sku": "b", "price": "2"}]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("o.json", json.dumps(ORDER)),
        ("o.yaml", json.dumps([ORDER])),
        ("o.csv", 'id,at,items\no1,2026-01-01,"' + json.dumps(ORDER["items"]).replace('"', '""') + '"\n'),
    ],
)
def test_each_item_of_a_list_is_an_event_in_every_form(tmp_path, lake, name, content):
    toml = put(tmp_path / "each.toml", EACH.encode())
    assert land(lake, put(tmp_path / name, content.encode()), mapping=toml, now=NOW).landed == 3
    told = [row for row in payloads(lake) if "content_id" in row]
    assert [(row["content_id"], row["variant_id"], row["revenue_usd"]) for row in told] == [
        ("a", "o1", 1.5),
        ("b", "o1", 2.0),
    ]


def test_a_record_that_was_refused_lands_by_a_retry_once_its_mapping_is_mended(tmp_path, lake):
    records = [{"id": "1", "at": "2026-01-01", "n": 7.25}, {"id": "2", "at": "2026-01-01", "n": "x"}, [1], 3]
    text = (
        'description = "Posts as JSON."\n[[event]]\ntype = "PERFORMANCE_RECORDED"\nid = { columns = ["id"] }\n'
        'occurred_at = { column = "at", zone = "UTC" }\n[event.fields]\ncontent_id = "id"\nplatform = { constant = "x" }\n'
        'KEY = "n"\n'
    )
    put(lake.path("mappings", "posts.toml"), text.replace("KEY", "clicks").encode())
    land(lake, put(tmp_path / "in.json", json.dumps(records).encode()), mapping="posts", now=NOW)
    assert held(lake) == [(1, ["wrong_type"]), (2, ["wrong_type"]), (3, ["not_a_record"]), (4, ["not_a_record"])]
    assert lake.scan(Quarantine).sort("line").collect()["raw"][0] == '{"id":"1","at":"2026-01-01","n":7.25}'
    put(
        lake.path("mappings", "posts.toml"),
        text.replace("KEY", "revenue_usd").replace("[[event]]", '[format]\ndecimal = ","\n[[event]]').encode(),
    )
    assert retry(lake, now=NOW).landed == 1
    assert payloads(lake)[0]["revenue_usd"] == 7.25


def test_the_sheet_that_has_the_columns_is_read_and_another_only_where_it_is_named(tmp_path, lake):
    rows = [list(RECORDS[0]), *(list(record.values()) for record in RECORDS)]
    book = workbook({"Cover": [["Report of July"]], "Data": [["made by hand"], [], *rows]})
    assert land(lake, put(tmp_path / "in.xlsx", book), mapping=MAPPING, now=NOW_LATER).landed == 2
    assert lake.scan(Events).sort("line").collect()["line"].to_list() == [4, 5]
    named = MAPPING.read_text().replace("[[event]]", '[format]\nsheet = "Cover"\n[[event]]', 1)
    with pytest.raises(MappingError, match="needs the missing column"):
        land(lake, tmp_path / "in.xlsx", mapping=put(tmp_path / "c.toml", named.encode()), now=NOW)
    other = put(tmp_path / "d.toml", named.replace("Cover", "Dta").encode())
    with pytest.raises(MappingError, match=r"no sheet 'Dta'\. There are: 'Cover', 'Data'"):
        land(lake, tmp_path / "in.xlsx", mapping=other, now=NOW)


def test_a_file_that_is_no_workbook_or_no_zip_is_told(tmp_path, lake):
    assert land(lake, put(tmp_path / "in.xlsx", b"PK"), mapping=MAPPING, now=NOW).by_rule == {"not_readable": 1}
    ((_, reason),) = land(lake, put(tmp_path / "in.zip", b"PK"), mapping=MAPPING, now=NOW).left
    assert "cannot be read" in reason
    empty = land(lake, put(tmp_path / "none.zip", zipped(notes_txt=b"x")), mapping=MAPPING, now=NOW)
    assert empty.unread == (str(tmp_path / "none.zip"),)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"[]{},:\\é', max_size=4),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c.d"]), inside, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=200)
@given(before=JSON, records=st.lists(JSON, max_size=4), after=JSON, size=st.integers(1, 9))
def test_the_list_at_a_path_is_found_whatever_lies_around_it_and_however_it_is_cut(before, records, after, size):
    text = json.dumps({"before": before, "x": {"y": before, "list": records, "z": after}, "after": after}).encode()
    found = b"".join(from_list(io.BytesIO(text), "x.list", size))
    value, _ = json.JSONDecoder().raw_decode(found.decode())
    assert value == records


@given(value=JSON)
def test_what_lies_at_a_path_is_what_following_it_gives(value):
    text = json.dumps({"r": [value, {"k": value}]})
    for path in ("r[0]", "r[1].k"):
        assert json.loads(bytes(inner(text, path) or b"null")) == value
    assert inner(text, "r[2]") is None
    assert inner(text, "r.k") is None


def test_a_project_within_the_payload_is_told_where_it_belongs(tmp_path, lake):
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "app",
        "type": "LEAD_CREATED",
        "time": "2026-01-01T00:00:00Z",
        "data": {"lead_id": "l", "project_id": "p"},
    }
    land(lake, put(tmp_path / "in.json", json.dumps(event).encode()), now=NOW)
    (reasons,) = lake.scan(Quarantine).collect()["reasons"].to_list()
    assert "as the attribute `projectid`" in reasons[0]


@pytest.mark.parametrize("path", ["data", "data.posts"])
def test_records_that_lie_in_an_object_are_told_by_their_path(tmp_path, lake, path):
    outer, _, inner_name = path.partition(".")
    document = {"x": [1], outer: {"n": 2, inner_name: RECORDS} if inner_name else RECORDS}
    with pytest.raises(MappingError, match=f'Say `rows = "{path}"`'):
        land(lake, put(tmp_path / "in.json", json.dumps(document).encode()), mapping=MAPPING, now=NOW_LATER)
    told = MAPPING.read_text().replace("[[event]]", f'[format]\nrows = "{path}"\n[[event]]', 1)
    assert land(lake, tmp_path / "in.json", mapping=put(tmp_path / "m.toml", told.encode()), now=NOW_LATER).landed == 2
