"""Which recommendations the tables lead to."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaizenlake import tables
from kaizenlake.jobs.alerts.findings import findings
from kaizenlake.parameters import Confidence
from kaizenlake.publish.context import evidence_document as evidence
from kaizenlake.publish.context import model
from kaizenlake.publish.context.build import Edition, build
from kaizenlake.publish.context.model import as_line
from kaizenlake.publish.context.rendering import render
from kaizenlake.publish.context.scopes import Size, confidence
from kaizenlake.publish.context.sources import RULES, TABLES
from kaizenlake.settings import Settings
from kaizenlake.tables import BrandNotes, Brands, Findings, PlatformHabits
from publish.context_frames import (
    AS_OF,
    THEN,
    clarity,
    content,
    contexts,
    documents,
    events,
    frames,
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


def test_an_empty_lake_makes_a_context_that_recommends_nothing_and_says_why():
    (made,) = documents().values()
    context = made.context
    assert context.scope == model.EVERYTHING
    assert (context.sample_size, context.confidence) == (0, 0)
    assert (made.size.first_at, made.size.last_at) == (None, None)
    assert not made.evidence.evidence
    assert all(not getattr(context, rule.field) for rule in RULES)
    assert {rule.field for rule in RULES} <= set(context.why_empty)
    assert not any(context.usable.values())
    assert render(context)
    assert render(made.evidence)


def test_every_field_is_fed_from_the_tables():
    made = documents(*story())["everything"]
    whole = made.context
    assert whole.recommended_tones == ["friendly"]
    assert whole.high_performing_hooks == ["question"]
    assert whole.successful_pillars == ["education"]
    assert whole.preferred_platforms == ["instagram"]
    assert [(entry.pattern_type, entry.value) for entry in whole.recommended_patterns] == [("second_person", "yes")]
    assert whole.risky_patterns == ["pillar: news", "platform: x", "hook_type: list", "content: c3"]
    assert whole.banned_phrases == ["synergy", "act now"]
    assert [(entry.content_id, entry.marked_by) for entry in whole.past_winners] == [
        ("c2", "manual"),
        ("c1", "automatic"),
    ]
    assert list(whole.channel_performance.items()) == [("phone", 0.5), ("email", 0.3)]
    assert whole.pack_success_rates == {"launch_gtm_pack": 0.9}
    assert whole.high_clarity_segments == ["retail / startup"]
    assert (whole.sample_size, whole.confidence) == (300, 100)
    assert {field: list(by_value) for field, by_value in made.evidence.not_recommended.items()} == {
        "recommended_tones": ["formal"],
        "high_performing_hooks": ["list"],
        "successful_pillars": ["news"],
        "preferred_platforms": ["x"],
        "high_clarity_segments": ["health / unknown"],
    }


def test_fields_are_usable_or_say_why_they_are_empty():
    for context in contexts(*story()).values():
        for rule in RULES:
            filled = bool(getattr(context, rule.field))
            assert context.usable[rule.field] is filled
            assert (rule.field in context.why_empty) is not filled
        assert context.why_empty["hours"] == "No post with a known result tells at which hour it was published."


def test_values_are_graded():
    whole = contexts(*story())["everything"]
    assert whole.grades.works == {
        "recommended_tones": ["friendly"],
        "high_performing_hooks": ["question"],
        "successful_pillars": ["education"],
        "preferred_platforms": ["instagram"],
        "recommended_patterns": ["second_person: yes"],
    }
    assert whole.grades.unclear == {"recommended_tones": ["formal"]}


def test_the_evidence_of_every_entry_is_found_by_field_and_value():
    for made in documents(*story()).values():
        for rule in RULES:
            entries = getattr(made.context, rule.field)
            if rule.field == "past_winners":
                entries = [entry.content_id for entry in entries]
            if rule.field == "recommended_patterns":
                entries = [f"{entry.pattern_type}: {entry.value}" for entry in entries]
            assert list(made.evidence.evidence.get(rule.field, {}))[: len(entries)] == list(entries)
        for by_value in made.evidence.evidence.values():
            assert all(evidence.reason for evidence in by_value.values())


def test_a_reason_that_a_finding_words_is_its_sentence_in_every_scope():
    scan = frames(*story(), win_rate("pack", "pack_key", "slow_pack", 20, 90, q_value=0.001))
    held = [scan(table) if table in TABLES else tables.empty(table) for table in findings.reads]
    told = findings(*held, as_of=AS_OF).collect()
    said = dict(told.select("finding_id", "sentence").iter_rows())
    edition = Edition(settings=Settings())
    with_findings = {
        made.scope.words: made.evidence for made in build(lambda t: told.lazy() if t is Findings else scan(t), edition)
    }
    whole = with_findings["everything"].evidence
    reasons = {
        "tested_pattern/hook_type/question": whole["high_performing_hooks"]["question"],
        "tested_pattern/hook_type/list": whole["risky_patterns"]["hook_type: list"],
        "observed_pattern/tone/friendly": whole["recommended_tones"]["friendly"],
        "win_rate/pack/pack_key/slow_pack": whole["pack_success_rates"]["slow_pack"],
        "brief_clarity/retail/startup": whole["high_clarity_segments"]["retail / startup"],
        "best_content/p1/c1/instagram": whole["past_winners"]["c1"],
    }
    assert {name: evidence.reason for name, evidence in reasons.items()} == {name: said[name] for name in reasons}
    borrowed = with_findings["project p2"].evidence["high_performing_hooks"]["question"]
    assert borrowed.reason == said["tested_pattern/hook_type/question"]
    assert "90 outcomes were won" not in str(whole)
    alone = {made.scope.words: made.evidence for made in build(scan, edition)}["everything"]
    assert alone.evidence["pack_success_rates"]["slow_pack"].reason.startswith("20 of 90 outcomes were won")


def test_evidence_carries_the_figures_of_the_table():
    evidence = documents(*story())["everything"].evidence.evidence["high_performing_hooks"]["question"]
    assert (evidence.basis, evidence.observations, evidence.observed) == ("experiment", 40, "contents")
    assert (evidence.effect, evidence.effect_low, evidence.effect_high) == (0.3, 0.2, 0.4)
    assert (evidence.shrunk_effect, evidence.corrected_p) == (0.24, 0.01)
    assert evidence.table == "gold.patterns"
    assert evidence.reason == (
        "In 6 experiments, the engagement rate of 40 posts with it differs by +30.0% (95% interval +20.0% to "
        "+40.0%) from that of posts without it, corrected p 0.01."
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
    whole, found, *_ = documents(*rows)["everything"]
    assert bool(whole.recommended_tones) is recommended
    assert bool(whole.risky_patterns) is risky
    assert bool(found.not_recommended) is not recommended


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
    assert whole.recommended_tones == ["friendly"]


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
        (25, 50, 0.001, False, False, "enough data yet to tell"),
    ],
)
def test_win_rates_stand_in_where_patterns_say_nothing(wins, decided, q_value, recommended, risky, why):
    other = win_rate("creative", "tone", "formal", 20, 40, q_value=0.9)
    friendly = win_rate("creative", "tone", "friendly", wins, decided, q_value)
    whole, found, *_ = documents(friendly, other)["everything"]
    assert ("friendly" in whole.recommended_tones) is recommended
    assert ("tone: friendly" in whole.risky_patterns) is risky
    rejected = found.not_recommended["recommended_tones"]
    assert ("friendly" in rejected) is not recommended
    if not recommended:
        assert why in rejected["friendly"].reason


def test_contents_that_cannot_be_compared_are_not_compared_across_platforms_instead():
    # All headlines are on one platform and all photos on another: their win rates tell of the platforms.
    rows = (
        pattern("content_type", "headline", "unclear", None, q_value=None),
        pattern("content_type", "photo", "unclear", None, q_value=None),
        win_rate("creative", "content_type", "headline", 1, 90, 1e-9),
        win_rate("creative", "content_type", "photo", 80, 90, 1e-9),
    )
    whole, found, *_ = documents(*rows)["everything"]
    assert not whole.risky_patterns
    assert not whole.recommended_patterns
    rejected = found.not_recommended["recommended_patterns"]
    assert set(rejected) == {"content_type: headline", "content_type: photo"}


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
    context, found, *_ = documents(*rows)["project p1"]
    assert bool(context.recommended_tones) is recommended
    assert bool(context.risky_patterns) is risky
    assert context.borrowed == ({"recommended_tones" if recommended else "risky_patterns": 1} if borrowed else {})
    held = [item for by_value in found.evidence.values() for item in by_value.values()]
    held += [entry.evidence for by_value in found.not_recommended.values() for entry in by_value.values()]
    evidence = held[0]
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
    context, found, *_ = documents(*rows)["project p1"]
    assert not context.recommended_tones
    assert not context.risky_patterns
    entry = found.not_recommended["recommended_tones"]["friendly"]
    assert "in experiments over everything" in entry.reason.lower()


def test_rates_of_a_project_are_its_own_or_borrowed():
    context, found, *_ = documents(*story())["project p1"]
    assert list(context.channel_performance.items()) == [("email", 0.75), ("phone", 0.5)]
    assert context.borrowed["channel_performance"] == 1
    own, borrowed = found.evidence["channel_performance"].values()
    assert (own.value, own.rate, own.observations) == ("email", 0.75, 4)
    assert own.borrowed == "80% of the shrunk rate is the rate of everything, 50.0%."
    assert own.table == "gold.scoped_win_rates"
    assert (borrowed.value, borrowed.observations, borrowed.borrowed_rate) == ("phone", 0, 1.0)
    assert borrowed.table == "gold.win_rates"


@pytest.mark.parametrize(
    ("decided", "rate"),
    [
        # outcomes decided, all won; drawn toward its like: .6 -> the rate that a generator reads
        (1, 0.6),
        (9, 0.6),
        (10, 1.0),
        (50, 1.0),
    ],
)
def test_few_outcomes_do_not_read_as_a_perfect_rate(decided, rate):
    whole = contexts(win_rate("pack", "pack_key", "new", decided, decided, shrunk_rate=0.6))["everything"]
    assert whole.pack_success_rates == {"new": rate}


def test_pending_outcomes_are_counted_and_shown_without_a_rate():
    young = {"status": "pending", "pending": 90, "age_days": None, "adjusted_rate": None}
    young |= {"win_rate": None, "shrunk_rate": None, "ci_low": None, "ci_high": None}
    rows = (
        win_rate("outreach", "channel", "email", 10, 100),
        win_rate("outreach", "channel", "linkedin", 10, 10, **young),
    )
    context, found, *_ = documents(*rows)["everything"]
    assert context.channel_performance == {"email": 0.1}
    refused = found.not_recommended["channel_performance"]["linkedin"]
    assert (
        refused.reason
        == "Not enough data yet: 10 outcomes can be counted. 90 are pending: too young, or told by their success alone."
    )
    assert (refused.evidence.rate, refused.evidence.pending) == (None, 90)
    assert found.evidence["channel_performance"]["email"].age_days == 14
    alone = contexts(rows[1])["everything"]
    assert alone.channel_performance == {}
    assert alone.why_empty["channel_performance"].startswith("No outcome of 1 value can be counted")


def test_own_entries_come_before_borrowed_ones():
    rows = [pattern("tone", f"borrowed {number}", "works", 0.5) for number in range(4)]
    rows += [project("p1"), *(scoped_pattern("tone", f"own {number}", "works", 0.1, 0.1) for number in range(3))]
    context = contexts(*rows)["project p1"]
    assert context.recommended_tones == ["own 0", "own 1", "own 2", "borrowed 0", "borrowed 1"]
    assert context.borrowed == {"recommended_tones": 2}
    assert context.more == {"recommended_tones": 2}


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
        "segment health": 1,
        "segment law × firm": 0,
        "segment retail × startup": 7,
        "segment retail": 9,
        "segment clinic": 1,
        "segment startup": 7,
    }


def test_a_project_of_one_brand_is_told_the_brand_with_its_newest_notes():
    noted = [
        (
            BrandNotes,
            {"brand_id": "acme", "noted_at": THEN + timedelta(days=day), "note": f"Note {day}\n# end", "told_by": by},
        )
        for day, by in enumerate(("ann", None, "ben", "eve"))
    ]
    rows = (
        *(project(name) for name in ("p1", "p2", "p3")),
        *noted,
        (Brands, {"brand_id": "acme", "name": "Acme", "projects": ["p1", "p2"], "described_at": THEN}),
        (Brands, {"brand_id": "other", "name": "Other", "projects": ["p2"], "described_at": THEN}),
    )
    made = contexts(*rows)
    brand = made["project p1"].brand
    assert (brand.brand_id, brand.name) == ("acme", "Acme")
    assert [(note.noted_on, note.source, note.text) for note in brand.notes] == [
        (f"{THEN + timedelta(days=3):%Y-%m-%d}", "eve", "Note 3 # end"),
        (f"{THEN + timedelta(days=2):%Y-%m-%d}", "ben", "Note 2 # end"),
        (f"{THEN + timedelta(days=1):%Y-%m-%d}", "not said", "Note 1 # end"),
    ]
    assert made["project p1"].usable["brand"]
    # Two brands name p2, none names p3.
    assert [made[scope].brand for scope in ("project p2", "project p3", "everything")] == [None] * 3
    assert made["project p2"].why_empty["brand"] == "No one brand is described that names the project."


def test_the_data_window_is_that_of_the_scope():
    later = THEN.replace(hour=20)
    rows = (events(1), events(1, event_type="y", last_at=later), project("p1"))
    made = documents(*rows)
    assert made["everything"].size == Size(1 + 1, THEN, later)
    assert made["project p1"].size == Size(20, THEN, THEN)


def test_one_scope_alone_is_the_same_as_among_all():
    every = documents(*story())
    for made in every.values():
        (alone,) = documents(*story(), only=made.context.scope).values()
        assert alone == made


def test_a_project_nobody_knows_borrows_everything():
    ((context, found, *_),) = documents(*story(), only=model.project("new")).values()
    assert (context.sample_size, context.confidence) == (0, 0)
    assert context.recommended_tones == ["friendly"]
    assert not context.past_winners
    for name in ("recommended_tones", "channel_performance"):
        assert all(item.borrowed for item in found.evidence[name].values())
        assert context.borrowed[name] == len(getattr(context, name))


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
    assert contexts(*rows)[scope].banned_phrases == expected


def test_phrases_of_the_settings_come_first_and_no_limit_drops_a_ban():
    rows = [phrase(f"phrase {number:02}", None, 50 - number) for number in range(30)]
    banned = tuple(f"never {number}" for number in range(3))
    made = documents(*rows, phrase("NEVER 2"), publishing={"banned_phrases": banned, "entries": 5})["everything"]
    assert made.context.banned_phrases == [*banned, "phrase 00", "phrase 01"]
    assert made.context.more == {"banned_phrases": 28}
    held = made.evidence.evidence["banned_phrases"]
    assert list(held) == [*banned, *(f"phrase {number:02}" for number in range(30))]
    assert held["never 0"].basis == "setting"


def test_a_phrase_that_would_be_cut_is_banned_in_the_evidence_alone():
    long = "a very long phrase " * 12
    made = documents(phrase(long, None, 9), phrase("short"))["everything"]
    assert made.context.banned_phrases == ["short"]
    assert list(made.evidence.evidence["banned_phrases"]) == [long.strip(), "short"]


def test_other_lists_hold_the_best():
    rows = [pattern("tone", f"tone {number}", "works", 0.1 * number) for number in range(1, 9)]
    rows += [label(f"c{number}", shrunk_rate=0.01 * number) for number in range(1, 8)]
    made = documents(*rows, publishing={"entries": 7})["everything"]
    assert made.context.recommended_tones == ["tone 8", "tone 7", "tone 6", "tone 5", "tone 4"]
    assert [entry.content_id for entry in made.context.past_winners] == ["c7", "c6", "c5"]
    assert len(made.evidence.evidence["recommended_tones"]) == 7
    assert made.context.more == {"recommended_tones": 2, "past_winners": 4}


WIDE = st.text(st.sampled_from("a<'\"\\\n\x1b é👩\u200d🚀漢\u202e&"), min_size=1, max_size=400)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(WIDE, min_size=1, max_size=7, unique=True), same=st.booleans())
def test_no_text_makes_a_document_longer_than_a_generator_reads(texts, same):
    rows = [events(10**9)]
    for place, text in enumerate(texts):
        name = texts[0] if same else text
        rows += [project(text, industry=text, client_type=text), phrase(text, name, last_reason=text)]
        for pattern_type in ("tone", "hook_type", "pillar", "platform", "length_band"):
            rows.append(pattern(pattern_type, text, ("works", "risky", "unclear")[place % 3]))
        rows += [win_rate("outreach", "channel", text, 1, 3), win_rate("pack", "pack_key", text, 1, 3)]
        rows += [label(text, name, text, source="manual", reason=text, text=text * 5), clarity(text, text, 9, 10, 0.6)]
        rows += [content(text, name, text, industry=text, client_type=text, tone=text, pillar=text, hook_type=text)]
    for made in documents(*rows, tenant=texts[0]).values():
        assert len(render(made.context)) <= model.LIMIT
        assert made.context.recommended_tones or made.context.why_empty["recommended_tones"]


def test_a_context_is_a_short_read():
    for context in contexts(*story()).values():
        assert 1_500 <= len(render(context)) <= 3_500


@pytest.mark.parametrize(
    "field",
    [
        {},
        {"recommended_tones": ["friendly"]},
        {"risky_patterns": ["tone: formal"]},
        {"preferred_platforms": ["instagram"]},
        {"banned_phrases": ["synergy"]},
        {"past_winners": [{"content_id": "c1"}]},
        {"successful_pillars": ["education"]},
        {"high_performing_hooks": ["question"]},
        {"high_clarity_segments": ["retail / startup"]},
        {"channel_performance": {"email": 0.3}},
        {"pack_success_rates": {"launch_gtm_pack": 0.9}},
        {"confidence": 50.0},
        {"sample_size": 10},
    ],
)
def test_a_context_can_be_made_of_any_one_of_its_fields(field):
    context = model.KaizenContext(**field)
    twelve = msgspec.to_builtins(context)
    assert all(twelve[name] == value for name, value in field.items())
    assert context.scope == model.EVERYTHING


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
    made = documents(*rows)
    winners = {words: [entry.content_id for entry in each.context.past_winners] for words, each in made.items()}
    assert winners == {
        "everything": ["c1", "c2", "c3"],
        "project p1": ["c1"],
        "project p2": ["c2"],
        "segment retail × startup": ["c1"],
        "segment retail": ["c1"],
        "segment startup": ["c1"],
    }
    (winner,) = made["project p1"].context.past_winners
    assert winner.hook_type == "question"
    assert made["project p1"].evidence.evidence["past_winners"]["c1"].observations == 900
    assert not made["everything"].context.risky_patterns


def test_past_winners_show_one_entry_an_experiment_and_one_a_wording_with_what_it_beat():
    rows = (
        project("p1"),
        label("c1", "p1", shrunk_rate=0.5, experiment_id="e1", text="A secret", beaten_text="Plain", lift=0.4),
        label("c2", "p1", shrunk_rate=0.4, experiment_id="e1", text="Another", beaten_text="Plain", lift=0.3),
        label("c3", "p1", shrunk_rate=0.3, experiment_id="e2", text="a  SECRET", beaten_text="Dull", lift=0.2),
        label("c4", "p1", shrunk_rate=0.2, text="Outside of tests"),
        label("c5", "p1", shrunk_rate=0.1, text="Outside of tests"),
        label("c6", "p1", shrunk_rate=0.9, experiment_id="e3", text="Won by its picture", lift=0.9),
        *(content(f"c{number}", "p1", trials=100) for number in range(1, 7)),
    )
    for scope in ("everything", "project p1"):
        found = documents(*rows)[scope]
        entries = found.context.past_winners
        assert [(entry.content_id, entry.beat, entry.lift) for entry in entries] == [
            ("c1", "Plain", 0.4),
            ("c4", None, None),
        ]
        assert found.evidence.evidence["past_winners"]["c1"].basis == "experiment"


@pytest.mark.parametrize(("ci_low", "clear"), [(0.6, True), (0.500001, True), (0.5, False), (0.1, False)])
def test_a_segment_is_clear_when_its_interval_lies_above_one_half(ci_low, clear):
    whole, found, *_ = documents(clarity("retail", "startup", 9, 10, ci_low))["everything"]
    assert bool(whole.high_clarity_segments) is clear
    assert bool(found.not_recommended) is not clear


def test_the_order_of_rows_does_not_matter():
    forth, back = documents(*story()), documents(*reversed(story()))
    assert {words: (render(made.context), render(made.evidence)) for words, made in forth.items()} == {
        words: (render(made.context), render(made.evidence)) for words, made in back.items()
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


def test_the_shipped_schemas_are_those_of_the_models():
    for schema, kind in ((model.json_schema(), model.KaizenContext), (evidence.json_schema(), evidence.KaizenEvidence)):
        assert schema["$schema"].endswith("2020-12/schema")
        named = schema["$defs"][kind.__name__]
        fields = {field.name for field in msgspec.structs.fields(kind)}
        assert set(named["required"]) == set(named["properties"]) == fields
        assert named["additionalProperties"] is False


def habit(habit, value, **said):
    told = {"scope": "everything", "project_id": None, "platform": "instagram", "verdict": "works", "lift": 0.2}
    return PlatformHabits, told | {"habit": habit, "value": value} | said


def test_tones_of_platforms_and_hours_that_work_are_told_and_the_others_counted():
    made = contexts(
        *story(),
        habit("tone", "warm"),
        habit("tone", "dry", lift=0.3),
        habit("tone", "warm", platform="email", lift=0.9),
        habit("tone", "loud", verdict="unclear", lift=None),
        habit("hour", "7", verdict="unclear"),
        habit("hour", "8", verdict="risky"),
        habit("hour", "18", scope="project", project_id="p1"),
    )
    whole = made["everything"]
    assert [(item.platform, item.tones) for item in whole.platforms] == [
        ("email", ["warm"]),
        ("instagram", ["dry", "warm"]),
    ]
    assert (whole.hours, whole.usable["hours"], whole.usable["platforms"]) == ([], False, True)
    assert whole.why_empty["hours"] == "Of 2 hours on platforms none is shown to do better than the others there."
    assert "platforms" not in whole.why_empty
