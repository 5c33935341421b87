"""A night that rolls a canary back tells of it: in reports, alerts and words; and `kaizen report` makes each again."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from cli.running import kaizen
from night.test_canary_nights import START, begun, log_day
from report.test_learning_reports import LIGHT


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """A lake whose candidate is worse, its reports, and what the command said of the night."""
    folder = tmp_path_factory.mktemp("told")
    lake = begun(folder / "lake")
    log_day(lake, 1, worse=0.3)
    as_of = (START + timedelta(days=2)).date()
    at = ("--lake", folder / "lake", "--reports", folder / "reports")
    first = kaizen("nightly", *at, "--as-of", as_of)
    return folder, at, as_of, first


NAMES = [
    "canary-d1.html",
    "canary-d1.pdf",
    "kaizen.html",
    "kaizen.json",
    "kaizen.pdf",
    "policy-audit.html",
    "policy-audit.pdf",
]


def test_the_night_writes_the_reports_and_says_the_alert(told):
    folder, _, as_of, first = told
    written = sorted(path for path in (folder / "reports" / str(as_of)).iterdir() if path.is_file())
    assert [path.name for path in written if not path.name.startswith("skill")] == NAMES
    assert all(path.stat().st_size < LIGHT for path in written)
    assert "Alert (warning): planner 1.1.0 was rolled back by night on 2026-03-03. Reason: " in first.stdout
    canary, audit, whole = (
        (folder / "reports" / str(as_of) / name).read_text() for name in (NAMES[0], NAMES[5], NAMES[2])
    )
    assert "roll back from night 2" in canary
    assert "rolled back by night" in canary
    assert "1.0.0" in audit
    assert "the first of its kind" in audit
    assert 'id="learning"' in whole
    published = json.loads((folder / "lake" / "published" / "alerts.json").read_text())
    assert [alert["kind"] for alert in published["signed"]["alerts"]] == ["rollback"]


def test_the_same_night_again_has_nothing_to_do_and_keeps_its_reports_on_record(told):
    folder, at, as_of, _ = told
    again = kaizen("nightly", *at, "--as-of", as_of)
    assert "nothing to do" in again.stdout
    assert "Alert" not in again.stdout
    latest = json.loads(max((folder / "lake" / "runs").glob("*.json")).read_text())
    names = sorted(file.rpartition("/")[2] for file in latest["reports"])
    assert names == [*(name for name in NAMES if name != "kaizen.json"), "skills.html", "skills.pdf"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--canary", "d1", "--audit"), ["canary-d1.html", "canary-d1.pdf", "policy-audit.html", "policy-audit.pdf"]),
        ((), [NAMES[2], NAMES[4], *NAMES[:2], *NAMES[5:], "skills.html", "skills.pdf"]),
    ],
)
def test_report_makes_again_what_is_asked_for_with_the_same_bytes(told, words, names):
    folder, at, as_of, _ = told
    place = folder / "reports" / str(as_of)
    before = {name: (place / name).read_bytes() for name in names}
    said = kaizen("report", *at, *words).stdout.split()
    assert [line.rpartition("/")[2] for line in said] == names
    assert {name: (place / name).read_bytes() for name in names} == before


def test_a_deployment_nobody_knows_is_told_without_a_traceback(told):
    _, at, _, _ = told
    done = kaizen("report", *at, "--canary", "d2", code=2)
    assert "No night has looked at a shadow or canary of the name 'd2'" in done.stderr
    assert "Traceback" not in done.stderr
