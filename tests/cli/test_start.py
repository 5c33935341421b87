"""What a command loads before it does its work, and that the quick way to a context prints what the command line prints."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from cli.running import environment
from kaizenlake.cli.app import app
from kaizenlake.cli.commands import contexts
from kaizenlake.cli.quick import VALUES, print_context
from kaizenlake.tables import Projects

HEAVY = {
    *("cryptography", "deltalake", "jinja2", "msgspec", "numpy", "pandas", "pandera", "polars", "pyarrow", "pydantic"),
    *("rich", "scipy", "statsmodels", "typer", "typst"),
}
RUN = "from kaizenlake.cli import main; sys.argv = ['kaizen', *{words}]; main()"
LOADED = {
    "import kaizenlake": set(),
    "import kaizenlake; kaizenlake.log_event": {"msgspec"},
    RUN.format(words=["context"]): set(),
    RUN.format(words=["--help"]): {"pydantic", "rich", "typer"},
    RUN.format(words=["show", "projects", "--limit", "1"]): {
        *("cryptography", "deltalake", "msgspec", "numpy", "polars", "pyarrow", "pydantic", "typer"),
    },
    # What a night loads that finds nothing to do.
    "import kaizenlake.night.run": HEAVY - {"pandas", "pandera", "rich", "scipy", "statsmodels", "typer"},
}


@pytest.mark.parametrize("code", LOADED, ids=lambda code: code.rpartition("[")[2].partition("]")[0].strip("'"))
def test_nothing_is_loaded_that_is_not_needed(code, demo_lake):
    told = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
    done = subprocess.run(
        [sys.executable, "-c", told + code],
        env=environment(KAIZEN_LAKE=str(demo_lake.root)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert HEAVY & set(done.stderr.split()) <= LOADED[code]


@pytest.fixture(scope="module")
def project(demo_lake):
    return demo_lake.scan(Projects).sort("events").collect()["project_id"].drop_nulls()[-1]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--project", "PROJECT"),
        ("-p", "PROJECT", "--tenant", ""),
        ("--project", "other", "--project", "PROJECT"),
    ],
    ids=" ".join,
)
def test_the_quick_way_prints_what_the_command_line_prints(words, project, demo_lake, capsys):
    asked = [project if word == "PROJECT" else word for word in words] + ["--lake", str(demo_lake.root)]
    assert print_context(["context", *asked])
    told = capsys.readouterr().out
    assert told == CliRunner().invoke(app, ["context", *asked]).stdout
    assert json.loads(told)["schema"] == "kaizen-context"


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("explain",),
        ("context", "--help"),
        ("context", "--project"),
        ("context", "--project=a"),
        ("context", "--project", "--tenant"),
        ("context", "--segment", "one"),
        ("context", "--wrong", "a"),
        ("context", "--project", "no_such"),
        ("context", "--project", "a", "--segment", "b", "c"),
    ],
    ids=" ".join,
)
def test_what_is_not_plainly_asked_is_left_to_the_command_line(words, demo_lake, monkeypatch, capsys):
    monkeypatch.setenv("KAIZEN_LAKE", str(demo_lake.root))
    assert not print_context(words)
    assert capsys.readouterr().out == ""


def test_the_quick_way_knows_the_options_of_the_command():
    import typer

    (command,) = (
        command for name, command in typer.main.get_command(app).commands.items() if name == contexts.context.__name__
    )
    known = {name: option.nargs for option in command.params for name in option.opts}
    assert {name: places for name, places in known.items() if name != "--help"} == VALUES
