"""`kaizen skill DOER --versions`: what each version of a policy did to the loss."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from jobs.alerts.test_findings import progress, told
from kaizenlake.cli.app import app
from kaizenlake.errors import UsageError
from kaizenlake.lake.store import Lake
from kaizenlake.tables import Findings, LearningProgress
from publish.report_frames import AS_OF


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    lake = Lake.create(tmp_path_factory.mktemp("versions") / "lake")
    rows = progress(("copywriter", 1, 0.217, 0.0), ("copywriter", 2, 0.308, 0.091), ("coder", 1, 0.2, 0.0))
    for table, frame in ((LearningProgress, rows), (Findings, told(learning_progress=rows))):
        lake.write(table, frame.lazy(), days=None, reads={}, as_of=AS_OF, fingerprint="0" * 64)
    return lake.root


def skill(folder, *words):
    return CliRunner().invoke(app, ["skill", *words, "--versions", "--lake", str(folder)])


def test_the_versions_of_a_doer_are_listed_with_the_sentence_of_the_finding(folder):
    done = skill(folder, "copywriter")
    assert done.exit_code == 0
    whole = " ".join(done.output.split())
    assert (
        "The change hurt: version 2 of copywriter: loss .308 after .217, +.091 (.045 to .137), 119 against 181 runs"
        in whole
    )
    assert "coder" not in whole


def test_a_change_that_rounds_to_nothing_is_shown_as_nothing(tmp_path):
    lake = Lake.create(tmp_path / "lake")
    rows = progress(("coder", 1, 0.3, 0.0), ("coder", 2, 0.3, -4e-8))
    lake.write(LearningProgress, rows.lazy(), days=None, reads={}, as_of=AS_OF, fingerprint="0" * 64)
    lines = skill(lake.root, "coder").output.splitlines()
    assert lines[2].split("\t")[6:] == ["0.300", "0.300", "0.000", "-0.046", "0.046", "no_difference"]
    assert [row["change"] for row in json.loads(skill(lake.root, "coder", "--json").output)] == [None, 0.0]


def test_the_versions_as_json(folder):
    rows = json.loads(skill(folder, "--json").output)
    assert [(row["doer"], row["version"], row["verdict"] or "") for row in rows] == [
        ("coder", "1", ""),
        ("copywriter", "1", ""),
        ("copywriter", "2", "hurt"),
    ]


def test_a_doer_that_nobody_knows_is_named(folder):
    with pytest.raises(UsageError, match="no run of 'nobody'"):
        raise skill(folder, "nobody").exception
