"""Which rates of brands are too low, by a floor or by the brand's own past?"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from kaizenlake import tables
from kaizenlake.job import job
from kaizenlake.jobs._fill_in import fill_in
from kaizenlake.jobs.feedback.performance_snapshots import PARTS
from kaizenlake.parameters import AnomalyRules
from kaizenlake.stats import benjamini_hochberg_by
from kaizenlake.stats.surveillance.rate_verdicts import VOLUME_LEVEL, RateVerdicts, binomial_lower, judge_rates
from kaizenlake.tables import Anomalies, PerformanceSnapshots

SERIES = ("tenant_id", "brand_id", "metric")
GRAIN = (*SERIES, "day", "kind")
METRICS = {f"{rate}_rate": (part, f"{rate}_of") for rate, (part, *_) in PARTS.items()}
"""Each rate, with the columns of its part and its denominator."""

_SEVERE = {"critical": 1e-6, "high": 1e-4, "medium": 1e-3}
"""p below which a finding is so severe; else low."""

_LIKELY = 0.05
"""p from which on a rate below its floor is what chance does: of low severity, however far below."""

_BELOW = {"critical": 0.5, "high": 0.75, "medium": 0.9}
"""Share of a floor below which a rate is so severe; else low."""


@job(reads=(PerformanceSnapshots,), writes=Anomalies, timeless=True)
def anomalies(performance_snapshots: pl.LazyFrame, *, anomalies: AnomalyRules = AnomalyRules()) -> pl.LazyFrame:
    """Look at every rate of every brand on every day, by the days before it.

    Volume comes first: on a day that counts unusually much or little nothing is said of the rate, since a tracker that changed
    is no anomaly of the brand; it is told as `volume`, and is no alarm. Every other finding of the level is kept. Alarms are
    those inside the budget of the night over all series of the tenant (Benjamini-Hochberg, and no more than so many); a floor
    is one on the first night of its episode, and outside the budget. Fewer than four past values of a weekday make no
    verdict, but for floors.

    Args:
        performance_snapshots: What each brand achieved on each day.
        anomalies: Floors, level and budget.
    """
    long = pl.concat(
        [
            performance_snapshots.select(
                "tenant_id",
                "brand_id",
                "day",
                metric=pl.lit(metric),
                floor=pl.lit(getattr(anomalies, metric)),
                successes=pl.col(part),
                trials=pl.col(of),
            ).drop_nulls("trials")
            for metric, (part, of) in METRICS.items()
        ]
    )

    def judge(rows: pl.DataFrame) -> pl.DataFrame:
        if rows.is_empty():
            return tables.empty(Anomalies).collect()
        judged = _mark_alarms(_find(rows, anomalies.level), anomalies)
        return judged.select(tables.schema(Anomalies).names()).sort(GRAIN)

    return long.sort(*SERIES, "day").map_batches(judge, schema=tables.schema(Anomalies))


def _find(rows: pl.DataFrame, level: float) -> pl.DataFrame:
    """Return findings of the level, each with its figures; the alarms among them are not marked yet."""
    first = rows["day"].min()
    rows = rows.with_columns(
        _series=pl.struct(SERIES).rank("dense").cast(pl.Int64) - 1, _place=(pl.col("day") - first).dt.total_days()
    )
    series, place = rows["_series"].to_numpy(), rows["_place"].to_numpy()
    shape = int(series.max()) + 1, int(place.max()) + 1
    hits, shown = np.full(shape, np.nan), np.full(shape, np.nan)
    hits[series, place] = rows["successes"].fill_null(float("nan")).to_numpy()
    shown[series, place] = rows["trials"].to_numpy()
    verdicts = judge_rates(hits, shown)
    told = rows.with_columns(_read(verdicts, series, place))
    rate = pl.when(pl.col("trials") > 0).then(pl.col("successes") / pl.col("trials"))
    told = told.with_columns(*_correct(told), rate=rate)
    usual = ~(pl.col("volume_p") < VOLUME_LEVEL).fill_null(value=False)
    floor_p = pl.struct("successes", "trials", "floor").map_batches(_compute_floor_p, return_dtype=pl.Float64)
    columns = ("observed", "expected_low", "expected_high", "p_value", "q_value")
    kinds: dict[str, tuple[pl.Expr, tuple[str | pl.Expr | None, ...]]] = {
        "floor": (usual & (pl.col("rate") < pl.col("floor")), ("rate", "floor", None, floor_p, None)),
        "dip": (pl.col("dip_p") < level, ("rate", "dip_low", "dip_high", "dip_p", "dip_q")),
        "shift": (pl.col("shift_p") < level, ("shift_rate", "shift_low", "shift_high", "shift_p", "shift_q")),
        "volume": (~usual, ("trials", "volume_low", "volume_high", "volume_p", None)),
    }
    return pl.concat(
        [
            told.filter(is_found).with_columns(
                pl.lit(kind).alias("kind"),
                *(
                    (pl.lit(None) if value is None else pl.col(value) if isinstance(value, str) else value)
                    .cast(pl.Float64)
                    .alias(name)
                    for name, value in zip(columns, values, strict=True)
                ),
            )
            for kind, (is_found, values) in kinds.items()
        ]
    )


def _read(verdicts: RateVerdicts, series: NDArray[np.int64], place: NDArray[np.int64]) -> list[pl.Series]:
    """Return the verdicts of the days that there are as columns."""
    return [pl.Series(name, values[series, place]).fill_nan(None) for name, values in verdicts._asdict().items()]


def _compute_floor_p(figures: pl.Series) -> pl.Series:
    found = figures.struct.unnest()
    hits, shown, floor = (found[name].cast(pl.Float64).to_numpy() for name in ("successes", "trials", "floor"))
    return pl.Series(binomial_lower(np.floor(hits), shown, floor), dtype=pl.Float64)


def _mark_alarms(found: pl.DataFrame, rules: AnomalyRules) -> pl.DataFrame:
    """Add severity, episodes, alarms and the sentence of each finding."""
    of_kind = (*SERIES, "kind")
    gap = (pl.col("day") - pl.col("day").shift(1).over(of_kind, order_by="day")).dt.total_days()
    begins = (gap > rules.episode_nights).fill_null(value=True)
    found = found.with_columns(_start=pl.when(begins).then("day")).with_columns(
        episode_start=pl.col("_start").forward_fill().over(of_kind, order_by="day"),
        in_budget=_keep_budget(found, rules),
    )
    is_floor = pl.col("kind") == "floor"
    below = pl.col("observed") / pl.col("expected_low")
    return found.with_columns(
        is_alarm=pl.when(is_floor).then(pl.col("day") == pl.col("episode_start")).otherwise("in_budget"),
        severity=pl.coalesce(
            *(
                pl.when(
                    pl.when(is_floor)
                    .then((below < _BELOW[word]) & (pl.col("p_value") < _LIKELY))
                    .otherwise(pl.col("p_value") < _SEVERE[word])
                ).then(pl.lit(word))
                for word in _SEVERE
            ),
            pl.lit("low"),
        ),
        successes=pl.when(pl.col("kind") != "volume").then("successes"),
        past_days=pl.when(is_floor).then(0).otherwise(pl.col("past_days").fill_null(0)).cast(pl.Int64),
        evidence=_describe(),
    )


def _keep_budget(found: pl.DataFrame, rules: AnomalyRules) -> pl.Series:
    """Return which findings are inside the budget of their night: those least likely by chance, and no more than so many."""
    is_small = pl.col("q_value") <= rules.alarm_q
    order = pl.struct(pl.when(is_small).then("p_value"), "brand_id", "metric", "kind").rank("ordinal")
    place = order.over("tenant_id", "day", is_small)
    return found.select((is_small & (place <= rules.most_alarms)).fill_null(value=False)).to_series()


def _correct(told: pl.DataFrame) -> list[pl.Series]:
    """Return q-values of dips and shifts, all tests of a tenant and night together."""
    night = told.select((pl.struct("tenant_id", "day").rank("dense") - 1).cast(pl.Int64)).to_series().to_numpy()
    p_values = [told[name].fill_null(float("nan")).to_numpy() for name in ("dip_p", "shift_p")]
    q_values = benjamini_hochberg_by(np.concatenate([night, night]), np.concatenate(p_values))
    return [
        pl.Series(name, part).fill_nan(None)
        for name, part in zip(("dip_q", "shift_q"), np.split(q_values, 2), strict=True)
    ]


def _describe() -> pl.Expr:
    """Return what was found, in one sentence."""
    what = pl.col("metric").str.replace_all("_", " ", literal=True)
    rate, low, high = (
        (pl.col(name) * 100).round(2).cast(pl.String) + "%" for name in ("observed", "expected_low", "expected_high")
    )
    counted = fill_in(
        "{} of {}", pl.col("successes").round(0).cast(pl.Int64).cast(pl.String).fill_null("?"), pl.col("trials")
    )
    count = pl.col("observed").round(0).cast(pl.Int64)
    least, most = (pl.col(name).round(0).cast(pl.Int64) for name in ("expected_low", "expected_high"))
    # Of many, .01 of a chance reads better than its digits.
    chance = pl.col("p_value").round_sig_figs(2).cast(pl.String)
    return (
        pl.when(kind="floor")
        .then(fill_in("The {} was {} ({}), below the floor of {}.", what, rate, counted, low))
        .when(kind="dip")
        .then(
            fill_in(
                "The {} was {} ({}); {} to {} was expected after {} days (p {}).",
                *(what, rate, counted, low, high, pl.col("past_days").round(0).cast(pl.Int64), chance),
            )
        )
        .when(kind="shift")
        .then(
            fill_in(
                "Over {} days the {} was {}; {} to {} was expected (p {}).",
                *(pl.col("shift_days").cast(pl.Int64), what, rate, low, high, chance),
            )
        )
        .otherwise(
            fill_in(
                "{} were counted for the {}; {} to {} were expected, so nothing is said of the rate.",
                *(count, what, least, most),
            )
        )
    )
