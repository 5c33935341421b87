"""Loss by version of a policy: what it was so far, and against the version before."""

import pytest

from jobs.drawn import day, frame
from kaizenlake import tables
from kaizenlake.jobs.crl_daily import crl_daily
from kaizenlake.jobs.learning_progress import learning_progress
from kaizenlake.parameters import Evidence
from kaizenlake.tables import Crl, LearningProgress
from stats.larger_error import larger_interval

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
        ("p", "1.9.0", 1, day(0).date(), 0, 2, 0.7, 2, 0.7, None, None, None),
        ("p", "1.9.0", 1, day(1).date(), 1, 1, 0.4, 3, 0.6, None, None, None),
        ("p", "1.9.0", 1, day(5).date(), 5, 1, 0.9, 4, near(0.675), None, None, None),
        ("p", "1.10.0", 2, day(3).date(), 0, 2, 0.3, 2, 0.3, "1.9.0", 0.6, near(-0.3)),
        # By then the version before has had one run more.
        ("p", "1.10.0", 2, day(6).date(), 3, 1, 0.6, 3, 0.4, "1.9.0", near(0.675), near(-0.275)),
        ("q", "1.0.0", 1, day(6).date(), 0, 1, 0.5, 1, 0.5, None, None, None),
    ]


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_change_has_the_interval_of_the_larger_error(confidence):
    row = compute(STORY, evidence=Evidence(confidence=confidence)).row(4, named=True)
    expected = larger_interval([0.4, 0.2, 0.6], [0.8, 0.6, 0.4, 0.9], confidence)
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
