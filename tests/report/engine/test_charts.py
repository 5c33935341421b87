"""Charts are real SVG: the same bytes for the same rows, told in words, safe with any label, styled by the page."""

import re
from importlib import resources
from xml.etree import ElementTree as ET

import pytest

from kaizenlake.report.engine.interval_chart import Bar, Mark, RowGroup, Scale, draw_interval_chart, draw_share_chart
from kaizenlake.report.engine.svg import COLOURS, cut, width_of
from publish.hostile_frames import LABELS

TAGS = {"svg", "title", "desc", "g", "path", "line", "rect", "circle", "text"}

MARKS = (
    Mark("Question", 0.12, 0.05, 0.19, "+12.0% (+5.0% to +19.0%)", "+12.0%", "good"),
    Mark("List", -0.08, -0.15, -0.01, "−8.0% (−15.0% to −1.0%)", "−8.0%", "bad"),
    Mark("Quote", 0.5, -1.4, 9.0, "+50.0% (−140.0% to +900.0%)", "+50.0%", hollow=True),
)


def forest(marks=MARKS, heading="Tested"):
    return draw_interval_chart(
        "forest", "Effects", "Question +12.0%", [RowGroup(heading, marks)], scale=Scale(0.0, signed=True)
    )


def bars(label="photo"):
    shares = (("tier-excellent", 0.25), ("tier-good", 0.25), ("tier-average", 0.5), ("tier-poor", 0.0))
    return draw_share_chart(
        "tiers", "Tiers", "Half are good", [Bar(label, shares, "50.0% of 8")], (("tier-good", "Good"),)
    )


@pytest.mark.parametrize("draw", [forest, bars])
def test_equal_rows_make_equal_bytes(draw):
    assert draw() == draw()


@pytest.mark.parametrize("draw", [forest, bars])
@pytest.mark.parametrize("target", ["wide", "narrow", "paper"])
def test_a_chart_is_an_image_that_tells_its_title_and_its_finding(draw, target):
    chart = draw()
    root = ET.fromstring(getattr(chart, target))
    assert root.get("role") == "img"
    named = {element.get("id"): element.text for element in root if element.get("id")}
    assert [named[name] for name in root.get("aria-labelledby").split()] == [chart.title, chart.description]


def test_identifiers_differ_between_the_drawings_of_one_chart():
    chart = forest()
    found = [name for svg in (chart.wide, chart.narrow, chart.paper) for name in re.findall(r' id="([^"]+)"', svg)]
    assert len(found) == len(set(found)) == 6


@pytest.mark.parametrize("label", LABELS)
def test_a_label_stays_text_whatever_it_holds(label):
    charts = (forest((Mark(label, 0.1, 0.0, 0.2, label, label, "good"),), heading=label), bars(label))
    for svg in (svg for chart in charts for svg in (chart.wide, chart.narrow, chart.paper)):
        root = ET.fromstring(svg)
        tags = {element.tag.rsplit("}", 1)[-1] for element in root.iter()}
        assert tags <= TAGS
        names = {name for element in root.iter() for name in element.attrib}
        assert not {name for name in names if name.startswith("on") or "href" in name}


@pytest.mark.parametrize("target", ["wide", "narrow", "paper"])
@pytest.mark.parametrize("letter", ["i", "x", "W", "中", "ж", "😀"])
def test_a_long_label_fills_its_place_and_is_cut_there(target, letter):
    cut_at = cut(letter * 100, 200, 13, target)
    assert cut_at.endswith("…")
    assert width_of(cut_at, 13, target) <= 200 < width_of(letter + cut_at, 13, target)


def test_a_label_that_fits_stays_whole():
    assert cut("Text: speaks to the reader", 209, 13, "wide") == "Text: speaks to the reader"


def test_labels_and_figures_of_a_phone_do_not_touch():
    chart = forest((Mark("W" * 100, 0.1, 0, 0.2, "", "+1,234.5%"),))
    label, figures = (
        next(element for element in ET.fromstring(chart.narrow).iter() if (element.text or "").startswith(first))
        for first in ("W", "+1,")
    )
    room = float(figures.get("x")) - width_of(figures.text, 13, "narrow")
    assert width_of(label.text, 14, "narrow") < room


def test_screens_take_colours_from_the_page_and_paper_has_its_own():
    chart = forest()
    assert '"var(--good)"' in chart.wide
    named = set(re.findall(r"var\(--([\w-]+)\)", forest().wide + forest().narrow + bars().wide))
    style = (resources.files("kaizenlake.report.engine") / "html" / "kaizen.css").read_text()
    assert all(style.count(f"--{name}:") == 3 for name in named), "light, dark and print"
    assert "var(" not in chart.paper
    assert COLOURS["good"] in chart.paper
    drawn = set(re.findall(r'(?:fill|stroke)="(#[^"]+)"', chart.paper))
    assert drawn <= set(COLOURS.values())


def test_an_interval_that_leaves_the_axis_is_cut_there_and_ends_in_an_arrow():
    assert forest(MARKS[:2]).wide.count("<path") == 0
    assert forest(MARKS).wide.count("<path") == 2


def positions(chart, target="wide"):
    """Centres of the dots from left to right, and of the axis' words, in the plot's pixels."""
    root = ET.fromstring(getattr(chart, target))
    dots = [float(element.get("cx")) for element in root.iter() if element.tag.endswith("circle")]
    ticks = {element.text: float(element.get("x")) for element in root.iter() if element.get("text-anchor") == "middle"}
    return dots, ticks


def test_dots_lie_where_their_values_do():
    marks = (Mark("a", 0.1, 0.05, 0.15, "", ""), Mark("b", 0.3, 0.2, 0.4, "", ""))
    dots, ticks = positions(draw_interval_chart("c", "t", "d", [RowGroup("", marks)]))
    per_point = (ticks["40%"] - ticks["0%"]) / 40
    assert dots == pytest.approx([ticks["0%"] + 10 * per_point, ticks["0%"] + 30 * per_point], abs=0.7)


@pytest.mark.parametrize(
    ("values", "first", "last"),
    [
        ((0.0, 0.0, 0.0), "0%", "1%"),
        ((1.0, 1.0, 1.0), "0%", "100%"),
        ((0.001, 0.0, 0.004), "0%", "1%"),
        ((0.5, 0.0, 1.0), "0%", "100%"),
    ],
)
def test_the_axis_of_rates_holds_all_of_them(values, first, last):
    _, ticks = positions(draw_interval_chart("c", "t", "d", [RowGroup("", (Mark("a", *values, "", ""),))]))
    assert (next(iter(ticks)), list(ticks)[-1]) == (first, last)
