"""Amounts of reports are shown in the currency of the lake; the figures behind them stay US dollars."""

from __future__ import annotations

from datetime import date

import pytest

from kaizenlake.lake.mapping.money import Exchange
from kaizenlake.report.engine.blocks import Grid, Paragraph, ReportDocument, Section, build_grid
from kaizenlake.report.engine.currency import show_in_currency
from kaizenlake.report.engine.render import DOLLARS, ReportPlace, fit, render_html
from kaizenlake.report.engine.rows import Listing, TableRow
from kaizenlake.tables import ExperimentSuccess

ROWS = (
    TableRow(experiment_type="prompt", experiments=4, cost_per_success_usd=12.5),
    TableRow(experiment_type="model", experiments=1, cost_per_success_usd=None),
)
RATES = {"EUR": ([date(2026, 1, 1), date(2026, 7, 1)], [1.0, 1.25])}


def report(*names: str) -> ReportDocument:
    grid = build_grid("costs", "Costs", ExperimentSuccess, Listing(ROWS, 5), names)
    told = Section("costs", "Costs", "", (Paragraph("A sentence."), grid))
    return ReportDocument("Report", "", "1 August 2026", "2026-08-01T00:00:00+00:00", "", "", (), (told,))


def shown(exchange: Exchange, *names: str) -> tuple[list[str], list[list[str]], str]:
    grid = show_in_currency(report(*names), exchange).sections[0].blocks[1]
    assert isinstance(grid, Grid)
    return [column.label for column in grid.columns], [[cell.text for cell in row] for row in grid.rows], grid.note


NAMES = ("experiment_type", "experiments", "cost_per_success_usd")


def test_amounts_are_shown_at_the_rate_of_the_day_and_the_table_says_so():
    heads, rows, note = shown(Exchange("EUR", RATES), *NAMES)
    assert (heads[2], rows) == ("EUR for each", [["prompt", "4", "10"], ["model", "1", "–"]])
    assert note.endswith("Amounts are in EUR, at 1.25 US dollars for one.")
    grid = show_in_currency(report(*NAMES), Exchange("EUR", RATES)).sections[0].blocks[1]
    assert isinstance(grid, Grid)
    assert (grid.rows[0][2].names, grid.rows[0][2].value) == ("cost_per_success_usd", "12.5")


@pytest.mark.parametrize("exchange", [Exchange("CHF", RATES), Exchange("EUR", {"EUR": ([date(2027, 1, 1)], [2.0])})])
def test_without_a_rate_amounts_stay_dollars_and_the_table_says_so(exchange):
    heads, rows, note = shown(exchange, *NAMES)
    assert (heads[2], rows[0][2]) == ("USD for each", "12.5")
    assert note.endswith(f"Amounts are in US dollars: there is no rate of {exchange.currency}.")


def test_dollars_and_tables_without_amounts_stay_as_they_are():
    assert show_in_currency(report(*NAMES), DOLLARS) == report(*NAMES)
    assert show_in_currency(report(*NAMES[:2]), Exchange("EUR", RATES)) == report(*NAMES[:2])


def test_a_report_in_its_place_is_in_the_currency_of_the_lake(tmp_path):
    page = render_html(fit(report(*NAMES), ReportPlace(tmp_path, exchange=Exchange("EUR", RATES))))
    assert "EUR for each" in page
    assert "USD for each" in render_html(fit(report(*NAMES), tmp_path))
