"""Silver: one job a family, each taking its own events and no others."""

import polars as pl
import pytest

from kaizenlake import tables, testing
from kaizenlake.events.catalogue import EVENTS, FAMILIES
from kaizenlake.jobs.silver import DECODE
from kaizenlake.tables import SILVER, Events


def test_one_job_a_family_by_day_from_bronze():
    assert [(job.name, job.reads, job.writes, job.by_day) for job in DECODE] == [
        (family.name, (Events,), table, True) for family, table in zip(FAMILIES, SILVER, strict=True)
    ]
    for job, family in zip(DECODE, FAMILIES, strict=True):
        assert family.meaning in job.meaning


@pytest.mark.parametrize("job", DECODE, ids=lambda job: job.name)
def test_a_family_takes_its_events_whole(job):
    bronze = testing.sample(Events)
    types = [event.name for event in EVENTS if event.family.name == job.name]
    made = testing.run(job, {Events: bronze}, testing.AS_OF)
    expected = bronze.filter(pl.col("event_type").is_in(types))
    assert set(made["event_id"]) == set(expected["event_id"])
    assert made.height == expected.height > 0
    assert tables.schema(job.writes) == made.schema
