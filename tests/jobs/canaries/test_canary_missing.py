"""Missing outcomes of a canary: runs that crashed, that have no loss, that never came, and guardrails that nobody tells."""

import json
import random

import numpy as np
import polars as pl
import pytest

from jobs.canary_frames import LATER, arms, deployed, looked, of_units, started, units_from
from jobs.drawn import day, events, frame, recorded
from kaizenlake import tables
from kaizenlake.context import arm_of
from kaizenlake.jobs.canaries.canary_looks import canary_looks
from kaizenlake.jobs.canaries.canary_units import canary_units
from kaizenlake.jobs.canaries.deployment_routings import deployment_routings
from kaizenlake.jobs.runs.crl import crl
from kaizenlake.parameters import Canaries
from kaizenlake.report.canary.canary_labels import missing_outcomes
from kaizenlake.tables import CanaryLooks, DeploymentRoutings, Routings, Runs

NEW, OLD = "1.1.0", "1.0.0"


def half(**told):
    return started(at=0, shares={NEW: 0.5}, rails=told.pop("rails", {}), **told)


def test_a_candidate_that_crashes_in_half_of_its_runs_is_not_promoted():
    """The case `crashed-candidate`: its units, arms and runs, drawn as its script draws them."""
    drawn = random.Random(1)
    rows = []
    for unit in range(800):
        version = NEW if arm_of("c1", f"u{unit}", [0.5]) == 1 else OLD
        row = {
            "event_id": f"e{unit}", "event_type": "RUN_COMPLETED", "run_id": f"r{unit}", "doer": "planner",
            "occurred_at": day(0.6), "event_date": day(0).date(), "policy_id": "planner", "policy_version": version,
            "deployment_id": "c1", "unit_id": f"u{unit}", "failure_modes": [],
        }  # fmt: skip
        if version == NEW and drawn.random() < 0.5:
            row |= {"outcome": "error", "failure_modes": ["crash"]}
        else:
            row |= {"gates_passed": drawn.choice([3, 4, 5] if version == OLD else [4, 5, 5]), "gates_total": 5}
            row |= {"security_criticals": 0}
        rows.append(row)
    records = recorded(frame(Runs, rows))
    losses = crl(records, as_of=LATER)
    start = started(
        deployment_id="c1", salt="c1", shares={NEW: 0.5}, horizon_nights=2, rails={"security_criticals": 0.05}
    )
    deployments = deployed(start, as_of=day(1))
    units = canary_units(deployments.lazy(), records, losses, tables.empty(DeploymentRoutings), as_of=day(1))
    found = canary_looks(deployments.lazy(), units, records, as_of=day(1)).collect()
    (look,) = tables.check(CanaryLooks, found).to_dicts()
    assert look["verdict"] in {"invalid", "rollback"}
    assert (look["runs_failed"], look["runs"], look["runs_failed_control"]) == (193, 402, 0)
    words = " ".join(missing_outcomes(look))
    assert "193 of 402 candidate runs ended in error and told no gates" in words
    assert "Each counts with gates term 1." in words
    gates = losses.join(records.filter(outcome="error").select("run_id"), on="run_id", how="semi").collect()
    assert gates["gates_term"].to_list() == [1.0] * 193


def with_missing(rng, share_new, share_old, nights=5, units=60):
    """Units that come once, of which some have no loss."""
    rows = []
    for night in range(nights):
        for version, share in ((NEW, share_new), (OLD, share_old)):
            for unit in range(units):
                loss = None if rng.random() < share else float(np.round(rng.uniform(0.3, 0.7), 6))
                rows.append((night, version, f"{version}-{night}-{unit}", loss))
    return rows


@pytest.mark.parametrize(("new", "old", "expected"), [(0.3, 0.0, True), (0.0, 0.3, True), (0.2, 0.2, False)])
def test_a_difference_in_the_share_of_runs_without_a_loss_makes_a_look_invalid(new, old, expected):
    rows = with_missing(np.random.default_rng(4), new, old)
    found = looked(of_units(rows), half(), as_of=day(5))
    last = found.row(-1, named=True)
    assert (last["verdict"] == "invalid") is expected
    missing = {version: sum(row[1] == version and row[3] is None for row in rows) for version in (NEW, OLD)}
    assert (last["runs_without_loss"], last["runs_without_loss_control"]) == (missing[NEW], missing[OLD])
    assert (last["units_without_loss"], last["units_without_loss_control"]) == (missing[NEW], missing[OLD])
    assert last["units"] == 300 - missing[NEW]
    if expected:
        assert f"({missing[NEW]} of 300 runs against {missing[OLD]} of 300; p below 0.0001)" in last["reason"]
        assert last["missing_share"] == pytest.approx(missing[NEW] / 300)
        assert last["missing_share_control"] == pytest.approx(missing[OLD] / 300)


def lossy(rng, lost, names):
    """200 runs an arm and night of units that come back, of which the candidate's are lost with a chance; by deployment."""
    rows = []
    for name in names:
        for night in range(12):
            for version, drop in ((NEW, lost), (OLD, 0.0)):
                runs = rng.binomial(rng.multinomial(200, np.full(50, 1 / 50)), 1.0 - drop)
                rows += [
                    (night, version, f"{version}-{unit}", 0.5, {"runs": int(n), "n": int(n), "deployment_id": name})
                    for unit, n in enumerate(runs)
                    if n
                ]
    return rows


@pytest.mark.parametrize(("lost", "least", "most"), [(0.15, 5, 6), (0.0, 0, 0)])
def test_runs_that_are_lost_on_one_side_make_a_canary_invalid(lost, least, most):
    names = [f"d{number}" for number in range(6)]
    units = of_units(lossy(np.random.default_rng(8), lost, names))
    found = looked(units, *[half(deployment_id=name, salt=name) for name in names], as_of=day(12))
    bad = found.filter(verdict="invalid")
    assert least <= bad["deployment_id"].n_unique() <= most
    assert (bad["runs_ratio_p"] < 0.006).sum() <= bad.height
    if most:
        assert "runs of one version are missing" in bad.row(-1, named=True)["reason"]


def test_a_unit_that_was_routed_and_never_ran_is_a_missing_outcome():
    routed, runs = [], []
    for unit in range(120):
        version = NEW if unit % 2 else OLD
        routed.append(f"1.1 RUN_ROUTED deployment_id=d policy_version={version} unit_id=u{unit}")
        if version == OLD or unit % 4 == 1:
            runs.append((1.2, version, f"u{unit}", 0.5))
    silver = events(Routings, "\n".join([*routed, "1.2 RUN_ROUTED unit_id=stray deployment_id=d"]))
    found = tables.check(DeploymentRoutings, deployment_routings(silver, as_of=LATER).collect())
    assert (found.height, found["routings"].sum()) == (120, 120)
    units = units_from(runs, half(), routed=found.to_dicts())
    early, late = (looked(units, half(), as_of=day(at)).row(-1, named=True) for at in (2, 3))
    # The next day is theirs to run on.
    assert (early["units_not_run"], early["verdict"]) == (0, "insufficient")
    assert (late["units_not_run"], late["units_not_run_control"]) == (30, 0)
    assert (late["verdict"], late["runs"], late["units_without_loss"]) == ("invalid", 30, 30)
    assert "30 units against 0 were routed and never ran" in late["reason"]
    assert "of which 30 and 0 were routed and never ran" in " ".join(missing_outcomes(late))


def test_the_first_finding_stays_the_reason_and_its_figures_are_those_that_were_tested():
    """The same units night by night, of which the candidate's lose a run now and then: all of them ran at some time."""
    drawn = np.random.default_rng(5)
    routed, runs = [], []
    for night in range(1, 9):
        for unit in range(150):
            version = NEW if unit % 2 else OLD
            routed.append(f"{night}.1 RUN_ROUTED deployment_id=d policy_version={version} unit_id=u{unit}")
            if version == OLD or drawn.random() < 0.85:
                runs.append((night + 0.2, version, f"u{unit}", 0.5))
    found = tables.check(
        DeploymentRoutings, deployment_routings(events(Routings, "\n".join(routed)), as_of=LATER).collect()
    )
    looks = looked(units_from(runs, half(), routed=found.to_dicts()), half(), as_of=day(9))
    invalid = looks.filter(verdict="invalid")
    both = invalid.filter(pl.col("missing_p") < 0.001, pl.col("runs_ratio_p") < 0.001)
    assert both.height, "both findings come, one after the other"
    first = invalid.row(0, named=True)
    assert {" ".join(row.split()[:4]) for row in invalid["reason"]} == {" ".join(first["reason"].split()[:4])}
    assert (both["units_not_run"] + both["units_not_run_control"]).sum() == 0
    assert (both["missing_share"] > 0.02).all()
    assert (both["missing_share_control"] == 0.0).all()


# Days relative to the start on which runs told the metric, of which version; looks of 33 at which the guardrail counts.
TOLD = {
    "never": ([], OLD, []),
    "in the 30 days before the start": ([-20.0], OLD, range(1, 11)),
    "on the day of the start, before it": ([-0.1], OLD, range(1, 31)),
    "as long ago as counts on the first check": ([-29.5], OLD, range(1, 2)),
    "a day longer ago": ([-30.2], OLD, []),
    "before the start and again later": ([-20.0, 15.2], OLD, [*range(1, 11), *range(16, 34)]),
    "during": ([1.2], OLD, range(2, 32)),
    "by the candidate alone": ([-20.0, 1.2], NEW, []),
    "by another agent": ([-20.0], OLD, []),
    "by another policy": ([-20.0], OLD, []),
    "in another tenant": ([-20.0], OLD, []),
}
OTHER = {
    "by another agent": {"doer": "coder"},
    "by another policy": {"policy_id": "p"},
    "in another tenant": {"tenant_id": "t"},
}


class TestAGuardrailThatOnlyTheSettingsName:
    ROWS = arms(np.random.default_rng(3), 5, 20, 180, effect=-0.1, sd=0.1)

    def last(self, told_by=(), **told):
        rows = [
            (*row, {"runs": 1, "n": 1, "security_criticals_n": 1, "security_criticals_micros": 0})
            if row[1] in told_by
            else row
            for row in self.ROWS
        ]
        start = started(at=0, rails={"security_criticals": 0.05}, **told)
        return looked(of_units(rows), start, as_of=day(5)).row(-1, named=True)

    def test_is_left_out_where_the_control_does_not_tell_it(self):
        row = self.last(settings_guardrails=["security_criticals"])
        assert (row["verdict"], row["guardrails_left_out"]) == ("promote", ["security_criticals"])
        assert json.loads(row["guardrails"])[0]["verdict"] == "left_out"
        assert "Left out: the guardrail of security_criticals" in row["reason"]

    def test_counts_where_the_control_tells_it(self):
        row = self.last(told_by=(OLD,), settings_guardrails=["security_criticals"])
        assert (row["verdict"], row["guardrails_left_out"]) == ("continue", [])
        row = self.last(told_by=(OLD, NEW), settings_guardrails=["security_criticals"])
        assert (row["verdict"], row["guardrails_left_out"]) == ("promote", [])

    def test_is_left_out_again_30_days_after_the_control_told_it_last(self):
        rows = []
        for night in range(33):
            for version in (NEW, OLD):
                told = {"security_criticals_n": int(night == 1), "security_criticals_micros": 0}
                rows += [(night, version, f"{version}-{night}-{n}", 0.5, {"runs": 1, "n": 1} | told) for n in range(4)]
        start = started(
            at=0,
            rails={"security_criticals": 0.05},
            settings_guardrails=["security_criticals"],
            horizon_nights=40,
            minimum_units=4,
        )
        found = looked(of_units(rows), start, as_of=day(33)).sort("look")["guardrails_left_out"].list.len().to_list()
        assert found == [1, *[0] * 30, 1, 1]

    @pytest.mark.parametrize(
        ("metric", "told"),
        [
            ("security_criticals", {"security_criticals": 0}),
            ("failed_gates_rate", {"gates_passed": 1, "gates_total": 1}),
        ],
    )
    def test_counts_on_the_looks_in_whose_last_30_days_the_control_told_it(self, metric, told):
        """Each story is a canary of its own policy."""
        runs, rows, starts = [], [], []
        for story, (days, version, _) in TOLD.items():
            for at in days:
                run = {
                    "event_id": f"{story}{at}",
                    "run_id": f"{story}{at}",
                    "policy_version": version,
                    "doer": "planner",
                }
                same = {"event_type": "RUN_COMPLETED", "failure_modes": [], "occurred_at": day(30.5 + at)}
                runs.append(run | same | {"event_date": day(30.5 + at).date(), "policy_id": story} | told)
                runs[-1] |= OTHER.get(story, {})
                if at >= 0:
                    seen = {f"{metric}_n": 1, f"{metric}_micros": 0, "runs": 1, "n": 1, "deployment_id": story}
                    rows.append((int(30.5 + at), version, f"told-{at}", 0.5, seen))
            rows += [
                (30 + night, side, f"{side}-{night}", 0.5, {"runs": 1, "n": 1, "deployment_id": story})
                for night in range(33)
                for side in (NEW, OLD)
            ]
            named = {"deployment_id": story, "policy_id": story, "settings_guardrails": [metric]}
            starts.append(started(at=30.5, rails={metric: 0.05}, horizon_nights=40, **named))
        found = looked(of_units(rows), *starts, as_of=day(63), records=recorded(frame(Runs, runs)))
        counts = found.filter(pl.col("guardrails_left_out").list.len() == 0).group_by("deployment_id").agg("look")
        looks = {story: sorted(at) for story, at in counts.iter_rows()}
        assert {story: looks.get(story, []) for story in TOLD} == {
            story: list(expected) for story, (_, _, expected) in TOLD.items()
        }

    def test_blocks_where_a_person_named_it(self):
        row = self.last()
        assert (row["verdict"], row["guardrails_left_out"]) == ("continue", [])
        assert "Left out" not in row["reason"]


def test_what_stands_is_not_said_of_figures_that_would_not_say_it():
    """A loss that was surely higher on the first night, and by the last is not any more."""
    rng = np.random.default_rng(9)
    rows = [
        *arms(rng, 1, 200, 200, effect=0.2),
        *((night + 1, *more) for night, *more in arms(rng, 3, 400, 400, effect=-0.05)),
    ]
    rows = [(night, version, f"{night}-{unit}", *more) for night, version, unit, *more in rows]
    first, *_, last = looked(of_units(rows), half(), as_of=day(4)).sort("look").to_dicts()
    assert (first["verdict"], last["verdict"]) == ("rollback", "rollback")
    assert first["reason"].startswith(
        "Since night 1 the loss is surely higher by more than the 0.02 that is tolerated: effect"
    )
    assert last["sequential_ci_low"] < 0.02
    assert last["reason"].startswith(
        "On night 1, which decides, the loss was surely higher by more than the 0.02 that is tolerated: by now effect"
    )


def test_the_levels_are_settings():
    rows = with_missing(np.random.default_rng(4), 0.12, 0.0)
    strict, loose = (
        looked(of_units(rows), half(), as_of=day(2), canaries=Canaries(lost_runs_alpha=alpha)).row(-1, named=True)
        for alpha in (1e-6, 0.09)
    )
    assert (strict["verdict"] == "invalid", loose["verdict"] == "invalid") == (False, True)
    assert pl.Series([strict["missing_p"]]).is_between(0, 1).all()
