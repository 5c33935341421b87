"""Of which days must rows be made again where the rows of a key are gathered on the day on which it begins?"""

from __future__ import annotations

from datetime import date

import polars as pl

from kaizenlake.job import Gathering, astray


def find_reopened_homes(
    rows: pl.LazyFrame, former: pl.LazyFrame, changed: frozenset[date], gathering: Gathering
) -> tuple[frozenset[date], pl.DataFrame]:
    """Find the days that changed days re-open in a table that holds each key on the day on which it begins.

    A changed day re-opens the days on which its keys count, and those on which they counted: of keys that it lost too, which
    the former table tells by the days between which their rows lay.

    Args:
        rows: Columns of the keys, `event_date` and `event_type` of the input as it is now, every day of it.
        former: Columns of the keys, `event_date`, `first_told_date` and `last_told_date` of the table as it was made before
            the days changed.
        changed: Days of the input that changed since.
        gathering: How the rows of a key are gathered.

    Returns:
        The days to make again, and the keys and days that lie on another day than the one on which they count, as `astray`
        names them, where either is one of those days.
    """
    keys = gathering.keys
    spread = (
        former.filter(pl.col("first_told_date") < pl.col("last_told_date"))
        .select(*keys, day=pl.date_ranges("first_told_date", "last_told_date"))
        .explode("day")
        .filter(pl.col("day").is_in(sorted(changed)))
    )
    touched = pl.concat([_on(rows, changed).select(keys), spread.select(keys)]).unique().collect()
    stood = _of_keys(former.select(*keys, "event_date"), touched, keys)
    stand = _of_keys(rows, touched, keys).filter(pl.col("event_type").is_in(gathering.begins))
    days = changed.union(
        stood["event_date"], stand.group_by(keys).agg(pl.col("event_date").min())["event_date"].to_list()
    )
    here = _on(rows, days).select(keys).unique().collect()
    elsewhere = astray(_of_keys(rows, here, keys).lazy(), gathering).collect()
    wanted = sorted(days)
    return days, elsewhere.filter(pl.col("event_date").is_in(wanted) | pl.col("home_date").is_in(wanted))


def _on(rows: pl.LazyFrame, days: frozenset[date]) -> pl.LazyFrame:
    return rows.filter(pl.col("event_date").is_in(sorted(days)))


def _of_keys(rows: pl.LazyFrame, wanted: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    """Return rows of the keys of another frame."""
    if wanted.is_empty():
        return rows.clear().collect()
    return rows.join(wanted.lazy(), on=keys, how="semi", nulls_equal=True).collect()
