"""Columns of reports: each has a label and a format by the declaration of its table, and its cells are the gold values in that format."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import get_type_hints

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.errors import UsageError
from kaizenlake.publish.formats import FORMATS, NOTHING
from kaizenlake.report.engine.columns import Shown, format_of, label_of, show, show_interval, show_text
from kaizenlake.report.engine.rows import TableRow, listing
from kaizenlake.report.kaizen.kaizen_data import build
from kaizenlake.report.kaizen.sections import build_document
from kaizenlake.tables import CrlTrends, Patterns, Policies, Table, WinRates
from kaizenlake.tables.base import column
from kaizenlake.tables.base import table as table_of
from kaizenlake.tables.policy_rows import PolicyVersion
from publish.learning_documents import frames
from publish.learning_documents import made as documents_of
from publish.learning_frames import CANARY
from publish.report_frames import AS_OF, full, scan_of

MADE = {
    *(("gold.canary_looks", name) for name in ("policy_version", "look", "deployment_id")),
    *(("gold.win_rates", "kind"), ("gold.source_freshness", "stale"), ("gold.policies", "content_sha256")),
}
"""Columns that are told in words of the report, under their own label."""

BY_NAME = {tables.full_name(table): table for table in tables.TABLES}


@pytest.fixture(scope="module")
def grids():
    """Every grid of the Kaizen report, of a canary and of the audit."""
    laid_out = [build_document(build(scan_of(full()), as_of=AS_OF)), *documents_of(frames(), CANARY).values()]
    return [
        block for found in laid_out for section in found.sections for block in section.blocks if block.type == "grid"
    ]


@pytest.mark.parametrize("table", tables.TABLES, ids=tables.full_name)
def test_every_column_of_every_table_has_a_label_and_a_format(table):
    for name in tables.columns(table):
        assert label_of(table, name)[0].isupper() or tables.columns(table)[name].label
        assert format_of(table, name) in FORMATS, name


def test_a_cell_of_one_column_is_the_value_of_the_table_in_its_format(grids):
    checked = 0
    for grid in grids:
        table = BY_NAME.get(grid.source)
        for row in grid.rows:
            for part, cell in zip(grid.columns, row, strict=True):
                if table is None or part.label != label_of_cell(table, cell):
                    continue
                assert cell.text == FORMATS[format_of(table, cell.names)](value_of(table, cell)), (grid.id, cell)
                checked += 1
    assert checked > 600


def label_of_cell(table, cell):
    """The label that the table declares for the column behind a cell; None where there is not just one."""
    return (
        label_of(table, cell.names)
        if cell.names in tables.columns(table) and (tables.full_name(table), cell.names) not in MADE
        else None
    )


def value_of(table, cell):
    """The value behind a cell, of the type that its column has."""
    value, dtype = json.loads(cell.value), tables.schema(table)[cell.names]
    if value is not None and dtype == pl.Date:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if value is not None and dtype.base_type() is pl.Datetime else value


def test_every_grid_is_headed_and_set_by_kinds_that_the_page_knows(grids):
    assert len(grids) > 20
    for grid in grids:
        assert all(column.label for column in grid.columns), grid.id
        assert {column.kind for column in grid.columns} <= {"text", "number", "verdict"}


@pytest.mark.parametrize(
    ("table", "name", "label", "written"),
    [
        (Patterns, "contents", "Posts", "count"),
        (Patterns, "rate_with", "Rate with", "small_rate"),
        (WinRates, "age_days", "Age", "age"),
        (WinRates, "win_rate", "Win rate", "rate"),
        (CrlTrends, "alert", "Alarm", "yes_or_no"),
        (CrlTrends, "event_date", "Event date", "date"),
        (Policies, "created_at", "Created at", "instant"),
    ],
)
def test_label_and_format_are_declared_or_follow_from_name_unit_and_type(table, name, label, written):
    assert (label_of(table, name), format_of(table, name)) == (label, written)


ROW = TableRow(lift=0.25, lift_ci_low=0.1, lift_ci_high=None, verdict="works", contents=12345)


@pytest.mark.parametrize(
    ("column", "text", "names", "heading", "kind"),
    [
        (Shown(("contents",)), "12,345", "contents", "Posts", "number"),
        (show("contents", "Seen"), "12,345", "contents", "Seen", "number"),
        (show("lift", format="points"), "+25.00 pp", "lift", "Lift", "number"),
        (
            show_interval("lift_ci_low", "lift_ci_low"),
            "+10.0% to +10.0%",
            "lift_ci_low lift_ci_low",
            "Interval",
            "number",
        ),
        (show_interval("lift_ci_low", "lift_ci_high"), NOTHING, "lift_ci_low lift_ci_high", "Interval", "number"),
        (show_text("Both", lambda row: f"{row.verdict}!", "verdict", "lift"), "works!", "verdict lift", "Both", "text"),
        (Shown(("verdict",)), "works", "verdict", "Verdict", "verdict"),
    ],
)
def test_what_differs_from_a_declaration_is_said_by_an_object(column, text, names, heading, kind):
    cell = column.cell(ROW, Patterns)
    assert (cell.text, cell.names) == (text, names)
    assert (column.heading(Patterns), column.kind(Patterns)) == (heading, kind)


def test_a_format_that_there_is_not_is_named_with_its_column():
    @table_of(layer="gold", grain=("day",))
    class Odd(Table):
        """One day."""

        day: pl.Date = column("The day.", format="weekday")

    with pytest.raises(UsageError, match=r"There is no format 'weekday'"):
        format_of(Odd, "day")


def test_a_listing_holds_the_first_rows_with_every_column_and_counts_them_all():
    frame = pl.LazyFrame({"a": [3, 1, None, 2], "b": list("xyzw")})
    found = listing(frame, by={"a": True}, rows=3)
    assert found.rows == (TableRow(a=3, b="x"), TableRow(a=2, b="w"), TableRow(a=1, b="y"))
    assert found.total == 4


def python_type(dtype):
    """What a value of a column is in Python."""
    kinds = {pl.String: str, pl.Boolean: bool, pl.Datetime: datetime}
    return int if dtype.is_integer() else kinds[dtype.base_type()]


def test_a_version_has_every_column_of_the_table_of_policies_in_its_type():
    schema, declared, hints = tables.schema(Policies), tables.columns(Policies), get_type_hints(PolicyVersion)
    assert set(hints) == set(schema)
    for name, hint in hints.items():
        held = python_type(schema[name])
        assert hint == (held | None if declared[name].nullable else held), name
