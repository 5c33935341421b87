"""Laws of what matures by time alone: no night needs events to count it, and it counts the same whichever nights were run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs.feeding import feeding
from kaizenlake import KaizenService
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.tables import OutcomeCounts, Outcomes, OutcomeSubjects, ScopedWinRates, WinRates, name

CASE = Path(__file__).parents[1] / "cases" / "won-only-funnel"
OUTCOME_TABLES = (OutcomeSubjects, Outcomes, OutcomeCounts, WinRates, ScopedWinRates)
JOBS = feeding(*OUTCOME_TABLES)
START = datetime(2025, 1, 1, tzinfo=UTC)


def landed(folder):
    lake = Lake.create(folder)
    for file in ("leads", "won"):
        land(lake, CASE / f"{file}.csv", mapping=CASE / f"{file}.toml")
    return lake


def rows(lake):
    return {name(table): sorted(map(repr, lake.scan(table).collect().iter_rows())) for table in OUTCOME_TABLES}


def night(lake, after, **how):
    done = nightly(lake, as_of=START + timedelta(days=after), **how)
    assert done.exit_code == 0, done.errors
    return {step.name: step for step in done.steps}


def by_source(lake):
    found = lake.scan(WinRates).filter(kind="deal", dimension="source").sort("value").collect()
    return found.select("value", "wins", "decided", "pending", "win_rate", "age_days").rows()


def test_a_funnel_that_records_wins_alone_has_its_losses_too(tmp_path):
    lake = landed(tmp_path / "lake")
    night(lake, 365)

    assert by_source(lake) == [("referral", 8, 10, 0, 0.8, 180), ("web", 2, 20, 0, 0.1, 180)]
    assert KaizenService(lake).get_win_rates("source") == {"referral": 0.8, "web": 0.1}


def test_what_matures_by_time_alone_counts_on_a_night_without_events_as_if_no_other_night_had_been(tmp_path):
    lake, other = landed(tmp_path / "lake"), landed(tmp_path / "other")
    night(lake, 33, jobs=JOBS)
    young = rows(lake)
    steps = night(lake, 70, jobs=JOBS)
    assert [steps[name(table)].status for table in OUTCOME_TABLES] == ["done"] * len(OUTCOME_TABLES)
    aged = rows(lake)
    assert aged != young

    night(other, 70, jobs=JOBS)
    assert rows(other) == aged
    night(lake, 33, jobs=JOBS)
    assert rows(lake) == young, "as_of may move back too"
    night(lake, 70, full=True, jobs=JOBS)
    assert rows(lake) == aged
