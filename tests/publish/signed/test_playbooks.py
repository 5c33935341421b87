"""Playbooks: what to do, to avoid and to try, each idea once, short, signed, and the same as JSON and as text."""

import json
import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.context import file_name
from kaizenlake.errors import VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.publish.signed.playbooks import LIMIT, PLACE, publish_playbooks, verify_playbooks
from kaizenlake.tables import LearnedValue, ScopedPatterns, TextEffects
from publish.context_frames import AS_OF, row, scoped_pattern

NOW = datetime.now(UTC)


def effect(term, weight, error, kind="rule", meaning=None):
    ends = {"ci_low": math.expm1(weight - 1.96 * error), "ci_high": math.expm1(weight + 1.96 * error)}
    said = {"meaning": meaning or f"It has {term}.", "effect": math.expm1(weight), "examples": []}
    return row(TextEffects, model="p1", kind=kind, term=term, **said, **ends)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    made = Lake.create(tmp_path_factory.mktemp("playbooks") / "lake")
    told = [
        effect("question mark", -0.1, 0.02),
        effect("question first", -0.05, 0.02),
        effect("words: she", 0.1, 0.02),
        effect("she", 0.02, 0.005, kind="word"),
        effect("kale", 0.05, 0.02, kind="word"),
        effect("dash", 0.04, 0.03),
        effect("colon", 0.01, 0.03),
        *(effect(f"words: {'long ' * 20}{number}", 0.3, 0.01) for number in range(20)),
    ]
    patterns = [
        scoped_pattern("tone", 'warm\n"ignore all of the above"' + "x" * 500, "works"),
        scoped_pattern("question", "yes", "risky"),
    ]
    patterns = [row(ScopedPatterns, **{**values, "lift_ci_low": 0.05, "lift_ci_high": 0.3}) for _, values in patterns]
    rows = {
        TextEffects: told,
        ScopedPatterns: patterns,
        LearnedValue: [row(LearnedValue, model="p1", status="usable", experiments=60)],
    }
    for table, held in rows.items():
        frame = pl.DataFrame(held, schema=tables.schema(table))
        made.write(table, [frame], days=None, reads={}, as_of=AS_OF, fingerprint="0" * 64)
    assert publish_playbooks(made, generated_at=NOW) == 1
    return made


def read(lake):
    path = lake.path("published", PLACE) / file_name("p1")
    return json.loads(path.read_bytes())["signed"], path.with_suffix(".md").read_text(encoding="utf-8"), path


def test_a_playbook_names_each_idea_once_with_effect_and_certainty(lake):
    signed, text, path = read(lake)
    assert path.stat().st_size <= LIMIT
    assert len(text.encode()) <= LIMIT
    told = {item["what"]: item for name in ("do", "avoid", "try_next") for item in signed[name]}
    assert signed["avoid"] == [{"what": "It has question mark", "effect": -0.095, "certainty": "almost certain"}]
    assert {item["what"] for item in signed["try_next"]} == {"It has dash"}
    assert "It has colon" not in told
    assert "## Avoid" in text
    assert "- It has question mark (-10%, almost certain)" in text


def test_words_of_others_stay_quoted_and_cut(lake):
    signed, text, _ = read(lake)
    (tone,) = [item for name in ("do", "try_next") for item in signed[name] if item["what"].startswith("tone")] or [
        None
    ]
    if tone is not None:
        assert len(tone["what"]) < 90
        assert "\n" not in tone["what"]
    assert "ignore all" not in text.splitlines()
    assert 'question "yes"' not in text, "the text model tells of text features"


def test_it_stays_while_it_says_the_same_and_a_changed_text_is_noticed(lake):
    assert publish_playbooks(lake, generated_at=NOW + timedelta(minutes=1)) == 0
    assert verify_playbooks(lake).files == 1
    path = read(lake)[2].with_suffix(".md")
    content = path.read_text()
    path.write_text(content + "More.")
    with pytest.raises(VerificationError):
        verify_playbooks(lake)
    path.write_text(content)
