"""Segments of a canary: effects of parts of its units, corrected for their number and for luck."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from jobs.canary_frames import LATER, deployed, of_units, started
from jobs.drawn import day
from kaizenlake import tables
from kaizenlake.jobs.canaries.canary_segments import canary_segments
from kaizenlake.parameters import Canaries
from kaizenlake.stats import benjamini_hochberg
from kaizenlake.tables import CanarySegments

NEW, OLD = "1.1.0", "1.0.0"
TOLD = {"minimum_units": 20, "horizon_nights": 4, "arms": {}}


def parts(rows, *events, as_of=LATER, **groups):
    units = of_units(rows)
    found = canary_segments(deployed(*events, as_of=as_of).lazy(), units.lazy(), as_of=as_of, **groups)
    return tables.check(CanarySegments, found.collect()).sort("dimension", "value")


def drawn(rng, effects, *, nights=4, units=30, sd=0.1):
    """New units each night, by segment and version."""
    rows = []
    for night in range(nights):
        for name, effect in effects.items():
            for version, shift in ((NEW, effect), (OLD, 0.0)):
                for unit in range(units):
                    told = {"runs": 1, "n": 1, "segment": name}
                    loss = float(np.clip(rng.normal(0.5 + shift, sd), 0, 1))
                    rows.append((night, version, f"{name}-{version}-{night}-{unit}", round(loss, 6), told))
    return rows


def test_parts_are_compared_each_for_itself_and_corrected_together():
    rows = drawn(np.random.default_rng(7), {"a": -0.15, "b": 0.15, "c": 0.0})
    found = parts(rows, started(**TOLD))
    assert found.select("dimension", "value", "units", "verdict").rows() == [
        ("segment", "a", 120, "better"),
        ("segment", "b", 120, "worse"),
        ("segment", "c", 120, "unclear"),
    ]
    a = {version: [row[3] for row in rows if row[1] == version and row[4]["segment"] == "a"] for version in (NEW, OLD)}
    assert found["effect"][0] == pytest.approx(np.mean(a[NEW]) - np.mean(a[OLD]), rel=1e-9)
    assert found["q_value"].to_list() == benjamini_hochberg(found["p_always_valid"].to_numpy()).tolist()
    assert set(found["look"]) == {4}


def test_the_smallest_p_of_the_looks_so_far_counts():
    rng = np.random.default_rng(9)
    rows = drawn(rng, {"a": -0.2}, nights=2) + [
        (night + 2, version, f"late-{unit}", loss, told)
        for night, version, unit, loss, told in drawn(rng, {"a": 0.3}, nights=2)
    ]
    early, late = (parts(rows, started(**TOLD), as_of=day(nights)).row(0, named=True) for nights in (2, 4))
    assert late["p_always_valid"] == early["p_always_valid"] < 0.05
    # It was of an effect for the better: of a part that is worse by now it says nothing.
    assert (early["verdict"], late["verdict"]) == ("better", "unclear")
    assert early["effect"] < 0 < late["effect"]


def test_below_the_minimum_of_units_nothing_is_said_and_yet_counted():
    found = parts(drawn(np.random.default_rng(1), {"a": -0.3}, nights=1, units=10), started(**TOLD))
    assert found.select("units", "p_always_valid", "q_value", "verdict").row(0) == (10, None, None, "unclear")
    assert found["effect"][0] < -0.2


def test_effects_that_chance_alone_spreads_are_drawn_to_their_mean():
    rng = np.random.default_rng(12)
    found = parts(drawn(rng, {f"s{number}": -0.1 for number in range(20)}, nights=1, units=25), started(**TOLD))
    raw, shrunk = ((found[name] + 0.1).pow(2).mean() for name in ("effect", "shrunk_effect"))
    assert raw > 2 * shrunk


def test_deployments_of_one_name_in_two_tenants_are_two():
    rows = drawn(np.random.default_rng(7), {"a": -0.15})
    there = [(*row[:4], row[4] | {"tenant_id": "t", "segment": "b"}) for row in rows[: len(rows) // 2]]
    found = parts(rows + there, started(**TOLD), started(**TOLD, tenant_id="t"))
    assert found.select("tenant_id", "value", "units").rows() == [(None, "a", 120), ("t", "b", 60)]


def test_a_unit_is_in_every_phase_it_ran_in_and_out_where_it_is_mixed():
    told = {"runs": 1, "n": 1}
    rows = [
        (0, NEW, "u", 0.2, told | {"phase": "draft"}),
        (0, NEW, "u", 0.6, told | {"phase": "final"}),
        (0, OLD, "v", 0.5, told | {"phase": "draft"}),
        (1, NEW, "m", 0.9, told | {"phase": "draft"}),
        (1, OLD, "m", 0.9, told | {"phase": "final"}),  # seen under both, if in different phases
    ]
    found = parts(rows, started(**TOLD))
    assert found.select("value", "units", "units_control").rows() == [("draft", 1, 1), ("final", 1, 0)]
    assert found["effect"].to_list() == [pytest.approx(-0.3), None]
    assert found["shrunk_effect"].to_list() == [None, None]


def test_of_a_shadow_and_of_units_without_parts_nothing_is_said():
    rows = drawn(np.random.default_rng(1), {"a": -0.3}, nights=1)
    assert parts(rows, started(**TOLD, deployment_mode="shadow")).is_empty()
    assert parts([row[:4] for row in rows], started(**TOLD)).is_empty()
    assert parts(rows, started(20, **TOLD), as_of=day(5)).is_empty()


def test_twenty_segments_without_an_effect_are_rarely_called_different():
    rng = np.random.default_rng(17)
    events = [started(**TOLD, deployment_id=f"d{number}") for number in range(20)]
    # Twenty canaries at once: the same units under other names, each with losses of its own.
    rows = [
        (*row[:3], float(np.round(rng.beta(5, 5), 6)), row[4] | {"deployment_id": f"d{number}"})
        for number in range(20)
        for row in drawn(rng, {f"s{segment}": 0.0 for segment in range(5)}, units=10)
    ]
    found = parts(rows, *events)
    assert found.height == 100
    assert found["verdict"].unique().to_list() == ["unclear"]
    least = scipy_stats.binom.ppf(0.001, 100, 0.05)  # a plain p would be below .05 for some of a hundred
    assert found.filter(found["p_always_valid"] < 0.05).height <= max(least, 5)
    loose = parts(rows, *events, canaries=Canaries(segment_q=1.0)).filter(verdict="unclear").height
    assert loose < found.height / 2  # but for those whose effect has changed sides
