"""Exports of platforms, with the headers they have and invented figures: every row lands, and means what it says."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.mapping import files as mappings
from kaizenlake.lake.store import Lake
from lake.landed import held, put
from lake.workbooks import workbook

NOW = datetime(2026, 11, 30, tzinfo=UTC)

FACEBOOK = """\
Post ID,Page ID,Page name,Title,Description,Duration (sec),Publish time,Caption type,Permalink,Is crosspost,Is share,Post type,Languages,Custom labels,\
Funded content status,Data comment,Date,Views,Reach,"Reactions, comments and shares",Reactions,Comments,Shares,Total clicks,Other Clicks,Seconds viewed
122,77,Bakery,,"Bread, every day",0,10/03/2026 23:30,,https://www.facebook.com/122,0,0,Photos,,,,,Lifetime,"1,200",900,60,40,15,5,30,10,
123,77,Bakery,Oven tour,,21,10/04/2026 08:00,,https://www.facebook.com/123,0,0,Reels,,,,,Lifetime,5000,4100,220,200,10,10,,,90000
"""
INSTAGRAM = """\
Post ID,Account ID,Account username,Account name,Description,Duration (sec),Publish time,Permalink,Post type,Data comment,Date,Views,Reach,Likes,Shares,Follows,Comments,Saves
178,17,bakery,Bakery,Why rye?,44,10/03/2026 08:31,https://www.instagram.com/reel/D1/,IG reel,,Lifetime,"12,400",9100,610,88,41,57,230
"""
TIKTOK = """\
Video title,Video link,Post time,Total likes,Total comments,Total shares,Total views,Total play time,Average watch time,Watched full video,Add to favorites,New followers
"Dough, slowly",https://www.tiktok.com/@b/video/741,2026-08-02 19:05:00,1.2K,48,31,"18,400",12:30:00,11.5,0.31,40,7
Second,https://www.tiktok.com/@b/video/742,2026-08-09,640,12,9,9100,,9,,,
"""
YOUTUBE = """\
Content,Video title,Video publish time,Duration,Views,Watch time (hours),Subscribers,Your estimated revenue (USD),Impressions,Impressions click-through rate (%),Likes,Comments added,Shares
Total,,,,9542,937.5,139,4.20,148912,4.02,206,7,3
abcDEF12345,Sourdough in one take,"Oct 3, 2026",2496,8542,927.5,140,4.20,138912,4.02,196,5,2
-zYxWvUtSrQ,"Rye, again",2026-09-08,30,1000,10,-1,,10000,1.0,10,2,1
"""
LINKEDIN = """\
"Organic and sponsored posts, 1 to 31 October 2026",,,,,,,,,,,,,,,,,,,
Post title,Post link,Post type,Campaign name,Posted by,Created date,Campaign start date,Campaign end date,Audience,Impressions,Views,Offsite Views,Clicks,Click through rate (CTR),Likes,Comments,Reposts,Follows,Engagement rate,Content Type
We hire,https://www.linkedin.com/feed/update/urn:li:activity:7,Organic,,Ann,10/05/2026,,,All followers,2000,0,0,80,0.04,30,5,5,3,0.06,Image
"""
X = """\
Post id,Date,Post text,Post Link,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Replies,Reposts,Profile visits,Detail Expands,URL Clicks,Hashtag Clicks,Permalink Clicks
2074,"Tue, Jul 14, 2026",Fresh at six,https://x.com/b/status/2074,122978,12,300,4,1,2,9,6,129,200,66,0,0
"""
GOOGLE_DAYS = """\
Campaign report
"September 1, 2026 - September 2, 2026"
Day,Campaign,Ad group,Currency code,Clicks,Impr.,CTR,Avg. CPC,Cost,Conversions,Cost / conv.,Conv. rate,Conv. value
2026-09-01,Bread,Rye,USD,40,"1,900",2.11%,0.31,"1,012.40",1.5,8.27,3.75%,13.49
2026-09-02,Bread,Rye,USD,55,1200,4.58%,0.30,16.50,2,8.25,3.64%,17.98
Total: Campaigns,,,USD,95,3100,3.06%,0.31,"1,028.90",3.5,9.4,3.33%,31.47
Total: Account,,,USD,95,3100,3.06%,0.31,"1,028.90",3.5,9.4,3.33%,31.47
"""
GOOGLE_PERIOD = """\
Campaign performance
"July 18, 2026 - August 16, 2026"
Campaign,Campaign state,Campaign type,Clicks,Impr.,CTR,Currency code,Avg. CPC,Cost,Conversions
Bread,Enabled,Search,100,5000,2.00%,USD,10.00,1500.00, --
Total: Account, --, --,100,5000,2.00%,USD,10.00,1500.00,0
"""
META_ADS = """\
Reporting starts,Reporting ends,Campaign name,Ad set name,Ad name,Age,Results,Result indicator,Amount spent (EUR),Impressions,Reach,Link clicks,Clicks (all),Purchases conversion value
2026-09-01,2026-09-01,,,,,30,,300.00,3000,2500,90,120,600
2026-09-01,2026-09-01,Bread,Young,Video A,18-24,3,actions:offsite_conversion.fb_pixel_purchase,10.00,1000,900,30,40,60
2026-09-01,2026-09-01,Bread,Young,Video A,25-34,2,actions:offsite_conversion.fb_pixel_purchase,20.00,2000,1700,60,80,20
2026-09-02,2026-09-02,Bread,Young,Video A,18-24,500,reach,5.00,500,500,,10,
"""
MAILCHIMP = """\
Title,Subject,List,Send Date,Send Weekday,Total Recipients,Successful Deliveries,Soft Bounces,Hard Bounces,Total Bounces,Times Forwarded,Forwarded Opens,Unique Opens,Open Rate,Total Opens,Unique Clicks,Click Rate,Total Clicks,Unsubscribes,Abuse Complaints,Times Liked on Facebook,Folder Id,Unique Id,Total Orders,Total Gross Sales,Total Revenue
October news,Rye is back,Customers,"Oct 03, 2026 09:00 am",Saturday,"1,000",980,12,8,20,0,0,392,40.00%,600,98,10.00%,150,4,1,0,,ab12cd,3,"$120.50","$120.50"
"""
BREVO = """\
Campaign ID,Campaign name,Subject,Sent date,Recipients,Delivered,Openers,Opens,Clickers,Clicks,Unsubscribed,Hard bounces,Soft bounces,Complaints
22,Weekly,Bread on Monday,15/10/2026 08:00,19887,19700,7779,8999,2300,2665,2,87,100,1
"""
HUBSPOT = """\
Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Amount,Currency,Create Date,Closed Lost Reason,Original Traffic Source
1,Cafe,Closed Won,2026-10-20 09:15,Ann,"2,500",USD,2026-09-01 10:00,,Organic Search
2,Hotel,Closed Lost,2026-10-21 12:00,Ann,900,USD,2026-09-02 10:00,Price,Referrals
3,School,Appointment Scheduled,2026-12-24 12:00,Ann,700,USD,2026-10-02 10:00,,
"""
PIPEDRIVE = """\
Deal - ID,Deal - Title,Deal - Value,Deal - Currency of Value,Deal - Status,Deal - Deal created,Deal - Won time,Deal - Lost time,Deal - Lost reason
11,Cafe,2500,USD,Won,2026-09-01 10:00:00,2026-10-20 09:15:00,,
12,Hotel,900,USD,Lost,2026-09-02 10:00:00,,2026-10-21 12:00:00,Price
13,School,700,USD,Open,2026-10-02 10:00:00,,,
"""
SALESFORCE = """\
Opportunity Name,Opportunity ID,Amount,Stage,Close Date,Created Date,Lead Source
Cafe,0061,"$2,500.00",Closed Won,10/20/2026,9/1/2026,Web
Hotel,0062,$900.00,Closed Lost,10/21/2026,9/2/2026,Referral
School,0063,$700.00,Prospecting,12/24/2026,10/2/2026,
Grand Totals (3 records),,,,,,
"""
GA4_PAGES = """\
# ----------------------------------------
# Pages and screens: Page path and screen class
# Account: Bakery
# ----------------------------------------
#
# All Users
# Start date: 20260901
# End date: 20260930
Page path and screen class,Views,Active users,Views per active user,Average engagement time per active user,Event count,Key events,Total revenue
/rye,6225,926,6.72,139.45,22063,12,0
"""
GA4_DAYS = """\
# Free form
# 20260901-20260902

Date,Landing page,Sessions,Active users,Engaged sessions,Key events
20260901,/rye,40,30,25,3
20260902,/rye,60,50,30,1.5
Totals,,100,,,
"""

PERFORMANCE, AD, EMAIL, WEB = "PERFORMANCE_RECORDED", "AD_RECORDED", "EMAIL_CAMPAIGN_RECORDED", "WEB_PAGE_RECORDED"

WORTH = {
    "meta_business_suite_posts": (
        FACEBOOK,
        [
            (
                PERFORMANCE,
                "2026-10-03T23:59",  # the evening of the 3rd in California
                {
                    "content_id": "122",
                    "platform": "facebook",
                    "impressions": 1200,
                    "reach": 900,
                    "likes": 40,
                    "clicks": 30,
                    "content_type": "photo",
                    "text": "Bread, every day",
                    "posted_weekday": "saturday",
                    "posted_hour": 23,
                    "link": "https://www.facebook.com/122",
                    "figures": "total so far",
                },
            ),
            (
                PERFORMANCE,
                "2026-10-04T15:00",
                {
                    "content_id": "123",
                    "views": 5000,
                    "watch_time_seconds": 90000.0,
                    "video_length_seconds": 21.0,
                    "content_type": "reel",
                    "text": "Oven tour",
                    "posted_hour": 8,
                },
            ),
        ],
    ),
    "instagram_insights": (
        INSTAGRAM,
        [
            (
                PERFORMANCE,
                "2026-10-03T15:31",
                {
                    "content_id": "178",
                    "platform": "instagram",
                    "impressions": 12400,
                    "saves": 230,
                    "followers_gained": 41,
                    "content_type": "reel",
                    "video_length_seconds": 44.0,
                },
            )
        ],
    ),
    "tiktok_studio": (
        TIKTOK,
        [
            (
                PERFORMANCE,
                "2026-08-02T19:05",
                {
                    "content_id": "https://www.tiktok.com/@b/video/741",
                    "impressions": 18400,
                    "likes": 1200,
                    "watch_time_seconds": 45000.0,
                    "saves": 40,
                    "followers_gained": 7,
                    "posted_weekday": "sunday",
                    "posted_hour": 19,
                },
            ),
            (PERFORMANCE, "2026-08-09T00:00", {"likes": 640, "posted_weekday": "sunday", "posted_hour": None}),
        ],
    ),
    "youtube_studio": (
        YOUTUBE,
        [
            (
                PERFORMANCE,
                "2026-10-03T00:00",
                {
                    "content_id": "abcDEF12345",
                    "impressions": 138912,
                    "views": 8542,
                    "watch_time_seconds": 3339000.0,
                    "video_length_seconds": 2496.0,
                    "revenue_usd": 4.2,
                    "followers_gained": 140,
                    "comments": 5,
                },
            ),
            (PERFORMANCE, "2026-09-08T00:00", {"content_id": "-zYxWvUtSrQ", "followers_gained": -1, "views": 1000}),
        ],
    ),
    "linkedin_page_posts": (
        LINKEDIN,
        [
            (
                PERFORMANCE,
                "2026-10-05T00:00",
                {
                    "impressions": 2000,
                    "clicks": 80,
                    "likes": 30,
                    "shares": 5,
                    "followers_gained": 3,
                    "content_type": "image",
                    "is_paid": False,
                    "engagements": None,
                },
            )
        ],
    ),
    "x_posts": (
        X,
        [
            (
                PERFORMANCE,
                "2026-07-14T00:00",
                {
                    "content_id": "2074",
                    "impressions": 122978,
                    "engagements": 300,
                    "comments": 9,
                    "shares": 6,
                    "saves": 4,
                    "clicks": 66,
                    "posted_weekday": "tuesday",
                },
            )
        ],
    ),
    "google_ads": (
        GOOGLE_DAYS,
        [
            (
                AD,
                "2026-09-01T00:00",
                {
                    "content_id": "Bread / Rye",
                    "platform": "google_ads",
                    "campaign": "Bread",
                    "ad_set": "Rye",
                    "spend_usd": 1012.4,
                    "impressions": 1900,
                    "clicks": 40,
                    "conversions": 1.5,
                    "revenue_usd": 13.49,
                    "figures": "of the day",
                },
            ),
            (AD, "2026-09-02T00:00", {"spend_usd": 16.5, "conversions": 2}),
            (PERFORMANCE, "2026-09-01T00:00", {"content_id": "Bread / Rye", "impressions": 1900, "is_paid": True}),
            (PERFORMANCE, "2026-09-02T00:00", {"clicks": 55, "figures": "of the day"}),
        ],
    ),
    "meta_ads": (
        META_ADS.replace("(EUR)", "(USD)"),
        [
            (
                AD,
                "2026-09-01T00:00",
                {
                    "content_id": "Video A",
                    "breakdown": "Age=18-24",
                    "spend_usd": 10.0,
                    "clicks": 30,
                    "conversions": 3,
                    "revenue_usd": 60.0,
                    "figures": "of the day",
                },
            ),
            (AD, "2026-09-01T00:00", {"breakdown": "Age=25-34", "spend_usd": 20.0}),
            (AD, "2026-09-02T00:00", {"spend_usd": 5.0, "clicks": 10, "conversions": None}),
            *[(PERFORMANCE, f"2026-09-0{day}T00:00", {"platform": "meta_ads"}) for day in (1, 1, 2)],
        ],
    ),
    "mailchimp": (
        MAILCHIMP,
        [
            (
                EMAIL,
                "2026-10-03T09:00",
                {
                    "content_id": "ab12cd",
                    "campaign": "October news",
                    "subject_line": "Rye is back",
                    "sent": 1000,
                    "delivered": 980,
                    "opened": 392,
                    "clicked": 98,
                    "opens": 600,
                    "bounced": 20,
                    "unsubscribed": 4,
                    "complaints": 1,
                    "revenue_usd": 120.5,
                },
            ),
            (
                PERFORMANCE,
                "2026-10-03T09:00",
                {"platform": "email", "impressions": 980, "opens": 392, "clicks": 98, "text": "Rye is back"},
            ),
        ],
    ),
    "brevo": (
        BREVO,
        [
            (EMAIL, "2026-10-15T08:00", {"content_id": "22", "sent": 19887, "bounced": 187, "opened": 7779}),
            (PERFORMANCE, "2026-10-15T08:00", {"impressions": 19700, "clicks": 2300, "posted_weekday": "thursday"}),
        ],
    ),
    "hubspot_deals": (
        HUBSPOT,
        [
            ("LEAD_CREATED", "2026-09-01T10:00", {"lead_id": "1", "source": "Organic Search"}),
            ("LEAD_CREATED", "2026-09-02T10:00", {"lead_id": "2"}),
            ("LEAD_CREATED", "2026-10-02T10:00", {"lead_id": "3", "source": None}),
            ("DEAL_WON", "2026-10-20T09:15", {"lead_id": "1", "deal_size": 2500.0}),
            ("LEAD_LOST", "2026-10-21T12:00", {"lead_id": "2", "reason": "Price"}),
        ],
    ),
    "pipedrive_deals": (
        PIPEDRIVE,
        [
            *[("LEAD_CREATED", at, {}) for at in ("2026-09-01T10:00", "2026-09-02T10:00", "2026-10-02T10:00")],
            ("DEAL_WON", "2026-10-20T09:15", {"lead_id": "11", "deal_size": 2500.0}),
            ("LEAD_LOST", "2026-10-21T12:00", {"lead_id": "12", "reason": "Price"}),
        ],
    ),
    "salesforce_opportunities": (
        SALESFORCE,
        [
            *[("LEAD_CREATED", at, {}) for at in ("2026-09-01T00:00", "2026-09-02T00:00", "2026-10-02T00:00")],
            ("DEAL_WON", "2026-10-20T00:00", {"lead_id": "0061", "deal_size": 2500.0}),
            ("LEAD_LOST", "2026-10-21T00:00", {"lead_id": "0062"}),
        ],
    ),
    "ga4_pages": (
        GA4_PAGES,
        [
            (
                WEB,
                "2026-09-30T00:00",
                {"content_id": "/rye", "views": 6225, "visitors": 926, "conversions": 12, "sessions": None},
            ),
            (PERFORMANCE, "2026-09-30T00:00", {"platform": "website", "impressions": 6225, "conversions": 12}),
        ],
    ),
}


def made(tmp_path, text, mapping):
    lake = Lake.create(tmp_path / "lake")
    found = land(lake, put(tmp_path / "export.csv", text.encode()), mapping=mapping, now=NOW)
    assert held(lake) == []
    rows = lake.scan(tables.Events).sort("event_type", "occurred_at", "line").collect()
    return found, [
        (row["event_type"], f"{row['occurred_at']:%Y-%m-%dT%H:%M}", json.loads(row["payload"]))
        for row in rows.iter_rows(named=True)
    ]


@pytest.mark.parametrize("mapping", WORTH)
def test_an_export_lands_whole_and_says_what_it_says(tmp_path, mapping):
    text, expected = WORTH[mapping]
    _, events = made(tmp_path, text, mapping)
    order = sorted(expected, key=lambda event: event[:2])
    assert [event[:2] for event in events] == [event[:2] for event in order]
    for (_, _, payload), (_, _, told) in zip(events, order, strict=True):
        assert {name: payload.get(name) for name in told} == told


@pytest.mark.parametrize("mapping", mappings.list_shipped())
def test_events_of_one_type_tell_the_same_whatever_rows_they_are_of(mapping):
    told: dict[str, object] = {}
    for section in mappings.load(mapping).document.event:
        assert told.setdefault(section.type, (section.fields, section.id)) == (section.fields, section.id)


def test_a_header_as_the_vendor_wrote_it_before_makes_the_same_events(tmp_path):
    before = (
        YOUTUBE.replace("Content,", "Video,")
        .replace("Comments added", "Comments")
        .replace("Impressions,", "thumbnail impressions,")
    )
    assert made(tmp_path / "a", before, "youtube_studio")[1] == made(tmp_path / "b", YOUTUBE, "youtube_studio")[1]


def test_a_length_of_minutes_and_seconds_is_read_as_the_studio_shows_it(tmp_path):
    _, events = made(tmp_path, YOUTUBE.replace(",2496,", ",41:36,").replace(",30,1000", ",0:30,1000"), "youtube_studio")
    assert [told["video_length_seconds"] for _, _, told in events] == [30.0, 2496.0]


def test_a_length_that_says_its_own_unit_is_not_multiplied(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    text = YOUTUBE.replace(",927.5,", ",927:30:00,")
    assert text != YOUTUBE
    found = land(lake, put(tmp_path / "export.csv", text.encode()), mapping="youtube_studio", now=NOW)
    assert (found.landed, found.quarantined) == (1, 1)
    (reasons,) = lake.scan(tables.Quarantine).collect()["reasons"]
    assert "'927:30:00': it says its own unit; leave out `multiply_by`" in " ".join(reasons)


@pytest.mark.parametrize("is_typed", [False, True], ids=["dates as text", "dates of the sheet"])
@pytest.mark.parametrize("ending", [".xlsx", ".xls"])
def test_the_workbook_of_linkedin_is_read_by_the_sheet_with_the_posts(tmp_path, is_typed, ending):
    lines = list(csv.reader(io.StringIO(LINKEDIN)))
    numbers = {"Impressions", "Views", "Offsite Views", "Clicks", "Likes", "Comments", "Reposts", "Follows"}
    numbers |= {"Click through rate (CTR)", "Engagement rate"}
    post: list[object] = [
        float(cell) if name in numbers else cell or None for name, cell in zip(lines[1], lines[2], strict=True)
    ]
    if is_typed:
        post[lines[1].index("Created date")] = datetime(2026, 10, 5)  # noqa: DTZ001 - a sheet knows no zone
    posts = [["Organic and sponsored posts, 1 to 31 October 2026"], lines[1], post]
    daily = [["Aggregated engagement"], ["Date", "Impressions (total)", "Clicks (total)"], ["10/05/2026", 9000, 90]]
    sheets = {"Metrics": daily, "All posts": posts}
    _, expected = made(tmp_path / "csv", LINKEDIN, "linkedin_page_posts")
    lake = Lake.create(tmp_path / "lake")
    file = put(tmp_path / f"acme_content_1761955200{ending}", workbook(sheets))
    assert land(lake, file, mapping="linkedin_page_posts", now=NOW).landed == 1
    (row,) = lake.scan(tables.Events).collect().to_dicts()
    told = json.loads(row["payload"])
    assert ("PERFORMANCE_RECORDED", f"{row['occurred_at']:%Y-%m-%dT%H:%M}", told) == expected[0]


def test_a_report_of_a_period_counts_as_of_its_last_day(tmp_path):
    found, events = made(tmp_path, GOOGLE_PERIOD, "google_ads")
    assert [(kind, at, told["figures"], told.get("conversions")) for kind, at, told in events] == [
        (AD, "2026-08-16T00:00", "total so far", None),
        (PERFORMANCE, "2026-08-16T00:00", "total so far", None),
    ]
    assert found.left_out == 1
    _, days = made(tmp_path / "days", GA4_DAYS, "ga4_pages")
    assert [
        (kind, at, told["figures"], told.get("sessions") or told.get("impressions")) for kind, at, told in days
    ] == [
        (PERFORMANCE, "2026-09-01T00:00", "of the day", 40),
        (PERFORMANCE, "2026-09-02T00:00", "of the day", 60),
        (WEB, "2026-09-01T00:00", "of the day", 40),
        (WEB, "2026-09-02T00:00", "of the day", 60),
    ]


@pytest.mark.parametrize(
    ("mapping", "text"), [("meta_business_suite_posts", FACEBOOK), ("meta_instagram_posts", INSTAGRAM)]
)
def test_an_export_of_single_days_is_not_taken_for_totals(tmp_path, mapping, text):
    lake = Lake.create(tmp_path / "lake")
    days = put(tmp_path / "days.csv", text.replace("Lifetime", "10/03/2026").encode())
    assert land(lake, days, mapping=mapping, now=NOW).landed == 0
    assert all("'Date' is empty" in reason for reason in lake.scan(tables.Quarantine).collect()["reasons"].explode())
    for place, said in enumerate(("Lifetime", "")):
        file = put(tmp_path / f"{place}.csv", text.replace("Lifetime", said).encode())
        assert land(lake, file, mapping=mapping, now=NOW).quarantined == 0
    assert lake.scan(tables.Events).collect().height == text.count("Lifetime")


@pytest.mark.parametrize("rounded", ["2.07E+18", "2,07E+18", "2e+18"])
def test_an_id_that_a_spreadsheet_has_rounded_is_refused_as_two_posts_would_be_one(tmp_path, rounded):
    lake = Lake.create(tmp_path / "lake")
    rows = f'"{rounded}","Tue, Jul 14, 2026",100\n"{rounded}","Wed, Jul 15, 2026",200\n3e10,"Wed, Jul 15, 2026",300\n'
    land(lake, put(tmp_path / "x.csv", f"Post id,Date,Impressions\n{rows}".encode()), mapping="x_posts", now=NOW)
    assert [json.loads(payload)["content_id"] for payload in lake.scan(tables.Events).collect()["payload"]] == ["3e10"]
    waits = lake.scan(tables.Quarantine).sort("line").collect()
    assert waits["line"].to_list() == [2, 3]
    assert all("a spreadsheet has rounded this id" in " ".join(reasons) for reasons in waits["reasons"])


@pytest.mark.parametrize(
    "said", ["10/3/26 9:00PM", "10/03/26 21:00", "10/3/2026 9:00 PM", "10/03/2026 21:00", '"Oct 03, 2026 09:00 pm"']
)
def test_a_campaign_is_of_its_year_however_many_digits_that_has(tmp_path, said):
    rows = f"Unique Id,Subject,Send Date,Successful Deliveries\na,Rye,{said},9\n"
    assert {at for _, at, _ in made(tmp_path, rows, "mailchimp")[1]} == {"2026-10-03T21:00"}


@pytest.mark.parametrize("beside", ["", "Opportunity Currency,"])
def test_a_converted_amount_is_in_the_currency_it_was_converted_to(tmp_path, beside):
    header = f"Opportunity ID,Stage,Created Date,Close Date,{beside}Amount (converted) Currency,Amount (converted)"
    row = f"0061,Closed Won,9/1/2026,10/20/2026,{'JPY,' if beside else ''}EUR,1000"
    lake = Lake.create(tmp_path / "lake")
    put(lake.path("kaizen.toml"), b'[[money.rates]]\ncurrency = "EUR"\nfrom_date = 2026-01-01\nusd = 1.1\n')
    content = f"{header}\n{row}\n".encode()
    land(Lake(lake.root), put(tmp_path / "deals.csv", content), mapping="salesforce_opportunities", now=NOW)
    payloads = lake.scan(tables.Events).filter(event_type="DEAL_WON").collect()["payload"]
    assert [json.loads(payload)["deal_size"] for payload in payloads] == [1100.0]


@pytest.mark.parametrize(
    ("indicator", "conversions"),
    [("actions:onsite_conversion.lead_grouped", 7), ("Estimated ad recall lift (people)", None), ("reach", None)],
)
def test_results_are_conversions_where_their_indicator_speaks_of_none_who_only_saw_it(tmp_path, indicator, conversions):
    header = "Reporting starts,Reporting ends,Campaign name,Ad name,Results,Result indicator,Impressions"
    _, events = made(tmp_path, f"{header}\n2026-09-01,2026-09-01,C,A,7,{indicator},900\n", "meta_ads")
    assert [told.get("conversions") for _, _, told in events] == [conversions, conversions]


def test_an_amount_in_the_name_of_a_column_is_in_its_currency(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    land(lake, put(tmp_path / "ads.csv", META_ADS.encode()), mapping="meta_ads", now=NOW)
    waits = lake.scan(tables.Quarantine).select(pl.col("reasons").list.join("; ")).collect()["reasons"]
    assert len(waits) == 6
    assert all("there is no rate of EUR" in reason for reason in waits)
