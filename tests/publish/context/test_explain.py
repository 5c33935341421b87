"""The evidence in words."""

from __future__ import annotations

import msgspec
import pytest

from kaizenlake.errors import UsageError
from kaizenlake.publish.context.explain import explain
from kaizenlake.publish.context.sources import RULES
from publish.context_frames import documents, pattern, story


@pytest.fixture(scope="module")
def made():
    return {words: msgspec.to_builtins(one.evidence) for words, one in documents(*story()).items()}


def test_everything_is_explained(made):
    for document in made.values():
        text = explain(document)
        for rule in RULES:
            assert rule.field in text
        for by_value in document["evidence"].values():
            for value, evidence in by_value.items():
                assert value in text
                assert evidence["reason"] in text
        for by_value in document["not_recommended"].values():
            for entry in by_value.values():
                assert entry["reason"] in text


def test_a_value_is_explained_alone(made):
    text = explain(made["everything"], "friendly", {"gold.patterns": 7})
    assert "As observed, and not by experiment, the engagement rate of 40 posts" in text
    assert "+20.0% (95% interval +10.0% to +30.0%)" in text
    assert "corrected p 0.01" in text
    assert "gold.patterns, version 7" in text
    assert "email" not in text


def test_what_was_borrowed_is_said(made):
    text = explain(made["project p1"], "recommended_tones")
    assert "4 contents of project p1 cannot tell alone: the finding is that of everything" in text
    assert "email" not in text


def test_what_was_not_recommended_is_said_with_its_reason(made):
    text = explain(made["everything"], "formal")
    assert "formal for recommended_tones: The difference may be chance, corrected p 0.7 with 0.05 allowed." in text


@pytest.mark.parametrize("asked", ["friendly", "FRIENDLY", "recommended_tones"])
def test_a_field_or_a_value_may_be_asked(made, asked):
    assert "- friendly: " in explain(made["everything"], asked)


@pytest.mark.parametrize("asked", ["second_person", "second_person: yes", "yes"])
def test_a_pattern_without_a_field_of_its_own_is_asked_by_type_or_value(made, asked):
    assert "- second_person: yes: As observed" in explain(made["everything"], asked)


def test_a_risky_pattern_names_its_type(made):
    assert "- hook_type: list: In 6 experiments" in explain(made["everything"], "list")


def test_an_empty_field_is_nothing(made):
    (empty,) = documents().values()
    told = explain(empty.evidence, "recommended_tones")
    assert "recommended_tones: nothing. No post with a known result names one." in told
    assert "confidence 0.0 of 100" in explain(empty.evidence)


def test_an_unknown_value_names_those_there_are(made):
    with pytest.raises(UsageError, match=r"nothing of 'sarcastic'.*'friendly'"):
        explain(made["everything"], "sarcastic")


@pytest.mark.parametrize("document", [{}, {"evidence": []}, {"recommended_tones": []}])
def test_what_is_no_context_is_said_to_be_none(document):
    with pytest.raises(UsageError, match="no evidence of a Kaizen context"):
        explain(document)


def test_a_foreign_document_cannot_steer_the_terminal(made):
    document = {
        **made["everything"],
        "evidence": {"recommended_tones": {"a\x1b[2Jb\nc": {"reason": "a\x1b[2Jb\nc"}}},
    }
    assert "\x1b" not in explain(document)
    assert "a[2Jb c" in explain(document)


def test_few_contents_are_said_to_be_too_few():
    (made,) = documents(pattern("tone", "dry", "unclear", contents=3, q_value=0.4)).values()
    assert "Too few contents: 3, and 10 are needed." in explain(made.evidence, "dry")
