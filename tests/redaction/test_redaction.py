"""What identifies a person is found in texts, and what only looks like it is left alone."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kaizenlake
from kaizenlake.redaction import KINDS, Redactor, redact
from kaizenlake.redaction.kinds import is_card

TEXTS = [json.loads(line) for line in (Path(__file__).parent / "texts.jsonl").read_text("utf-8").splitlines()]
"""Texts written by hand: each with what is to be replaced in it, by kind; a look-alike has nothing."""

RECALL = {"email": 0.995, "phone": 0.95, "card": 0.99, "iban": 0.99, "ssn": 0.99, "ip": 0.95, "secret": 0.98}
"""Least share of what is there that is found."""


def test_what_is_there_is_found_and_nothing_else():
    there, found, hits = defaultdict(int), defaultdict(int), defaultdict(int)
    wrong = []
    for item in TEXTS:
        made = redact([item["text"]])
        for kind, values in item["there"].items():
            there[kind] += len(values)
            hits[kind] += sum(value not in made.texts[0] for value in values)
        for kind, number in made.report.items():
            found[kind] += number
        if made.report != {kind: len(values) for kind, values in item["there"].items()}:
            wrong.append((item["text"], made.texts[0]))
    assert set(there) == set(KINDS)
    assert {kind: hits[kind] / there[kind] >= least for kind, least in RECALL.items()} == dict.fromkeys(KINDS, True), (
        wrong
    )
    assert {kind: hits[kind] / found[kind] >= 0.98 for kind in KINDS} == dict.fromkeys(KINDS, True), wrong


def test_look_alikes_are_left_alone():
    hard = [item["text"] for item in TEXTS if not item["there"]]
    changed = [(text, made) for text, made in zip(hard, redact(hard).texts, strict=True) if text != made]
    assert len(hard) >= 100
    assert len(changed) <= len(hard) * 0.01, changed


HARD = [json.loads(line) for line in (Path(__file__).parent / "hard.jsonl").read_text("utf-8").splitlines()]
"""Texts that were drawn against the rules: each with the kind that stands in it, or none."""


def test_years_versions_and_figures_stay_and_every_spelling_is_found():
    made = [redact([item["text"]]) for item in HARD]
    kinds = [item.get("kind") for item in HARD]
    wrong = [
        one for kind, item, one in zip(kinds, HARD, made, strict=True) if kind is None and one.texts != [item["text"]]
    ]
    missed = [item for kind, item, one in zip(kinds, HARD, made, strict=True) if kind and kind not in one.report]
    assert wrong == []
    assert len(missed) <= 5, missed
    assert min(kinds.count(None), sum(kind is not None for kind in kinds)) >= 60


def test_numbers_of_every_country_are_found_as_they_are_written():
    plain = phonenumbers.PhoneNumberFormat
    spellings = [(plain.INTERNATIONAL, ""), (plain.E164, ""), (plain.RFC3966, ""), (plain.NATIONAL, "Tel. ")]
    examples = [phonenumbers.example_number(region) for region in sorted(phonenumbers.SUPPORTED_REGIONS)]
    texts = [f"{cue}{phonenumbers.format_number(number, form)} today" for number in examples for form, cue in spellings]
    left = [
        text
        for text, made in zip(texts, redact(texts).texts, strict=True)
        if made not in ("[phone] today", "Tel. [phone] today", "tel:[phone] today")
    ]
    assert len(examples) > 200
    assert len(left) <= 15, left  # the shortest numbers of the smallest places


def test_neighbours_do_not_hide_each_other():
    text = "zoe@example.com +49 30 901820 4111 1111 1111 1111 sk-proj-abcdef1234567890abcd DE89370400440532013000"
    assert redact([text]).texts == ["[email] [phone] [card] [secret] [iban]"]
    assert redact(["call 0171 1234567, 0172 7654321 or +49 30 901820 +49 30 901821"]).texts == [
        "call [phone], [phone] or [phone] [phone]"
    ]


def test_an_address_that_was_cut_at_the_end_of_a_long_text_is_one():
    assert redact(["word " * 50 + "ann.smith@exam…"]).texts[0].endswith(" [email]")


def test_texts_keep_their_order_and_none_stays_none():
    made = redact(["a@b.example", None, "nothing", ""])
    assert made.texts == ["[email]", None, "nothing", ""]
    assert made.report == {"email": 1}
    assert kaizenlake.redact is redact


def test_many_texts_and_a_series_give_what_each_alone_does():
    texts = [item["text"] for item in TEXTS]
    alone = [redact([text]).texts[0] for text in texts]
    assert redact(texts).texts == alone
    assert redact(pl.Series(texts)).texts == alone
    assert redact(pl.Series([None] * 100, dtype=pl.String)).texts == [None] * 100


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("Ann@Example.com", "ann@example.COM", True),
        ("+49 30 901820", "0049-30-901820", True),
        ("+49 (0)30 901820", "+4930901820", True),
        ("4111 1111 1111 1111", "4111111111111111", True),
        ("ann@example.com", "bob@example.com", False),
        ("+49 30 901820", "+49 30 901821", False),
    ],
)
def test_a_pseudonym_is_equal_for_equal_persons(one, other, equal):
    made = redact([one, other], mode="pseudonym", salt=b"salt").texts
    assert (made[0] == made[1]) is equal
    assert made != redact([one, other], mode="pseudonym", salt=b"other salt").texts
    assert all(text.startswith("[") and text.endswith("]") and one not in text for text in made)


@pytest.mark.parametrize(
    ("asked", "error", "told"),
    [
        ({"texts": "one text"}, TypeError, "list"),
        ({"texts": [], "mode": "pseudonym"}, ValueError, "salt"),
        ({"texts": [], "mode": "mask"}, ValueError, "placeholder, pseudonym"),
        ({"texts": [], "kinds": ["name"]}, ValueError, "no kind 'name'"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(asked, error, told):
    with pytest.raises(error, match=told):
        redact(**asked)


def test_only_the_kinds_that_are_asked_for_are_replaced():
    assert redact(["a@b.example +49 30 901820"], kinds=["email"]).texts == ["[email] +49 30 901820"]
    assert Redactor(kinds=()).text("a@b.example") == "a@b.example"


def test_a_text_that_comes_again_is_counted_once():
    redactor = Redactor()
    assert redactor.text("a@b.example") == redactor.text("a@b.example") == "[email]"
    assert redactor.counts == {"email": 1}


@pytest.mark.parametrize(
    "written",
    [
        "４１１１ １１１１ １１１１ １１１１",
        "٤١١١ ١١١١ ١١١١ ١١١١",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111–1111–1111–1111",
    ],
)
def test_digits_and_dashes_of_other_alphabets_are_read(written):
    assert redact([f"card {written} now"]).texts == ["card [card] now"]


@pytest.mark.parametrize("hidden", ["\u200b", "\u202e", "\u00ad", "\u2060"])
def test_characters_that_nobody_sees_hide_nothing(hidden):
    text = f"a ann@exam{hidden}ple.com b 4111 {hidden}1111 1111 1111{hidden} c"
    assert redact([text]).texts[0].replace(hidden, "") == "a [email] b [card] c"


@settings(max_examples=150)
@given(st.text(max_size=200))
def test_what_was_redacted_holds_nothing_more(text):
    once = redact([text]).texts
    assert redact(once).texts == once


@given(st.text("0123456789 -+().@/:", max_size=120))
def test_only_what_is_counted_changes(text):
    made = redact([text])
    assert (made.texts[0] == text) is (made.report == {})


@given(st.integers(4 * 10**14, 5 * 10**14 - 1))
def test_a_wrong_last_digit_is_no_card(number):
    right = [digit for digit in range(10) if is_card(f"{number}{digit}")]
    assert len(right) == 1
