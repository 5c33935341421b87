"""The contract that every job keeps, and that the tuple of jobs is all there are."""

from pathlib import Path

import polars as pl
import pytest

import kaizenlake.jobs
from kaizenlake import tables, testing
from kaizenlake.errors import TableInvalidError, UsageError
from kaizenlake.events.catalogue import EVENTS
from kaizenlake.job import Job, in_order
from kaizenlake.jobs import JOBS
from kaizenlake.settings import Settings
from kaizenlake.tables import BRONZE, GOLD, SILVER, Events, Landings


@pytest.fixture(scope="module")
def frames():
    return testing.fold(testing.sample_events(), as_of=testing.AS_OF)


@pytest.fixture(scope="module")
def past(frames):
    """The earlier night that every job is asked for, computed once for all of them."""
    return testing.Past.of(frames[Events], testing.AS_OF, JOBS)


OF_ITS_PAST = testing.ignores_what_comes_later
"""The law that computes every source of a job twice, which is done here once for all jobs."""


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_every_job_keeps_every_law(job, frames, past):
    for law in testing.CONTRACT:
        if law is not OF_ITS_PAST:
            law(job, frames, testing.AS_OF)
    testing.agrees_on_the_past(job, frames, past)


def test_the_law_of_the_past_holds_of_a_job_with_sources_of_its_own(frames):
    (job,) = (job for job in JOBS if job.name == "crl_daily")
    OF_ITS_PAST(job, frames, testing.AS_OF)


def test_the_samples_reach_every_job_and_every_event_type(frames):
    # What is pooled takes five tenants, a model of won deals hundreds of leads, and one of texts dozens of
    # experiments, and patterns of behaviour many tool steps; `test_tenants`, `test_icp_patterns`, `test_text_models` and
    # `test_behaviour` draw them.
    beside = {tables.full_name(table) for table in BRONZE if table is not Events}
    empty = {tables.full_name(table) for table, rows in frames.items() if rows.is_empty()}
    assert (
        empty
        == {"gold.pooled_patterns", "gold.icp_calibration", "gold.text_effects", "gold.behaviour_patterns"} | beside
    )
    assert set(frames[Events]["event_type"]) == {event.name for event in EVENTS}


def test_the_tuple_of_jobs_is_what_the_folder_holds():
    folder = Path(kaizenlake.jobs.__file__).parent
    modules = {
        ".".join(path.relative_to(folder).with_suffix("").parts)
        for path in folder.rglob("*.py")
        if not path.stem.startswith("_")
    }
    found = {
        value
        for module in modules
        for value in vars(__import__(f"kaizenlake.jobs.{module}", fromlist=["_"])).values()
        if isinstance(value, Job)
    }
    assert found | set(JOBS) == set(JOBS)
    assert len(JOBS) == len({job.name for job in JOBS})


def test_every_table_of_silver_and_gold_is_written_by_one_job():
    written = [job.writes for job in JOBS]
    assert len(written) == len(set(written))
    assert set(written) == {*SILVER, *GOLD}


def test_a_job_reads_only_what_the_lake_or_another_job_writes():
    writable = {*BRONZE, *(job.writes for job in JOBS)}
    assert {read for job in JOBS for read in job.reads} <= writable
    assert len(in_order(JOBS)) == len(JOBS)


def test_every_keyword_of_a_job_is_a_group_of_settings():
    defaults = Settings()
    for job in JOBS:
        for name in job.settings:
            assert hasattr(defaults, name), f"{job.name} asks for settings {name!r}"


def test_a_sample_is_of_the_table_asked_for():
    for table in (Events, *SILVER):
        tables.check(table, testing.sample(table))
    with pytest.raises(UsageError, match=r"bronze\.landings"):
        testing.sample(Landings)


def test_a_broken_job_is_found_out(frames):
    from kaizenlake.jobs.activity.event_counts import event_counts

    def spoiled(change):
        return Job(lambda events, *, as_of: change(event_counts.function(events, as_of=as_of)), event_counts.reads,
                   event_counts.writes, True, "spoiled")  # fmt: skip

    one_source = spoiled(lambda counts: counts.with_columns(source=pl.lit("a"), project_id=pl.lit("b")))
    with pytest.raises(TableInvalidError, match="grain"):
        testing.repeats_itself(one_source, frames, testing.AS_OF)
    of_all_days = spoiled(lambda counts: counts.with_columns(pl.col("events").sum()))
    with pytest.raises(AssertionError):
        testing.is_the_union_of_its_days(of_all_days, frames, testing.AS_OF)
    by_order = spoiled(lambda counts: counts.with_columns(events=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)))
    with pytest.raises(AssertionError):
        testing.ignores_order(by_order, frames, testing.AS_OF)
