"""What each family's events say, typed: the payloads of bronze decoded into the columns of the family's table."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import polars as pl

from kaizenlake.events.catalogue import FAMILIES, Family
from kaizenlake.events.decode import decode
from kaizenlake.job import Job
from kaizenlake.tables import SILVER, Events, Table


def decode_family(family: Family, events: pl.LazyFrame, *, as_of: datetime) -> pl.LazyFrame:
    """Decode the events of one family.

    Args:
        family: Family of the catalogue.
        events: Bronze events of any family.
        as_of: Events from this instant on do not count.
    """
    return decode(events.filter(pl.col("occurred_at") < as_of), family)


def decode_job(family: Family, table: type[Table]) -> Job:
    """Declare the job that writes the silver table of a family; it is called as the family."""
    function = partial(decode_family, family)
    function.__doc__ = f"Decode into typed columns: {family.meaning}"
    types = tuple(event_type.name for event_type in family.types)
    return Job(function, reads=(Events,), writes=table, by_day=True, name=family.name, of_types=types)


DECODE: tuple[Job, ...] = tuple(decode_job(family, table) for family, table in zip(FAMILIES, SILVER, strict=True))
"""One job a family, in the order of the catalogue."""
