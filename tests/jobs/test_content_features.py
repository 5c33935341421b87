"""Hooks, lengths and features of texts: every example of every rule, and texts that are unlike the examples."""

import time
from pathlib import Path

import polars as pl
import pytest

from jobs.drawn import day, frame
from kaizenlake import tables
from kaizenlake.jobs._text_rules import HOOK_RULES, TEXT_RULES, as_plain, words
from kaizenlake.jobs.content_features import content_features, length_band
from kaizenlake.tables import ContentFeatures, Performance
from kaizenlake.tables.content import LENGTH_BANDS, TEXT_FEATURES

HEADLINES = Path(__file__).parents[3] / "shared" / "data" / "upworthy_headline_tests.csv"
RULES = [*(("feature", rule) for rule in TEXT_RULES), *(("hook", rule) for rule in HOOK_RULES)]


def compute(rows):
    schema = {
        "event_type": "PERFORMANCE_RECORDED",
        "occurred_at": day(0.5),
        "event_date": day(0).date(),
        "content_id": "c",
        "platform": "x",
    }
    records = frame(
        Performance, [schema | {"event_id": f"e{i}", "content_id": f"c{i}"} | row for i, row in enumerate(rows)]
    )
    return tables.check(ContentFeatures, content_features(records, as_of=day(365)).collect()).sort("content_id")


def features(text, **row):
    return compute([{"text": text} | row]).row(0, named=True)


def test_the_rules_are_the_features_of_the_table():
    assert tuple(rule.name for rule in TEXT_RULES) == TEXT_FEATURES
    assert len({rule.name for rule in HOOK_RULES}) == len(HOOK_RULES)


@pytest.mark.parametrize("rule", [rule for _, rule in RULES], ids=[f"{kind}-{rule.name}" for kind, rule in RULES])
def test_the_examples_of_a_rule(rule):
    assert rule.meaning.endswith(".")
    assert len(rule.holds) >= 3
    assert len(rule.fails) >= 2
    texts = pl.DataFrame({"text": [*rule.holds, *rule.fails]}).with_columns(plain=as_plain(pl.col("text")))
    found = texts.select("text", holds=rule.of(pl.col("plain"), pl.col("plain").str.to_lowercase()).fill_null(False))
    expected = [(text, text in rule.holds) for text in texts["text"]]
    assert found.rows() == expected


@pytest.mark.parametrize(
    ("text", "hook"),
    [
        ("5 ways to sleep better?", "question"),  # the first rule that holds
        ("How to Sleep", "how_to"),
        ("5 ways to sleep", "list"),
        ("Watch how to sleep", "command"),
        ("20% off for 5 days", "offer"),
        ("Sleep well", None),
    ],
)
def test_the_first_rule_that_holds_names_the_hook(text, hook):
    row = features(text)
    assert (row["hook_type"], row["hook_source"]) == (hook, "text" if hook else None)


def test_the_hook_of_the_event_stands():
    row = features("Why now?", hook_type="teaser")
    assert (row["hook_type"], row["hook_source"], row["question"]) == ("teaser", "event", True)
    row = features(None, hook_type="teaser")
    assert (row["hook_type"], row["hook_source"], row["question"]) == ("teaser", "event", None)


@pytest.mark.parametrize("text", [None, "", "  \n\t ", "\u200b", "\u00a0", "https://a.example/?q=1"])
def test_without_a_text_nothing_is_known(text):
    row = features(text)
    assert {row[name] for name in (*TEXT_FEATURES, "length_words", "length_band", "hook_type", "hook_source")} == {None}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One two three", 3),
        ("Don’t stop — it’s state-of-the-art", 4),  # a dash is no word
        ("a\nb\tc  d", 4),
        ("🔥🔥", 1),
        ("🔥 Sale 🔥", 1),
        ("Привет, мир", 2),
        ("see https://a.example/x now", 2),
    ],
)
def test_words(text, count):
    assert pl.select(words(as_plain(pl.lit(text)))).item() == count
    assert features(text)["length_words"] == count


def test_length_bands_join_without_a_gap():
    lengths = pl.DataFrame({"n": [1, 5, 6, 10, 11, 15, 16, 25, 26, 50, 51, 4_000, None]}, schema={"n": pl.Int64})
    found = lengths.select(band=length_band(pl.col("n")))["band"].to_list()
    assert found == [band for band in LENGTH_BANDS for _ in "12"] + [None]


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Don’t", "Don't"),
        ("Don&#39;t &amp; can&rsquo;t", "Don't & can't"),
        ("“Yes”", '"Yes"'),
        ("wait…", "wait..."),
        ("zero\u200bwidth", "zerowidth"),
        ("&lt;b&gt; <b>bold</b>", "&lt;b&gt; <b>bold</b>"),  # markup is text
    ],
)  # fmt: skip
def test_texts_are_read_as_people_see_them(written, plain):
    assert pl.select(as_plain(pl.lit(written))).item() == plain


def test_curly_and_straight_quotes_say_the_same():
    curly, straight = features("“You don’t know,” she said"), features('"You don\'t know," she said')
    assert {key: curly[key] for key in TEXT_FEATURES} == {key: straight[key] for key in TEXT_FEATURES}
    assert curly["negation"]
    assert curly["quotation"]


def test_a_long_hostile_text_is_read_in_linear_time():
    def seconds(length):
        texts = [
            unit * (length // len(unit)) for unit in ("'a ", '"', "1. ", "the most ", "how to ", "a" * 50 + "n't ")
        ]
        began = time.process_time()
        compute([{"text": text} for text in texts])
        return time.process_time() - began

    seconds(1_000)
    assert seconds(20_000) < 2.0


def test_the_text_is_that_of_the_latest_record_of_the_day():
    rows = [
        {"content_id": "c", "occurred_at": day(0.9), "text": "Why?"},
        {"content_id": "c", "occurred_at": day(0.1), "text": "No."},
    ]
    assert compute(rows).select("question", "negation").rows() == [(True, False)]


@pytest.mark.skipif(not HEADLINES.exists(), reason="needs the Upworthy headlines of ../shared/data")
def test_real_headlines_spread_over_the_hooks():
    texts = pl.read_csv(HEADLINES, columns=["headline"])["headline"].unique()
    found = compute([{"text": text} for text in texts])
    hooks = found["hook_type"].value_counts(normalize=True)
    shares = dict(hooks.iter_rows())
    assert shares[None] < 0.35, "a rule names the hook of two headlines in three"
    assert max(share for hook, share in shares.items() if hook) < 0.30, "no hook swallows the others"
    assert set(shares) - {None} == {rule.name for rule in HOOK_RULES}
    for name in TEXT_FEATURES:
        assert 0.002 < found[name].mean() < 0.5, name
