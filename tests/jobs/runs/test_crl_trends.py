"""Losses by day and over time: sums that merge, quantiles, windows, directions, and the false alarms of the chart."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.drawn import day, frame
from kaizenlake import tables
from kaizenlake.jobs.runs._loss_sums import add_sums, m2, mean, micros, sd, sums_of
from kaizenlake.jobs.runs.crl_daily import bucket, crl_daily, quantile
from kaizenlake.jobs.runs.crl_trends import crl_trends
from kaizenlake.parameters import EvidenceNeeds, Trends
from kaizenlake.tables import Crl, CrlDaily, CrlTrends
from stats.larger_error import clustered_interval, larger_interval

LATER = day(5_000)


def losses(rows, **same):
    """One run of a doer each: (day, loss), or (day, loss, what else it tells)."""
    drawn = [
        {
            "run_id": f"r{number}",
            "doer": "planner",
            "occurred_at": day(at + 0.5),
            "event_date": day(at).date(),
            "loss": loss,
            "coverage": 0.0 if loss is None else 0.5,
        }
        | (more[0] if more else {})
        for number, (at, loss, *more) in enumerate(rows)
    ]
    return frame(Crl, drawn, **same)


def daily(rows, as_of=LATER, **same):
    return tables.check(CrlDaily, crl_daily(losses(rows, **same), as_of=as_of).collect())


def trends_of(days, as_of=LATER, **groups):
    made = crl_trends(days.lazy(), as_of=as_of, **groups).collect()
    return tables.check(CrlTrends, made).sort("doer", "cut", "value", "event_date")


def followed(rows, as_of=LATER, **groups):
    return trends_of(daily(rows), as_of, **groups).filter(cut="all")


def test_the_runs_of_a_day_are_added_up_by_bucket():
    rows = [(0, 0.101), (0, 0.104), (0, 0.5), (0, None), (1, 0.1), (0, 1.0, {"model": "m"})]
    kept = daily(rows).sort("event_date", "model", "bucket")
    columns = ("event_date", "model", "bucket", "runs", "n", "loss_micros", "square_high", "square_low")
    first, second = day(0).date(), day(1).date()
    assert kept.select(columns).rows() == [
        (first, None, None, 1, 0, 0, 0, 0),
        # .101² + .104² in squared millionths: 10,201 and 10,816 millions
        (first, None, 20, 2, 2, 205_000, 21_017, 0),
        (first, None, 100, 1, 1, 500_000, 250_000, 0),
        (first, "m", 199, 1, 1, 1_000_000, 1_000_000, 0),
        (second, None, 20, 1, 1, 100_000, 10_000, 0),
    ]
    assert kept["coverage_micros"].to_list() == [0, 1_000_000, 500_000, 500_000, 500_000]
    assert daily(rows, as_of=day(0.5)).is_empty()


@pytest.mark.parametrize(
    ("loss", "expected"), [(0.0, 0), (0.0049, 0), (0.005, 1), (0.5, 100), (0.9999, 199), (1.0, 199), (None, None)]
)
def test_bucket(loss, expected):
    assert pl.DataFrame({"loss": [loss]}, schema={"loss": pl.Float64}).select(bucket(pl.col("loss"))).item() == expected


some_losses = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@settings(max_examples=60)
@given(parts=st.lists(some_losses, min_size=1, max_size=4))
def test_sums_of_days_add_up_to_the_sums_of_all_runs(parts):
    whole = pl.DataFrame({"loss": [loss for part in parts for loss in part]}).select(**sums_of(pl.col("loss")))
    each = pl.concat([pl.DataFrame({"loss": part}).select(**sums_of(pl.col("loss"))) for part in parts])
    assert each.select(add_sums()).rows() == whole.rows()
    exact = np.array([round(loss * 1e6) for part in parts for loss in part])
    found = whole.select(n="n", mean=mean(), m2=m2(), sd=sd()).row(0, named=True)
    assert found["mean"] == pytest.approx(exact.mean() / 1e6, rel=1e-12)
    assert found["m2"] == pytest.approx(((exact - exact.mean()) ** 2).sum() / 1e12, rel=1e-9, abs=1e-24)
    if len(exact) > 1:
        assert found["sd"] == pytest.approx(exact.std(ddof=1) / 1e6, rel=1e-9, abs=1e-12)
    else:
        assert found["sd"] is None


def test_equal_losses_have_no_spread_at_all_however_many():
    # A hundred million runs of one loss: in floats the sum of squares less the squared sum is noise here.
    n, loss = 100_000_000, 0.7300001
    square = round(loss * 1e6) ** 2
    sums = pl.DataFrame(
        {
            "n": [n],
            "loss_micros": [n * round(loss * 1e6)],
            "square_high": [n * (square // 10**6)],
            "square_low": [n * (square % 10**6)],
        }
    )
    assert sums.select(m2()).item() == 0.0
    assert sums.select(mean()).item() == pytest.approx(0.73)
    none = sums.select(pl.all() * 0).select(mean=mean(), m2=m2(), sd=sd())
    assert none.row(0) == (None, None, None)


@settings(max_examples=60)
@given(values=some_losses, share=st.sampled_from((0.5, 0.95)))
def test_a_quantile_lies_within_a_bucket_of_the_true_one(values, share):
    micro = [round(value * 1e6) for value in values]
    days = (
        pl.DataFrame({"loss": values, "loss_micros": micro})
        .group_by(bucket=bucket(pl.col("loss")))
        .agg(pl.col("loss_micros").sum(), n=pl.len())
    )
    found = days.select(quantile(share)).item()
    true = np.quantile(values, share, method="inverted_cdf")
    assert abs(found - true) <= 1 / 200 + 1e-6
    assert min(micro) / 1e6 <= found <= max(micro) / 1e6 + 1e-15, "a quantile beyond the largest loss is none"


def test_a_quantile_of_equal_losses_is_that_loss():
    """The upper end of a bucket of .40 would be .405, which no run lost."""
    days = daily([(0, 0.4)] * 9 + [(0, 0.2)])
    assert days.select(quantile(0.95)).item() == 0.4
    assert days.select(quantile(0.05)).item() == 0.2


def test_figures_of_a_day():
    rows = [(0, loss / 100) for loss in (10, 20, 30, 40)] + [(0, None)]
    (row,) = followed(rows).iter_rows(named=True)
    assert (row["n"], row["mean_loss"], row["mean_coverage"]) == (4, 0.25, 0.5)
    assert row["sd_loss"] == pytest.approx(np.std([0.1, 0.2, 0.3, 0.4], ddof=1))
    assert row["p50_loss"] == pytest.approx(0.2)
    assert row["p95_loss"] == pytest.approx(0.40)
    assert (row["change_7d"], row["direction"], row["alert"]) == (None, "unclear", None)


def test_the_runs_of_a_doer_are_cut_by_phase_policy_and_model():
    found = trends_of(
        daily(
            [
                (0, 0.2, {"phase": "draft", "policy_id": "p", "model": "a"}),
                (0, 0.4, {"phase": "final", "policy_id": "p", "model": "a"}),
                (0, 0.9, {}),
                (0, 0.7, {"doer": "coder", "model": "a"}),
                (1, None, {"phase": "draft"}),
            ]
        )
    )
    rounded = found.select("doer", "cut", "value", "n", pl.col("mean_loss").round(6))
    assert rounded.rows() == [
        ("coder", "all", "all", 1, 0.7),
        ("coder", "model", "a", 1, 0.7),
        ("planner", "all", "all", 3, 0.5),
        ("planner", "model", "a", 2, 0.3),
        ("planner", "phase", "draft", 1, 0.2),
        ("planner", "phase", "final", 1, 0.4),
        ("planner", "policy", "p", 2, 0.3),
    ]


def test_windows_are_calendar_days_and_do_not_overlap():
    # Of day 20, the last 7 days are 14 to 20 and the 7 before them 7 to 13; the last 30 are all there is.
    rows = [(6, 1.0), (7, 0.1), (7, 0.3), (13, 0.5), (14, 0.4), (20, 0.6), (20, 0.5)]
    last = followed(rows).row(-1, named=True)
    assert (last["n_7d"], last["n_30d"]) == (3, 7)
    assert last["change_7d"] == pytest.approx(0.5 - 0.3)
    assert (last["change_30d"], last["change_30d_ci_low"]) == (None, None)
    # Bonferroni: each of the two intervals at 97.5 %, so that both hold together at 95 %.
    expected = clustered_interval([[0.4], [0.6, 0.5]], [[0.1, 0.3], [0.5]], 0.975)
    assert (last["change_7d_ci_low"], last["change_7d_ci_high"]) == pytest.approx(expected)
    month = followed([(at + 30, 0.5 + at / 100) for at in range(30)] + [(at, 0.2) for at in range(30)]).row(
        -1, named=True
    )
    assert (month["n_30d"], month["change_30d"]) == (30, pytest.approx(0.645 - 0.2))


@pytest.mark.parametrize("slow", [0, 7])
def test_a_slow_week_without_a_failure_is_no_news(slow):
    """Of runs that fail one time in ten, ten in a row that do not are nothing, although they do not vary at all."""
    busy = 7 - slow
    rows = [(busy + run % 7, float(run % 10 == 0)) for run in range(190)] + [(slow + run % 7, 0.0) for run in range(10)]
    last = followed(rows).row(-1, named=True)
    assert (last["direction"], abs(last["change_7d"])) == ("unclear", pytest.approx(0.1))
    assert last["change_7d_ci_low"] < 0.0 < last["change_7d_ci_high"]


def test_runs_of_one_day_are_less_than_independent():
    """Days of sd .05 and 40 runs each: taken for independent, the runs would say twice what their days can."""
    rng = np.random.default_rng(7)
    days = [np.clip(0.3 + 0.05 * rng.standard_normal() + 0.02 * rng.standard_normal(40), 0, 1) for _ in range(14)]
    last = followed([(at, loss) for at, day_ in enumerate(days) for loss in day_]).row(-1, named=True)
    found = (last["change_7d_ci_low"], last["change_7d_ci_high"])
    assert found == pytest.approx(clustered_interval(days[7:], days[:7], 0.975), abs=1e-5)
    low, high = larger_interval(np.concatenate(days[7:]), np.concatenate(days[:7]), 0.975)
    assert found[1] - found[0] > 2 * (high - low)


@pytest.mark.parametrize(
    ("before", "now", "runs", "expected"),
    [
        ((0.50, 0.52), (0.30, 0.32), 10, "improving"),
        ((0.30, 0.32), (0.50, 0.52), 10, "unclear"),  # a rise is for the chart alone to tell
        ((0.300, 0.301), (0.300, 0.301), 10, "flat"),
        ((0.300, 0.301), (0.305, 0.306), 10, "flat"),  # a change, but too small to matter
        ((0.10, 0.90), (0.12, 0.95), 10, "unclear"),  # too wide an interval
        ((0.50, 0.52), (0.30, 0.32), 8, "unclear"),  # too few runs
        ((0.50, 0.50), (0.50, 0.50), 10, "unclear"),  # no spread, so no interval
        ((), (0.30, 0.32), 10, "unclear"),  # nothing to compare with
    ],
)
def test_direction(before, now, runs, expected):
    rows = [(at + run // 2 % 3, loss[run % 2]) for at, loss in ((3, before), (10, now)) if loss for run in range(runs)]
    assert followed(rows).row(-1, named=True)["direction"] == expected


def test_of_one_day_on_a_side_no_error_is_known():
    rows = [(3, loss) for loss in (0.50, 0.52) * 5] + [(10, loss) for loss in (0.30, 0.32) * 5]
    last = followed(rows).row(-1, named=True)
    assert (last["direction"], last["change_7d_ci_low"]) == ("unclear", None)


def test_where_the_week_is_unclear_the_month_decides():
    rows = [(at, 0.6 + 0.01 * (run % 2)) for at in range(0, 30, 5) for run in range(4)]
    rows += [(at, 0.3 + 0.01 * (run % 2)) for at in (30, 35, 40, 59) for run in range(4)]
    last = followed(rows).row(-1, named=True)
    assert (last["change_7d"], last["direction"]) == (None, "improving")


def test_the_moving_average_forgets_by_its_half_life_and_weighs_days_by_their_runs():
    rows = [(0, 0.8)] * 3 + [(7, 0.2)]
    found = followed(rows, trends=Trends(half_life_days=7))["ewma_loss"].to_list()
    # A half-life later, the three runs of old count half: (3 * .8 + .2) / (3 + 1).
    assert found == [pytest.approx(0.8), pytest.approx(0.65)]
    quick = followed(rows, trends=Trends(half_life_days=1))["ewma_loss"].to_list()
    assert quick[1] < 0.25


def test_days_from_as_of_on_do_not_count():
    found = followed([(0, 0.1), (1, 0.2), (2, 0.3)], as_of=day(2))
    assert found["mean_loss"].to_list() == [0.1, 0.2]


def simulated(rng, doers, nights, runs=20, shift=0.0, since=0):
    """Sums of days as `crl_daily` makes them, of doers whose losses are Beta with a mean of .3 and a deviation of .15."""
    mean_loss, common = 0.3, 0.3 * 0.7 / 0.15**2 - 1
    drawn = rng.beta(mean_loss * common, (1 - mean_loss) * common, size=(doers, nights, runs))
    drawn[:, since:] = np.clip(drawn[:, since:] + shift, 0, 1)
    whole = np.rint(drawn * 1e6).astype(np.int64)
    squares = whole**2
    figures = {
        "event_date": [day(night).date() for night in range(nights)] * doers,
        "doer": np.char.add("doer-", np.arange(doers).repeat(nights).astype(str)).tolist(),
        "bucket": 0,
        "runs": runs,
        "n": runs,
        "loss_micros": whole.sum(axis=2).ravel(),
        "square_high": (squares // 10**6).sum(axis=2).ravel(),
        "square_low": (squares % 10**6).sum(axis=2).ravel(),
        "coverage_micros": runs * 10**6,
    }
    dtypes = tables.schema(CrlDaily)
    # What they do not tell is null.
    drawn = pl.DataFrame(figures).with_columns(pl.lit(None).alias(name) for name in dtypes if name not in figures)
    return drawn.select(dtypes.names()).cast(dict(dtypes))


def test_the_chart_begins_after_its_baseline_and_false_alarms_are_rare():
    doers, nights = 150, 230
    found = trends_of(simulated(np.random.default_rng(1), doers, nights))
    charted = found.filter(pl.col("alert").is_not_null())
    assert charted.height == doers * (nights - 30)
    assert found.group_by("doer").agg(pl.col("alert").head(30).is_null().all())["alert"].all()
    assert charted["alert"].sum() < charted.height / 200
    often = trends_of(simulated(np.random.default_rng(1), doers, nights), trends=Trends(days_per_false_alarm=30))
    assert often["alert"].sum() > 5 * charted["alert"].sum()


def test_a_rise_is_soon_alerted_and_a_fall_never():
    # A deviation of a day's mean is .15 / sqrt(20) = .034; the loss moves by three of it, or falls by as much.
    for shift, alerted in ((0.1, 0.95), (-0.1, None)):
        days = simulated(np.random.default_rng(2), 60, 37, shift=shift, since=30)
        found = trends_of(days).group_by("doer").agg(pl.col("alert").any())["alert"]
        assert found.mean() >= alerted if alerted else found.mean() == 0.0


def test_what_the_chart_shows_agrees_with_what_it_says():
    days = simulated(np.random.default_rng(4), 40, 60, shift=0.08, since=45)
    charted = trends_of(days).filter(pl.col("alert").is_not_null())
    assert charted["alert"].any()
    assert not charted["alert"].all()
    assert (charted["alert"] == (charted["alert_statistic"] > charted["alert_limit"])).all()
    assert (charted["alert"] == (charted["rise_ci_low"] > 0)).all()
    near = (charted["rise"] - (charted["level_loss"] - charted["baseline_loss"])).abs()
    assert near.max() < 1e-12
    assert (charted["rise_ci_low"] <= charted["rise"]).all()
    assert (charted["rise"] <= charted["rise_ci_high"]).all()


def test_a_doer_is_degrading_by_its_chart_alone_and_for_a_week_after_an_alarm():
    found = trends_of(simulated(np.random.default_rng(5), 60, 75, shift=0.1, since=50))
    dated = found.with_columns(
        age=(pl.col("event_date") - pl.col("last_alarm")).dt.total_days(),
        is_degrading=pl.col("direction") == "degrading",
    )
    assert (dated["is_degrading"] == (dated["age"] < 7).fill_null(value=False)).all()
    assert (dated["is_degrading"] == dated["degrading_since"].is_not_null()).all()
    first = dated.filter("is_degrading").group_by("doer", "degrading_since").agg(pl.col("event_date").min())
    assert (first["degrading_since"] == first["event_date"]).all(), "an episode begins with its first alarm"
    assert dated.filter(event_date=day(74).date())["is_degrading"].mean() > 0.9, "what stays bad stays told"


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_a_baseline_without_any_variation_has_a_chart_too(level):
    rows = [(at, level) for at in range(40) for _ in range(5)]
    calm = followed(rows)
    assert calm["alert"].tail(10).to_list() == [False] * 10
    worse = followed(rows + [(at, level + 0.5) for at in (40, 41) for _ in range(5)])
    assert worse["alert"].to_list()[-1] is True


def test_one_failure_after_a_month_without_any_is_no_alarm():
    """Of one run a day that fails one time in fifty, a month without a failure is no promise."""
    quiet = [(at, 0.0) for at in range(45)]
    assert followed([*quiet, (45, 1.0)])["alert"].to_list()[-1] is False
    assert followed([*quiet, (45, 1.0), (46, 1.0), (47, 1.0)])["alert"].to_list()[-1] is True


def test_a_direction_is_seldom_wrong_where_nothing_changes():
    found = trends_of(simulated(np.random.default_rng(3), 600, 60), trends=Trends(flat_change=0.0))
    last = found.filter(event_date=day(59).date())
    assert last.height == 600
    wrong = last["direction"].is_in(["improving", "degrading"]).mean()
    assert wrong <= 0.05 + 3 * (0.05 * 0.95 / 600) ** 0.5
    sure = trends_of(simulated(np.random.default_rng(3), 600, 60), evidence=EvidenceNeeds(confidence=0.6),
                     trends=Trends(flat_change=0.0)).filter(event_date=day(59).date())  # fmt: skip
    assert sure["direction"].is_in(["improving", "degrading"]).mean() > wrong


def test_micros_round_to_the_nearest():
    figures = pl.DataFrame({"loss": [0.0, 0.1234567, 1.0, None]}, schema={"loss": pl.Float64})
    assert figures.select(micros(pl.col("loss"))).to_series().to_list() == [0, 123_457, 1_000_000, None]
