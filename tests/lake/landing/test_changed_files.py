"""A night finds events that were changed in place, and reads none of the files that are as they were."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import write_deltalake

from kaizenlake import signing
from kaizenlake.lake.landing import batches, changed_files
from kaizenlake.lake.landing.changed_files import find_changed
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import keys
from kaizenlake.lake.upkeep.maintain import maintain
from kaizenlake.tables import Events

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def put(lake, name, numbers):
    events = [
        {
            "id": f"e{number}",
            "type": "LEAD_CREATED",
            "occurred_at": (NOW - timedelta(days=number % 3)).isoformat(),
            "payload": {"lead_id": f"lead {number}", "source": "website"},
        }
        for number in numbers
    ]
    path = lake.path("landing").parent / f"{name}.ndjson"
    path.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    land(lake, path, now=NOW)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    made = Lake.create(tmp_path_factory.mktemp("made") / "lake")
    put(made, "first", range(6))
    put(made, "second", range(6, 10))
    return made


@pytest.fixture
def lake(made, tmp_path):
    shutil.copytree(made.root, tmp_path / "lake")
    lake = Lake(tmp_path / "lake")
    assert find_changed(lake) == ()
    return Lake(lake.root)


def holding(lake, event):
    """The data file in which an event lies."""
    files = [path for path in Path(lake.uri(Events)).rglob("*.parquet") if "checkpoint" not in path.name]
    return next(path for path in files if event in pl.read_parquet(path, hive_partitioning=False)["event_id"])


def change_file(lake, path):
    """Write other words into the payload of the events of a file, and put back its times; the log tells of the new size."""
    rows, before = pl.read_parquet(path, hive_partitioning=False), path.stat()
    rows.with_columns(pl.col("payload").str.replace("website", "sitewebs")).write_parquet(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    for log in Path(lake.uri(Events), "_delta_log").glob("*.json"):
        log.write_text(log.read_text().replace(f'"size":{before.st_size}', f'"size":{path.stat().st_size}'))


def change_table(lake):
    rows = lake.scan(Events).with_columns(project_id=pl.when(pl.col("event_id") == "e7").then(pl.lit("stolen")))
    write_deltalake(lake.uri(Events), rows.collect().to_arrow(), mode="overwrite")


@pytest.mark.parametrize("how", ["its file", "the table"])
def test_an_event_that_was_changed_in_place_is_told_each_night_until_it_is_restored(lake, tmp_path, how):
    shutil.copytree(lake.uri(Events), tmp_path / "backup")
    change_file(lake, holding(lake, "e7")) if how == "its file" else change_table(lake)
    for _ in range(2):
        (told,) = find_changed(Lake(lake.root))
        assert told.startswith("batch 2 (")
        assert "second.ndjson" in told
        assert "one or more of its events were changed since they were landed" in told

    shutil.rmtree(lake.uri(Events))
    shutil.copytree(tmp_path / "backup", lake.uri(Events))
    assert find_changed(Lake(lake.root)) == ()


def test_files_that_are_as_they_were_are_not_read_again(lake, monkeypatch):
    read = []
    real = changed_files._verify
    monkeypatch.setattr(changed_files, "_verify", lambda *given: read.append(sorted(given[2])) or real(*given))
    assert find_changed(Lake(lake.root)) == ()
    put(lake, "third", range(10, 12))
    assert find_changed(Lake(lake.root)) == ()
    assert find_changed(Lake(lake.root)) == ()
    maintain(lake)
    assert find_changed(Lake(lake.root)) == ()
    assert read[0] == [3]
    assert all(numbers == [1, 2, 3] for numbers in read[1:])


def test_what_somebody_else_says_was_verified_counts_for_nothing(lake, tmp_path):
    book = lake.path(keys.FOLDER, changed_files.FILE)
    path = holding(lake, "e7")
    change_file(lake, path)
    said = json.loads(book.read_bytes())["verified"]
    state = path.stat()
    name = str(path.relative_to(lake.uri(Events)))
    said["files"][name] = [state.st_ino, state.st_size, state.st_ctime_ns]
    foreign = signing.sign(said, signing.signing_key(tmp_path / "foreign"))
    for signature in (json.loads(book.read_bytes())["signature"], foreign, {}):
        book.write_text(json.dumps({"verified": said, "signature": signature}))
        assert len(find_changed(Lake(lake.root))) == 1
    book.write_text("[" * 10_000)
    assert len(find_changed(Lake(lake.root))) == 1


def test_what_is_missing_or_foreign_is_told_elsewhere(lake):
    row = lake.scan(Events).filter(event_id="e2").collect()
    write_deltalake(lake.uri(Events), row.with_columns(event_id=pl.lit("forged")).to_arrow(), mode="append")
    assert find_changed(Lake(lake.root)) == ()
    assert "7 are there" in " ".join(batches.verify(Lake(lake.root)).problems)
