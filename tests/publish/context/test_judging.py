"""What is said of one value in one scope: own experiments, own observation, then what others found."""

import pytest

from kaizenlake.publish.context.judgement import Uses, ValueFinding, judge


def finding(basis, verdict, *, comparisons=5, lift=0.2, pattern_type="hook_type", value="question", **columns):
    return ValueFinding(
        pattern_type=pattern_type,
        value=value,
        basis=basis,
        table="gold.patterns",
        observations=40,
        verdict=verdict,
        comparisons=comparisons,
        shrunk_lift=lift,
        **columns,
    )


@pytest.mark.parametrize(
    ("whole", "own", "verdict", "is_borrowed"),
    [
        (("observation", "works"), ("experiment", "unclear"), "unclear", False),
        (("experiment", "works"), ("experiment", "unclear"), "works", True),
        (("experiment", "works"), ("experiment", "risky"), "risky", False),
        (("experiment", "works"), ("observation", "risky"), "unclear", False),
        (("observation", "works"), ("observation", "unclear"), "works", True),
        (("observation", "unclear"), ("experiment", "works"), "works", False),
        (("observation", "works"), None, "works", True),
        (None, ("experiment", "unclear"), "unclear", False),
    ],
)
def test_own_experiments_come_first_then_own_observation_then_what_is_borrowed(whole, own, verdict, is_borrowed):
    found = judge(whole and finding(*whole), own and finding(*own), "project p")
    assert (found.verdict, bool(found.borrowed)) == (verdict, is_borrowed)


def test_two_experiments_of_its_own_do_not_silence_everything():
    found = judge(finding("observation", "works"), finding("experiment", "unclear", comparisons=2), "project p")
    assert (found.verdict, bool(found.borrowed)) == ("works", True)


@pytest.mark.parametrize("own", [None, finding("observation", "unclear")])
@pytest.mark.parametrize(
    ("columns", "uses", "verdict"),
    [
        ({"platforms": ("x", "y")}, {"platforms": {"y"}}, "works"),
        ({"platforms": ("x",)}, {"platforms": {"y"}}, "unclear"),
        ({"platforms": ("x",)}, {}, "works"),
        ({}, {"platforms": {"y"}}, "works"),
        ({"content_types": ("reel",)}, {"platforms": {"y"}, "content_types": {"photo"}}, "unclear"),
        ({"pattern_type": "platform", "value": "x"}, {"platforms": {"y"}}, "unclear"),
        ({"pattern_type": "platform", "value": "x"}, {"platforms": {"x", "y"}}, "works"),
        ({"pattern_type": "content_type", "value": "reel"}, {"content_types": {"photo"}}, "unclear"),
    ],
)
def test_only_what_was_found_where_the_scope_is_is_borrowed(own, columns, uses, verdict):
    used = Uses(**{name: frozenset(values) for name, values in uses.items()})
    assert judge(finding("observation", "works", **columns), own, "project p", used).verdict == verdict
