"""What is recommended: at most five, tested before observed, one of a topic, each with its effect and how sure that is."""

import polars as pl
import pytest

from kaizenlake.report.kaizen.recommendations import ACTIONS, MOST, format_command, recommend
from kaizenlake.tables import Findings, LearnedValue, Patterns, TextEffects
from publish.hostile_frames import hostile
from publish.learning_documents import frames as learning
from publish.report_frames import frame, full, scan_of


def test_each_action_gives_its_strongest_first_and_tested_ones_are_done_or_stopped():
    held = full()
    held[Patterns] = held[Patterns].with_columns(shrunk_lift="lift")
    found = recommend(scan_of(held))
    assert [item.action for item in found] == sorted((item.action for item in found), key=ACTIONS.index)
    assert len(found) == MOST
    assert [item.what for item in found] == [
        "Write posts with hook type “curiosity”.",
        "Write posts with a negation.",
        "Stop writing posts with 1-5 words.",
        "Stop writing posts with hook type “question”.",
        "Test posts with a number in more experiments.",
    ]
    first = found[0]
    assert first.effect == "+9.2% (+5.8% to +12.7%) in the rate of posts with it"
    assert first.certainty == "almost certain: tested in 611 experiments"
    assert first.sentence.startswith("Do: Write posts with hook type “curiosity”. Expected: +9.2%")


def test_what_was_only_observed_is_never_done_nor_stopped():
    held = full()
    held[Findings] = held[Findings].filter(~pl.col("kind").str.starts_with("tested"))
    held[Patterns] = held[Patterns].filter(pl.col("evidence") == "observation")
    found = recommend(scan_of(held))
    assert {item.action for item in found} == {"test next"}
    assert all("observed over" in item.certainty and item.basis == "observation" for item in found)
    assert len({item.topic for item in found}) == len(found) == 4


def test_nothing_known_recommends_nothing():
    assert recommend(scan_of({})) == ()


def test_a_canary_that_broke_a_guardrail_is_stopped_by_a_command():
    found = [item for item in recommend(scan_of(learning())) if item.command]
    assert found
    for item in found:
        assert item.command[:2] == ("kaizen", "policy")
        assert format_command(item.command).startswith("kaizen policy ")


def effects(**changes):
    row = {
        "model": "", "kind": "rule", "term": "question mark", "meaning": "It asks.", "examples": ["Why?"],
        "effect": -0.08, "ci_low": -0.12, "ci_high": -0.04, "tests": 40,
    }  # fmt: skip
    return {
        LearnedValue: frame(LearnedValue, [{"model": "", "status": changes.pop("status", "usable")}]),
        TextEffects: frame(TextEffects, [row | changes]),
    }


def test_a_usable_text_model_tells_of_wording_in_place_of_patterns():
    found = recommend(scan_of(full() | effects()))
    assert "Avoid wording of which this holds: it asks (such as “Why?”)." in [item.what for item in found]
    assert not [item for item in found if "hook type “question”" in item.what], "one of a topic is told"


@pytest.mark.parametrize("changes", [{"status": "no_model"}, {"ci_high": 0.01}, {"model": "acme"}, {"kind": "word"}])
def test_wording_is_told_only_where_it_is_known(changes):
    assert not [item for item in recommend(scan_of(effects(**changes))) if item.section == "wording"]


def test_hostile_text_is_one_line_and_makes_no_command_that_differs_from_what_is_shown():
    for item in recommend(scan_of(hostile(learning(), kept={"kind", "figures", "verdict", "sentence"}))):
        assert "\n" not in item.sentence
        assert "\x00" not in item.sentence
        assert "\u202e" not in format_command(item.command)
    assert format_command(("kaizen", "policy", "approve", "a\u202eb", "1")) == ""
    assert format_command(("kaizen", "task", "approve", "$(rm -rf /)")) == "kaizen task approve '$(rm -rf /)'"
