"""E-mail campaigns, ads and web pages: the figures of a day, those in all, and rates without a denominator."""

import pytest

from jobs.drawn import day, frame, through
from kaizenlake.jobs.channels.ad_days import ad_days
from kaizenlake.jobs.channels.ad_totals import ad_totals
from kaizenlake.jobs.channels.email_campaigns import email_campaigns
from kaizenlake.jobs.channels.email_days import email_days
from kaizenlake.jobs.channels.web_days import web_days
from kaizenlake.jobs.channels.web_pages import web_pages
from kaizenlake.tables import Ads, Email, Web

LATER = day(365)
TYPES = {Email: "EMAIL_CAMPAIGN_RECORDED", Ads: "AD_RECORDED", Web: "WEB_PAGE_RECORDED"}


def records(table, *told):
    """Silver records of one content, each with the day on which it was measured."""
    return frame(
        table,
        [
            {
                "event_id": f"e{place}",
                "event_type": TYPES[table],
                "occurred_at": day(at),
                "event_date": day(at).date(),
                "content_id": "c",
                "brand_id": "b",
            }
            | ({"platform": "meta_ads"} if table is Ads else {})
            | figures
            for place, (at, figures) in enumerate(told)
        ],
    )


def in_all(table, *told):
    jobs = {Email: (email_days, email_campaigns), Ads: (ad_days, ad_totals), Web: (web_days, web_pages)}[table]
    return through(*jobs, given={table: records(table, *told)}, as_of=LATER).row(0, named=True)


def test_totals_replace_and_single_days_add_up():
    once = {"sent": 1000, "bounced": 20, "opened": 300, "clicked": 60, "revenue_usd": 0.1}
    later = {"sent": 1000, "bounced": 20, "opened": 392, "clicked": 98, "revenue_usd": 0.3}
    whole = in_all(Email, (0.5, once), (2.5, later))
    shown = ("sent", "delivered", "opened", "clicked", "revenue_usd", "days", "first_day", "last_day", "brand_id")
    assert [whole[name] for name in shown] == [1000, 980, 392, 98, 0.3, 2, day(0).date(), day(2).date(), "b"]
    assert (whole["open_rate"], whole["click_rate"], whole["click_to_open_rate"]) == (0.4, 0.1, 0.25)
    of_day = {"figures": "of the day"}
    days = in_all(Email, (0.5, once | of_day), (2.5, later | of_day))
    assert [days[name] for name in shown[:5]] == [2000, 1960, 692, 158, 0.4]
    assert (days["open_rate"], days["bounce_rate"]) == (692 / 1960, 40 / 2000)


def test_parts_of_a_day_add_up_and_people_of_several_are_not_known():
    young = {"breakdown": "age=18-24", "spend_usd": 1.1, "impressions": 100, "clicks": 4, "reach": 90, "roas": 3.0}
    old = {"breakdown": "age=25-34", "spend_usd": 2.2, "impressions": 300, "clicks": 2, "reach": 200}
    found = in_all(Ads, (0.5, young), (0.5, old | {"conversions": 1.5, "revenue_usd": 6.6}))
    shown = ("spend_usd", "impressions", "clicks", "conversions", "reach", "roas", "cost_per_click_usd")
    assert [found[name] for name in shown] == [3.3, 400, 6, 1.5, None, 2.0, 3.3 / 6]
    assert (found["click_rate"], found["conversion_rate"]) == (6 / 400, 0.25)


@pytest.mark.parametrize(
    ("table", "told", "unknown"),
    [
        (Email, {"sent": 0, "delivered": 0, "opened": 0, "clicked": 0}, ["open_rate", "click_rate", "bounce_rate"]),
        (Email, {"opened": 5}, ["delivered", "open_rate", "unsubscribe_rate"]),
        (
            Ads,
            {"spend_usd": 0.0, "impressions": 0, "clicks": 0, "conversions": 0.0, "revenue_usd": 0.0, "roas": 4.0},
            ["click_rate", "conversion_rate", "cost_per_click_usd", "cost_per_conversion_usd", "roas"],
        ),
        (Web, {"sessions": 0, "conversions": 0.0, "engaged_sessions": 0}, ["conversion_rate", "engagement_rate"]),
    ],
)
def test_a_rate_without_a_denominator_is_null(table, told, unknown):
    found = in_all(table, (0.5, told))
    assert [found[name] for name in unknown] == [None] * len(unknown)


def test_visits_of_days_add_up_and_their_visitors_do_not():
    told = {"figures": "of the day", "sessions": 40, "conversions": 1.0, "engaged_seconds": 60.5, "visitors": 30}
    found = in_all(Web, (0.5, told), (1.5, told | {"conversions": 2.5}))
    shown = ("sessions", "conversions", "engaged_seconds", "visitors", "conversion_rate", "views")
    assert [found[name] for name in shown] == [80, 3.5, 121.0, None, 3.5 / 80, None]
