"""SQL over the tables of a lake, and the tables as a notebook shows them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from kaizenlake.cli.app import app
from kaizenlake.errors import TableNotFoundError, UsageError
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.query import query
from kaizenlake.lake.store import Lake
from lake.landed import lead, ndjson, put

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("query")
    lake = Lake.create(folder / "lake")
    events = [lead("e1"), lead("e2", "<script>alert(1)</script>"), *(lead(f"e{place}") for place in range(3, 15))]
    land(lake, put(folder / "a.ndjson", ndjson(*events)), now=NOW)
    return lake


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("select count(*) as n from events", [(14,)]),
        ("SELECT e.event_id FROM bronze.events AS e WHERE e.event_id = 'e1';", [("e1",)]),
        ("with few as (select * from events limit 3) select count(*) as n from few", [(3,)]),
        ("select sum(landed) as n from landings", [(14,)]),
        ("select count(*) as n from win_rates", [(0,)]),
        ("select 'a; drop read_csv' as told", [("a; drop read_csv",)]),
    ],
)
def test_a_statement_reads_tables_by_their_names(lake, engine, statement, rows):
    assert query(lake, statement, engine=engine).rows() == rows


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("", "SQL here reads"),
        ("drop table events", "found 'drop'"),
        ("insert into events values (1)", "found 'insert'"),
        ("select 1; drop table events", "one statement"),
        ("copy events to 'x.csv'", "found 'copy'"),
        ("select * from read_csv('/etc/passwd')", "no files: read_csv"),
    ],
)
def test_what_writes_or_reads_files_is_refused(lake, engine, statement, why):
    with pytest.raises(UsageError, match=why):
        query(lake, statement, engine=engine)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("select * from win_rate", "There is no table 'win_rate'.*win_rates"),
        ("select nope from events", "nope"),
        ("select (1 from events", "cannot be done"),
    ],
)
def test_what_is_wrong_is_told(lake, statement, why):
    with pytest.raises(UsageError, match=why):
        query(lake, statement)


def test_duckdb_reads_no_files(lake, tmp_path):
    put(tmp_path / "x.csv", b"a\n1\n")
    with pytest.raises(UsageError, match="DuckDB cannot do it"):
        query(lake, f"select * from '{tmp_path}/x.csv'", engine="duckdb")


def test_a_tenant_sees_its_rows(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    land(lake, put(tmp_path / "a.ndjson", ndjson(lead("e1", tenant_id="a"), lead("e2", tenant_id="b"))), now=NOW)
    assert query(lake.of("a", is_walled=True), "select event_id from events").rows() == [("e1",)]


def test_the_command_gives_rows(lake):
    done = CliRunner().invoke(app, ["sql", "select count(*) as n from events", "--lake", str(lake.root), "-f", "csv"])
    assert (done.exit_code, done.stdout.split()) == (0, ["n", "14"])


def test_a_notebook_completes_tables_and_shows_them_escaped(lake):
    tables = lake.tables()
    assert {"win_rates", "events", "quarantine"} <= set(dir(tables))
    assert len(tables) == len(list(tables)) == len(dir(tables))
    assert tables.events.rows == tables["bronze.events"].read().height == 14
    shown = tables.events._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "and 4 more rows" in shown
    assert "<b>gold.win_rates</b>" in tables.win_rates._repr_html_()
    assert "bronze.events" in tables._repr_html_()
    assert "win_rates" in repr(tables)
    with pytest.raises(AttributeError, match="win_rates"):
        _ = tables.win_rate
    with pytest.raises(TableNotFoundError, match=r"There is no table 'gold\.events'"):
        _ = tables["gold.events"]
