"""The boundaries between applications and the lake: each exists, is called as applications call it, and arrives.

Every call of the usage stands here once, word for word; taking a function away fails its test.
"""

from __future__ import annotations

import inspect
import json
from datetime import UTC, date, datetime, timedelta

import pytest

import kaizenlake
from kaizenlake import PerformanceData
from kaizenlake.errors import EventError
from kaizenlake.events.catalogue import FAMILIES, by_name, type_name
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.events.decode import decode
from kaizenlake.events.write import boundaries, functions, log
from kaizenlake.events.write.log import logging_to
from kaizenlake.lake.landing.landing import land_folder
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.tables import SILVER, Events, name

FIGURES = {
    "content_id": 123,
    "platform": "instagram",
    "impressions": 5000,
    "clicks": 250,
    "engagements": 400,
    "reach": 4200,
    "conversions": 2.5,
    "likes": 300,
    "comments": 40,
    "shares": 35,
    "saves": 25,
    "revenue_usd": 120.5,
    "content_type": "reel",
    "hook_type": "question",
    "tone": "friendly",
    "text": "Who else loves this?",
    "experiment_id": "exp_1",
    "variant_id": "a",
    "pillar": "community",
    "brand_id": "brand_1",
}

CALLS = {
    "log_lead_created": (
        lambda f: f("lead_123", source="website", icp_match_score=0.85, industry="Technology"),
        "LEAD_CREATED",
        {"lead_id": "lead_123", "source": "website", "icp_match_score": 0.85, "industry": "Technology"},
    ),
    "log_outreach_sent": (
        lambda f: f("lead_123", channel="email", template_id="cold_outreach_v3"),
        "OUTREACH_SENT",
        {"lead_id": "lead_123", "channel": "email", "template_id": "cold_outreach_v3"},
    ),
    "log_outreach_replied": (
        lambda f: f("lead_123", channel="email", intent="interested", sentiment="positive"),
        "OUTREACH_REPLIED",
        {"lead_id": "lead_123", "channel": "email", "intent": "interested", "sentiment": "positive"},
    ),
    "log_lead_qualified": (
        lambda f: f("lead_123", qualification_score=90, budget_range="$10k-$50k"),
        "LEAD_QUALIFIED",
        {"lead_id": "lead_123", "qualification_score": 90.0, "budget_range": "$10k-$50k"},
    ),
    "log_lead_lost": (
        lambda f: f("lead_123", reason="no budget"),
        "LEAD_LOST",
        {"lead_id": "lead_123", "reason": "no budget"},
    ),
    "log_deal_won": (
        lambda f: f("lead_123", deal_size=25000, pack_sold="strategy_campaign_premium", days_to_close=14),
        "DEAL_WON",
        {"lead_id": "lead_123", "deal_size": 25000.0, "pack_sold": "strategy_campaign_premium", "days_to_close": 14.0},
    ),
    "log_appointment_scheduled": (
        lambda f: f("lead_123", scheduled_for=datetime(2026, 12, 1, 10, tzinfo=UTC), channel="call"),
        "APPOINTMENT_SCHEDULED",
        {"lead_id": "lead_123", "scheduled_for": datetime(2026, 12, 1, 10, tzinfo=UTC), "channel": "call"},
    ),
    "log_intake_clarity_scored": (
        lambda f: f(
            project_id="proj_456", clarity_score=45, follow_up_questions_count=5, missing_fields=["budget", "goal"]
        ),
        "INTAKE_CLARITY_SCORED",
        {"clarity_score": 45.0, "follow_up_questions_count": 5, "missing_fields": ["budget", "goal"]},
    ),
    "log_intake_clarification_requested": (
        lambda f: f(project_id="proj_456", questions=["Which budget?"], blocking=True),
        "INTAKE_CLARIFICATION_REQUESTED",
        {"questions": ["Which budget?"], "blocking": True},
    ),
    "log_intake_clarification_received": (
        lambda f: f(project_id="proj_456", response_time_hours=2, questions_answered=2),
        "INTAKE_CLARIFICATION_RECEIVED",
        {"response_time_hours": 2.0, "questions_answered": 2},
    ),
    "log_intake_blocked": (
        lambda f: f(project_id="proj_456", reason="no answer"),
        "INTAKE_BLOCKED",
        {"reason": "no answer"},
    ),
    "log_intake_approved": (
        lambda f: f(project_id="proj_456", final_clarity_score=85, total_clarification_rounds=1, days_to_approval=0.5),
        "INTAKE_APPROVED",
        {"final_clarity_score": 85.0, "total_clarification_rounds": 1, "days_to_approval": 0.5},
    ),
    "log_pack_event": (
        lambda f: f("PACK_STARTED", pack_key="strategy_campaign_premium", project_id="proj_456"),
        "PACK_STARTED",
        {"pack_key": "strategy_campaign_premium"},
    ),
    "log_section_generation": (
        lambda f: f("strategy_campaign_premium", "persona_cards", success=True, project_id="proj_456", words_count=900),
        "SECTION_GENERATED",
        {"pack_key": "strategy_campaign_premium", "section_id": "persona_cards", "words_count": 900},
    ),
    "log_pack_quality_assessment": (
        lambda f: f("strategy_campaign_premium", quality_score=82, gates_passed=9, gates_total=10, project_id="p"),
        "PACK_QUALITY_ASSESSED",
        {"pack_key": "strategy_campaign_premium", "quality_score": 82.0, "gates_passed": 9, "gates_total": 10},
    ),
    "log_run_completed": (
        lambda f: f("run_1", "planner", model="m-1", gates_passed=4, gates_total=5, cost_usd=0.02, tenant_id="t"),
        "RUN_COMPLETED",
        {"run_id": "run_1", "doer": "planner", "model": "m-1", "gates_passed": 4, "gates_total": 5, "cost_usd": 0.02},
    ),
    "log_run_scored": (
        lambda f: f("run_1", "judge", grounding_rate=0.9, quality_score=70, tenant_id="t"),
        "RUN_SCORED",
        {"run_id": "run_1", "scorer": "judge", "grounding_rate": 0.9, "quality_score": 70.0},
    ),
    "log_span_recorded": (
        lambda f: f("run_1", "s_1", name="chat m-1", kind="inference", model="m-1", input_tokens=3, tenant_id="t"),
        "SPAN_RECORDED",
        {
            "run_id": "run_1",
            "span_id": "s_1",
            "name": "chat m-1",
            "kind": "inference",
            "model": "m-1",
            "input_tokens": 3,
        },
    ),
    "log_trace_described": (
        lambda f: f("run_1", name="checkout", session_id="c_1", tenant_id="t"),
        "TRACE_DESCRIBED",
        {"run_id": "run_1", "name": "checkout", "session_id": "c_1"},
    ),
    "log_run_routed": (
        lambda f: f("user_1", deployment_id="d", policy_version="1.1.0", tenant_id="t"),
        "RUN_ROUTED",
        {"unit_id": "user_1", "deployment_id": "d", "policy_version": "1.1.0"},
    ),
    "log_route": (lambda f: f("user_2", deployment_id="d"), "RUN_ROUTED", {"unit_id": "user_2", "deployment_id": "d"}),
    "log_strategy_generated": (
        lambda f: f(strategy_id="s_1", brand_id="b", model="m-1", duration_seconds=12),
        "STRATEGY_GENERATED",
        {"strategy_id": "s_1", "brand_id": "b", "model": "m-1", "duration_seconds": 12.0},
    ),
    "log_strategy_failed": (lambda f: f("timeout", strategy_id="s_1"), "STRATEGY_FAILED", {"reason": "timeout"}),
    "log_creatives_generated": (lambda f: f(12, platform="x"), "CREATIVES_GENERATED", {"creatives_count": 12}),
    "log_execution_started": (lambda f: f("x_1", channel="email"), "EXECUTION_STARTED", {"execution_id": "x_1"}),
    "log_execution_completed": (lambda f: f("x_1", cost_usd=1), "EXECUTION_COMPLETED", {"cost_usd": 1.0}),
    "log_execution_failed": (lambda f: f("x_1", reason="bounced"), "EXECUTION_FAILED", {"reason": "bounced"}),
    "log_workflow_transition": (
        lambda f: f("w_1", from_state="draft", to_state="review"),
        "WORKFLOW_TRANSITION",
        {"workflow_id": "w_1", "from_state": "draft", "to_state": "review"},
    ),
    "log_event": (
        lambda f: f("LEAD_LOST", lead_id="lead_9", reason="silent", project_id="p"),
        "LEAD_LOST",
        {"lead_id": "lead_9", "reason": "silent"},
    ),
    "ingest_performance_data": (
        lambda f: f(PerformanceData(**FIGURES), project_id="campaign_456"),
        "PERFORMANCE_RECORDED",
        FIGURES | {"content_id": "123"},
    ),
    "mark_creative_as_winner": (
        lambda f: f(123, "best of the month", {"engagement_rate": 0.12}),
        "CREATIVE_MARKED_WINNER",
        {"content_id": "123", "reason": "best of the month", "metrics": '{"engagement_rate":0.12}'},
    ),
    "mark_creative_as_loser": (
        lambda f: f(124, "ignored", {"engagement_rate": 0.001}, ["buy now"]),
        "CREATIVE_MARKED_LOSER",
        {"content_id": "124", "reason": "ignored", "patterns_to_avoid": ["buy now"]},
    ),
}


@pytest.fixture
def lake(tmp_path, monkeypatch):
    lake = Lake.create(tmp_path / "lake")
    monkeypatch.setenv("KAIZEN_LAKE", str(tmp_path / "lake"))
    yield lake
    kaizenlake.configure()


def written(lake):
    kaizenlake.close()
    lines = [line for path in sorted(lake.path("landing").glob("*.ndjson")) for line in path.read_bytes().splitlines()]
    found = check_lines(lines, range(1, len(lines) + 1), now=datetime.now(UTC))
    assert found.rejected == []
    return found.frame


@pytest.mark.parametrize("name", CALLS)
def test_call_writes_its_event(lake, name):
    call, event_type, payload = CALLS[name]
    event_id = call(getattr(kaizenlake, name))
    frame = written(lake)
    (row,) = frame.rows(named=True)
    assert (row["event_id"], row["event_type"]) == (event_id, event_type)
    silver = decode(frame.lazy(), by_name(event_type).family).collect().row(0, named=True)
    assert {key: silver[key] for key in payload} == payload


@pytest.mark.parametrize("name", CALLS)
def test_call_comes_down_to_the_generic_one(lake, name, monkeypatch):
    call, event_type, _ = CALLS[name]
    seen = []
    real = log.event_line

    def witness(kind, *args, **named):
        seen.append(kind)
        return real(kind, *args, **named)

    for module in (log, boundaries):
        monkeypatch.setattr(module, "event_line", witness)
    call(getattr(kaizenlake, name))
    assert seen == [event_type]


@pytest.mark.parametrize("name", [*functions.COMMON])
def test_every_boundary_takes_what_every_event_has(name):
    for boundary in CALLS:
        parameters = inspect.signature(getattr(kaizenlake, boundary)).parameters
        assert name in parameters or any(item.kind is item.VAR_KEYWORD for item in parameters.values())


BATCH = "ingest_performance_batch"
PROMISED = (
    "log_lead_created", "log_outreach_sent", "log_outreach_replied", "log_lead_qualified", "log_lead_lost",
    "log_deal_won", "log_appointment_scheduled", "log_intake_clarity_scored", "log_intake_clarification_requested",
    "log_intake_clarification_received", "log_intake_blocked", "log_intake_approved", "log_pack_event",
    "log_section_generation", "log_pack_quality_assessment", "log_run_completed", "log_event",
    "ingest_performance_data", "ingest_performance_batch", "mark_creative_as_winner", "mark_creative_as_loser",
)  # fmt: skip
"""What applications call by name: none of these may ever go."""


def test_every_boundary_is_there_and_every_one_that_is_there_is_called_here():
    called = {*CALLS, BATCH}
    assert set(PROMISED) <= called
    public = {item for item in dir(kaizenlake) if item.startswith(("log_", "ingest_", "mark_"))}
    # The types of packs and performance, which the boundaries above say, of experiments and of what came later have their derived functions.
    said = {
        type_name(payload)
        for family in FAMILIES
        if family.name
        in {"packs", "performance", "experiment_log", "email", "ads", "web", "brand_facts", "learning_log"}
        for payload in family.events
    }
    derived = {f"log_{kind.lower()}" for kind in said | {"CONTENT_CREATED", "ARM_ALLOCATED"}}
    assert public - called == derived | {"log_allocation"}  # which is called below
    assert [item for item in PROMISED if not callable(getattr(kaizenlake, item))] == []


def test_an_allocation_is_logged_whole_or_not_at_all(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    with logging_to(lake.path()):
        for shares in ({"a": 0.5}, {"a": float("nan")}, {"a": 1.5, "b": -0.5}, {}):
            with pytest.raises(EventError):
                kaizenlake.log_allocation("test-7", shares)
        name = kaizenlake.log_allocation(
            "test-7", {"a": 0.9, "b": 0.1}, {"a": 4, "b": 5}, {"a": 1, "b": 0}, project_id="p"
        )
    (file,) = lake.path("landing").glob("*.ndjson")
    told = [json.loads(line) for line in file.read_text().splitlines()]
    assert {event["payload"]["allocation_id"] for event in told} == {name}
    assert [event["payload"]["propensity_rate"] for event in told] == [0.9, 0.1]
    assert len({event["occurred_at"] for event in told}) == 1


@pytest.fixture(scope="module")
def logged_and_told(tmp_path_factory):
    """A lake after a night in which every boundary was called, and the event ids the calls gave."""
    lake = Lake.create(tmp_path_factory.mktemp("boundaries") / "lake")
    kaizenlake.configure(lake=lake.path())
    try:
        told = {boundary: call(getattr(kaizenlake, boundary)) for boundary, (call, _, _) in CALLS.items()}
        told[BATCH] = kaizenlake.ingest_performance_batch(
            [PerformanceData(**FIGURES | {"content_id": 7}), {"content_id": 8, "platform": "x", "clicks": -1}],
            "campaign_789",
        )
    finally:
        kaizenlake.configure()
    done = nightly(lake, as_of=datetime.now(UTC) + timedelta(days=1))
    assert done.exit_code == 0, done.errors
    assert done.landing is not None
    assert (done.landing.landed, done.landing.quarantined) == (len(CALLS) + 2, 0)
    return lake, told


@pytest.mark.parametrize("boundary", CALLS)
def test_after_a_night_what_was_logged_is_in_bronze_and_typed_in_silver(logged_and_told, boundary):
    lake, told = logged_and_told
    _, event_type, payload = CALLS[boundary]
    (event,) = lake.scan(Events).filter(event_id=told[boundary]).collect().rows(named=True)
    assert event["event_type"] == event_type
    (row,) = silver_of(lake, event_type).filter(event_id=told[boundary]).collect().rows(named=True)
    assert {key: row[key] for key in payload} == payload
    assert {key: type(row[key]) for key in payload} == {key: type(value) for key, value in payload.items()}


def test_after_a_night_a_batch_is_in_the_lake_with_what_failed_of_it(logged_and_told):
    lake, told = logged_and_told
    assert told[BATCH] == (2, 1, 1)
    rows = silver_of(lake, "PERFORMANCE_RECORDED").filter(project_id="campaign_789").collect().rows(named=True)
    assert [(row["event_type"], row["content_id"]) for row in sorted(rows, key=lambda row: row["content_id"])] == [
        ("PERFORMANCE_RECORDED", "7"),
        ("PERFORMANCE_INGESTION_FAILED", "8"),
    ]
    (failed,) = [row for row in rows if row["content_id"] == "8"]
    assert "clicks" in failed["reason"]


def silver_of(lake, event_type):
    (table,) = [table for table in SILVER if name(table) == by_name(event_type).family.name]
    return lake.scan(table)


def test_what_is_logged_is_in_the_lake_while_its_process_lives(lake):
    first = kaizenlake.log_lead_created("lead_1")
    land_folder(lake)
    second = kaizenlake.log_lead_created("lead_2")
    kaizenlake.close()
    land_folder(lake)
    land_folder(lake)
    assert sorted(lake.scan(Events).collect()["event_id"]) == [first, second]


@pytest.mark.parametrize(
    ("stage", "said", "event_type"),
    [
        ("started", {}, "PACK_STARTED"),
        ("PACK_COMPLETED", {"cost_usd": 2}, "PACK_COMPLETED"),
        ("failed", {"reason": "timeout"}, "PACK_FAILED"),
        ("SECTION_GENERATED", {"section_id": "s"}, "SECTION_GENERATED"),
        ("quality_passed", {}, "PACK_QUALITY_PASSED"),
    ],
)
def test_stage_of_a_pack_is_its_event(lake, stage, said, event_type):
    kaizenlake.log_pack_event(stage, "quick_social_basic", **said)
    assert written(lake)["event_type"].to_list() == [event_type]


@pytest.mark.parametrize("stage", ["begun", "LEAD_CREATED", None])
def test_unknown_stage_is_refused(lake, stage):
    with pytest.raises(EventError, match=r"no stage of a pack.*PACK_STARTED"):
        kaizenlake.log_pack_event(stage, pack_key="quick_social_basic")


def test_section_that_failed_needs_a_reason(lake):
    with pytest.raises(EventError, match=r"SECTION_FAILED: `reason` is missing"):
        kaizenlake.log_section_generation("p", "s", success=False)
    kaizenlake.log_section_generation("p", "s", success=False, reason="timeout")
    assert written(lake)["event_type"].to_list() == ["SECTION_FAILED"]


@pytest.mark.parametrize(
    ("passed", "types"),
    [
        (None, ["PACK_QUALITY_ASSESSED"]),
        (True, ["PACK_QUALITY_ASSESSED", "PACK_QUALITY_PASSED"]),
        (False, ["PACK_QUALITY_ASSESSED", "PACK_QUALITY_FAILED"]),
    ],
)
def test_assessment_is_followed_by_its_verdict(lake, passed, types):
    for _ in range(2):
        name = kaizenlake.log_pack_quality_assessment(
            "p", passed=passed, quality_score=70, issues=["thin"], event_id="q1", occurred_at="2026-01-01T00:00:00Z"
        )
    frame = written(lake)
    assert name == "q1"
    assert frame["event_type"].to_list() == types * 2
    assert frame["event_id"].n_unique() == len(types)
    (payload,) = frame["payload"].unique()
    assert json.loads(payload) == {"pack_key": "p", "quality_score": 70.0, "issues": ["thin"]}


def test_assessment_that_is_refused_logs_nothing(lake):
    with pytest.raises(EventError, match="passed"):
        kaizenlake.log_pack_quality_assessment("p", passed="yes")
    with pytest.raises(EventError, match="quality_score"):
        kaizenlake.log_pack_quality_assessment("p", passed=True, quality_score=101)
    assert written(lake).height == 0


def test_performance_is_dated_by_its_measurement(lake):
    at = datetime(2026, 5, 1, tzinfo=UTC)
    kaizenlake.ingest_performance_data(PerformanceData(content_id=1, platform="x", performed_at=at), "p")
    kaizenlake.ingest_performance_data({"content_id": 2, "platform": "x", "occurred_at": at}, "p")
    kaizenlake.ingest_performance_data(PerformanceData(content_id=3, platform="x"), "p", occurred_at=at)
    frame = written(lake)
    assert frame["occurred_at"].to_list() == [at] * 3
    assert frame["project_id"].to_list() == ["p"] * 3


def test_performance_takes_the_words_that_applications_use(lake):
    given = PerformanceData(
        content_id=789, platform="instagram", impressions=10000, clicks=800, engagements=1200, conversions=24, ctr=0.08,
        engagement_rate=0.12, conversion_rate=0.03, date="2025-12-08", content_type="reel", hook_type="question",
        tone="friendly", execution_job_id="job_7", external_id="17895", revenue=480.0, roas=3.2, length_words=41,
    )  # fmt: skip
    kaizenlake.ingest_performance_data(given, project_id="campaign_456")
    frame = written(lake)
    assert frame["occurred_at"].to_list() == [datetime(2025, 12, 8, tzinfo=UTC)]
    payload = json.loads(frame["payload"].item())
    assert {name: payload[name] for name in ("ctr", "conversion_rate", "roas", "length_words")} == {
        "ctr": 0.08,
        "conversion_rate": 0.03,
        "roas": 3.2,
        "length_words": 41,
    }
    assert (payload["revenue_usd"], payload["execution_job_id"], payload["external_id"]) == (480.0, "job_7", "17895")


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({"date": "2025-12-08"}, datetime(2025, 12, 8, tzinfo=UTC)),
        ({"date": date(2025, 12, 8)}, datetime(2025, 12, 8, tzinfo=UTC)),
        ({"date": datetime(2025, 12, 8, 9, tzinfo=UTC)}, datetime(2025, 12, 8, 9, tzinfo=UTC)),
    ],
)
def test_the_day_of_figures_is_a_date_or_its_text(lake, said, at):
    kaizenlake.ingest_performance_data(PerformanceData(content_id=1, platform="x", **said))
    kaizenlake.ingest_performance_data({"content_id": 1, "platform": "x", **said})
    assert written(lake)["occurred_at"].to_list() == [at, at]


@pytest.mark.parametrize(
    "said",
    [
        {"date": "08.12.2025"},
        {"date": 20251208},
        {"date": "2025-12-08", "performed_at": "2025-12-08T09:00:00Z"},
        {"revenue": 1, "revenue_usd": 1},
        {"revenue": "much"},
    ],
)
def test_a_day_or_revenue_that_is_none_is_refused(lake, said):
    with pytest.raises(EventError, match=next(iter(said))):
        kaizenlake.ingest_performance_data(PerformanceData(content_id=1, platform="x", **said))
    assert written(lake).height == 0


def test_performance_refuses_foreign_names_and_kinds(lake):
    with pytest.raises(TypeError, match="impresions"):
        PerformanceData(content_id=1, platform="x", impresions=5)
    with pytest.raises(EventError, match="impressions"):
        kaizenlake.ingest_performance_data({"content_id": 1, "platform": "x", "impresions": 5})
    with pytest.raises(EventError, match="content_id"):
        kaizenlake.ingest_performance_data(PerformanceData(platform="x"))
    with pytest.raises(EventError, match="expected a PerformanceData or a mapping, found str"):
        kaizenlake.ingest_performance_data("content 1")
    assert written(lake).height == 0


def test_batch_takes_what_it_can_and_logs_what_it_cannot(lake):
    items = [
        PerformanceData(content_id=1, platform="x", impressions=10),
        {"content_id": 2, "platform": "x", "impressions": -10},
        {"content_id": 3},
        PerformanceData(content_id="4\0", platform="x", engagement_rate=float("nan")),
        "five",
        {"content_id": 6, "platform": "x", "performed_at": "yesterday"},
        {"content_id": 7, "platform": "x", "text": "y" * 30_000},
        {"content_id": 8, "platform": "x"},
    ]
    stats = kaizenlake.ingest_performance_batch(items, "campaign_456")
    assert (stats.total, stats.succeeded, stats.failed) == (8, 2, 6)
    frame = written(lake)
    (family,) = (family for family in FAMILIES if family.name == "performance")
    rows = decode(frame.lazy(), family).collect().rows(named=True)
    failures = [row for row in rows if row["event_type"] == "PERFORMANCE_INGESTION_FAILED"]
    assert [row["content_id"] for row in rows if row not in failures] == ["1", "8"]
    assert [row["content_id"] for row in failures] == ["2", "3", "4\\x00", None, "6", "7"]
    assert [row["project_id"] for row in rows] == ["campaign_456"] * 8
    words = ["impressions", "platform", "content_id", "found str", "occurred_at", "text"]
    assert all(word in row["reason"] for word, row in zip(words, failures, strict=True))


def test_empty_batch(lake):
    assert kaizenlake.ingest_performance_batch([], "p") == (0, 0, 0)
    assert written(lake).height == 0


def test_loser_and_winner_keep_their_figures(lake):
    kaizenlake.mark_creative_as_loser(1, "r", {"ctr": 0.01}, ["free!!!"], platform="x", project_id="p")
    payload = json.loads(written(lake)["payload"].item())
    assert payload == {
        "content_id": "1",
        "reason": "r",
        "platform": "x",
        "metrics": {"ctr": 0.01},
        "patterns_to_avoid": ["free!!!"],
    }
