"""Files of the field that came out wrong once, each with its right value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kaizenlake.errors import MappingError, UsageError
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.landing.retry import retry
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.tables import Contents, DailyPerformance, Events, Quarantine
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


LOCAL = [
    # zone, what the file says, in UTC, and as which instant it counts
    ("Asia/Tokyo", "2026-07-02 05:00", "2026-07-01T20:00", "2026-07-02T00:00:00.208333"),
    ("Asia/Tokyo", "2026-07-02 00:00", "2026-07-01T15:00", "2026-07-02T00:00:00.000000"),
    ("Asia/Tokyo", "2026-07-02 09:00", None, "2026-07-02T00:00:00.000000"),
    ("America/Los_Angeles", "2026-07-01 23:00", "2026-07-02T06:00", "2026-07-01T23:59:59.958333"),
    ("America/Los_Angeles", "2026-07-01 16:59", None, "2026-07-01T23:59:00.000000"),
    ("Europe/Berlin", "2026-07-02T01:00:00+02:00", "2026-07-01T23:00", "2026-07-02T00:00:00.041666"),
    ("UTC", "2026-07-01T23:00:00-07:00", None, "2026-07-02T06:00:00.000000"),
]


@pytest.mark.parametrize(("zone", "said", "instant", "counts"), LOCAL)
def test_figures_of_a_local_time_count_on_the_local_day(tmp_path, lake, zone, said, instant, counts):
    case = CASES / "local-day-shift"
    toml = (case / "posts.toml").read_text().replace("Asia/Tokyo", zone)
    table = f"Post ID,Date,Impressions,Engagements\np1,{said},1000,50\n"
    posts = put(tmp_path / "posts.csv", table.encode())
    land(lake, posts, mapping=put(tmp_path / "posts.toml", toml.encode()), now=LATER)
    (row,) = lake.scan(Events).collect().to_dicts()
    assert f"{row['occurred_at']:%Y-%m-%dT%H:%M:%S.%f}" == counts
    assert f"{row['event_date']}" == counts[:10]
    told = json.loads(row["metadata"] or "{}").get("instant")
    assert told == (None if instant is None else f"{instant}:00.000000Z")


def test_what_happened_at_a_local_time_keeps_its_instant(tmp_path, lake):
    toml = """description = "Leads of a website."
[[event]]
type = "LEAD_CREATED"
id = { columns = ["lead"] }
occurred_at = { column = "at", zone = "Asia/Tokyo" }
[event.fields]
lead_id = "lead"
"""
    table = put(tmp_path / "leads.csv", b"lead,at\na,2026-07-02 05:00\n")
    land(lake, table, mapping=put(tmp_path / "leads.toml", toml.encode()), now=LATER)
    (row,) = lake.scan(Events).collect().to_dicts()
    assert (f"{row['occurred_at']:%F %R}", row["metadata"]) == ("2026-07-01 20:00", None)


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


def contents(lake: Lake) -> dict[str, dict]:
    done = nightly(lake, as_of=LATER)
    assert done.exit_code == 0, done.errors
    return {row["content_id"]: row for row in lake.scan(Contents).collect().to_dicts()}


def test_figures_of_single_days_need_a_word_and_are_added_up(tmp_path, lake):
    case = CASES / "daily-increments"
    with pytest.raises(MappingError, match=r'several dates of one content.*Add `figures = "of the day"`'):
        land(lake, case / "ads.csv", mapping=case / "ads.toml", now=LATER)
    assert lake.rows(Events) == 0
    toml = (case / "ads.toml").read_text().replace("[[event]]", '[[event]]\nfigures = "of the day"')
    assert land(lake, case / "ads.csv", mapping=put(tmp_path / "ads.toml", toml.encode()), now=LATER).landed == 4
    found = contents(lake)
    figures = {name: (row["impressions"], row["clicks"], round(row["click_rate"], 4)) for name, row in found.items()}
    assert figures == {"ad1": (100_100, 9000, 0.0899), "ad2": (100_100, 1001, 0.01)}


def test_engagements_are_the_sum_of_their_parts(lake):
    case = CASES / "engagement-sum"
    land(lake, case / "ig.csv", mapping=case / "ig.toml", now=LATER)
    found = contents(lake)
    figures = {name: (row["engagements"], row["engagement_rate"], row["tier"]) for name, row in found.items()}
    assert figures == {"p1": (50, 0.05, "good"), "p2": (10, 0.01, "poor")}


def test_totals_that_are_exported_again_replace_the_former_ones(lake):
    case = CASES / "youtube-reexport"
    first = land(lake, case / "week1.csv", mapping=case / "yt.toml", now=LATER)
    second = land(lake, [case / "week2.csv", case / "week1.csv"], mapping=case / "yt.toml", now=LATER)
    assert (first.landed, first.left_out, second.landed, second.quarantined) == (2, 1, 2, 0)
    # The same file once more adds nothing, and counts for nothing.
    assert (second.duplicate, lake.rows(Events)) == (2, 4)
    assert {name: row["impressions"] for name, row in contents(lake).items()} == {"v1": 2900, "v2": 1500}


def test_of_two_exports_in_one_landing_the_later_counts(lake):
    case = CASES / "youtube-reexport"
    land(lake, [case / "week2.csv", case / "week1.csv"], mapping=case / "yt.toml", now=LATER)
    assert {name: row["impressions"] for name, row in contents(lake).items()} == {"v1": 2000, "v2": 1100}


AGES = b"""Day,Ad ID,Age,Ad name,Impressions,Link clicks,Amount spent (USD)
2026-07-01,ad1,18-24,A,100,9,5
2026-07-01,ad1,65+,A,200,1,5
2026-07-01,ad1,65+,A,200,1,5
2026-07-01,ad1,65+,A,999,1,5
"""


def test_rows_that_break_a_content_down_add_up_and_one_that_would_take_the_place_of_another_waits(tmp_path, lake):
    toml = (CASES / "daily-increments" / "ads.toml").read_text()
    file = put(tmp_path / "ages.csv", AGES)
    put(lake.path("mappings", "ads.toml"), toml.encode())
    found = land(lake, file, mapping="ads", now=LATER)
    # Without a word of the ages, the second row says of the same content and day something else than the first.
    assert (found.landed, found.by_rule) == (1, {"same_grain": 3})
    assert "breakdown = [...]" in reasons(lake)[0]
    assert retry(lake, now=LATER).landed == 0
    again = toml.replace("[[event]]", '[[event]]\nbreakdown = ["Age"]')
    found = land(lake, file, mapping=put(tmp_path / "by_age.toml", again.encode()), now=LATER)
    assert (found.landed, found.duplicate, found.by_rule) == (2, 1, {"same_grain": 1})
    row = contents(lake)["ad1"]
    assert (row["impressions"], row["clicks"]) == (300, 10)


def test_when_figures_were_measured_is_told_apart_from_when_a_content_was_published(tmp_path, lake):
    case = CASES / "youtube-reexport"
    toml = (
        (case / "yt.toml")
        .read_text()
        .replace("[event.fields]", 'measured_at = { file_name = "%Y-%m-%d" }\n[event.fields]')
    )
    mapping = put(tmp_path / "yt.toml", toml.encode())
    for day, week in (("2026-04-01", "week1.csv"), ("2026-04-08", "week2.csv"), ("2026-04-15", "week2.csv")):
        land(lake, put(tmp_path / f"yt_{day}.csv", (case / week).read_bytes()), mapping=mapping, now=LATER)
    assert {row["published_at"][:10] for row in payloads(lake)} == {"2026-03-15", "2026-03-16"}
    assert contents(lake)["v1"]["impressions"] == 2900
    curve = lake.scan(DailyPerformance).sort("performed_on").collect().filter(content_id="v1")
    assert curve.select(curve["performed_on"].cast(str), "impressions").rows() == [
        ("2026-04-01", 2000),
        ("2026-04-08", 2900),
        ("2026-04-15", 2900),
    ]


def test_a_shipped_mapping_reads_the_export_of_meta_business_suite(lake):
    file = CASES / "meta-post-export" / "ig.csv"
    assert land(lake, file, mapping="meta_instagram_posts", now=LATER).landed == 2
    first, second = payloads(lake)
    assert (first["impressions"], first["reach"], first["saves"], first["content_type"]) == (12_400, 9100, 230, "reel")
    assert second["text"] == "Two, chairs"
    times = lake.scan(Events).sort("line").collect()
    # The second was published on the evening of the 4th in California, where its figures count.
    assert times["occurred_at"].dt.strftime("%F %R").to_list() == ["2026-10-03 15:31", "2026-10-04 23:59"]
    assert json.loads(times["metadata"][1]) == {"instant": "2026-10-05T01:00:00.000000Z"}
    assert times["project_id"].to_list() == ["shop", "shop"]
