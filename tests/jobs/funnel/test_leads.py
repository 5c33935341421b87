"""What became of each lead, and how far the leads of a month come."""

from datetime import date

import polars as pl
import pytest
from statsmodels.stats.proportion import proportion_confint

from jobs.drawn import day, events, frame, through
from kaizenlake.jobs.funnel.funnel import funnel
from kaizenlake.jobs.funnel.leads import leads
from kaizenlake.parameters import FunnelWindow
from kaizenlake.tables import Acquisition, ProjectSegments

LATER = day(365)


def fold(text, as_of=LATER, segments=()):
    given = {Acquisition: events(Acquisition, text), ProjectSegments: frame(ProjectSegments, segments)}
    return through(leads, given=given, as_of=as_of)


def test_a_lead_has_the_first_instant_of_each_stage_and_its_touches():
    found = fold(
        """
        0  LEAD_CREATED          lead_id=a source=web industry=food
        1  OUTREACH_SENT         lead_id=a channel=email
        2  OUTREACH_SENT         lead_id=a channel=phone
        3  OUTREACH_REPLIED      lead_id=a channel=phone
        4  OUTREACH_REPLIED      lead_id=a channel=phone
        5  LEAD_QUALIFIED        lead_id=a
        6  APPOINTMENT_SCHEDULED lead_id=a
        9  DEAL_WON              lead_id=a pack_sold=launch
        11 OUTREACH_SENT         lead_id=a channel=letter
        """
    ).row(0, named=True)
    stages = ("created_at", "contacted_at", "replied_at", "qualified_at", "appointment_at", "won_at", "lost_at")
    assert [found[name] for name in stages] == [*map(day, (0, 1, 3, 5, 6, 9)), None]
    assert (found["first_touch"], found["last_touch"], found["last_touch_at"]) == ("email", "phone", day(2))
    assert (found["outcome"], found["pack_sold"], found["days_to_close"]) == ("won", "launch", 9.0)
    assert (found["source"], found["industry"], found["client_type"]) == ("web", "food", None)


@pytest.mark.parametrize(
    ("ends", "outcome", "won", "lost"),
    [
        ("", "open", None, None),
        ("3 DEAL_WON lead_id=a\n4 DEAL_WON lead_id=a", "won", 3, None),
        ("3 LEAD_LOST lead_id=a reason=price\n8 DEAL_WON lead_id=a", "won", 8, None),
        ("3 DEAL_WON lead_id=a\n5 LEAD_LOST lead_id=a reason=price\n7 LEAD_LOST lead_id=a", "lost", None, 5),
        ("400 DEAL_WON lead_id=a", "open", None, None),
    ],
    ids=["open", "told twice", "came back", "went away", "after the night"],
)
def test_the_later_of_won_and_lost_counts_from_its_first_word(ends, outcome, won, lost):
    found = fold(f"0 LEAD_CREATED lead_id=a\n{ends}").row(0, named=True)
    assert found["outcome"] == outcome
    assert (found["won_at"], found["lost_at"]) == (won and day(won), lost and day(lost))
    assert found["lost_reason"] == ("price" if lost else None)


def test_the_last_touch_is_before_the_deal_also_where_it_is_told_twice():
    found = fold(
        """
        1  OUTREACH_SENT lead_id=a channel=email
        9  DEAL_WON      lead_id=a
        11 OUTREACH_SENT lead_id=a channel=letter
        20 DEAL_WON      lead_id=a
        """
    ).row(0, named=True)
    assert (found["won_at"], found["last_touch"], found["last_touch_at"]) == (day(9), "email", day(1))


@pytest.mark.parametrize(
    ("story", "days"),
    [
        ("0 LEAD_CREATED lead_id=a\n10.5 DEAL_WON lead_id=a", 10.5),
        ("0 DEAL_WON lead_id=a", None),
        ("0 LEAD_CREATED lead_id=a\n5 LEAD_LOST lead_id=a", None),
    ],
    ids=["created and won", "creation unknown", "lost"],
)
def test_days_to_close_are_from_creation_to_deal(story, days):
    assert fold(story)["days_to_close"].item() == days


def test_days_that_the_deal_tells_count_where_the_creation_is_unknown():
    drawn = events(Acquisition, "9 DEAL_WON lead_id=a").with_columns(
        days_to_close=pl.lit(12.0), deal_size=pl.lit(900.0)
    )
    found = through(leads, given={Acquisition: drawn}, as_of=LATER).row(0, named=True)
    assert (found["days_to_close"], found["deal_size"], found["created_at"]) == (12.0, 900.0, None)


def test_the_segment_of_a_lead_is_its_own_and_else_that_of_its_project():
    segments = [{"project_id": "p", "industry": "health", "client_type": "clinic"}]
    found = fold("0 LEAD_CREATED lead_id=a project_id=p industry=food", segments=segments).row(0, named=True)
    assert (found["industry"], found["client_type"]) == ("food", "clinic")


MONTHS = """
    0  LEAD_CREATED  lead_id=a source=web
    1  OUTREACH_SENT lead_id=a channel=email
    9  DEAL_WON      lead_id=a
    2  LEAD_CREATED  lead_id=b source=web
    5  LEAD_LOST     lead_id=b
    30 LEAD_CREATED  lead_id=c source=web
    31 LEAD_CREATED  lead_id=d source=web
    3  LEAD_CREATED  lead_id=e source=fair
    4  LEAD_QUALIFIED lead_id=f source=web
"""


def count(text, as_of, **settings):
    return through(leads, funnel, given={Acquisition: events(Acquisition, text)}, as_of=as_of, **settings)


def test_leads_are_counted_by_source_and_month_of_creation():
    found = count(MONTHS, LATER)
    shown = found.select("source", "month", "leads", "contacted", "qualified", "won", "lost", "open", "won_rate").rows()
    assert shown == [
        ("fair", date(2026, 1, 1), 1, 0, 0, 0, 0, 1, 0.0),
        ("web", None, 1, 0, 1, 0, 0, 1, None),
        ("web", date(2026, 1, 1), 3, 1, 0, 1, 1, 1, 1 / 3),
        ("web", date(2026, 2, 1), 1, 0, 0, 0, 0, 1, 0.0),
    ]
    low, high = proportion_confint(1, 3, method="wilson")
    web = found.row(2, named=True)
    assert (web["won_rate_low"], web["won_rate_high"]) == pytest.approx((low, high))
    assert web["contacted_rate"] == 1 / 3


@pytest.mark.parametrize(("as_of", "is_over"), [(120.999, False), (121, True)])
def test_a_month_has_rates_once_its_window_is_over(as_of, is_over):
    # January ends with day 31, and 90 days later its window does.
    found = count(MONTHS, day(as_of)).filter(month=date(2026, 1, 1), source="web").row(0, named=True)
    assert found["is_over"] == is_over
    assert (found["won_rate"] is not None) == is_over
    assert found["won"] == 1, "counts are shown at once"
    assert count(MONTHS, day(41), funnel=FunnelWindow(window_days=10)).filter(pl.col("is_over")).height == 2


def test_a_funnel_that_records_won_leads_alone_has_no_won_rate():
    alone = "".join(f"{n} LEAD_CREATED lead_id=l{n} source=web\n{n + 5} DEAL_WON lead_id=l{n}\n" for n in range(20))
    found = count(alone, LATER)
    assert (found["won"].item(), found["won_rate"].item(), found["contacted_rate"].item()) == (20, None, 0.0)
    assert count(alone + "3 LEAD_CREATED lead_id=x source=web", LATER)["won_rate"].item() == 20 / 21


def test_deals_add_up_to_the_cent_and_those_without_a_value_are_told_apart():
    sizes = [0.1, 0.2, 0.7, None]
    rows = [
        {"event_id": f"{kind}{n}", "event_type": kind, "lead_id": f"l{n}", "deal_size": size}
        | {"occurred_at": day(n), "event_date": day(n).date(), "source": "web"}
        for n, size in enumerate(sizes)
        for kind in ("LEAD_CREATED", "DEAL_WON")
    ]
    found = through(leads, funnel, given={Acquisition: frame(Acquisition, rows)}, as_of=LATER).row(0, named=True)
    assert (found["won_value"], found["deals_with_value"], found["won"]) == (1.0, 3, 4)
