"""The guard that everything published or reported passes."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from kaizenlake.publish import guard
from kaizenlake.publish.formats import clean
from kaizenlake.report.engine.blocks import Cell, Grid, Paragraph, Picture, ReportColumn, ReportDocument, Section
from kaizenlake.report.engine.render import render_html
from kaizenlake.report.engine.svg import Chart

ADDRESS = "ann@example.com"


def page(*blocks, title="A report"):
    section = Section("s", "Section", f"Lead of {ADDRESS}", blocks)
    at = datetime(2026, 11, 2, tzinfo=UTC)
    return ReportDocument.of(at, title=title, subtitle="", window="", figures=(), sections=[section])


def test_a_new_report_cannot_forget_it():
    drawn = f'<svg role="img" aria-label="{ADDRESS}"><path d="M 4111 1111 1111 1111"/><text>{ADDRESS}</text></svg>'
    html = render_html(
        page(
            Paragraph(f"Told by {ADDRESS}."),
            Grid("g", "Rows", "gold.x", (ReportColumn("who", "text"),), ((Cell(ADDRESS, "who", f'"{ADDRESS}"'),),)),
            Picture(Chart("c", ADDRESS, ADDRESS, drawn, drawn, drawn)),
            title=ADDRESS,
        )
    )
    assert ADDRESS not in html
    assert html.count("[email]") >= 6
    assert 'd="M 4111 1111 1111 1111"' in html


def test_figures_stay_as_they_are():
    figures = page(
        Grid("g", "Rows", "gold.x", (ReportColumn("n"),), ((Cell("4111111111111111", "n", "4111111111111111"),),)),
    )
    assert "4111111111111111" in render_html(figures)


def test_a_text_is_redacted_before_it_is_cut():
    assert clean(f"word {ADDRESS}", 12) == "word [email]"
    assert "ann" not in clean("x" * 150 + f" {ADDRESS}", 156)
    assert "ann" not in clean("a\u200bnn@\u202eexample.com", 100).replace("\u200b", "")


def test_plain_data_is_redacted_in_names_and_texts():
    data = {ADDRESS: [ADDRESS, 1, None, {"a": (ADDRESS,)}]}
    assert guard.tree(data) == {"[email]": ["[email]", 1, None, {"a": ["[email]"]}]}


def test_the_settings_of_the_lake_at_work_decide_and_the_outermost_guard_counts():
    with guard.guarding(is_on=False):
        assert guard.text(ADDRESS) == ADDRESS
        with guard.guarding(is_on=True) as inner:
            assert guard.text(ADDRESS) == "[email]"
            with guard.guarding(is_on=True) as same:
                guard.text("bob@example.com")
            assert same is inner
        assert inner.counts == {"email": 2}
        assert guard.text(ADDRESS) == ADDRESS
    assert guard.text(ADDRESS) == "[email]"


@pytest.mark.parametrize("is_on", [True, False])
def test_another_thread_is_guarded_whatever_this_one_does(is_on):
    seen = []
    with guard.guarding(is_on=is_on):
        thread = threading.Thread(target=lambda: seen.append(guard.text(ADDRESS)))
        thread.start()
        thread.join()
    assert seen == ["[email]"]
