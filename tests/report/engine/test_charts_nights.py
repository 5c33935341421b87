"""Charts over nights: marks lie where their values do, any words stay text, few or undefined figures are drawn all the same."""

from __future__ import annotations

import re
from datetime import date, timedelta
from importlib import resources
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from kaizenlake.report.engine.sequence_chart import (
    DecisionNight,
    EffectNight,
    EvidenceNight,
    draw_effect_chart,
    draw_evidence_chart,
)
from kaizenlake.report.engine.trend_chart import Trend, draw_trend_chart
from publish.hostile_frames import LABELS

FIRST = date(2026, 3, 1)
EFFECTS = (0.004, -0.03, -0.02, -0.01)


def night(index, effect):
    return EffectNight(
        FIRST + timedelta(days=index), effect, (effect - 0.05, effect + 0.05), (effect - 0.01, effect + 0.01)
    )


def effects(nights=None, words="crossed"):
    shown = [night(index, effect) for index, effect in enumerate(EFFECTS)] if nights is None else nights
    crossing = DecisionNight(shown[-1].day, words, "good")
    return draw_effect_chart("e", "Effect", "It fell.", shown, tolerated=0.02, crossing=crossing)


def evidence(words="crossed", held=(1.0, 0.1, 0.001)):
    nights = [EvidenceNight(FIRST + timedelta(days=index), p, 0.01, 0.5) for index, p in enumerate(held)]
    return draw_evidence_chart(
        "p", "Evidence", "It rose.", nights, nightly_level=0.05, crossing=DecisionNight(FIRST, words, "bad")
    )


def trends(label="planner"):
    days = tuple((FIRST + timedelta(days=index), 0.2 + 0.01 * index, 0.2) for index in range(5))
    return draw_trend_chart(
        "t", "Losses", "It rose.", [Trend(label, days, frozenset({FIRST}), label, label, "bad")], ()
    )


def dots(svg):
    """Centres of the round marks, in the order they were drawn."""
    return [
        (float(element.get("cx")), float(element.get("cy")))
        for element in ET.fromstring(svg).iter()
        if element.tag.endswith("circle")
    ]


def steps(values):
    """From each to the next."""
    return [after - before for before, after in pairwise(values)]


def named(svg):
    """Places of the words of a picture."""
    return {
        element.text: (float(element.get("x")), float(element.get("y")))
        for element in ET.fromstring(svg).iter()
        if element.tag.endswith("text")
    }


@pytest.mark.parametrize("target", ["wide", "narrow", "paper"])
def test_effects_lie_between_the_lines_of_their_axis(target):
    svg = getattr(effects(), target)
    words = named(svg)
    unit = (words["0"][1] - words["+0.02"][1]) / 0.02
    places, heights = zip(*dots(svg), strict=True)
    assert steps(heights) == pytest.approx([-unit * step for step in steps(EFFECTS)], abs=0.1)
    assert steps(places) == pytest.approx([places[1] - places[0]] * 3, abs=0.1)


def test_evidence_stands_higher_the_smaller_its_p():
    svg = evidence().wide
    words = named(svg)
    expected = [words[p][1] for p in ("1", "0.1", "0.001")]
    assert steps([y for _, y in dots(svg)]) == pytest.approx(steps(expected), abs=0.1)


def test_losses_lie_between_the_ends_of_their_scale():
    svg = trends().wide
    words = named(svg)
    top, bottom = words["0.24"][1], words["0.20"][1]
    heights = [y for _, y in dots(svg)]
    assert steps(heights[:5]) == pytest.approx([(top - bottom) / 4] * 4, abs=0.2)


@pytest.mark.parametrize("draw", [effects, evidence, trends])
def test_equal_rows_make_equal_bytes_in_the_colours_of_the_page(draw):
    chart = draw()
    assert chart == draw()
    style = (resources.files("kaizenlake.report.engine") / "html" / "kaizen.css").read_text()
    names = set(re.findall(r"var\(--([\w-]+)\)", chart.wide + chart.narrow))
    assert names
    assert all(style.count(f"--{name}:") == 3 for name in names), "light, dark and print"
    assert "var(" not in chart.paper


@pytest.mark.parametrize("words", LABELS)
def test_words_stay_text_whatever_they_hold(words):
    for chart in (effects(words=words), evidence(words), trends(words)):
        for svg in (chart.wide, chart.narrow, chart.paper):
            tags = {element.tag.rsplit("}", 1)[-1] for element in ET.fromstring(svg).iter()}
            assert tags <= {"svg", "title", "desc", "g", "path", "line", "rect", "circle", "text"}


@pytest.mark.parametrize(
    "nights",
    [
        [EffectNight(FIRST, None, None, None)],
        [night(0, 0.0)],
        [EffectNight(FIRST, 0.9, (-5.0, 5.0), (-1.0, 3.0)), EffectNight(FIRST + timedelta(days=400), -0.9, None, None)],
        [night(index, 1e-6) for index in range(366)],
    ],
    ids=["nothing defined", "one night", "beyond the axis", "a year"],
)
def test_few_many_and_undefined_nights_are_drawn(nights):
    chart = effects(nights)
    drawn = dots(chart.wide)
    assert len(drawn) == sum(item.effect is not None for item in nights)
    assert all(0 <= x <= 600 and 0 <= y <= 300 for x, y in drawn)
    assert len([words for words in named(chart.wide) if words and words[0].isdigit() and words[-1].isalpha()]) <= 8


def test_p_values_of_nothing_and_of_none_are_drawn():
    assert dots(evidence(held=(0.0, None, 1e-300)).wide)
    assert evidence(held=(None,)).wide
