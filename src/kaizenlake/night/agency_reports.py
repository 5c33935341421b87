"""The reports of an agency, when somebody asks for them: the funnel, the readiness of a pack, a week, and a client's project."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from kaizenlake.decide.agency import brands, tasks
from kaizenlake.errors import UsageError
from kaizenlake.events.rules import near
from kaizenlake.lake.files import write_atomic
from kaizenlake.lake.store import Lake
from kaizenlake.night.outputs import find_latest, find_report_place
from kaizenlake.publish import guard
from kaizenlake.publish.formats import file_name
from kaizenlake.readiness.benchmarks import packs, spell
from kaizenlake.report.agency import plan_calendar
from kaizenlake.report.agency.client_logo import FOLDER, read_logo, why_no_logo
from kaizenlake.report.agency.client_report import build_client
from kaizenlake.report.agency.funnel_report import build_funnel
from kaizenlake.report.agency.readiness_report import build_readiness
from kaizenlake.report.engine.blocks import ReportDocument
from kaizenlake.report.engine.render import fit, folder_of, write_document
from kaizenlake.tables import Contents, PackRuns

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
    as_of, rules = find_latest(lake).as_of, lake.settings
    with guard.guarding(is_on=rules.publishing.redact):
        made = build_funnel(lake.scan, as_of=as_of, window=rules.funnel, windows=rules.windows)
        return _write(lake, reports, made, "funnel", as_of)


def report_readiness(lake: Lake, reports: Path, pack: str) -> tuple[Path, ...]:
    """Write the report on the readiness of a pack, `readiness-<pack>.html` and `.pdf`.

    Raises:
        UsageError: No section of it was ever generated.
        LakeError: No run has been made yet.
    """
    as_of, name = find_latest(lake).as_of, spell(pack)
    with guard.guarding(is_on=lake.settings.publishing.redact):
        made = build_readiness(lake.scan, name, as_of=as_of)
        if made is None:
            raise UsageError(
                f"No section of a pack {pack!r} was ever generated{near(name, packs())}.",
                hint="`kaizen readiness --all` lists what is known of each pack.",
            )
        return _write(lake, reports, made, f"readiness-{file_name(name)}", as_of)


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
    now = datetime.now(UTC)
    told, of_brand = brands.find_brand(lake, brand_id), tasks.state(lake).rows(brand_id=brand_id)
    if not of_brand:
        told = brands.require_brand(lake, brand_id)
    name, zone = told["name"] if told else brand_id, brands.find_zone(lake, brand_id)
    first = plan_calendar.midnight(start or now.astimezone(zone), zone)
    span = (first, first + timedelta(days=DAYS))
    found = plan_calendar.choose(of_brand, span)
    notes = brands.find_notes(lake, brand_id)
    with guard.guarding(is_on=lake.settings.publishing.redact):
        week = plan_calendar.document(name, zone, found, span, now, notes)
        written = _write(lake, reports, week, f"plan-{file_name(brand_id)}", now)
    calendar = written[0].with_suffix(".ics")
    write_atomic(calendar, plan_calendar.calendar_file(name, found, now))
    return (*written, calendar)


def report_project(lake: Lake, reports: Path, project_id: str) -> tuple[Path, ...]:
    """Write the report for the client of a project, `project-<project>.html` and `.pdf`; what it lacks is logged as a warning.

    Raises:
        UsageError: Nothing is known of the project, or whose it is cannot be told.
        LakeError: No run has been made yet.
    """
    as_of = find_latest(lake).as_of
    brand = _find_client(lake, project_id)
    of_brand = tasks.state(lake).rows(brand_id=brand["brand_id"]) if brand else []
    logo = read_logo(_logos(lake), brand["logo"], brand["name"]) if brand else None
    if brand and (why := why_no_logo(_logos(lake), brand["logo"])) is not None:
        logger.warning("The report of project %s has no logo of %s. %s", project_id, brand["brand_id"], why)
    with guard.guarding(is_on=lake.settings.publishing.redact):
        made = build_client(lake.scan, project_id, brand, of_brand, as_of=as_of, logo=logo)
        if made is None:
            names = {*lake.scan(Contents).collect()["project_id"], *lake.scan(PackRuns).collect()["project_id"]} - {
                None
            }
            raise UsageError(
                f"Nothing is known of a project {project_id!r}{near(project_id, sorted(names))}.",
                hint="A project is named by events (project_id), or by the description of a brand (projects).",
            )
        return _write(lake, reports, made, f"project-{file_name(project_id)}", as_of, is_titled=False)


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


def _write(
    lake: Lake, reports: Path, made: ReportDocument, name: str, as_of: datetime, *, is_titled: bool = True
) -> tuple[Path, ...]:
    place = find_report_place(lake, reports)
    # Which tenant of ours it is of is nothing for a client.
    laid_out = fit(made, place if is_titled else place._replace(named=""))
    return write_document(laid_out, folder_of(place, as_of), name)
