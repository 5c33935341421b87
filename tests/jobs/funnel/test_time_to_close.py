"""How long deals take, held against published figures and against statsmodels."""

import random

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from jobs.drawn import day, events, through
from kaizenlake.jobs.funnel.leads import leads
from kaizenlake.jobs.funnel.time_to_close import time_to_close
from kaizenlake.stats.survival.kaplan_meier import time_quantiles
from kaizenlake.tables import Acquisition

REMISSION = ([6, 6, 6, 7, 10, 13, 16, 22, 23], [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35])
"""Weeks of remission under 6-MP, relapsed and censored (Freireich and others 1963), of which the median is 23."""


def test_the_published_median_of_a_censored_sample():
    relapsed, censored = REMISSION
    happened = [1] * len(relapsed) + [0] * len(censored)
    quarter, half, three = time_quantiles([*relapsed, *censored], happened, (0.25, 0.5, 0.75))
    assert (quarter.time, half.time, three.time) == (13.0, 23.0, None)
    assert half.high is None, "so many are censored that the interval has no upper end"


@pytest.mark.parametrize(
    ("times", "happened", "median"),
    [([], [], None), ([5.0, 7.0], [0, 0], None), ([5.0], [1], 5.0), ([0.0, 0.0, 3.0], [1, 1, 0], 0.0)],
    ids=["nobody", "nobody yet", "one", "at once"],
)
def test_samples_at_the_edge_have_a_median_or_none(times, happened, median):
    assert time_quantiles(times, happened, (0.5,))[0].time == median


def compute(text, as_of):
    return through(leads, time_to_close, given={Acquisition: events(Acquisition, text)}, as_of=as_of)


def test_open_leads_wait_until_tonight_and_lost_ones_until_their_loss():
    draw = random.Random(1)
    lines, times, happened = [], [], []
    for number in range(60):
        start, wait = draw.uniform(0, 50), draw.expovariate(1 / 30)
        lines.append(f"{start} LEAD_CREATED lead_id=l{number} source=web")
        if number % 3 == 0:
            lines.append(f"{start + wait} LEAD_LOST lead_id=l{number}")
        elif start + wait < 80:
            lines.append(f"{start + wait} DEAL_WON lead_id=l{number}")
        else:
            wait = 80 - start
        is_over = start + wait < 80
        times.append(wait if is_over else 80 - start)
        happened.append(number % 3 != 0 and is_over)
    lines.append("5 DEAL_WON lead_id=unknown source=web")
    found = compute("\n".join(lines), day(80))
    curve = SurvfuncRight(np.array(times), np.array(happened, dtype=int))
    (whole,) = found.filter(dimension="all").iter_rows(named=True)
    assert (whole["leads"], whole["won"]) == (60, sum(happened))
    assert whole["leads"] == whole["won"] + whole["lost"] + whole["open"]
    assert whole["median_days"] == pytest.approx(curve.quantile(0.5), abs=1e-6)
    assert whole["quarter_days_low"] == pytest.approx(curve.quantile_ci(0.25)[0], abs=1e-6)
    (web,) = found.filter(dimension="source").iter_rows(named=True)
    assert {name: web[name] for name in whole if name not in ("dimension", "value")} == {
        name: figure for name, figure in whole.items() if name not in ("dimension", "value")
    }


def test_a_lead_that_was_created_after_its_deal_is_left_out_and_not_closed_at_once():
    imported = "".join(f"9 LEAD_CREATED lead_id=l{n}\n{n} DEAL_WON lead_id=l{n}\n" for n in range(5))
    found = compute(imported + "0 LEAD_CREATED lead_id=x\n4 DEAL_WON lead_id=x", day(80))
    assert found.select("leads", "won", "median_days").rows() == [(1, 1, 4.0)]
