from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from kaizenlake import tables
from kaizenlake.events.write.spool import Spool
from kaizenlake.lake.landing import landing
from kaizenlake.lake.landing.landing import land_folder, waiting
from kaizenlake.lake.store import Lake
from lake.landed import NOW, held, ids, lead, line, ndjson, put

TOMORROW = NOW + timedelta(days=1)


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def there(lake: Lake) -> list[str]:
    folder = lake.path("landing")
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_dropped_files_land_and_are_moved_to_the_folder_of_the_day(lake):
    put(lake.path("landing", "a.ndjson"), ndjson(lead("a")))
    put(lake.path("landing", "team", "b.json"), line(lead("b")))
    assert waiting(lake) == ["landing/a.ndjson", "landing/team/b.json"]
    found = land_folder(lake, now=NOW)
    assert (found.files, found.landed) == (2, 2)
    assert ids(lake) == ["a", "b"]
    assert there(lake) == ["done/2026-03-01/a.ndjson", "done/2026-03-01/team/b.json"]
    assert waiting(lake) == []
    assert land_folder(lake, now=NOW).files == 0


def test_a_file_of_the_same_name_as_one_that_landed_does_not_replace_it(lake):
    for place, name in enumerate("abc", 1):
        put(lake.path("landing", "in.ndjson"), ndjson(lead(name)))
        assert land_folder(lake, now=NOW).landed == 1
        assert len(there(lake)) == place
    assert there(lake) == ["done/2026-03-01/in-2.ndjson", "done/2026-03-01/in-3.ndjson", "done/2026-03-01/in.ndjson"]


def test_a_table_is_read_by_the_mapping_its_folder_is_named_for(lake):
    table = b"Record ID,Create Date,Deal Stage,Close Date,Amount,Pipeline\n1,2026-01-02,closedwon,2026-01-20,900,p\n"
    put(lake.path("landing", "crm_deals", "2026", "june.csv"), table)
    put(lake.path("landing", "loose.csv"), table)
    put(lake.path("landing", "no_such", "x.csv"), table)
    put(lake.path("landing", "facebook_posts", "x.csv"), table)
    put(lake.path("landing", "notes.txt"), b"x")
    found = land_folder(lake, now=NOW)
    assert (found.files, found.landed) == (1, 2)
    assert there(lake) == [
        "done/2026-03-01/crm_deals/2026/june.csv",
        "facebook_posts/x.csv",
        "loose.csv",
        "no_such/x.csv",
        "notes.txt",
    ]
    reasons = dict(found.left)
    assert reasons["landing/loose.csv"].startswith(
        "a CSV, TSV, XLSX, YAML or Parquet file belongs into a folder named for its mapping"
    )
    assert "no mapping 'no_such'" in reasons["landing/no_such/x.csv"]
    assert "does not fit: it needs the missing columns 'Post Month'" in reasons["landing/facebook_posts/x.csv"]
    assert "its ending is none of" in reasons["landing/notes.txt"]


def test_a_closed_segment_lands_and_is_moved(lake):
    spool = Spool(lake.root)
    spool.write(ndjson(lead("a"), lead("b")))
    spool.close()
    assert land_folder(lake, now=NOW).landed == 2
    assert [name.startswith("done/2026-03-01/") for name in there(lake)] == [True]


def test_the_segment_of_a_living_process_is_read_to_its_last_whole_line_and_stays(lake):
    spool = Spool(lake.root)
    spool.write(ndjson(lead("a"), lead("a", "other")) + line(lead("b"))[:-5])
    first = land_folder(lake, now=NOW)
    assert (first.lines_in, first.landed, first.quarantined) == (2, 1, 1)
    (segment,) = there(lake)
    assert segment.endswith(".ndjson.open")
    spool.write(line(lead("b"))[-5:] + b"\n" + ndjson(lead("c")))
    second = land_folder(lake, now=NOW)
    assert (second.lines_in, second.landed, second.duplicate, second.quarantined) == (2, 2, 0, 0)
    assert ids(lake) == ["a", "b", "c"]
    spool.close()
    third = land_folder(lake, now=NOW)
    assert (third.files, third.lines_in, third.landed, third.duplicate) == (1, 0, 0, 0)
    assert there(lake) == ["done/2026-03-01/" + segment.removesuffix(".open")]
    assert held(lake) == [(2, ["conflict"])]
    assert lake.scan(tables.Events).sort("line").collect()["line"].to_list() == [1, 3, 4]
    assert lake.scan(tables.Landings).collect()["landed"].sum() == lake.rows(tables.Events)


def test_an_empty_segment_of_a_living_process_is_left_alone(lake):
    spool = Spool(lake.root)
    spool.write(b'{"id"')
    found = land_folder(lake, now=NOW)
    assert (found.lines_in, found.quarantined) == (0, 0)
    spool.close()


def test_the_segment_of_a_killed_process_lands_but_for_its_torn_last_line(lake):
    code = (
        "import os, signal, sys; from kaizenlake.events.write.spool import Spool\n"
        "spool = Spool(sys.argv[1]); spool.write(sys.argv[2].encode()); os.kill(os.getpid(), signal.SIGKILL)"
    )
    text = ndjson(lead("a"), lead("b")) + line(lead("c"))[:30]
    killed = subprocess.run([sys.executable, "-c", code, str(lake.root), text.decode()], check=False)
    assert killed.returncode == -9
    found = land_folder(lake, now=NOW)
    assert (found.lines_in, found.landed, found.by_rule) == (3, 2, {"torn_line": 1})
    assert [name.endswith(".ndjson") and name.startswith("done/") for name in there(lake)] == [True]


def test_a_file_that_is_still_copied_stays_and_its_rest_lands_next_time(lake, monkeypatch):
    path = put(lake.path("landing", "big.ndjson"), ndjson(lead("a")) + line(lead("b"))[:20])
    read = landing.read_lines

    def and_meanwhile(*given):
        yield from read(*given)
        with path.open("ab") as stream:
            stream.write(line(lead("b"))[20:] + b"\n")

    monkeypatch.setattr(landing, "read_lines", and_meanwhile)
    first = land_folder(lake, now=NOW)
    monkeypatch.undo()
    assert (first.landed, first.by_rule) == (1, {"torn_line": 1})
    assert there(lake) == ["big.ndjson"]
    second = land_folder(lake, now=NOW)
    assert (second.landed, second.duplicate) == (1, 1)
    assert ids(lake) == ["a", "b"]
    assert there(lake) == ["done/2026-03-01/big.ndjson"]


def test_a_file_that_landed_and_was_not_moved_is_moved_next_time(lake, monkeypatch):
    put(lake.path("landing", "a.ndjson"), ndjson(lead("a")))
    monkeypatch.setattr(landing, "_move", lambda *given: None)
    land_folder(lake, now=NOW)
    assert there(lake) == ["a.ndjson"]
    monkeypatch.undo()
    found = land_folder(lake, now=TOMORROW)
    assert (found.landed, found.duplicate) == (0, 1)
    assert there(lake) == ["done/2026-03-02/a.ndjson"]


def test_a_segment_that_is_closed_between_finding_and_reading_is_taken_next_time(lake, monkeypatch):
    spool = Spool(lake.root)
    spool.write(ndjson(lead("a")))
    looked_at = landing.sources.content

    def closed_meanwhile(*given):
        spool.close()
        return looked_at(*given)

    monkeypatch.setattr(landing.sources, "content", closed_meanwhile)
    found = land_folder(lake, now=NOW)
    assert (found.files, [reason for _, reason in found.left]) == (0, ["it went away before it was read"])
    monkeypatch.undo()
    assert land_folder(lake, now=NOW).landed == 1


def test_a_lake_without_a_landing_folder_has_nothing_to_land(tmp_path):
    assert land_folder(Lake(tmp_path / "none"), now=NOW).files == 0


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(lake):
    put(lake.path("landing", "a.ndjson"), ndjson(lead("a")))
    lake.path("landing").chmod(0o555)
    found = land_folder(lake, now=NOW)
    assert found.landed == 1
    assert "cannot be moved" in found.left[0][1]


def test_a_landed_file_that_cannot_be_moved_ends_no_night(lake):
    put(lake.path("landing", "a.ndjson"), ndjson(lead("a")))
    # A file stands where the folder of the day should be made.
    put(lake.path("landing", "done"), b"")
    put(lake.path("landing", "b.ndjson"), ndjson(lead("b")))
    found = land_folder(lake, now=NOW)
    assert found.landed == 2
    assert [name for name, reason in found.left if "it was landed, and cannot be moved" in reason] == [
        "landing/a.ndjson",
        "landing/b.ndjson",
    ]
    assert land_folder(lake, now=NOW).landed == 0
