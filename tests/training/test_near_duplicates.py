"""Near-duplicates are those that comparing every pair finds, and no others; of each cluster one stays."""

from __future__ import annotations

import re
import unicodedata
from itertools import combinations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizenlake.errors import UsageError
from kaizenlake.training import near_duplicates
from kaizenlake.training.shingles import shingle, words
from kaizenlake.training.text_clusters import cluster_texts, near_pairs


def plain_words(text):
    shown = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return re.findall(r"\w+", shown.casefold())


def plain_clusters(texts, threshold):
    """Compare every pair, as the definition says it."""
    sets = []
    for text in texts:
        said = plain_words(text)
        sets.append({tuple(said[k : k + 3]) for k in range(len(said) - 2)} or {tuple(said) or text})
    first = list(range(len(texts)))
    for one, other in combinations(range(len(texts)), 2):
        if len(sets[one] & sets[other]) / len(sets[one] | sets[other]) >= threshold:
            old, new = max(first[one], first[other]), min(first[one], first[other])
            first = [new if label == old else label for label in first]
    return first


WORDS = st.sampled_from(["a", "b", "Straße", "STRASSE", "ﬁn", "fin", "x\u00ad", "x", "1", "_", "é", "e\u0301", "日本"])
TEXTS = st.lists(WORDS, max_size=14).map(" ".join)


@st.composite
def families_of_texts(draw):
    """Texts, and others that differ from them in a few words."""
    texts = draw(st.lists(TEXTS, min_size=1, max_size=4))
    for _ in range(draw(st.integers(0, 14))):
        said = draw(st.sampled_from(texts)).split(" ")
        for _ in range(draw(st.integers(0, 2))):
            said[draw(st.integers(0, len(said) - 1))] = draw(WORDS)
        texts.append(draw(st.sampled_from((" ", ", ", "-"))).join(said))
    return texts


@settings(max_examples=150, deadline=None)
@given(families_of_texts(), st.sampled_from([0.4, 0.5, 0.8, 0.8, 1.0]))
def test_clusters_are_those_that_comparing_every_pair_finds(texts, threshold):
    assert cluster_texts(pl.Series(texts), threshold).tolist() == plain_clusters(texts, threshold)


@pytest.mark.parametrize("slots", [1, 3, 8])
def test_clusters_of_many_texts_of_one_template_are_those_of_every_pair(slots):
    base = [f"word{place}" for place in range(40)]
    texts = [
        " ".join(
            f"slot{copy * slots + place % slots}" if place % 37 < slots and copy % 3 else word
            for place, word in enumerate(base)
        )
        for copy in range(40)
    ]
    assert cluster_texts(pl.Series(texts)).tolist() == plain_clusters(texts, 0.8)


@given(TEXTS | st.text(max_size=40))
def test_words_are_those_of_the_definition(text):
    assert words(text) == plain_words(text)


def test_a_similarity_of_the_threshold_itself_is_near():
    # 9 and 9 shingles, 8 in common: .8.
    texts = ["a b c d e f g h i j k", "a b c d e f g h i j x", "x y c d e f g h i j k"]
    assert near_pairs(texts) == {(0, 1)}
    assert cluster_texts(pl.Series(texts)).tolist() == [0, 0, 2]


def test_hashes_are_the_same_for_ever():
    found = shingle(["The quick brown fox", "Ünï", ""])
    assert found.hashes.tolist() == HASHES
    assert found.ends.tolist() == [2, 3, 4]


HASHES = [1271646137762969402, 17758103725791288746, 371298055461088622, 13067915187859978867]


def frame(*rows):
    return pl.DataFrame(rows, schema=["example_id", "text", "quality_score", "created_at"], orient="row", strict=False)


NEAR = (
    "one two three four five six seven eight nine ten eleven",
    "one two three four five six seven eight nine ten twelve",
)


@pytest.mark.parametrize(
    ("rows", "survivor"),
    [
        ([("b", NEAR[0], 70.0, 1), ("a", NEAR[1], 80.0, 2)], "a"),
        ([("b", NEAR[0], 80.0, 1), ("a", NEAR[1], 80.0, 2)], "b"),
        ([("b", NEAR[0], 80.0, 1), ("a", NEAR[0], 80.0, 1)], "a"),
        ([("b", NEAR[0], None, 1), ("a", NEAR[0], 1.0, 2)], "a"),
        ([("b", NEAR[0], float("nan"), 1), ("a", NEAR[0], 1.0, 2)], "a"),
        ([("b", NEAR[0], 5.0, None), ("a", NEAR[0], 5.0, 2)], "a"),
    ],
)
def test_the_highest_score_stays_then_the_oldest_then_the_first_id(rows, survivor):
    for order in (rows, rows[::-1]):
        found = near_duplicates(frame(*order))
        assert found["example_id"].to_list() == [row[0] for row in order]
        assert set(found["survivor_id"]) == {survivor}
        assert set(found["cluster_id"]) == {"a"}


def test_rows_of_earlier_times_stay():
    newer = frame(("a", NEAR[1], 90.0, 5), ("c", "nothing of that kind at all", 50.0, 5))
    found = near_duplicates(newer, known=frame(("k", NEAR[0], 10.0, 1)))
    assert found.rows() == [("a", "k", "k"), ("c", "c", "c")]


def test_missing_and_blank_texts_are_near_to_none():
    found = near_duplicates(frame(("a", None, 1.0, 1), ("b", None, 1.0, 1), ("c", "!!", 1.0, 1), ("d", "??", 1.0, 1)))
    assert found["cluster_id"].to_list() == ["a", "b", "c", "d"]
    assert near_duplicates(frame().cast({"example_id": pl.String, "text": pl.String})).height == 0


def test_what_cannot_be_asked_is_refused_in_words():
    with pytest.raises(UsageError, match="threshold"):
        near_duplicates(frame(), threshold=0.0)
    with pytest.raises(UsageError, match="created_at is missing"):
        near_duplicates(frame().drop("created_at"))
