"""What `@table` and `column` make of a plain class, and which words they refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.cli.commands import tables as commands
from kaizenlake.errors import UsageError
from kaizenlake.tables.base import Instant, Table, Words, build_class, column, count, rate, table, tenant


class OfAShelf(Table):
    tenant_id: str = tenant()
    shelf: str = column("Shelf.")


class Seen(Table):
    seen_at: Instant = column("When it was looked at.")


@table(layer="gold", grain=("tenant_id", "shelf", "day"), partition="day")
class ShelfVisits(Seen, OfAShelf):
    """One shelf on one day.

    More of it.
    """

    day: pl.Date = column("Day.")
    visits: int = count("Visits.", label="Visits a day")
    sold_rate: float = rate("Share of visits that sold.", nullable=True, format="rate")
    words: Words = column("Words.")


def test_a_class_and_its_mixins_make_a_table_whose_last_base_comes_first():
    assert tables.full_name(ShelfVisits) == "gold.shelf_visits"
    assert (tables.grain(ShelfVisits), tables.partition(ShelfVisits)) == (("tenant_id", "shelf", "day"), "day")
    assert tables.meaning(ShelfVisits) == "One shelf on one day."
    assert dict(tables.schema(ShelfVisits)) == {
        "tenant_id": pl.String,
        "shelf": pl.String,
        "seen_at": pl.Datetime("us", "UTC"),
        "day": pl.Date,
        "visits": pl.Int64,
        "sold_rate": pl.Float64,
        "words": pl.List(pl.String),
    }
    columns = ShelfVisits.to_schema().columns
    assert list(columns) == tables.schema(ShelfVisits).names()
    assert (columns["visits"].title, columns["sold_rate"].nullable) == ("Visits a day", True)


def test_labels_and_formats_stand_in_the_dictionary_of_a_table_that_has_some(monkeypatch, capsys):
    declared = SimpleNamespace(tables=(ShelfVisits, tables.Projects))
    monkeypatch.setattr(commands, "find_declared", lambda lake: declared)
    commands.tables_("shelf_visits")
    assert "Visits a day" in capsys.readouterr().out
    commands.tables_("shelf_visits", as_json=True)
    said = {row["column"]: row for row in json.loads(capsys.readouterr().out)["columns"]}
    assert (said["visits"]["label"], said["sold_rate"]["format"]) == ("Visits a day", "rate")
    assert said["sold_rate"]["rule"] == "greater than or equal to 0; less than or equal to 1"
    commands.tables_("projects")
    assert "label" not in capsys.readouterr().out.splitlines()[2]


def build(name="Odd", layer="gold", grain=("day",), partition=None, **columns):
    made = build_class(name, "One day.", {"day": (pl.Date, column("Day."))} | columns, module=__name__)
    return table(layer=layer, grain=grain, partition=partition)(made)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"grain": ("night",)}, "'night' names rows or partitions and is no column"),
        ({"partition": "week"}, "'week' names rows"),
        ({"layer": "copper"}, "not 'copper'"),
        ({"size": ("Huge", column("Size."))}, "no type of Polars: .*Huge"),
        ({"size": (str, "a text")}, "size is annotated and not declared by"),
    ],
)
def test_a_wrong_declaration_says_what_is_wrong_and_where(wrong, words):
    with pytest.raises(UsageError, match=words) as caught:
        tables.check(made := build(**wrong), tables.empty(made).collect())
    assert "test_table_declarations.Odd" in str(caught.value.where)


def test_a_class_that_nothing_declares_is_no_table():
    with pytest.raises(UsageError, match="is no table"):
        tables.full_name(OfAShelf)


def test_declarations_load_no_pandera_and_a_check_does():
    code = """
import sys
from kaizenlake import tables
for table in tables.TABLES:
    tables.schema(table), tables.columns(table), tables.full_name(table)
heavy = {"pandera", "pandas", "pyarrow", "scipy"}
before = heavy & set(sys.modules)
tables.check(tables.Projects, tables.empty(tables.Projects).collect())
print(sorted(before), "pandera" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[] True"
