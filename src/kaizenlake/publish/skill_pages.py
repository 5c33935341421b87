"""The skill cards as files beside the report: one HTML page and one PDF a doer, and the fleet page that leads to them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from kaizenlake.publish import skill_fleet, skill_report
from kaizenlake.publish.report import folder_of, write_document
from kaizenlake.publish.report_blocks import Document
from kaizenlake.publish.report_format import file_name
from kaizenlake.publish.report_rows import Scan
from kaizenlake.publish.skill_data import skills
from kaizenlake.publish.skill_file import Skill
from kaizenlake.tables import CrlTrends

FLEET_NAME, FOLDER = "skills", "skills"

CARDS = 100
"""Most doers, by their runs, whose cards are written each night; `kaizen skill` makes the card of any."""

DAYS = 120
"""Most days of a loss that are drawn."""


def write_skills(scan: Scan, out: Path, *, as_of: datetime) -> tuple[Path, ...]:
    """Write `<out>/<date of as_of>/skills.html` and `.pdf`, and the cards of doers below `skills/`; nothing without a doer.

    Args:
        scan: Gives a table as a lazy frame: `Lake.scan`.
        out: Folder of the reports.
        as_of: Aware instant; the tables hold what happened before it.

    Returns:
        Paths of the fleet page and its PDF, then of the cards.

    Raises:
        LakeError: A table cannot be read, or a file cannot be written.
        PublishError: A chart or a PDF could not be made.
    """
    found = skills(scan, as_of=as_of)
    if not found:
        return ()
    folder = folder_of(out, as_of)
    most = sorted(found, key=lambda skill: (-skill.card.loss.runs, skill.doer))[:CARDS]
    courses = _courses(scan, as_of)
    links = {skill.doer: f"{FOLDER}/{file_name(skill.doer)}.html" for skill in most}
    written: tuple[Path, ...] = write_document(skill_fleet.fleet(found, links), folder, FLEET_NAME)
    for skill in most:
        written += write_document(_card(skill, courses), folder / FOLDER, file_name(skill.doer))
    return written


def card_of(scan: Scan, skill: Skill) -> Document:
    """The card of one doer, laid out.

    Args:
        scan: Gives a table as a lazy frame.
        skill: What is known of the doer.
    """
    return _card(skill, _courses(scan, skill.as_of, skill.doer))


def _card(skill: Skill, courses: dict[str, pl.DataFrame]) -> Document:
    days = courses.get(skill.doer)
    if days is None:
        return skill_report.card(skill, ())
    alerts = frozenset(days.filter(pl.col("alert").fill_null(value=False))["event_date"])
    return skill_report.card(skill, tuple(days.select("event_date", "mean_loss", "ewma_loss").iter_rows()), alerts)


def _courses(scan: Scan, as_of: datetime, doer: str | None = None) -> dict[str, pl.DataFrame]:
    """The loss of each doer by day, its latest days."""
    chosen = pl.lit(value=True) if doer is None else pl.col("doer") == doer
    day = as_of.astimezone(UTC).date()
    rows = (
        scan(CrlTrends)
        .filter(chosen, pl.col("cut") == "all", (pl.lit(day) - pl.col("event_date")).dt.total_days() <= DAYS)
        .select("doer", "event_date", "mean_loss", "ewma_loss", "alert")
        .sort("doer", "event_date")
        .collect()
    )
    return {str(name): part for (name,), part in rows.partition_by("doer", as_dict=True).items()}
