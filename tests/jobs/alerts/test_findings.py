"""Findings: sign, window and verdict of each sentence agree with the figures that it shows, whatever the tables say."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizenlake import tables
from kaizenlake.jobs import _finding_words as words
from kaizenlake.jobs.alerts.findings import findings
from kaizenlake.jobs.runs.learning_progress import version_verdict
from kaizenlake.parameters import Trends
from kaizenlake.tables import CrlTrends, Findings, LearningProgress, SkillTerms
from kaizenlake.tables.finding import FINDING_KINDS
from publish.report_frames import AS_OF

LAST = AS_OF.date() - timedelta(days=1)


def told(**frames):
    held = [frames.get(tables.name(table), tables.empty(table)).lazy() for table in findings.reads]
    return tables.check(Findings, findings(*held, as_of=AS_OF).collect())


def rows(table, *said, **same):
    schema = tables.schema(table)
    return pl.DataFrame([dict.fromkeys(schema) | same | row for row in said], schema=schema)


def judged(frame):
    """The rows of `learning_progress` with the verdict of its rule."""
    return frame.with_columns(verdict=version_verdict(Trends()))


def progress(*versions, **same):
    """Rows of (doer, number of the version, mean loss, difference from the one before)."""
    told = rows(
        LearningProgress,
        *(
            {
                "doer": doer,
                "policy_version": str(number),
                "version_number": number,
                "event_date": LAST - timedelta(days=10 - number),
                "age_days": 5,
                "n": 20,
                "mean_loss": loss,
                "n_so_far": 119,
                "mean_so_far": loss,
                "previous_version": None if number == 1 else str(number - 1),
                "previous_mean": None if number == 1 else loss - difference,
                "previous_n": None if number == 1 else 181,
                "change": None if number == 1 else difference,
                "change_ci_low": None if number == 1 else difference - 0.046,
                "change_ci_high": None if number == 1 else difference + 0.046,
            }
            for doer, number, loss, difference in versions
        ),
        **same,
    )
    return judged(told)


@pytest.mark.parametrize(
    ("loss", "difference", "verdict", "severity", "begins"),
    [
        (0.308, 0.091, "hurt", "warning", "The change hurt: "),
        (0.308, -0.091, "helped", "info", "The change helped: "),
        (0.308, 0.002, "no_difference", None, "No difference of more than .048: "),
        (0.308, 0.04, "too_early", None, "Too early to tell: "),
    ],
)
def test_a_version_is_said_in_one_sentence_of_its_figures(loss, difference, verdict, severity, begins):
    held = told(learning_progress=progress(("copywriter", 1, 0.3, 0.0), ("copywriter", 2, loss, difference)))
    (row,) = held.to_dicts()
    assert (row["kind"], row["subject"], row["verdict"], row["severity"]) == (
        "version_change", "copywriter", verdict, severity,
    )  # fmt: skip
    assert row["sentence"].startswith(begins)
    if verdict == "hurt":
        assert (
            "version 2 of copywriter: loss .308 after .217, +.091 (.045 to .137), 119 against 181 runs"
            in row["sentence"]
        )
        assert row["remedy"] is not None
    assert row["window"] in row["sentence"]


def test_the_first_version_has_no_finding_and_of_several_the_latest_speaks():
    assert told(learning_progress=progress(("coder", 1, 0.3, 0.0))).is_empty()
    three = progress(("coder", 1, 0.3, 0.0), ("coder", 2, 0.4, 0.1), ("coder", 3, 0.2, -0.2))
    assert told(learning_progress=three)["policy_version"].to_list() == ["3"]


def test_a_change_whose_interval_only_just_leaves_out_0_is_told_but_is_no_alert():
    near = progress(("coder", 1, 0.3, 0.0), ("coder", 2, 0.36, 0.06))
    assert told(learning_progress=near).select("verdict", "severity").rows() == [("hurt", None)]


def test_an_old_change_is_no_alert_any_more():
    old = progress(("coder", 1, 0.3, 0.0), ("coder", 2, 0.4, 0.1)).with_columns(
        pl.col("event_date") - pl.duration(days=40)
    )
    assert told(learning_progress=old).select("verdict", "severity").rows() == [("hurt", None)]


def test_findings_of_two_tenants_are_two():
    one = progress(("coder", 1, 0.3, 0.0), ("coder", 2, 0.4, 0.1))
    two = one.with_columns(tenant_id=pl.lit("acme"))
    held = told(learning_progress=pl.concat([one, two]))
    assert held["tenant_id"].to_list() == [None, "acme"]
    assert held["finding_id"].n_unique() == 1


def test_a_term_is_said_by_the_comparison_that_decides():
    row = {
        "doer": "coder", "term": "grounding", "runs": 80, "n": 60, "verdict": "weakness", "n_fleet": 120, "n_past": 0,
        "fleet_difference": 0.05, "fleet_ci_low": 0.02, "fleet_ci_high": 0.08, "fleet_verdict": "weakness",
        "past_verdict": "unclear",
    }  # fmt: skip
    own = row | {"doer": "planner", "verdict": "strength", "fleet_verdict": "even", "past_verdict": "strength",
                 "n_past": 30, "past_difference": -0.04, "past_ci_low": -0.06, "past_ci_high": -0.02}  # fmt: skip
    quiet = row | {"doer": "writer", "verdict": "even"}
    held = told(skill_terms=rows(SkillTerms, row, own, quiet)).sort("doer")
    assert held["sentence"].to_list() == [
        (
            f"coder loses .050 more by grounding than other agents (.020 to .080), 60 against 120 runs in the 30 days to {LAST}: "
            "a weakness."
        ),
        (
            f"planner loses .040 less by grounding than in the days before (-.060 to -.020), 60 against 30 runs in the 30 days to "
            f"{LAST}: a strength."
        ),
    ]


losses = st.floats(0, 1)
small = st.floats(-1, 1) | st.floats(-1e-5, 1e-5)


@settings(max_examples=150, deadline=None)
@given(
    level=losses, baseline=losses, difference=small, half=st.floats(0, 0.3) | st.floats(0, 1e-5), n=st.integers(1, 60)
)
def test_sign_verdict_and_window_of_a_sentence_agree_with_its_figures(level, baseline, difference, half, n):
    frame = progress(("coder", 1, baseline, 0.0), ("coder", 2, level, difference)).with_columns(
        n_so_far=pl.lit(n, pl.Int64),
        change_ci_low=pl.col("change") - half,
        change_ci_high=pl.col("change") + half,
    )
    (row,) = told(learning_progress=judged(frame)).to_dicts()
    figures = json.loads(row["figures"])
    low, high = figures["ci_low"], figures["ci_high"]
    shown = [float(text) for text in re.findall(r"[+-]?(?:\d)?\.\d+(?=[ ,)])", row["sentence"].split(": loss ")[1])]
    assert shown[:5] == pytest.approx(
        [figures[name] for name in ("level", "baseline", "difference", "ci_low", "ci_high")]
    )
    assert (row["verdict"] == "helped") == (n >= Trends().runs and high < 0)
    assert (row["verdict"] == "hurt") == (n >= Trends().runs and low > 0)
    if row["verdict"] == "no_difference":
        most = float(re.search(r"more than (\d?\.\d+)", row["sentence"])[1])
        assert low <= 0 <= high
        assert most == pytest.approx(max(-low, high))
    assert low <= figures["difference"] <= high or half < 1e-5
    assert row["window"] in row["sentence"]
    assert f"{n} against 181 runs" in row["sentence"]


@settings(max_examples=100, deadline=None)
@given(level=losses, rise=st.floats(0.011, 0.9), low=st.floats(1e-5, 0.01), ago=st.integers(0, 6))
def test_a_loss_that_has_risen_is_said_with_an_interval_above_0(level, rise, low, ago):
    at = LAST - timedelta(days=ago)
    alarm = {"event_date": at, "level_loss": level, "baseline_loss": max(0.0, level - rise), "rise": rise,
             "rise_ci_low": low, "rise_ci_high": 2 * rise - low, "last_alarm": at, "degrading_since": at}  # fmt: skip
    after = {"event_date": LAST, "rise": -0.5, "rise_ci_low": -1.0, "rise_ci_high": 0.0, "last_alarm": at,
             "degrading_since": at}  # fmt: skip
    days = [alarm] if ago == 0 else [alarm, after]
    same = {"doer": "coder", "cut": "all", "value": "all", "n": 5, "direction": "degrading"}
    (row,) = told(crl_trends=rows(CrlTrends, *days, **same)).to_dicts()
    figures = json.loads(row["figures"])
    assert figures["ci_low"] > 0
    assert figures["difference"] > 0
    assert f"over the 7 days to {at} after" in row["sentence"]
    assert "has risen" in row["sentence"]
    assert row["raised_on"] == at


@pytest.mark.parametrize(
    ("figure", "plain", "signed"),
    [
        (0.3081, ".308", "+.308"),
        (-0.0913, "-.091", "-.091"),
        (0.0, ".000", ".000"),
        (1.0, "1.000", "+1.000"),
        (-0.00004, "-.000040", "-.000040"),  # not 0, and it does not read so
        (-0.0000001, ".000", ".000"),
        (None, "not known", "not known"),
    ],
)
def test_figures_as_they_are_read(figure, plain, signed):
    frame = pl.DataFrame({"x": [figure]}, schema={"x": pl.Float64}).with_columns(*words.round_columns("x"))
    assert frame.select(words.number("x"), y=words.number("x", signed=True)).row(0)[0] == plain
    assert frame.select(words.number("x", signed=True)).item() == signed


def test_every_kind_is_described_and_alerts_are_kinds_of_findings():
    assert set(tables.alert.KINDS) <= set(FINDING_KINDS)
    assert all(meaning.endswith(".") for meaning in FINDING_KINDS.values())


def test_nothing_says_nothing():
    assert told().is_empty()
