"""Commands of the agency, through the app: brands and tasks from a file to a decision that `list` shows at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from icalendar import Calendar
from typer.testing import CliRunner

from kaizenlake.cli.app import app
from kaizenlake.errors import KaizenError
from kaizenlake.events.write.log import event_line
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake


@pytest.fixture
def kaizen(tmp_path, monkeypatch):
    Lake.create(tmp_path / "lake")
    monkeypatch.setenv("KAIZEN_LAKE", str(tmp_path / "lake"))
    runner = CliRunner()

    def run(*words, fails=""):
        done = runner.invoke(app, [*map(str, words)])
        if fails:
            assert isinstance(done.exception, KaizenError), done.output
            assert fails in str(done.exception)
        else:
            assert done.exception is None, (done.output, done.exception)
        return done.stdout

    return run


BRAND = """
brand_id = "acme"
name = "Acme *Bakery*"
offer = "Bread by post"
zone = "Europe/Berlin"
holidays = [2026-12-25, "2026-12-26"]
claims = ["Baked this morning"]
"""


def test_a_brand_is_described_from_a_file_and_described_anew(kaizen, tmp_path):
    assert "No brand is described yet" in kaizen("brand", "list")
    file = tmp_path / "acme.toml"
    file.write_text(BRAND, encoding="utf-8")
    assert "Not told: audience, voice, competitors, logo, projects." in kaizen("brand", "add", file)
    (found,) = json.loads(kaizen("brand", "list", "--json"))
    assert (found["name"], found["holidays"]) == ("Acme *Bakery*", ["2026-12-25", "2026-12-26"])
    other = tmp_path / "acme.json"
    other.write_text(json.dumps({"brand_id": "acme", "name": "Acme", "voice": "dry"}), encoding="utf-8")
    kaizen("brand", "add", other)
    found = json.loads(kaizen("brand", "show", "acme", "--json"))
    assert (found["name"], found["voice"], found["offer"], found["zone"]) == ("Acme", "dry", None, "UTC")
    kaizen("brand", "show", "acne", fails="There is no brand 'acne' (did you mean `acme`?)")


def test_notes_on_a_brand_are_kept_with_source_and_date_and_found_by_their_words(kaizen, tmp_path):
    file = tmp_path / "acme.toml"
    file.write_text(BRAND, encoding="utf-8")
    kaizen("brand", "note", "acme", "Too early", fails="There is no brand 'acme'")
    kaizen("brand", "add", file)
    assert "Nothing of acme was noted." in kaizen("brand", "notes", "acme")
    assert (
        kaizen("brand", "note", "acme", "Opens fall in school holidays", "--source", "review of May")
        == "Noted of acme.\n"
    )
    kaizen("brand", "note", "acme", "They like puns, <b>dry</b> ones", "--source", "ann")
    assert len(json.loads(kaizen("brand", "notes", "acme", "--json"))) == 2
    (found,) = json.loads(kaizen("brand", "notes", "acme", "--search", "HOLIDAYS opens", "--json"))
    assert (found["note"], found["told_by"]) == ("Opens fall in school holidays", "review of May")
    assert found["noted_at"].startswith(f"{datetime.now(UTC):%Y-%m}")
    assert json.loads(kaizen("brand", "show", "acme", "--json"))["name"] == "Acme *Bakery*"
    kaizen("brand", "note", "acme", " ", fails="Say what was learned")


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        ('brand_id = "a"\nname = "A"\nzone = "Mars"', "Expected a zone such as Europe/Berlin, found 'Mars'"),
        ('brand_id = "a"\nname = "A"\nholidays = ["soon"]', "found 'soon'"),
        ('brand_id = "a"', "name"),
        ('brand_id = "a"\nname = "A"\nfame = 1', "fame"),
        ("brand_id = ", "cannot be read"),
    ],
)
def test_a_wrong_description_is_refused_with_what_is_wrong(kaizen, tmp_path, text, fails):
    file = tmp_path / "a.toml"
    file.write_text(text, encoding="utf-8")
    kaizen("brand", "add", file, fails=fails)
    assert json.loads(kaizen("brand", "list", "--json")) == []


def test_a_task_is_proposed_approved_and_rejected(kaizen):
    assert "There is no task yet" in kaizen("task", "list")
    words = ("--brand", "acme", "--id", "t1", "--by", "ann", "--deadline", "2026-12-05", "--inputs", '{"focus": "x"}')
    assert "is pending_review, by ann" in kaizen("task", "add", "email_rewrite", *words)
    assert "is approved, by bob" in kaizen("task", "approve", "t1", "--by", "bob", "--reason", "Worth it")
    (found,) = json.loads(kaizen("task", "list", "--format", "json"))
    assert (found["status"], found["inputs"], found["reason"]) == ("approved", {"focus": "x"}, "Worth it")
    assert json.loads(kaizen("task", "list", "--status", "rejected", "--json")) == []
    kaizen("task", "reject", "t1", "--by", "bob")
    audit = json.loads(kaizen("task", "show", "t1", "--json"))["audit"]
    assert [(step["to_status"], step["decided_by"]) for step in audit] == [
        ("pending_review", "ann"),
        ("approved", "bob"),
        ("rejected", "bob"),
    ]
    assert "Reason: Worth it" in kaizen("task", "show", "t1")
    kaizen("task", "approve", "t1", "--by", "bob", fails="is rejected, and does not become approved")
    kaizen("task", "add", "x", "--brand", "b", "--by", "a", "--inputs", "[]", fails="Expected a JSON object")
    kaizen("task", "add", "x", "--brand", "b", "--by", "a", "--deadline", "soon", fails="found 'soon'")


def test_what_is_approved_is_planned_done_and_shown_as_a_calendar(kaizen, tmp_path):
    file = tmp_path / "acme.toml"
    file.write_text(BRAND, encoding="utf-8")
    kaizen("brand", "add", file)
    for name in ("t1", "t2"):
        kaizen(
            "task",
            "add",
            "swot_analysis",
            "--brand",
            "acme",
            "--id",
            name,
            "--by",
            "ann",
            "--reason",
            "New <b>client</b>",
        )
        kaizen("task", "approve", name, "--by", "bob")
    assert json.loads(kaizen("task", "list", "--json"))[0]["status"] == "approved"
    span = ("--start", "2026-01-05T08:00", "--end", "2026-01-12", "--max-per-day", "1", "--by", "ann")
    assert "t2" in kaizen("schedule", "plan", "acme", *span, "--preview")
    assert kaizen("schedule", "list") == "Nothing is scheduled.\n"
    done = json.loads(kaizen("schedule", "plan", "acme", *span, "--json"))
    assert [(row["task_id"], row["run_at"]) for row in done["planned"]] == [
        ("t1", "2026-01-05 08:00:00+00:00"),
        ("t2", "2026-01-06 08:00:00+00:00"),
    ]
    assert [row["task_id"] for row in json.loads(kaizen("schedule", "list", "--json"))] == ["t1", "t2"]
    page, entries = tmp_path / "week.html", tmp_path / "week.ics"
    for out in (page, entries):
        assert "holds 2 of the tasks" in kaizen("schedule", "calendar", "acme", "--start", "2026-01-05", "--out", out)
    html = page.read_text(encoding="utf-8")
    assert "Monday, 5 January 2026" in html
    assert "09:00" in html, "in the zone of the brand"
    assert "<b>client" not in html
    read = Calendar.from_ical(entries.read_bytes())
    assert [(str(item["uid"]), item.decoded("dtstart")) for item in read.walk("VEVENT")] == [
        ("t1@kaizenlake", datetime(2026, 1, 5, 8, tzinfo=UTC)),
        ("t2@kaizenlake", datetime(2026, 1, 6, 8, tzinfo=UTC)),
    ]
    assert kaizen("schedule", "tick", "--now", "2026-01-05T07:59") == "Nothing is due.\n"
    assert "t1: completed_preview." in kaizen("schedule", "tick", "--now", "2026-01-05T08:00")
    assert "t2: completed." in kaizen("schedule", "tick", "--now", "2026-01-06T08:00", "--execute")
    assert kaizen("schedule", "tick", "--now", "2026-01-06T08:00") == "Nothing is due.\n"
    again = kaizen("schedule", "tick", "--now", "2026-01-06T08:00", "--execute")
    assert again == "Nothing is due.\nTasks of acme were only tried; `kaizen schedule plan BRAND` plans them again.\n"
    assert "is completed, by ann" in kaizen("task", "run", "t1", "--by", "ann", "--execute")
    kaizen("task", "run", "t1", "--by", "ann", fails="does not become in_progress")
    kaizen("schedule", "calendar", "acme", "--start", "2026-01-05", "--out", tmp_path / "x.doc", fails=".html or .ics")
    kaizen("schedule", "plan", "acme", *span[:4], "--max-per-day", "0", "--by", "a", fails="Expected at least 1")


def test_what_nothing_here_does_is_refused_and_left_for_an_application(kaizen):
    kaizen("task", "add", "teleport", "--brand", "acme", "--id", "odd", "--by", "ann")
    kaizen("task", "approve", "odd", "--by", "bob")
    for words in ((), ("--execute",)):
        kaizen("task", "run", "odd", "--by", "ann", *words, fails="is NOT_EXECUTABLE: task_type: 'teleport' is none of")
    kaizen(
        "schedule", "plan", "acme", "--start", "2026-01-05", "--end", "2026-01-06", "--max-per-day", "1", "--by", "a"
    )
    for words in ((), ("--execute",)):
        told = kaizen("schedule", "tick", "--now", "2026-01-05T08:00", *words)
        assert "odd: NOT_EXECUTABLE, task_type: 'teleport' is none of social_variants," in told
        assert ".." not in told
        assert "only tried" not in told
    assert json.loads(kaizen("task", "list", "--json"))[0]["status"] == "scheduled"


def test_a_calendar_of_no_brand_and_of_a_zone_that_is_none_are_refused(kaizen, tmp_path):
    page = tmp_path / "week.html"
    kaizen("task", "add", "swot_analysis", "--brand", "acme", "--by", "ann")
    words = ("--start", "2026-12-01", "--out", page)
    assert "holds 0 of the tasks of acme" in kaizen("schedule", "calendar", "acme", *words)
    kaizen("schedule", "calendar", "acne", *words, fails="There is no brand 'acne'")
    line = event_line("BRAND_DESCRIBED", {"brand_id": "acme", "name": "A", "zone": "Mars"})
    land(Lake(tmp_path / "lake"), _file(tmp_path, line.text))
    for command in (("schedule", "calendar", "acme", *words), ("task", "add", "swot_analysis", "--brand", "acme")):
        kaizen(*command, fails="found 'Mars'. (the brand acme)")


def test_a_deadline_is_a_day_of_the_brand(kaizen, tmp_path):
    kaizen("brand", "add", _file(tmp_path, b'brand_id = "acme"\nname = "A"\nzone = "America/New_York"', ".toml"))
    kaizen("task", "add", "swot_analysis", "--brand", "acme", "--id", "t", "--by", "a", "--deadline", "2026-12-01")
    kaizen("task", "approve", "t", "--by", "bob")
    span = ("--start", "2026-12-01T14:00", "--end", "2026-12-02", "--max-per-day", "1", "--preview", "--json")
    (row,) = json.loads(kaizen("schedule", "plan", "acme", *span))["planned"]
    assert row["days_late"] == 0


def _file(folder, content, suffix=".ndjson"):
    file = folder / f"file{suffix}"
    file.write_bytes(content)
    return file
