"""The site in a real Chromium: it complains of nothing, asks for nothing, runs nothing of others, sorts, filters and fits."""

import pytest

from browser.keeping import shown_quietly
from kaizenlake.report.site.site_scope import Fault
from kaizenlake.report.site.write_site import write_site
from publish.hostile_frames import HOSTILE, hostile
from report.site.site_frames import held, scope_of

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site_pages")
    write_site(scope_of(held()), folder / "plain")
    tied = {"project_id", "experiment_id", "deployment_id", "doer", "policy_id", "task_id"}
    frames = hostile(held(), tied=tied, kept={"kind", "figures", "guardrails", "gates", "cut", "config", "status"})
    write_site(scope_of(frames, faults=tuple(Fault(text, text, (text,)) for text in HOSTILE)), folder / "hostile")
    return folder


def pages_of(folder):
    """The start page, and the largest page of each kind."""
    kinds = [path for path in folder.iterdir() if path.is_dir()]
    return [folder / "index.html", *(max(kind.glob("*.html"), key=lambda path: path.stat().st_size) for kind in kinds)]


@pytest.mark.parametrize("name", ["plain", "hostile"])
def test_pages_complain_of_nothing_ask_for_nothing_and_fit(chromium, site, name):
    for page in pages_of(site / name):
        for width, scheme in ((390, "dark"), (1280, "light")):
            shown_quietly(chromium, page, width, scheme)
            assert chromium.evaluate("typeof window.hit") == "undefined"
            assert chromium.evaluate("document.querySelectorAll('script').length") == 1
            assert chromium.evaluate("document.querySelectorAll('img, iframe, object, embed, link').length") == 0


def test_the_start_page_answers_in_one_screen_and_reads_the_same_without_scripts(chromium, site):
    chromium.open(site / "plain" / "index.html", width=1280, height=900)
    ends = chromium.evaluate("[...document.querySelectorAll('.today h2')].map(e => e.getBoundingClientRect().bottom)")
    assert len(ends) == 4
    assert all(end < 900 for end in ends)
    chromium.open(site / "plain" / "index.html", scripts=False)
    told = chromium.evaluate("document.body.innerText")
    assert "kaizen task approve" in told
    assert chromium.evaluate("document.querySelectorAll('button, input').length") == 0


def test_rows_are_sorted_and_filtered_in_the_page(chromium, site):
    chromium.open(site / "plain" / "patterns.html")
    column = "[...document.querySelectorAll('#patterns-table tbody tr')].map(r => JSON.parse(r.cells[4].dataset.value))"
    click = "document.querySelectorAll('#patterns-table thead button')[4].click()"
    chromium.evaluate(click)
    assert chromium.evaluate(column) == sorted(chromium.evaluate(column))
    chromium.evaluate(click)
    found = chromium.evaluate(column)
    assert found == sorted(found, reverse=True)
    assert chromium.evaluate("document.querySelectorAll('[aria-sort=descending]').length") == 1
    chromium.evaluate(
        "(() => { const i = document.querySelector('.tool input'); i.value = 'curio'; i.dispatchEvent(new Event('input')); })()"
    )
    shown = chromium.evaluate(
        "[...document.querySelectorAll('#patterns-table tbody tr')].filter(r => !r.hidden).length"
    )
    assert shown == 1
    assert chromium.evaluate("document.querySelector('[role=status]').textContent") == f"1 of {len(found)} shown"


NAMELESS = """
[...document.querySelectorAll('a, button, input')].filter(e => !e.closest('[aria-hidden=true]'))
  .filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.closest('label'))).length
"""
SMALL = """
[...document.querySelectorAll('button')].map(e => e.getBoundingClientRect()).filter(b => b.width && (b.width < 24 || b.height < 24)).length
"""


def test_everything_that_is_operated_has_a_name_and_a_size(chromium, site):
    for page in pages_of(site / "plain"):
        chromium.open(page, width=390)
        assert chromium.evaluate(NAMELESS) == 0, page
        assert chromium.evaluate(SMALL) == 0, page
        assert chromium.evaluate("document.querySelectorAll('h1').length") == 1
        doubled = "(a => a.length - new Set(a).size)([...document.querySelectorAll('[id]')].map(e => e.id))"
        assert chromium.evaluate(doubled) == 0, page


def test_words_stand_out_in_both_schemes(chromium, site):
    from browser.test_report_page import CONTRAST

    for scheme in ("light", "dark"):
        chromium.open(site / "plain" / "index.html", scheme=scheme)
        looked, poor = chromium.evaluate(CONTRAST)
        assert looked > 40
        assert poor == []
