"""Landing, nights and quarantine, as an operator runs them."""

from __future__ import annotations

import json
import os
import pty
import subprocess

import pytest

from cli.running import KAIZEN, environment, kaizen
from kaizenlake import tables
from kaizenlake.jobs import JOBS
from kaizenlake.lake.store import Lake

GOOD = {
    "id": "e1", "type": "LEAD_CREATED", "occurred_at": "2026-03-01T10:00:00Z", "source": "crm",
    "payload": {"lead_id": "l1", "source": "website"},
}  # fmt: skip
BAD = GOOD | {"id": "e2", "payload": {"lead_id": "l2", "source": "website", "icp_match_score": 1.5}}


@pytest.fixture
def place(tmp_path):
    kaizen("init", cwd=tmp_path)
    return tmp_path


def drop(place, *events, name="events.ndjson"):
    path = place / "lake" / "landing" / name
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


def test_strict_says_by_exit_code_that_something_was_quarantined(place):
    file = place / "events.ndjson"
    file.write_text(json.dumps(GOOD) + "\n" + json.dumps(BAD) + "\n")
    done = kaizen("land", file, cwd=place)
    assert "2 lines = 1 event + 0 duplicates + 1 quarantined" in done.stdout
    assert "out_of_range 1" in done.stdout
    other = place / "more.ndjson"
    other.write_text(json.dumps(BAD | {"id": "e3"}) + "\n")
    done = kaizen("land", "--strict", other, cwd=place, code=4)
    assert done.stderr.startswith("error [quarantined]")
    assert "2 lines wait in quarantine, newer than the last acknowledgement" in done.stderr
    assert "1 quarantined" in done.stdout
    # What waits is not forgotten by a landing of something else, until somebody has seen it.
    good = place / "good.ndjson"
    good.write_text(json.dumps(GOOD | {"id": "e4"}) + "\n")
    kaizen("land", "--strict", good, cwd=place, code=4)
    told = kaizen("quarantine", "acknowledge", "--by", "Ada", "--note", "known", cwd=place).stdout
    assert told.startswith("Ada acknowledged 2 waiting lines at ")
    row = Lake(place / "lake").scan(tables.Acknowledgements).collect().row(0, named=True)
    assert (row["acknowledged_by"], row["note"], row["waiting"]) == ("Ada", "known", 2)
    kaizen("land", "--strict", good, cwd=place)
    again = kaizen("land", "--strict", file, other, cwd=place)
    assert "3 lines = 0 events + 1 duplicate + 2 quarantined (2 of them quarantined before)" in again.stdout
    file.write_text(json.dumps(GOOD | {"id": "e5"}) + "\npoison\n")
    kaizen("land", "--strict", file, cwd=place, code=4)


def test_a_file_that_is_named_and_not_read_is_an_error_and_the_rest_lands(place):
    good = place / "good.ndjson"
    good.write_text(json.dumps(GOOD) + "\n")
    notes = place / "notes.txt"
    notes.write_text("not for us")
    for odd, reason in ((notes, "its ending is none of"), (place / "pipe.ndjson", "a named pipe")):
        if not odd.exists():
            os.mkfifo(odd)
        done = kaizen("land", odd, good, cwd=place, code=6)
        assert "1 file that you named was not read" in done.stderr
        assert reason in done.stderr
    assert Lake(place / "lake").rows(tables.Events) == 1


def test_a_file_that_could_not_be_read_counts_when_strict_and_one_of_another_ending_does_not(place):
    folder = place / "exports"
    folder.mkdir()
    (folder / "good.ndjson").write_text(json.dumps(GOOD) + "\n")
    (folder / "notes.txt").write_text("not for us")
    kaizen("land", "--strict", folder, cwd=place)
    (folder / "loop.ndjson").symlink_to("loop.ndjson")
    kaizen("land", folder, cwd=place)
    done = kaizen("land", "--strict", folder, cwd=place, code=4)
    assert f"1 file was left alone, such as {folder}/loop.ndjson" in done.stderr


@pytest.mark.slow
def test_a_night_of_what_was_dropped_and_the_quarantine_of_it(place):
    drop(place, GOOD, BAD)
    planned = kaizen("nightly", "--as-of", "2026-03-02", "--plan", cwd=place).stdout
    assert "land: landing/events.ndjson" in planned
    assert "acquisition: whole table; it was never computed" in planned
    assert not (place / "lake" / "bronze").exists()
    assert not (place / "reports").exists()
    done = kaizen("nightly", "--as-of", "2026-03-02", "--strict", cwd=place, code=4)
    assert "2 lines = 1 event + 0 duplicates + 1 quarantined" in done.stdout
    assert sorted(path.name for path in (place / "reports" / "2026-03-02").iterdir()) == [
        "kaizen.html", "kaizen.json", "kaizen.pdf",
    ]  # fmt: skip
    again = kaizen("nightly", "--as-of", "2026-03-02", cwd=place)
    assert again.stdout == "nothing to do: nothing waited to be landed, and no input, as_of, code or setting changed.\n"
    (place / "lake" / "landing" / "notes.txt").write_text("not for us")
    late = kaizen("nightly", "--as-of", "2026-03-19", "--strict", cwd=place, code=4)
    assert "1 line waits in quarantine, newer than the last acknowledgement" in late.stderr
    kaizen("quarantine", "acknowledge", "--by", "Ada", cwd=place)
    late = kaizen("nightly", "--as-of", "2026-03-20", "--strict", cwd=place, code=5)
    assert "Stale: nothing new from crm." in late.stdout
    assert late.stderr.startswith("left alone: landing/notes.txt: its ending is none of")
    told = kaizen("quarantine", cwd=place).stdout
    assert "out_of_range: 1 waiting" in told
    assert "icp_match_score" in told
    assert "1 still waiting" in kaizen("quarantine", "retry", cwd=place).stdout
    (rule,) = json.loads(kaizen("quarantine", "--json", cwd=place).stdout)
    assert (rule["rule"], rule["waiting"], len(rule["examples"])) == ("out_of_range", 1, 1)


@pytest.mark.slow
def test_rebuild_and_maintain_leave_the_figures_and_nothing_to_do(place):
    drop(place, GOOD)
    kaizen("nightly", "--as-of", "2026-03-02", cwd=place)
    before = kaizen("show", "event_counts", "-f", "json", cwd=place).stdout
    written = [(path, path.read_bytes()) for path in (place / "reports").rglob("kaizen.*")]
    assert len(kaizen("report", cwd=place).stdout.splitlines()) == 2
    assert [(path, path.read_bytes()) for path in (place / "reports").rglob("kaizen.*")] == written
    assert f"{len(JOBS)} of {len(JOBS)} tables computed" in kaizen("rebuild", "--as-of", "2026-03-02", cwd=place).stdout
    kaizen("maintain", cwd=place)
    assert kaizen("show", "event_counts", "-f", "json", cwd=place).stdout == before
    assert "nothing to do" in kaizen("nightly", "--as-of", "2026-03-02", cwd=place).stdout


def test_a_mapping_that_does_not_fit_names_the_missing_column(place):
    table = place / "posts.csv"
    table.write_text("a,b\n1,2\n")
    done = kaizen("land", table, "--mapping", "facebook_posts", cwd=place, code=2)
    assert done.stderr.startswith("error [mapping]")
    assert "Traceback" not in done.stderr
    assert kaizen("land", table, cwd=place, code=2).stderr.startswith(
        "error [mapping]: A CSV, TSV, XLSX, YAML or Parquet file needs"
    )


def test_text_from_outside_does_not_steer_a_terminal_nor_a_spreadsheet(place):
    hostile = '=cmd|"/c calc"!A1\x1b[31m'
    drop(place, GOOD | {"payload": {"lead_id": hostile, "source": "[bold]website[/bold]"}})
    kaizen("nightly", "--as-of", "2026-03-02", cwd=place)
    shown = kaizen("show", "acquisition", "--columns", "lead_id,source", cwd=place).stdout
    assert "\x1b" not in shown
    assert "\ufffd[31m" in shown
    assert kaizen("show", "acquisition", "--columns", "lead_id", "-f", "csv", cwd=place).stdout.startswith(
        "lead_id\n\"'=cmd|"
    )
    assert '"=cmd|' in kaizen("show", "acquisition", "--columns", "lead_id", "-f", "csv", "--exact", cwd=place).stdout
    (row,) = json.loads(kaizen("show", "acquisition", "--columns", "lead_id", "-f", "json", cwd=place).stdout)
    assert row["lead_id"] == hostile


def on_a_terminal(*words, cwd, **more):
    """Run a command whose stdout and stderr are a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*KAIZEN, *words], cwd=cwd, env=environment(TERM="xterm-256color", **more), stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    told = b""
    try:
        while block := os.read(ours, 65_536):
            told += block
    except OSError:
        # The terminal is gone with its last writer.
        pass
    finally:
        os.close(ours)
    assert process.wait(60) == 0, told
    return told.decode()


def test_on_a_terminal_there_is_progress_and_no_color_is_kept(place):
    drop(place, GOOD)
    told = on_a_terminal("nightly", "--as-of", "2026-03-02", cwd=place)
    assert "✓ acquisition  1 rows" in told
    told = on_a_terminal("show", "source_freshness", cwd=place, NO_COLOR="1")
    assert "crm" in told
    assert not any(f"\x1b[{code}" in told for code in (3, 9)), "colour"
