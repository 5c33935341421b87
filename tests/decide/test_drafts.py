"""What a policy may say, how versions follow one another, and that a document has one spelling."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake import signing
from kaizenlake.decide.policies import drafts
from kaizenlake.decide.policies.drafts import PolicyDraft
from kaizenlake.decide.policies.versions import precedence
from kaizenlake.errors import UsageError

ORDERED = (
    "0.0.1", "0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
    "1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0", "2.0.0-0", "2.0.0",
)  # fmt: skip
"""As section 11 of semver.org orders them, and around it."""


def test_versions_come_after_one_another_as_semver_says():
    for one, other in itertools.pairwise(ORDERED):
        assert precedence(one) < precedence(other), (one, other)
    assert precedence("1.0.0+build.5") == precedence("1.0.0")


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.0", "2 numbers"),
        ("1.0.0.0", "4 numbers"),
        ("V1.0.0", "begins with a letter"),
        ("1.02.0", "'02' begins with 0"),
        ("1.x.0", "'x' is no number"),
        ("1.0.0-", "what follows"),
        ("1.0.0-01", "what follows"),
        ("1.0.0-rc..1", "what follows"),
        ("1.0.0 ", "'0 ' is no number"),
        ("1.0.0\n", "is no number"),
        ("", "1 number "),
        ("１.0.0", "is no number"),
        ("1.0.0+" + "a" * 100, "has 106 characters"),
    ],
)
def test_what_is_no_version_says_what_is_wrong(version, said):
    with pytest.raises(UsageError, match=said):
        precedence(version)


GOOD = {"doer": "planner", "version": "1.0.0"}
RULE = {"when": {"phase": "draft"}, "choose": {"a": 0.9, "b": 0.1}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"doer": None}, r"Expected `str`, got `null` - at `\$\.doer`"),
        ({"doers": "x"}, "unknown field `doers`"),
        ({"version": "1"}, "is no semantic version"),
        ({"parent": "1.0.0"}, "does not come after that of its parent"),
        ({"tools_allowlist": ["a", "b", "a"]}, "names 'a' twice"),
        ({"prompts": ["x"]}, r"Expected `object`, got `array` - at `\$\.prompts`"),
        ({"hparams": {"t": float("nan")}}, r"hparams\.t is nan"),
        ({"hparams": {"t": [1, {"u": float("inf")}]}}, r"hparams\.t\[1\]\.u is inf"),
        ({"prompts": {"s": "a\0"}}, r"prompts\.s holds (a NUL character|half of a surrogate pair)"),
        ({"prompts": {"s": "\ud800"}}, r"prompts\.s holds (a NUL character|half of a surrogate pair)"),
        ({"router_rules": {"rules": [RULE], "more": 1}}, "has 'more' beside"),
        ({"router_rules": {"rules": {}}}, "rules is no list"),
        ({"router_rules": {"rules": [{"choose": {"a": 1}}]}}, r"rules\[0\] does not hold `when` and `choose`"),
        ({"router_rules": {"rules": [RULE | {"when": {"phase": [1]}}]}}, r"rules\[0\]\.when does not hold"),
        ({"router_rules": {"rules": [RULE | {"choose": {}}]}}, r"rules\[0\]\.choose names no action"),
        ({"router_rules": {"rules": [RULE, RULE | {"choose": {"a": 0.5}}]}}, r"rules\[1\]\.choose: .* sum to 0\.5"),
        ({"router_rules": {"default": {"a": 1.5, "b": -0.5}}}, r"of 'a' is 1\.5, expected from 0 to 1"),
        ({"router_rules": {"default": {"a": True}}}, "of 'a' is True"),
    ],
)
def test_a_draft_that_is_wrong_says_where(change, said):
    with pytest.raises(UsageError, match=said):
        drafts.check_draft(GOOD | change)


def test_rules_without_probabilities_are_kept_as_they_are():
    rules = {"strategy": "cheapest", "models": ["a", "b"]}
    assert drafts.check_draft(GOOD | {"router_rules": rules}).router_rules == rules
    anywhere = {"rules": [RULE | {"when": {"phase": None}}], "default": {"a": 1}}
    assert drafts.check_draft(GOOD | {"router_rules": anywhere}).router_rules == anywhere
    tenths = {"rules": [RULE], "default": dict.fromkeys("abcdefghij", 0.1)}
    assert drafts.check_draft(GOOD | {"router_rules": tenths}).router_rules == tenths


TOML = """
doer = "planner"
version = "1.0.0"
phase = "draft"
[prompts]
system = "Plan in steps; é."
[hparams]
temperature = 0.2
"""
JSON = '{"version": "1.0.0", "hparams": {"temperature": 0.2}, "phase": "draft", "doer": "planner", "prompts": {"system": "Plan in steps; \\u00e9."}}'


def test_toml_and_json_of_one_policy_have_one_document(tmp_path):
    made = []
    for name, text in (("p.toml", TOML), ("p.json", "\ufeff" + JSON)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        made.append(drafts.document(drafts.read(tmp_path / name), None))
    assert made[0] == made[1]
    assert json.loads(made[0])["policy_id"] == "planner.draft"
    assert signing.canonical(json.loads(made[0])).decode() == made[0]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.toml", "doer = ", "is no TOML"),
        ("p.json", "{", "is no JSON"),
        ("p.json", '{"doer": "a", "doer": "b"}', "'doer' is given twice"),
        ("p.json", "[]", "Expected `object`, got `array`"),
        ("p.json", '{"doer": "a", "version": "1.0.0", "hparams": {"t": NaN}}', r"hparams\.t is nan"),
        ("p.json", "[" * 100_000, "is no JSON"),
        ("p.toml", 'doer = "a"\nversion = "1.0.0"\nhparams = {on = 2026-01-01}', r"hparams\.on is a date"),
        ("p.toml", b"\xff\xfe", "is no TOML"),
        ("missing.toml", None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_policy_says_so(tmp_path, name, text, said):
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError, match=said) as caught:
        drafts.read(tmp_path / name)
    assert caught.value.where == str(tmp_path / name)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(texts, plain, max_size=3), st.dictionaries(texts, plain, max_size=3))
def test_a_document_keeps_what_was_said_and_hashes_alike_only_where_alike(prompts, hparams):
    draft = PolicyDraft(doer="planner", version="1.0.0", prompts=prompts, hparams=hparams)
    document = drafts.document(drafts.check_draft(draft), None)
    said = json.loads(document)
    assert (said["prompts"], said["hparams"]) == (prompts, hparams)
    other = drafts.document(PolicyDraft(doer="planner", version="1.0.0", prompts=prompts), None)
    assert (signing.content_hash(other) == signing.content_hash(document)) == (hparams == {})
