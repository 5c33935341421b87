"""Which rates of brands are too low, and what a night makes an alarm."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from jobs.drawn import day, frame, through
from kaizenlake.jobs.feedback.anomalies import anomalies
from kaizenlake.jobs.feedback.performance_snapshots import performance_snapshots
from kaizenlake.tables import Brands, DailyPerformance, EmailDays, Leads, PerformanceSnapshots, WebDays

LATER = day(1000)


def snapshots(counts, brand="b", part="email_opens", of="email_open_of", first=0, tenant=None):
    """One row a day of (part, of); None leaves a day out."""
    return [
        {
            "tenant_id": tenant,
            "brand_id": brand,
            "day": (day(first) + timedelta(days=number)).date(),
            part: float(told[0]),
        }
        | {of: told[1], "leads": 0, "deals_won": 0, "notes": []}
        for number, told in enumerate(counts)
        if told is not None
    ]


def find(*rows, **settings):
    return through(anomalies, given={PerformanceSnapshots: frame(PerformanceSnapshots, rows)}, as_of=LATER, **settings)


def quiet(seed=0, days=70, rate=0.3, shown=2000):
    random = np.random.default_rng(seed)
    return [(int(random.binomial(shown, rate)), shown) for _ in range(days)]


def kinds(found, number):
    return sorted(found.filter(pl.col("day") == day(number).date())["kind"])


@pytest.mark.parametrize(("hits", "broken"), [(199, True), (200, False), (0, True)])
def test_a_floor_is_broken_only_below_it_and_needs_no_history(hits, broken):
    found = find(*snapshots([(hits, 1000)]))
    assert found["kind"].to_list() == (["floor"] if broken else [])
    if broken:
        row = found.to_dicts()[0]
        assert (row["observed"], row["expected_low"], row["expected_high"]) == (hits / 1000, 0.2, None)
        assert row["is_alarm"]


@pytest.mark.parametrize(("hits", "trials", "severity"), [(0, 3, "low"), (100, 1000, "high"), (60, 1000, "critical")])
def test_what_chance_explains_is_of_low_severity_however_far_below(hits, trials, severity):
    assert find(*snapshots([(hits, trials)]))["severity"].to_list() == [severity]


def test_each_channel_has_its_floor():
    rows = [
        *snapshots([(39, 1000)], part="email_clicks", of="email_click_of"),
        *snapshots([(29, 1000)], brand="c", part="instagram_engagements", of="instagram_engagement_of"),
        *snapshots([(9, 1000)], brand="d", part="website_conversions", of="website_conversion_of"),
    ]
    assert find(*rows)["metric"].to_list() == [
        "email_click_rate",
        "instagram_engagement_rate",
        "website_conversion_rate",
    ]


def test_a_floor_is_an_alarm_on_the_first_night_of_its_episode():
    low, fine = (10, 100), (50, 100)
    found = find(*snapshots([low, low, *[fine] * 6, low, *[fine] * 7, low]))
    assert found.select((pl.col("day") - day(0).date()).dt.total_days(), "is_alarm").rows() == [
        (0, True),
        (1, False),
        (8, False),
        (16, True),
    ]
    assert found["episode_start"].to_list() == [day(0).date()] * 3 + [day(16).date()]


def test_a_dip_is_found_on_its_night_and_is_an_alarm_where_chance_hardly_makes_it():
    told = quiet()
    told[60] = (420, 2000)
    found = find(*snapshots(told))
    row = found.filter(pl.col("day") == day(60).date(), kind="dip").to_dicts()[0]
    assert row["is_alarm"]
    assert row["severity"] == "critical"
    assert row["observed"] < row["expected_low"] < 0.3 < row["expected_high"]
    assert row["p_value"] < 1e-6
    assert "21.0% (420 of 2000)" in row["evidence"]
    assert found.filter(pl.col("is_alarm"))["day"].n_unique() <= 3


def test_a_shift_is_found_by_the_days_since_it_began():
    random = np.random.default_rng(4)
    told = quiet(days=77)
    told[63:] = [(int(random.binomial(2000, 0.268)), 2000) for _ in range(14)]
    found = find(*snapshots(told)).filter(kind="shift")
    assert found["day"].min() > day(62).date()
    assert day(63).date() <= found["day"].min() <= day(69).date()
    last = found.to_dicts()[-1]
    assert last["observed"] < last["expected_low"]


def test_an_unusual_volume_is_told_and_nothing_is_said_of_the_rate():
    told = quiet()
    told[60] = (1, 200)
    found = find(*snapshots(told))
    assert kinds(found, 60) == ["volume"]
    row = found.filter(kind="volume").to_dicts()[0]
    assert (row["observed"], row["successes"], row["is_alarm"]) == (200.0, None, False)
    assert row["expected_low"] > 1000


@pytest.mark.parametrize(("weeks", "has_verdict"), [(3, False), (4, True)])
def test_fewer_than_four_past_values_of_a_weekday_make_no_verdict(weeks, has_verdict):
    told = [*quiet(days=7 * weeks), (300, 2000), (1000, 90000)]
    found = find(*snapshots(told)).filter(pl.col("kind") != "floor")
    assert (found.height > 0) == has_verdict


def test_alarms_are_those_inside_the_budget_of_the_night_and_no_more_than_so_many():
    rows = []
    for number in range(20):
        told = quiet(seed=number)
        if number < 14:
            told[60] = (300 + number, 2000)
        rows += snapshots(told, brand=f"b{number:02}", tenant="t" if number % 2 else None)
    alarms = find(*rows).filter(pl.col("day") == day(60).date(), pl.col("is_alarm"), pl.col("kind") == "dip")
    assert alarms["brand_id"].n_unique() == 14, "seven of each tenant"
    one = [row | {"tenant_id": None} for row in rows]
    kept = find(*one).filter(pl.col("day") == day(60).date(), pl.col("is_alarm"), pl.col("kind") != "floor")
    assert kept.height == 10


def test_later_days_change_no_earlier_finding():
    told = quiet(days=80)
    told[50] = (420, 2000)
    whole = find(*snapshots(told)).filter(pl.col("day") < day(60).date())
    assert whole.equals(find(*snapshots(told[:60])))


def performed(content, platform, at=0, **columns):
    return {
        "content_id": content,
        "platform": platform,
        "performed_on": day(at).date(),
        "event_date": day(at).date(),
        "figures": "of the day",
        "brand_id": "b",
    } | columns


def snap(*, daily=(), email=(), web=(), brands=(), leads=()):
    given = {
        DailyPerformance: frame(DailyPerformance, daily),
        EmailDays: frame(EmailDays, email),
        WebDays: frame(WebDays, web),
        Brands: frame(Brands, brands),
        Leads: frame(Leads, leads),
    }
    return through(performance_snapshots, given=given, as_of=LATER)


def test_a_day_of_a_brand_adds_up_its_contents_and_every_rate_is_over_impressions():
    found = snap(
        daily=[
            performed("m1", "email", impressions=600, opens=200, clicks=20),
            performed("m2", "Email", impressions=400, opens=100),
            performed("p", "instagram", impressions=1000, engagements=1200),
            performed("s", "website", impressions=500, clicks=10, conversions=5.5),
            performed("x", "tiktok", impressions=500, clicks=10),
        ]
    ).to_dicts()[0]
    assert (found["email_opens"], found["email_open_of"], found["email_open_rate"]) == (300.0, 1000, 0.3)
    assert (found["email_clicks"], found["email_click_of"]) == (20.0, 600)
    # More engagements than impressions tell of no rate.
    assert found["instagram_engagement_rate"] is None
    assert found["notes"] == [
        "instagram engagement: records left out, as they tell more than was delivered, shown or visited: 1."
    ]
    assert found["website_conversion_rate"] == pytest.approx(0.011)


def test_a_content_that_its_family_tells_counts_by_that_alone():
    found = snap(
        daily=[performed("m", "email", impressions=10, opens=9), performed("n", "email", impressions=90, opens=9)],
        email=[performed("m", None, delivered=10, opened=4, clicked=1)],
        web=[performed("m", None, sessions=50, conversions=2.0)],
    ).to_dicts()[0]
    assert (found["email_opens"], found["email_open_of"]) == (13.0, 100)
    assert (found["email_clicks"], found["email_click_of"]) == (1.0, 10)
    assert (found["website_conversions"], found["website_conversion_of"]) == (2.0, 50)


def test_records_of_all_since_publication_count_by_what_they_add():
    told = [
        performed("p", "instagram", at, impressions=100 * at, engagements=10 * at, figures="total so far")
        for at in (1, 2, 4)
    ]
    found = snap(daily=told)
    assert found.select("instagram_engagement_of", "instagram_engagements").rows() == [
        (100, 10.0),
        (100, 10.0),
        (200, 20.0),
    ]


def test_a_record_without_a_brand_is_of_the_one_whose_description_names_its_project():
    brands = [{"brand_id": "b", "projects": ["p", "q"]}, {"brand_id": "c", "projects": ["q"]}]
    plain = {"brand_id": None, "impressions": 100, "opens": 30}
    found = snap(
        daily=[performed("m", "email", project_id="p", **plain), performed("n", "email", project_id="q", **plain)],
        brands=brands,
        leads=[{"project_id": "p", "lead_id": "l", "created_at": day(0), "won_at": day(3)}],
    )
    assert found.select("brand_id", "email_open_of", "leads", "deals_won").rows() == [
        ("b", 100, 1, 0),
        ("b", None, 0, 1),
    ]


def test_nothing_delivered_has_no_rate_and_a_note():
    found = snap(daily=[performed("m", "email", impressions=0, opens=0)]).to_dicts()[0]
    assert found["email_open_rate"] is None
    assert found["notes"] == ["email open: nothing was delivered, shown or visited."]
