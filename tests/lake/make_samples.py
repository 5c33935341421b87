"""Makes the shipped samples; `python tests/lake/make_samples.py ../shared/data` writes those whose source is there."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

SAMPLES = Path(__file__).parents[2] / "src" / "kaizenlake" / "samples"
TESTS = 330
FIRST_DAY = datetime(2025, 12, 1, 8, tzinfo=UTC)

PROJECTS = (
    # project, industry, client_type, how clear the client's briefs are, how well things go
    ("aurora_skincare", "beauty", "startup", 55, 0.55),
    ("northwind_foods", "food", "enterprise", 78, 0.75),
    ("kite_mobility", "mobility", "startup", 48, 0.5),
    ("harbor_clinic", "health", "smb", 70, 0.65),
    ("lumen_energy", "energy", "enterprise", 82, 0.8),
    ("paperboat_books", "retail", "smb", 60, 0.6),
)
PACKS = (
    ("quick_social_basic", 0.15),
    ("strategy_campaign_standard", 0.0),
    ("strategy_campaign_premium", 0.1),
    ("launch_gtm_pack", -0.1),
    ("retention_crm_booster", -0.2),
)
TEMPLATES = (
    ("email", "cold_outreach_v3", 0.3),
    ("email", "cold_outreach_v2", 0.12),
    ("linkedin", "warm_intro_v1", 0.4),
)
QUESTIONS = ("Who is the audience?", "What is the budget?", "Which markets count?", "What must never be said?")


def upworthy(source: Path) -> str:
    """Whole tests, chosen by a hash of their id alone, so that the choice knows nothing of how they ended."""
    with source.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    ids = sorted({row[0] for row in rows}, key=lambda name: hashlib.sha256(name.encode()).digest())
    chosen = set(ids[:TESTS])
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(row for row in rows if row[0] in chosen)
    return text.getvalue()


def agency_events() -> str:
    """An agency that never was: its packs, its leads and deals, its clients' briefs."""
    random = Random(20260219)
    events: list[dict[str, object]] = []

    def add(day: float, kind: str, project: str | None, **payload: object) -> None:
        moment = FIRST_DAY + timedelta(minutes=round(day * 1440))
        event = {"id": f"invented-{len(events) + 1:04d}", "type": kind, "occurred_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
        if project is not None:
            event["project_id"] = project
        event |= {"source": "invented-sample", "tags": ["invented"], "payload": payload}
        events.append(event)

    for place, (project, industry, client_type, clarity, luck) in enumerate(PROJECTS):
        segment = {"industry": industry, "client_type": client_type}
        day = place * 1.5
        score = clarity + random.randrange(-8, 9)
        missing = ["budget", "audience", "tone_of_voice"][: max(0, (85 - score) // 12)]
        add(
            day,
            "INTAKE_CLARITY_SCORED",
            project,
            clarity_score=score,
            follow_up_questions_count=len(missing),
            missing_fields=missing,
            **segment,
        )
        if missing:
            asked = QUESTIONS[: len(missing)]
            hours = random.randrange(2, 40)
            add(
                day + 0.1,
                "INTAKE_CLARIFICATION_REQUESTED",
                project,
                questions=list(asked),
                blocking=score < 55,
                **segment,
            )
            if score < 55:
                add(
                    day + 0.12,
                    "INTAKE_BLOCKED",
                    project,
                    reason="The brief names no audience.",
                    missing_fields=missing,
                    **segment,
                )
            add(
                day + 0.1 + hours / 24,
                "INTAKE_CLARIFICATION_RECEIVED",
                project,
                response_time_hours=hours,
                questions_answered=len(asked),
                **segment,
            )
        add(
            day + 2,
            "INTAKE_APPROVED",
            project,
            final_clarity_score=min(95, score + 9 * len(missing)),
            total_clarification_rounds=1 if missing else 0,
            days_to_approval=2.0,
            **segment,
        )
        for run in range(5):
            key, ease = PACKS[(run + place) % len(PACKS)]
            pack = {
                "pack_key": key,
                "pack_run_id": f"{project}-{run + 1}",
                "model": ("model-a", "model-b")[run % 2],
                **segment,
            }
            start = day + 3 + run * 9
            add(start, "PACK_STARTED", project, sections_planned=2, **pack)
            for section in ("persona_cards", "messaging"):
                add(
                    start + 0.02,
                    "SECTION_GENERATED",
                    project,
                    section_id=section,
                    words_count=random.randrange(200, 900),
                    attempts_count=1 + (random.random() < 0.2),
                    duration_seconds=random.randrange(20, 90),
                    **pack,
                )
            if random.random() < 0.07:
                add(
                    start + 0.04,
                    "PACK_FAILED",
                    project,
                    reason="The generator timed out.",
                    error_type="TimeoutError",
                    **pack,
                )
                continue
            add(
                start + 0.05,
                "PACK_COMPLETED",
                project,
                sections_generated=2,
                duration_seconds=random.randrange(60, 300),
                cost_usd=round(random.uniform(0.2, 2.5), 2),
                **pack,
            )
            passed = random.random() < luck + ease
            add(
                start + 0.1,
                "PACK_QUALITY_PASSED" if passed else "PACK_QUALITY_FAILED",
                project,
                quality_score=random.randrange(75, 98) if passed else random.randrange(35, 65),
                gates_passed=5 if passed else 3,
                gates_total=5,
                issues=[] if passed else ["The call to action is missing."],
                **pack,
            )

    for lead in range(30):
        _, industry, client_type, _, luck = PROJECTS[lead % len(PROJECTS)]
        name, day = f"lead_{lead + 1:03d}", lead * 1.2
        channel, template, replies = TEMPLATES[lead % len(TEMPLATES)]
        add(
            day,
            "LEAD_CREATED",
            None,
            lead_id=name,
            source=("website", "referral", "event")[lead % 3],
            icp_match_score=round(random.uniform(0.3, 0.95), 2),
            industry=industry,
            client_type=client_type,
        )
        add(
            day + 0.5,
            "OUTREACH_SENT",
            None,
            lead_id=name,
            channel=channel,
            template_id=template,
            message_id=f"message_{lead + 1:03d}",
        )
        if random.random() > replies + 0.3 * luck:
            if random.random() < 0.5:
                add(day + 21, "LEAD_LOST", None, lead_id=name, reason="No reply.")
            continue
        add(
            day + 2.5,
            "OUTREACH_REPLIED",
            None,
            lead_id=name,
            channel=channel,
            intent="interested",
            sentiment="positive",
            message_id=f"message_{lead + 1:03d}",
        )
        add(
            day + 4,
            "LEAD_QUALIFIED",
            None,
            lead_id=name,
            qualification_score=random.randrange(55, 98),
            budget_range="$10k-$50k",
        )
        add(
            day + 6,
            "APPOINTMENT_SCHEDULED",
            None,
            lead_id=name,
            channel="call",
            scheduled_for=f"{FIRST_DAY + timedelta(days=day + 8):%Y-%m-%dT%H:00:00Z}",
        )
        if random.random() < luck:
            add(
                day + 14,
                "DEAL_WON",
                None,
                lead_id=name,
                deal_size=random.randrange(4, 40) * 1000,
                pack_sold=PACKS[lead % len(PACKS)][0],
                days_to_close=14,
            )
        else:
            add(day + 16, "LEAD_LOST", None, lead_id=name, reason="Chose another agency.")
    return "".join(
        json.dumps(event, separators=(",", ":")) + "\n"
        for event in sorted(events, key=lambda item: (item["occurred_at"], item["id"]))
    )


def main(data: Path) -> None:
    """Write every sample."""
    SAMPLES.mkdir(exist_ok=True)
    for name in ("facebook_posts.csv", "agent_runs.csv"):
        (SAMPLES / name).write_bytes((data / name).read_bytes().replace(b"\r\n", b"\n"))
    (SAMPLES / "upworthy_headline_tests.csv").write_text(
        upworthy(data / "upworthy_headline_tests.csv"), encoding="utf-8"
    )
    (SAMPLES / "agency_events.ndjson").write_text(agency_events(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
