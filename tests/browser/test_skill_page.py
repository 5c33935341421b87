"""Skill cards in a real Chromium: they complain of nothing, ask for nothing, run nothing, and fit every screen."""

import pytest

from browser.keeping import runs_nothing, shown_quietly
from kaizenlake.publish.signed.skill_data import skills
from kaizenlake.report.engine.render import render_html
from kaizenlake.report.skill.fleet import build_fleet
from kaizenlake.report.skill.skill_report import build_named_card
from publish.skill_frames import AS_OF, EVIL, scan

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("skill_pages")
    found = skills(scan(), as_of=AS_OF)
    named = {"planner": "planner", "evil": EVIL}
    for name, doer in named.items():
        laid_out = build_named_card(scan(), next(skill for skill in found if skill.doer == doer))
        (folder / f"{name}.html").write_text(render_html(laid_out), encoding="utf-8")
    laid_out = build_fleet(found, {doer: f"{name}.html" for name, doer in named.items()})
    (folder / "fleet.html").write_text(render_html(laid_out), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["planner", "evil", "fleet"])
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1280, "light")])
def test_a_card_complains_of_nothing_asks_for_nothing_and_fits(chromium, pages, name, width, scheme):
    shown_quietly(chromium, pages / f"{name}.html", width, scheme)
    runs_nothing(chromium)
    assert "Skill" in chromium.evaluate("document.body.innerText")


def test_the_fleet_page_leads_to_a_card(chromium, pages):
    chromium.open(pages / "fleet.html")
    leads = "[...document.querySelectorAll('#doers-table a')].map(a => [a.innerText, a.getAttribute('href')])"
    assert ["planner", "planner.html"] in chromium.evaluate(leads)
