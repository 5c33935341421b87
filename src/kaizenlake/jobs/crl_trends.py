"""Is a doer getting better? Its loss by day, over all its runs and by phase, policy and model, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import numpy as np
import polars as pl

from kaizenlake import stats
from kaizenlake.job import job
from kaizenlake.jobs._loss_sums import MICRO, added, known_before, m2, mean, sd
from kaizenlake.jobs.crl_daily import quantile
from kaizenlake.parameters import Evidence, Trends
from kaizenlake.stats import expressions
from kaizenlake.tables import CrlDaily, CrlTrends

CUTS = {"all": pl.lit("all"), "phase": pl.col("phase"), "policy": pl.col("policy_id"), "model": pl.col("model")}
"""By what the runs of a doer are taken apart; a run without the value is in no such part."""

KEYS = ("tenant_id", "doer", "cut", "value")
DAY = (*KEYS, "event_date")
WINDOWS = (7, 30)


@job(reads=(CrlDaily,), writes=CrlTrends, timeless=True)
def crl_trends(
    crl_daily: pl.LazyFrame,
    *,
    as_of: datetime,
    evidence: Evidence = Evidence(),  # noqa: B008 - frozen
    trends: Trends = Trends(),  # noqa: B008 - frozen
) -> pl.LazyFrame:
    """Follow the loss of each doer from day to day, and say where it goes.

    A change sets the last 7 (30) calendar days against the 7 (30) before them. The two intervals of a day hold together
    with the confidence of the settings (Bonferroni), so that a direction, which may come from either, does too; it holds for
    one day that is looked at, not for the worst of many. The alert may be looked at every day: an EWMA control chart whose
    days between false alarms are set. Its baseline is the first days of the doer (phase, policy, model), and stays.
    What is set holds for days that are about normal: set to 370, simulated Beta losses (deviation .15, 20 runs a day) raise a
    false alarm every 314 days.

    Args:
        crl_daily: Sums of losses by day.
        as_of: Days that begin from this instant on do not count.
        evidence: `confidence` of the intervals of a day.
        trends: Half-life of the moving average, and what a direction needs.
    """
    each = 1.0 - (1.0 - evidence.confidence) / len(WINDOWS)
    observed = _days(crl_daily.filter(known_before(as_of)))
    days = observed
    for window in WINDOWS:
        days = days.join(_window(observed, window), on=DAY, how="left", nulls_equal=True).with_columns(
            **_change(window, each)
        )
    moving = pl.map_batches(
        [_series(), pl.col("event_date").to_physical(), pl.col("n"), pl.col("loss_micros")],
        partial(_moving, half_life_days=trends.half_life_days),
        return_dtype=pl.Float64,
    )
    by_week, by_month = (direction(window, trends) for window in WINDOWS)
    return days.with_columns(
        mean_loss=mean(),
        sd_loss=sd(),
        mean_coverage=pl.col("coverage_micros") / (pl.col("n") * MICRO),
        ewma_loss=moving,
        direction=pl.when(by_week != "unclear").then(by_week).otherwise(by_month),
        **_alert(trends),
    ).sort(DAY)


def direction(window: int, trends: Trends) -> pl.Expr:
    """Where the loss goes by the change over a window; unclear with few runs, or where the interval leaves it open.

    Args:
        window: 7 or 30 days.
        trends: `runs`: fewest on either side; `flat_change`: what does not matter.
    """
    low, high = pl.col(f"change_{window}d_ci_low"), pl.col(f"change_{window}d_ci_high")
    enough = (pl.col(f"n_{window}d") >= trends.runs) & (pl.col(f"before_{window}_n") >= trends.runs)
    return (
        pl.when(~enough.fill_null(False) | low.is_null())
        .then(pl.lit("unclear"))
        .when(low >= -trends.flat_change, high <= trends.flat_change)
        .then(pl.lit("flat"))
        .when(high < 0.0)
        .then(pl.lit("improving"))
        .when(low > 0.0)
        .then(pl.lit("degrading"))
        .otherwise(pl.lit("unclear"))
    )


def _alert(trends: Trends) -> dict[str, pl.Expr]:
    chart = pl.map_batches(
        [_series(), pl.col("event_date").rank("ordinal").over(KEYS) - 1, pl.col("n"), mean()],
        partial(_charts, trends=trends),
        return_dtype=pl.Struct({"statistic": pl.Float64, "limit": pl.Float64, "alarm": pl.Boolean}),
    ).struct
    return {
        "alert_statistic": chart.field("statistic"),
        "alert_limit": chart.field("limit"),
        "alert": chart.field("alarm"),
    }


def _series() -> pl.Expr:
    """Code of the series that a row is of, from 0."""
    return pl.struct(KEYS).rank("dense") - 1


def _moving(columns: Sequence[pl.Series], *, half_life_days: float) -> pl.Series:
    """Moving average of the loss of each series: rows of (code of the series, day, runs, loss in millionths) in any order."""
    code, date = (column.cast(pl.Int64).to_numpy() for column in columns[:2])
    runs, loss = (column.cast(pl.Float64).to_numpy() for column in columns[2:])
    found = stats.decayed_sums_by(code, date, runs, loss, half_life_days=half_life_days)
    return pl.Series(np.clip(found.total / (found.n * MICRO), 0.0, 1.0))


def _charts(columns: Sequence[pl.Series], *, trends: Trends) -> pl.Series:
    """Control chart of each series: rows of (code of the series, place of the day in it, runs, mean loss) in any order."""
    code, day, n, loss = (column.to_numpy() for column in columns)
    code, day = code.astype(np.int64), day.astype(np.int64)
    first = trends.baseline_days
    charted = np.flatnonzero(np.bincount(code) > first)
    row = np.full(code.max(initial=-1) + 1, -1)
    row[charted] = np.arange(charted.size)
    here = row[code] >= 0
    values = np.full((charted.size, day.max(initial=-1) + 1), np.nan)
    weights = np.full(values.shape, np.nan)
    at = row[code[here]], day[here]
    values[at], weights[at] = loss[here], n[here]
    chart = stats.ewma_chart(
        values[:, first:],
        stats.chart_baseline(values[:, :first], weights[:, :first]),
        weights[:, first:],
        nights_per_false_alarm=trends.days_per_false_alarm,
    )
    late = here & (day >= first)
    at = row[code[late]], day[late] - first
    statistic, limit, alarm = (np.full(code.size, np.nan) for _ in range(3))
    statistic[late], limit[late] = chart.statistic[at], chart.limit[at[0]]
    alarm[late] = np.where(np.isnan(limit[late]), np.nan, chart.alarm[at])
    found = pl.DataFrame({"statistic": statistic, "limit": limit, "alarm": alarm}).fill_nan(None)
    return found.with_columns(pl.col("alarm").cast(pl.Boolean)).to_struct()


def _days(crl_daily: pl.LazyFrame) -> pl.LazyFrame:
    """Sums and quantiles of each day of each cut, in the order of days."""
    return (
        pl.concat([crl_daily.with_columns(cut=pl.lit(cut), value=value) for cut, value in CUTS.items()])
        .filter(pl.col("value").is_not_null())
        .group_by(*DAY, "bucket")
        .agg(*added(), pl.col("coverage_micros").sum())
        .group_by(DAY)
        .agg(*added(), pl.col("coverage_micros").sum(), p50_loss=quantile(0.50), p95_loss=quantile(0.95))
        .sort(DAY)
    )


def _window(days: pl.LazyFrame, window: int) -> pl.LazyFrame:
    """Sums of the window of days that ends with each day, and of the window before that one."""

    def summed(prefix: str, offset: int) -> pl.LazyFrame:
        return days.rolling("event_date", period=f"{window}d", offset=f"-{offset}d", group_by=KEYS).agg(
            sums.name.prefix(f"{prefix}_{window}_") for sums in added()
        )

    return summed("now", window).join(summed("before", 2 * window), on=DAY, how="left", nulls_equal=True)


def _change(window: int, confidence: float) -> dict[str, pl.Expr]:
    now, before = f"now_{window}_", f"before_{window}_"
    compared = expressions.cautious_difference(
        f"{now}n", mean(now), m2(now), f"{before}n", mean(before), m2(before), confidence
    ).struct
    return {
        f"n_{window}d": pl.col(f"{now}n"),
        f"change_{window}d": mean(now) - mean(before),
        f"change_{window}d_ci_low": compared.field("ci_low"),
        f"change_{window}d_ci_high": compared.field("ci_high"),
    }
