"""Records that contradict themselves: to quarantine with the figures, refused at the call by the same words."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

import kaizenlake as kz
from kaizenlake.errors import EventError
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.events.values.platforms import ALIASES, normalise_column, platform_name
from kaizenlake.lake.store import Lake
from lake.landed import NOW, lead, line, post

COUNTS = {"impressions": 1_000, "reach": 500, "clicks": 40, "engagements": 50, "conversions": 4}

CASES = {
    # what is told: (fields, what is said of it; None where it can be true)
    "all agree": (COUNTS | {"engagement_rate": 0.05, "ctr": 0.04, "conversion_rate": 0.1}, None),
    "rounded to two digits": ({"impressions": 1_000, "engagements": 54, "engagement_rate": 0.05}, None),
    "rounded up": ({"impressions": 1_000, "engagements": 55, "engagement_rate": 0.06}, None),
    "beyond two digits": (
        {"impressions": 1_000, "engagements": 56, "engagement_rate": 0.05},
        "`engagement_rate` is 0.05, and `engagements` (56) of `impressions` (1,000) are 0.056",
    ),
    "beyond four digits": ({"impressions": 10_000, "clicks": 371, "ctr": 0.0372}, "`ctr` is 0.0372"),
    "a percentage that was not divided by ten": ({"impressions": 1_000, "clicks": 37, "ctr": 0.37}, "`ctr` is 0.37"),
    "single precision": ({"impressions": 8_113, "clicks": 977, "ctr": 0.12042400985956192}, None),
    "no rate where there are engagements": (
        {"impressions": 100, "engagements": 3, "engagement_rate": 0.0},
        "is 0, and",
    ),
    "all of them where there are some": ({"impressions": 100, "engagements": 90, "engagement_rate": 1}, "is 1, and"),
    "of reach, as it says": (COUNTS | {"rate_of": "reach", "engagement_rate": 0.1}, None),
    "of reach, as it does not say": (COUNTS | {"engagement_rate": 0.1}, None),
    "of impressions, as it says": (
        COUNTS | {"rate_of": "impressions", "engagement_rate": 0.15},
        "`engagement_rate` is 0.15, and `engagements` (50) of `impressions` (1,000) are 0.05",
    ),
    "of neither": (COUNTS | {"engagement_rate": 0.22}, "of `impressions` (1,000) are 0.05, of `reach` (500) are 0.1"),
    "of a reach that is not known": (
        {"impressions": 10, "engagements": 5, "rate_of": "reach", "engagement_rate": 0.2},
        None,
    ),
    "of nothing": ({"impressions": 0, "engagements": 0, "engagement_rate": 0.2}, None),
    "parts of conversions": ({"clicks": 100, "conversions": 2.5, "conversion_rate": 0.025}, None),
    "a rate of parts of conversions": (
        {"clicks": 100, "conversions": 2.5, "conversion_rate": 0.25},
        "`conversion_rate` is 0.25, and `conversions` (2.5) of `clicks` (100) are 0.025",
    ),
    "conversions by view": ({"clicks": 10, "conversions": 20}, None),
    "conversions of clicks": ({"clicks": 100, "conversions": 3, "conversion_rate": 0.3}, "`conversion_rate` is 0.3"),
    "more engagements than impressions": (
        {"impressions": 10, "engagements": 12},
        "`engagements` (12) is more than `impressions` (10)",
    ),
    "people engaged, of reach": ({"impressions": 10, "reach": 20, "engagements": 12, "rate_of": "reach"}, None),
    "more clicks than impressions": (
        {"impressions": 10, "clicks": 11},
        "`clicks` (11) is more than `impressions` (10)",
    ),
    "as many as there can be": ({"impressions": 10, "clicks": 10, "engagements": 10}, None),
}


def of_case(fields):
    return {"content_id": "c1", "platform": "instagram"} | fields


@pytest.mark.parametrize("name", CASES)
def test_figures_that_cannot_all_be_true_go_to_quarantine_with_the_figures(name):
    fields, said = CASES[name]
    event = lead(type="PERFORMANCE_RECORDED", payload=of_case(fields), project_id="p")
    rejected = check_lines([line(event)], [1], now=NOW).rejected
    if said is None:
        assert rejected == []
        return
    assert rejected[0].rules == ("contradiction",)
    assert said in "; ".join(rejected[0].reasons)


@pytest.mark.parametrize("name", CASES)
def test_the_same_is_refused_at_the_call(tmp_path, name):
    fields, said = CASES[name]
    Lake.create(tmp_path / "lake")
    kz.configure(lake=tmp_path / "lake")
    try:
        if said is None:
            kz.log_event("PERFORMANCE_RECORDED", of_case(fields), project_id="p")
            return
        with pytest.raises(EventError) as refused:
            kz.log_event("PERFORMANCE_RECORDED", of_case(fields), project_id="p")
    finally:
        kz.configure()
    assert said in str(refused.value)
    assert refused.value.rule == "contradiction"


@pytest.mark.parametrize("kind", ["RUN_COMPLETED", "RUN_SCORED", "PACK_QUALITY_ASSESSED"])
def test_no_more_gates_are_passed_than_there_are(kind):
    own = {"run_id": "r", "doer": "d"} if kind == "RUN_COMPLETED" else {"run_id": "r", "scorer": "s"}
    own = {"pack_run_id": "r", "pack_key": "k"} if kind.startswith("PACK") else own
    for passed, rules in ((5, ()), (6, ("contradiction",))):
        event = lead(type=kind, payload=own | {"gates_passed": passed, "gates_total": 5}, project_id="p")
        rejected = check_lines([line(event)], [1], now=NOW).rejected
        assert tuple(rule for item in rejected for rule in item.rules) == rules
    assert "`gates_passed` (6) is more than `gates_total` (5)" in rejected[0].reasons


def test_every_disagreement_is_told_at_once_and_a_wrong_kind_alone():
    fields = {"impressions": 10, "clicks": 12, "engagements": 11}
    (item,) = check_lines([line(post(**fields) | {"project_id": "p"})], [1], now=NOW).rejected
    assert len(item.reasons) == 2
    (item,) = check_lines([line(post(**fields, saves=1.5) | {"project_id": "p"})], [1], now=NOW).rejected
    assert item.rules == ("wrong_type",)
    assert "found 1.5" in item.reasons[0]


PLATFORMS = {
    "IG": "instagram", "Insta": "instagram", " INSTAGRAM ": "instagram", "fb": "facebook", "X": "twitter", "Twitter/X": "twitter",
    "yt": "youtube", "You  Tube": "youtube", "LI": "linkedin", "LinkedIn": "linkedin", "TikTok": "tiktok", "E-Mail": "email",
    "Website": "website", "Mastodon": "mastodon", "Our Shop": "our shop", " ": " ",
}  # fmt: skip


def test_platforms_are_matched_without_case_and_by_what_they_are_called():
    frame = pl.DataFrame({"given": list(PLATFORMS)}).with_columns(normalise_column(pl.col("given")).alias("name"))
    assert dict(frame.iter_rows()) == PLATFORMS
    assert {given: platform_name(given) for given in PLATFORMS} == PLATFORMS
    every = [alias for name, aliases in ALIASES.items() for alias in (name, *aliases)]
    assert len(every) == len(set(every))
    assert every == [alias.lower() for alias in every]


def test_a_platform_goes_by_one_name_in_every_table_and_bronze_keeps_what_came():
    from kaizenlake.events.catalogue import FAMILIES
    from kaizenlake.events.decode import decode

    events = [
        post(f"p{place}", platform=name) | {"project_id": "p"}
        for place, name in enumerate(("IG", "instagram", "Insta"))
    ]
    checked = check_lines([line(event) for event in events], [1, 2, 3], now=datetime(2026, 3, 1, tzinfo=UTC))
    assert '"platform":"IG"' in checked.frame["payload"][0]
    (family,) = [family for family in FAMILIES if family.name == "performance"]
    assert decode(checked.frame.lazy(), family).collect()["platform"].unique().to_list() == ["instagram"]


def test_whole_conversions_are_one_record_however_they_are_spelled():
    hashes = {
        check_lines([line(post(conversions=told) | {"project_id": "p"})], [1], now=NOW).frame["payload_hash"].item()
        for told in (24, 24.0)
    }

    assert len(hashes) == 1
