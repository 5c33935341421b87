"""What a landing and a night say by their exit codes, with or without --strict, after all else was done."""

from __future__ import annotations

import sys

import pytest

from kaizenlake.cli import main
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.tables import EventCounts, Events
from lake.landed import NOW, lead, ndjson, put

MAPPING = b"""
description = "Leads for tests of exit codes."
[[event]]
type = "LEAD_CREATED"
id = { columns = ["id"] }
occurred_at = { column = "at", zone = "UTC" }
[event.fields]
lead_id = "id"
"""
GOOD, BAD, TOTALS = b"id,at\n1,2026-01-01\n", b"id,at\n1,soon\n2,\n", b"id,at\nTotal,\n"


@pytest.fixture
def lake(tmp_path):
    made = Lake.create(tmp_path / "lake")
    put(made.path("mappings", "leads.toml"), MAPPING)
    return made


def kaizen(monkeypatch, *words) -> int:
    monkeypatch.setattr(sys, "argv", ["kaizen", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("strict", [[], ["--strict"]], ids=["plain", "strict"])
def test_a_landing_says_that_a_file_was_not_read_or_that_a_mapping_made_nothing(
    tmp_path, lake, monkeypatch, capsys, strict
):
    good, bad = put(tmp_path / "good.csv", GOOD), put(tmp_path / "bad.csv", BAD)
    land = ("land", "--lake", lake.path(), "--mapping", "leads", *strict)
    assert kaizen(monkeypatch, *land, put(tmp_path / "notes.txt", b"x"), good) == 6
    assert lake.rows(Events) == 1
    assert kaizen(monkeypatch, *land, bad) == 7
    assert "made no event of any row" in capsys.readouterr().err
    assert kaizen(monkeypatch, *land, put(tmp_path / "totals.csv", TOTALS)) == 7
    for name, content in (("empty.csv", b""), ("header.csv", b"id,at\n")):
        assert kaizen(monkeypatch, *land, put(tmp_path / name, content)) == 7
        assert "no rows" in capsys.readouterr().err
    events = ("land", "--lake", lake.path(), *strict)
    # A strict landing answers first for what waits.
    code, words = (4, "lines wait in quarantine") if strict else (8, "All 1 line went to quarantine")
    assert kaizen(monkeypatch, *events, put(tmp_path / "no.ndjson", b"poison\n")) == code
    assert words in capsys.readouterr().err
    # What was in the lake before is no failure of the mapping, and neither are some lines in quarantine.
    assert kaizen(monkeypatch, *land, good, bad) == (4 if strict else 0)


@pytest.mark.parametrize("strict", [False, True])
def test_a_night_says_that_all_was_quarantined_or_that_a_mapping_made_nothing(lake, strict):
    put(lake.path("landing", "leads", "bad.csv"), BAD)
    done = nightly(lake, as_of=NOW, strict=strict)
    assert (done.exit_code, done.status, done.landing.all_quarantined) == (8, "done", True)
    put(lake.path("landing", "leads", "worse.csv"), BAD + b"3,later\n")
    put(lake.path("landing", "in.ndjson"), ndjson(lead()))
    done = nightly(lake, as_of=NOW, strict=strict)
    assert (done.exit_code, done.landing.made_nothing, done.landing.landed) == (7, ("leads",), 1)
    assert lake.rows(EventCounts) == 1
    put(lake.path("landing", "more.ndjson"), ndjson(lead("e2")))
    assert nightly(lake, as_of=NOW, strict=strict).exit_code == (4 if strict else 0)


def test_of_several_files_one_that_is_not_there_does_not_keep_the_others_from_landing(
    tmp_path, lake, monkeypatch, capsys
):
    land, good = ("land", "--lake", lake.path(), "--mapping", "leads"), put(tmp_path / "good.csv", GOOD)
    assert kaizen(monkeypatch, *land, tmp_path / "gone.csv", good) == 6
    assert "gone.csv: there is no such file or folder" in capsys.readouterr().err
    assert lake.rows(Events) == 1
    assert kaizen(monkeypatch, *land, tmp_path / "gone.csv", tmp_path / "away.csv") == 1
