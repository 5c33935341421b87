"""Loss by version of a policy: what it was so far, and against the version before."""

import pytest

from jobs.drawn import day, frame
from kaizenlake import tables
from kaizenlake.jobs.runs.crl_daily import crl_daily
from kaizenlake.jobs.runs.learning_progress import learning_progress
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.tables import Crl, LearningProgress
from stats.larger_error import clustered_interval

LATER = day(365)


def compute(text, as_of=LATER, **groups):
    """Runs, one a line: day, doer, policy, version, loss; a dash for what is not told."""
    rows = []
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines()))):
        at, doer, policy, version, loss = (None if word == "-" else word for word in line.split())
        rows.append(
            {
                "run_id": f"r{number}",
                "doer": doer,
                "policy_id": policy,
                "policy_version": version,
                "occurred_at": day(float(at)),
                "event_date": day(float(at)).date(),
                "loss": None if loss is None else float(loss),
                "coverage": 0.0 if loss is None else 1.0,
            }
        )
    days = crl_daily(frame(Crl, rows), as_of=as_of)
    made = learning_progress(days, as_of=as_of, **groups).collect()
    return tables.check(LearningProgress, made).sort("doer", "policy_id", "version_number", "event_date")


STORY = """
    0 coder p 1.9.0 .8
    0 coder p 1.9.0 .6
    1 coder p 1.9.0 .4
    1 coder p 1.9.0 -
    3 coder p 1.10.0 .4
    3 coder p 1.10.0 .2
    5 coder p 1.9.0 .9
    6 coder p 1.10.0 .6
    6 coder q 1.0.0 .5
    6 coder p - .5
    6 coder - 1.0.0 .5
"""


def test_the_versions_of_a_policy_follow_one_another_by_their_first_day():
    found = compute(STORY).select(
        "policy_id", "policy_version", "version_number", "event_date", "age_days", "n", "mean_loss",
        "n_so_far", "mean_so_far", "previous_version", "previous_mean", "change",
    )  # fmt: skip
    near = pytest.approx
    assert found.rows() == [
        (None, "1.0.0", 1, day(6).date(), 0, 1, 0.5, 1, 0.5, None, None, None),
        ("p", "1.9.0", 1, day(0).date(), 0, 2, 0.7, 2, 0.7, None, None, None),
        ("p", "1.9.0", 1, day(1).date(), 1, 1, 0.4, 3, 0.6, None, None, None),
        ("p", "1.9.0", 1, day(5).date(), 5, 1, 0.9, 4, near(0.675), None, None, None),
        ("p", "1.10.0", 2, day(3).date(), 0, 2, 0.3, 2, 0.3, "1.9.0", 0.6, near(-0.3)),
        # By then the version before has had one run more.
        ("p", "1.10.0", 2, day(6).date(), 3, 1, 0.6, 3, 0.4, "1.9.0", near(0.675), near(-0.275)),
        ("q", "1.0.0", 1, day(6).date(), 0, 1, 0.5, 1, 0.5, None, None, None),
    ]


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_change_has_an_interval_clustered_by_day(confidence):
    row = compute(STORY, evidence=EvidenceNeeds(confidence=confidence)).row(5, named=True)
    expected = clustered_interval([[0.4, 0.2], [0.6]], [[0.8, 0.6], [0.4], [0.9]], confidence)
    assert (row["change_ci_low"], row["change_ci_high"]) == pytest.approx(expected)


def test_a_doer_is_not_compared_with_another_and_later_days_do_not_count():
    text = """
        0 coder   p 1.0.0 .8
        1 planner p 2.0.0 .4
        2 planner p 3.0.0 .3
        2 planner p 2.5.0 .3
        9 planner p 2.0.0 .9
    """
    found = compute(text, as_of=day(9))
    assert found.select("doer", "policy_version", "version_number", "previous_version", "previous_mean").rows() == [
        ("coder", "1.0.0", 1, None, None),
        ("planner", "2.0.0", 1, None, None),
        ("planner", "2.5.0", 2, "2.0.0", 0.4),  # both began on one day: the lesser name first
        ("planner", "3.0.0", 3, "2.5.0", 0.3),
    ]
    assert found["change_ci_low"].null_count() == 4, "a single run has no spread"


def test_versions_that_began_on_one_day_follow_one_another_by_their_numbers():
    names = ("v10.0.0", "9.10.0", "9.9.0", "1.0.0-rc2", "1.0.0-rc10", "9.09.0", "b", "10")
    found = compute("\n".join(f"0 coder p {name} .5" for name in names))
    assert found["policy_version"].to_list() == [
        "1.0.0-rc2",
        "1.0.0-rc10",
        "9.09.0",
        "9.9.0",
        "9.10.0",
        "10",
        "b",
        "v10.0.0",
    ]
    assert found["version_number"].to_list() == list(range(1, 9))


def versions(*sides, policy="-"):
    """Runs of one doer: (version, first day, losses of each day)."""
    return "\n".join(
        f"{first + at} copywriter {policy} {version} {loss}"
        for version, first, losses in sides
        for at, day_ in enumerate(losses)
        for loss in day_
    )


def week(level, spread=0.02, runs=4):
    """Seven days of runs about a level."""
    return [[level + spread * ((at + run) % 3 - 1) for run in range(runs)] for at in range(7)]


@pytest.mark.parametrize("policy", ["-", "p"])
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (week(0.2), week(0.3), "hurt"),
        (week(0.3), week(0.2), "helped"),
        (week(0.2), week(0.202), "no_difference"),
        (week(0.5, 0.3), week(0.52, 0.3), "too_early"),  # too wide an interval
        (week(0.2), week(0.3)[:2], "too_early"),  # 8 runs
        (week(0.2), [[0.3] * 20], "too_early"),  # one day says nothing of the days
        (week(0.2, 0.0), week(0.3, 0.0), "too_early"),  # nothing varies, so nothing can be judged
    ],
)
def test_a_version_helped_or_hurt_where_its_interval_says_so(old, new, expected, policy):
    last = compute(versions(("1", 0, old), ("2", 10, new), policy=policy)).row(-1, named=True)
    assert (last["policy_version"], last["previous_n"], last["verdict"]) == ("2", sum(map(len, old)), expected)
    low, high = last["change_ci_low"], last["change_ci_high"]
    if expected == "helped":
        assert high < 0
    if expected == "hurt":
        assert low > 0
    if expected == "no_difference":
        assert -0.05 <= low <= 0 <= high <= 0.05


def test_the_first_version_has_no_verdict():
    found = compute(versions(("1", 0, week(0.2))))
    assert found["verdict"].to_list() == [None] * 7
