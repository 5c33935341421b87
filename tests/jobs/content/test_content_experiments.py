"""Verdicts of experiments on contents: each arm against the other arms of its own test."""

import csv
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.drawn import day, events, frame, through
from kaizenlake.context import allocate
from kaizenlake.jobs.content.content_experiments import content_experiments
from kaizenlake.jobs.content.creative_labels import creative_labels
from kaizenlake.jobs.content.creative_marks import creative_marks
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.tables import Contents, Core, Performance

LATER = day(365)
SAME = {"project_id": "p", "platform": "x", "content_type": "headline", "occurred_at": day(0.5)}
UPWORTHY = Path("../shared/data/upworthy_headline_tests.csv")


def arms(text, **columns):
    """Contents, one a line: experiment, arm, times shown (- where not recorded), clicks, then its text."""
    rows = []
    for line in filter(None, map(str.strip, text.splitlines())):
        experiment, arm, shown, clicks, *words = line.split(maxsplit=4)
        impressions = None if shown == "-" else int(shown)
        rows.append(
            SAME
            | {
                "content_id": f"{experiment}-{arm}",
                "experiment_id": experiment,
                "variant_id": arm,
                "impressions": impressions,
                "clicks": int(clicks),
                "engagements": int(clicks),
                "trials": impressions,
                "engagement_rate": int(clicks) / impressions if impressions else None,
                "text": words[0] if words else None,
            }
            | columns
        )
    return rows


def compare(rows, **evidence):
    given = {Contents: frame(Contents, rows)}
    return through(content_experiments, given=given, as_of=LATER, evidence=EvidenceNeeds(**evidence))


def verdicts(found):
    return {
        f"{experiment}-{arm}": verdict
        for experiment, arm, verdict in found.select("experiment_id", "arm", "verdict").rows()
    }


def many(rng, experiments, spread, each=4, shown=3_000):
    """Experiments whose arms differ by `spread` on the log scale."""
    rate = 0.02 * np.exp(rng.normal(0, 0.5, experiments)[:, None] + rng.normal(0, spread, (experiments, each)))
    clicks = rng.binomial(shown, rate)
    lines = (f"e{i:03} {j} {shown} {clicks[i, j]} text {i} {j}" for i in range(experiments) for j in range(each))
    return arms("\n".join(lines))


def test_the_arm_that_beats_the_others_wins_and_says_what_it_beat():
    found = compare(
        arms(
            """
            a one   3000 150 The secret of good bread
            a two   3000  60 Bread is baked
            a three 3000  66 We bake bread
            """
        )
    )
    assert verdicts(found) == {"a-one": "winner", "a-two": "loser", "a-three": "loser"}
    best = found.filter(arm="one").row(0, named=True)
    assert (best["shown"], best["clicks"], best["rate"], best["rate_of_others"]) == (3000, 150, 0.05, 126 / 6000)
    assert best["lift"] == pytest.approx(0.05 / 0.021 - 1)
    assert 0 < best["lift_ci_low"] < best["shrunk_lift"] < best["lift"]
    assert (best["beaten_text"], best["beaten_rate"], best["arms"]) == ("Bread is baked", 0.02, 3)
    assert found.filter(pl.col("arm") != "one")["beaten_text"].null_count() == 2


def test_a_wording_does_not_beat_itself():
    found = compare(arms("a 1 3000 150 Good  bread\na 2 3000 60 good bread\na 3 3000 70 Other"))
    assert found.filter(arm="1")["beaten_text"].item() == "Other"
    assert compare(arms("a 1 3000 150 Good bread\na 2 3000 60 good bread"))["beaten_text"].null_count() == 2


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("a 1 3000 60\na 2 3000 61", {"a-1": "unclear", "a-2": "unclear"}),
        ("a 1 3000 150\na 2 1000 20", {"a-1": "invalid", "a-2": "invalid"}),
        ("a 1 3000 150", {"a-1": "unclear"}),
        ("a 1 0 0\na 2 3000 150", {"a-1": "unclear", "a-2": "unclear"}),
        ("a 1 3000 150\na 2 3000 60\na 3 0 0", {"a-1": "winner", "a-2": "loser", "a-3": "unclear"}),
        ("a 1 3000 150\na 2 3000 60\na 3 - 0", {"a-1": "winner", "a-2": "loser", "a-3": "unclear"}),
        ("a 1 10 5\na 2 10 0", {"a-1": "unclear", "a-2": "unclear"}),
        ("a 1 3000 0\na 2 3000 0", {"a-1": "unclear", "a-2": "unclear"}),
        ("a 1 3000 150\nb 1 3000 60", {"a-1": "unclear", "b-1": "unclear"}),
    ],
    ids=[
        "no difference",
        "arms of the wrong size",
        "one arm",
        "one arm was never shown",
        "two were shown and one was not",
        "one is not recorded",
        "too few",
        "no click at all",
        "two experiments",
    ],
)
def test_an_experiment_that_does_not_tell_names_no_winner(drawn, expected):
    assert verdicts(compare(arms(drawn), q_value=0.01)) == expected


def test_an_experiment_on_two_platforms_is_read_on_each():
    found = compare(arms("a 1 3000 150\na 2 3000 60") + arms("a 1 3000 61\na 2 3000 60", platform="y"))
    assert found.filter(verdict="winner").select("platform", "arm").rows() == [("x", "1")]


def test_engagements_are_read_where_more_arms_have_them():
    rows = [row | {"clicks": None} for row in arms("a 1 3000 150\na 2 3000 60")]
    found = compare(rows)
    assert found["metric"].unique().to_list() == ["engagement_rate"]
    assert verdicts(found) == {"a-1": "winner", "a-2": "loser"}


def test_contents_of_one_arm_are_added_up():
    rows = arms("a 1 1000 50 Same\na 2 2000 40 Other") + [
        row | {"content_id": "second"} for row in arms("a 1 1000 50 Same")
    ]
    best = compare(rows).filter(arm="1").row(0, named=True)
    assert (best["contents"], best["shown"], best["clicks"], best["text"]) == (2, 2000, 100, "Same")


def test_many_experiments_of_nothing_name_few_winners():
    rng = np.random.default_rng(11)
    counts = [compare(many(rng, 60, spread=0.0)).filter(verdict="winner").height for _ in range(20)]
    assert sum(count > 0 for count in counts) <= 3


def test_shrunk_lifts_are_those_that_the_next_half_shows():
    rng = np.random.default_rng(12)
    rate = 0.02 * np.exp(rng.normal(0, 0.3, (300, 4)))
    one, other = (
        compare(arms("\n".join(f"e{i} {j} 2500 {n}" for (i, j), n in np.ndenumerate(rng.binomial(2500, rate))))).rename(
            {"shrunk_lift": "shrunk"}
        )
        for _ in range(2)
    )
    both = one.join(other, on=["experiment_id", "arm"], suffix="_next")
    said, shown = np.log1p(both["shrunk"].to_numpy()), np.log1p(both["lift_next"].to_numpy())
    assert np.polyfit(said, shown, 1)[0] == pytest.approx(1.0, abs=0.12)


@given(
    clicks=st.lists(st.integers(0, 400), min_size=2, max_size=6),
    shown=st.integers(400, 2_000),
)
def test_no_winner_lies_below_its_own_test_and_no_loser_above(clicks, shown):
    rows = arms("\n".join(f"a {place} {shown} {count}" for place, count in enumerate(clicks)))
    given = {Contents: frame(Contents, rows)}
    found = through(content_experiments, creative_labels, given=given, as_of=LATER)
    mean = sum(clicks) / len(clicks) / shown
    for row in found.iter_rows(named=True):
        assert (row["engagement_rate"] > mean) == (row["label"] == "winner"), row
        assert (row["lift"] > 0) == (row["label"] == "winner"), row


def labels(rows, marks=""):
    given = {Contents: frame(Contents, rows), Performance: events(Performance, marks, reason="because")}
    return through(creative_marks, content_experiments, creative_labels, given=given, as_of=LATER)


def test_an_arm_is_labelled_by_its_experiment_and_not_by_its_place():
    ordinary = [SAME | {"content_id": f"c{i:02}", "engagement_rate": 0.2 + i / 100, "trials": 3000} for i in range(20)]
    found = labels(ordinary + arms("a 1 3000 150 New\na 2 3000 60 Old\nb 1 3000 2999 X\nb 2 3000 2998 Y"))
    assert found.select("content_id", "label").rows() == [
        ("a-1", "winner"),
        ("a-2", "loser"),
        ("c00", "loser"),
        ("c01", "loser"),
        ("c18", "winner"),
        ("c19", "winner"),
    ]
    best = found.filter(content_id="a-1").row(0, named=True)
    assert best["reason"].startswith("5.0 % against 2.0 % of the other arms of its experiment (2 arms; lift +")
    assert (best["experiment_id"], best["beaten_text"], best["beaten_rate"]) == ("a", "Old", 0.02)
    assert best["rank_in_group"] is None
    assert found.filter(content_id="c19")["group_size"].item() == 20


def test_a_persons_mark_overrides_the_experiment():
    found = labels(arms("a 1 3000 150\na 2 3000 60"), "1 CREATIVE_MARKED_LOSER content_id=a-1")
    assert found.select("content_id", "label", "source").rows() == [
        ("a-1", "loser", "manual"),
        ("a-2", "loser", "automatic"),
    ]


@pytest.mark.skipif(not UPWORTHY.exists(), reason="needs the published headline tests")
def test_winners_of_published_headline_tests_lie_above_the_mean_of_their_test():
    with UPWORTHY.open(encoding="utf-8") as file:
        rows = [row for _, row in zip(range(2_000), csv.DictReader(file), strict=False)]
    drawn = "\n".join(
        f"{row['clickability_test_id']} {number} {row['impressions']} {row['clicks']}"
        for number, row in enumerate(rows)
    )
    contents = arms(drawn)
    told = pl.DataFrame(contents).with_columns(
        mean=pl.col("clicks").sum().over("experiment_id") / pl.col("impressions").sum().over("experiment_id")
    )
    winners = labels(contents).filter(label="winner").join(told.select("content_id", "mean"), on="content_id")
    assert winners.height >= 20
    assert (winners["engagement_rate"] > winners["mean"]).all()


def run_allocated(rng, experiments, lift, rounds=8, each=2_000):
    """Contents and allocations of tests that favour the arm that leads, while the rate of all doubles and falls again."""
    rows, told = [], []
    for number in range(experiments):
        name, shown, clicks = f"e{number}", [0, 0], [0, 0]
        for step in range(rounds):
            shares = allocate(shown, clicks)
            for arm, share in enumerate(shares):
                told.append(
                    SAME
                    | {
                        "event_id": f"{name}-{step}-{arm}",
                        "event_type": "ARM_ALLOCATED",
                        "occurred_at": day(0.1 + step / 100),
                        "allocation_id": f"{name}-{step}",
                        "experiment_id": name,
                        "variant_id": str(arm),
                        "propensity_rate": share,
                        "impressions": shown[arm],
                        "clicks": clicks[arm],
                        "platform": None,
                        "content_type": None,
                    }
                )
            level = 0.02 * (1.0 + (step % 4) / 2.0)
            parts = rng.multinomial(each, shares)
            for arm, times in enumerate(parts):
                shown[arm] += int(times)
                clicks[arm] += int(rng.binomial(times, level * (lift if arm else 1.0)))
        rows += arms("\n".join(f"{name} {arm} {shown[arm]} {clicks[arm]} text {arm}" for arm in (0, 1)))
    return rows, told


def compare_allocated(rows, told):
    given = {Contents: frame(Contents, rows), Core: frame(Core, told)}
    return through(content_experiments, given=given, as_of=LATER, evidence=EvidenceNeeds())


@pytest.mark.parametrize("lift", [1.0, 1.3])
def test_tests_whose_shares_were_told_are_valid_and_weighed_without_bias(lift):
    rows, told = run_allocated(np.random.default_rng(5), 120, lift)
    found = compare_allocated(rows, told)
    assert found["allocated_share"].null_count() == 0
    assert (found["sample_ratio_p"] < 0.001).sum() <= 2
    second = found.filter(arm="1")
    mean = np.log(second["rate"] / second["rate_of_others"]).mean()
    assert abs(mean - np.log(lift)) < 0.06
    plain = compare_allocated(rows, [])
    assert (plain["verdict"] == "invalid").mean() > 0.8  # nobody told the shares: no test has equal arms


def test_shares_count_only_where_all_of_them_are_told():
    rows, told = run_allocated(np.random.default_rng(6), 1, 1.0)
    cases = {
        "whole": told,
        "an allocation lacks an arm": told[:-1],
        "the shares do not sum to 1": [*told[:-1], told[-1] | {"propensity_rate": 0.99}],
        "a count is not told": [*told[:-1], told[-1] | {"impressions": None}],
        "a count falls": [*told[:-2], told[-2] | {"impressions": 1}, told[-1]],
        "of another platform": [row | {"platform": "other"} for row in told],
        "of another project": [row | {"project_id": "other"} for row in told],
    }
    known = {name: compare_allocated(rows, item)["allocated_share"].is_not_null().all() for name, item in cases.items()}
    assert known == {name: name == "whole" for name in cases}


def test_one_allocation_that_never_changed_leaves_counts_as_they_are_but_for_the_share():
    rows = arms("e a 900 90 x\n e b 100 10 y")
    at = {"event_type": "ARM_ALLOCATED", "occurred_at": day(0.1), "project_id": "p", "experiment_id": "e"}
    at |= {"allocation_id": "1", "impressions": 0, "clicks": 0}
    shares = {"a": 0.9, "b": 0.1}
    told = [at | {"event_id": arm, "variant_id": arm, "propensity_rate": share} for arm, share in shares.items()]
    found = compare_allocated(rows, told)
    assert found.select("weighed_shown", "weighed_clicks").rows() == [(900.0, 90.0), (100.0, 10.0)]
    assert found["sample_ratio_p"].to_list() == [1.0, 1.0]
    assert compare(rows)["verdict"].to_list() == ["invalid", "invalid"]
