"""Who is labelled: marks of people, and the ends of a group by shrunk rate."""

import numpy as np
import polars as pl
import pytest

from jobs.drawn import day, events, frame, through
from kaizenlake import stats
from kaizenlake.jobs.content.content_experiments import content_experiments
from kaizenlake.jobs.content.content_features import content_features
from kaizenlake.jobs.content.contents import contents as take_contents
from kaizenlake.jobs.content.creative_labels import creative_labels
from kaizenlake.jobs.content.creative_marks import creative_marks
from kaizenlake.jobs.content.daily_performance import daily_performance
from kaizenlake.parameters import Labels
from kaizenlake.tables import Contents, Performance

LATER = day(365)
SAME = {
    "project_id": "p",
    "platform": "x",
    "content_type": "reel",
    "trials": 1_000,
    "performed_on": day(0).date(),
    "occurred_at": day(0.5),
}


def compute(contents=(), marks="", as_of=LATER, **labels):
    """Labels of contents that are given as (content, rate) or as dicts, and of marks that are drawn."""
    rows = [
        SAME | (row if isinstance(row, dict) else {"content_id": row[0], "engagement_rate": row[1]}) for row in contents
    ]
    drawn = events(Performance, marks, reason="because") if "reason=" not in marks else events(Performance, marks)
    given = {Contents: frame(Contents, rows), Performance: drawn}
    return through(
        creative_marks, content_experiments, creative_labels, given=given, as_of=as_of, labels=Labels(**labels)
    )


def labelled(found):
    """Labels by content."""
    return dict(found.sort("content_id").select("content_id", "label").iter_rows())


def group(size, **columns):
    return [{"content_id": f"c{i:03}", "engagement_rate": (i + 1) / 1_000} | columns for i in range(size)]


@pytest.mark.parametrize(
    ("size", "share", "expected"),
    [(20, 0.10, 2), (29, 0.10, 2), (30, 0.10, 3), (100, 0.29, 29), (25, 0.0, 0), (20, 0.04, 0), (21, 1.0, 10)],
)
def test_the_ends_of_a_group_are_its_share_rounded_down_and_at_most_half(size, share, expected):
    found = labelled(compute(group(size), share=share))
    winners = [content for content, label in found.items() if label == "winner"]
    losers = [content for content, label in found.items() if label == "loser"]
    assert winners == [f"c{i:03}" for i in range(size - expected, size)]
    assert losers == [f"c{i:03}" for i in range(expected)]


def test_a_group_below_its_size_labels_nobody():
    assert compute(group(19)).is_empty()
    assert compute(group(20)).height == 4


@pytest.mark.parametrize(
    "unfit", [{"trials": 99}, {"trials": None}, {"engagement_rate": None}, {"content_type": None}, {"project_id": None}]
)
def test_only_contents_that_can_be_ranked_make_a_group(unfit):
    contents = group(20)
    assert compute(contents).height == 4
    contents[7] |= unfit
    assert compute(contents).is_empty()


def test_contents_without_a_project_or_a_type_are_ranked_among_their_like():
    found = compute(group(20, project_id=None, content_type=None) + group(20, platform="y"))
    assert found.height == 8
    assert found.filter(pl.col("project_id").is_null())["group_size"].to_list() == [20] * 4


def test_groups_are_ranked_apart():
    low = [row | {"content_id": f"low{row['content_id']}", "platform": "y"} for row in group(20)]
    high = [row | {"engagement_rate": 0.5 + row["engagement_rate"]} for row in group(20)]
    found = compute(low + high)
    assert (
        found.group_by("platform").agg(pl.col("label").sort()).sort("platform")["label"].to_list()
        == [["loser", "loser", "winner", "winner"]] * 2
    )


def test_the_rank_is_that_of_the_shrunk_rate():
    rng = np.random.default_rng(3)
    trials = rng.integers(100, 5_000, 60)
    wins = rng.binomial(trials, rng.beta(5, 95, 60))
    # The luckiest rate has the fewest trials: shrunk, it is no longer the best.
    trials[0], wins[0] = 100, 15
    trials[1], wins[1] = 50_000, 7_000
    rows = [
        {"content_id": f"c{i:02}", "engagement_rate": wins[i] / trials[i], "trials": int(trials[i])} for i in range(60)
    ]
    found = compute(rows, share=0.5)
    shrunk = stats.shrink(wins, trials, stats.fit(wins, trials))
    expected = {f"c{i:02}": (float(shrunk[i]), int((shrunk > shrunk[i]).sum()) + 1) for i in range(60)}
    assert {
        row["content_id"]: (row["shrunk_rate"], row["rank_in_group"]) for row in found.iter_rows(named=True)
    } == expected
    assert expected["c01"][1] < expected["c00"][1]


def test_equal_rates_are_told_apart_by_the_content_id():
    rates = [0.9, 0.9, 0.9] + [0.5] * 14 + [0.1, 0.1, 0.1]
    found = labelled(compute([(f"c{i:02}", rate) for i, rate in enumerate(rates)]))
    assert found == {"c00": "winner", "c01": "winner", "c18": "loser", "c19": "loser"}


def test_where_all_rates_are_equal_nobody_is_labelled():
    assert compute([(f"c{i:02}", 0.3) for i in range(40)]).is_empty()
    # Nor where only the trials differ, which tells shrunk rates of nothing apart.
    assert compute(group(40, engagement_rate=0.0) and [
        {"content_id": f"c{i:02}", "engagement_rate": 0.0, "trials": 100 + i} for i in range(40)
    ]).is_empty()  # fmt: skip


def test_a_rate_that_reaches_from_end_to_end_is_neither():
    found = labelled(compute([("low", 0.1), *((f"c{i:02}", 0.3) for i in range(18)), ("high", 0.5)], share=0.2))
    assert found == {"low": "loser", "high": "winner"}
    assert labelled(compute([("low", 0.1), *((f"c{i:02}", 0.3) for i in range(19))])) == {"low": "loser"}


MARKS = """
    1 CREATIVE_MARKED_WINNER content_id=c000 project_id=p platform=x reason=first
    3 CREATIVE_MARKED_LOSER  content_id=c000 project_id=p platform=x reason=latest
    2 CREATIVE_MARKED_WINNER content_id=c000 project_id=p platform=x reason=between
"""


def test_a_mark_overrides_the_place_and_the_latest_mark_counts():
    found = compute(group(20), MARKS.replace("c000", "c019"))
    assert labelled(found) == {"c000": "loser", "c001": "loser", "c018": "winner", "c019": "loser"}
    mark = found.row(by_predicate=pl.col("content_id") == "c019", named=True)
    assert mark["source"] == "manual"
    assert mark["reason"] == "latest"
    assert mark["labelled_at"] == day(3)
    assert mark["rank_in_group"] == 1
    assert mark["group_size"] == 20
    assert mark["engagement_rate"] == 0.020


def test_a_mark_after_as_of_does_not_count():
    found = compute(group(20), MARKS.replace("c000", "c010"), as_of=day(3))
    assert found.row(by_predicate=pl.col("content_id") == "c010", named=True)["reason"] == "between"


@pytest.mark.parametrize(
    ("mark", "holds_for"),
    [
        ("content_id=c project_id=p platform=x", {("p", "x")}),
        ("content_id=c project_id=p", {("p", "x"), ("p", "y")}),
        ("content_id=c platform=x", {("p", "x"), ("q", "x"), (None, "x")}),
        ("content_id=c", {("p", "x"), ("p", "y"), ("q", "x"), (None, "x")}),
        ("content_id=c project_id=q platform=z", {("q", "z")}),  # known, but not there
        ("content_id=new", {(None, None)}),
        ("content_id=new project_id=p", {("p", None)}),
        ("content_id=new platform=z", {(None, "z")}),
    ],
)
def test_a_mark_holds_for_what_it_does_not_narrow(mark, holds_for):
    contents = [
        {"content_id": "c", "engagement_rate": 0.1} | where
        for where in ({}, {"platform": "y"}, {"project_id": "q"}, {"project_id": None})
    ]
    found = compute(contents, f"1 CREATIVE_MARKED_WINNER {mark}")
    assert set(found.select("project_id", "platform").rows()) == holds_for
    assert set(found["source"]) == {"manual"}


def test_the_latest_of_a_wide_and_a_narrow_mark_counts():
    contents = [{"content_id": "c", "engagement_rate": 0.1} | where for where in ({}, {"platform": "y"})]
    narrow, wide = "CREATIVE_MARKED_LOSER content_id=c platform=x", "CREATIVE_MARKED_WINNER content_id=c"
    by_platform = {
        (f"1 {narrow}\n2 {wide}"): {"x": "winner", "y": "winner"},
        (f"1 {wide}\n2 {narrow}"): {"x": "loser", "y": "winner"},
        (f"1 {wide}\n1 {narrow}"): {"x": "loser", "y": "winner"},  # at one instant, the greater event id
    }
    for marks, expected in by_platform.items():
        assert dict(compute(contents, marks).select("platform", "label").iter_rows()) == expected


def test_a_mark_on_an_unknown_content_stands_without_figures():
    row = compute([], "1 CREATIVE_MARKED_LOSER content_id=c project_id=p reason=bad").row(0, named=True)
    assert row == {
        "tenant_id": None,
        "content_id": "c",
        "platform": None,
        "label": "loser",
        "source": "manual",
        "reason": "bad",
        "engagement_rate": None,
        "shrunk_rate": None,
        "rank_in_group": None,
        "group_size": None,
        "project_id": "p",
        "content_type": None,
        "experiment_id": None,
        "lift": None,
        "beaten_text": None,
        "beaten_rate": None,
        "labelled_at": day(1),
        "text": None,
    }


def test_a_mark_in_a_group_too_small_to_rank_says_how_many_there_are():
    rows = compute(group(3), "1 CREATIVE_MARKED_LOSER content_id=c001")
    assert rows.select("group_size", "rank_in_group", "shrunk_rate").rows() == [(3, None, None)]


def test_the_reason_of_a_place_says_it_in_words():
    best = compute(group(30)).filter(pl.col("rank_in_group") == 1)
    shrunk = best["shrunk_rate"].item() * 100
    assert best["reason"].item() == f"place 1 of 30 in its group by shrunk engagement rate ({shrunk:.2f} %), top 10 %"
    assert best["labelled_at"].item() == day(0.5)


def test_the_text_of_the_figures_stands_beside_the_label_cut_to_its_beginning():
    shown = " impressions=1000 content_type=reel platform=x project_id=p"
    lines = [f"0.5 PERFORMANCE_RECORDED content_id=c{i:03} engagements={i + 1}{shown}" for i in range(30)]
    lines[29] += " text=Ask!"
    lines += [f"{at} PERFORMANCE_RECORDED content_id=c029 text=Older{shown}" for at in (0.4, -1)]
    told = events(Performance, "\n".join(lines))
    long = told.with_columns(text=pl.when(pl.col("text") == "Ask!").then(pl.lit("é" * 500)).otherwise("text"))
    jobs = (daily_performance, content_features, take_contents, creative_labels)
    made = through(*jobs, given={Performance: long}, as_of=LATER)
    texts = dict(made.select("content_id", "text").iter_rows())
    assert texts["c029"] == "é" * 280
    assert texts["c000"] is None
    assert len(texts) == 6
