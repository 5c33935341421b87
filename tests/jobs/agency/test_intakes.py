"""What became of the brief of each project, and how clear the briefs of each segment arrive."""

import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from jobs.drawn import day, frame, through
from kaizenlake import stats
from kaizenlake.jobs.agency.intake_segments import intake_segments
from kaizenlake.jobs.agency.intakes import intakes
from kaizenlake.parameters import Clarity
from kaizenlake.tables import Intake, OutcomeSubjects, ProjectSegments

LATER = day(365)


def event(kind, project, at=1.0, number=0, **columns):
    return {
        "event_id": f"{project}-{at}-{number}",
        "event_type": f"INTAKE_{kind}",
        "occurred_at": day(at),
        "event_date": day(at).date(),
        "project_id": project,
    } | columns


def score(project, value, at=1.0, number=0, **columns):
    return event("CLARITY_SCORED", project, at, number, clarity_score=value, **columns)


def given(rows, segments, packs=()):
    known = [{"project_id": name, "industry": industry, "client_type": kind} for name, industry, kind in segments]
    subjects = [
        {
            "subject_id": f"s{number}",
            "age_days": 7,
            "is_latest": True,
            "kind": "pack",
            "project_id": project,
            "won": won,
        }
        | {"started_at": day(1), "event_date": day(8).date()}
        for number, (project, won) in enumerate(packs)
    ]
    return {
        Intake: frame(Intake, rows),
        ProjectSegments: frame(ProjectSegments, known),
        OutcomeSubjects: frame(OutcomeSubjects, subjects),
    }


def fold(*rows, as_of=LATER, segments=()):
    return through(intakes, given=given(rows, segments), as_of=as_of)


def compute(rows, segments=(), as_of=LATER, packs=(), **settings):
    return through(intakes, intake_segments, given=given(rows, segments, packs), as_of=as_of, **settings)


@pytest.mark.parametrize(
    ("final", "level"),
    [
        (100.0, "excellent"),
        (80.0, "excellent"),
        (79.99, "good"),
        (60.0, "good"),
        (59.999, "needs_clarification"),
        (40.0, "needs_clarification"),
        (39.99, "poor"),
        (0.0, "poor"),
        (None, None),
    ],
)
def test_the_level_is_that_of_the_final_score_unrounded(final, level):
    found = fold(event("APPROVED", "p", 2, final_clarity_score=final))
    assert found["clarity_level"].item() == level
    if final is not None:
        assert fold(score("p", 10.0), score("p", final, at=3))["clarity_level"].item() == level


@pytest.mark.parametrize(
    ("rounds", "word"),
    [(0, "perfect"), (1, "good"), (2, "acceptable"), (3, "acceptable"), (4, "problematic"), (9, "problematic")],
)
def test_efficiency_follows_from_the_rounds_that_are_told_or_counted(rounds, word):
    asked = [event("CLARIFICATION_REQUESTED", "p", 2, number=number) for number in range(rounds)]
    assert fold(score("p", 50.0), *asked).select("rounds", "efficiency").row(0) == (rounds, word)
    told = event("APPROVED", "p", 3, total_clarification_rounds=rounds)
    assert fold(told, event("CLARIFICATION_REQUESTED", "p", 2)).select("rounds", "efficiency").row(0) == (rounds, word)


def test_a_brief_is_one_row_with_its_answers_its_gaps_and_its_approval():
    found = fold(
        score("p", 45.0, at=1, missing_fields=["goal", "budget"]),
        event("BLOCKED", "p", 1.5, reason="no budget", missing_fields=["budget", "logo"]),
        event("CLARIFICATION_REQUESTED", "p", 2),
        event("CLARIFICATION_RECEIVED", "p", 2.5),
        event("CLARIFICATION_REQUESTED", "p", 3),
        event("CLARIFICATION_RECEIVED", "p", 5, response_time_hours=6.0),
        score("p", 75.0, at=6),
        event("APPROVED", "p", 7),
        score(None, 3.0, at=1),
        segments=[("p", "food", "startup")],
    ).to_dicts()
    assert found == [
        {
            "tenant_id": None,
            "project_id": "p",
            "industry": "food",
            "client_type": "startup",
            "first_score": 45.0,
            "final_score": 75.0,
            "clarity_level": "good",
            "rounds": 2,
            "efficiency": "acceptable",
            "hours_to_answer": 9.0,
            "missing_fields": ["budget", "goal", "logo"],
            "blocked": True,
            "started_at": day(1),
            "approved_at": day(7),
            "days_to_approval": 6.0,
        }
    ]


def test_what_nobody_told_is_null_and_what_an_approval_tells_goes_before():
    bare = fold(score("p", 50.0)).to_dicts()[0]
    assert {name for name, value in bare.items() if value is None} == {
        *("tenant_id", "industry", "client_type", "hours_to_answer", "approved_at", "days_to_approval")
    }
    assert (bare["missing_fields"], bare["blocked"]) == ([], False)
    told = fold(event("CLARIFICATION_RECEIVED", "p", 1), event("APPROVED", "p", 9, days_to_approval=2.5)).to_dicts()[0]
    assert (told["first_score"], told["hours_to_answer"], told["days_to_approval"]) == (None, None, 2.5)


def test_later_events_do_not_count():
    assert fold(score("a", 50.0, at=2), as_of=day(2)).is_empty()
    assert fold(score("a", 50.0, at=1), score("a", 90.0, at=2), as_of=day(2))["final_score"].item() == 50.0


def test_the_first_score_of_each_project_counts():
    found = compute(
        [
            score("a", 40.0, at=1),
            score("a", 95.0, at=2),
            score("b", 80.0, at=3),
            score("b", 10.0, at=4),
            event("APPROVED", "b", 2),
            event("APPROVED", "c", 2, final_clarity_score=90.0),
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


@pytest.mark.parametrize(("value", "clear"), [(60.0, 1), (59.999, 0), (0.0, 0), (100.0, 1)])
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


def test_the_fields_that_most_briefs_lack_come_first():
    found = compute(
        [
            score("a", 50.0, missing_fields=["Budget", "budget ", "logo", "goal", " "]),
            score("b", 50.0, missing_fields=["GOAL"]),
            score("c", 90.0),
            event("BLOCKED", "c", 2, reason="wait", missing_fields=["goal"]),
            score("d", 90.0),
        ]
    ).to_dicts()[0]
    assert (found["missing_fields"], found["most_missing_rate"]) == (["goal", "budget", "logo"], 0.75)
    none = compute([score("d", 90.0)]).to_dicts()[0]
    assert (none["missing_fields"], none["most_missing_rate"]) == ([], None)


def test_unclear_briefs_cost_what_their_packs_lose_against_those_of_clear_ones():
    scores = [score("clear", 60.0), score("unclear", 59.0), score("unclear", 100.0, at=2)]
    packs = [("clear", True)] * 9 + [("clear", False)] + [("unclear", True)] * 4 + [("unclear", False)] * 6
    found = compute(scores, packs=[*packs, ("unclear", None), ("of no brief", True)]).to_dicts()[0]
    assert (found["clear_packs"], found["clear_packs_won"], found["clear_packs_won_rate"]) == (10, 9, 0.9)
    assert (found["unclear_packs"], found["unclear_packs_won"], found["unclear_packs_won_rate"]) == (10, 4, 0.4)
    low, high = confint_proportions_2indep(9, 10, 4, 10, method="newcomb")
    assert [found[f"unclear_cost{end}"] for end in ("", "_low", "_high")] == pytest.approx([0.5, low, high])
    assert 0.01 < found["unclear_cost_p"] < 0.1
    one_side = compute(scores, packs=packs[:10]).to_dicts()[0]
    assert [one_side[f"unclear_{name}"] for name in ("packs_won_rate", "cost", "cost_low", "cost_p")] == [None] * 4
