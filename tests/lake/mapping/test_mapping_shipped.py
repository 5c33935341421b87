from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from kaizenlake import samples, tables
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.mapping import files as mappings
from kaizenlake.lake.store import Lake
from lake import make_samples
from lake.landed import NOW, held, put

DATA = Path(__file__).parents[4] / "shared" / "data"
SHIPPED = Path(samples.__file__).parent

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here")


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def events(lake: Lake) -> pl.DataFrame:
    return lake.scan(tables.Events).sort("line", "event_type").collect()


def payloads(lake: Lake) -> list[dict]:
    return [json.loads(payload) for payload in events(lake)["payload"]]


def test_every_mapping_that_ships_is_right_and_says_what_it_is_for():
    assert set(mappings.list_shipped()) == {
        "agent_runs",
        "aider_polyglot_runs",
        "brevo",
        "crm_deals",
        "facebook_posts",
        "ga4_pages",
        "generic_social_posts",
        "google_ads",
        "hubspot_deals",
        "instagram_insights",
        "linkedin_page_posts",
        "mailchimp",
        "meta_ads",
        "meta_business_suite_posts",
        "meta_instagram_posts",
        "pipedrive_deals",
        "salesforce_opportunities",
        "tiktok_studio",
        "upworthy_headline_tests",
        "x_posts",
        "youtube_studio",
    }
    for name in mappings.list_shipped():
        assert len(mappings.load(name).description) > 40


@pytest.mark.parametrize("sample", samples.samples(), ids=lambda sample: sample.file)
def test_every_sample_lands_whole_and_has_its_source_and_licence_told(lake, sample):
    found = land(lake, SHIPPED / sample.file, mapping=sample.mapping, now=NOW)
    assert found.landed == found.lines_in > 60
    assert events(lake)["source"].unique().to_list() == [sample.source]
    (told,) = [row for row in (SHIPPED / "README.md").read_text().splitlines() if f"`{sample.file}`" in row]
    assert (
        "CC BY 4.0" in told
        or "MIT" in told
        or "Aider-AI/aider; Apache-2.0" in told
        or ("INVENTED" in told and "Apache-2.0" in told)
    )
    assert (SHIPPED / sample.file).stat().st_size < 300_000


def test_the_invented_events_say_so_and_tell_of_every_part_of_an_agency(lake):
    land(lake, SHIPPED / "agency_events.ndjson", now=NOW)
    made = events(lake)
    assert made["tags"].to_list() == [["invented"]] * made.height
    assert made["project_id"].n_unique() == 7
    assert {
        "PACK_COMPLETED",
        "PACK_QUALITY_FAILED",
        "DEAL_WON",
        "LEAD_LOST",
        "OUTREACH_REPLIED",
        "INTAKE_CLARITY_SCORED",
    } <= set(made["event_type"])


def test_the_invented_events_are_drawn_again_as_they_are():
    assert make_samples.agency_events() == (SHIPPED / "agency_events.ndjson").read_text(encoding="utf-8")


@needs_data
def test_the_samples_are_the_data_they_name():
    for name in ("facebook_posts.csv", "agent_runs.csv", "aider_polyglot_runs.yml"):
        assert (SHIPPED / name).read_text().splitlines() == (DATA / name).read_text().splitlines()
    drawn = make_samples.upworthy(DATA / "upworthy_headline_tests.csv")
    assert drawn == (SHIPPED / "upworthy_headline_tests.csv").read_text(encoding="utf-8")
    arms = pl.read_csv(DATA / "upworthy_headline_tests.csv", infer_schema=False)
    sample = pl.read_csv(SHIPPED / "upworthy_headline_tests.csv", infer_schema=False)
    chosen = sample["clickability_test_id"].unique()
    assert arms.filter(pl.col("clickability_test_id").is_in(chosen.implode())).equals(sample)


def test_facebook_posts(lake):
    land(lake, SHIPPED / "facebook_posts.csv", mapping="facebook_posts", now=NOW)
    first = events(lake).row(0, named=True)
    # December, weekday 4 (Sunday is 1), hour 3: the first Wednesday of December 2014.
    assert first["occurred_at"].isoformat() == "2014-12-03T03:00:00+00:00"
    assert (first["line"], first["project_id"]) == (2, "facebook_page")
    assert payloads(lake)[0] == {
        "content_id": "post-2",
        "platform": "facebook",
        "figures": "total so far",
        "impressions": 5091,
        "reach": 2752,
        "clicks": 109,
        "engagements": 178,
        "likes": 79,
        "comments": 4,
        "shares": 17,
        "rate_of": "reach",
        "content_type": "photo",
        "is_paid": False,
    }
    table = pl.read_csv(SHIPPED / "facebook_posts.csv", separator=";")
    landed = pl.DataFrame(payloads(lake), infer_schema_length=None)
    assert landed["engagements"].sum() == table["Engaged Users"].sum()
    assert landed["reach"].sum() == table["Total Reach"].sum()
    assert landed["likes"].null_count() == table["like"].null_count() == 1
    assert landed["is_paid"].sum() == table["Paid"].sum()
    assert landed["content_type"].value_counts(sort=True).rows() == [
        ("photo", 426),
        ("status", 45),
        ("link", 22),
        ("video", 7),
    ]
    months = events(lake)["occurred_at"]
    assert months.dt.month().to_list() == table["Post Month"].to_list()
    assert (months.dt.weekday() % 7 + 1).to_list() == table["Post Weekday"].to_list()
    assert months.dt.hour().to_list() == table["Post Hour"].to_list()


@pytest.mark.parametrize("folder", [SHIPPED, pytest.param(DATA, marks=needs_data)], ids=["sample", "whole"])
def test_upworthy_headline_tests(lake, folder):
    file = folder / "upworthy_headline_tests.csv"
    found = land(lake, file, mapping="upworthy_headline_tests", now=NOW)
    table = pl.read_csv(file, infer_schema_length=None)
    assert found.landed == found.lines_in == table.height
    landed = pl.DataFrame(payloads(lake), infer_schema_length=None)
    assert landed["experiment_id"].to_list() == table["clickability_test_id"].to_list()
    assert landed["text"].to_list() == table["headline"].str.strip_chars().to_list()
    assert landed["impressions"].to_list() == table["impressions"].to_list()
    assert landed["clicks"].to_list() == landed["engagements"].to_list() == table["clicks"].to_list()
    # An arm is a content of its own, though its headline comes again with another image.
    assert landed.select(pl.struct("experiment_id", "variant_id").n_unique()).item() == table.height
    assert landed["content_id"].n_unique() == table.height
    weeks = events(lake)["occurred_at"].dt.strftime("%G%V").cast(pl.Int64)
    assert weeks.to_list() == table["test_week"].to_list()
    assert events(lake)["occurred_at"].dt.weekday().unique().to_list() == [1]


def test_agent_runs(lake):
    land(lake, SHIPPED / "agent_runs.csv", mapping="agent_runs", now=NOW)
    assert payloads(lake)[2] == {
        "run_id": "agent-fs-2026-02-12T17-08-10-524Z/gpt-5.2/tumor-vaccine-ici/1",
        "doer": "filesystem_agent",
        "model": "gpt-5.2",
        "policy_id": "filesystem_agent",
        "policy_version": "6.0.0",
        "unit_id": "agent-fs-2026-02-12T17-08-10-524Z/gpt-5.2/tumor-vaccine-ici/1",
        "task_id": "tumor-vaccine-ici",
        "gates_passed": 2,
        "gates_total": 3,
        "cost_usd": 0.1252818,
        "latency_seconds": 352.691,
        "input_tokens": 40420,
        "output_tokens": 4007,
        "outcome": "failure",
        "failure_modes": ["grader"],
    }
    table = pl.read_csv(SHIPPED / "agent_runs.csv", infer_schema_length=None)
    landed = pl.DataFrame(payloads(lake), infer_schema_length=None)
    flags = ["schema_pass", "tool_trace_pass", "grader_pass"]
    assert landed["gates_passed"].to_list() == table.select(pl.sum_horizontal(flags)).to_series().to_list()
    assert landed["run_id"].n_unique() == table.height
    # A version of the policy is a model.
    versions = landed.select("model", "policy_version").unique()
    assert versions.height == versions["model"].n_unique() == versions["policy_version"].n_unique() == 12
    assert versions["policy_version"].str.contains(r"^\d+\.0\.0$").all()
    assert (landed["latency_seconds"] * 1000).round().cast(pl.Int64).to_list() == table["duration_ms"].to_list()


def test_aider_polyglot_runs(lake):
    found = land(lake, SHIPPED / "aider_polyglot_runs.yml", mapping="aider_polyglot_runs", now=NOW)
    assert found.landed == found.lines_in == 69
    first = events(lake).row(0, named=True)
    assert first["occurred_at"].isoformat() == "2025-02-25T00:00:00+00:00"
    assert payloads(lake)[0] == {
        "run_id": "2025-02-25 / Gemini 2.0 Pro exp-02-05 / whole / 2fccd47 / aider --model gemini/gemini-2.0-pro-exp-02-05",
        "doer": "aider",
        "phase": "whole",
        "model": "Gemini 2.0 Pro exp-02-05",
        "task_id": "polyglot",
        "gates_passed": 80,
        "gates_total": 225,
        "latency_seconds": 34.8,
        "failure_modes": ["test_timeout"],
    }
    text = (SHIPPED / "aider_polyglot_runs.yml").read_text()
    landed = pl.DataFrame(payloads(lake), infer_schema_length=None)
    assert landed["gates_passed"].to_list() == [int(found) for found in re.findall(r"pass_num_2: (\d+)", text)]
    assert landed["gates_total"].to_list() == [int(found) for found in re.findall(r"test_cases: (\d+)", text)]
    assert landed["model"].to_list() == re.findall(r"^[ -] model: (.*?)\s*$", text, re.MULTILINE)
    # 15 entries say 0.0000, two say 0, and one says nothing.
    costs = [float(found) for found in re.findall(r"total_cost: ([\d.]+)", text)]
    assert landed["cost_usd"].drop_nulls().to_list() == [cost for cost in costs if cost > 0]
    assert landed["cost_usd"].null_count() == 18
    assert landed["run_id"].n_unique() == 69
    assert set(landed["failure_modes"].explode().drop_nulls()) == {
        "malformed_response",
        "lazy_comment",
        "context_exhausted",
        "test_timeout",
    }


# The headers of a deals export of HubSpot, as its property names stand in the columns of the file.
HUBSPOT = """Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Pipeline,Create Date,Days to close,Closed Lost Reason,Original Traffic Source
101,Spring campaign,closedwon,2026-01-30 15:04,Ann,"25,000",Sales Pipeline,2026-01-10 09:00,20,,Organic Search
102,Rebrand,closedlost,2026-02-02 10:00,Ben,8000,Sales Pipeline,2026-01-11 09:30,22,No budget,Paid Social
103,Always on,presentationscheduled,2026-04-30 10:00,Ann,4000,Sales Pipeline,2026-02-01 08:00,,,Direct Traffic
"""


def test_crm_deals(lake, tmp_path):
    found = land(lake, put(tmp_path / "deals.csv", HUBSPOT.encode()), mapping="crm_deals", now=NOW)
    # Three leads, one won and one lost; an amount with a mark between thousands is no number unless a mapping says so.
    assert (found.lines_in, found.landed, found.quarantined) == (5, 4, 1)
    assert held(lake) == [(2, ["wrong_type"])]
    told = zip(
        events(lake)["event_type"], events(lake)["occurred_at"].dt.strftime("%F %H:%M"), payloads(lake), strict=True
    )
    assert list(told) == [
        ("LEAD_CREATED", "2026-01-10 09:00", {"lead_id": "101", "source": "Organic Search"}),
        ("LEAD_CREATED", "2026-01-11 09:30", {"lead_id": "102", "source": "Paid Social"}),
        ("LEAD_LOST", "2026-02-02 10:00", {"lead_id": "102", "reason": "No budget"}),
        ("LEAD_CREATED", "2026-02-01 08:00", {"lead_id": "103", "source": "Direct Traffic"}),
    ]
    later = HUBSPOT.replace('"25,000"', "25000").replace("presentationscheduled,2026-04-30", "closedwon,2026-02-20")
    found = land(lake, put(tmp_path / "later.csv", later.encode()), mapping="crm_deals", now=NOW)
    assert (found.lines_in, found.landed, found.duplicate, found.quarantined) == (6, 2, 4, 0)
    won = lake.scan(tables.Events).filter(pl.col("event_type") == "DEAL_WON").sort("line").collect()["payload"]
    assert [json.loads(item) for item in won] == [
        {"lead_id": "101", "deal_size": 25000.0, "days_to_close": 20.0},
        {"lead_id": "103", "deal_size": 4000.0},
    ]


SOCIAL = """Post ID,Platform,Post Type,Date,Caption,Impressions,Reach,Engagements,Likes,Comments,Shares,Saves,Clicks,Engagement Rate,Campaign,Permalink
1789,Instagram,reel,2026-02-03 18:30,"Did you know?
Swipe on.",5000,4200,400,300,40,30,30,250,8.0%,spring,https://example.org/p/1
1790,LinkedIn,document,2026-02-04,How we cut cost,1200,,60,,,,,,5%,spring,
"""


def test_generic_social_posts(lake, tmp_path):
    found = land(lake, put(tmp_path / "posts.csv", SOCIAL.encode()), mapping="generic_social_posts", now=NOW)
    assert (found.landed, found.quarantined) == (2, 0)
    assert events(lake)["project_id"].to_list() == ["spring", "spring"]
    assert payloads(lake) == [
        {
            "content_id": "1789",
            "platform": "instagram",
            "figures": "total so far",
            "impressions": 5000,
            "reach": 4200,
            "clicks": 250,
            "engagements": 400,
            "likes": 300,
            "comments": 40,
            "shares": 30,
            "saves": 30,
            "engagement_rate": 0.08,
            "content_type": "reel",
            "text": "Did you know?\nSwipe on.",
        },
        {
            "content_id": "1790",
            "platform": "linkedin",
            "figures": "total so far",
            "impressions": 1200,
            "engagements": 60,
            "engagement_rate": 0.05,
            "content_type": "document",
            "text": "How we cut cost",
        },
    ]
    short = b"Post ID,Platform,Date,Impressions\n1,TikTok,2026-02-05,10\n"
    assert land(lake, put(tmp_path / "short.csv", short), mapping="generic_social_posts", now=NOW).landed == 1
