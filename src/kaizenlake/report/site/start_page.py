"""The start page: what should I do today? What changed, what waits for a person, and what broke, in one screen."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import polars as pl

from kaizenlake import tables
from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import KeyFigure
from kaizenlake.report.engine.rows import Figures
from kaizenlake.report.kaizen.kaizen_data import ReportData
from kaizenlake.report.kaizen.lake_sections import build_key_figures, list_moved, list_turned
from kaizenlake.report.kaizen.recommendations import (
    Recommendation,
    command_of_promotion,
    format_command,
)
from kaizenlake.report.kaizen.report_labels import pattern_label, waiting_lines
from kaizenlake.report.site.page_names import SiteLinks
from kaizenlake.report.site.site_page import PageLink, SitePage, TodayItem, TodayList
from kaizenlake.report.site.site_scope import SiteScope
from kaizenlake.tables import (
    Contents,
    EventCounts,
    Findings,
    Patterns,
    PolicyPromotions,
    Projects,
    Quarantine,
    SourceFreshness,
    Tasks,
)

SHOWN = 6
"""Most entries of a list: all four stand on one screen."""

LONGEST = 230
"""Most characters of a sentence."""

_EVIDENCE = {
    "events": EventCounts,
    "contents": Contents,
    "good_or_better_rate": Contents,
    "patterns_that_work": Patterns,
    "patterns_at_risk": Patterns,
    "waiting_in_quarantine": Quarantine,
    "projects": Projects,
}
"""Table behind each key figure."""


def build_start(data: ReportData, scope: SiteScope, links: SiteLinks, counts: tuple[PageLink, ...]) -> SitePage:
    """Return the start page.

    Args:
        data: What the Kaizen report tells.
        scope: What the site is made of.
        links: Pages that there are.
        counts: Kinds of pages, and how many there are of each.
    """
    reports = tuple(PageLink(name, link) for name, link in scope.reports)
    export = f"Commands are for the lake of KAIZEN_LAKE={shlex.quote(scope.lake)}." if scope.lake else ""
    return SitePage(
        "index.html",
        "What should I do today?",
        subtitle=f"As of {say.instant(scope.as_of)}: events before it count.",
        facts=export,
        figures=tuple(_yield_figures(data, links)),
        lists=(
            _list_recommended(data.recommendations, scope, links),
            _list_waiting(data, scope, links),
            _list_broken(scope, links),
            _list_changed(data, scope, links),
        ),
        links=(("Pages", counts), *((("Reports of the night", reports),) if reports else ())),
        is_start=True,
    )


def _yield_figures(data: ReportData, links: SiteLinks) -> Iterator[KeyFigure]:
    for name, figure in build_key_figures(data).items():
        table = _EVIDENCE.get(name)
        link = links.evidence(tables.full_name(table)) if table is not None else ""
        yield KeyFigure(figure.label, figure.value, figure.change, link)


def _list_recommended(found: tuple[Recommendation, ...], scope: SiteScope, links: SiteLinks) -> TodayList:
    items = tuple(
        TodayItem(
            f"{say.sentence(item.action)}: {item.what}",
            f"Expected {item.effect}. {say.sentence(item.certainty)}.",
            _find_evidence(item.finding_id, item.table, links),
            format_command((*item.command, *_of_tenant(scope))) if item.command else "",
            "bad" if item.action == "stop" else "good" if item.action == "do" else "plain",
        )
        for item in found
    )
    nothing = "Nothing can be recommended yet: no test has a clear result."
    return TodayList("recommended", "What to do, stop and test next", items, nothing)


def _find_evidence(finding_id: str, table: str, links: SiteLinks) -> str:
    """Return the page that a finding rests on: of a pattern or a canary its own, else that of its table."""
    kind, _, rest = finding_id.partition("/")
    parts = tuple(rest.split("/"))
    if kind.endswith("_pattern") and len(parts) == 2:
        found = links.find("patterns", parts)
    elif kind in {"promotion_waiting", "broken_guardrail", "invalid_canary"}:
        found = links.find("canaries", parts[:1])
    elif kind in {"version_change", "degrading_doer", "skill_term"}:
        found = links.find("agents", parts[:1])
    else:
        found = ""
    return found or links.evidence(table)


def _list_waiting(data: ReportData, scope: SiteScope, links: SiteLinks) -> TodayList:
    tenant = _of_tenant(scope)
    items = [
        TodayItem(
            say.clean(row["sentence"], LONGEST),
            link=_find_evidence(row["finding_id"], tables.full_name(Findings), links),
            command=format_command((*words, *tenant)) if (words := command_of_promotion(row)) else "",
        )
        for row in _find(scope, pl.col("kind") == "promotion_waiting")
    ]
    waiting = scope.scan(Tasks).filter(pl.col("status") == "pending_review").sort("proposed_at", "task_id").collect()
    for row in waiting.iter_rows(named=True):
        why = f": {say.clean(row['proposal_reason'], LONGEST)}" if row["proposal_reason"] else ""
        items.append(
            TodayItem(
                f"{say.clean(row['brand_id'], 40)}, {say.name_words(row['task_type'])}{why}",
                f"Proposed by {say.clean(row['proposed_by'], 40)} on {say.date_of(row['proposed_at'])}.",
                links.find("tasks", (row["task_id"],)) or links.find("brands", (row["brand_id"],)),
                format_command(("kaizen", "task", "approve", row["task_id"], *tenant)),
            )
        )
    if lines := waiting_lines(data.quality.waiting, data.quality.waiting_by_rule):
        items.append(TodayItem(lines, link=links.evidence(tables.full_name(Quarantine)), command="kaizen quarantine"))
    items += [
        TodayItem(
            say.clean(row["sentence"], LONGEST),
            say.clean(row["remedy"] or "", LONGEST),
            links.evidence(tables.full_name(Findings)),
        )
        for row in _find(scope, pl.col("kind") == "missing_data")
    ]
    return _cut("waiting", "What waits for a person", items, "Nothing waits for a person.", "tasks.html")


def _list_broken(scope: SiteScope, links: SiteLinks) -> TodayList:
    items = [
        TodayItem(
            say.clean(fault.text, LONGEST),
            say.clean(fault.more, LONGEST),
            command=format_command(fault.command) if fault.command else "",
            tone="bad",
        )
        for fault in scope.faults
    ]
    is_alert = pl.col("severity").is_in(["warning", "critical"])
    items += [
        TodayItem(
            say.clean(row["sentence"], LONGEST),
            say.clean(row["remedy"] or "", LONGEST),
            _find_evidence(row["finding_id"], tables.full_name(Findings), links),
            tone="bad",
        )
        for row in _find(scope, is_alert)
    ]
    stale = scope.scan(SourceFreshness).filter(pl.col("stale")).sort("silent_hours", "source").collect()
    if stale.height:
        names = ", ".join(say.clean(name, 40) for name in stale["source"][:4])
        more = f" and {stale.height - 4} more" if stale.height > 4 else ""
        items.append(
            TodayItem(
                f"{names}{more} sent nothing for longer than the settings allow.",
                "Look whether they still send: the export, the connection and the log.",
                links.evidence(tables.full_name(SourceFreshness), "stale"),
                tone="bad",
            )
        )
    return _cut("broken", "What broke", items, "Nothing broke: every step of the night ran.", "")


def _list_changed(data: ReportData, scope: SiteScope, links: SiteLinks) -> TodayList:
    items = [
        TodayItem(
            f"{pattern_label(pattern_type, pattern)}: {old} before, {new} now.",
            f"By {evidence}.",
            links.find("patterns", (pattern_type, pattern)) or links.evidence(tables.full_name(Patterns)),
            tone="good" if new == "works" else "bad" if new == "risky" else "plain",
        )
        for pattern_type, pattern, evidence, old, new in list_turned(data.previous, data.figures)
    ]
    items += _list_decisions(data.previous, scope, links)
    items += [TodayItem(say.clean(note, LONGEST)) for note in scope.notes]
    items += [
        TodayItem(
            f"{label}: {before} before, {now} now ({change}).",
            link=links.evidence(tables.full_name(_EVIDENCE.get(name, EventCounts))),
        )
        for name, label, before, now, change in list_moved(data)
    ]
    since = f" since {say.instant(data.previous.as_of)}" if data.previous is not None else ""
    nothing = f"Nothing changed{since}." if since else "This is the first night; the next says what changed since."
    return _cut("changed", f"What changed{since}", items, nothing, "")


def _list_decisions(previous: Figures | None, scope: SiteScope, links: SiteLinks) -> list[TodayItem]:
    if previous is None:
        return []
    is_new = pl.col("occurred_at") >= previous.as_of
    rows = scope.scan(PolicyPromotions).filter(is_new).sort("occurred_at", "event_id", descending=True).collect()
    return [
        TodayItem(
            f"{say.clean(row['policy_id'], 40)} {say.clean(row['policy_version'], 40)}: "
            f"{say.name_words(row['action'])}, by {say.clean(row['decided_by'], 40)}.",
            say.clean(row["reason"] or "", LONGEST),
            links.find("agents", (row["doer"],)) or links.evidence(tables.full_name(PolicyPromotions)),
        )
        for row in rows.iter_rows(named=True)
    ]


def _find(scope: SiteScope, which: pl.Expr) -> list[dict[str, str]]:
    """Return findings of a kind, those that matter most and the latest first."""
    rank = pl.col("severity").replace_strict({"critical": 0, "warning": 1}, default=2, return_dtype=pl.Int64)
    found = scope.scan(Findings).filter(which).with_columns(rank=rank)
    by = ["rank", "raised_on", "strength", "finding_id"]
    return found.sort(by, descending=[False, True, True, False], nulls_last=True).collect().to_dicts()


def _of_tenant(scope: SiteScope) -> tuple[str, ...]:
    return () if scope.tenant is None else ("--tenant", scope.tenant)


def _cut(identifier: str, title: str, items: list[TodayItem], empty: str, more_link: str) -> TodayList:
    left = len(items) - SHOWN
    more = f"{left:,} more." if left > 0 else ""
    if not more:
        return TodayList(identifier, title, tuple(items), empty)
    return TodayList(identifier, title, tuple(items[:SHOWN]), empty, more, more_link, tuple(items[SHOWN:HELD]))


HELD = 60
"""Most entries of a list that the page holds, those behind a fold included."""
