"""What `kaizen map` proposes is landed, and gives what the file says."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import zipfile
from pathlib import Path

import polars as pl
import pytest

from kaizenlake import samples
from kaizenlake.errors import MappingError
from kaizenlake.events.catalogue import EVENTS
from kaizenlake.events.values.synonyms import ALSO, ENDED, TIMES, plain_name
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.proposal.propose import NeedsNoMappingError, ProposalSettings, propose
from kaizenlake.lake.store import Lake
from kaizenlake.tables import Events
from lake.landed import ndjson, post, put
from lake.mapping.test_platforms import WORTH
from lake.workbooks import workbook

NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
CASES = Path(__file__).parents[2] / "cases"
DATA = Path(__file__).parents[4] / "shared" / "data"
SHIPPED = Path(samples.__file__).parent


def proposed(file: Path, **said):
    return propose(file, ProposalSettings(NOW, **said))


def landed(tmp_path, file: Path, **said):
    """What was proposed for a file, and the events that it lands by it: by type, what each says."""
    found = proposed(file, **said)
    lake = Lake.create(tmp_path / "lake")
    mapping = found.shipped or put(tmp_path / "own.toml", found.text.encode())
    made = land(lake, file, mapping=str(mapping), now=NOW)
    assert made.landed == found.trial.events
    assert (made.quarantined > 0) == (found.trial.wrong > 0)
    rows = lake.scan(Events).sort("line", "event_type", "event_id").collect()
    told = zip(rows["event_type"], rows["event_date"].cast(str), rows["payload"], strict=True)
    return found, [(kind, day, json.loads(payload)) for kind, day, payload in told]


def test_names_are_those_of_fields_and_written_as_they_are_compared():
    fields = {field.name for event in EVENTS for field in event.fields}
    assert set(ALSO) <= fields
    assert set(TIMES) | set(ENDED) <= {event.name for event in EVENTS}
    for names in (*ALSO.values(), *TIMES.values(), *ENDED.values()):
        assert [plain_name(name) for name in names] == list(names)


@pytest.mark.parametrize("sample", [item for item in samples.samples() if item.mapping], ids=lambda item: item.file)
def test_a_file_of_a_shipped_mapping_is_known_by_its_header(tmp_path, sample):
    found, events = landed(tmp_path, SHIPPED / sample.file)
    assert found.shipped == sample.mapping
    assert len(events) >= 0.95 * found.trial.rows


OF_PLATFORMS = {name: text for name, (text, _) in WORTH.items()}
AT_LEAST = 14
"""Platforms whose mappings are shipped."""


@pytest.mark.parametrize("platform", OF_PLATFORMS)
def test_an_export_of_each_platform_is_known_by_its_header_alone(tmp_path, platform):
    assert len(OF_PLATFORMS) >= AT_LEAST
    # The name of the file tells nothing.
    found = proposed(put(tmp_path / "export.csv", OF_PLATFORMS[platform].encode()))
    assert found.shipped == platform
    assert found.trial.share >= 0.95


@pytest.mark.parametrize("platform", ["tiktok_studio", "mailchimp", "hubspot_deals"])
def test_a_copy_that_a_spreadsheet_wrote_with_semicolons_lands_by_the_mapping_with_its_own_format(tmp_path, platform):
    told = csv.reader(OF_PLATFORMS[platform].splitlines())
    copy = "\r\n".join(";".join(f'"{cell}"' for cell in row) for row in told)
    found, events = landed(tmp_path, put(tmp_path / "copy.csv", copy.encode("cp1252")))
    assert not found.shipped
    assert 'separator = ";"' in found.text
    assert len(events) == len(landed(tmp_path / "b", put(tmp_path / "b" / "a.csv", OF_PLATFORMS[platform].encode()))[1])


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here")
@pytest.mark.parametrize(
    "file", ["facebook_posts.csv", "agent_runs.csv", "upworthy_headline_tests.csv", "aider_polyglot_runs.yml"]
)
def test_real_files_are_known_too(tmp_path, file):
    found, events = landed(tmp_path, DATA / file)
    assert found.shipped == file.partition(".")[0]
    assert len(events) == found.trial.rows


@pytest.mark.parametrize(
    ("file", "kind", "days", "figures"),
    [
        ("daily-increments/ads.csv", "PERFORMANCE_RECORDED", ["2026-07-01", "2026-07-02"] * 2, {"impressions": [100000, 100, 100000, 100], "clicks": [9000, 0, 1000, 1], "figures": ["of the day"] * 4}),
        ("engagement-sum/ig.csv", "PERFORMANCE_RECORDED", ["2026-07-01"] * 2, {"likes": [40, 9], "comments": [5, 0], "shares": [3, 0], "saves": [2, 1], "impressions": [1000, 1000]}),
        ("gads-preamble-totals/gads.csv", "PERFORMANCE_RECORDED", ["2026-07-01"] * 3, {"impressions": [12345, 8000, 310000], "spend_usd": [1234.5, 300.0, None], "conversions": [12.33, 2, 0]}),
        ("json-mapping-ignored/ig.json", "PERFORMANCE_RECORDED", ["2026-07-01"], {"likes": [40], "impressions": [1000]}),
        ("local-day-shift/posts.csv", "PERFORMANCE_RECORDED", ["2026-07-01", "2026-07-02"], {"engagements": [50, 10]}),
        ("meta-post-export/ig.csv", "PERFORMANCE_RECORDED", ["2026-10-03", "2026-10-04"], {"impressions": [12400, 160], "reach": [9100, 45]}),
        ("no-date-column/tau.csv", "RUN_COMPLETED", None, {"gates_passed": [1, 0], "gates_total": [1, 1], "run_id": ["0/0", "0/1"]}),
        ("utf16-tab/ads.csv", "PERFORMANCE_RECORDED", ["2026-07-01"] * 2, {"impressions": [1000, 900], "clicks": [50, 10]}),
        ("won-only-funnel/leads.csv", "LEAD_CREATED", None, {"source": ["web"] * 20 + ["referral"] * 10}),
        ("won-only-funnel/won.csv", "DEAL_WON", ["2025-02-01"] * 10, {}),
        ("youtube-reexport/week1.csv", "PERFORMANCE_RECORDED", ["2026-03-15", "2026-03-16"], {"likes": [144, 66], "content_id": ["v1", "v2"]}),
    ],
)  # fmt: skip
def test_each_case_of_the_field_gives_its_right_figures(tmp_path, file, kind, days, figures):
    _, told = landed(tmp_path, CASES / file)
    # What is paid for is an ad and a post.
    assert {event[0] for event in told} - {"AD_RECORDED"} == {kind}
    events = [event for event in told if event[0] == kind]
    assert days is None or [event[1] for event in events] == days
    for name, values in figures.items():
        assert [event[2].get(name) for event in events] == values, name


def test_a_file_whose_marks_contradict_one_another_makes_no_number_ten_times_too_large(tmp_path):
    found, events = landed(tmp_path, CASES / "thousands-not-grouped" / "posts.csv")
    assert "thousands" not in found.text
    assert all("spend_usd" not in event[2] and event[2].get("impressions") is None for event in events)


GERMAN = "Datum;Beitrags-ID;Impressionen;Gefällt mir;Kommentare;Interaktionsrate\n" + "".join(
    f"{day:02d}.07.2026;b{day};{day}.{100 + day};{3 * day};{day};{day},5 %\n" for day in range(1, 13)
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_german_file_is_read_as_it_is_meant(tmp_path, encoding):
    file = put(tmp_path / "instagram.csv", GERMAN.encode(encoding))
    _, events = landed(tmp_path, file)
    assert [event[1] for event in events] == [f"2026-07-{day:02d}" for day in range(1, 13)]
    assert [event[2]["impressions"] for event in events] == [1000 * day + 100 + day for day in range(1, 13)]
    assert {event[2]["platform"] for event in events} == {"instagram"}
    assert all(event[2]["likes"] == 3 * event[2]["comments"] for event in events)
    assert [event[2]["engagement_rate"] for event in events[:3]] == [0.015, 0.025, 0.035]


def test_a_workbook_with_a_cover_and_lines_before_its_header(tmp_path):
    head = ["Update link", "Post title", "Created date", "Impressions", "Clicks", "Likes", "Comments", "Reposts"]
    rows = [
        [f"https://www.linkedin.com/feed/{day}", f"The title of post {day} of ours", dt.date(2026, 7, day), 1000 + day, day, 9, 2, 1]
        for day in range(1, 15)
    ]  # fmt: skip
    sheets = {"Cover": [["Made by us"]], "All posts": [["Updates"], ["July 2026"], [], head, *rows]}
    _, events = landed(tmp_path, put(tmp_path / "june.xlsx", workbook(sheets)))
    assert [event[1] for event in events] == [f"2026-07-{day:02d}" for day in range(1, 15)]
    assert {event[2]["platform"] for event in events} == {"linkedin"}
    assert {event[2]["shares"] for event in events} == {1}


def test_figures_within_records_are_found(tmp_path):
    lines = [
        {"ts": 1782900000 + 3600 * n, "post": {"id": f"p{n}", "network": "Instagram"}, "metrics": {"impressions": 1000 + n, "likes": n}}
        for n in range(30)
    ]  # fmt: skip
    file = put(tmp_path / "app.ndjson", "\n".join(map(json.dumps, lines)).encode())
    found, events = landed(tmp_path, file)
    assert [event[2]["impressions"] for event in events] == [1000 + n for n in range(30)]
    assert ("post.id", "content_id") in [item[:2] for item in found.columns]


def test_items_of_a_list_are_rows(tmp_path):
    days = [
        {"day": f"2026-07-{n + 1:02d}", "network": "tiktok", "posts": [{"post_id": f"{n}{x}", "views": 100, "likes": 5} for x in "ab"]}
        for n in range(10)
    ]  # fmt: skip
    whole = put(tmp_path / "days.json", json.dumps({"meta": {"page": 1}, "data": {"items": days}}).encode())
    found, events = landed(tmp_path, whole)
    assert 'rows = "data.items"' in found.text
    assert len(events) == 20
    assert {event[2]["likes"] for event in events} == {5}


def test_rows_of_parts_are_told_from_rows_of_days(tmp_path):
    head = "Reporting starts,Ad name,Age,Gender,Impressions,Link clicks\n"
    rows = [
        f"07/{day:02d}/2026,Ad {ad},{age},{gender},{1000 + (day * 37) % 11},{day}\n"
        for day in range(1, 20) for ad in "AB" for age in ("18-24", "25-34") for gender in ("male", "female")
    ]  # fmt: skip
    found, events = landed(tmp_path, put(tmp_path / "meta.csv", (head + "".join(rows)).encode()))
    assert 'breakdown = ["Age", "Gender"]' in found.text
    assert {event[2]["figures"] for event in events} == {"of the day"}
    assert [event[0] for event in events].count("PERFORMANCE_RECORDED") == 19 * 2 * 4
    assert {event[2]["content_id"] for event in events} == {"Ad A", "Ad B"}


def test_figures_that_only_grow_are_totals_so_far(tmp_path):
    rows = "".join(f"2026-07-{day:02d},p{n},{100 * day + n},{day}\n" for day in range(1, 15) for n in range(4))
    _, events = landed(tmp_path, put(tmp_path / "x.csv", ("Date,Post ID,Impressions,Likes\n" + rows).encode()))
    assert {event[2]["figures"] for event in events} == {"total so far"}


def test_a_table_of_deals_becomes_leads_and_how_they_ended(tmp_path):
    head = "Deal ID,Deal Name,Stage,Amount,Create Date,Close Date,Lead Source\n"
    rows = [
        f"{n},Deal {n},{stage},{n * 1000}.00,2026-05-03,{'' if stage == 'Open' else '2026-07-02'},{'Web' if n % 2 else 'Fair'}\n"
        for n in range(1, 31) for stage in [("Closed Won", "Closed Lost", "Open")[n % 3]]
    ]  # fmt: skip
    _, events = landed(tmp_path, put(tmp_path / "deals.csv", (head + "".join(rows)).encode()))
    kinds = pl.Series([event[0] for event in events]).value_counts()
    assert dict(kinds.iter_rows()) == {"LEAD_CREATED": 30, "DEAL_WON": 10, "LEAD_LOST": 10}
    assert {event[1] for event in events if event[0] == "DEAL_WON"} == {"2026-07-02"}


def test_runs_of_agents_packed(tmp_path):
    head = "trace_id,agent,model,started_at,duration_ms,cost,prompt_tokens,passed,schema_pass\n"
    rows = "".join(f"t{n},planner,m,2026-07-02T10:00:00Z,{1500},{n}.5,100,{n % 2 == 0},true\n" for n in range(40))
    _, events = landed(tmp_path, put(tmp_path / "runs.csv.gz", gzip.compress((head + rows).encode())))
    assert {event[2]["latency_seconds"] for event in events} == {1.5}
    assert [event[2]["cost_usd"] for event in events][:2] == [0.5, 1.5]
    assert {event[2]["doer"] for event in events} == {"planner"}


def test_a_day_that_could_be_a_month_is_said_and_settled_where_the_file_settles_it(tmp_path):
    head = "Post ID,Date,Impressions,Likes\n"
    unsure = put(tmp_path / "a.csv", (head + "".join(f"p{n},0{n}/03/2026,1000,1\n" for n in range(1, 8))).encode())
    assert any("month" in line and "day first" in line for line in proposed(unsure).doubts)
    sure = put(tmp_path / "b.csv", (head + "".join(f"p{n},{n:02d}/03/2026,1000,1\n" for n in range(7, 20))).encode())
    _, events = landed(tmp_path, sure)
    assert [event[1] for event in events] == [f"2026-03-{day:02d}" for day in range(7, 20)]


def test_a_few_names_that_many_exports_have_are_no_header_of_a_platform(tmp_path):
    rows = "".join(f"https://blog.example/{n},2026-07-0{n},{100 * n},{n}\n" for n in range(1, 9))
    found = proposed(put(tmp_path / "blog.csv", f"Link,Date,Views,Likes\n{rows}".encode()))
    assert not found.shipped
    assert "tiktok" not in found.text


@pytest.mark.parametrize(("rows", "bad"), [(3, 1), (6, 1), (200, 3)])
def test_a_cell_that_is_no_date_does_not_move_all_others_to_today(tmp_path, rows, bad):
    dates = ["tbd" if row < bad else f"2026-10-{row % 28 + 1:02d}T09:30:00Z" for row in range(rows)]
    lines = [f"p{row},{day},instagram,{100 + row},5" for row, day in enumerate(dates)]
    file = put(tmp_path / "odd.csv", "\n".join(["Post ID,Date,Platform,Impressions,Likes", *lines, ""]).encode())
    found, events = landed(tmp_path, file)
    assert found.trial.wrong == bad
    assert {day[:7] for _, day, _ in events} == {"2026-10"}
    assert len(events) == rows - bad


def test_what_cannot_be_found_out_is_said(tmp_path):
    file = put(tmp_path / "a.csv", b"Post ID,Date,Impressions\np1,2026-07-01 10:00,1000\np2,2026-07-02 10:00,900\n")
    found = proposed(file)
    said = " ".join(found.doubts)
    assert "platform" in said
    assert "--zone" in said
    assert any("engagements" in line and "tiers" in line for line in found.empty)
    assert "--zone" not in " ".join(proposed(file, zone="Europe/Berlin").doubts)
    assert 'zone = "Europe/Berlin"' in proposed(file, zone="Europe/Berlin").text


def test_the_zone_that_is_given_holds_for_every_time_that_says_none(tmp_path):
    rows = "".join(f"L{n},2026-09-0{n} 10:00,2026-10-0{n} 18:30\n" for n in range(1, 9))
    file = put(tmp_path / "calls.csv", f"lead_id,booked_at,scheduled_for\n{rows}".encode())
    _, events = landed(tmp_path, file, zone="America/New_York")
    assert events[0] == (
        "APPOINTMENT_SCHEDULED",
        "2026-09-01",
        {"lead_id": "L1", "scheduled_for": "2026-10-01T22:30:00Z"},
    )


def test_an_amount_that_no_rate_converts_is_left_out_and_said(tmp_path):
    rows = "".join(f"p{n},2026-07-0{n},{1000 * n},3,{n}.50\n" for n in range(1, 9))
    file = put(tmp_path / "a.csv", f"Post ID,Day,Impressions,Likes,Spend (EUR)\n{rows}".encode())
    found, events = landed(tmp_path, file)
    assert len(events) == 8
    assert any("EUR" in line and "money.rate_file" in line for line in found.doubts)


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("a.csv", b"alpha,beta\nx,y\n", MappingError, "No event type fits"),
        ("a.csv", b"", MappingError, "empty"),
        ("a.csv", b"only,a,header\n", MappingError, "no rows"),
        ("a.xlsx", b"no workbook", MappingError, "cannot be read"),
        ("a.ndjson", ndjson(post()), NeedsNoMappingError, "holds events"),
        ("a.json", b'{"a": 1}', MappingError, "No event type fits"),
        ("a.json", b"{", MappingError, "no rows"),
        ("a.yaml", b"- a: [", MappingError, "no rows"),
        ("a.parquet", b"PAR1", MappingError, "no rows"),
        ("a.docx", b"x", MappingError, "cannot be read"),
    ],
)
def test_a_file_for_which_nothing_can_be_proposed_is_told_why(tmp_path, name, content, error, words):
    with pytest.raises(error, match=words):
        proposed(put(tmp_path / name, content))


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here")
def test_a_table_of_statistics_is_no_table_of_events():
    with pytest.raises(MappingError, match="No event type fits"):
        proposed(DATA / "asos_experiments.csv")


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here")
def test_traces_need_no_mapping():
    for file in sorted((DATA / "traces").rglob("*.json"))[:3]:
        with pytest.raises(NeedsNoMappingError, match="traces"):
            proposed(file)


def test_hostile_names_stay_data(tmp_path):
    head = 'Post ID,Date,Impressions,Likes,"x"" = 1\n[[event]]","# \x07 y"\n'
    rows = "".join(f"p{n},2026-07-0{n},1000,1,a,b\n" for n in range(1, 8))
    _, events = landed(tmp_path, put(tmp_path / "a.csv", (head + rows).encode()))
    assert len(events) == 7


TABLE = (
    "Content,Video title,Video publish time,Duration,Views\nTotal,,,,300\n"
    'abcdefghijk,One,"Nov 3, 2025",61,100\nabcdefghijl,Two,"Nov 4, 2025",62,200\n'
)
CHART = (
    "Date,Content,Video title,Video publish time,Duration,Views\n"
    '2025-11-03,abcdefghijk,One,"Nov 3, 2025",61,60\n2025-11-04,abcdefghijk,One,"Nov 3, 2025",61,40\n'
)


def test_of_the_files_of_one_download_the_one_is_read_that_a_mapping_knows(tmp_path):
    with zipfile.ZipFile(tmp_path / "Content 2025-11-01.zip", "w") as archive:
        for name, text in (("Chart data.csv", CHART), ("Table data.csv", TABLE)):
            archive.writestr(name, text)
    found, events = landed(tmp_path, tmp_path / "Content 2025-11-01.zip")
    assert found.shipped == "youtube_studio"
    # The chart tells single days: its rows are no totals of a video.
    assert {(told["content_id"], told["views"]) for _, _, told in events} == {
        ("abcdefghijk", 100),
        ("abcdefghijl", 200),
    }


@pytest.mark.parametrize("column", ["ID", "Identifiant", "Content"])
def test_the_own_id_of_a_platform_names_the_content(tmp_path, column):
    rows = "".join(f"a{day},2025-11-{day:02d},instagram,{1000 + day},{day}\n" for day in range(1, 9))
    file = put(tmp_path / "posts.csv", f"{column},Date,Platform,Impressions,Likes\n{rows}".encode())
    _, events = landed(tmp_path, file)
    assert [told["content_id"] for _, _, told in events] == [f"a{day}" for day in range(1, 9)]
