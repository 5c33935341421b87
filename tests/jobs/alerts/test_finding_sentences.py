"""Of every kind of finding, whatever the tables say: its sentence shows its figures, and sign, window and verdict agree with them."""

from __future__ import annotations

import json
import re
import string
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jobs.alerts.test_alerts import trend
from jobs.alerts.test_findings import LAST, judged, progress, rows, told
from jobs.alerts.test_shrinking_counts import records
from kaizenlake import tables
from kaizenlake.parameters import Trends
from kaizenlake.tables import (
    CanaryLooks,
    Contents,
    CreativeLabels,
    Deployments,
    EventCounts,
    IntakeSegments,
    Patterns,
    SkillTerms,
    SourceChecks,
    SourceFreshness,
    WinRates,
)
from kaizenlake.tables.finding import ALERT_KINDS, FINDING_KINDS, MOST
from publish.learning_frames import learning
from publish.report_frames import AS_OF, full

NOT_ALWAYS = {"contents", "experiments", "strata", "age_days", "q_value", "hours", "others"}
"""Figures that a sentence words in its own way, or leaves out where they say nothing."""

LOSSES = {"degrading_doer", "version_change", "skill_term", "broken_guardrail"}
OF_LOOKS = {"invalid_canary", "promotion_waiting"}
"""Their figures are those of the reason of a look, of which their sentence is made."""


def percent(share):
    fine = f"{abs(share) * 100:,.4f}".rstrip("0")
    return (
        f"{abs(share) * 100:,.1f}%" if round(share, 3) == share else (fine + "0" if fine.endswith(".") else fine) + "%"
    )


def loss(figure):
    text = f"{abs(figure):.{3 if round(figure, 3) == figure else 6}f}"
    return text.removeprefix("0")


def shown(kind, name, figure):
    """A figure as a sentence of that kind shows it, without its sign."""
    if isinstance(figure, int):
        return f"{figure:,}" if kind not in LOSSES else str(figure)
    if name == "mean_score":
        return f"{figure:.1f}"
    if kind == "shrinking_counts":
        return f"{figure:,.2f}".rstrip("0").rstrip(".")
    if name == "lift" and kind.endswith("win_rate") and figure >= 1:
        return f"{(round(figure * 10) + 10) / 10:,.1f} times as often as the others"
    return loss(figure) if kind in LOSSES else percent(figure)


def check(row):
    """Hold one finding to its figures."""
    kind, sentence, said = row["kind"], row["sentence"], json.loads(row["figures"])
    assert row["window"] == "to date" or row["window"] in sentence, row
    assert (row["window"] == "to date") == (row["raised_on"] is None)
    for name, figure in said.items():
        if figure is not None and name not in NOT_ALWAYS and name != "drop" and kind not in OF_LOOKS:
            text = re.escape(shown(kind, name, figure))
            assert re.search(rf"(?<![\d.,]){text}(?![\d%])", sentence), (name, figure, sentence)
    AGREES.get(kind, AGREES["win_rate"] if kind.endswith("win_rate") else lambda *_: None)(row, said, sentence)


def pattern(row, said, sentence):
    rises = said["ci_low"] > 0
    assert row["verdict"] == ("works" if rises else "risky")
    assert rises or said["ci_high"] < 0
    assert (" higher " in sentence, " lower " in sentence) == (rises, not rises)
    assert said["ci_low"] <= said["lift"] <= said["ci_high"]
    tested = row["kind"] == "tested_pattern"
    assert ("not tested" in sentence) != tested
    name, noun = ("experiments", "experiment") if tested else ("contents", "post")
    assert f"{said[name]:,} {noun}{'s' * (said[name] != 1)}" in sentence
    chance(said, sentence)


def chance(said, sentence):
    (told,) = re.findall(r"q ([<=]) (\d\.\d+)", sentence)
    assert told == (("<", "0.001") if said["q_value"] < 0.001 else ("=", f"{said['q_value']:.3f}"))


def win_rate(row, said, sentence):
    assert row["verdict"] == ("better" if said["lift"] > 0 else "worse")
    words = (" more often than ", " less often than ", " times as often as ")
    assert [word in sentence for word in words] == [0 < said["lift"] < 1, said["lift"] < 0, said["lift"] >= 1]
    assert (" within " in sentence) == bool(said["age_days"])
    assert ("groups of cases" in sentence) == (said["strata"] > 1)
    assert sentence.endswith("No failure of them was ever logged.") == (
        row["kind"] == "run_win_rate" and said["rate"] == 1
    )
    chance(said, sentence)


def version(row, said, sentence):
    low, high = said["ci_low"], said["ci_high"]
    begins = {"helped": "The change helped", "hurt": "The change hurt", "no_difference": "No difference of more than "}
    assert sentence.startswith(begins.get(row["verdict"], "Too early to tell"))
    assert (row["verdict"] == "helped") == (min(said["n"], said["n_before"]) >= Trends().runs and high < 0)
    assert (row["verdict"] == "hurt") == (min(said["n"], said["n_before"]) >= Trends().runs and low > 0)
    if row["verdict"] == "no_difference":
        assert f"more than {loss(max(-low, high))}" in sentence
        assert low <= 0 <= high
    signed(said["difference"], sentence)


def signed(figure, sentence):
    sign = "-" if figure < 0 else "+" if figure > 0 else " "
    assert f"{sign}{loss(figure)}" in sentence


def term(row, said, sentence):
    assert (" less by " in sentence, " more by " in sentence) == (said["difference"] < 0, said["difference"] >= 0)
    assert row["verdict"] == ("strength" if said["difference"] < 0 else "weakness")
    assert sentence.endswith(f"a {row['verdict']}.")


def degrading(row, said, sentence):
    assert said["difference"] >= 0
    signed(said["difference"], sentence)


def guardrail(row, said, sentence):
    assert said["lower"] >= said["margin"]
    for name in ("effect", "lower", "margin"):
        signed(said[name], sentence)


def silent(row, said, sentence):
    hours, others = said["hours"], said["others"]
    length, unit = re.match(r"([\d.]+) (hours|days) without", sentence).groups()
    assert unit == ("hours" if hours < 72 else "days")
    assert float(length) == (hours if hours < 72 else pytest.approx(hours / 24, abs=0.051))
    assert (f"{others:,} other sources" in sentence, "another source" in sentence) == (others > 1, others == 1)


def shrinking(row, said, sentence):
    assert said["after"] < said["before"]
    assert said["drop"] == pytest.approx(said["before"] - said["after"])


def of_look(row, said, sentence):
    if row["kind"] == "promotion_waiting":
        assert said["effect"] < 0
        assert f"{abs(said['effect']):g}" in sentence


AGREES = {
    "tested_pattern": pattern,
    "observed_pattern": pattern,
    "win_rate": win_rate,
    "version_change": version,
    "skill_term": term,
    "degrading_doer": degrading,
    "broken_guardrail": guardrail,
    "silent_source": silent,
    "shrinking_counts": shrinking,
    "promotion_waiting": of_look,
}


def named(number):
    """A name without figures."""
    return "post" + string.ascii_lowercase[number % 26] * (1 + number // 26)


shares = st.floats(0, 1) | st.floats(0, 2e-3) | st.floats(0.998, 1)
lifts = st.floats(-1, 2) | st.floats(-1e-3, 1e-3) | st.floats(2, 1e4)
widths = st.floats(0, 0.5) | st.floats(0, 1e-3)
counts = st.integers(1, 60) | st.integers(1, 2_000_000)
drawn = st.lists(st.tuples(shares, lifts, widths, counts, shares, st.integers(0, 4)), min_size=4, max_size=12)


@settings(max_examples=12, deadline=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
@given(drawn=drawn)
def test_each_sentence_agrees_with_its_figures_whatever_the_tables_say(drawn):
    every = list(enumerate(drawn))
    patterns = [
        {"evidence": ("experiment", "observation")[few % 2], "pattern_type": ("tone", "number", "length_band")[few % 3],
         "pattern": "yes" if few % 3 == 1 and number == few else named(number), "contents": n, "experiments": n // 2 + 1,
         "lift": lift, "lift_ci_low": lift - width, "lift_ci_high": lift + width / 2, "q_value": share / 20,
         "verdict": "works" if lift > 0 else "risky", "metric": ("click_rate", "engagement_rate")[few % 2], "left_out": 0}
        for number, (share, lift, width, n, _, few) in every
    ]  # fmt: skip
    rates = [
        {"kind": ("pack", "deal", "outreach", "run", "creative")[few], "dimension": "template_id", "value": named(number),
         "status": "rated", "age_days": few * 7, "wins": 0, "decided": n, "pending": 0, "win_rate": share,
         "ci_low": share * other, "ci_high": share + (1 - share) * other, "strata": few, "others_rate": other,
         "lift": max(lift, -1.0), "q_value": width / 8}
        for number, (share, lift, width, n, other, few) in every
    ]  # fmt: skip
    labels = [
        {"content_id": named(number), "platform": None if few == 1 else "x", "label": "winner", "source": "automatic",
         "reason": "r", "rank_in_group": 1, "group_size": n, "engagement_rate": share, "shrunk_rate": other,
         "labelled_at": AS_OF}
        for number, (share, _, _, n, other, few) in every
    ]  # fmt: skip
    briefs = [
        {"industry": None if number == 1 else named(number), "client_type": None if few == 0 or number == 1 else "small",
         "briefs": n, "mean_score": other * 100, "clear_briefs": 0, "clear_rate": share, "ci_low": share * other,
         "ci_high": share + (1 - share) * other, "shrunk_rate": share}
        for number, (share, _, _, n, other, few) in every
    ]  # fmt: skip
    sources = [
        {"source": named(number), "events": 1, "last_at": AS_OF - timedelta(hours=n % 5000 + 1),
         "silent_hours": n % 5000 + 1 + share, "stale": few > 0, "tenant_id": None if few < 3 else "acme"}
        for number, (share, _, _, n, _, few) in every
    ]  # fmt: skip
    contents = [
        {"content_id": f"{named(number)}{copy}", "platform": "x", "content_type": named(few), "performed_on": LAST,
         "engagement_rate": min(1.0, share * (copy + 1)), "tier": ("good", "poor")[copy % 2], "trials": 1000,
         "event_id": "e", "occurred_at": AS_OF, "event_date": LAST}
        for number, (share, _, _, _, _, few) in every for copy in range(12)
    ]  # fmt: skip
    terms = [
        {"doer": named(number), "term": "gates", "runs": n, "n": n, "n_fleet": n, "n_past": n + few,
         "verdict": "strength" if lift < 0 else "weakness", "fleet_verdict": ("strength" if lift < 0 else "weakness") if few else "even",
         "past_verdict": "strength" if lift < 0 else "weakness"}
        | {f"{against}_{name}": value for against in ("fleet", "past")
           for name, value in (("difference", lift), ("ci_low", lift - width), ("ci_high", lift + width))}
        for number, (_, lift, width, n, _, few) in every
    ]  # fmt: skip
    versions = pl.concat(
        progress((named(number), 1, other, 0.0), (named(number), 2, share, max(-1.0, min(1.0, lift)))).with_columns(
            n_so_far=pl.lit(n, pl.Int64),
            change_ci_low=pl.col("change") - width,
            change_ci_high=pl.col("change") + width,
        )
        for number, (share, lift, width, n, other, _) in every
    )
    risen = pl.concat(
        trend((0, few, 0)).with_columns(
            doer=pl.lit(named(number)),
            level_loss=share,
            baseline_loss=other,
            rise=width,
            rise_ci_low=width - share / 9,
            rise_ci_high=width + share / 9,
        )
        for number, (share, _, width, _, other, few) in every
    )
    shrunk = pl.concat(records({named(number): [n, n // 2]}) for number, (*_, n, _, _) in every)
    look = learning()[CanaryLooks].filter(policy_version="2.2.0").sort("look").tail(1)
    looks = pl.concat(
        look.with_columns(
            deployment_id=pl.lit(named(number)),
            guardrails_broken=pl.lit(["cost"]),
            guardrails=pl.lit(json.dumps([
                {"metric": "cost", "margin": width, "effect": width + 2 * share, "lower": width + share, "upper": 9.0,
                 "units": n, "units_control": n}
            ])),
        )
        for number, (share, _, width, n, _, _) in every
    )  # fmt: skip
    running = pl.concat(
        learning()[Deployments].head(1).with_columns(deployment_id=pl.lit(named(number)), status=pl.lit("running"))
        for number, _ in every
    )
    held = told(
        patterns=rows(Patterns, *patterns),
        win_rates=rows(WinRates, *rates),
        creative_labels=rows(CreativeLabels, *labels),
        intake_segments=rows(IntakeSegments, *briefs),
        source_freshness=rows(SourceFreshness, *sources),
        contents=rows(Contents, *contents),
        skill_terms=rows(SkillTerms, *(row for row in terms if round(row["fleet_difference"], 6))),
        learning_progress=judged(versions),
        crl_trends=risen,
        daily_performance=shrunk,
        canary_looks=looks,
        deployments=running,
    ).to_dicts()
    for row in held:
        check(row)
    said = {row["kind"] for row in held}
    assert said >= {"best_content", "tiers", "version_change", "degrading_doer", "broken_guardrail"}


def test_every_kind_comes_about_and_agrees_with_its_figures():
    frames = learning() | full()
    invalid = learning()[CanaryLooks].with_columns(verdict=pl.lit("invalid"))
    term = {"doer": "coder", "term": "gates", "runs": 9, "n": 9, "verdict": "weakness", "n_fleet": 9, "n_past": 0,
            "fleet_difference": 0.05, "fleet_ci_low": 0.02, "fleet_ci_high": 0.08, "fleet_verdict": "weakness"}  # fmt: skip
    given = {tables.name(table): frame for table, frame in frames.items()} | {
        "learning_progress": progress(("coder", 1, 0.3, 0.0), ("coder", 2, 0.4, 0.1)),
        "skill_terms": rows(SkillTerms, term),
        "daily_performance": records({"post-7": [100, 40]}),
        "win_rates": pl.concat(
            full()[WinRates].with_columns(kind=pl.lit(kind)).filter(pl.col("q_value") < 0.05)
            for kind in ("pack", "deal", "outreach", "run")
        ).unique(tables.grain(WinRates)),
    }
    given |= {
        "event_counts": rows(
            EventCounts,
            {"event_date": AS_OF.date(), "source": "ig", "event_type": "PERFORMANCE_RECORDED", "events": 1200},
        ),
        "source_checks": rows(
            SourceChecks,
            {"check": "volume", "value": 12.0, "usual": 4100.2, "days": 8},
            {"check": "field", "field": "likes", "value": 0.0, "usual": 0.9876, "days": 30},
            {"check": "size", "field": "spend_usd", "value": 1012.0, "usual": 9.9, "days": 30},
            {"check": "size", "field": "clicks / impressions", "value": 0.5, "usual": 0.1, "days": 30},
            {"check": "quarantine", "value": 0.2, "usual": 0.013, "days": 3},
            event_date=AS_OF.date(),
            source="ig",
            event_type="PERFORMANCE_RECORDED",
            verdict="unusual",
        ),
    }
    found = [*told(**given).to_dicts(), *told(**given | {"canary_looks": invalid}).to_dicts()]
    for row in found:
        check(row)
    assert {row["kind"] for row in found} == set(FINDING_KINDS)
    assert {row["kind"] for row in found if row["severity"] is not None} == set(ALERT_KINDS) == set(tables.alert.KINDS)


def test_a_verdict_that_the_figures_as_shown_do_not_carry_is_no_finding():
    row = {"evidence": "experiment", "pattern_type": "tone", "pattern": "warm", "contents": 90, "experiments": 9,
           "lift": 0.2, "lift_ci_low": 1e-8, "lift_ci_high": 0.4, "q_value": 0.049, "verdict": "works",
           "metric": "click_rate", "left_out": 0}  # fmt: skip
    assert told(patterns=rows(Patterns, row)).is_empty()
    (near,) = told(patterns=rows(Patterns, row | {"lift_ci_low": 4e-4})).to_dicts()
    assert "(95% interval 0.04% to 40.0%, q = 0.049)" in near["sentence"]


def test_a_table_of_findings_stays_small_and_drops_no_alert():
    row = {"evidence": "experiment", "pattern_type": "tone", "contents": 90, "experiments": 9, "lift": 0.2,
           "q_value": 0.01, "verdict": "works", "metric": "click_rate", "left_out": 0, "lift_ci_low": 0.1}  # fmt: skip
    many = [
        row | {"pattern": named(number), "lift_ci_high": 0.3 + number / 1000, "tenant_id": tenant}
        for number in range(MOST + 20)
        for tenant in (None, "acme")
    ]
    shrunk = pl.concat(records({"post": [100, 40]}, project_id=named(number)) for number in range(MOST + 5))
    held = told(patterns=rows(Patterns, *many), daily_performance=shrunk)
    patterns = held.filter(kind="tested_pattern")
    assert sorted(patterns["tenant_id"].fill_null("").value_counts()["count"]) == [MOST, MOST]
    assert set(patterns.filter(tenant_id="acme")["subject"]) == {f"tone “{named(number)}”" for number in range(MOST)}
    assert held.filter(kind="shrinking_counts").height == MOST + 5


def test_a_version_has_one_verdict_where_its_figures_are_rounded():
    """An interval that begins at -.0504 is shown as -.050, and is within .05 for the table, the report and the command."""
    edge = progress(("coder", 1, 0.3, 0.0), ("coder", 2, 0.3, -0.02)).with_columns(
        change_ci_low=pl.lit(-0.0504), change_ci_high=pl.lit(0.01)
    )
    held = judged(edge)
    (row,) = told(learning_progress=held).to_dicts()
    assert (held["verdict"].to_list()[-1], row["verdict"]) == ("no_difference", "no_difference")
    assert row["sentence"].startswith("No difference of more than .050: ")


def test_the_text_of_the_best_post_stands_at_the_end():
    text = "A very long wording " * 14
    label = {"content_id": "c", "platform": "x", "label": "winner", "source": "automatic", "reason": "r", "rank_in_group": 1,
             "group_size": 30, "engagement_rate": 0.12, "shrunk_rate": 0.1, "labelled_at": AS_OF, "text": text}  # fmt: skip
    (row,) = told(creative_labels=rows(CreativeLabels, label)).to_dicts()
    assert row["sentence"].startswith(
        "12.0% engagement rate, 10.0% after shrinkage: the best of 30 posts in its group on x, “"
    )
    assert row["sentence"].endswith(f"{text}”.")
