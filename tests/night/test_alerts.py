"""The night tells of alerts: on record, published and signed, and to the team's own command, each once."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from kaizenlake.errors import VerificationError
from kaizenlake.jobs.alerts.alerts import alerts
from kaizenlake.jobs.alerts.findings import findings
from kaizenlake.lake.store import Lake
from kaizenlake.night import artifact
from kaizenlake.night.run import nightly
from kaizenlake.night.verify import checks
from kaizenlake.publish.signed.alerts import json_schema, verify_alerts
from kaizenlake.tables import CrlTrends, PolicyPromotions
from publish.learning_frames import promotions, trends
from publish.report_frames import AS_OF

HOOK = """
import json, sys
given = json.load(sys.stdin)
with open({log!r}, "a") as log:
    log.write(json.dumps(given) + "\\n")
{then}
"""


@pytest.fixture
def lake(tmp_path):
    Lake.create(tmp_path / "lake")
    return hooked(tmp_path)


def hooked(tmp_path, then="", seconds=30, command=None):
    """The lake with a hook that writes down what it is given, and then does what it is told."""
    script = tmp_path / "hook.py"
    script.write_text(HOOK.format(log=str(tmp_path / "given.ndjson"), then=then))
    words = command or [sys.executable, str(script)]
    (tmp_path / "lake" / "kaizen.toml").write_text(f"[alerts]\nhook = {json.dumps(words)}\nhook_seconds = {seconds}\n")
    return Lake(tmp_path / "lake")


def night(lake, *frames, as_of=AS_OF):
    for table, frame in frames:
        lake.write(table, frame.lazy(), days=None, reads={}, as_of=as_of, fingerprint="0" * 64)
    return nightly(lake, as_of=as_of, jobs=(findings, alerts), take=None)


def given(tmp_path):
    path = tmp_path / "given.ndjson"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_an_alert_is_told_once_published_and_kept_on_record(lake, tmp_path):
    first = night(lake, (CrlTrends, trends()))
    (told,) = given(tmp_path)
    assert (told["schema"], told["run_id"], told["lake"]) == ("kaizen-alerts", first.run_id, str(lake.root))
    assert [alert["kind"] for alert in told["alerts"]] == ["degrading_doer"]
    assert "The loss of coder has risen" in told["alerts"][0]["words"]
    assert [(alert.is_new, alert.is_told) for alert in first.alerts] == [(True, True)]
    assert (first.status, first.exit_code, first.hook.status, first.hook.alerts) == ("done", 0, "done", 1)

    file = lake.path("published", "alerts.json")
    published = json.loads(file.read_text())
    jsonschema.validate(published, json_schema())
    assert published["signed"]["alerts"] == told["alerts"]
    assert verify_alerts(lake) == 1
    before = file.stat().st_mtime_ns

    again = night(lake)
    assert not again.changed
    assert [(alert.is_new, alert.is_told) for alert in again.alerts] == [(False, True)]
    assert (again.hook, len(given(tmp_path)), file.stat().st_mtime_ns) == (None, 1, before)

    later = night(lake, (PolicyPromotions, promotions()))
    assert [alert["kind"] for alert in given(tmp_path)[1]["alerts"]] == ["rollback"]
    assert [(alert.kind, alert.is_new) for alert in later.alerts] == [("degrading_doer", False), ("rollback", True)]
    schema = json.loads(artifact.SCHEMA_FILE.read_text())
    jsonschema.validate(json.loads(lake.path("runs", f"{later.run_id}.json").read_text()), schema)


@pytest.mark.parametrize(
    ("then", "seconds", "status", "code", "words"),
    [
        ("print('no line', file=sys.stderr); sys.exit(3)", 30, "failed", 3, "no line"),
        ("import time; time.sleep(60)", 0.6, "timed out", None, ""),
    ],
)
def test_a_hook_that_fails_is_on_record_fails_no_night_and_is_asked_again(
    lake, tmp_path, then, seconds, status, code, words
):
    lake = hooked(tmp_path, then, seconds)
    began = time.monotonic()
    done = night(lake, (CrlTrends, trends()))
    assert time.monotonic() - began < 30
    assert (done.status, done.exit_code, done.errors) == ("done", 0, [])
    assert (done.hook.status, done.hook.exit_code) == (status, code)
    assert words in done.hook.output
    assert [alert.is_told for alert in done.alerts] == [False]
    again = night(hooked(tmp_path))
    assert (again.hook.status, [alert.is_told for alert in again.alerts]) == ("done", [True])
    assert [alert.is_new for alert in again.alerts] == [False]


def test_a_late_hook_is_ended_with_what_it_started(lake, tmp_path):
    mark = tmp_path / "child"
    start = (
        "import subprocess, time; child = subprocess.Popen(['sleep', '60']);"
        f"open({str(mark)!r}, 'w').write(str(child.pid)); time.sleep(60)"
    )
    done = night(hooked(tmp_path, start, 4), (CrlTrends, trends()))
    assert done.hook.status == "timed out"
    child = int(mark.read_text())
    for _ in range(50):
        try:
            state = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            break
        if state == "Z":
            break
        time.sleep(0.1)
    else:
        os.kill(child, 9)
        pytest.fail("the child of the hook outlived it")


def test_no_shell_reads_the_command_and_one_that_is_not_there_is_told(lake, tmp_path):
    done = night(hooked(tmp_path, command=["echo; touch spoilt", "$(touch spoilt)"]), (CrlTrends, trends()))
    assert done.hook.status == "failed"
    assert "could not be started" in done.hook.output
    assert done.exit_code == 0
    assert not list(tmp_path.rglob("spoilt"))


def test_without_a_hook_alerts_are_published_all_the_same_and_told_once_there_is_one(lake, tmp_path):
    (tmp_path / "lake" / "kaizen.toml").write_text("")
    done = night(Lake(tmp_path / "lake"), (CrlTrends, trends()))
    assert (done.hook, [alert.is_told for alert in done.alerts]) == (None, [False])
    assert lake.path("published", "alerts.json").exists()
    assert [len(told["alerts"]) for told in (night(hooked(tmp_path)), *given(tmp_path))[1:]] == [1]


def test_alerts_that_hold_no_more_leave_the_file(lake):
    night(lake, (CrlTrends, trends()))
    done = night(lake, as_of=AS_OF + timedelta(days=40))
    assert done.alerts == ()
    assert json.loads(lake.path("published", "alerts.json").read_text())["signed"]["alerts"] == []


def test_where_nothing_was_ever_the_matter_the_file_says_so(lake, tmp_path):
    done = night(lake)
    assert (done.alerts, done.hook, given(tmp_path)) == ((), None, [])
    assert json.loads(lake.path("published", "alerts.json").read_text())["signed"]["alerts"] == []
    assert verify_alerts(lake) == 0


def test_a_changed_file_does_not_verify_and_the_next_night_mends_it(lake):
    night(lake, (CrlTrends, trends()))
    file = lake.path("published", "alerts.json")
    file.write_text(file.read_text().replace("has risen", "has fallen"))
    with pytest.raises(VerificationError):
        verify_alerts(lake)
    assert any(check.name == "alerts" and check.error for check in checks(lake))
    night(lake)
    assert verify_alerts(lake) == 1
