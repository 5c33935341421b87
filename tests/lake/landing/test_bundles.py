"""Bundles: a run with its files, marks and costs lands once; whatever leads out of a bundle is refused, and nothing of it lands."""

import hashlib
import json
import os
from datetime import UTC, datetime
from zipfile import ZipFile, ZipInfo

import polars as pl
import pytest

from jobs.drawn import through
from kaizenlake.events.catalogue import FAMILIES
from kaizenlake.events.decode import decode
from kaizenlake.jobs.training.run_artifacts import run_artifacts
from kaizenlake.jobs.training.training_examples import training_examples
from kaizenlake.lake.landing import bundles
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.tables import Events, LearningLog, Runs

TEXT = "The flight is booked for Monday, with a seat at the aisle."
NOW = datetime(2026, 12, 1, tzinfo=UTC)
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def manifest(**more):
    return {
        "kaizen_bundle": 1,
        "occurred_at": "2026-11-28T10:00:00Z",
        "run": {"run_id": "run-7", "doer": "planner", "gates_passed": 3, "gates_total": 3},
        "costs": {"cost_usd": 0.12},
        "task": {"task_type": "booking", "input": "Book a flight.", "output": {"artifact": "out/answer.md"}},
        "assessments": [{"scorer": "judge", "quality_score": 91, "confidence": 0.95, "labels": ["good"]}],
        "artifacts": [{"path": "out/answer.md", "sha256": sha(TEXT), "role": "output"}],
    } | more


def put(folder, told=None, text=TEXT):
    (folder / "out").mkdir(parents=True, exist_ok=True)
    (folder / "out/answer.md").write_text(text)
    (folder / "bundle.json").write_text(json.dumps(manifest() if told is None else told))
    return folder


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def silver(lake):
    rows = lake.scan(Events).collect().lazy()
    by_name = {family.name: family for family in FAMILIES}
    return {LearningLog: decode(rows, by_name["learning_log"]), Runs: decode(rows, by_name["runs"])}


def test_a_bundle_lands_once_and_its_files_are_kept_by_their_hash(lake, tmp_path):
    bundle = put(tmp_path / "bundle")
    assert land(lake, [bundle], now=NOW).landed == 5
    again = land(lake, [bundle], now=NOW)
    assert (again.landed, again.duplicate, again.quarantined) == (0, 5, 0)
    assert bundles.artifact_path(lake, sha(TEXT)).read_text() == TEXT
    given = silver(lake)
    (kept,) = through(run_artifacts, as_of=LATER, given=given).iter_rows(named=True)
    assert (kept["trace_id"], kept["artifact_sha256"], kept["artifact_name"]) == ("run-7", sha(TEXT), "out/answer.md")
    (example,) = through(training_examples, as_of=LATER, given=given).iter_rows(named=True)
    # What came out is what the file holds, the mark is the judge's: curation reads the bundle.
    assert (example["output_text"], example["quality_score"], example["labels"]) == (TEXT, 91, ["good"])
    assert given[Runs].filter(event_type="RUN_COMPLETED").collect()["cost_usd"].to_list() == [0.12]


def test_a_zip_file_is_read_as_a_folder_is(lake, tmp_path):
    with ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("bundle.json", json.dumps(manifest()))
        archive.writestr("out/answer.md", TEXT)
    assert land(lake, [tmp_path / "b.zip"], now=NOW).landed == 5


def named(path):
    return manifest(artifacts=[{"path": path, "sha256": sha(TEXT)}], task=None)


def no_files(lake):
    return not lake.path("artifacts").exists() and lake.scan(Events).collect().is_empty()


@pytest.mark.parametrize(
    "path",
    ["../secret", "out/../../secret", "/etc/passwd", "out//answer.md", "./out/answer.md", "..\\secret", "C:secret", "out/\0", "out"],
)  # fmt: skip
def test_what_leads_out_of_a_bundle_is_refused(lake, tmp_path, path):
    (tmp_path / "secret").write_text(TEXT)
    found = land(lake, [put(tmp_path / "bundle", named(path))], now=NOW)
    assert "E7005" in found.left[0][1]
    assert found.unread
    assert no_files(lake)


@pytest.mark.parametrize("of", ["file", "folder", "pipe"])
def test_no_link_and_no_pipe_is_followed(lake, tmp_path, of):
    bundle = put(tmp_path / "bundle")
    (tmp_path / "else").mkdir()
    (tmp_path / "else/answer.md").write_text(TEXT)
    (bundle / "out/answer.md").unlink()
    if of == "file":
        (bundle / "out/answer.md").symlink_to(tmp_path / "else/answer.md")
    elif of == "folder":
        (bundle / "out").rmdir()
        (bundle / "out").symlink_to(tmp_path / "else")
    else:
        os.mkfifo(bundle / "out/answer.md")
    assert "E7005" in land(lake, [bundle], now=NOW).left[0][1]
    assert no_files(lake)


def test_a_link_in_a_zip_file_and_a_file_that_is_there_twice_are_refused(lake, tmp_path):
    link = ZipInfo("out/answer.md")
    link.external_attr = 0o120777 << 16
    with ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("bundle.json", json.dumps(manifest()))
        archive.writestr(link, "/etc/passwd")
    assert "E7005" in land(lake, [tmp_path / "b.zip"], now=NOW).left[0][1]
    with ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("bundle.json", json.dumps(manifest()))
        archive.writestr("out/answer.md", TEXT)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("out/answer.md", TEXT)
    assert "2 times" in land(lake, [tmp_path / "c.zip"], now=NOW).left[0][1]
    assert no_files(lake)


def test_a_file_that_is_too_large_or_another_than_its_hash_is_refused(lake, tmp_path, monkeypatch):
    assert "not what its SHA-256" in land(lake, [put(tmp_path / "a", text="other")], now=NOW).left[0][1]
    monkeypatch.setattr(bundles, "ARTIFACT_BYTES", 10)
    assert "larger than 10 bytes" in land(lake, [put(tmp_path / "b")], now=NOW).left[0][1]
    assert no_files(lake)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("[]", "object"),
        ("{", "truncated"),
        (json.dumps(manifest(kaizen_bundle=2)), "kaizen_bundle"),
        (json.dumps(manifest(run={"doer": "a"})), "run_id"),
        (json.dumps(manifest(costs={"cost_usd": 1, "salary": 2})), "salary"),
        (json.dumps(manifest(run={"run_id": "r", "doer": "d", "cost_usd": 3})), "told by run and by costs"),
        (json.dumps(manifest(artifacts=manifest()["artifacts"] * 2)), "twice"),
        (json.dumps(manifest(artifacts=[])), "no artifact"),
        (json.dumps(manifest(more=1)), "more"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_with_its_reason(lake, tmp_path, told, words):
    bundle = put(tmp_path / "bundle")
    (bundle / "bundle.json").write_text(told)
    (refused,) = land(lake, [bundle], now=NOW).left
    assert "E7004" in refused[1]
    assert words in refused[1]
    assert no_files(lake)


def test_an_event_that_breaks_its_declaration_waits_in_quarantine_and_the_others_land(lake, tmp_path):
    told = manifest(assessments=[{"scorer": "judge", "quality_score": 1000, "confidence": 0.9}])
    found = land(lake, [put(tmp_path / "bundle", told)], now=NOW)
    assert (found.landed, found.quarantined) == (3, 1)


def test_a_text_that_is_no_text_is_refused(lake, tmp_path):
    bundle = put(tmp_path / "bundle")
    (bundle / "out/answer.md").write_bytes(b"\xff\xfe")
    told = manifest()
    told["artifacts"][0]["sha256"] = hashlib.sha256(b"\xff\xfe").hexdigest()
    (bundle / "bundle.json").write_text(json.dumps(told))
    assert "UTF-8" in land(lake, [bundle], now=NOW).left[0][1]
    assert isinstance(lake.scan(Events), pl.LazyFrame)
