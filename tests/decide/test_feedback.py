"""From alarms of brands to tasks that wait for a person, each once."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from kaizenlake import FeedbackLoop, create_feedback_loop_orchestrator, tables
from kaizenlake.decide.agency import tasks
from kaizenlake.decide.agency.tasks import TaskDraft
from kaizenlake.lake.store import Lake, fingerprint
from kaizenlake.night import artifact, deciding
from kaizenlake.night.artifact import Run, StepRecord
from kaizenlake.tables import Anomalies, PerformanceSnapshots

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAY = date(2026, 3, 1)


def alarm(brand, metric="email_open_rate", day=DAY, **columns):
    return {
        "brand_id": brand,
        "metric": metric,
        "day": day,
        "kind": "floor",
        "observed": 0.1,
        "expected_low": 0.2,
        "severity": "high",
        "p_value": 0.001,
        "is_alarm": True,
        "episode_start": day,
        "successes": 100.0,
        "trials": 1000,
        "past_days": 0,
        "evidence": "The email open rate was 10.0% (100 of 1000), below the floor of 20.0%.",
    } | columns


def fill(folder, *alarms, brands=("acme", "brand_123"), setting=""):
    lake = Lake.create(folder / "lake")
    lake.path("kaizen.toml").write_text(setting, encoding="utf-8")
    days = [{"brand_id": brand, "day": DAY, "leads": 0, "deals_won": 0, "notes": []} for brand in brands]
    for table, rows in ((PerformanceSnapshots, days), (Anomalies, alarms)):
        schema = tables.schema(table)
        held = pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema)
        lake.write(table, [held], days=None, reads={}, as_of=NOW, fingerprint=fingerprint("tests"))
    return Lake(folder / "lake")


def proposed(lake):
    return [(row["brand_id"], row["cause"], row["priority"], row["task_type"]) for row in tasks.state(lake).rows()]


METRICS = {
    "email_open_rate": ("low open rate", "HIGH", "rewrite_email_sequence"),
    "email_click_rate": ("low click rate", "HIGH", "rewrite_email_sequence"),
    "instagram_engagement_rate": ("low social engagement", "MEDIUM", "create_social_variants"),
    "website_conversion_rate": ("low conversion", "CRITICAL", "optimize_landing_page_copy"),
}


def test_each_cause_proposes_its_own_task_once_and_it_waits_for_a_person(tmp_path):
    lake = fill(tmp_path, *(alarm("brand_123", metric) for metric in METRICS))
    loop = FeedbackLoop(lake)
    result = loop.run_for_brand("brand_123", now=NOW)
    assert (result.brand_id, result.timestamp, result.errors) == ("brand_123", NOW, [])
    assert result.snapshot is not None
    assert result.snapshot["day"] == DAY
    assert len(result["anomalies_detected"]) == len(result["tasks_created"]) == 4
    assert sorted(proposed(lake)) == sorted(("brand_123", *told) for told in METRICS.values())
    first = tasks.state(lake).task(result.tasks_created[0])
    assert (first["status"], first["decided_by"], first["confidence_rate"]) == ("pending_review", "night", 0.99)
    assert first["reason"].startswith("Low open rate. The email open rate was 10.0%")
    assert '"focus":"improve_subject_lines"' in first["inputs"]
    again = loop.run_for_brand("brand_123", now=NOW)
    assert (again.tasks_created, again.tasks_skipped_duplicate) == ([], [cause for cause, *_ in METRICS.values()])
    assert len(proposed(lake)) == 4


def test_what_was_rejected_is_proposed_again_for_a_new_episode_alone(tmp_path):
    lake = fill(tmp_path, alarm("acme"))
    loop = create_feedback_loop_orchestrator(lake)
    (name,) = loop.run_for_brand("acme", now=NOW).tasks_created
    tasks.reject(lake, name, by="ann", now=NOW)
    assert loop.run_for_brand("acme", now=NOW).tasks_created == []
    later = fill(tmp_path / "later", alarm("acme"))
    old = {"alarm_day": (DAY - timedelta(days=30)).isoformat()}
    draft = TaskDraft("acme", "rewrite_email_sequence", cause="low open rate", inputs=old, task_id="old")
    tasks.propose(later, lambda _: [draft], by="ann", now=NOW)
    tasks.reject(later, "old", by="ann", now=NOW)
    assert len(FeedbackLoop(later).run_for_brand("acme", now=NOW).tasks_created) == 1


@pytest.mark.parametrize(
    ("cause", "is_new"), [("Low open-rate", False), ("low open rates", False), ("low click rate", True), (None, True)]
)
def test_a_near_equal_cause_of_an_open_task_of_the_brand_is_the_same(tmp_path, cause, is_new):
    lake = fill(tmp_path, alarm("acme"))
    drafts = [
        TaskDraft("acme", "email_rewrite", cause=cause),
        TaskDraft("other", "email_rewrite", cause="low open rate"),
    ]
    tasks.propose(lake, lambda _: drafts, by="ann", now=NOW)
    assert bool(FeedbackLoop(lake).run_for_brand("acme", now=NOW).tasks_created) is is_new


@pytest.mark.parametrize(
    "told",
    [
        {"is_alarm": False},
        {"day": DAY - timedelta(days=7), "episode_start": DAY - timedelta(days=7)},
        {"brand_id": "brand_123"},
    ],
    ids=["no alarm", "older than a week", "another brand"],
)
def test_nothing_else_is_proposed(tmp_path, told):
    lake = fill(tmp_path, alarm("acme", **told))
    result = FeedbackLoop(lake).run_for_brand("acme", now=NOW)
    assert (result.tasks_created, result.tasks_skipped_duplicate, result.errors) == ([], [], [])
    assert proposed(lake) == []


def test_the_rules_are_those_of_the_settings_and_a_brand_that_fails_stops_no_other(tmp_path):
    setting = '[feedback]\nrules = [{metric = "email_open_rate", cause = "few opens", task_type = "email_rewrite", priority = "LOW"}]'
    # A name that no event can hold: what is proposed for it is refused.
    lake = fill(tmp_path, alarm("a" * 600), alarm("acme"), brands=("a" * 600, "acme"), setting=setting)
    bad, good = FeedbackLoop(lake).run_all(now=NOW)
    assert bad.errors
    assert bad.tasks_created == []
    assert good.errors == []
    assert proposed(lake) == [("acme", "few opens", "LOW", "email_rewrite")]


def test_what_a_brand_told_long_before_the_last_week_of_the_lake_asks_for_nothing(tmp_path):
    old = DAY - timedelta(days=200)
    lake = fill(tmp_path, alarm("acme"), alarm("gone", day=old), brands=("acme",))
    schema = tables.schema(PerformanceSnapshots)
    days = [
        {"brand_id": brand, "day": day, "leads": 0, "deals_won": 0, "notes": []}
        for brand, day in (("acme", DAY), ("gone", old))
    ]
    held = pl.DataFrame([dict.fromkeys(schema) | row for row in days], schema=schema)
    lake.write(PerformanceSnapshots, [held], days=None, reads={}, as_of=NOW, fingerprint=fingerprint("tests"))
    found = FeedbackLoop(Lake(lake.root)).run_for_brand("gone", now=NOW)
    assert (found["anomalies_detected"], found["tasks_created"], found["errors"]) == ([], [], [])
    assert FeedbackLoop(Lake(lake.root)).run_for_brand("acme", now=NOW)["tasks_created"]


def test_an_unknown_brand_is_told_with_what_to_do(tmp_path):
    (words,) = FeedbackLoop(fill(tmp_path)).run_for_brand("nobody").errors
    assert "'nobody'" in words
    assert "kaizen nightly" in words


def test_a_night_looks_at_brands_with_changed_days_alone(tmp_path):
    lake = fill(tmp_path, alarm("acme"), alarm("brand_123"))

    def write(*brands_and_days):
        schema = tables.schema(PerformanceSnapshots)
        days = [
            {"brand_id": name, "day": on, "leads": 0, "deals_won": 0, "notes": ["x"]} for name, on in brands_and_days
        ]
        held = pl.DataFrame([dict.fromkeys(schema) | row for row in days], schema=schema)
        lake.write(PerformanceSnapshots, [held], days=None, reads={}, as_of=NOW, fingerprint=fingerprint("tests"))

    def night(number):
        run = Run(
            run_id=artifact.new_run_id(NOW + timedelta(minutes=number)),
            command="nightly",
            as_of=NOW,
            started_at=NOW,
            host="h",
            pid=1,
        )
        record = StepRecord(name="feedback", status="running")
        deciding.propose(lake, run, record)
        run.steps.append(record)
        artifact.write(lake.path("runs"), run)
        return record

    write(("acme", DAY), ("brand_123", DAY))
    assert night(1).rows_out == 2
    assert night(2).why == ("no day of a brand changed",)
    for row in tasks.state(lake).rows():
        tasks.reject(lake, row["task_id"], by="ann")
    new, schema = DAY + timedelta(days=1), tables.schema(Anomalies)
    rows = [dict.fromkeys(schema) | alarm(name, day=new, episode_start=new) for name in ("acme", "brand_123")]
    held = pl.DataFrame(rows, schema=schema)
    lake.write(Anomalies, [held], days=None, reads={}, as_of=NOW, fingerprint=fingerprint("tests"))
    write(("acme", DAY), ("brand_123", DAY), ("brand_123", new))
    assert night(3).rows_out == 1
    assert [row["brand_id"] for row in tasks.state(lake).rows("pending_review")] == ["brand_123"]
