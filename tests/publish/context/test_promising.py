"""What is no verdict yet but has a good chance is a lead to test; and what a text model is worth stands in the context."""

import pytest

from kaizenlake.tables import LearnedValue
from publish.context_frames import contexts, documents, pattern

CLEAR = {"lift_ci_low": 0.02, "lift_ci_high": 0.4}
WIDE = {"lift_ci_low": -0.3, "lift_ci_high": 0.9}
WORSE = {"lift_ci_low": -0.35, "lift_ci_high": -0.02}
ROWS = (
    pattern("hook_type", "story", "unclear", lift=0.2, **CLEAR),
    pattern("hook_type", "list", "unclear", lift=0.2, **WIDE),
    pattern("hook_type", "offer", "works", lift=0.1),
    pattern("question", "yes", "unclear", lift=-0.2, **WORSE),
    pattern("urgency", "yes", "unclear", lift=0.25, **CLEAR),
)


def test_a_lead_to_test_stands_between_what_works_and_what_is_unclear():
    made = documents(*ROWS)["everything"]
    context, evidence = made.context, made.evidence
    assert context.high_performing_hooks == ["offer"]
    assert context.grades.works["high_performing_hooks"] == ["offer"]
    assert context.grades.promising == {
        "high_performing_hooks": ["story"],
        "recommended_patterns": ["urgency: yes"],
        "risky_patterns": ["question: yes"],
    }
    assert context.grades.unclear == {"high_performing_hooks": ["list"]}
    said = evidence.not_recommended["high_performing_hooks"]["story"].reason
    assert said.startswith("A lead to test: posts with it fare better with a chance of 9")
    assert "worse" in evidence.not_recommended["recommended_patterns"]["question: yes"].reason


def test_lists_go_on_with_what_is_promising_where_the_setting_says_so():
    context = contexts(*ROWS, publishing={"promising": True})["everything"]
    assert context.high_performing_hooks == ["offer", "story"]
    assert [item.pattern_type for item in context.recommended_patterns] == ["urgency"]
    assert context.risky_patterns == []


@pytest.mark.parametrize(
    "ends",
    [
        {"lift_ci_low": None, "lift_ci_high": None},
        {"lift_ci_low": 0.2, "lift_ci_high": 0.2},
        {"lift_ci_low": -1.0, "lift_ci_high": 0.4},
        {**CLEAR, "shrunk_lift": -0.01},
    ],
)
def test_without_an_interval_that_tells_nothing_is_promising(ends):
    context = contexts(pattern("hook_type", "story", "unclear", lift=0.2, **ends))["everything"]
    assert context.grades.promising == {}
    assert context.grades.unclear == {"high_performing_hooks": ["story"]}


def test_what_a_model_is_worth_stands_in_the_context_and_no_model_is_null():
    model = {"status": "usable", "pair_accuracy": 0.58, "click_gain": 0.08, "judged_experiments": 70}
    made = contexts((LearnedValue, {"model": "", **model}), pattern("hook_type", "story", "works"))
    assert made["everything"].learned_value == {"judged_experiments": 70.0, "pair_accuracy": 0.58, "click_gain": 0.08}
    assert made["everything"].usable["learned_value"]
    assert "learned_value" not in made["everything"].why_empty
    none = contexts((LearnedValue, {"model": "", **model, "status": "no_model"}))
    assert none["everything"].learned_value is None
    assert "did not beat chance" in none["everything"].why_empty["learned_value"]
    assert not none["everything"].usable["learned_value"]
    assert contexts()["everything"].why_empty["learned_value"] == "No experiment compares wordings of it."
