"""Floods: what one source sends at once, said before figures are made of it, or held back in quarantine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from kaizenlake.jobs.activity.source_arrivals import ARRIVAL, BEFORE, LEAST_FLOOD, hold_against_usual
from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.lake.trust.attested import IS_LOGGED
from kaizenlake.parameters import LandingLimits
from kaizenlake.tables import Events, Landings

OVER_CAP, OVER_USUAL = HELD_BACK = ("over_cap", "over_usual")
"""Rules by which lines wait for their number alone; such a line would be an event."""


def hold_back(judged: pl.DataFrame, snapshot: Snapshot, limits: LandingLimits, now: datetime) -> pl.DataFrame:
    """Hold back what goes beyond the cap of its source, or all new lines of a source that sends a flood.

    Args:
        judged: Lines with their fate, in their order.
        snapshot: The events there are.
        limits: Caps, and whether floods are held back.
        now: Aware instant with which the lines are stamped; its UTC day is the one that counts.

    Returns:
        The lines; of a new one that is held back the fate is the rule.
    """
    if not (limits.has_caps or limits.flood == "hold"):
        return judged
    is_new = pl.col("_fate") == "new"
    today = now.astimezone(UTC).date()
    given = judged.filter(is_new).group_by(*ARRIVAL).agg(events=pl.len().cast(pl.Int64))
    if given.is_empty():
        return judged
    landed = _count_landed(snapshot, now).join(given.lazy(), on=ARRIVAL, how="semi", nulls_equal=True).collect()
    caps = given.select("source").unique()
    caps = caps.with_columns(_cap=pl.Series([limits.cap_of(name) for name in caps["source"]], dtype=pl.Int64))
    so_far = landed.filter(landed_on=today).select(*ARRIVAL, _so_far="events")
    arriving = given.with_columns(landed_on=pl.lit(today)).select(landed.columns)
    floods = hold_against_usual(pl.concat([landed, arriving]).lazy(), today).filter("is_flood").collect()
    flood = floods.select(*ARRIVAL, _is_flood=pl.lit(limits.flood == "hold"))
    # The place of a new line among those of its source: only these count for its cap.
    place = (is_new.cum_sum() - 1).over(ARRIVAL)
    told = (
        judged.join(caps, on="source", how="left", maintain_order="left")
        .join(so_far, on=ARRIVAL, how="left", nulls_equal=True, maintain_order="left")
        .join(flood, on=ARRIVAL, how="left", nulls_equal=True, maintain_order="left")
    )
    fate = (
        pl.when(~is_new)
        .then("_fate")
        .when(pl.col("_is_flood").fill_null(value=False))
        .then(pl.lit(OVER_USUAL))
        .when(place + pl.col("_so_far").fill_null(0) >= pl.col("_cap"))
        .then(pl.lit(OVER_CAP))
        .otherwise("_fate")
    )
    return told.with_columns(_fate=fate).drop("_cap", "_so_far", "_is_flood")


def reason_of(rule: str, source: str, limits: LandingLimits) -> str:
    """Return why a line is held back, in words."""
    if rule == OVER_CAP:
        return f"source {source!r} may land {limits.cap_of(source):,} events a day (`landing.events_per_day`), and has"
    return f"source {source!r} sends far more at once than it used to, and `landing.flood` holds that back"


def describe_floods(lake: Lake, now: datetime) -> tuple[str, ...]:
    """Return which sources landed far more yesterday or today than they used to, in words.

    Args:
        now: Aware instant of the clock.
    """
    since = now.astimezone(UTC).date() - timedelta(days=1)
    recent = lake.scan(Landings).filter(pl.col("landed_at").dt.date() >= since)
    if (recent.select(pl.col("landed").sum()).collect().item() or 0) < LEAST_FLOOD:
        # So that an ordinary night does not read the events for it.
        return ()
    found = hold_against_usual(_count_landed(lake.hold(Events), now), since).filter("is_flood").sort(ARRIVAL)
    return tuple(
        f"source {row['source']!r}{'' if row['tenant_id'] is None else ' of tenant ' + repr(row['tenant_id'])} landed "
        f"{row['value']:,} events on {row['landed_on']}, where {row['usual']:,.0f} a day are usual"
        for row in found.collect().iter_rows(named=True)
    )


def _count_landed(snapshot: Snapshot, now: datetime) -> pl.LazyFrame:
    """Count the logged events of each tenant and source by the day of their landing, as far back as is looked."""
    since = now - BEFORE - timedelta(days=2)
    return (
        snapshot.scan()
        .filter(IS_LOGGED, pl.col("landed_at") >= since)
        .group_by(*ARRIVAL, landed_on=pl.col("landed_at").dt.date())
        .agg(events=pl.len().cast(pl.Int64))
        .select(*ARRIVAL, "landed_on", "events")
    )
