"""The installed wheel runs the demo in an empty folder: samples, mappings, templates and schemas travel with it."""

from __future__ import annotations

import os
import shutil
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


LIGHT = """
import sys
from kaizenlake.context import load, load_scorer, route

published = sys.argv[1]
print(load(published).reason, load_scorer(published).rank(["Why we bake at night", "Our bread"]).order)
print(route("planner", "user_7", published).reason)
import kaizenlake
kaizenlake.log_lead_created("lead-17", source="website")
kaizenlake.close()
names = {name.partition(".")[0] for name, module in sys.modules.items() if getattr(module, "__file__", None)}
print(sorted(names - sys.stdlib_module_names - {"__main__"}))
"""


def test_a_service_takes_it_alone_and_logs_with_msgspec_beside_it(wheel, demo, tmp_path):
    import msgspec

    from kaizenlake.lake.store import Lake

    bare, beside = tmp_path / "bare", tmp_path / "beside"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    python = bare / "bin" / "python"
    install = ["install", "--quiet", "--no-deps", "--no-index", "--no-compile", wheel]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, *install], check=True)
    shutil.copytree(Path(msgspec.__file__).parent, beside / "msgspec")
    lake = Lake.create(tmp_path / "lake")
    environment = {"PYTHONPATH": str(beside), "KAIZEN_LAKE": str(lake.root), "HOME": str(tmp_path)}
    done = subprocess.run(
        [python, "-c", LIGHT, demo[1] / "lake" / "published"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read, routed, modules = done.stdout.splitlines()
    assert read.startswith("fresh [")
    assert "error" not in routed
    assert modules == "['kaizenlake', 'msgspec']"
    assert [path.suffix for path in lake.path("landing").iterdir()] == [".ndjson"]
