"""Write the Kaizen report: one HTML page that asks for nothing, one tagged PDF, and its figures for the next report."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from kaizenlake.lake.files import write_atomic
from kaizenlake.report.engine.blocks import Section
from kaizenlake.report.engine.render import ReportPlace, fit, folder_of, render_html, render_pdf
from kaizenlake.report.engine.rows import Figures, RunFacts
from kaizenlake.report.kaizen.kaizen_data import DEFAULT_BEARINGS, Bearings, build
from kaizenlake.report.kaizen.sections import build_document
from kaizenlake.tables import Scan

HTML_NAME, PDF_NAME, FIGURES_NAME = "kaizen.html", "kaizen.pdf", "kaizen.json"

OURS = (
    *(HTML_NAME, PDF_NAME, FIGURES_NAME, "canary-*", "policy-audit.*", "skills.*", "skills/*"),
    *("funnel.*", "readiness-*", "plan-*", "project-*"),
)
"""Files of the reports of a day, by their patterns."""


def write_reports(
    scan: Scan,
    out: Path | ReportPlace,
    *,
    as_of: datetime,
    facts: RunFacts | None = None,
    bearings: Bearings = DEFAULT_BEARINGS,
    more: tuple[Section, ...] = (),
) -> tuple[Path, Path]:
    """Write `<out>/<date of as_of>/kaizen.html` and `kaizen.pdf`, each whole or not at all.

    The report's figures are kept beside them as `kaizen.json`. It compares itself with the latest one of an earlier as_of.

    Args:
        scan: Gives a table as a lazy frame: `Lake.scan`.
        out: Folder of the reports.
        as_of: Aware instant; the tables hold what happened before it.
        facts: What the run did; None where the report is made without a run.
        bearings: Settings by which the tables were computed.
        more: Sections of plug-ins.

    Returns:
        Paths of the HTML and the PDF.

    Raises:
        LakeError: A table cannot be read, or a file cannot be written.
        PublishError: A chart or the PDF could not be made.
    """
    before = last_figures(out, before=as_of)
    data = build(scan, as_of=as_of, facts=facts, previous=before, bearings=bearings)
    laid_out = fit(build_document(data, more), out)
    html, pdf = render_html(laid_out), render_pdf(laid_out)
    folder = folder_of(out, as_of)
    write_atomic(folder / HTML_NAME, html.encode("utf-8"))
    write_atomic(folder / PDF_NAME, pdf)
    write_atomic(folder / FIGURES_NAME, msgspec.json.format(msgspec.json.encode(data.figures), indent=2))
    return folder / HTML_NAME, folder / PDF_NAME


def last_figures(out: Path | ReportPlace, *, before: datetime) -> Figures | None:
    """Return figures of the latest report of an earlier as_of; None where there is none, or none that can be read.

    Args:
        out: Folder of the reports.
        before: The as_of that it must be earlier than.
    """
    place = out if isinstance(out, ReportPlace) else ReportPlace(out)
    # A folder is named by the date of its as_of, so the latest comes first and the others need not be read.
    for path in sorted(place.out.glob("/".join(["????-??-??", *place.tenant, FIGURES_NAME])), reverse=True):
        try:
            figures = msgspec.json.decode(path.read_bytes(), type=Figures)
        except (msgspec.MsgspecError, OSError):
            continue  # another program's file, or a removed one, is no report to compare with
        if figures.as_of.tzinfo is not None and figures.as_of < before:
            return figures
    return None
