"""What notebooks and services ask."""

from __future__ import annotations

import msgspec
import pytest

import kaizenlake
from kaizenlake import KaizenService
from kaizenlake.context import load
from kaizenlake.errors import KaizenError
from kaizenlake.lake.store import Lake
from kaizenlake.publish.signed.documents import publish_contexts
from publish.context_frames import AS_OF, NOW, content, fill, pattern, story, win_rate

WAITING = {"status": "pending", "pending": 30}
WAITING |= dict.fromkeys(("win_rate", "ci_low", "ci_high", "adjusted_rate", "shrunk_rate", "p_value", "q_value"))


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    made = Lake.create(tmp_path_factory.mktemp("service") / "lake")
    fill(
        made,
        *story(),
        win_rate("deal", "industry", "retail", 3, 4),
        win_rate("outreach", "industry", "retail", 1, 4),
        win_rate("creative", "tone", "seldom shown", 20, 60),
        win_rate("creative", "tone", "warm", 10, 60, strata=2),
        win_rate("creative", "tone", "cold", 5, 60, strata=2),
        win_rate("creative", "length_band", "6-10", 5, 10),
        win_rate("run", "phase", "draft", 1, 2),
        win_rate("run", "phase", "review", 0, 1, **WAITING),
        win_rate("pack", "pack_key", "quick_social", 1, 1, shrunk_rate=0.7),
        pattern("hook_type", "question", "unclear", -0.1),
        content("h1", hook_type="question", engagement_rate=0.1),
        content("h2", hook_type="question", engagement_rate=0.2),
        content("h3", hook_type="question"),
        content("h4", hook_type="list", engagement_rate=0.9),
        content("h5", hook_type="quote", engagement_rate=0.4),
        content("h6", hook_type="command"),
        content("h7", length_band="6-10", engagement_rate=0.4),
    )
    return made


def test_the_service_takes_a_lake_or_its_folder(lake):
    assert KaizenService(str(lake.root)).get_win_rates() == KaizenService(lake).get_win_rates()


def test_a_context_asked_live_says_what_the_published_one_says(lake):
    publish_contexts(lake, as_of=AS_OF, generated_at=NOW, run_id="")
    service = KaizenService(lake)
    for context, scope in (
        (service.build_context(), {}),
        (service.build_context_for_project("p1"), {"project": "p1"}),
        (
            service.build_context_for_segment(industry="retail", client_type="startup"),
            {"industry": "retail", "client_type": "startup"},
        ),
        (service.build_context_for_segment(industry="retail"), {"industry": "retail"}),
        (service.build_context_for_segment(client_type="startup"), {"client_type": "startup"}),
        (service.build_context_for_segment("Retail/Startup"), {"industry": "retail", "client_type": "startup"}),
        (
            service.build_context_for_segment(segment_id="retail_startup"),
            {"industry": "retail", "client_type": "startup"},
        ),
    ):
        assert isinstance(context, kaizenlake.KaizenContext)
        published = load(lake.path("published"), **scope).context
        assert msgspec.to_builtins(context) == published


def test_a_context_is_explained_live(lake):
    service = KaizenService(lake)
    assert "- friendly: As observed" in service.explain("friendly")
    assert "gold.patterns, version" in service.explain("friendly")
    assert "4 contents of project p1 cannot tell alone" in service.explain("friendly", project_id="p1")
    assert "Context of segment retail startup" in service.explain(industry="retail", client_type="startup")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {"quick_social": 1.0, "launch_gtm_pack": 0.9}),
        ({"groupby": "pack_key", "shrunk": True}, {"launch_gtm_pack": 0.9, "quick_social": 0.7}),
        ({"groupby": "channel"}, {"phone": 0.5, "email": 0.3}),
        ({"groupby": "industry"}, {"retail": 0.75}),
        ({"groupby": "industry", "kind": "outreach"}, {"retail": 0.25}),
        ({"groupby": "phase"}, {"draft": 0.5}),
        ({"groupby": "tone"}, {"warm": 10 / 60, "cold": 5 / 60}),  # what no other can be compared with is left out
        ({"groupby": "length_band"}, {"6-10": 0.5}),
        ({"groupby": "platform"}, {"instagram": 0.75, "x": 0.25}),  # never compared, so nothing is left out
        ({"groupby": "template_id"}, {}),
    ],
)
def test_win_rates_of_a_dimension(lake, asked, expected):
    found = KaizenService(lake).get_win_rates(**asked)
    assert found == expected
    assert list(found) == list(expected)


@pytest.mark.parametrize("asked", [{"groupby": "colour"}, {"groupby": "phase", "kind": "pack"}, {"groupby": ""}])
def test_an_unknown_dimension_names_those_there_are(lake, asked):
    with pytest.raises(KaizenError, match=r"Allowed: .*pack_key"):
        KaizenService(lake).get_win_rates(**asked)


def test_top_patterns_come_with_their_figures_the_experiment_first(lake):
    found = KaizenService(lake).get_top_performing_patterns(pattern_type="hooks")
    assert [(row["hook"], row["count"], row["avg_engagement"]) for row in found] == [
        ("question", 3, 0.15),
        ("list", 1, 0.9),
        ("quote", 1, 0.4),
        ("command", 1, None),
    ]
    question = found[0]
    assert (question["lift"], question["ci_low"], question["ci_high"]) == (0.3, 0.2, 0.4)
    assert (question["verdict"], question["evidence"], question["q_value"]) == ("works", "experiment", 0.01)
    assert found[2]["lift"] is None
    assert len(KaizenService(lake).get_top_performing_patterns("hooks", limit=1)) == 1


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ("hooks", "hook"),
        ("tones", "tone"),
        ("platforms", "platform"),
        ("content_types", "content_type"),
        ("pillars", "pillar"),
        ("lengths", "length"),
    ],
)
def test_every_pattern_type_can_be_asked(lake, asked, key):
    for row in KaizenService(lake).get_top_performing_patterns(asked):
        assert next(iter(row)) == key
    assert KaizenService(lake).get_top_performing_patterns("lengths")[0]["length"] == "6-10"


def test_an_unknown_pattern_type_names_those_there_are(lake):
    with pytest.raises(KaizenError, match=r"Allowed: hooks, tones"):
        KaizenService(lake).get_top_performing_patterns("colours")


def test_an_empty_lake_answers_with_nothing(tmp_path):
    service = KaizenService(Lake.create(tmp_path / "lake"))
    assert service.get_win_rates() == {}
    assert service.get_top_performing_patterns() == []
    assert service.build_context_for_project("p1").confidence == 0


def test_win_rates_are_explained_with_their_age_and_what_is_pending(lake):
    service = KaizenService(lake)
    rated, pending = service.explain_win_rates("phase")

    assert (rated["value"], rated["status"], rated["age_days"], rated["win_rate"], rated["pending"]) == (
        *("draft", "rated", 14),
        *(0.5, 0),
    )
    assert (pending["value"], pending["status"], pending["pending"], pending["win_rate"]) == (
        "review",
        "pending",
        30,
        None,
    )
    assert service.get_win_rates("phase") == {"draft": 0.5}
    tones = {row["value"]: (row["comparable"], row["decided"]) for row in service.explain_win_rates("tone")}
    assert tones == {"seldom shown": (False, 60), "warm": (True, 60), "cold": (True, 60)}
    with pytest.raises(KaizenError, match="dimension 'colour'"):
        service.explain_win_rates("colour")
