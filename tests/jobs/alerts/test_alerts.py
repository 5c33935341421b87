"""Alerts: what somebody should know, each once and under a name that stays."""

from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest

from jobs.alerts.test_findings import progress
from jobs.alerts.test_shrinking_counts import records
from kaizenlake import tables
from kaizenlake.jobs.alerts.alerts import alerts
from kaizenlake.jobs.alerts.findings import findings
from kaizenlake.parameters import Promotion
from kaizenlake.tables import (
    Alerts,
    CanaryLooks,
    CrlTrends,
    Deployments,
    Findings,
    Policies,
    PolicyPromotions,
    SourceChecks,
)
from kaizenlake.testing import CONTRACT
from publish.learning_frames import CANARY, learning
from publish.report_frames import AS_OF

LAST = AS_OF.date() - timedelta(days=1)


@pytest.fixture(scope="module")
def frames():
    return learning()


def found(frames, as_of=AS_OF, promotion=None, **changed):
    held = {tables.name(table): frames.get(table, tables.empty(table).collect()) for table in findings.reads} | changed
    settings = {} if promotion is None else {"promotion": promotion}
    lazy = [held[tables.name(table)].lazy() for table in findings.reads]
    told = tables.check(Findings, findings(*lazy, as_of=as_of, **settings).collect())
    return tables.check(Alerts, alerts(told.lazy(), as_of=as_of).collect())


def named(frame, kind):
    return frame.filter(kind=kind).sort("alert_id").to_dicts()


def test_each_kind_is_raised_with_its_figures_and_its_day(frames):
    held = found(frames)
    (waiting,), (broken,), (worse,), (back,) = (
        named(held, kind) for kind in ("promotion_waiting", "broken_guardrail", "degrading_doer", "rollback")
    )
    looks = frames[CanaryLooks]
    crossed = looks.filter(policy_version="2.1.0", look=11)["looked_on"][0]
    assert (waiting["raised_on"], waiting["severity"], waiting["deployment_id"]) == (crossed, "info", CANARY)
    assert waiting["words"].startswith("planner 2.1.0 waits for a person's approval. The loss is lower by 0.0271")
    first = looks.filter(pl.col("guardrails_broken").list.contains("cost_usd"))["looked_on"].min()
    assert (broken["raised_on"], broken["severity"]) == (first, "critical")
    assert broken["alert_id"] == f"broken_guardrail/{CANARY}/2.2.0/cost_usd"
    at = looks.filter(policy_version="2.2.0", looked_on=first).row(0, named=True)
    (rail,) = (rail for rail in json.loads(at["guardrails"]) if rail["metric"] == "cost_usd")
    assert rail["lower"] > rail["margin"]
    shown = [f"{rail[name]:+.3f}".replace("0.", ".") for name in ("effect", "lower", "margin")]
    assert broken["words"] == (
        f"planner 2.2.0 breaks the guardrail cost_usd in {CANARY} since night {at['look']}, on {first}: {shown[0]}, at least "
        f"{shown[1]} over all nights, where {shown[2]} is tolerated; {rail['units']} units against {rail['units_control']}."
    )
    last = frames[CrlTrends].filter(doer="coder", event_date=LAST).row(0, named=True)
    assert worse["raised_on"] == last["degrading_since"]
    assert worse["words"] == (
        f"The loss of coder has risen: {last['level_loss']:.3f} over the 7 days to {LAST} after {last['baseline_loss']:.3f} in "
        f"its baseline, {last['rise']:+.3f} ({last['rise_ci_low']:.3f} to {last['rise_ci_high']:.3f}).".replace(
            "0.", "."
        )
    )
    assert (
        back["words"] == "coder 1.6.0 was rolled back by night on 2026-02-07. Reason: The guardrail cost_usd is broken."
    )


def test_the_lists_of_the_table_are_what_is_raised(frames):
    invalid = frames[CanaryLooks].with_columns(verdict=pl.lit("invalid"))
    hurt = progress(*(("copywriter", version, 0.2 + 0.1 * version, 0.1) for version in (1, 2)))
    kinds = {*found(frames, learning_progress=hurt)["kind"], *found(frames, canary_looks=invalid)["kind"]}
    kinds |= {*found(frames, daily_performance=records({"post-7": [100, 40]}))["kind"]}
    silent = {"source": "crm", "event_type": "DEAL_WON", "check": "volume", "event_date": LAST, "verdict": "unusual"}
    checks = pl.DataFrame([silent | {"value": 1.0, "usual": 90.0, "days": 8}], schema=tables.schema(SourceChecks))
    kinds |= {*found(frames, source_checks=checks)["kind"]}
    assert kinds == set(tables.alert.KINDS)
    assert set(found(frames)["severity"]) == set(tables.alert.SEVERITIES)


TREND = {"doer": "coder", "cut": "all", "value": "all", "n": 5, "mean_loss": 0.3, "ewma_loss": 0.3, "p50_loss": 0.3}
RISE = {"level_loss": 0.31, "baseline_loss": 0.2, "rise": 0.11, "rise_ci_low": 0.05, "rise_ci_high": 0.17}


def trend(*days):
    """Rows of (days before the last, days before the last since when it is degrading, those of the last alarm)."""
    schema = tables.schema(CrlTrends)
    rows = [
        dict.fromkeys(schema)
        | TREND
        | (RISE if alarm == ago else RISE | {"rise": 0.01, "rise_ci_low": -0.1})
        | {
            "event_date": LAST - timedelta(days=ago),
            "direction": "unclear" if since is None else "degrading",
            "degrading_since": None if since is None else LAST - timedelta(days=since),
            "last_alarm": None if alarm is None else LAST - timedelta(days=alarm),
            "alert": alarm == ago,
        }
        for ago, since, alarm in days
    ]
    return pl.DataFrame(rows, schema=schema)


@pytest.mark.parametrize(
    ("days", "since", "alarmed"),
    [
        ([(3, None, None), (2, 2, 2), (1, 2, 1), (0, 2, 0)], 2, 0),
        ([(3, 3, 3), (2, 3, 3), (0, 3, 3)], 3, 3),
        ([(9, 9, 9), (0, None, 9)], None, None),  # an alarm that is over
        ([(8, 8, 8)], None, None),  # it ran no more since
        ([(6, 6, 6)], 6, 6),
        ([(0, None, None)], None, None),
    ],
)
def test_a_doer_is_degrading_while_an_episode_of_its_chart_lasts(days, since, alarmed):
    rows = found({}, crl_trends=trend(*days)).to_dicts()
    assert [row["raised_on"] for row in rows] == ([] if since is None else [LAST - timedelta(days=since)])
    if rows:
        # The figures are those of the latest alarm, whose interval leaves out 0, and the sentence says which days.
        assert f"over the 7 days to {LAST - timedelta(days=alarmed)}" in rows[0]["words"]
        assert "+.110 (.050 to .170)" in rows[0]["words"]


def test_only_all_runs_of_a_doer_raise_it():
    by_phase = trend((0, 0, 0)).with_columns(cut=pl.lit("phase"))
    assert found({}, crl_trends=by_phase).is_empty()


@pytest.mark.parametrize(("effect", "waits"), [(-0.02, True), (0.01, False)])
def test_a_promotion_waits_on_while_nights_pause_and_no_longer_once_one_takes_it_back(frames, effect, waits):
    looks = frames[CanaryLooks]
    last = looks.filter(policy_version="2.1.0").sort("look").tail(1)
    schema = tables.schema(CanaryLooks)
    later = last.with_columns(
        look=pl.col("look") + 1,
        looked_on=pl.col("looked_on") + timedelta(days=1),
        verdict=pl.lit("continue"),
        effect=effect,
    ).select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    if not waits:
        later = later.with_columns(pl.col("runs", "runs_control") + 50)
    rows = named(found(frames, canary_looks=pl.concat([looks, later])), "promotion_waiting")
    assert [row["raised_on"] for row in rows] == ([looks.filter(look=11)["looked_on"][0]] if waits else [])


@pytest.mark.parametrize(
    ("status", "approved", "promotion", "expected"),
    [
        ("canary", None, Promotion(), "a person's approval"),
        ("canary", 3, Promotion(), "somebody to promote it"),
        ("canary", 20, Promotion(), "a person's approval"),
        ("canary", None, Promotion(needs_approval=False), "somebody to promote it"),
        ("active", 3, Promotion(), None),
        ("archived", None, Promotion(), None),
    ],
)
def test_a_candidate_waits_for_what_it_lacks(frames, status, approved, promotion, expected):
    when = None if approved is None else AS_OF - timedelta(days=approved)
    policies = frames[Policies].with_columns(
        status=pl.lit(status), approved_at=pl.lit(when, tables.schema(Policies)["approved_at"])
    )
    rows = named(found(frames, promotion=promotion, policies=policies), "promotion_waiting")
    assert [expected in row["words"] for row in rows] == ([] if expected is None else [True])


@pytest.mark.parametrize(("control", "waits"), [("active", 1), ("archived", 0)])
def test_a_canary_that_ended_by_another_candidate_leaves_this_one_waiting_while_its_control_serves(
    frames, control, waits
):
    ended = frames[Deployments].with_columns(status=pl.lit("ended"), ended_at=pl.lit(AS_OF - timedelta(hours=1)))
    ended = ended.cast(dict(tables.schema(Deployments)))
    old = frames[CanaryLooks]["control_version"][0]
    candidate = frames[Policies].filter(policy_version="2.1.0").with_columns(status=pl.lit("canary"))
    policies = pl.concat([candidate, candidate.with_columns(policy_version=pl.lit(old), status=pl.lit(control))])
    rows = named(found(frames, deployments=ended, policies=policies), "promotion_waiting")
    assert len(rows) == waits


def test_what_ended_long_ago_is_told_no_more(frames):
    ended = frames[Deployments].with_columns(status=pl.lit("ended"), ended_at=pl.lit(AS_OF - timedelta(days=31)))
    ended = ended.cast(dict(tables.schema(Deployments)))
    kinds = set(found(frames, deployments=ended)["kind"])
    assert kinds == {"degrading_doer", "rollback"}
    later = found({PolicyPromotions: frames[PolicyPromotions]}, as_of=AS_OF + timedelta(days=30))
    assert later.is_empty()


def test_names_with_slashes_never_meet(frames):
    rows = [("a/b", "c"), ("a", "b/c"), ("a~1b", "c")]
    looks = pl.concat(
        frames[CanaryLooks]
        .filter(policy_version="2.2.0")
        .with_columns(deployment_id=pl.lit(one), policy_version=pl.lit(two))
        for one, two in rows
    )
    deployments = pl.concat(
        frames[Deployments].head(1).with_columns(deployment_id=pl.lit(one)) for one in {one for one, _ in rows}
    )
    held = found({}, canary_looks=looks, deployments=deployments)
    assert held["alert_id"].n_unique() == 3


@pytest.mark.parametrize("law", [law for law in CONTRACT if law.__name__ in {"ignores_order", "ignores_chunks"}])
def test_the_contract_holds_on_a_lake_that_has_alerts(law, frames):
    law(findings, {table: frames.get(table, tables.empty(table).collect()) for table in findings.reads}, AS_OF)


def test_nothing_raises_nothing():
    assert found({}).is_empty()
