"""The report in a real Chromium: it complains of nothing, asks for nothing, runs nothing, and fits every screen."""

import io

import pypdf
import pytest

from browser.keeping import runs_nothing, shown_quietly
from kaizenlake.report.engine.render import render_html
from kaizenlake.report.kaizen.kaizen_data import build
from kaizenlake.report.kaizen.sections import build_document
from publish.hostile_frames import hostile
from publish.learning_documents import HOSTILE_CANARY, made
from publish.learning_documents import frames as learning
from publish.learning_documents import hostile as hostile_learning
from publish.learning_frames import CANARY
from publish.report_frames import AS_OF, full, scan_of

pytestmark = pytest.mark.browser

WINDOWS = [(390, "light"), (390, "dark"), (768, "light"), (1280, "light"), (1280, "dark")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, frames in (("full", full()), ("empty", {}), ("hostile", hostile(full(), kept={"kind"}))):
        page = render_html(build_document(build(scan_of(frames), as_of=AS_OF)))
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    # What is told of learning: a canary, the audit, and the report with its section, whatever names they hold.
    for prefix, frames, deployment in (("", learning(), CANARY), ("hostile-", hostile_learning(), HOSTILE_CANARY)):
        for name, laid_out in made(frames, deployment).items():
            (folder / f"{prefix}{name}.html").write_text(render_html(laid_out), encoding="utf-8")
    return folder


LEARNING = ["canary", "audit", "kaizen", "hostile-canary", "hostile-audit", "hostile-kaizen"]


@pytest.mark.parametrize("name", ["full", "empty", "hostile", *LEARNING])
@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_a_page_complains_of_nothing_asks_for_nothing_and_fits(chromium, pages, name, width, scheme):
    shown_quietly(chromium, pages / f"{name}.html", width, scheme)
    outside = chromium.evaluate(
        """[...document.querySelectorAll('body *')]
        .filter(e => !e.closest('.scroll') && !e.closest('svg') && !e.matches('.skip'))
        .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert outside == []


@pytest.mark.parametrize("name", [name for name in ["hostile", *LEARNING] if name.startswith("hostile")])
def test_hostile_text_runs_nothing_and_makes_no_element(chromium, pages, name):
    chromium.open(pages / f"{name}.html")
    runs_nothing(chromium)
    assert "<script>window.hit=1</script>" in chromium.evaluate("document.body.innerText")


def test_the_policy_stops_a_script_that_got_in_all_the_same(chromium, pages, tmp_path):
    page = (pages / "full.html").read_text(encoding="utf-8")
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(
        page.replace("</main>", "<script>window.hit=1</script><img src='x.png'></main>"), encoding="utf-8"
    )
    chromium.open(spoilt)
    assert chromium.evaluate("typeof window.hit") == "undefined"
    assert len(chromium.complaints()) == 2, "the script and the picture are refused, aloud"


def test_the_page_reads_the_same_without_scripts(chromium, pages):
    texts = []
    for scripts in (True, False):
        chromium.open(pages / "full.html", scripts=scripts)
        texts.append(chromium.evaluate("document.body.innerText"))
    assert texts[0] == texts[1]
    assert "Headline findings" in texts[0]


def test_every_section_is_headed_and_reached_from_the_top(chromium, pages):
    chromium.open(pages / "full.html")
    named = chromium.evaluate("[...document.querySelectorAll('main h2')].map(e => e.textContent)")
    linked = chromium.evaluate(
        "[...document.querySelectorAll('nav a')].map(e => document.querySelector(e.getAttribute('href') + ' h2').textContent)"
    )
    assert named == linked
    assert len(named) == 14


@pytest.mark.parametrize(("width", "shown", "hidden"), [(390, "narrow", "wide"), (1280, "wide", "narrow")])
def test_charts_are_drawn_once_in_the_size_of_the_screen(chromium, pages, width, shown, hidden):
    chromium.open(pages / "full.html", width=width)
    boxes = chromium.evaluate(
        f"[...document.querySelectorAll('figure .{shown} svg')].map(e => [e.clientWidth, e.clientHeight])"
    )
    assert len(boxes) == 9
    assert all(280 <= wide <= 800 and tall > 30 for wide, tall in boxes)
    assert chromium.evaluate(f"[...document.querySelectorAll('figure .{hidden} svg')].every(e => !e.clientWidth)")


CLIPPED = """
[...document.querySelectorAll('figure svg[role=img]')].filter(svg => svg.clientWidth).flatMap(svg => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()])
    .filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1)
    .map(([words]) => words);
})
"""


@pytest.mark.parametrize("name", ["full", "canary", "kaizen", "hostile-canary"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_word_of_a_chart_is_cut_off(chromium, pages, name, width):
    chromium.open(pages / f"{name}.html", width=width)
    assert chromium.evaluate(CLIPPED) == []


CONTRAST = """
(() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const found = parts(getComputedStyle(at).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  let looked = 0;
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || ['title', 'desc'].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const colour = parts(element.closest('svg') ? style.fill : style.color);
    const [a, b] = [light(colour), light(behind(element))].sort((x, y) => y - x);
    looked += 1;
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.add(element.tagName + ' ' + element.textContent.slice(0, 40));
  }
  return [looked, [...poor]];
})()
"""


@pytest.mark.parametrize("name", ["full", "canary", "audit", "kaizen"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_stands_out_from_its_ground(chromium, pages, name, scheme):
    chromium.open(pages / f"{name}.html", scheme=scheme)
    looked, poor = chromium.evaluate(CONTRAST)
    assert looked > (300 if name == "full" else 100)
    assert poor == []


def test_dark_is_dark_and_print_is_light(chromium, pages):
    ground = "getComputedStyle(document.body).backgroundColor"
    chromium.open(pages / "full.html", scheme="dark")
    assert chromium.evaluate(ground) == "rgb(18, 23, 30)"
    chromium.open(pages / "full.html", scheme="dark", media="print")
    assert chromium.evaluate(ground) == "rgb(255, 255, 255)"
    assert chromium.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"


def test_the_page_prints_whole_on_a4(chromium, pages):
    chromium.open(pages / "full.html")
    printed = pypdf.PdfReader(io.BytesIO(chromium.pdf()))
    text = "".join("".join(page.extract_text().split()) for page in printed.pages)
    assert 5 <= len(printed.pages) <= 20
    for heading in ("Headlinefindings", "Winrates", "Glossary", "Dataquality", "Freshnessbysource"):
        assert heading in text
    assert "cold_outreach_v3" in text


def test_wide_tables_scroll_within_themselves_and_take_the_keyboard(chromium, pages):
    chromium.open(pages / "full.html", width=390)
    wide = chromium.evaluate(
        """[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth)
        .map(e => [e.tabIndex, e.getAttribute('role'), !!document.getElementById(e.getAttribute('aria-labelledby'))])"""
    )
    assert wide
    assert all(item == [0, "region", True] for item in wide)
