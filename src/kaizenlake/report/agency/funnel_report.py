"""The funnel on paper: where leads come from, where each stage loses them, how long deals take, and what won deals share."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from kaizenlake.parameters import FunnelWindow, Windows
from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import (
    Block,
    KeyFigure,
    Paragraph,
    ReportDocument,
    Section,
    build_empty,
    build_grid,
    build_meanings,
)
from kaizenlake.report.engine.columns import show, show_interval, show_text
from kaizenlake.report.engine.rows import ROWS, Listing, TableRow, listing
from kaizenlake.stats.expressions import wilson
from kaizenlake.tables import Funnel, IcpPatterns, IntakeSegments, Leads, OutreachPerformance, Scan, TimeToClose
from kaizenlake.vocabulary import plural

STAGES = ("leads", "contacted", "replied", "qualified", "appointment", "won", "lost", "open")


def build_funnel(
    scan: Scan, *, as_of: datetime, window: FunnelWindow | None = None, windows: Windows | None = None
) -> ReportDocument:
    """Lay out the report on the funnel.

    Args:
        scan: Gives a table as a lazy frame: `Lake.scan`.
        as_of: Aware instant; the tables hold what happened before it.
        window: Days after which the rates of a month are told.
        windows: Days after which leads count as lost in win rates.
    """
    days, lead_days = (window or FunnelWindow()).window_days, (windows or Windows()).lead_days
    whole = scan(Funnel).select(pl.col(*STAGES, "won_value").sum()).collect().row(0, named=True)
    sections = (
        (
            _build_sources(scan),
            _build_months(scan, days, lead_days),
            _build_outreach(scan),
            _build_time(scan),
            _build_icp(scan, as_of, days),
        )
        if whole["leads"]
        else (
            build_empty("funnel", "The funnel", "There is no lead yet.", "LEAD_CREATED", "OUTREACH_SENT", "DEAL_WON"),
        )
    )
    return ReportDocument.of(
        as_of,
        title="Funnel",
        subtitle="Where leads come from, where each stage loses them, and what won deals share",
        window=f"All leads to date. Rates of a month are told {days} days after its end, over all its leads, open ones "
        f"among them. Win rates elsewhere count a lead as lost after {lead_days} days.",
        figures=(
            KeyFigure("Leads", say.count(whole["leads"]), ""),
            KeyFigure("Won", say.count(whole["won"]), ""),
            KeyFigure("Value won", say.figure(whole["won_value"]), "US dollars"),
            KeyFigure("Lost", say.count(whole["lost"]), ""),
            KeyFigure("Open", say.count(whole["open"]), ""),
        ),
        sections=(*sections, _build_briefs(scan), _build_meaning()),
    )


def _build_sources(scan: Scan) -> Section:
    sums = pl.col(*STAGES, "won_value").sum()
    found = listing(scan(Funnel).group_by("source").agg(sums), by={"leads": True, "source": False})
    table = build_grid("funnel-sources", "Leads by source", Funnel, found, ("source", *STAGES, "won_value"))
    return Section("sources", "By source", "Each lead stands in every stage that it reached.", (table,))


def _build_months(scan: Scan, days: int, lead_days: int) -> Section:
    sums = pl.col(*STAGES, "won_value").sum()
    told = pl.col("won_rate").is_not_null().any()
    months = (
        scan(Funnel)
        .group_by("month", "is_over")
        .agg(sums, is_told=told)
        .sort("month", descending=True, nulls_last=True)
    )
    month = show_text("Month", lambda row: f"{row.month:%B %Y}" if row.month else say.NOTHING, "month")
    rows = [TableRow(**row) for row in months.head(ROWS).collect().iter_rows(named=True)]
    over = months.filter("is_over", "is_told").with_columns(
        won_rate=pl.col("won") / pl.col("leads"), ends=wilson("won", "leads")
    )
    rated = [
        TableRow(**row)
        for row in over.unnest("ends")
        .rename({"low": "won_rate_low", "high": "won_rate_high"})
        .head(ROWS)
        .collect()
        .iter_rows(named=True)
    ]
    blocks: list[Block] = [
        build_grid(
            "funnel-months",
            "Leads by the month in which they were created",
            Funnel,
            Listing.whole(rows),
            (month, *STAGES),
        )
    ]
    if rated:
        columns = (month, "leads", "won", "won_rate", show_interval("won_rate_low", "won_rate_high"), "won_value")
        blocks.append(build_grid("funnel-rates", "Months whose window is over", Funnel, Listing.whole(rated), columns))
    else:
        blocks.append(Paragraph("No month is old enough for its rates to be told."))
    lead = (
        f"A rate here is all wins to date over all leads of the month, told from {days} days after its end on. In win rates "
        f"a lead is lost after {lead_days} days, so the two differ."
    )
    return Section("months", "By month", lead, tuple(blocks))


def _build_outreach(scan: Scan) -> Section:
    found = listing(scan(OutreachPerformance), by={"sent": True, "template_id": False, "channel": False})
    if not found.rows:
        return build_empty("outreach", "Messages", "No message was sent yet.", "OUTREACH_SENT", "OUTREACH_REPLIED")
    table = build_grid(
        "outreach-table",
        "Messages by template, channel and segment",
        OutreachPerformance,
        found,
        (
            "template_id",
            "channel",
            "industry",
            "sent",
            "decided",
            "reply_rate",
            show_interval("reply_rate_low", "reply_rate_high"),
            "shrunk_reply_rate",
            "positive_share",
            "q_value",
        ),
    )
    return Section("outreach", "Messages", "Only messages that are old enough to be answered count.", (table,))


def _build_time(scan: Scan) -> Section:
    found = listing(scan(TimeToClose), by={"leads": True, "dimension": False, "value": False})
    table = build_grid(
        "time-table",
        "Leads that share something",
        TimeToClose,
        found,
        (
            "dimension",
            "value",
            "leads",
            "won",
            show("quarter_days", "A quarter won by"),
            show("median_days", "Half won by"),
            show_interval("median_days_low", "median_days_high"),
        ),
    )
    lead = "Kaplan-Meier: leads that are open count as long as they were seen, lost ones until their loss."
    won, created = pl.col("outcome") == "won", pl.col("created_at")
    unknown, turned = _count(scan, created.is_null()), _count(scan, created > pl.coalesce("won_at", "lost_at"))
    left_out = [
        *_tell(unknown, "lead has no time of creation", "leads have no time of creation"),
        *_tell(turned, "lead ended before it was created", "leads ended before they were created"),
    ]
    if not left_out:
        return Section("time", "Time to close", lead, (table,))
    wins = _count(scan, won & (created.is_null() | (created > pl.col("won_at"))))
    words = f"Not counted here, but in the tables above: {', and '.join(left_out)}; {wins:,} of them won."
    return Section("time", "Time to close", lead, (table, Paragraph(words)))


def _count(scan: Scan, which: pl.Expr) -> int:
    """Return how many leads are such; one of which it is unknown is not."""
    found: int = scan(Leads).select(which.fill_null(value=False).sum()).collect().item()
    return found


def _tell(number: int, one: str, many: str) -> list[str]:
    return [plural(number, one, many)] if number else []


def _build_icp(scan: Scan, as_of: datetime, days: int) -> Section:
    found = listing(scan(IcpPatterns), by={"lift": True, "dimension": False, "value": False})
    if not found.rows:
        return Section("icp", "What won deals share", "", (Paragraph("No lead is old enough to be judged."),))
    columns = (
        "dimension",
        "value",
        "leads",
        "won",
        "won_rate",
        "lift",
        show_interval("lift_low", "lift_high"),
        "q_value",
        "coefficient",
        "reason",
    )
    table = build_grid("icp-table", "Values of attributes", IcpPatterns, found, columns)
    until = pl.col("created_at") + pl.duration(days=days)
    is_judged = until <= as_of
    late = _count(scan, is_judged & (pl.col("won_at") > until))
    words = f"Here a lead is won if it was within {days} days of its creation, and judged once it is that old. "
    told = [
        *_tell(
            late,
            "later win, which the months above count, is none here",
            "later wins, which the months above count, are none here",
        ),
        *_tell(_count(scan, ~is_judged), "younger lead is left out", "younger leads are left out"),
        *_tell(
            _count(scan, pl.col("created_at").is_null()),
            "lead without a time of creation is too",
            "leads without one are too",
        ),
    ]
    words += f"{'; '.join(told)}." if told else "Every lead is that old, and every win came within them."
    return Section(
        "icp", "What won deals share", "A lift alone is no cause: attributes go together.", (table, Paragraph(words))
    )


def _build_briefs(scan: Scan) -> Section:
    found = listing(scan(IntakeSegments), by={"briefs": True, "industry": False, "client_type": False})
    if not found.rows:
        return build_empty("briefs", "Briefs", "No brief was scored yet.", "INTAKE_CLARITY_SCORED")
    columns = (
        "industry",
        "client_type",
        "briefs",
        "clear_rate",
        show_interval("ci_low", "ci_high"),
        "mean_rounds",
        "missing_fields",
        "unclear_cost",
    )
    table = build_grid("briefs-table", "Briefs of one segment", IntakeSegments, found, columns)
    return Section("briefs", "Briefs", "How clear briefs arrive, what they lack, and what that costs later.", (table,))


def _build_meaning() -> Section:
    shown = (
        (Funnel, ("appointment", "open", "won_rate")),
        (OutreachPerformance, ("decided", "shrunk_reply_rate", "q_value")),
        (IcpPatterns, ("lift", "coefficient")),
    )
    return Section("meaning", "What the figures mean", "", build_meanings(shown))
