"""What tenants share of text rules, in the context of one of them."""

from __future__ import annotations

from kaizenlake.tables import PooledPatterns
from publish.context_frames import documents, events, pattern, project

SHARED = {"tenants": 6, "shrunk_lift": 0.12, "ci_low": 0.05, "ci_high": 0.2, "verdict": "works"}


def pooled(pattern_type="question", **given):
    return PooledPatterns, {"pattern_type": pattern_type, **SHARED, **given}


def recommended(*rows, sharing="pooled", scope="everything"):
    made = documents(events(5), *rows, tenants={"sharing": sharing})[scope]
    return [(item.pattern_type, item.pooled) for item in made.context.recommended_patterns], made


def test_what_is_pooled_is_recommended_and_marked_where_the_own_says_nothing():
    found, made = recommended(pooled())
    assert found == [("question", True)]
    assert made.context.borrowed == {"recommended_patterns": 1}
    entry = made.evidence.evidence["recommended_patterns"]["question: yes"]
    assert (entry.basis, entry.observations, entry.table) == ("pooled", 0, "gold.pooled_patterns")
    assert entry.borrowed.startswith("Pooled over 6 tenants")
    assert "Over 6 tenants" in entry.reason
    assert "+12.0% (95% interval +5.0% to +20.0%)" in entry.reason


def test_a_project_is_told_of_it_too():
    found, _ = recommended(pooled(), project("p"), scope="project p")
    assert found == [("question", True)]


def test_the_own_goes_before_what_is_pooled():
    assert recommended(pattern("question", "yes", "works"), pooled())[0] == [("question", False)]
    other_way = pattern("question", "yes", "unclear", lift=-0.3, q_value=0.4)
    assert recommended(other_way, pooled())[0] == []


def test_what_is_unclear_over_tenants_is_not_said():
    assert recommended(pooled(verdict="unclear", ci_low=-0.1))[0] == []


def test_what_goes_with_failure_over_tenants_is_risky():
    _, made = recommended(pooled(verdict="risky", shrunk_lift=-0.1, ci_low=-0.2, ci_high=-0.02))
    assert made.context.risky_patterns == ["question: yes"]


def test_nothing_that_is_pooled_is_said_where_sharing_is_off():
    assert recommended(pooled(), sharing="off")[0] == []
