"""A data set is what was given, wherever and whenever it is cut; what is near never lies in two splits."""

from __future__ import annotations

import json
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizenlake.decide.training import datasets
from kaizenlake.decide.training.dataset_files import MANIFEST, ROWS, folder_of
from kaizenlake.errors import UsageError
from kaizenlake.lake.store import Lake
from kaizenlake.training import TrainingExample
from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.splits import assign_splits, measure_diversity, split_of, warn_of_collapse, weigh_classes


def example(number, **fields):
    random = Random(number)
    said = " ".join(random.choices([f"word{place}" for place in range(500)], k=20))
    given = {
        "example_id": f"e{number:03}",
        "input_text": f"Ask {number}",
        "output_text": said,
        "quality_score": 80.0,
        "confidence": 0.9,
        "metadata": {"task_type": "sum" if number % 2 else "mail", "timestamp": "2026-03-01T10:00:00Z"},
        "labels": ["good"],
    }
    return TrainingExample(**given | fields)


EXAMPLES = [example(number) for number in range(60)]


@pytest.fixture
def lake(tmp_path):
    return Lake.create(tmp_path / "lake")


def code_of(raised):
    return raised.value.code


def test_the_same_examples_are_the_same_version_in_any_order_and_any_lake(lake, tmp_path):
    first = datasets.create(lake, "demo", EXAMPLES, by="ann")
    again = datasets.create(lake, "demo", EXAMPLES[::-1], by="bob")
    elsewhere = datasets.create(Lake.create(tmp_path / "other"), "demo", EXAMPLES[::-1], by="ann")
    assert first.version == again.version == "1.0.0"
    assert first.manifest_hash == again.manifest_hash == elsewhere.manifest_hash
    assert first.splits == again.splits == elsewhere.splits
    assert (first.is_new, again.is_new) == (True, False)
    assert sorted(name for names in first.splits.values() for name in names) == [item.example_id for item in EXAMPLES]
    assert list(first.splits) == ["train", "val", "test"]
    with pytest.raises(LearningError, match="other examples") as raised:
        datasets.create(lake, "demo", EXAMPLES[:5], by="ann")
    assert code_of(raised) == "E7202"


def test_an_increment_keeps_what_was_there_and_stores_only_what_is_new(lake):
    first = datasets.create(lake, "demo", EXAMPLES[:30], by="ann")
    near = example(100, output_text=EXAMPLES[3].output_text, input_text="Ask 3")
    second = datasets.add(lake, "demo", [*EXAMPLES[20:], near], by="ann")
    same = datasets.add(lake, "demo", EXAMPLES, by="ann")
    assert (second.version, same.version, same.is_new) == ("1.1.0", "1.1.0", False)
    for name, ids in first.splits.items():
        assert set(ids) <= set(second.splits[name])
    home = next(name for name, ids in second.splits.items() if "e003" in ids)
    assert "e100" in second.splits[home]
    read = datasets.read(lake, "demo")
    assert (read.version, read.rows.height, [item["rows_added"] for item in read.manifests]) == ("1.1.0", 61, [30, 31])
    assert datasets.read(lake, "demo", "1.0.0").rows.height == 30
    assert datasets.verify(lake, "demo") == []
    assert read.rows.filter(example_id="e001")["timestamp"].item().isoformat() == "2026-03-01T10:00:00+00:00"


def test_a_changed_byte_is_found_and_refused(lake):
    made = datasets.create(lake, "demo", EXAMPLES, by="ann")
    file = folder_of(lake, "demo", made.manifest_hash) / ROWS
    file.write_bytes(file.read_bytes().replace(b"word", b"w0rd", 1))
    assert "hash differs" in datasets.verify(lake, "demo")[0]
    with pytest.raises(LearningError, match="was changed") as raised:
        datasets.read(lake, "demo")
    assert code_of(raised) == "E7203"
    manifest = file.with_name(MANIFEST)
    manifest.write_bytes(manifest.read_bytes().replace(b"60", b"61"))
    assert "not the manifest" in datasets.verify(lake, "demo")[0]
    manifest.unlink()
    assert "cannot be read" in datasets.verify(lake, "demo")[0]


def test_what_is_not_there_is_said_with_its_code(lake):
    for call in (datasets.read, datasets.verify):
        with pytest.raises(LearningError, match="no data set 'none'") as raised:
            call(lake, "none")
        assert code_of(raised) == "E7201"
    datasets.create(lake, "demo", EXAMPLES[:1], by="ann")
    with pytest.raises(LearningError, match=r"has 1\.0\.0"):
        datasets.read(lake, "demo", "2.0.0")
    with pytest.raises(UsageError, match="letters"):
        datasets.create(lake, "../demo", EXAMPLES, by="ann")
    with pytest.raises(LearningError, match="needs 5") as raised:
        datasets.find_examples(lake, min_examples=5)
    assert code_of(raised) == "E7501"


@pytest.mark.parametrize("condition", ["nothing", "colour=red", "quality_score=high", "labels>a", "timestamp>soon"])
def test_a_condition_that_is_none_is_refused(lake, condition):
    with pytest.raises(LearningError) as raised:
        datasets.find_examples(lake, [condition])
    assert code_of(raised) == "E7502"


@pytest.mark.parametrize(
    ("condition", "left"),
    [("task_type=sum", 1), ("quality_score>=80", 1), ("quality_score<80", 1), ("labels=b", 1), ("labels!=b", 1),
     ("human_edited=true", 1), ("timestamp>=2026-03-01", 1), ("model=m", 0)],
)  # fmt: skip
def test_conditions_compare_columns(condition, left):
    rows = pl.DataFrame(
        {
            "task_type": ["sum", "mail"], "quality_score": [80.0, 70.0], "labels": [["a"], ["b"]], "model": [None, None],
            "human_edited": [True, None], "timestamp": ["2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z"],
        },
        schema_overrides={"model": pl.String},
    ).with_columns(pl.col("timestamp").str.to_datetime(time_zone="UTC"))  # fmt: skip
    assert rows.filter(datasets._read_condition(condition)).height == left


def frame(texts, start=0):
    return pl.DataFrame(
        {"example_id": [f"x{start + place:02}" for place in range(len(texts))], "text": texts},
        schema={"example_id": pl.String, "text": pl.String},
    )


BASE = [f"b{place}" for place in range(30)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), max_size=20), st.data())
def test_near_texts_share_a_split_in_one_call_and_across_increments(drawn, data):
    texts = [" ".join([f"s{family}"] * 3 + [f"{family}{word}" for word in BASE[: 30 - cut]]) for family, cut in drawn]
    rows = frame(texts)
    whole, bridges = assign_splits(rows)
    assert bridges == []
    shuffled, _ = assign_splits(rows.sample(fraction=1, shuffle=True, seed=1))
    assert whole.equals(shuffled)
    cut = data.draw(st.integers(0, len(texts)))
    first, _ = assign_splits(rows.head(cut))
    known = rows.join(first, on="example_id")
    second, left_out = assign_splits(rows.tail(len(texts) - cut), known)
    every = pl.concat([known, rows.join(second, on="example_id")])
    assert every.height + len(left_out) == len(texts)
    assert (
        every.group_by("cluster_id").agg(pl.col("split").n_unique())["split"].to_list()
        == [1] * every["cluster_id"].n_unique()
    )


def test_what_is_near_to_two_splits_is_left_out():
    said = [f"w{place}" for place in range(40)]
    left, right, middle = " ".join(said[:36]), " ".join(said[4:]), " ".join(said[2:38])
    known = frame([left, right]).with_columns(cluster_id="example_id", split=pl.Series(["train", "test"]))
    placed, bridges = assign_splits(frame([middle, left], 5), known)
    assert bridges == ["x05"]
    assert placed.rows() == [("x06", "x00", "train")]


def test_shares_are_those_of_a_coin():
    drawn = [split_of(f"cluster-{number}") for number in range(4_000)]
    assert [round(drawn.count(name) / 4_000, 1) for name in ("train", "val", "test")] == [0.8, 0.1, 0.1]


def test_a_collapse_of_diversity_is_told():
    before = measure_diversity(pl.Series(["a b c d", "e f g h"]), pl.Series([1, 2]))
    after = measure_diversity(pl.Series(["a a a a", "a a a a"]), pl.Series([1, 1]))
    assert before == {"distinct_1_rate": 1.0, "distinct_2_rate": 1.0, "cluster_rate": 1.0, "entropy_bits": 3.0}
    assert len(warn_of_collapse(before, after)) == 4
    assert warn_of_collapse(before, before) == []
    nothing = measure_diversity(pl.Series([], dtype=pl.String), pl.Series([], dtype=pl.Int64))
    assert set(nothing.values()) == {None}
    assert warn_of_collapse(nothing, before) == []


def test_golden_texts_are_frozen_once(lake):
    from kaizenlake.lake.trust import decisions

    named, is_new = datasets.freeze_texts(lake, "bench", ["What?", "Why?", " "], by="ann")
    assert (datasets.freeze_texts(lake, "bench", ["Why?", "What?"], by="ann"), is_new) == ((named, False), True)
    events = decisions.of(lake).filter(pl.col("event_type") == "GOLDEN_TEXTS_FROZEN").collect()
    assert [json.loads(json.loads(text)["golden_texts"]) for text in events["payload"]] == [["What?", "Why?"]]
    with pytest.raises(UsageError, match="no text"):
        datasets.freeze_texts(lake, "bench", [" "], by="ann")


def test_no_word_of_a_long_golden_text_is_lost(lake):
    from kaizenlake.lake.trust import decisions

    words = [f"word{place}" for place in range(60_000)]
    datasets.freeze_texts(lake, "long", [" ".join(words)], by="ann")
    events = decisions.of(lake).filter(pl.col("event_type") == "GOLDEN_TEXTS_FROZEN").collect()["payload"]
    pieces = [piece for text in events for piece in json.loads(json.loads(text)["golden_texts"])]
    assert len(pieces) > 2
    for place in range(0, len(words) - 13, 7):
        rows = " ".join(words[place : place + 13])
        assert any(rows in piece for piece in pieces)
    with pytest.raises(UsageError, match="fewer than 13 words"):
        datasets.freeze_texts(lake, "long", ["x" * 200_001], by="ann")


def test_class_weights_make_all_labels_count_alike():
    found = weigh_classes(pl.Series("labels", ["a"] * 8 + ["b", "b", None]))
    assert [name for name, *_ in found] == ["a", "b"]
    assert {round(times * weight, 9) for _, times, weight in found} == {5.0}
    assert weigh_classes(pl.Series("labels", [], dtype=pl.String)) == []
