"""Which recommendations the tables lead to."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizenlake.parameters import Confidence
from kaizenlake.publish import context as model
from kaizenlake.publish.context import as_line
from kaizenlake.publish.context_rules import RULES
from kaizenlake.publish.context_scopes import confidence
from kaizenlake.publish.rendering import render
from publish.context_frames import (
    THEN,
    clarity,
    content,
    contexts,
    events,
    label,
    outcome,
    pattern,
    phrase,
    project,
    scoped_pattern,
    scoped_win_rate,
    story,
    win_rate,
)


def values(entries):
    return [entry.value for entry in entries]


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, 0), (1, 5), (9, 45), (10, 50), (11, 51.25), (25, 68.75), (49, 98.75), (50, 100), (51, 100), (10**9, 100)],
)
def test_confidence_goes_from_0_over_50_at_ten_events_to_100_at_fifty(number, expected):
    assert confidence(number, Confidence()) == expected


@pytest.mark.parametrize(("half", "full"), [(10, 10), (50, 10), (1, 1)])
def test_confidence_stands_settings_that_leave_no_slope(half, full):
    rule = Confidence(half=half, full=full)
    assert confidence(0, rule) == 0
    assert confidence(full, rule) == 100


@given(st.integers(0, 200), st.integers(1, 60), st.integers(1, 200))
def test_confidence_never_falls_with_more_events(number, half, full):
    rule = Confidence(half=half, full=max(half, full))
    assert 0 <= confidence(number, rule) <= confidence(number + 1, rule) <= 100


def test_an_empty_lake_makes_a_context_that_recommends_nothing():
    (context,) = contexts().values()
    assert context.scope == model.EVERYTHING
    assert (context.sample_size, context.confidence) == (0, 0)
    assert context.data_window == model.DataWindow(first_at=None, last_at=None)
    assert not context.evidence
    assert all(not getattr(context, rule.field) for rule in RULES)
    assert render(context)


def test_every_field_is_fed_from_the_tables():
    whole = contexts(*story())["everything"]
    assert values(whole.recommended_tones) == ["friendly"]
    assert values(whole.high_performing_hooks) == ["question"]
    assert values(whole.successful_pillars) == ["education"]
    assert values(whole.preferred_platforms) == ["instagram"]
    assert [(entry.pattern_type, entry.value) for entry in whole.recommended_patterns] == [("second_person", "yes")]
    assert [(entry.pattern_type, entry.value) for entry in whole.risky_patterns] == [
        ("pillar", "news"),
        ("platform", "x"),
        ("hook_type", "list"),
        ("content", "c3"),
    ]
    assert values(whole.banned_phrases) == ["synergy", "act now"]
    assert [(entry.content_id, entry.marked_by) for entry in whole.past_winners] == [
        ("c2", "manual"),
        ("c1", "automatic"),
    ]
    assert [(entry.value, entry.rate, entry.decided) for entry in whole.channel_performance] == [
        ("phone", 0.5, 10),
        ("email", 0.3, 100),
    ]
    assert values(whole.pack_success_rates) == ["launch_gtm_pack"]
    assert [(entry.industry, entry.client_type) for entry in whole.high_clarity_segments] == [("retail", "startup")]
    assert (whole.sample_size, whole.confidence) == (300, 100)
    assert {(entry.field, entry.value) for entry in whole.not_recommended} == {
        ("recommended_tones", "formal"),
        ("high_performing_hooks", "list"),
        ("successful_pillars", "news"),
        ("preferred_platforms", "x"),
        ("high_clarity_segments", "health / unknown"),
    }


def test_every_entry_has_its_evidence_and_no_evidence_stands_alone():
    for context in contexts(*story()).values():
        entries = [entry for rule in RULES for entry in getattr(context, rule.field)] + context.not_recommended
        assert sorted(entry.evidence for entry in entries) == sorted(context.evidence)
        for key, evidence in context.evidence.items():
            assert evidence.reason
            assert evidence.table_version == (None if evidence.table == "kaizen.toml" else 7), key


def test_evidence_carries_the_figures_of_the_table():
    whole = contexts(*story())["everything"]
    evidence = whole.evidence[whole.high_performing_hooks[0].evidence]
    assert (evidence.basis, evidence.observations, evidence.observed) == ("experiment", 40, "contents")
    assert (evidence.effect, evidence.effect_low, evidence.effect_high) == (0.3, 0.2, 0.4)
    assert (evidence.shrunk_effect, evidence.corrected_p) == (0.24, 0.01)
    assert (evidence.table, evidence.table_version) == ("gold.patterns", 7)
    assert evidence.reason == (
        "In 6 experiments, the engagement rate of 40 contents with it differs by +30.0% (95% interval +20.0% to "
        "+40.0%) from that of contents without it, corrected p 0.01."
    )


@pytest.mark.parametrize(
    ("experiment", "observation", "recommended", "risky"),
    [
        # verdict of each kind of evidence; None: there is none          -> what the context says
        ("works", None, True, False),
        (None, "works", True, False),
        ("works", "risky", True, False),
        ("risky", "works", False, True),
        ("unclear", "works", False, False),
        ("unclear", "risky", False, False),
        (None, "unclear", False, False),
        (None, "risky", False, True),
    ],
)
def test_an_experiment_outranks_observation(experiment, observation, recommended, risky):
    rows = [
        pattern("tone", "friendly", verdict, evidence=evidence)
        for evidence, verdict in (("experiment", experiment), ("observation", observation))
        if verdict is not None
    ]
    whole = contexts(*rows)["everything"]
    assert bool(whole.recommended_tones) is recommended
    assert bool(whole.risky_patterns) is risky
    assert bool(whole.not_recommended) is not recommended


@pytest.mark.parametrize(
    ("experiments", "recommended"),
    [
        # experiments that found nothing -> whether what was observed is recommended
        (1, True),
        (2, True),
        (3, False),
        (9, False),
    ],
)
def test_fewer_experiments_than_prove_anything_do_not_silence_observation(experiments, recommended):
    few = pattern("tone", "friendly", "unclear", evidence="experiment", experiments=experiments)
    whole = contexts(few, pattern("tone", "friendly", "works"))["everything"]
    assert bool(whole.recommended_tones) is recommended


def test_an_experiment_that_could_compare_nothing_does_not_silence_observation():
    cannot = pattern("tone", "friendly", "unclear", None, evidence="experiment", q_value=None)
    whole = contexts(cannot, pattern("tone", "friendly", "works"))["everything"]
    assert values(whole.recommended_tones) == ["friendly"]


@pytest.mark.parametrize(
    ("wins", "decided", "q_value", "recommended", "risky", "why"),
    [
        # the other tone won 20 of 40
        (40, 50, 0.001, True, False, ""),
        (40, 50, 0.05, True, False, ""),
        (40, 50, 0.051, False, False, "may be chance"),
        (40, 50, None, False, False, "nothing to compare"),
        (9, 9, 0.001, False, False, "Too few decided outcomes: 9, and 10 are needed"),
        (10, 10, 0.001, True, False, ""),
        (5, 50, 0.001, False, True, "goes with failure"),
        (25, 50, 0.001, False, False, "does not settle"),
    ],
)
def test_win_rates_stand_in_where_patterns_say_nothing(wins, decided, q_value, recommended, risky, why):
    other = win_rate("creative", "tone", "formal", 20, 40, q_value=0.9)
    whole = contexts(win_rate("creative", "tone", "friendly", wins, decided, q_value), other)["everything"]
    assert ("friendly" in values(whole.recommended_tones)) is recommended
    assert ("friendly" in values(whole.risky_patterns)) is risky
    reasons = {entry.value: entry.reason for entry in whole.not_recommended}
    assert why in reasons.get("friendly", "")
    assert ("friendly" in reasons) is not recommended


def test_contents_that_cannot_be_compared_are_not_compared_across_platforms_instead():
    # All headlines are on one platform and all photos on another: their win rates tell of the platforms.
    rows = (
        pattern("content_type", "headline", "unclear", None, q_value=None),
        pattern("content_type", "photo", "unclear", None, q_value=None),
        win_rate("creative", "content_type", "headline", 1, 90, 1e-9),
        win_rate("creative", "content_type", "photo", 80, 90, 1e-9),
    )
    whole = contexts(*rows)["everything"]
    assert not whole.risky_patterns
    assert not whole.recommended_patterns
    assert {entry.value for entry in whole.not_recommended} == {"content_type: headline", "content_type: photo"}


def test_patterns_outrank_win_rates():
    rows = (
        pattern("tone", "friendly", "unclear", 0.01, q_value=0.8),
        win_rate("creative", "tone", "friendly", 40, 50, 0.001),
        win_rate("creative", "tone", "formal", 10, 50, 0.001),
    )
    whole = contexts(*rows)["everything"]
    assert not whole.recommended_tones


@pytest.mark.parametrize(
    ("whole", "own", "shrunk", "recommended", "risky", "borrowed"),
    [
        # over everything / in the project / own lift drawn toward everything -> in the project's context
        ("works", None, None, True, False, True),
        ("works", "works", 0.2, True, False, False),
        ("works", "unclear", 0.1, True, False, True),
        ("works", "unclear", -0.1, False, False, False),
        ("works", "risky", -0.1, False, True, False),
        ("unclear", "works", 0.1, True, False, False),
        ("unclear", "unclear", 0.1, False, False, False),
        ("unclear", "risky", -0.1, False, True, False),
        ("risky", None, None, False, True, True),
        ("risky", "unclear", -0.1, False, True, True),
        ("risky", "unclear", 0.1, False, False, False),
        (None, "works", 0.1, True, False, False),
        (None, "risky", -0.1, False, True, False),
    ],
)
def test_a_small_scope_borrows_from_everything_and_says_so(whole, own, shrunk, recommended, risky, borrowed):
    rows = [project("p1", 3)]
    rows += [pattern("tone", "friendly", whole, 0.2 if whole != "risky" else -0.2)] if whole else []
    rows += [scoped_pattern("tone", "friendly", own, shrunk, shrunk)] if own else []
    context = contexts(*rows)["project p1"]
    assert bool(context.recommended_tones) is recommended
    assert bool(context.risky_patterns) is risky
    (*_, evidence) = context.evidence.values()
    assert (evidence.borrowed is not None) is borrowed
    assert evidence.borrowed_rate == (1.0 if borrowed else 0.0)
    if borrowed:
        assert "project p1" in evidence.borrowed
        assert evidence.observations == (4 if own else 0)


@pytest.mark.parametrize(("own", "shrunk"), [("risky", -0.2), ("works", 0.2)])
def test_experiments_over_everything_outrank_a_contradicting_observation_of_a_project(own, shrunk):
    opposite, lift = ("works", 0.2) if own == "risky" else ("risky", -0.2)
    rows = (
        project("p1"),
        pattern("tone", "friendly", opposite, lift, evidence="experiment"),
        scoped_pattern("tone", "friendly", own, shrunk, shrunk),
    )
    context = contexts(*rows)["project p1"]
    assert not context.recommended_tones
    assert not context.risky_patterns
    (entry,) = context.not_recommended
    assert "in experiments over everything" in entry.reason.lower()


def test_rates_of_a_project_are_its_own_or_borrowed():
    context = contexts(*story())["project p1"]
    own, borrowed = context.channel_performance
    assert (own.value, own.rate, own.wins, own.decided) == ("email", 0.75, 3, 4)
    assert context.evidence[own.evidence].borrowed == "80% of the shrunk rate is the rate of everything, 50.0%."
    assert context.evidence[own.evidence].table == "gold.scoped_win_rates"
    assert (borrowed.value, borrowed.rate, borrowed.decided, borrowed.shrunk_rate) == ("phone", None, 0, 0.5)
    assert context.evidence[borrowed.evidence].borrowed_rate == 1.0
    assert context.evidence[borrowed.evidence].table == "gold.win_rates"


def test_there_is_a_context_of_everything_of_each_project_and_of_each_known_segment():
    rows = (
        events(9),
        project("p1", 3, industry="retail", client_type="startup"),
        project("p2", 4, industry="retail", client_type="startup"),
        project("p3", 2, industry="retail"),
        outcome("l1", industry="health", client_type="clinic", dimension="channel"),
        outcome("l1", industry="health", client_type="clinic", dimension="template_id"),
        content("c9", None, industry="health", client_type="clinic"),
        scoped_win_rate(
            "deal", "source", "web", 1, 2, scope="segment", project_id=None, industry="law", client_type="firm"
        ),
    )
    assert {words: context.sample_size for words, context in contexts(*rows).items()} == {
        "everything": 9,
        "project p1": 3,
        "project p2": 4,
        "project p3": 2,
        "segment health × clinic": 1,
        "segment law × firm": 0,
        "segment retail × startup": 7,
    }


def test_the_data_window_is_that_of_the_scope():
    later = THEN.replace(hour=20)
    rows = (events(1), events(1, event_type="y", last_at=later), project("p1"))
    made = contexts(*rows)
    assert made["everything"].data_window == model.DataWindow(first_at=THEN, last_at=later)
    assert made["project p1"].data_window == model.DataWindow(first_at=THEN, last_at=THEN)


def test_one_scope_alone_is_the_same_as_among_all():
    every = contexts(*story())
    for context in every.values():
        (alone,) = contexts(*story(), only=context.scope).values()
        assert alone == every[context.scope.words]


def test_a_project_nobody_knows_borrows_everything():
    (context,) = contexts(*story(), only=model.project("new")).values()
    assert (context.sample_size, context.confidence) == (0, 0)
    assert values(context.recommended_tones) == ["friendly"]
    assert not context.past_winners
    assert all(
        item.borrowed
        for item in context.evidence.values()
        if item.field in {"recommended_tones", "channel_performance"}
    )


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("everything", ["free", "shared", "of p1", "of p2"]),
        ("project p1", ["free", "shared", "of p1"]),
        ("project p2", ["free", "shared", "of p2"]),
        ("project p3", ["free", "shared"]),
        ("segment retail × startup", ["free", "shared", "of p1", "of p2"]),
    ],
)
def test_phrases_of_a_project_are_banned_in_it_and_those_of_none_everywhere(scope, expected):
    retail = {"industry": "retail", "client_type": "startup"}
    rows = (
        project("p1", **retail),
        project("p2", **retail),
        project("p3"),
        phrase("free", None, 5),
        phrase("shared", None, 4),
        phrase("shared", "p1", 1),
        phrase("of p1", "p1", 3),
        phrase("of p2", "p2", 2),
    )
    assert values(contexts(*rows)[scope].banned_phrases) == expected


def test_phrases_of_the_settings_come_first_and_no_limit_drops_a_ban():
    rows = [phrase(f"phrase {number:02}", None, 50 - number) for number in range(30)]
    banned = tuple(f"never {number}" for number in range(12))
    whole = contexts(*rows, phrase("NEVER 3"), publishing={"banned_phrases": banned, "entries": 5})["everything"]
    assert values(whole.banned_phrases) == [*banned, *(f"phrase {number:02}" for number in range(30))]
    assert whole.evidence[whole.banned_phrases[0].evidence].basis == "setting"


def test_other_lists_hold_the_best_as_far_as_the_setting_allows():
    rows = [pattern("tone", f"tone {number}", "works", 0.1 * number) for number in range(1, 8)]
    rows += [label(f"c{number}", shrunk_rate=0.01 * number) for number in range(1, 8)]
    whole = contexts(*rows, publishing={"entries": 3})["everything"]
    assert values(whole.recommended_tones) == ["tone 7", "tone 6", "tone 5"]
    assert [entry.content_id for entry in whole.past_winners] == ["c7", "c6", "c5"]


def test_winners_of_a_scope_are_its_own():
    rows = (
        project("p1", industry="retail", client_type="startup"),
        project("p2"),
        label("c1", "p1", shrunk_rate=0.3),
        content("c1", "p1", industry="retail", client_type="startup", hook_type="question", trials=900),
        label("c2", "p2", shrunk_rate=0.2),
        content("c2", "p2"),
        label("c3", None, None, shrunk_rate=0.1),
        label("c4", "p1", label="loser"),
    )
    made = contexts(*rows)
    winners = {words: [entry.content_id for entry in context.past_winners] for words, context in made.items()}
    assert winners == {
        "everything": ["c1", "c2", "c3"],
        "project p1": ["c1"],
        "project p2": ["c2"],
        "segment retail × startup": ["c1"],
    }
    (winner,) = made["project p1"].past_winners
    assert winner.hook_type == "question"
    assert made["project p1"].evidence[winner.evidence].observations == 900
    assert not made["everything"].risky_patterns


@pytest.mark.parametrize(("ci_low", "clear"), [(0.6, True), (0.500001, True), (0.5, False), (0.1, False)])
def test_a_segment_is_clear_when_its_interval_lies_above_one_half(ci_low, clear):
    whole = contexts(clarity("retail", "startup", 9, 10, ci_low))["everything"]
    assert bool(whole.high_clarity_segments) is clear
    assert bool(whole.not_recommended) is not clear


def test_the_order_of_rows_does_not_matter():
    forth, back = contexts(*story()), contexts(*reversed(story()))
    assert {words: render(context) for words, context in forth.items()} == {
        words: render(context) for words, context in back.items()
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("  two\r\n\tlines \u2028 here ", "two lines here"),
        ("bell\x07 esc\x1b[31m del\x7f c1\x9b", "bell esc[31m del c1"),
        ("right\u202eleft zero\u200bwidth tag\U000e0041", "rightleft zerowidth tag"),
        ("👩\u200d🚀 می\u200cخواهم é", "👩\u200d🚀 می\u200cخواهم é"),
        ("</script>'\"{{ 7*7 }}{% raw %}\\", "</script>'\"{{ 7*7 }}{% raw %}\\"),
        ("x" * 21, "x" * 19 + "…"),
        ("x" * 20, "x" * 20),
        ("\ud800lone", "lone"),
        ("", ""),
    ],
)
def test_a_text_from_outside_is_one_line_of_data(text, line):
    assert as_line(text, 20 if "x" in text[:1] else 280) == line


@given(st.text(), st.integers(1, 50))
def test_no_text_escapes_its_line_or_its_length(text, length):
    line = as_line(text, length)
    assert len(line) <= length
    assert len(line.splitlines()) <= 1
    assert as_line(line, length) == line


def test_the_shipped_schema_is_that_of_the_model():
    schema = model.json_schema()
    assert schema["$schema"].endswith("2020-12/schema")
    named = schema["$defs"]["KaizenContext"]
    assert (
        set(named["required"])
        == set(named["properties"])
        == {field.name for field in msgspec.structs.fields(model.KaizenContext)}
    )
    assert named["additionalProperties"] is False
