"""Reports of an agency on its shipped, invented journal: pages whose figures are those of the tables, two at most for a client."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from datetime import UTC, datetime
from importlib import resources
from io import BytesIO

import polars as pl
import pytest
from pypdf import PdfReader

from kaizenlake.decide.agency import brands, tasks
from kaizenlake.decide.agency.tasks import TaskDraft
from kaizenlake.errors import UsageError
from kaizenlake.lake.store import Lake
from kaizenlake.night import agency_reports
from kaizenlake.night.artifact import Run, StepRecord, new_run_id
from kaizenlake.report.agency.client_logo import read_logo, why_no_logo
from kaizenlake.report.agency.client_report import build_client
from kaizenlake.report.engine.render import render_html
from kaizenlake.samples import AGENCY
from kaizenlake.tables import (
    Contents,
    Funnel,
    Leads,
)
from lake.make_agency_weeks import agency_weeks

OTHERS = ("Northwind", "northwind", "Harbor", "Lumen", "lumen", "solar", "Solar", "Lunch", "kaizenlake")


def png():
    """A picture of one dark pixel."""

    def part(kind, held):
        return struct.pack(">I", len(held)) + kind + held + struct.pack(">I", zlib.crc32(kind + held))

    head = part(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + part(b"IDAT", zlib.compress(b"\0\x30")) + part(b"IEND", b"")


@pytest.fixture(scope="module")
def lake(agency_lake):
    """The lake of the invented agency, with a logo and many proposals for one of its brands."""
    found = agency_lake
    found.path("logos").mkdir()
    found.path("logos", "aurora.png").write_bytes(png())
    drafts = [
        TaskDraft("aurora", "social_variants", priority, f"Engagement fell <b>{number}</b>", f"t{number}")
        for number, priority in enumerate(("LOW", "CRITICAL", "HIGH") * 7)
    ]
    tasks.propose(found, lambda _: drafts, by="ann")
    tasks.propose(found, lambda _: [TaskDraft("lumen", "website_copy", "HIGH", "Northwind does it", "x")], by="ann")
    return found


LINES = [json.loads(line) for line in (resources.files("kaizenlake.samples") / AGENCY.file).read_text().splitlines()]


def text_of(pdf):
    reader = PdfReader(BytesIO(pdf))
    return len(reader.pages), "\n".join(page.extract_text() for page in reader.pages)


def test_the_shipped_journal_is_invented_and_big_enough():
    shipped = (resources.files("kaizenlake.samples") / AGENCY.file).read_text(encoding="utf-8")
    assert agency_weeks() == shipped
    assert all(line["source"] == "invented-sample" and line["tags"] == ["invented"] for line in LINES)
    assert len({line["payload"]["brand_id"] for line in LINES if line["type"] == "BRAND_DESCRIBED"}) == 4
    days = {line["occurred_at"][:10] for line in LINES if line["type"] == "PERFORMANCE_RECORDED"}
    assert (len(days), min(days), max(days)) == (56, "2026-09-28", "2026-11-22")


def test_a_client_gets_two_pages_with_its_own_words_alone(lake, tmp_path):
    page, paper = agency_reports.report_project(lake, tmp_path, "aurora_autumn")
    html = page.read_text(encoding="utf-8")
    pages, words = text_of(paper.read_bytes())
    assert pages <= 2
    for held in (html, words):
        assert "Aurora Skincare" in held
        assert not [other for other in OTHERS if other in held]
    ours = lake.scan(Contents).filter(project_id="aurora_autumn")
    shown = ours.select(pl.col("impressions").sum()).collect().item()
    assert f"{shown:,}" in html
    assert f"data:image/png;base64,{base64.b64encode(png()).decode()}" in html
    assert "<b>" not in html.partition("What we propose next</h2>")[2].partition("</section>")[0]
    first = html.index("Engagement fell")
    assert "Critical" in html[first : first + 400]
    assert "6 of 21 rows shown" in html


def test_a_project_of_which_nothing_is_known_and_one_that_two_brands_claim_are_refused(lake, tmp_path):
    with pytest.raises(UsageError, match="aurora_autumn"):
        agency_reports.report_project(lake, tmp_path, "aurora_autum")
    rival = {"brand_id": "rival", "name": "Rival", "projects": ["harbor_backs"], "voice": "secret"}
    brands.describe(lake, rival)
    with pytest.raises(UsageError, match="descriptions of harbor, rival name it"):
        agency_reports.report_project(lake, tmp_path, "harbor_backs")
    assert brands.find_shared(lake, "rival") == {"harbor_backs": ["harbor"]}


def test_a_logo_that_is_missing_is_told_to_who_sends_the_report_and_not_to_the_client(lake, tmp_path, caplog):
    brands.describe(lake, {"brand_id": "late", "name": "Late", "projects": ["late_one"], "logo": "pictures/late.png"})
    html = agency_reports.report_project(lake, tmp_path, "late_one")[0].read_text(encoding="utf-8")
    assert (
        "has no logo of late. The logo 'pictures/late.png' is not shown: there is no file 'late.png' in" in caplog.text
    )
    assert "late.png" not in html


def test_a_project_without_figures_says_what_is_missing():
    brand = {"brand_id": "new", "name": "New"}

    def scan(table):
        from kaizenlake import tables

        return pl.LazyFrame(schema=tables.schema(table))

    at = datetime(2026, 11, 23, tzinfo=UTC)
    made = build_client(scan, "p", brand, [], as_of=at)
    html = render_html(made)
    assert "No figures came in within these weeks." in html
    assert "Too few posts have figures" in html
    assert "Nothing is proposed" in html
    assert build_client(scan, "p", None, [], as_of=at) is None


def test_the_funnel_tells_each_month_and_its_rate_beside_the_window(lake, tmp_path):
    page, paper = agency_reports.report_funnel(lake, tmp_path)
    html = page.read_text(encoding="utf-8")
    sums = lake.scan(Funnel).select(pl.col("leads", "won").sum()).collect().row(0)
    assert f">{sums[0]}<" in html
    july = lake.scan(Funnel).filter(pl.col("month") == pl.date(2026, 7, 1)).select(pl.col("won", "leads").sum())
    won, leads = july.collect().row(0)
    rates = html.partition("Months whose window is over")[2].partition("</table>")[0]
    assert "July 2026" in rates
    assert f"{100 * won / leads:.1f}%" in rates
    assert "August 2026" not in rates
    assert "told 90 days after its end" in html
    assert "lost after 180 days" in html
    leads = lake.scan(Leads).collect()
    until = pl.col("created_at") + pl.duration(days=90)
    young = leads.filter(until > datetime(2026, 11, 23, tzinfo=UTC)).height
    late = leads.filter(pl.col("won_at") > until).height
    assert f"{young} younger leads are left out" in html
    assert (f"{late} later win" in html) is (late > 0)
    assert text_of(paper.read_bytes())[0] <= 5


def test_readiness_of_a_pack_names_what_to_change(lake, tmp_path):
    page, _ = agency_reports.report_readiness(lake, tmp_path, "Quick Social Basic")
    html = page.read_text(encoding="utf-8")
    assert "Not ready" in html
    assert "TOO_FEW_WORDS" in html
    assert "Add at least" in html
    with pytest.raises(UsageError, match="quick_social_basic"):
        agency_reports.report_readiness(lake, tmp_path, "quick_social")


def test_the_week_of_a_brand_is_a_page_a_paper_and_a_calendar(lake, tmp_path):
    files = agency_reports.report_plan(lake, tmp_path, "aurora", datetime(2026, 11, 23, tzinfo=UTC))
    assert [file.suffix for file in files] == [".html", ".pdf", ".ics"]
    html = files[0].read_text(encoding="utf-8")
    assert "Nothing is planned for these days" in html
    assert "What to keep in mind" not in html
    for number in range(6):
        brands.add_note(lake, {"brand_id": "aurora", "insight": f"Opens fall <b>{number}</b>", "told_by": "ann"})
    html = agency_reports.report_plan(lake, tmp_path, "aurora")[0].read_text(encoding="utf-8")
    assert "Opens fall &lt;b&gt;5&lt;/b&gt;" in html
    assert "&lt;b&gt;0&lt;/b&gt;" not in html, "the latest five"
    with pytest.raises(UsageError, match="aurora"):
        agency_reports.report_plan(lake, tmp_path, "aurra")


@pytest.mark.parametrize(
    "told", [None, "../../etc/passwd", "https://example.com/x.png", "page.html", "link.png", "large.png", "..", ""]
)
def test_a_logo_lies_in_its_folder_or_is_none(tmp_path, told):
    (tmp_path / "page.html").write_text("<script>")
    (tmp_path / "secret").write_bytes(png())
    (tmp_path / "link.png").symlink_to(tmp_path / "secret")
    (tmp_path / "large.png").write_bytes(png() + bytes(300_000))
    assert read_logo(tmp_path, told, "x") is None
    assert (why_no_logo(tmp_path, told) is not None) is bool(told)
    (tmp_path / "good.png").write_bytes(png())
    assert read_logo(tmp_path, "http://x/y/good.png", "x").kind == "png"


def test_a_night_writes_what_says_something_else_and_leaves_the_rest(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    brands.describe(lake, {"brand_id": "acme", "name": "Acme", "projects": ["p1"], "logo": "acme.png"})

    def night():
        at = datetime(2026, 11, 23, tzinfo=UTC)
        run = Run(run_id=new_run_id(at), command="nightly", as_of=at, started_at=at, host="h", pid=1)
        record = StepRecord(name="agency", status="running")
        agency_reports.report_nightly(lake, run, record, tmp_path / "reports")
        return record

    def stamps():
        return {path.name: path.stat().st_mtime_ns for path in (tmp_path / "reports" / "2026-11-23").iterdir()}

    assert night().rows_out == 2
    before = stamps()
    assert {"plan-acme.html", "plan-acme.pdf", "plan-acme.ics", "project-p1.html", "project-p1.pdf"} <= {*before}
    second = night()
    assert (second.status, stamps()) == ("nothing to do", before)
    assert "The report of project p1 has no logo of acme." in second.why[0]
    brands.add_note(lake, {"brand_id": "acme", "insight": "Opens fall in May", "told_by": "ann"})
    brands.describe(lake, {"brand_id": "zest", "name": "Zest", "projects": ["p1"]})
    third = night()
    assert third.rows_out == 2, "the weeks of both brands"
    assert stamps()["project-p1.pdf"] == before["project-p1.pdf"]
    assert any("Whose the project 'p1' is cannot be told" in words for words in third.why)
