"""Rows of gold tables written by hand, and lakes filled with them."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime

import polars as pl

from kaizenlake import tables
from kaizenlake.lake.store import Lake, fingerprint
from kaizenlake.publish.context.build import Edition, build
from kaizenlake.publish.context.sources import TABLES
from kaizenlake.settings import Settings
from kaizenlake.tables import (
    AvoidedPhrases,
    Contents,
    CreativeLabels,
    EventCounts,
    IntakeSegments,
    Outcomes,
    Patterns,
    Projects,
    ScopedPatterns,
    ScopedWinRates,
    WinRates,
)

AS_OF = datetime(2026, 11, 2, tzinfo=UTC)
NOW = datetime(2026, 11, 2, 1, tzinfo=UTC)
THEN = datetime(2026, 10, 5, 12, tzinfo=UTC)

DEFAULTS = {pl.String: "x", pl.Int64: 1, pl.Float64: 0.5, pl.Boolean: False, pl.Date: date(2026, 10, 5), pl.List: []}
ALLOWED = {"tier": "good", "rate_of": "impressions", "kind": "creative", "scope": "project", "label": "winner"}
ALLOWED |= {"source": "automatic", "verdict": "unclear", "evidence": "observation", "metric": "engagement_rate"}


def row(table, **values):
    """A row of a table: what is not said is null where it may be, else some value of the type."""
    columns = tables.columns(table)
    unknown = set(values) - set(columns)
    assert not unknown, unknown

    def some(name, dtype):
        if name in ALLOWED and not (table is EventCounts and name == "source"):
            return ALLOWED[name]
        return THEN if isinstance(dtype, pl.Datetime) else DEFAULTS[dtype.base_type()]

    schema = tables.schema(table)
    return {
        name: values[name] if name in values else None if column.nullable else some(name, schema[name])
        for name, column in columns.items()
    }


def frames(*rows):
    """A scan of literal rows; each row comes with its table."""
    by_table = {table: [] for table in TABLES}
    for table, values in rows:
        by_table[table].append(row(table, **values))
    found = {table: pl.DataFrame(held, schema=tables.schema(table)) for table, held in by_table.items()}
    found |= {table: compared(found[table]) for table in (WinRates, ScopedWinRates)}
    for table, frame in found.items():
        tables.check(table, frame)
    return lambda table: found[table].lazy()


def documents(*rows, only=None, tenant=None, **settings):
    """Context and evidence of literal rows, by scope in words."""
    edition = Edition(settings=Settings(**settings), tenant=tenant)
    return {made.scope.words: made for made in build(frames(*rows), edition, only)}


def compared(rates):
    """Win rates with those of the other values of their dimension, as if all were of one stratum."""
    family = [name for name in ("tenant_id", "scope", "project_id", "kind", "dimension") if name in rates.columns]
    wins, decided = (pl.col(name).sum().over(family) - pl.col(name) for name in ("wins", "decided"))
    others = pl.when(decided > 0).then(wins / decided)
    rate = pl.col("win_rate")
    return rates.with_columns(
        others_rate=others,
        compared_rate=pl.when(decided > 0).then(rate),
        lift=pl.when(others > 0).then(rate / others - 1),
    )


def contexts(*rows, **more):
    """Contexts of literal rows, by scope in words."""
    return {words: made.context for words, made in documents(*rows, **more).items()}


def fill(lake: Lake, *rows):
    """Write literal rows into a lake, through its ordinary writing."""
    scan = frames(*rows)
    for table in TABLES:
        frame = scan(table).collect()
        days = None
        if (by := tables.partition(table)) is not None:
            known = set(frame[by]) | set(lake.scan(table).collect()[by])
            days = known
        lake.write(table, [frame], days=days, reads={}, as_of=AS_OF, fingerprint=fingerprint("tests"))


def copied(lake: Lake, to) -> Lake:
    """A copy of a lake that was filled once."""
    shutil.copytree(lake.root, to)
    return Lake(to)


def pattern(pattern_type, value, verdict, lift=0.2, evidence="observation", contents=40, q_value=0.01, **more):
    """A pattern over everything."""
    return Patterns, {
        "evidence": evidence,
        "pattern_type": pattern_type,
        "pattern": value,
        "contents": contents,
        "experiments": 6,
        "verdict": verdict,
        "lift": lift,
        "lift_ci_low": None if lift is None else lift - 0.1,
        "lift_ci_high": None if lift is None else lift + 0.1,
        "shrunk_lift": None if lift is None else lift * 0.8,
        "q_value": q_value,
        "p_value": q_value,
        "rate_with": 0.06,
        "rate_without": 0.05,
        **more,
    }


def scoped_pattern(pattern_type, value, verdict, lift=0.2, shrunk=0.1, contents=4, **more):
    """A pattern of project p1."""
    return ScopedPatterns, {
        "scope": "project",
        "project_id": "p1",
        "pattern_type": pattern_type,
        "pattern": value,
        "contents": contents,
        "verdict": verdict,
        "lift": lift,
        "shrunk_lift": shrunk,
        "q_value": 0.01 if verdict != "unclear" else 0.6,
        **more,
    }


def win_rate(kind, dimension, value, wins, decided, q_value=0.5, **more):
    """A win rate over everything."""
    rate = wins / decided
    figures = {"win_rate": rate, "ci_low": max(0.0, rate - 0.1), "ci_high": min(1.0, rate + 0.1), "shrunk_rate": rate}
    figures |= {
        "wins": wins,
        "decided": decided,
        "q_value": q_value,
        "p_value": q_value,
        "pending": 0,
        "status": "rated",
    }
    figures |= {"age_days": 14, "adjusted_rate": rate, "strata": 0}
    return WinRates, {"kind": kind, "dimension": dimension, "value": value, **figures, **more}


def scoped_win_rate(kind, dimension, value, wins, decided, q_value=0.5, **more):
    """A win rate of project p1."""
    _, figures = win_rate(kind, dimension, value, wins, decided, q_value)
    drawn = {"whole_rate": 0.5, "borrowed_rate": 0.8}
    return ScopedWinRates, {"scope": "project", "project_id": "p1", **figures, **drawn, **more}


def project(project_id, events=20, **more):
    """A project."""
    return Projects, {"project_id": project_id, "events": events, "first_at": THEN, "last_at": THEN, **more}


def events(number, **more):
    """Events of one day and source."""
    return EventCounts, {"events": number, "source": "app", "first_at": THEN, "last_at": THEN, **more}


def phrase(text, project_id=None, marks=1, **more):
    """A phrase to avoid."""
    return AvoidedPhrases, {"phrase": text, "project_id": project_id, "marks": marks, **more}


def label(content_id, project_id="p1", platform="instagram", **more):
    """A marked content."""
    return CreativeLabels, {"content_id": content_id, "project_id": project_id, "platform": platform, **more}


def content(content_id, project_id="p1", platform="instagram", **more):
    """A content."""
    return Contents, {"content_id": content_id, "project_id": project_id, "platform": platform, **more}


def clarity(industry, client_type, clear, briefs, ci_low):
    """The clarity of a segment."""
    figures = {"clear_briefs": clear, "briefs": briefs, "clear_rate": clear / briefs, "mean_score": 75.0}
    return IntakeSegments, {"industry": industry, "client_type": client_type, "ci_low": ci_low, **figures}


def outcome(subject_id, **more):
    """A decided outcome."""
    return Outcomes, {"subject_id": subject_id, **more}


def story():
    """A lake in which every field of a context has something to say."""
    return (
        events(300),
        project("p1", 20, industry="retail", client_type="startup"),
        project("p2", 80, industry="retail", client_type="startup"),
        pattern("tone", "friendly", "works"),
        pattern("tone", "formal", "unclear", 0.02, q_value=0.7),
        pattern("hook_type", "question", "works", 0.3, evidence="experiment"),
        pattern("hook_type", "list", "risky", -0.3, evidence="experiment"),
        pattern("second_person", "yes", "works", 0.1),
        win_rate("creative", "pillar", "education", 40, 50, q_value=0.001),
        win_rate("creative", "pillar", "news", 10, 50, q_value=0.001),
        win_rate("creative", "platform", "instagram", 45, 60, q_value=0.002),
        win_rate("creative", "platform", "x", 10, 40, q_value=0.002),
        win_rate("outreach", "channel", "email", 30, 100),
        win_rate("outreach", "channel", "phone", 5, 10),
        win_rate("pack", "pack_key", "launch_gtm_pack", 9, 10),
        scoped_win_rate("outreach", "channel", "email", 3, 4),
        scoped_pattern("tone", "friendly", "unclear"),
        phrase("synergy", "p1", 3, last_reason="nobody talks like that"),
        phrase("act now", None, 1),
        label("c1", shrunk_rate=0.2, engagement_rate=0.25, rank_in_group=1, group_size=40),
        label("c2", source="manual", reason="the client loved it"),
        label("c3", source="manual", label="loser", reason="the client hated it"),
        content("c1", industry="retail", client_type="startup", tone="friendly", trials=5000),
        clarity("retail", "startup", 9, 10, 0.6),
        clarity("health", None, 1, 10, 0.02),
    )
