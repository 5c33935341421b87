"""The reports of an agency, when somebody asks for them or a setting makes them each night: the funnel, the readiness of a pack, a week, and a client's project."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from kaizenlake.decide.agency import brands, tasks
from kaizenlake.errors import KaizenError, UsageError
from kaizenlake.events.rules import near
from kaizenlake.lake.files import write_atomic
from kaizenlake.lake.store import Lake
from kaizenlake.night.artifact import Run, StepRecord
from kaizenlake.night.deciding import name_tenant
from kaizenlake.night.outputs import find_latest, find_report_place, redact_within
from kaizenlake.publish import guard
from kaizenlake.publish.formats import file_name
from kaizenlake.publish.signed.tenants import audiences
from kaizenlake.readiness.benchmarks import packs, spell
from kaizenlake.report.agency import plan_calendar
from kaizenlake.report.agency.client_logo import FOLDER, read_logo, why_no_logo
from kaizenlake.report.agency.client_report import build_client
from kaizenlake.report.agency.funnel_report import build_funnel
from kaizenlake.report.agency.readiness_report import build_readiness
from kaizenlake.report.engine.blocks import ReportDocument
from kaizenlake.report.engine.kept_pages import KeptPages
from kaizenlake.report.engine.render import fit, folder_of, render_html, write_document
from kaizenlake.tables import Contents, Leads, PackReadiness, PackRuns

logger = logging.getLogger(__name__)

DAYS = 7


def report_funnel(lake: Lake, reports: Path) -> tuple[Path, ...]:
    """Write the report on the funnel, `<reports>/<date>/funnel.html` and `.pdf`, from the tables of the latest run.

    Args:
        lake: The lake, as the tenant has it whose report is written.
        reports: Folder of the reports.

    Raises:
        LakeError: No run has been made yet.
    """
    as_of = find_latest(lake).as_of
    with guard.guarding(is_on=lake.settings.publishing.redact):
        return _write(lake, reports, _lay_funnel(lake, as_of))


def report_readiness(lake: Lake, reports: Path, pack: str) -> tuple[Path, ...]:
    """Write the report on the readiness of a pack, `readiness-<pack>.html` and `.pdf`.

    Raises:
        UsageError: No section of it was ever generated.
        LakeError: No run has been made yet.
    """
    as_of = find_latest(lake).as_of
    with guard.guarding(is_on=lake.settings.publishing.redact):
        return _write(lake, reports, _lay_readiness(lake, pack, as_of))


def report_plan(lake: Lake, reports: Path, brand_id: str, start: datetime | None = None) -> tuple[Path, ...]:
    """Write the week of a brand, `plan-<brand>.html`, `.pdf`, and `.ics` for calendars.

    Args:
        lake: The lake, as the tenant has it.
        reports: Folder of the reports.
        brand_id: For which it is planned.
        start: Instant whose date is the first day; the clock's unless given.

    Raises:
        UsageError: The brand has no task and was never described.
    """
    with guard.guarding(is_on=lake.settings.publishing.redact):
        laid_out = _lay_plan(lake, brand_id, datetime.now(UTC), start)
        written = _write(lake, reports, laid_out)
    calendar = written[0].with_suffix(".ics")
    write_atomic(calendar, laid_out.calendar)
    return (*written, calendar)


def report_project(lake: Lake, reports: Path, project_id: str) -> tuple[Path, ...]:
    """Write the report for the client of a project, `project-<project>.html` and `.pdf`; what it lacks is logged as a warning.

    Raises:
        UsageError: Nothing is known of the project, or whose it is cannot be told.
        LakeError: No run has been made yet.
    """
    as_of = find_latest(lake).as_of
    with guard.guarding(is_on=lake.settings.publishing.redact):
        laid_out = _lay_project(lake, project_id, as_of)
        if laid_out.lacks:
            logger.warning("%s", laid_out.lacks)
        return _write(lake, reports, laid_out)


def report_nightly(lake: Lake, run: Run, record: StepRecord, reports: Path) -> None:
    """Write all reports of an agency, each only where it says something else than the one that lies there.

    They are the funnel, the readiness of each pack that was generated, and the week of each brand that is described and the
    report for the client of each of its projects. What cannot be written is said so, and the others are.

    Args:
        lake: The lake, with all its tenants.
        run: The run; what of it is redacted is added.
        record: The step.
        reports: Folder of the reports.
    """
    written, said = 0, list[str]()
    for view in audiences(lake):
        with redact_within(view, run):
            pages = KeptPages(folder_of(find_report_place(view, reports), run.as_of))
            for lay_out in _list_reports(view, run.as_of):
                try:
                    laid_out = lay_out()
                    written += _keep(view, pages, reports, laid_out)
                    said += [name_tenant(view, laid_out.lacks)] if laid_out.lacks else []
                except KaizenError as error:
                    said.append(name_tenant(view, error.message))
            pages.save()
    record.rows_out, record.why = written, tuple(said)
    if not written:
        record.status, record.why = "nothing to do", (*said, "the reports are there and say the same")


def _list_reports(lake: Lake, as_of: datetime) -> Iterator[Callable[[], AgencyReport]]:
    """Yield what lays out each report of a night."""
    if lake.rows(Leads):
        yield lambda: _lay_funnel(lake, as_of)
    for pack in lake.scan(PackReadiness).select(pl.col("pack_key").unique().sort()).collect()["pack_key"]:
        yield partial(_lay_readiness, lake, pack, as_of)
    projects = set[str]()
    for brand in brands.find_brands(lake).iter_rows(named=True):
        yield partial(_lay_plan, lake, brand["brand_id"], as_of, as_of)
        projects |= {*(brand["projects"] or ())}
    for project in sorted(projects):
        yield partial(_lay_project, lake, project, as_of)


def _keep(lake: Lake, pages: KeptPages, reports: Path, made: AgencyReport) -> int:
    """Write a report where it changed, and return whether it was."""
    laid_out, made_anew = _fit(lake, reports, made), list[int]()

    def lay_out() -> ReportDocument:
        made_anew.append(1)
        return laid_out

    page, _ = pages.write(made.name, render_html(laid_out), lay_out)
    if made.calendar and (made_anew or not page.with_suffix(".ics").is_file()):
        write_atomic(page.with_suffix(".ics"), made.calendar)
    return len(made_anew)


class AgencyReport(NamedTuple):
    """A report, laid out.

    Args:
        name: Name of its files.
        page: The report.
        as_of: Instant of which it tells.
        is_titled: It names the tenant of ours that it is of, which is nothing for a client.
        calendar: A file for calendars beside it; empty for none.
        lacks: What it lacks, for whoever sends it; empty for nothing.
    """

    name: str
    page: ReportDocument
    as_of: datetime
    is_titled: bool = True
    calendar: bytes = b""
    lacks: str = ""


def _lay_funnel(lake: Lake, as_of: datetime) -> AgencyReport:
    rules = lake.settings
    made = build_funnel(lake.scan, as_of=as_of, window=rules.funnel, windows=rules.windows)
    return AgencyReport("funnel", made, as_of)


def _lay_readiness(lake: Lake, pack: str, as_of: datetime) -> AgencyReport:
    name = spell(pack)
    made = build_readiness(lake.scan, name, as_of=as_of)
    if made is None:
        raise UsageError(
            f"No section of a pack {pack!r} was ever generated{near(name, packs())}.",
            hint="`kaizen readiness --all` lists what is known of each pack.",
        )
    return AgencyReport(f"readiness-{file_name(name)}", made, as_of)


def _lay_plan(lake: Lake, brand_id: str, now: datetime, start: datetime | None) -> AgencyReport:
    told, of_brand = brands.find_brand(lake, brand_id), tasks.state(lake).rows(brand_id=brand_id)
    if not of_brand:
        told = brands.require_brand(lake, brand_id)
    name, zone = told["name"] if told else brand_id, brands.find_zone(lake, brand_id)
    first = plan_calendar.midnight(start or now.astimezone(zone), zone)
    span = (first, first + timedelta(days=DAYS))
    found = plan_calendar.choose(of_brand, span)
    week = plan_calendar.document(name, zone, found, span, now, brands.find_notes(lake, brand_id))
    calendar = plan_calendar.calendar_file(name, found, now)
    return AgencyReport(f"plan-{file_name(brand_id)}", week, now, calendar=calendar)


def _lay_project(lake: Lake, project_id: str, as_of: datetime) -> AgencyReport:
    brand = _find_client(lake, project_id)
    of_brand = tasks.state(lake).rows(brand_id=brand["brand_id"]) if brand else []
    logo = read_logo(_logos(lake), brand["logo"], brand["name"]) if brand else None
    why = why_no_logo(_logos(lake), brand["logo"]) if brand else None
    made = build_client(lake.scan, project_id, brand, of_brand, as_of=as_of, logo=logo)
    if made is None:
        names = {*lake.scan(Contents).collect()["project_id"], *lake.scan(PackRuns).collect()["project_id"]} - {None}
        raise UsageError(
            f"Nothing is known of a project {project_id!r}{near(project_id, sorted(names))}.",
            hint="A project is named by events (project_id), or by the description of a brand (projects).",
        )
    lacks = f"The report of project {project_id} has no logo of {brand['brand_id']}. {why}" if brand and why else ""
    return AgencyReport(f"project-{file_name(project_id)}", made, as_of, is_titled=False, lacks=lacks)


def _logos(lake: Lake) -> Path:
    return lake.path(FOLDER, *lake.tenant_place)


def _find_client(lake: Lake, project_id: str) -> dict[str, Any] | None:
    """Return the brand whose project it is; None where no description and no post names one.

    Raises:
        UsageError: Several do, so that what names no brand is nobody's, and a client could read of another.
    """
    owners = [row for row in brands.find_brands(lake).iter_rows(named=True) if project_id in (row["projects"] or ())]
    if len(owners) == 1:
        return owners[0]
    of_project = lake.scan(Contents).filter(pl.col("project_id") == project_id, pl.col("brand_id").is_not_null())
    named = of_project.select(pl.col("brand_id").unique().sort()).collect()["brand_id"].to_list()
    claimed = sorted(row["brand_id"] for row in owners) or named
    if len(claimed) > 1:
        where = "the descriptions" if owners else "posts"
        raise UsageError(
            f"Whose the project {project_id!r} is cannot be told: {where} of {', '.join(claimed)} name it. What names no "
            "brand is nobody's, and no client gets a report of it.",
            hint="Name the project in the description of one brand alone: `kaizen brand add FILE`.",
        )
    return None


def _write(lake: Lake, reports: Path, made: AgencyReport) -> tuple[Path, ...]:
    return write_document(_fit(lake, reports, made), folder_of(find_report_place(lake, reports), made.as_of), made.name)


def _fit(lake: Lake, reports: Path, made: AgencyReport) -> ReportDocument:
    place = find_report_place(lake, reports)
    return fit(made.page, place if made.is_titled else place._replace(named=""))
