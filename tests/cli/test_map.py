"""`kaizen map` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from kaizenlake.cli.app import app
from kaizenlake.lake.store import Lake

CASES = Path(__file__).parents[1] / "cases"


def kaizen(*words, code=0):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.stdout


def test_what_map_writes_is_what_land_takes(tmp_path):
    file, mapping, lake = CASES / "gads-preamble-totals" / "gads.csv", tmp_path / "gads.toml", tmp_path / "lake"
    Lake.create(lake)
    told = kaizen("map", file, "--write", mapping, "--lake", lake)
    for words in (
        "AD_RECORDED, PERFORMANCE_RECORDED; 3 of 3 rows",
        "header is row 3",
        "The first events",
        "Stays empty",
    ):
        assert words in told
    assert f"kaizen land {file} --mapping {mapping}" in told.replace("\n", " ")
    landed = kaizen("land", file, "--mapping", mapping, "--lake", lake)
    assert "Landed 1 file, 6 lines = 6 events" in landed
    assert "Missing" not in landed, "figures of ads are those of no post"


def test_map_needs_no_lake_names_a_shipped_mapping_and_speaks_json(tmp_path):
    file = CASES / "meta-post-export" / "ig.csv"
    said = json.loads(kaizen("map", file, "--json", "--lake", tmp_path / "none"))
    assert said["shipped"] in {"meta_instagram_posts", "instagram_insights"}, "both read the export of one header"
    assert {name for item in said["columns"] for name in item["becomes"].split(", ")} >= {
        "content_id",
        "likes",
        "not read",
    }
    assert len(said["events"]) == 2
    assert not (tmp_path / "none").exists()


def test_map_replaces_no_file_and_says_what_is_wrong(tmp_path):
    file = CASES / "meta-post-export" / "ig.csv"
    there = tmp_path / "a.toml"
    there.write_text("mine")
    for words in (("--write", there), ("--write", tmp_path / "a.txt"), ("--zone", "Mars")):
        done = CliRunner().invoke(app, ["map", str(file), *map(str, words)])
        assert done.exit_code != 0
    assert there.read_text() == "mine"
