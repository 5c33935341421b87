"""How clear the briefs of a segment arrive."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from jobs.drawn import day, frame
from kaizenlake import stats, tables
from kaizenlake.jobs.outcomes.segment_clarity import segment_clarity
from kaizenlake.parameters import Clarity
from kaizenlake.tables import Intake, ProjectSegments, SegmentClarity

LATER = day(365)


def score(project, value, at=1, number=0, **columns):
    return {
        "event_id": f"{project}-{at}-{number}",
        "event_type": "INTAKE_CLARITY_SCORED",
        "occurred_at": day(at),
        "event_date": day(at).date(),
        "project_id": project,
        "clarity_score": value,
    } | columns


def compute(scores, segments=(), as_of=LATER, **settings):
    known = [{"project_id": name, "industry": industry, "client_type": kind} for name, industry, kind in segments]
    made = segment_clarity(frame(Intake, scores), frame(ProjectSegments, known), as_of=as_of, **settings).collect()
    return tables.check(SegmentClarity, made)


def test_the_first_score_of_each_project_counts():
    found = compute(
        [
            score("a", 40.0, at=1),
            score("a", 95.0, at=2),
            score("b", 80.0, at=3),
            score("b", 10.0, at=4),
            score("b", None, at=2, event_type="INTAKE_APPROVED"),
        ]
    )
    assert found.select("briefs", "mean_score", "clear_briefs", "clear_rate").rows() == [(2, 60.0, 1, 0.5)]


def test_of_two_scores_at_one_instant_the_lesser_event_id_counts():
    assert compute([score("a", 90.0, number=1), score("a", 10.0, number=0)])["mean_score"].item() == 10.0


def test_segments_are_those_of_the_projects_and_unknown_is_a_segment():
    segments = [("a", "food", "startup"), ("b", "food", "startup"), ("c", "food", None), ("d", None, None)]
    found = compute([score(name, 70.0) for name in "abcde"], segments)
    assert found.select("industry", "client_type", "briefs").rows() == [
        (None, None, 2),
        ("food", None, 1),
        ("food", "startup", 2),
    ]


@pytest.mark.parametrize(("value", "clear"), [(70.0, 1), (69.999, 0), (0.0, 0), (100.0, 1)])
def test_a_brief_is_clear_from_the_score_of_the_setting(value, clear):
    assert compute([score("a", value)])["clear_briefs"].item() == clear
    assert compute([score("a", value)], clarity=Clarity(high_score=value))["clear_briefs"].item() == 1


def test_the_interval_is_wilsons_and_the_rate_is_drawn_toward_all_segments():
    sizes = {"food": (18, 20), "retail": (2, 20), "travel": (1, 1)}
    scores, segments = [], []
    for industry, (clear, briefs) in sizes.items():
        for number in range(briefs):
            scores.append(score(f"{industry}{number}", 90.0 if number < clear else 20.0))
            segments.append((f"{industry}{number}", industry, None))
    found = compute(scores, segments)
    clear, briefs = zip(*(sizes[industry] for industry in found["industry"]), strict=True)
    low, high = proportion_confint(clear, briefs, method="wilson")
    assert found["ci_low"].to_list() == pytest.approx(list(low))
    assert found["ci_high"].to_list() == pytest.approx(list(high))
    assert found["shrunk_rate"].to_list() == stats.shrink(clear, briefs, stats.fit(clear, briefs)).tolist()
    travel = found.to_dicts()[-1]
    assert travel["clear_rate"] == 1.0
    assert 0.4 < travel["shrunk_rate"] < 0.9, "one clear brief of one is no proof"


def test_the_mean_is_the_same_in_every_order():
    values = [0.1, 33.3, 66.7, 99.9, 12.345678]
    means = {
        compute([score(f"p{i}", value) for i, value in enumerate(values[start:] + values[:start])])["mean_score"].item()
        for start in range(5)
    }
    assert means == {sum(round(value * 1_000_000) for value in values) / 5_000_000}


def test_later_scores_do_not_count():
    assert compute([score("a", 50.0, at=2)], as_of=day(2)).is_empty()
