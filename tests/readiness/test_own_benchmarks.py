"""A team's own benchmarks: files of a folder that the settings name, checked by the published schema, beside those that ship."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
import pytest

from kaizenlake import judge, settings
from kaizenlake.errors import SettingsError, UsageError
from kaizenlake.jobs.agency.pack_readiness import pack_readiness
from kaizenlake.jobs.agency.section_readiness import section_readiness
from kaizenlake.parameters import OwnBenchmarks
from kaizenlake.readiness.benchmarks import FOLDER_VARIABLE, judging_by, packs, read_pack
from kaizenlake.tables import Packs, schema

AT = datetime(2026, 11, 2, tzinfo=UTC)
OWN = {"pack": "our_pack", "core_sections": ["intro"], "sections": {"intro": {"min_words": 3}}}
STRICTER = {"pack": "quick_social_basic", "sections": {"overview": {"min_words": 500}, "footer": {"max_words": 5}}}


@pytest.fixture
def lake(tmp_path):
    """A folder with settings that name two benchmarks."""
    folder = tmp_path / "ours"
    folder.mkdir()
    for held in (OWN, STRICTER):
        (folder / f"section_benchmarks.{held['pack']}.json").write_text(json.dumps(held), encoding="utf-8")
    (tmp_path / settings.FILE_NAME).write_text('[readiness]\nbenchmark_folder = "ours"\n', encoding="utf-8")
    return tmp_path


def test_they_stand_beside_ours_and_a_section_in_place_of_ours(lake):
    shipped = packs()
    with judging_by(settings.load(lake).readiness):
        assert set(packs()) == {*shipped, "our_pack"}
        assert judge("One two.", "our_pack", "intro").verdict == "FAIL"
        assert judge("One two three.", "Our pack", "Intro").verdict == "PASS"
        long = "A word is here. " * 30
        assert judge(long, "quick_social_basic", "overview").failed[0].wanted == 500
        mixed = read_pack("quick_social_basic")
        assert mixed.core_sections == ("overview", "copy_variants", "detailed_30_day_calendar", "final_summary")
        assert {"footer", "final_summary"} <= set(mixed.sections)
    assert packs() == shipped
    assert judge(long, "quick_social_basic", "overview").verdict == "PASS"


def test_jobs_judge_by_them_in_whatever_thread_they_run(lake):
    own = settings.load(lake).readiness
    rows = [
        {"event_id": str(number), "event_type": "SECTION_GENERATED", "occurred_at": AT, "pack_key": "our_pack"}
        | {"event_date": AT.date(), "section_id": "intro", "text": text}
        for number, text in enumerate(["One two three.", "One."])
    ]
    frame = pl.LazyFrame(rows, schema={name: dtype for name, dtype in schema(Packs).items() if name != "batch"})
    judged = section_readiness(frame, as_of=datetime(2026, 12, 1, tzinfo=UTC), readiness=own)
    assert sorted(judged.collect()["verdict"]) == ["FAIL", "PASS"]
    (row,) = pack_readiness(frame, judged, as_of=datetime(2026, 12, 1, tzinfo=UTC), readiness=own).collect().to_dicts()
    assert (row["has_benchmark"], row["verdict"], row["is_ready"]) == (True, "FAIL", False)
    without = section_readiness(frame, as_of=datetime(2026, 12, 1, tzinfo=UTC)).collect()
    assert without.is_empty()


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "Expected a benchmark of the pack 'our_pack'"),
        (json.dumps(OWN | {"pack": "other"}), "found 'other'"),
        (json.dumps(OWN | {"sections": {"intro": {"min_words": "3"}}}), "sections/intro/min_words"),
        (json.dumps(OWN | {"sections": {"intro": {"least": 3}}}), "least"),
    ],
)
def test_what_breaks_the_schema_is_told_with_its_file(lake, held, words):
    file = lake / "ours" / "section_benchmarks.our_pack.json"
    file.write_text(held, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        settings.load(lake)
    assert words in str(refused.value)
    assert file.name in str(refused.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sections": {"intro": {"min_words": 3, "max_words": 1}}}, "more than the most"),
        ({"sections": OWN["sections"] | {"In tro": {}}}, "'in_tro'"),
        ({"core_sections": ["body"]}, "'body' has no benchmark"),
    ],
)
def test_what_the_schema_cannot_say_is_refused_too(change, words):
    with pytest.raises(UsageError, match=words), judging_by(OwnBenchmarks(benchmarks={"our_pack": OWN | change})):
        pass


def test_a_program_without_a_lake_names_the_folder_by_a_variable(lake, monkeypatch):
    with pytest.raises(UsageError):
        judge("One two three.", "our_pack", "intro")
    monkeypatch.setenv(FOLDER_VARIABLE, str(lake / "ours"))
    assert judge("One two three.", "our_pack", "intro").verdict == "PASS"


def test_a_folder_without_benchmarks_is_told(lake):
    (lake / settings.FILE_NAME).write_text('[readiness]\nbenchmark_folder = "nowhere"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="no section_benchmarks"):
        settings.load(lake)
