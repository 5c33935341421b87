"""What a text is made of, as the text model reads it: the rules that hold, its words, and its phrases of two words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from kaizenlake.context.texts.text_forms import FORM_RULES, FormRule, ReadText, read_text
from kaizenlake.context.texts.word_lists import WORD_LISTS

__all__ = ["Meaning", "find_rules", "find_terms", "meanings", "read_text", "seems_english"]


class Meaning(NamedTuple):
    """What a rule says of a text.

    Args:
        name: Name of the rule.
        meaning: What it says, in one sentence.
        examples: Two texts of which it holds.
        is_universal: It reads texts of every language; else English alone.
    """

    name: str
    meaning: str
    examples: tuple[str, str]
    is_universal: bool


@cache
def meanings() -> dict[str, Meaning]:
    """Return every rule by its name.

    >>> meanings()["question mark"].meaning
    'It asks, by a question mark.'
    """
    forms = [Meaning(rule.name, rule.meaning, rule.examples, rule.is_universal) for rule in FORM_RULES]
    lists = []
    for name, meaning, words in WORD_LISTS:
        first, *others = words.replace("-", " ").split(" ")[:2]
        lists.append(Meaning(_list_name(name), meaning, (first, others[0] if others else f"{first} again"), False))
    return {rule.name: rule for rule in (*forms, *lists)}


def find_rules(text: ReadText, *, is_english: bool = True) -> set[str]:
    """Return the names of the rules that hold of a text.

    >>> sorted(find_rules(read_text("Why?")))[:3]
    ['question first', 'question mark', 'question word first']

    Args:
        text: The text as `read_text` reads it.
        is_english: Whether rules that read English alone are to read it.
    """
    found = {rule.name for rule in _forms(is_english=is_english) if rule.holds(text)}
    if is_english:
        words, phrases = _words()
        for word in text.words:
            found.update(words.get(word, ()))
        if phrases:
            for pair in pairwise(text.words):
                found.update(phrases.get(pair, ()))
    return found


def find_terms(text: ReadText) -> set[str]:
    """Return the words of a text and its phrases of two words, in lower case.

    >>> sorted(find_terms(read_text("Go home!")))
    ['go', 'go home', 'home']
    """
    return {*text.words, *map(" ".join, pairwise(text.words))}


_OFTEN_ENGLISH = frozenset(["the", "and", "this", "you", "that", "with", "what", "of", "it's"])


def seems_english(texts: Iterable[ReadText]) -> bool:
    """Return whether most of many texts are in English, by words that hardly a sentence of it lacks.

    >>> seems_english(map(read_text, ["What you need", "The day"])), seems_english([read_text("Was du brauchst")])
    (True, False)
    """
    found = [not _OFTEN_ENGLISH.isdisjoint(text.words) for text in texts]
    return sum(found) * 2 > len(found)


@cache
def _forms(*, is_english: bool) -> tuple[FormRule, ...]:
    return tuple(rule for rule in FORM_RULES if is_english or rule.is_universal)


@cache
def _words() -> tuple[dict[str, tuple[str, ...]], dict[tuple[str, str], tuple[str, ...]]]:
    """Return the names of the lists that each word, and each phrase, is of."""
    words: dict[str, tuple[str, ...]] = {}
    phrases: dict[tuple[str, str], tuple[str, ...]] = {}
    for name, word in _of_lists():
        words[word] = (*words.get(word, ()), _list_name(name))
        first, dash, second = word.partition("-")
        if dash:
            phrases[first, second] = (*phrases.get((first, second), ()), _list_name(name))
    return words, phrases


def _of_lists() -> Iterator[tuple[str, str]]:
    for name, _, words in WORD_LISTS:
        for word in words.split():
            yield name, word


def _list_name(name: str) -> str:
    """Return what a list of words is called among rules."""
    return f"words: {name.replace('_', ' ')}"


_IDEAS = {
    "at least": "length",
    "question": "question mark",
    "quotation": "quotation",
    "long quotation": "quotation",
    "ellipsis": "dots at a break",
    "number": "number",
    "digits": "number",
    "two abstract": "abstract words",
    "two commas": "comma",
    "three sentences": "two sentences",
    "short words": "length of words",
    "long words": "length of words",
    "a very long": "length of words",
}
"""What several rules say together, by how their names begin."""


@cache
def _idea_of_rule(name: str) -> str:
    # A question word is none of the question mark.
    if name == "question word first":
        return name
    return next((idea for begin, idea in _IDEAS.items() if name.startswith(begin)), name)


def idea_of(name: str, *, is_rule: bool) -> str:
    """Return the idea that a rule or term stands for, under which people read it once.

    >>> [idea_of("question first", is_rule=True), idea_of("she", is_rule=False), idea_of("kale", is_rule=False)]
    ['question mark', 'words: she', 'kale']
    """
    if is_rule:
        return _idea_of_rule(name)
    lists = _words()[0].get(name)
    return lists[0] if lists else name
