"""At which age does a subject count? Once it is so many days old: won if it won within them, else not won."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.parameters import Windows

AGES = (7, 14, 30, 60, 90, 180)
"""Ages in days at which subjects are looked at, as far as the window of their kind reaches."""

START = 0
"""Age of a subject from its start on. A kind that takes time is undecided then; what is decided at once counts."""


def ages_of(kind: str, windows: Windows) -> tuple[int, ...]:
    """Return ages of a kind, from the youngest: those up to its window, or the window itself where it is shorter than all.

    >>> ages_of("outreach", Windows()), ages_of("pack", Windows()), ages_of("outreach", Windows(reply_days=3))
    ((7, 14), (7,), (3,))
    """
    named = {"outreach": windows.reply_days, "deal": windows.lead_days, "pack": windows.pack_days}
    window = named.get(kind, windows.other_days)
    return tuple(age for age in AGES if age <= window) or (window,)


def at_ages(subjects: pl.LazyFrame, ages: tuple[int, ...], *, as_of: datetime) -> pl.LazyFrame:
    """Return one row for each age that a subject has reached, its start among them.

    An age is reached when its last instant is over, since what happens at that instant still counts.

    Args:
        subjects: Rows with `started_at`.
        ages: Ages in days beside that of the start.
        as_of: Instant at which the night looks.

    Returns:
        The rows with `age_days`; `until`, the last instant that counts: at the start the end of that UTC day, so that what
        is decided at once is; `event_date`, the day on which the age was reached; and `is_latest`.
    """
    age, started = pl.col("age_days"), pl.col("started_at")
    end_of_day = started.dt.truncate("1d") + pl.duration(days=1) - pl.duration(microseconds=1)
    reached = [
        pl.lit(START, pl.Int64),
        *(pl.when(started + pl.duration(days=days) < as_of).then(days) for days in ages),
    ]
    return (
        subjects.with_columns(age_days=pl.concat_list(reached).list.drop_nulls())
        .with_columns(_oldest=pl.col("age_days").list.max())
        .explode("age_days", empty_as_null=False)
        .with_columns(
            age_days=age.cast(pl.Int64),
            is_latest=age == pl.col("_oldest"),
            until=pl.when(age == START).then(end_of_day).otherwise(started + pl.duration(days=age)),
        )
        .with_columns(event_date=(started + pl.duration(days=age)).dt.date())
        .drop("_oldest")
    )
