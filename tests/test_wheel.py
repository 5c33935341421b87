"""The installed wheel runs the demo in an empty folder: samples, mappings, templates and schemas travel with it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
        text=True,
    )
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_it_runs_the_demo_in_an_empty_folder(wheel, tmp_path):
    installed = tmp_path / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(installed)
    empty = tmp_path / "empty"
    empty.mkdir()
    # The unpacked wheel comes first on the path, so the checkout beside it is not what runs.
    environment = os.environ | {"PYTHONPATH": str(installed)}
    program = "import sys, kaizenlake; from kaizenlake.cli import main; print(kaizenlake.__file__); sys.argv[1:] = ['demo']; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=empty, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(installed))
    assert sorted(path.name for path in empty.iterdir()) == ["lake", "reports"]
    assert {path.name for path in empty.glob("reports/*/*.*")} > {
        "kaizen.html",
        "kaizen.json",
        "kaizen.pdf",
        "skills.html",
    }
    assert "  3. " in done.stdout


def test_it_holds_the_licence_and_the_types(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert "kaizenlake/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "License-Expression: Apache-2.0" in metadata
    assert [name for name in names if name.startswith(("tests", "lake", "reports"))] == []
