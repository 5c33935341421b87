"""The demo, and the laws of the night on its real samples."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kaizenlake import context, tables
from kaizenlake.demo import CANARY, as_of, make
from kaizenlake.errors import UsageError
from kaizenlake.job import in_order
from kaizenlake.jobs import JOBS
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.samples import samples
from kaizenlake.tables import CanaryLooks, SourceFreshness
from night.drawn import add, contents, day, event, versions


def test_the_demo_makes_every_table_a_publication_and_the_reports(demo):
    made, folder = demo
    assert made.run.status == "done"
    assert [step.name for step in made.run.steps] == [
        "land",
        *(job.name for job in in_order(JOBS)),
        "feedback",
        "decide",
        "serve",
        "tell",
        "publish",
        "report",
        "site",
    ]
    lake = Lake(folder / "lake")
    named = "performance_tiers creative_labels outcomes win_rates patterns projects crl_trends canary_looks skill_cards"
    for name in named.split():
        (table,) = (table for table in tables.TABLES if tables.name(table) == name)
        assert lake.rows(table), name
    assert context.load(folder / "lake" / "published").reason == context.FRESH
    assert {Path(report).stem for report in made.run.reports} >= {
        "kaizen",
        f"canary-{CANARY.deployment_id}",
        "policy-audit",
    }
    assert sorted(path.suffix for path in (folder / "reports").rglob("kaizen.*")) == [".html", ".json", ".pdf"]


def test_the_demo_compares_two_models_and_promotes_none(demo):
    _, folder = demo
    looks = Lake(folder / "lake").scan(CanaryLooks).sort("look").collect()
    # 25 runs of either model came on three days; on the days after none, and no data is a pause.
    assert looks["units"].to_list() == looks["units_control"].to_list() == [4, 16, 25, 25, 25, 25, 25, 25]
    assert looks["verdict"].to_list() == ["insufficient", "insufficient", "promote", *["continue"] * 5]
    routed = context.route(CANARY.policy_id, "run", folder / "lake" / "published")
    assert (routed.policy_id, routed.policy_version) in {(CANARY.policy_id, "2.0.0"), (CANARY.policy_id, "4.0.0")}
    sources = Lake(folder / "lake").scan(SourceFreshness).collect()["source"].to_list()
    assert sorted(sources) == sorted(sample.source for sample in samples())


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


@pytest.mark.usefixtures("nightly_site")
def test_done_again_the_demo_changes_nothing(demo_lake):
    before = versions(demo_lake)
    made = make(demo_lake.root, demo_lake.path().parent / "reports")
    assert {step.status for step in made.run.steps if step.name not in {"report", "site"}} == {"nothing to do"}
    assert versions(demo_lake) | {"bronze.landings": 0} == before | {"bronze.landings": 0}


def test_samples_are_not_mixed_into_a_lake_of_ones_own(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    add(lake, event("mine", day(1)))
    with pytest.raises(UsageError, match="holds events of its own"):
        make(lake.root, None)
    assert lake.rows(tables.Events) == 1


@pytest.mark.slow
def test_everything_recomputed_is_the_same_row_for_row(demo, tmp_path):
    made, folder = demo
    shutil.copytree(folder / "lake", tmp_path / "lake")
    lake = Lake(tmp_path / "lake")
    there = contents(lake)
    done = nightly(lake, as_of=made.run.as_of, full=True)
    assert {step.status for step in done.steps if step.writes and step.name != "land"} == {"done"}
    assert contents(lake) == there


@pytest.mark.slow
def test_nights_of_the_past_one_after_the_other_end_where_one_night_ends(demo, tmp_path):
    made, folder = demo
    for kept in ("bronze", "keys"):
        shutil.copytree(folder / "lake" / kept, tmp_path / "lake" / kept)
    lake = Lake.create(tmp_path / "lake")
    for night in (datetime(2014, 8, 1, 12, tzinfo=UTC), made.run.as_of):
        done = nightly(lake, as_of=night)
        assert done.exit_code == 0, done.errors
    assert contents(lake) == contents(Lake(folder / "lake"))
