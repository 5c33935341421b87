"""The examples of the page on where it runs: each can be parsed, and each of its commands and variables is one that there is."""

from __future__ import annotations

import ast
import configparser
import json
import logging
import re
import shlex
from importlib import resources

import pytest
import typer
import yaml

from kaizenlake.cli.app import app
from kaizenlake.cli.shell.logs import JsonLines, begin_json, log_step
from kaizenlake.cli.shell.options import LAKE_VARIABLE
from kaizenlake.errors import exit_codes
from kaizenlake.night.artifact import StepRecord

PAGE = (resources.files("kaizenlake") / "docs" / "guide" / "deploy.md").read_text("utf-8")
VARIABLES = {LAKE_VARIABLE, "KAIZEN_REPORTS", "KAIZEN_LOG"}


def blocks(language):
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found, language
    return found


def check(words):
    """Check that a command takes its words; it is not run."""
    assert words[0].rpartition("/")[2] == "kaizen", words
    command, rest = typer.main.get_command(app), words[1:]
    context = command.make_context("kaizen", list(rest), resilient_parsing=False)
    name, inner, left = command.resolve_command(context, list(rest))
    inner.make_context(name, left, parent=context)


def test_every_variable_and_exit_code_is_one_that_there_is():
    assert set(re.findall(r"\bKAIZEN_\w+", PAGE)) == VARIABLES
    for code in re.findall(r"^\| (\d)", PAGE, re.MULTILINE):
        assert int(code) in {0, *exit_codes()}


def test_crontab():
    (block,) = blocks("crontab")
    lines = [line for line in block.splitlines() if not re.match(r"\w+=", line)]
    assert len(lines) == 2
    for line in lines:
        *times, command = line.split(maxsplit=5)
        assert len(times) == 5
        assert all(re.fullmatch(r"\*|\d+", time) for time in times)
        check(shlex.split(command))


def test_systemd():
    service, timer = (configparser.ConfigParser(interpolation=None) for _ in range(2))
    for parser, block in zip((service, timer), blocks("ini"), strict=True):
        parser.optionxform = str
        parser.read_string(block)
    check(shlex.split(service["Service"]["ExecStart"]))
    assert re.fullmatch(r"\*-\*-\* \d\d:\d\d:\d\d UTC", timer["Timer"]["OnCalendar"])


def test_dockerfile():
    (block,) = blocks("dockerfile")
    told = dict(line.split(maxsplit=1) for line in block.splitlines())
    assert list(told) == ["FROM", "RUN", "USER", "ENV", "VOLUME", "CMD"]
    check(json.loads(told["CMD"]))


def test_python_compiles_and_calls_commands_that_there_are():
    commands = []
    for block in blocks("python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Constant) and str(node.value).startswith("kaizen "):
                commands.append(shlex.split(node.value.replace("{{ data_interval_end.isoformat() }}", "2026-01-02")))
            if isinstance(node, ast.List) and [getattr(item, "value", "") for item in node.elts[:1]] == ["kaizen"]:
                commands.append(ast.literal_eval(node))
    assert len(commands) == 3
    for command in commands:
        check(command)


def test_github_actions():
    (block,) = blocks("yaml")
    steps = yaml.safe_load(block)["jobs"]["nightly"]["steps"]
    runs = [step["run"] for step in steps if step.get("run", "").startswith("kaizen ")]
    assert len(runs) == 2
    for run in runs:
        check(shlex.split(run))


@pytest.fixture
def quiet():
    root = logging.getLogger("kaizenlake")
    before = root.handlers[:], root.level, root.propagate
    yield
    root.handlers[:], root.level, root.propagate = before


def test_logs_are_json_lines(monkeypatch, capsys, quiet):
    monkeypatch.setenv("KAIZEN_LOG", "json")
    begin_json()
    log_step(StepRecord(name="land", status="running"))
    log_step(StepRecord(name="land", status="done", rows_out=3, seconds=0.5))
    logging.getLogger("kaizenlake.x").warning("a\nb %s", "ü")
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["message"] for line in told] == ["land: done", "a\nb ü"]
    assert (told[0]["step"], told[0]["rows"], told[0]["level"]) == ("land", 3, "info")


def test_a_traceback_stays_on_its_line():
    try:
        int("x")
    except ValueError as error:
        record = logging.LogRecord("n", 40, "", 1, "m", (), (ValueError, error, error.__traceback__))
    assert "ValueError: invalid literal" in json.loads(JsonLines().format(record))["traceback"]
