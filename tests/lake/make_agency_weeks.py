"""Makes the shipped journal of an agency that never was: `python tests/lake/make_agency_weeks.py` writes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

FILE = Path(__file__).parents[2] / "src" / "kaizenlake" / "samples" / "agency_weeks.ndjson"

FIRST_DAY = datetime(2026, 9, 28, 6, tzinfo=UTC)
DAYS = 56
LEADS_FROM = datetime(2026, 4, 6, 8, tzinfo=UTC)
LEADS = 150

BRANDS = (
    {
        "brand_id": "aurora",
        "name": "Aurora Skincare",
        "offer": "Skin care in refillable glass, made in small batches",
        "audience": "People with dry skin who read labels",
        "voice": "Calm, exact, never loud",
        "competitors": ["Calma", "Nordhaut"],
        "claims": ["Refilled for half the price", "No perfume in any jar"],
        "zone": "Europe/Berlin",
        "holidays": ["2026-12-25", "2026-12-26"],
        "logo": "aurora.png",
        "projects": ["aurora_autumn"],
    },
    {
        "brand_id": "northwind",
        "name": "Northwind Foods",
        "offer": "Lunch for offices, cooked the same morning",
        "audience": "Offices of twenty to two hundred people",
        "voice": "Friendly and short",
        "competitors": ["Mittag", "Office Bowl"],
        "claims": ["Cooked the same morning", "One bill a month"],
        "zone": "Europe/Berlin",
        "projects": ["northwind_offices"],
    },
    {
        "brand_id": "harbor",
        "name": "Harbor Clinic",
        "offer": "Physiotherapy with an appointment within three days",
        "audience": "People who sit all day and have a sore back",
        "voice": "Clear, without fear",
        "claims": ["An appointment within three days"],
        "zone": "Europe/London",
        "projects": ["harbor_backs"],
    },
    {
        "brand_id": "lumen",
        "name": "Lumen Energy",
        "offer": "Solar roofs for rent, without money up front",
        "audience": "Owners of houses built before 1990",
        "voice": "Plain, with figures",
        "competitors": ["Sonnendach"],
        "claims": ["Nothing to pay up front", "Serviced for twenty years"],
        "zone": "Europe/Madrid",
        "projects": ["lumen_roofs"],
    },
)
RATES = {
    # Opens and clicks of e-mails, engagement of posts, conversion of visits.
    "aurora": (0.31, 0.062, 0.052, 0.021),
    "northwind": (0.27, 0.055, 0.044, 0.034),
    "harbor": (0.33, 0.058, 0.039, 0.028),
    "lumen": (0.29, 0.051, 0.047, 0.019),
}
BAD_WEEK = {("aurora", "email"): (0.5, 0.5), ("aurora", "instagram"): (0.5, 1.0), ("lumen", "website"): (0.3, 1.0)}
"""What the last week of a channel of a brand falls to, of its usual rates; of e-mails also what clicks fall to."""

OPENINGS = (
    ("question", "Do you know what {offer} saves you?", 1.35),
    ("question", "What would you change about your week, if {claim} were true?", 1.25),
    ("statement", "Today: {claim}.", 1.0),
    ("statement", "A look behind the door: {offer}.", 0.9),
    ("number", "3 things that you get: {claim}, and two more.", 1.1),
)
SOURCES = (("referral", 0.34), ("website", 0.17), ("event", 0.2), ("cold_list", 0.08))
SEGMENTS = (
    ("beauty", "startup", 0.0),
    ("food", "enterprise", 0.08),
    ("health", "smb", 0.05),
    ("energy", "enterprise", 0.1),
)
TEMPLATES = (
    ("email", "short_question_v2", 0.34),
    ("email", "long_letter_v1", 0.15),
    ("linkedin", "warm_intro_v1", 0.4),
)


class _Journal:
    def __init__(self) -> None:
        self.random = Random(20261122)
        self.events: list[dict[str, object]] = []
        self.numbers = count(1)

    def add(self, moment: datetime, kind: str, project: str | None, payload: dict[str, object]) -> None:
        """Add an event, which says that it is invented."""
        event: dict[str, object] = {
            "id": f"invented-w{next(self.numbers):05d}",
            "type": kind,
            "occurred_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        }
        if project is not None:
            event["project_id"] = project
        self.events.append(event | {"source": "invented-sample", "tags": ["invented"], "payload": payload})

    def draw(self, number: int, rate: float) -> int:
        """Draw how many of a number it was, about as a binomial does."""
        spread = (number * rate * (1 - rate)) ** 0.5
        return max(0, min(number, round(self.random.gauss(number * rate, spread))))


def agency_weeks() -> str:
    """Return the journal: brands, leads since April, and eight weeks of channels, packs and briefs."""
    made = _Journal()
    for brand in BRANDS:
        made.add(FIRST_DAY - timedelta(days=30), "BRAND_DESCRIBED", None, dict(brand))
        for day in range(DAYS):
            _add_day(made, brand, day)
    _add_leads(made)
    _add_packs(made)
    ordered = sorted(made.events, key=lambda item: (str(item["occurred_at"]), str(item["id"])))
    return "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in ordered)


def _add_day(made: _Journal, brand: dict[str, object], day: int) -> None:
    """Add a day of a brand: its e-mail, its post and its site; the last week of some channels is a bad one."""
    name, moment = str(brand["brand_id"]), FIRST_DAY + timedelta(days=day)
    project = str(brand["projects"][0])  # type: ignore[index]
    opens, clicks, engagement, conversion = RATES[name]
    is_weekend, is_last = moment.weekday() >= 5, day >= DAYS - 7
    quiet = 0.6 if is_weekend else 1.0

    def low(channel: str) -> tuple[float, float]:
        return BAD_WEEK.get((name, channel), (1.0, 1.0)) if is_last else (1.0, 1.0)

    about = {"brand_id": name}
    sent = round(1800 * quiet * made.random.uniform(0.9, 1.1))
    opened = made.draw(sent, opens * low("email")[0] * made.random.uniform(0.94, 1.06))
    made.add(
        moment,
        "PERFORMANCE_RECORDED",
        project,
        about
        | {
            "content_id": f"{name}-email-{moment:%m%d}",
            "platform": "email",
            "impressions": sent,
            "opens": opened,
            "clicks": min(opened, made.draw(sent, clicks * low("email")[1] * made.random.uniform(0.92, 1.08))),
        },
    )
    hook, words, lift = OPENINGS[made.random.randrange(len(OPENINGS))]
    seen = round(5200 * quiet * made.random.uniform(0.85, 1.15))
    hour = made.random.choice((8, 8, 12, 18))
    rate = engagement * lift * low("instagram")[0] * (1.12 if hour == 8 else 1.0) * made.random.uniform(0.94, 1.06)
    engaged = made.draw(seen, rate)
    text = words.format(
        offer=str(brand["offer"]).lower(), claim=str(brand["claims"][day % len(brand["claims"])]).lower()
    )  # type: ignore[index, arg-type]
    made.add(
        moment + timedelta(hours=hour - 6),
        "PERFORMANCE_RECORDED",
        project,
        about
        | {
            "content_id": f"{name}-post-{moment:%m%d}",
            "platform": "instagram",
            "impressions": seen,
            "engagements": engaged,
            "clicks": made.draw(seen, rate / 6),
            "text": f"{text[0].upper()}{text[1:]} ({moment.day}/{moment.month})",
            "hook_type": hook,
            "posted_weekday": f"{moment:%A}".lower(),
            "posted_hour": hour,
        },
    )
    visits = round(900 * quiet * made.random.uniform(0.9, 1.1))
    made.add(
        moment,
        "PERFORMANCE_RECORDED",
        project,
        about
        | {
            "content_id": f"{name}-site-{moment:%m%d}",
            "platform": "website",
            "impressions": visits,
            "conversions": made.draw(visits, conversion * low("website")[0] * made.random.uniform(0.92, 1.08)),
        },
    )


def _add_leads(made: _Journal) -> None:
    """Add leads since April: each is written to, and some of them reply, meet and buy."""
    days = (FIRST_DAY + timedelta(days=DAYS) - LEADS_FROM).days
    random = made.random
    for number in range(LEADS):
        start = LEADS_FROM + timedelta(days=number * (days - 2) / LEADS, hours=random.randrange(9))
        source, chance = random.choices(SOURCES, weights=(2, 4, 2, 3))[0]
        industry, client_type, more = random.choice(SEGMENTS)
        name = f"lead_{number + 1:03d}"
        segment = {"industry": industry, "client_type": client_type}
        score = min(1.0, max(0.0, random.gauss(0.45 + chance, 0.15)))
        made.add(
            start,
            "LEAD_CREATED",
            None,
            {"lead_id": name, "source": source, "icp_match_score": round(score, 2)} | segment,
        )
        channel, template, replies = random.choice(TEMPLATES)
        sent = start + timedelta(days=1)
        told = {"lead_id": name, "channel": channel, "template_id": template, "message_id": f"m-{name}"}
        made.add(sent, "OUTREACH_SENT", None, told)
        if random.random() > replies + chance + more:
            if random.random() < 0.5:
                made.add(sent + timedelta(days=20), "LEAD_LOST", None, {"lead_id": name, "reason": "No answer."})
            continue
        said = {"sentiment": random.choice(("positive", "positive", "neutral", "negative"))}
        made.add(
            sent + timedelta(days=2),
            "OUTREACH_REPLIED",
            None,
            {key: told[key] for key in ("lead_id", "channel", "message_id")} | said,
        )
        if random.random() > 0.75:
            made.add(sent + timedelta(days=9), "LEAD_LOST", None, {"lead_id": name, "reason": "No budget this year."})
            continue
        made.add(sent + timedelta(days=4), "LEAD_QUALIFIED", None, {"lead_id": name})
        made.add(sent + timedelta(days=8), "APPOINTMENT_SCHEDULED", None, {"lead_id": name})
        ends = sent + timedelta(days=random.randrange(14, 45))
        if random.random() < chance + more + score / 3:
            deal = {"lead_id": name, "deal_size": random.randrange(20, 140) * 100, "pack_sold": "quick_social_basic"}
            made.add(ends, "DEAL_WON", None, deal)
        elif random.random() < 0.8:
            made.add(ends, "LEAD_LOST", None, {"lead_id": name, "reason": "Chose another agency."})
    horizon = f"{FIRST_DAY + timedelta(days=DAYS):%Y-%m-%dT%H:%M:%SZ}"
    made.events = [event for event in made.events if str(event["occurred_at"]) < horizon]


def _add_packs(made: _Journal) -> None:
    """Add a brief and a pack for each brand: one is complete, one fails its benchmark, one is a stub, one failed."""
    segments = dict(zip((brand["brand_id"] for brand in BRANDS), SEGMENTS, strict=True))
    for place, brand in enumerate(BRANDS):
        name, project = str(brand["brand_id"]), str(brand["projects"][0])  # type: ignore[index]
        industry, client_type, _ = segments[name]
        segment: dict[str, object] = {"industry": industry, "client_type": client_type}
        moment = FIRST_DAY + timedelta(days=1 + 2 * place, hours=3)
        score = (58, 84, 71, 39)[place]
        missing = ["budget", "audience"][: (80 - score) // 18] if score < 80 else []
        scored = {"clarity_score": score, "follow_up_questions_count": len(missing), "missing_fields": missing}
        made.add(moment, "INTAKE_CLARITY_SCORED", project, scored | segment)
        approved = {
            "final_clarity_score": min(95, score + 20 * len(missing)),
            "total_clarification_rounds": len(missing),
        }
        made.add(moment + timedelta(days=3), "INTAKE_APPROVED", project, approved | {"days_to_approval": 3.0} | segment)
        pack = {"pack_key": "quick_social_basic", "pack_run_id": f"{name}-1"} | segment
        begun = moment + timedelta(days=4)
        made.add(begun, "PACK_STARTED", project, pack | {"sections_planned": 4})
        if name == "lumen":
            made.add(
                begun + timedelta(minutes=3), "PACK_FAILED", project, pack | {"reason": "The model gave no answer."}
            )
            continue
        for number, (section, text) in enumerate(_sections(brand)):
            said: dict[str, object] = {"section_id": section, "text": text, "format": "markdown"}
            if name == "northwind" and section == "final_summary":
                said = {"section_id": section, "is_stub": True}
            if name == "harbor" and section == "copy_variants":
                said["text"] = "## Copy Variations\n\n- One for the office.\n"
            made.add(begun + timedelta(minutes=number + 1), "SECTION_GENERATED", project, pack | said)
        done = {"sections_generated": 4, "duration_seconds": 320}
        made.add(begun + timedelta(minutes=6), "PACK_COMPLETED", project, pack | done)


def _sections(brand: dict[str, object]) -> list[tuple[str, str]]:
    """Return the four core sections of a small pack, in sentences about the brand."""
    name, offer = brand["name"], str(brand["offer"]).lower()
    first = str(brand["claims"][0]).lower()  # type: ignore[index]
    audience = str(brand["audience"]).lower()
    rest = [
        f"{name} sells this: {offer}.",
        f"It speaks to {audience}.",
        f"The claim that bears it: {first}.",
        "Each post makes one point and asks for one step.",
        "What reaches fewer people than the median of the last eight weeks is not repeated.",
        "The week is read on Monday, and the plan is changed on Tuesday.",
        "No claim is made that nobody can prove.",
    ]
    angles = ("Rational", "Emotional", "Provocative")
    variants = [
        f"- {angles[number // 4]} {number % 4 + 1}: {name} offers {offer}. It is for {audience}, and {first}. Ask for one step."
        for number in range(12)
    ]
    days = [
        f"- Day {day}: a post on {('the offer', 'the proof', 'the people')[day % 3]} of {name}." for day in range(1, 31)
    ]
    return [
        ("overview", " ".join(rest[:7]) + "\n"),
        (
            "copy_variants",
            "## Copy Variations\n\nRational, emotional and provocative.\n\n" + "\n".join(variants) + "\n",
        ),
        ("detailed_30_day_calendar", "## Calendar\n\n" + "\n".join(days) + "\n"),
        ("final_summary", " ".join((rest * 3)[:19]) + "\n"),
    ]


if __name__ == "__main__":
    FILE.write_text(agency_weeks(), encoding="utf-8")
