"""The command line, run as a process: what it prints, where, and its exit code."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tomllib

import polars as pl
import pytest

from cli.running import KAIZEN, environment, kaizen
from kaizenlake import tables
from kaizenlake.cli.app import app
from kaizenlake.errors import exit_codes
from kaizenlake.lake import lock
from kaizenlake.samples import samples

COMMANDS = {
    "feedback",
    "demo",
    "init",
    "map",
    "land",
    "nightly",
    "report",
    "rebuild",
    "show",
    "sql",
    "tables",
    "events",
    "graph",
    "context",
    "explain",
    "quarantine",
    "verify",
    "keys",
    "migrate",
    "maintain",
    "forget",
    "diff",
    "restore",
    "doctor",
    "readiness",
    "schedule",
    "policy",
    "canary",
    "golden",
    "skill",
    "brand",
    "task",
    "errors",
    "dataset",
    "metrics",
    "model",
    "open",
    "train",
}


@pytest.fixture(scope="module")
def place(demo_lake):
    """Folder that holds `lake` and `reports` of the demo."""
    return demo_lake.path().parent


def test_help_names_every_command_and_every_exit_code():
    told = kaizen("--help").stdout
    for command in sorted(COMMANDS):
        assert re.search(rf"^│ {command} ", told, re.MULTILINE), command
    for code, meaning in exit_codes().items():
        assert f"{code}  {meaning[:40]}" in told


def test_every_command_has_an_example():
    groups = {group.name: group.typer_instance for group in app.registered_groups}
    assert {command.name for command in app.registered_commands} | set(groups) == COMMANDS
    for command in app.registered_commands:
        assert (command.epilog or "").startswith(f"Example: kaizen {command.name}"), command.name
    for name, group in groups.items():
        for command in group.registered_commands:
            assert (command.epilog or "").startswith(f"Example: kaizen {name} {command.name}"), command.name


def test_show_json_is_an_array_of_rows_and_nothing_else(place, demo_lake):
    done = kaizen("show", "performance_tiers", "--format", "json", cwd=place)
    rows = json.loads(done.stdout)
    assert done.stderr == ""
    frame = demo_lake.scan(tables.PerformanceTiers).collect()
    assert len(rows) == frame.height
    assert list(rows[0]) == frame.columns
    assert [row["impressions"] for row in rows] == frame["impressions"].to_list()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", rows[0]["occurred_at"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", rows[0]["performed_on"])


def test_show_json_of_an_empty_or_unwritten_table_is_an_empty_array(place, tmp_path):
    assert json.loads(kaizen("show", "core", "--format", "json", cwd=place).stdout) == []
    kaizen("init", cwd=tmp_path)
    done = kaizen("show", "win_rates", "--format", "json", cwd=tmp_path)
    assert json.loads(done.stdout) == []
    assert "has not been written yet" in done.stderr


def test_show_csv_and_parquet_hold_the_same_rows(place, demo_lake, tmp_path):
    frame = demo_lake.scan(tables.SourceFreshness).collect()
    told = kaizen("show", "source_freshness", "--format", "csv", cwd=place).stdout
    assert pl.read_csv(io.StringIO(told))["events"].to_list() == frame["events"].to_list()
    kaizen("show", "gold.source_freshness", "--format", "parquet", "--out", tmp_path / "rows.parquet", cwd=place)
    assert pl.read_parquet(tmp_path / "rows.parquet").equals(frame)
    piped = subprocess.run(
        [*KAIZEN, "show", "source_freshness", "-f", "parquet"],
        cwd=place,
        env=environment(),
        capture_output=True,
        check=True,
    )
    assert pl.read_parquet(io.BytesIO(piped.stdout)).equals(frame)


def test_show_table_says_how_many_rows_are_left(place):
    done = kaizen("show", "contents", "--limit", "5", cwd=place)
    assert len(done.stdout.splitlines()) == 6
    done = kaizen("show", "contents", cwd=place)
    assert len(done.stdout.splitlines()) == 21
    assert "more rows" in done.stderr


def test_show_a_table_that_does_not_exist_names_the_likely_one(place):
    done = kaizen("show", "win_rate", cwd=place, code=1)
    assert done.stderr.startswith("error [table_not_found]: There is no table 'win_rate'.")
    assert "win_rates" in done.stderr
    assert "Traceback" not in done.stderr
    done = kaizen("show", "xyzzy", cwd=place, code=1)
    assert "`kaizen tables` lists all." in done.stderr
    assert "Did you mean" not in done.stderr


def test_a_reader_that_leaves_is_no_error(place):
    told = subprocess.run(
        f"{KAIZEN[0]} -c '{KAIZEN[2]}' show performance_tiers --format csv | head -1",
        shell=True,
        cwd=place,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stdout.startswith("tenant_id,project_id,")
    assert told.stderr == ""


def test_without_a_terminal_there_is_no_colour_and_no_progress(place):
    for words in (("tables",), ("doctor",), ("nightly", "--as-of", "2020-01-01", "--plan")):
        done = kaizen(*words, cwd=place, FORCE_COLOR="")
        assert "\x1b" not in done.stdout + done.stderr, words
        assert done.stderr == ""


def test_tables_describe_every_column(place):
    described = json.loads(kaizen("tables", "win_rates", "--json", cwd=place).stdout)
    assert [column["column"] for column in described["columns"]] == tables.schema(tables.WinRates).names()
    assert all(column["meaning"] for column in described["columns"])
    listed = json.loads(kaizen("tables", "--json", cwd=place).stdout)
    assert [row["table"] for row in listed] == [tables.name(table) for table in tables.TABLES]


def test_graph_draws_every_edge():
    jobs = json.loads(kaizen("graph", "--format", "json").stdout)
    edges = {(read, job["writes"]) for job in jobs for read in job["reads"]}
    drawn = kaizen("graph", "--format", "mermaid").stdout
    assert {tuple(line.strip().split(" --> ")) for line in drawn.splitlines()[1:]} == edges
    assert kaizen("graph", "--format", "dot").stdout.count("->") == len(edges)
    assert "performance_tiers" in kaizen("graph").stdout


def test_context_and_explain_print_what_is_published(place):
    told = json.loads(kaizen("context", cwd=place).stdout)
    assert told["scope"]["kind"] == "everything"
    assert told["sample_size"] > 1000
    assert "Context of everything" in kaizen("explain", cwd=place).stdout
    done = kaizen("context", "--project", "no_such", cwd=place, code=1)
    assert done.stderr.startswith("error [publish]: No such context is published")
    kaizen("context", "--project", "a", "--segment", "b", "c", cwd=place, code=2)


def test_verify_says_what_holds_and_finds_a_changed_document(place, demo_lake):
    told = kaizen("verify", cwd=place).stdout
    assert "FAILED" not in told
    for name in ("bronze.events", "gold.contents", "lines in = landed", "publication"):
        assert name in told
    document = next(demo_lake.path("published", "contexts").glob("*.json"))
    whole = document.read_bytes()
    document.write_bytes(whole.replace(b"kaizen-context", b"kaizen-contexT", 1))
    try:
        done = kaizen("verify", cwd=place, code=1)
        assert "FAILED  publication [verification]" in done.stdout
        assert done.stderr == "error [verification]: 1 check failed.\n"
    finally:
        document.write_bytes(whole)


def test_doctor_says_where_each_setting_comes_from(tmp_path):
    kaizen("init", cwd=tmp_path)
    (tmp_path / "lake" / "kaizen.toml").write_text("[tiers]\ngood = 0.06\n")
    told = json.loads(kaizen("doctor", "--json", cwd=tmp_path, KAIZEN_TIERS__AVERAGE="0.03").stdout)
    settings = {item["setting"]: item for item in told["settings"]}
    assert (settings["tiers.good"]["value"], settings["tiers.good"]["from"]) == (0.06, "file")
    assert (settings["tiers.average"]["value"], settings["tiers.average"]["from"]) == (0.03, "environment")
    assert (settings["tiers.excellent"]["value"], settings["tiers.excellent"]["from"]) == (0.1, "default")
    assert told["lake"]["lock"] is None
    with lock.hold(tmp_path / "lake", "kaizen nightly"):
        told = json.loads(kaizen("doctor", "--json", cwd=tmp_path).stdout)
        assert "kaizen nightly" in told["lake"]["lock"]


def test_doctor_helps_where_there_is_no_lake(tmp_path):
    assert "kaizen init" in kaizen("doctor", cwd=tmp_path).stdout
    assert not list(tmp_path.iterdir())


def test_init_explains_every_setting_and_keeps_what_is_there(tmp_path):
    told = kaizen("init", "--lake", tmp_path / "new", cwd=tmp_path).stdout
    assert "Next:" in told
    file = tmp_path / "new" / "kaizen.toml"
    uncommented = re.sub(r"^# (\w+ = )", r"\1", file.read_text(), flags=re.MULTILINE)
    assert tomllib.loads(uncommented)["tiers"] == {"excellent": 0.1, "good": 0.05, "average": 0.02}
    file.write_text("[tiers]\ngood = 0.07\n")
    kaizen("init", "--lake", tmp_path / "new", cwd=tmp_path)
    assert "0.07" in file.read_text()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nightly",), 1, "error [lake]: There is no lake here. (./lake) `kaizen demo` makes one"),
        (("show", "events"), 1, "error [lake]: There is no lake here."),
        (("nightly", "--as-of", "yesterday"), 2, "error [usage]: --as-of takes a date"),
        (("nightly", "--as-of", "2026-01-01T10:00:00"), 2, "error [usage]: --as-of takes a date"),
        (("show",), 2, "Missing argument"),
        (("nothing",), 2, "No such command"),
        (("show", "events", "--format", "xml"), 2, "xml"),
    ],
)
def test_a_users_mistake_is_words_and_an_exit_code(tmp_path, words, code, said):
    done = kaizen(*words, cwd=tmp_path, code=code)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_wrong_setting_is_named(tmp_path):
    kaizen("init", cwd=tmp_path)
    (tmp_path / "lake" / "kaizen.toml").write_text("[tiers]\ngood = 7\n")
    done = kaizen("nightly", cwd=tmp_path, code=2)
    assert done.stderr.startswith("error [settings]: Setting 'tiers.good'")


def test_our_own_mistake_shows_its_traceback():
    code = "import kaizenlake.cli.commands.tables as l; l.find_table = lambda *n: 1/0; from kaizenlake.cli import main; main()"
    done = subprocess.run(
        [KAIZEN[0], "-c", code, "show", "events"], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    assert "ZeroDivisionError" in done.stderr
    assert "This is a mistake of kaizen, not yours" in done.stderr


def test_another_place_is_named_by_option_or_variable(place, tmp_path):
    told = kaizen("show", "source_freshness", "-f", "json", "--lake", place / "lake", cwd=tmp_path).stdout
    assert (
        kaizen("show", "source_freshness", "-f", "json", cwd=tmp_path, KAIZEN_LAKE=str(place / "lake")).stdout == told
    )
    assert len(json.loads(told)) == len(samples())
