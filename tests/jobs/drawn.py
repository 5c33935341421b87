"""Frames drawn as tables: only the columns that matter are written, the others are null."""

from datetime import UTC, datetime, timedelta

import polars as pl

from kaizenlake import tables
from kaizenlake.jobs.runs.run_records import run_records
from kaizenlake.tables import RunRecords, Traces

DAY_0 = datetime(2026, 1, 1, tzinfo=UTC)


def day(number):
    """Instant that many days after the first of January."""
    return DAY_0 + timedelta(days=number)


def frame(table, rows=(), **columns):
    """A lazy frame of a table from dicts, columns they do not name null; `columns` are the same in every row."""
    schema = tables.schema(table)
    full = [dict.fromkeys(schema) | columns | row for row in rows]
    return pl.LazyFrame(full, schema=schema)


def recorded(runs):
    """The record of each run out of silver run events, checked."""
    return tables.check(RunRecords, run_records(runs, tables.empty(Traces), as_of=day(100_000)).collect()).lazy()


def through(*jobs, as_of, given, engine="auto", **settings):
    """What the last of some jobs makes, checked; each job reads what is given by table, and what those before it made."""
    frames = dict(given)
    for job in jobs:
        reads = [frames.get(read, tables.empty(read)) for read in job.reads]
        taken = {name: group for name, group in settings.items() if name in job.settings}
        made = tables.check(job.writes, job(*reads, as_of=as_of, **taken).collect(engine=engine))
        frames[job.writes] = made.lazy()
    return made


def events(table, text, **columns):
    """Silver events, one a line: day, type, then `column=value` words; the event id is the number of the line."""
    rows = []
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines()))):
        when, event_type, *words = line.split()
        values = dict(word.split("=", 1) for word in words)
        schema = tables.schema(table)
        typed = {key: int(value) if schema[key] == pl.Int64 else value for key, value in values.items()}
        occurred_at = day(float(when))
        rows.append(
            {
                "event_id": f"e{number}",
                "event_type": event_type,
                "occurred_at": occurred_at,
                "event_date": occurred_at.date(),
            }
            | typed
        )
    return frame(table, rows, **columns)
