"""The reports on canaries, policies and doers as files beside the Kaizen report, only where there is something to tell."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from kaizenlake import signing
from kaizenlake.publish.formats import file_name
from kaizenlake.publish.signed.skill_data import Course, courses, skills
from kaizenlake.report.audit import audit_data as audit_report_data
from kaizenlake.report.audit import audit_report
from kaizenlake.report.canary import canary_data as canary_report_data
from kaizenlake.report.canary import canary_report
from kaizenlake.report.engine.kept_pages import KeptPages
from kaizenlake.report.engine.render import DOLLARS, ReportPlace, fit, folder_of, write_document
from kaizenlake.report.kaizen.learning_section import canary_file
from kaizenlake.report.kaizen.write_kaizen import last_figures
from kaizenlake.report.skill.fleet import build_fleet
from kaizenlake.report.skill.skill_report import build_card
from kaizenlake.tables import Scan

AUDIT, SKILLS = "policy-audit", "skills"

CARDS = 100
"""Most doers, by their runs, whose cards are written each night; `kaizen skill` makes the card of any."""


def write_canaries(scan: Scan, out: Path | ReportPlace, *, as_of: datetime) -> tuple[Path, ...]:
    """Write the report of each deployment that runs, or ended since the report before.

    Args:
        scan: Gives a table as a lazy frame: `Lake.scan`.
        out: Folder of the reports.
        as_of: Aware instant; the tables hold what happened before it.

    Returns:
        Paths of the pages and PDFs: `<out>/<date of as_of>/canary-<name>.html` and `.pdf`.

    Raises:
        LakeError: A table cannot be read, or a file cannot be written.
        PublishError: A chart or a PDF could not be made.
    """
    before = last_figures(out, before=as_of)
    names = canary_report_data.current(scan, as_of=as_of, since=None if before is None else before.as_of)
    return tuple(path for name in names for path in write_canary(scan, out, name, as_of=as_of))


def write_canary(scan: Scan, out: Path | ReportPlace, deployment_id: str, *, as_of: datetime) -> tuple[Path, ...]:
    """Write the report of one deployment; nothing where there is none of that name, or no look at it.

    Args:
        scan: Gives a table as a lazy frame.
        out: Folder of the reports.
        as_of: Aware instant; the tables hold what happened before it.
    """
    data = canary_report_data.build(scan, deployment_id, as_of=as_of)
    if data is None:
        return ()
    return write_document(
        fit(canary_report.build_document(data), out), folder_of(out, as_of), canary_file(deployment_id)
    )


def write_audit(scan: Scan, out: Path | ReportPlace, key: signing.Keys | None, *, as_of: datetime) -> tuple[Path, ...]:
    """Write the audit of policies, `<out>/<date of as_of>/policy-audit.html` and `.pdf`; nothing without a decision.

    Args:
        scan: Gives a table as a lazy frame.
        out: Folder of the reports.
        key: Key of the lake, which must have signed the versions.
        as_of: Aware instant; the tables hold what happened before it.
    """
    data = audit_report_data.build(scan, key, as_of=as_of)
    return (
        ()
        if data is None
        else write_document(fit(audit_report.build_document(data), out), folder_of(out, as_of), AUDIT)
    )


def write_skills(scan: Scan, out: Path | ReportPlace, *, as_of: datetime) -> tuple[Path, ...]:
    """Write `<out>/<date of as_of>/skills.html` and `.pdf`, and the cards of doers below `skills/`; nothing without a doer.

    Args:
        scan: Gives a table as a lazy frame.
        out: Folder of the reports.
        as_of: Aware instant; the tables hold what happened before it.

    Returns:
        Paths of the page of all doers and its PDF, then of the cards.
    """
    found = skills(scan, as_of=as_of)
    if not found:
        return ()
    folder = folder_of(out, as_of)
    most = sorted(found, key=lambda skill: (-skill.card.loss.runs, skill.doer))[:CARDS]
    days = courses(scan, as_of=as_of)
    links = {skill.doer: f"{SKILLS}/{file_name(skill.doer)}.html" for skill in most}
    written: tuple[Path, ...] = write_document(fit(build_fleet(found, links), out), folder, SKILLS)
    pages = KeptPages(folder / SKILLS)
    shown = (out.named, out.exchange) if isinstance(out, ReportPlace) else ("", DOLLARS)
    for skill in most:
        course = days.get(skill.doer, Course())
        written += pages.write(
            file_name(skill.doer),
            (shown, skill, course.days, sorted(course.alerts)),
            lambda skill=skill, course=course: fit(build_card(skill, course), out),  # type: ignore[misc]
        )
    pages.save()
    return written
