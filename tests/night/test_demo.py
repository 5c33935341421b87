"""The demo, and the laws of the night on its real samples."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest

from kaizenlake import context, tables
from kaizenlake.demo import as_of, make
from kaizenlake.errors import UsageError
from kaizenlake.job import in_order
from kaizenlake.jobs import JOBS
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from night.drawn import add, contents, day, event, versions


def test_the_demo_makes_every_table_a_publication_and_the_reports(demo):
    made, folder = demo
    assert made.run.status == "done"
    assert [step.name for step in made.run.steps] == [
        "land",
        *(job.name for job in in_order(JOBS)),
        "publish",
        "report",
    ]
    lake = Lake(folder / "lake")
    for name in ("performance_tiers", "creative_labels", "outcomes", "win_rates", "patterns", "projects"):
        (table,) = (table for table in tables.TABLES if tables.name(table) == name)
        assert lake.rows(table), name
    assert context.load(folder / "lake" / "published").reason == context.FRESH
    assert len(made.run.reports) == 2
    assert sorted(path.suffix for path in (folder / "reports").rglob("kaizen.*")) == [".html", ".json", ".pdf"]


def test_the_demo_lands_every_line_of_its_samples(demo):
    made, _ = demo
    for landing in made.landings.values():
        assert landing.lines_in == landing.landed > 0
        assert landing.quarantined == 0


def test_the_demo_says_three_things_with_figures(demo):
    made, _ = demo
    assert len(made.findings) == 3
    assert all(any(char.isdigit() for char in finding) for finding in made.findings)


def test_the_demo_counts_until_the_midnight_after_its_newest_event(demo):
    made, folder = demo
    newest = Lake(folder / "lake").scan(tables.Events).collect()["occurred_at"].max()
    assert as_of(Lake(folder / "lake")) == made.run.as_of
    assert 0 < (made.run.as_of - newest).total_seconds() <= 86_400


def test_done_again_the_demo_changes_nothing(demo_lake):
    before = versions(demo_lake)
    made = make(demo_lake.root, demo_lake.path().parent / "reports")
    assert {step.status for step in made.run.steps if step.name != "report"} == {"nothing to do"}
    assert versions(demo_lake) | {"bronze.landings": 0} == before | {"bronze.landings": 0}


def test_samples_are_not_mixed_into_a_lake_of_ones_own(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    add(lake, event("mine", day(1)))
    with pytest.raises(UsageError, match="holds events of its own"):
        make(lake.root, None)
    assert lake.rows(tables.Events) == 1


def test_everything_recomputed_is_the_same_row_for_row(demo, tmp_path):
    made, folder = demo
    shutil.copytree(folder / "lake", tmp_path / "lake")
    lake = Lake(tmp_path / "lake")
    there = contents(lake)
    done = nightly(lake, as_of=made.run.as_of, full=True)
    assert {step.status for step in done.steps if step.writes and step.name != "land"} == {"done"}
    assert contents(lake) == there


def test_nights_of_the_past_one_after_the_other_end_where_one_night_ends(demo, tmp_path):
    made, folder = demo
    shutil.copytree(folder / "lake" / "bronze", tmp_path / "lake" / "bronze")
    lake = Lake.create(tmp_path / "lake")
    for night in (datetime(2014, 3, 1, tzinfo=UTC), datetime(2014, 12, 1, 12, tzinfo=UTC), made.run.as_of):
        done = nightly(lake, as_of=night)
        assert done.exit_code == 0, done.errors
    assert contents(lake) == contents(Lake(folder / "lake"))
