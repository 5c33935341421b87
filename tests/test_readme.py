"""What the README tells a newcomer to type works, in the order it is told."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from kaizenlake.context import FRESH, load
from kaizenlake.errors import exit_codes
from kaizenlake.lake.store import Lake
from kaizenlake.tables import SkillCards

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
SETTING_UP = ("pip install", "python tests/benchmarks")


@pytest.fixture(scope="module")
def folder(demo_lake, tmp_path_factory):
    """A folder with the demo lake."""
    folder = tmp_path_factory.mktemp("newcomer")
    shutil.copytree(demo_lake.root, folder / "lake")
    return folder


@pytest.fixture(scope="module")
def environment():
    scripts = sysconfig.get_path("scripts")
    return {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "PYTHONWARNINGS": "error"}


def test_quick_start_is_two_commands():
    commands = [line for kind, text in BLOCKS[:3] if kind == "sh" for line in text.splitlines()]
    assert commands == ["pip install -e . && kaizen demo", "pip install -e '.[test]' && pytest"]


@pytest.mark.slow
def test_blocks_run_in_order(folder, environment):
    ran = 0
    for kind, text in BLOCKS:
        if kind == "sh" and not text.startswith(SETTING_UP):
            commands = [["bash", "-euo", "pipefail", "-c", text]]
        elif kind == "python":
            commands = [[sys.executable, "-c", text]]
        else:
            continue
        for command in commands:
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            assert kind == "sh" or "print(" not in text or done.stdout.strip() not in {"", "[]", "{}"}, text
            ran += 1
    assert ran >= 6
    # What the newcomer reads after these steps says something: no card of no run, no context of nothing.
    night = subprocess.run(
        ["kaizen", "nightly"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert night.returncode == 0, night.stderr
    loaded = load(folder / "lake" / "published")
    assert loaded.reason == FRESH
    assert loaded.context["past_winners"]
    assert loaded.context["risky_patterns"]
    assert loaded.context["pack_success_rates"]
    assert {field for field, is_usable in loaded.context["usable"].items() if not is_usable} <= set(
        loaded.context["why_empty"]
    )
    cards = Lake(folder / "lake").scan(SkillCards).collect()
    assert set(cards["doer"]) >= {"aider", "filesystem_agent"}
    assert cards["runs"].min() > 0


def test_exit_codes_are_those_of_the_command_line():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+) \|$", text, re.MULTILINE)
    told = {int(code): meaning.replace("`", "") for code, meaning in rows}
    assert told == {code: meaning for code, meaning in exit_codes().items() if code < 128}


def test_relative_links_lead_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?://|#)([^)]+)\)", text)
    assert links
    assert [link for link in links if not (ROOT / link.split("#")[0]).exists()] == []
