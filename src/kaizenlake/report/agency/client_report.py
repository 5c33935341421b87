"""The report that an agency sends to a client: what ran, what worked, and what is proposed next, on two pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import (
    Block,
    KeyFigure,
    Logo,
    Paragraph,
    ReportDocument,
    Section,
    build_empty,
    build_grid,
)
from kaizenlake.report.engine.columns import show, show_interval, show_text
from kaizenlake.report.engine.rows import Listing, TableRow
from kaizenlake.tables import Contents, KpiTargets, PackRuns, Scan, Tasks
from kaizenlake.tables.agency.targets import POST_METRICS
from kaizenlake.vocabulary import plural

MOST_POSTS, MOST_TASKS, MOST_PLATFORMS, MOST_PACKS = 5, 6, 5, 5

FEWEST_IMPRESSIONS = 100
"""Fewest impressions of a post that is shown as one that worked."""

WEEKS = 8


def build_client(
    scan: Scan,
    project_id: str,
    brand: Mapping[str, Any] | None,
    tasks: Iterable[Mapping[str, Any]],
    *,
    as_of: datetime,
    logo: Logo | None = None,
) -> ReportDocument | None:
    """Lay out the report for the client of a project; None where nothing is known of it.

    It holds words of this project, and of its brand, alone: patterns and win rates rest on all clients, and stay out.

    Args:
        scan: Gives a table as a lazy frame: `Lake.scan`.
        project_id: For whose client it is.
        brand: Description of the brand it is done for; None where none names it.
        tasks: Tasks of that brand.
        as_of: Aware instant; the tables hold what happened before it.
        logo: Logo of the client.
    """
    contents = scan(Contents).filter(_is_of_client(project_id, brand)).collect()
    packs = scan(PackRuns).filter(pl.col("project_id") == project_id, ~pl.col("is_stub")).collect()
    of_brand = list(tasks)
    if contents.is_empty() and packs.is_empty() and not of_brand and brand is None:
        return None
    name = say.clean(str(brand["name"]) if brand else project_id, 80)
    recent = contents.filter(pl.col("occurred_at") >= as_of - timedelta(weeks=WEEKS))
    # An e-mail or a day of a site tells no engagement: its impressions are none of the rate's.
    with_rate = pl.col("engagements").is_not_null() & (pl.col("impressions") > 0)
    sums = recent.select(
        *(
            pl.when(pl.col(name).is_not_null().any()).then(pl.col(name).sum()).alias(name)
            for name in ("impressions", "clicks")
        ),
        rate=pl.col("engagements").filter(with_rate).sum() / pl.col("impressions").filter(with_rate).sum(),
        posts=with_rate.sum(),
    ).row(0, named=True)
    rate = sums["rate"] if sums["posts"] else None
    open_tasks = [task for task in of_brand if task["status"] in {"pending_review", "approved", "scheduled"}]
    made = ReportDocument.of(
        as_of,
        title=name,
        subtitle="What ran, what worked, and what we propose next",
        window=f"Posts whose figures came in within {WEEKS} weeks before {say.day(as_of.date())}.",
        figures=(
            KeyFigure("Posts", say.count(sums["posts"] or 0), ""),
            KeyFigure("Impressions", say.count(sums["impressions"]), "of all channels"),
            KeyFigure("Engagement rate", say.small_percent(rate), "of impressions of posts"),
            KeyFigure("Clicks", say.count(sums["clicks"]), ""),
            KeyFigure("Proposals", say.count(len(open_tasks)), ""),
        ),
        sections=(
            _build_ran(recent, packs, of_brand),
            _build_worked(recent, scan(KpiTargets), brand),
            _build_next(open_tasks),
        ),
    )
    return made.of_client(name, logo)


def _is_of_client(project_id: str, brand: Mapping[str, Any] | None) -> pl.Expr:
    is_of_project = pl.col("project_id").eq(project_id).fill_null(False)
    if brand is None:
        return is_of_project
    is_of_brand = pl.col("brand_id").eq(brand["brand_id"]).fill_null(False)
    # What names another brand is that brand's, whatever its project.
    return (is_of_project & (is_of_brand | pl.col("brand_id").is_null())) | (
        is_of_brand & pl.col("project_id").is_null()
    )


def _build_ran(contents: pl.DataFrame, packs: pl.DataFrame, tasks: Iterable[Mapping[str, Any]]) -> Section:
    blocks: list[Block] = []
    if not contents.is_empty():
        figures = ("engagements", "clicks", "opens", "conversions")
        has_some = {name: pl.col(name).is_not_null().any() for name in figures}
        sums = contents.group_by("platform").agg(
            pl.len().alias("posts"),
            pl.col("impressions").sum(),
            *(pl.when(has_some[name]).then(pl.col(name).sum()).alias(name) for name in figures),
        )
        told = sums.with_columns(
            engagement_rate=pl.when(pl.col("impressions") > 0).then(pl.col("engagements") / pl.col("impressions"))
        ).sort("impressions", "platform", descending=[True, False])
        rows = tuple(TableRow(**row) for row in told.head(MOST_PLATFORMS).iter_rows(named=True))
        columns = (
            "platform",
            show_text("Posts or days", lambda row: say.count(row.posts), format="count"),
            "impressions",
            "engagements",
            "engagement_rate",
            "clicks",
            *(name for name in ("opens", "conversions") if told[name].is_not_null().any()),
        )
        blocks.append(build_grid("ran-table", "By channel", Contents, Listing(rows, told.height), columns))
        if (weeks := _build_weeks(contents)) is not None:
            blocks.append(weeks)
    done = [task for task in tasks if task["status"] == "completed"]
    if done:
        names = ", ".join(say.name_words(str(task["task_type"])) for task in done[:MOST_TASKS])
        blocks.append(Paragraph(f"{plural(len(done), 'task')} done: {say.clean(names)}."))
    delivered = packs.filter(status="completed").sort(
        "ended_at", "pack_run_id", descending=[True, False], nulls_last=True
    )
    if not delivered.is_empty():
        names = ", ".join(say.name_words(row) for row in delivered["pack_key"].unique(maintain_order=True)[:MOST_PACKS])
        blocks.append(Paragraph(f"{plural(delivered.height, 'pack')} delivered: {say.clean(names)}."))
    if not blocks:
        return build_empty("ran", "What ran", "No figures came in within these weeks.", "PERFORMANCE_RECORDED")
    return Section("ran", "What ran", "", tuple(blocks))


_RATES = (
    ("engaged", "Posts: engaged", None, "engagements"),
    ("opened", "E-mail: opened", "email", "opens"),
    ("clicked", "E-mail: clicked", "email", "clicks"),
    ("converted", "Site: converted", "website", "conversions"),
)
"""Rates that are told week by week: name, heading, platform, and what is counted over its impressions."""


def _build_weeks(contents: pl.DataFrame) -> Block | None:
    """Return the rates of the channels week by week, the newest first; None where there is no rate."""

    def rate(platform: str | None, counted: str) -> pl.Expr:
        counts = pl.col(counted).is_not_null() & (pl.col("impressions") > 0)
        if platform is not None:
            counts &= pl.col("platform") == platform
        seen = pl.col("impressions").filter(counts).sum()
        return pl.when(seen > 0).then(pl.col(counted).filter(counts).sum() / seen)

    weeks = (
        contents.group_by(week=pl.col("occurred_at").dt.truncate("1w").dt.date())
        .agg(*(rate(platform, counted).alias(name) for name, _, platform, counted in _RATES))
        .sort("week", descending=True)
        .head(WEEKS)
    )
    told = [(name, heading) for name, heading, *_ in _RATES if weeks[name].is_not_null().any()]
    if weeks.height < 2 or not told:
        return None
    rows = tuple(TableRow(**row) for row in weeks.iter_rows(named=True))
    columns = (
        show_text("Week of", lambda row: say.day(row.week)),
        *(show_text(heading, _tell_rate(name), format="count") for name, heading in told),
    )
    return build_grid("weeks-table", "Week by week", Contents, Listing.whole(rows), columns)


def _tell_rate(name: str) -> Callable[[TableRow], str]:
    return lambda row: say.small_percent(getattr(row, name))


def _build_worked(contents: pl.DataFrame, targets: pl.LazyFrame, brand: Mapping[str, Any] | None) -> Section:
    blocks: list[Block] = []
    shown = contents.filter(pl.col("engagement_rate").is_not_null(), pl.col("impressions") >= FEWEST_IMPRESSIONS).sort(
        "engagement_rate", "content_id", "platform", descending=[True, False, False]
    )
    if not shown.is_empty():
        rows = tuple(TableRow(**row) for row in shown.head(MOST_POSTS).iter_rows(named=True))
        columns = (
            show_text("Post", lambda row: say.clean(row.text or row.content_id, 110), "content_id", "text"),
            "platform",
            "impressions",
            "engagement_rate",
        )
        blocks.append(build_grid("worked-table", "Posts that did best", Contents, Listing.whole(rows), columns))
    found = (
        targets.filter(pl.col("metric").is_in(POST_METRICS), brand_id=brand["brand_id"]).sort("metric").collect()
        if brand
        else pl.DataFrame()
    )
    if not found.is_empty():
        rows = tuple(TableRow(**row) for row in found.iter_rows(named=True))
        aims = (
            "metric",
            show("contents", "Posts"),
            show_interval("low_rate", "target_rate", "Middle half"),
            show("median_rate", "Median"),
            show("target_rate", "We aim at"),
        )
        blocks.append(
            build_grid(
                "targets-table", "What your posts reach, and what we aim at", KpiTargets, Listing.whole(rows), aims
            )
        )
    if not blocks:
        return Section("worked", "What worked", "", (Paragraph("Too few posts have figures to say what worked."),))
    lead = "Of posts with at least 100 impressions. We aim at what the best quarter of your own posts reached."
    return Section("worked", "What worked", lead, tuple(blocks))


def _build_next(tasks: list[Mapping[str, Any]]) -> Section:
    order = {"CRITICAL": 0, "HIGH": 1, "MEDIUM": 2, "LOW": 3}
    chosen = sorted(tasks, key=lambda task: (order.get(task["priority"], 4), str(task["task_id"])))
    if not chosen:
        return Section("next", "What we propose next", "", (Paragraph("Nothing is proposed at the moment."),))
    rows = tuple(TableRow(**task) for task in chosen[:MOST_TASKS])
    table = build_grid(
        "next-table",
        "Proposals",
        Tasks,
        Listing(rows, len(chosen)),
        (
            show_text("What", lambda row: say.sentence(say.name_words(row.task_type)), "task_type"),
            show_text("Why", lambda row: say.clean(row.proposal_reason or say.NOTHING, 160), "proposal_reason"),
            show_text("Priority", lambda row: say.sentence(row.priority.lower()), "priority"),
            show_text("Where it stands", lambda row: _STANDS[row.status], "status"),
            show("run_at", "Planned for"),
        ),
    )
    lead = "Nothing of it is done before you or we approve it."
    return Section("next", "What we propose next", lead, (table,))


_STANDS = {"pending_review": "waits for approval", "approved": "approved", "scheduled": "planned"}
