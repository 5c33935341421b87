"""The site of each tenant: made at the end of a night, also of one in which a job failed, since it says what broke."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import polars as pl

from kaizenlake import tables
from kaizenlake.context import TENANTS
from kaizenlake.decide.agency import brands
from kaizenlake.decide.agency import tasks as task_log
from kaizenlake.lake.store import Lake
from kaizenlake.night import artifact
from kaizenlake.night.artifact import Run, StepRecord
from kaizenlake.night.outputs import find_report_place, redact_within, settings_sha256, versions
from kaizenlake.publish.signed.tenants import audiences
from kaizenlake.report.kaizen.kaizen_data import Bearings
from kaizenlake.report.kaizen.write_kaizen import last_figures
from kaizenlake.report.site.site_files import remove_site
from kaizenlake.report.site.site_scope import Fault, SiteScope, StoredTable, TableRun
from kaizenlake.report.site.write_site import INDEX, write_site
from kaizenlake.tables import Brands, Scan, Table, Tasks
from kaizenlake.vocabulary import plural

FOLDER = "site"
"""Folder of the site, in that of the reports."""

RUNS = 30
"""Latest records of runs that are read for the pages of tables."""


def show(lake: Lake, run: Run, record: StepRecord, reports: Path, broken: Collection[type[Table]] = ()) -> None:
    """Write the pages that changed; nothing where all of them tell of these tables already.

    Args:
        run: The run so far.
        record: The step.
        reports: Folder of the reports.
        broken: Tables that could not be computed tonight.
    """
    if not lake.settings.site.nightly:
        record.status, record.why = "nothing to do", ("the setting site.nightly is off",)
        return
    found = audiences(lake)
    if _still_holds(lake, run, reports, found):
        record.status, record.why = "nothing to do", ("the pages are there and tell of these tables",)
        return
    # With several tenants each has a site of its own, and what stood above them for one is taken away; and the other way.
    if len(found) > 1:
        remove_site(reports / FOLDER)
    _remove_gone(reports / FOLDER, {view.tenant_place for view in found})
    written = pages = 0
    for view in found:
        with redact_within(view, run):
            done = write_site(find_scope(view, run, reports, broken), find_folder(view, reports))
        written, pages = written + done.written + done.removed, pages + done.pages
    record.rows_out = written
    record.why = (f"{plural(pages, 'page')}, {written:,} of them changed",)
    if not written:
        record.status = "nothing to do"


def find_folder(view: Lake, reports: Path) -> Path:
    """Return where the site of a tenant lies."""
    return (reports / FOLDER).joinpath(*view.tenant_place)


def find_scope(view: Lake, run: Run, reports: Path, broken: Collection[type[Table]] = ()) -> SiteScope:
    """Return what the site of a tenant is made of.

    Args:
        view: The lake as the tenant has it.
        run: The run so far, or the latest.
        reports: Folder of the reports.
        broken: Tables that could not be computed tonight.
    """
    named = find_report_place(view, reports)
    return SiteScope(
        scan=_scan_now(view),
        as_of=run.as_of,
        tables=view.declared.tables,
        jobs=view.declared.jobs,
        stored=dict(_yield_stored(view)),
        runs={} if view.is_walled else _find_runs(view, run),
        faults=tuple(_yield_faults(view, run, broken)),
        notes=() if view.is_walled else tuple(_yield_notes(run)),
        previous=last_figures(named, before=run.as_of),
        bearings=Bearings.of(view.settings),
        reports=tuple(_yield_reports(view, run, reports)),
        named=named.named,
        lake=str(view.root),
        tenant=(view.tenant or "") if view.is_walled else None,
        most=view.settings.site.most_pages,
    )


def _still_holds(lake: Lake, run: Run, reports: Path, found: tuple[Lake, ...]) -> bool:
    """Return whether a run before left the site as this one would: of these tables and settings, with nothing that broke."""
    report = run.step("report")
    if report is None or report.status != "nothing to do" or run.errors or run.command == "forget":
        return False
    if not all((find_folder(view, reports) / INDEX).is_file() for view in found):
        return False
    former = next((item for item in artifact.runs(lake.path("runs")) if item.run_id != run.run_id), None)
    step = former.step("site") if former is not None else None
    return (
        former is not None
        and step is not None
        and step.status in {"done", "nothing to do"}
        and former.as_of == run.as_of
        and not former.errors
        and former.versions == versions(lake)
        and former.settings_sha256 == settings_sha256(lake)
        and _troubles(former) == _troubles(run)
    )


def _troubles(run: Run) -> tuple[object, ...]:
    """Return what of a run the start page tells beside the tables."""
    doubt = run.step("doubt")
    hook = run.hook.status if run.hook is not None else "done"
    failed = tuple(item.channel for item in run.deliveries if item.status != "done")
    return (doubt.why if doubt else (), hook, failed, run.landing.blocked if run.landing else ())


def _remove_gone(folder: Path, places: Collection[tuple[str, ...]]) -> None:
    """Take away the sites of tenants that there are no more."""
    kept = {place[-1] for place in places if place}
    for path in sorted((folder / TENANTS).glob("*/")):
        if path.name not in kept and not path.is_symlink():
            remove_site(path)


def _scan_now(view: Lake) -> Scan:
    """Return what gives the tables: tasks and brands as they stand at this moment, all others as the night left them."""
    now = {
        Tasks: _frame(Tasks, task_log.state(view).rows()),
        Brands: _frame(Brands, list(brands.find_brands(view).iter_rows(named=True))),
    }

    def scan(table: type[Table]) -> pl.LazyFrame:
        return now[table].lazy() if table in now else view.scan(table)

    return scan


def _frame(table: type[Table], rows: list[dict[str, object]]) -> pl.DataFrame:
    schema = tables.schema(table)
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def _yield_stored(view: Lake) -> Iterator[tuple[str, StoredTable]]:
    for table in view.declared.tables:
        state = view.state(table)
        rows = None if view.is_walled else state.rows
        written_at = None if view.is_walled else state.written_at
        version = None if view.is_walled else state.version
        yield tables.full_name(table), StoredTable(version, rows, written_at, state.problem)


def _find_runs(view: Lake, run: Run) -> Mapping[str, list[TableRun]]:
    """Return the latest runs that wrote each table; what a run did is of all tenants together, so one of several has none."""
    found: dict[str, list[TableRun]] = {}
    former = (item for item in islice(artifact.runs(view.path("runs")), RUNS) if item.run_id != run.run_id)
    for item in (run, *former):
        for step in item.steps:
            if step.writes is not None and step.status in {"done", "failed"}:
                made = TableRun(
                    item.run_id, item.started_at, step.status, "; ".join(step.why[:3]), step.rows_out, step.seconds
                )
                found.setdefault(step.writes, []).append(made)
    return found


def _yield_faults(view: Lake, run: Run, broken: Collection[type[Table]]) -> Iterator[Fault]:
    """Yield what broke tonight; of one of several tenants without messages, in which others may be named."""
    for failure in run.errors:
        text = f"{failure.step or 'The night'} failed [{failure.code}]"
        yield Fault(text + ("." if view.is_walled else f": {failure.message}"), "The record of the run says more.")
    if broken:
        names = ", ".join(sorted(tables.name(table) for table in broken)[:6])
        more = f" and {len(broken) - 6} more" if len(broken) > 6 else ""
        words = "Figures that rest on them are those of the last night that computed them."
        yield Fault(f"Not computed tonight: {names}{more}.", words, ("kaizen", "nightly"))
    if view.is_walled:
        return
    if (doubt := run.step("doubt")) is not None:
        for why in doubt.why:
            yield Fault(why, "What does not verify does not count.", ("kaizen", "verify"))
    for file in run.landing.blocked if run.landing is not None else ():
        yield Fault(f"A file was left alone: {file}", "Move it away, or put one that can be read in its place.")
    if run.hook is not None and run.hook.status != "done":
        yield Fault(f"The hook of the alerts {run.hook.status}.", "The next run tells it again.")
    for made in run.deliveries:
        if made.status != "done":
            yield Fault(f"The {made.channel} of the alerts failed: {made.output}", "The next run tells them again.")


def _yield_notes(run: Run) -> Iterator[str]:
    """Yield what the night did that is worth knowing."""
    if run.landing is not None and run.landing.files:
        said = f"{plural(run.landing.landed, 'event')} landed from {plural(run.landing.files, 'file')}"
        yield said + (f", {run.landing.quarantined:,} lines quarantined." if run.landing.quarantined else ".")
    for name in ("decide", "feedback"):
        if (step := run.step(name)) is not None and step.status == "done":
            yield from step.why
    computed = sum(step.status == "done" and step.writes is not None for step in run.steps)
    if computed:
        yield f"{plural(computed, 'table')} computed."


def _yield_reports(view: Lake, run: Run, reports: Path) -> Iterator[tuple[str, str]]:
    """Yield the reports of the night that are the tenant's, with their links from the top of its site."""
    top, place = find_folder(view, reports).absolute(), find_report_place(view, reports)
    folder = place.out.joinpath(run.as_of.date().isoformat(), *place.tenant).absolute()
    for file in run.reports:
        path = Path(file).absolute()
        if path.parent == folder and path.suffix in {".html", ".pdf"}:
            link = Path(os.path.relpath(path, top)).as_posix()
            yield f"{path.stem} ({path.suffix[1:].upper()})", quote(link)
