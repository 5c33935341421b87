"""The rules of texts: each holds of its examples, and none is stopped by what stands in a text."""

import re

import pytest

from kaizenlake.context.texts.features import find_rules, find_terms, meanings, read_text
from kaizenlake.context.texts.text_forms import FORM_RULES
from kaizenlake.context.texts.word_lists import WORD_LISTS


@pytest.mark.parametrize("rule", meanings().values(), ids=lambda rule: rule.name)
def test_a_rule_holds_of_its_examples(rule):
    for example in rule.examples:
        assert rule.name in find_rules(read_text(example)), example
    assert rule.meaning.endswith(".")


def test_names_of_rules_and_lists_are_told_once():
    names = [rule.name for rule in FORM_RULES] + [name for name, _, _ in WORD_LISTS]
    assert len(names) == len(set(names)) > 165


@pytest.mark.parametrize(
    ("text", "holds", "fails"),
    [
        ("Is it?", {"question mark", "question first"}, {"exclamation mark", "at least 6 words"}),
        ("In 1959 he won.", {"year", "digits", "words: he"}, {"number 100 and more", "number first"}),
        ("A 9-year-old", {"age", "a or an first"}, {"year"}),
        ("See https://a.example/p?id=1959", {"command first"}, {"question mark", "year"}),
        ("U.S. news, 5,000 strong", {"number 100 and more", "comma"}, {"two commas"}),
        ("Right now!", {"words: today", "exclamation mark"}, {"words: never"}),
        ("", set(), {"question mark", "short words"}),
    ],
)
def test_what_holds_and_what_does_not(text, holds, fails):
    found = find_rules(read_text(text))
    assert holds <= found
    assert not fails & found


def test_other_languages_meet_the_rules_of_every_language_alone():
    found = find_rules(read_text("Was willst du?"), is_english=False)
    assert "question mark" in found
    assert not any(name.startswith("words:") for name in found)


@pytest.mark.parametrize("text", ["\x00", "\ud800", "'" * 5000, "((((" * 2000, "a\u202eb", "9" * 4000, "..! " * 900])
def test_hostile_texts_are_read_in_a_moment(text):
    read = read_text(text)
    assert len(read.plain) <= 1000
    assert find_rules(read) is not None
    assert all(re.search(r"\w", term) for term in find_terms(read))
