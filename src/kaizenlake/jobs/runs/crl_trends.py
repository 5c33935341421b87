"""Is a doer getting better? Its loss by day, over all its runs and by phase, policy and model, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import polars as pl

from kaizenlake import stats
from kaizenlake.job import job
from kaizenlake.jobs.runs._day_clusters import ALL_SUMS, difference_interval, sums_of_day
from kaizenlake.jobs.runs._loss_sums import MICRO, add_sums, is_known_before, m2, mean, sd
from kaizenlake.jobs.runs.crl_daily import quantile
from kaizenlake.parameters import EvidenceNeeds, Trends
from kaizenlake.tables import CrlDaily, CrlTrends

CUTS = {"all": pl.lit("all"), "phase": pl.col("phase"), "policy": pl.col("policy_id"), "model": pl.col("model")}
"""By what the runs of a doer are taken apart; a run without the value is in no such part."""

KEYS = ("tenant_id", "doer", "cut", "value")
DAY = (*KEYS, "event_date")
WINDOWS = (7, 30)

EPISODE_DAYS = 7
"""Days for which a doer is degrading after an alarm; alarms that are not further apart are one episode."""

CHARTED = ("level_loss", "baseline_loss", "rise_ci_low", "rise_ci_high", "alert_statistic", "alert_limit")
"""Columns that the control chart fills."""

_TOGETHER = 1_024
"""Series that are laid side by side, so that one of many days makes the others no longer."""


@job(reads=(CrlDaily,), writes=CrlTrends, timeless=True)
def crl_trends(
    crl_daily: pl.LazyFrame,
    *,
    as_of: datetime,
    evidence: EvidenceNeeds = EvidenceNeeds(),
    trends: Trends = Trends(),
) -> pl.LazyFrame:
    """Follow the loss of each doer from day to day, and say where it goes.

    A change sets the last 7 (30) calendar days against the 7 (30) before them, with errors clustered by day. The two intervals
    of a day hold together with the confidence of the settings (Bonferroni); they hold for one day that is looked at, not for
    the worst of many. Degrading is said by one rule alone, which may be looked at every day: a control chart of the mean of the
    last 7 days against a baseline, whose days between false alarms are set. A doer is degrading from the day of an alarm for
    7 days; alarms that are not further apart are one episode.

    Args:
        crl_daily: Sums of losses by day.
        as_of: Days that begin from this instant on do not count.
        evidence: `confidence` of the intervals of a day.
        trends: Half-life of the moving average, and what a direction needs.
    """
    each = 1.0 - (1.0 - evidence.confidence) / len(WINDOWS)
    observed = _days(crl_daily.filter(is_known_before(as_of)))
    days = observed
    for window in WINDOWS:
        days = days.join(_select_window(observed, window), on=DAY, how="left", nulls_equal=True).with_columns(
            **_compute_change(window, each)
        )
    moving = pl.map_batches(
        [_compute_series(), pl.col("event_date").to_physical(), pl.col("n"), pl.col("loss_micros")],
        partial(_select_moving, half_life_days=trends.half_life_days),
        return_dtype=pl.Float64,
    )
    charted = days.with_columns(
        mean_loss=mean(),
        sd_loss=sd(),
        mean_coverage=pl.col("coverage_micros") / (pl.col("n") * MICRO),
        ewma_loss=moving,
    ).with_columns(**_compute_chart(trends))
    return _select_episodes(charted).with_columns(direction=_compute_direction(trends)).sort(DAY)


def _compute_direction(trends: Trends) -> pl.Expr:
    """Return the degrading while an episode of the chart lasts; else by the change over 7 days, or where that is unclear over 30."""
    by_week, by_month = (direction(window, trends) for window in WINDOWS)
    return (
        pl.when(pl.col("degrading_since").is_not_null())
        .then(pl.lit("degrading"))
        .when(by_week != "unclear")
        .then(by_week)
        .otherwise(by_month)
    )


def direction(window: int, trends: Trends) -> pl.Expr:
    """Return whether the change over a window says improving or flat; unclear with few runs, or where its interval says neither.

    Args:
        window: 7 or 30 days.
        trends: `runs`: fewest on either side; `flat_change`: what does not matter.
    """
    low, high = pl.col(f"change_{window}d_ci_low"), pl.col(f"change_{window}d_ci_high")
    enough = (pl.col(f"n_{window}d") >= trends.runs) & (pl.col(f"before_{window}_n") >= trends.runs)
    return (
        pl.when(~enough.fill_null(value=False) | low.is_null())
        .then(pl.lit("unclear"))
        .when(low >= -trends.flat_change, high <= trends.flat_change)
        .then(pl.lit("flat"))
        .when(high < 0.0)
        .then(pl.lit("improving"))
        .otherwise(pl.lit("unclear"))
    )


def is_recent(as_of: datetime) -> pl.Expr:
    """Return rows of days so late that a doer that was degrading then still counts as degrading, by `event_date`."""
    return pl.col("event_date") >= (as_of - timedelta(days=EPISODE_DAYS)).date()


def _compute_chart(trends: Trends) -> dict[str, pl.Expr]:
    """Return the control chart of each series."""
    columns = {name: pl.Float64() for name in CHARTED}
    first_day = pl.col("event_date").min().over(KEYS)
    chart = pl.map_batches(
        [_compute_series(), (pl.col("event_date") - first_day).dt.total_days(), pl.col("n"), mean(), m2()],
        partial(_select_charts, trends=trends),
        return_dtype=pl.Struct(columns),
    ).struct
    return {
        **{name: chart.field(name) for name in columns},
        "rise": chart.field("level_loss") - chart.field("baseline_loss"),
        "alert": chart.field("alert_statistic") > chart.field("alert_limit"),
    }


def _select_episodes(charted: pl.LazyFrame) -> pl.LazyFrame:
    """Add the latest alarm of each day, and since when the episode lasts that it belongs to."""

    def latest(day: pl.Expr) -> pl.Expr:
        return day.forward_fill().over(KEYS, order_by="event_date")

    day, alarm = pl.col("event_date"), pl.col("alert").fill_null(value=False)
    last = latest(pl.when(alarm).then(day))
    before = pl.col("last_alarm").shift(1).over(KEYS, order_by="event_date")
    begins = alarm & ((day - before).dt.total_days() > EPISODE_DAYS).fill_null(value=True)
    lasts = (day - pl.col("last_alarm")).dt.total_days() < EPISODE_DAYS
    return (
        charted.with_columns(last_alarm=last)
        .with_columns(begun=latest(pl.when(begins).then(day)))
        .with_columns(degrading_since=pl.when(lasts).then("begun"))
    )


def _compute_series() -> pl.Expr:
    """Return the code of the series that a row is of, from 0."""
    return pl.struct(KEYS).rank("dense") - 1


def _select_moving(columns: Sequence[pl.Series], *, half_life_days: float) -> pl.Series:
    """Return the moving average of the loss of each series: rows of (code of the series, day, runs, loss in millionths) in any order."""
    code, date = (column.cast(pl.Int64).to_numpy() for column in columns[:2])
    runs, loss = (column.cast(pl.Float64).to_numpy() for column in columns[2:])
    found = stats.decayed_sums_by(code, date, runs, loss, half_life_days=half_life_days)
    return pl.Series(np.clip(found.total / (found.n * MICRO), 0.0, 1.0))


def _select_charts(columns: Sequence[pl.Series], *, trends: Trends) -> pl.Series:
    """Return the control chart of each series: rows of (its code, days since its first, runs, mean loss, m2) in any order."""
    code, day = (column.cast(pl.Int64).to_numpy() for column in columns[:2])
    figures = [column.cast(pl.Float64).to_numpy() for column in columns[2:]]
    found = {name: np.full(code.size, np.nan) for name in CHARTED}
    # A series that has no chart yet needs no place, and those of about one length lie side by side.
    length = np.zeros(code.max(initial=-1) + 1, dtype=np.int64)
    np.maximum.at(length, code, day + 1)
    charted = np.flatnonzero(np.bincount(code, minlength=length.size) > trends.baseline_days)
    charted = charted[np.argsort(length[charted], kind="stable")]
    for at in range(0, charted.size, _TOGETHER):
        part = charted[at : at + _TOGETHER]
        row = np.full(length.size, -1)
        row[part] = np.arange(part.size)
        here = np.flatnonzero(row[code] >= 0)
        place = row[code[here]], day[here]
        grids = []
        for figure in figures:
            grid = np.zeros((part.size, int(length[part].max())))
            grid[place] = figure[here]
            grids.append(grid)
        runs, mean_loss, spread = grids
        chart = stats.drift_chart(
            mean_loss,
            runs,
            spread,
            baseline_days=trends.baseline_days,
            days_per_false_alarm=float(trends.days_per_false_alarm),
            smallest_rise=float(trends.flat_change),
        )
        parts = (chart.level, chart.baseline, chart.ci_low, chart.ci_high, chart.statistic, chart.limit)
        for name, values in zip(CHARTED, parts, strict=True):
            found[name][here] = values[place]
    return pl.DataFrame(found).fill_nan(None).to_struct()


def _days(crl_daily: pl.LazyFrame) -> pl.LazyFrame:
    """Return sums and quantiles of each day of each cut, in the order of days."""
    return (
        pl.concat([crl_daily.with_columns(cut=pl.lit(cut), value=value) for cut, value in CUTS.items()])
        .filter(pl.col("value").is_not_null())
        .group_by(*DAY, "bucket")
        .agg(*add_sums(), pl.col("coverage_micros").sum())
        .group_by(DAY)
        .agg(*add_sums(), pl.col("coverage_micros").sum(), p50_loss=quantile(0.50), p95_loss=quantile(0.95))
        .with_columns(**sums_of_day())
        .sort(DAY)
    )


def _select_window(days: pl.LazyFrame, window: int) -> pl.LazyFrame:
    """Return sums of the window of days that ends with each day, and of the window before that one."""

    def sum_days(prefix: str, offset: int) -> pl.LazyFrame:
        return days.rolling("event_date", period=f"{window}d", offset=f"-{offset}d", group_by=KEYS).agg(
            pl.col(name).sum().name.prefix(f"{prefix}_{window}_") for name in ALL_SUMS
        )

    return sum_days("now", window).join(sum_days("before", 2 * window), on=DAY, how="left", nulls_equal=True)


def _compute_change(window: int, confidence: float) -> dict[str, pl.Expr]:
    now, before = f"now_{window}_", f"before_{window}_"
    interval = difference_interval(now, before, confidence)
    return {
        f"n_{window}d": pl.col(f"{now}n"),
        f"change_{window}d": mean(now) - mean(before),
        f"change_{window}d_ci_low": interval.low,
        f"change_{window}d_ci_high": interval.high,
    }
