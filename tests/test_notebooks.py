"""The notebooks run from top to bottom on the demo lake, and are committed without outputs."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert [path.name for path in NOTEBOOKS] == [
        "01_learning_loop.ipynb",
        "02_canary.ipynb",
        "03_agency_week.ipynb",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_without_outputs(path):
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.id for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


def run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[str]]:
    """What a notebook prints and shows as text, and its charts as SVG."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    (path,) = (path for path in NOTEBOOKS if path.name == name)
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output for output in outputs if output.output_type == "error"] == []
    said = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs]
    return "\n".join(said), [
        output.data["image/svg+xml"] for output in outputs if "image/svg+xml" in output.get("data", {})
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_learning_loop(demo_lake, monkeypatch, tmp_path):
    monkeypatch.setenv("KAIZEN_LAKE", str(demo_lake.root))
    said, charts = run("01_learning_loop.ipynb", tmp_path, monkeypatch)
    assert len(charts) == 2
    assert "hook_type: question" in charts[1]
    assert "Context of everything" in said


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_canary_from_start_to_verdict(monkeypatch, tmp_path):
    said, charts = run("02_canary.ipynb", tmp_path, monkeypatch)
    assert "Gate replay: no replay (`kaizen policy replay" in said
    assert "Gate approval: nobody has approved it" in said
    assert "1.1.0 is active, 1.0.0 is archived" in said
    assert "1.1.0 against 1.0.0" in charts[0]
    # Canaries in which nothing differs, decided within thirty nights.
    shares = {name: float(share) for name, share in re.findall(r"│ ([\w -]+?) +┆ (0\.\d+) +│", said)}
    assert shares["Welch every night"] > 0.22
    assert shares["alpha spending"] < 0.065
    assert shares["always-valid"] < 0.05


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_from_a_bad_week_to_an_approved_plan(agency_lake, monkeypatch, tmp_path):
    monkeypatch.setenv("KAIZEN_AGENCY_LAKE", str(agency_lake.root))
    said, charts = run("03_agency_week.ipynb", tmp_path, monkeypatch)
    assert re.findall(r"│ (\w+) +┆ (\w+) +┆ 0\.\d+ ┆ 0\.\d+ +┆ -0\.\d+", said) == [
        ("aurora", "email"),
        ("aurora", "instagram"),
        ("lumen", "website"),
    ]
    assert "nobody approved it" in said
    assert (
        "Monday 23 November, 08:00 rewrite_email_sequence HIGH\nTuesday 24 November, 08:00 create_social_variants MEDIUM"
        in said
    )
    assert "COMPLETED_PREVIEW | section: email_and_crm_flows | rules that it breaks: []" in said
    assert "project-aurora_autumn.pdf" in said
    assert "[]\n" in said.partition("project-aurora_autumn.pdf")[2]
    assert "aurora" in charts[0]
