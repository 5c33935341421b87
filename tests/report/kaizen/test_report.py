"""The report as files: figures equal the gold tables', outside text stays text, the same tables make the same bytes."""

import io
import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise

import polars as pl
import pypdf
import pytest

from kaizenlake import tables
from kaizenlake.errors import LakeError
from kaizenlake.publish.formats import lift, percent
from kaizenlake.report.engine import render as report
from kaizenlake.report.kaizen import write_kaizen as report_files
from kaizenlake.report.kaizen.kaizen_data import build
from kaizenlake.report.kaizen.sections import build_document
from kaizenlake.tables import CreativeLabels, IntakeSegments, Landings, Patterns, SourceFreshness, WinRates
from publish.hostile_frames import hostile
from publish.reading import Page, records, tags_of, text_of
from publish.report_frames import AS_OF, full, scan_of


@pytest.fixture(scope="module")
def laid_out():
    return build_document(build(scan_of(full()), as_of=AS_OF))


@pytest.fixture(scope="module")
def html(laid_out):
    return report.render_html(laid_out)


@pytest.fixture(scope="module")
def pdf(laid_out):
    return report.render_pdf(laid_out)


@pytest.fixture(scope="module")
def hostile_report():
    return build_document(build(scan_of(hostile(full(), kept={"kind", "dimension"})), as_of=AS_OF))


GOLD = [
    ("experiments-table", Patterns, ("pattern_type", "pattern"), pl.col("evidence") == "experiment"),
    ("observations-table", Patterns, ("pattern_type", "pattern"), pl.col("evidence") == "observation"),
    *(
        (f"{kind}-table", WinRates, ("dimension", "value"), pl.col("kind") == kind)
        for kind in ("outreach", "deal", "pack", "run", "creative")
    ),
    ("winners-table", CreativeLabels, ("content_id",), pl.col("label") == "winner"),
    ("clarity-table", IntakeSegments, ("briefs",), pl.lit(True)),
    ("sources-table", SourceFreshness, ("source",), pl.lit(True)),
]


@pytest.mark.parametrize(("identifier", "table", "keys", "part"), GOLD, ids=[row[0] for row in GOLD])
def test_every_figure_of_a_table_of_the_report_is_the_gold_tables_own(html, identifier, table, keys, part):
    gold = {tuple(row[key] for key in keys): row for row in full()[table].filter(part).to_dicts()}
    shown = list(records(Page(html), identifier))
    assert shown
    for row in shown:
        known = gold[tuple(row[key] for key in keys)]
        for name, value in row.items():
            if name not in {"last_at", "reason"}:
                assert value == known[name], name


def test_what_a_reader_sees_is_the_figure_behind_the_cell(html):
    page = Page(html)
    written = {"win_rate": percent, "lift": lift, "wins": str, "decided": str, "adjusted_rate": percent, "pending": str}
    seen = 0
    for kind in ("outreach", "deal", "pack", "run", "creative"):
        for row in page.tables[f"{kind}-table"][1:]:
            for text, names, value in row:
                if names in written:
                    assert text == written[names](json.loads(value))
                    seen += 1
    assert seen == 16 * len(written)


def test_the_landing_table_conserves_lines(html):
    rows = {names: int(value) for row in Page(html).tables["landing-table"][1:] for _, names, value in row if names}
    assert rows == full()[Landings].select(*rows).row(0, named=True)
    assert rows["lines_in"] == rows["landed"] + rows["duplicate"] + rows["quarantined"]


def test_the_page_asks_for_nothing_and_stays_light(html):
    assert len(html.encode()) < 400_000
    tags = Page(html).tags
    assert not {tag for tag, _ in tags} & {
        "script",
        "link",
        "iframe",
        "object",
        "embed",
        "img",
        "form",
        "base",
        "audio",
    }
    for tag, given in tags:
        assert not {name for name in given if name.startswith("on") or name in {"src", "srcset", "style"}}, tag
        assert given.get("href", "#").startswith("#")
    assert not re.search(r"url\(|@import|@font-face", html)


def test_the_policy_allows_the_pages_own_style_alone(html):
    import base64
    import hashlib

    policy = next(given["content"] for tag, given in Page(html).tags if given.get("http-equiv"))
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none';")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy


def test_a_reader_that_cannot_see_finds_its_way(html):
    page = Page(html)
    names = [tag for tag, _ in page.tags]
    assert names.count("h1") == names.count("main") == names.count("nav") == names.count("header") == 1
    levels = [int(tag[1]) for tag in names if re.fullmatch(r"h[1-6]", tag)]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert ("html", {"lang": "en"}) in page.tags
    assert names.count("caption") == names.count("table") > 10
    assert all(given.get("scope") in {"row", "col"} for tag, given in page.tags if tag == "th")
    identifiers = [given["id"] for _, given in page.tags if "id" in given]
    assert len(identifiers) == len(set(identifiers))
    for tag, given in page.tags:
        if given.get("href", "").startswith("#"):
            assert given["href"][1:] in identifiers
        for name in given.get("aria-labelledby", "").split():
            assert name in identifiers
        assert tag != "svg" or given.get("role") == "img" or given.get("aria-hidden") == "true"


def test_charts_tell_their_finding_with_numbers(html):
    described = re.search(r'<desc id="chart-experiments-wide-desc">(.*?)</desc>', html)[1]
    assert "Hook: curiosity +9.2% (+5.8% to +12.7%)" in described
    described = re.search(r'<desc id="chart-tiers-wide-desc">(.*?)</desc>', html)[1]
    assert "facebook, photo: 35.2% of 426 good or excellent" in described


def test_text_from_outside_stays_text_in_the_page(hostile_report, laid_out):
    made = report.render_html(hostile_report)
    known = {tag for tag, _ in Page(report.render_html(laid_out)).tags}
    page = Page(made)
    assert {tag for tag, _ in page.tags} <= known
    assert not [given for _, given in page.tags if any(name.startswith("on") for name in given)]
    assert "&lt;/script&gt;&lt;script&gt;" in made
    assert len(made.encode()) < 400_000


def test_text_from_outside_is_set_as_text_in_the_pdf(hostile_report):
    text = re.sub(r"\s+", "", text_of(report.render_pdf(hostile_report)))
    for written in ("#panic()#eval", "<script>window.hit=1", "{{7*7}}{%raw%}", "*bold*_it_<label>@ref"):
        assert written in text


def test_no_word_of_the_pdf_leaves_its_page(hostile_report):
    edges = []
    for page in pypdf.PdfReader(io.BytesIO(report.render_pdf(hostile_report))).pages:
        page.extract_text(visitor_text=lambda text, cm, tm, font, size: edges.append((tm[4] * cm[0] + cm[4], text)))
    far = [text for left, text in edges if text.strip() and not 0 <= left < 595]
    assert edges
    assert not far


def test_characters_that_no_font_of_the_pdf_has_are_shown_as_boxes(laid_out):
    from dataclasses import replace

    odd = replace(laid_out, window="At a😀b中c\u05d0.")
    text = text_of(report.render_pdf(odd))
    assert f"At a{report.UNPRINTABLE}b{report.UNPRINTABLE}c\u05d0." in text


def test_the_pdf_is_set_even_when_the_typesetter_names_no_character(laid_out, monkeypatch):
    from dataclasses import replace

    monkeypatch.setattr(report, "_ATTEMPTS", 0)
    assert "At a□b." in text_of(report.render_pdf(replace(laid_out, window="At a😀b.")))


def test_the_pdf_is_tagged_titled_and_dated_by_as_of(pdf):
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] is True or root["/MarkInfo"]["/Marked"].value
    assert root["/Lang"].startswith("en")
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert "/StructTreeRoot" in root
    assert reader.metadata.title == "Kaizen report, 2 March 2026"
    assert reader.metadata.creation_date.date() == AS_OF.date()
    assert b"pdfuaid" in root["/Metadata"].get_data()
    assert {(round(page.mediabox.width), round(page.mediabox.height)) for page in reader.pages} == {(595, 842)}


def test_the_pdf_has_headings_tables_with_headers_and_charts_with_words(pdf, laid_out):
    kinds, told = tags_of(pdf)
    charts = [block.chart for section in laid_out.sections for block in section.blocks if block.type == "picture"]
    grids = [block for section in laid_out.sections for block in section.blocks if block.type == "grid"]
    assert kinds.count("/H1") == len(laid_out.sections)
    assert kinds.count("/Table") >= len(grids)
    assert kinds.count("/TH") >= sum(len(grid.columns) for grid in grids)
    for chart in charts:
        assert any(chart.description in words for words in told), chart.id


def test_the_pdf_holds_every_section_and_every_figure_of_the_page(pdf, laid_out):
    text = re.sub(r"\s+", "", text_of(pdf))
    for section in laid_out.sections:
        assert re.sub(r"\s+", "", section.title) in text
        for block in section.blocks:
            if block.type == "grid":
                for row in block.rows:
                    for cell in row:
                        assert re.sub(r"\s+", "", cell.text) in text, (block.id, cell.text)


def test_pages_are_numbered_and_named(pdf):
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
    assert 5 <= len(pages) <= 15
    for number, text in enumerate(pages, 1):
        assert f"{number} of {len(pages)}" in text
        assert number == 1 or "Kaizen report, 2 March 2026" in text


def test_equal_tables_make_equal_bytes_in_another_process(tmp_path):
    code = (
        "from pathlib import Path; from kaizenlake.report.kaizen.write_kaizen import write_reports;"
        "from publish.report_frames import AS_OF, full, scan_of; import sys;"
        "write_reports(scan_of(full()), Path(sys.argv[1]), as_of=AS_OF)"
    )
    seeds = {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code, tmp_path / "other"], check=True, env=os.environ | seeds, timeout=120)
    ours = report_files.write_reports(scan_of(full()), tmp_path / "ours", as_of=AS_OF)
    for path in ours:
        assert path.read_bytes() == (tmp_path / "other" / path.relative_to(tmp_path / "ours")).read_bytes()


def test_reports_lie_under_their_date_and_the_next_one_finds_the_last(tmp_path):
    page, paper = report_files.write_reports(scan_of(full()), tmp_path, as_of=AS_OF)
    assert page == tmp_path / "2026-03-02" / "kaizen.html"
    assert paper == tmp_path / "2026-03-02" / "kaizen.pdf"
    assert sorted(path.name for path in page.parent.iterdir()) == ["kaizen.html", "kaizen.json", "kaizen.pdf"]
    first = page.read_bytes()
    report_files.write_reports(scan_of(full()), tmp_path, as_of=AS_OF)
    assert page.read_bytes() == first, "a report does not compare itself with itself"
    later, _ = report_files.write_reports(scan_of({}), tmp_path, as_of=AS_OF + timedelta(days=1))
    assert "Figures that moved since 2 March 2026" in later.read_text()


def test_files_that_are_no_figures_are_passed_over(tmp_path):
    for number, text in enumerate(["", "[]", '{"as_of": "2026-01-01T00:00:00", "numbers": {}, "verdicts": {}}'], 10):
        folder = tmp_path / f"2026-01-{number}"
        folder.mkdir()
        (folder / "kaizen.json").write_text(text)
    assert report_files.last_figures(tmp_path, before=AS_OF) is None
    assert report_files.last_figures(tmp_path / "nowhere", before=AS_OF) is None


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "2026-03-02").write_text("a file where the folder should be")
    with pytest.raises(LakeError, match="cannot be written") as caught:
        report_files.write_reports(scan_of({}), tmp_path, as_of=AS_OF)
    assert "2026-03-02" in str(caught.value)


def test_an_empty_lake_makes_whole_reports(tmp_path):
    page, paper = report_files.write_reports(scan_of({}), tmp_path, as_of=AS_OF)
    assert "No post has been measured." in page.read_text()
    assert "PERFORMANCE_RECORDED" in text_of(paper.read_bytes())


def test_the_words_of_declarations_explain_the_figures(html):
    for table in (WinRates, Patterns, IntakeSegments):
        assert tables.meaning(table) in html.replace("&#39;", "'")


def test_templates_and_styles_are_shipped_with_the_package():
    from importlib import resources

    for folder, name in (
        ("html", "kaizen.html.j2"),
        ("html", "kaizen.css"),
        ("pdf", "kaizen.typ"),
        ("charts", "intervals.svg.j2"),
    ):
        assert (resources.files("kaizenlake.report.engine") / folder / name).is_file()
