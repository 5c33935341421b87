"""What applications already call, written as they call it, on one lake from logging to answers."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta

import pytest

import kaizenlake
from kaizenlake import (
    KaizenContext,
    KaizenService,
    PerformanceData,
    ingest_performance_data,
    log_deal_won,
    log_intake_approved,
    log_intake_clarity_scored,
    log_lead_created,
    log_outreach_sent,
    log_pack_event,
)
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly

TWELVE = {
    "recommended_tones": ["friendly", "bold"],
    "risky_patterns": ["avoid_jargon"],
    "preferred_platforms": ["instagram", "tiktok"],
    "banned_phrases": ["synergy"],
    "past_winners": [],
    "successful_pillars": ["Content Marketing"],
    "high_performing_hooks": ["How to..."],
    "channel_performance": {"instagram": 0.85},
    "high_clarity_segments": ["SaaS startups"],
    "pack_success_rates": {"strategy_campaign_premium": 0.9},
    "confidence": 75.0,
    "sample_size": 40,
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    made = Lake.create(tmp_path_factory.mktemp("application") / "lake")
    kaizenlake.configure(lake=str(made.root))
    log_lead_created("lead_123", source="website", icp_match_score=0.85, industry="SaaS")
    log_outreach_sent("lead_123", channel="email", template_id="cold_v3")
    log_deal_won("lead_123", deal_size=25000, pack_sold="strategy_campaign_premium")
    log_intake_clarity_scored("campaign_456", clarity_score=85, follow_up_questions_count=2)
    log_intake_approved("campaign_456", final_clarity_score=90, total_clarification_rounds=1)
    log_pack_event(
        "PACK_STARTED", "strategy_campaign_premium", project_id="campaign_456", industry="SaaS", client_type="startup"
    )
    log_pack_event(
        "PACK_COMPLETED", "strategy_campaign_premium", project_id="campaign_456", industry="SaaS", client_type="startup"
    )
    performance = PerformanceData(
        content_id=789, platform="instagram", impressions=10000, clicks=800, engagements=1200, conversions=24, ctr=0.08,
        engagement_rate=0.12, conversion_rate=0.03, date="2025-12-08", content_type="reel", hook_type="question",
        tone="friendly",
    )  # fmt: skip
    ingest_performance_data(performance, project_id="campaign_456")
    kaizenlake.flush()
    kaizenlake.close()
    assert nightly(made, as_of=datetime.now(UTC) + timedelta(hours=1)).exit_code == 0
    yield made
    kaizenlake.configure(lake=None)


def test_a_service_answers_from_the_lake_of_the_environment(lake, monkeypatch):
    monkeypatch.setenv("KAIZEN_LAKE", str(lake.root))
    service = KaizenService()
    context = service.build_context_for_project("campaign_456")
    for field, example in TWELVE.items():
        assert isinstance(getattr(context, field), type(example)), field
    assert context.recommended_tones[:3] == list(context.recommended_tones)[:3]
    assert service.get_win_rates(groupby="pack_key") == {"strategy_campaign_premium": 1.0}
    (pattern,) = service.get_top_performing_patterns(pattern_type="hooks")
    assert (pattern["hook"], pattern["avg_engagement"]) == ("question", 0.12)


@pytest.mark.parametrize(
    "asked",
    [
        {"industry": "SaaS", "client_type": "startup"},
        {"industry": "SaaS"},
        {"client_type": "startup"},
        {"segment_id": "SaaS/startup"},
        {"segment_id": "saas_startup"},
    ],
)
def test_a_segment_is_named_by_its_parts_or_in_one_text(lake, asked):
    context = KaizenService(lake).build_context_for_segment(**asked)
    assert context.sample_size > 0
    assert context.scope.kind == "segment"


def test_a_segment_without_a_name_is_refused(lake):
    for asked in ({}, {"segment_id": "SaaS/startup", "industry": "SaaS"}):
        with pytest.raises(kaizenlake.errors.UsageError, match="industry"):
            KaizenService(lake).build_context_for_segment(**asked)


@pytest.mark.parametrize("field", TWELVE)
def test_a_context_can_be_made_by_hand_of_any_of_its_twelve_fields(field):
    assert getattr(KaizenContext(**{field: TWELVE[field]}), field) == TWELVE[field]
    empty = getattr(KaizenContext(), field)
    assert type(empty) is type(TWELVE[field])
    assert not empty


def test_every_call_has_a_docstring_that_says_what_it_does():
    for name in (
        "build_context_for_project",
        "build_context_for_segment",
        "get_win_rates",
        "get_top_performing_patterns",
    ):
        assert inspect.getdoc(getattr(KaizenService, name))
