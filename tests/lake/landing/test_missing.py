"""A landing says what its events do not tell and tables need."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kaizenlake.events.catalogue import by_name
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.landing.quarantine import risen_shares
from kaizenlake.lake.store import Lake
from kaizenlake.publish.context.sources import RULES
from kaizenlake.tables import TABLES, name
from kaizenlake.tables.base.needs import NEEDS
from lake.landed import NOW, ndjson, post, put

PARTS = "Map one of: engagements, likes, comments, shares, saves, engagement_rate."


def said(tmp_path, *events):
    return land(Lake.create(tmp_path / "lake"), put(tmp_path / "a.ndjson", ndjson(*events)), now=NOW).missing


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"engagements": 5, "text": "Hello"}, []),
        ({"engagements": None, "likes": 3, "tone": "warm", "text": "a"}, []),
        ({"engagements": None, "text": "a"}, ["engagements: no engagement rates, tiers, winners or patterns. " + PARTS]),
        ({"engagements": None, "text": 'say "likes": 5'}, ["engagements: no engagement rates, tiers, winners or patterns. " + PARTS]),
        ({"engagements": None, "platform": "E-Mail", "opens": 3}, []),
        ({"engagements": None, "platform": "website"}, []),
        ({"tone": "warm"}, ["text: no features of texts, such as questions or length. Map text."]),
        ({}, ["a text or an attribute: no patterns of what works. Map one of: text, tone, hook_type, pillar, content_type."]),
    ],
)  # fmt: skip
def test_what_records_of_figures_lack_is_said_with_the_remedy(tmp_path, given, missing):
    told = said(tmp_path, *(post(f"p{n}", content_id=f"c{n}", **given) for n in range(120)))
    assert list(told) == [f"120 records of figures without {words}" for words in missing]


def test_what_few_lack_is_not_said(tmp_path):
    whole = [post(f"p{n}", content_id=f"c{n}", text="a") for n in range(40)]
    assert said(tmp_path, *whole, post("q", content_id="q", engagements=None, text="a")) == ()


def test_every_need_names_what_there_is():
    tables, fields = {name(table) for table in TABLES}, {rule.field for rule in RULES}
    for need in NEEDS:
        event = by_name(need.event)
        assert event is not None
        assert set(need.fields) <= {field.name for field in event.fields}
        assert set(need.tables) <= tables
        assert set(need.context) <= fields
        assert all(by_name(other) is not None for other in need.events)
        assert bool(need.fields) != bool(need.events)


@pytest.mark.parametrize(("bad", "told"), [(0, 0), (1, 0), (12, 1)])
def test_a_share_of_quarantined_lines_that_has_risen_is_said(tmp_path, bad, told):
    lake = Lake.create(tmp_path / "lake")
    first = ndjson(*(post(f"p{n}", content_id=f"c{n}") for n in range(100)))
    land(lake, put(tmp_path / "a.ndjson", first), now=NOW)
    later = NOW + timedelta(days=30)
    lines = [post(f"q{n}", content_id=f"d{n}", **({"impressions": -1} if n < bad else {})) for n in range(40)]
    land(lake, put(tmp_path / "b.ndjson", ndjson(*lines)), now=later)
    said = risen_shares(lake, later + timedelta(days=1))
    assert len(said) == told
    assert all(
        words == "30.0% of the lines of events went to quarantine in the last 7 days, 0.0% before." for words in said
    )
    assert risen_shares(lake, later + timedelta(days=20)) == []
