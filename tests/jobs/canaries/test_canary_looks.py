"""Looks at canaries: their figures against independent references, their verdicts, and how often these are wrong."""

import json

import numpy as np
import polars as pl
import pytest
from scipy import stats as scipy_stats

from jobs.canary_frames import LATER, arms, deployed, ended, looked, of_units, started
from jobs.drawn import day
from kaizenlake import tables
from kaizenlake.context import arm_of
from kaizenlake.jobs.canaries.canary_looks import canary_looks
from kaizenlake.tables import CanaryUnits, RunRecords

NEW, OLD = "1.1.0", "1.0.0"
PLAIN = {"rails": {}, "arms": {}, "minimum_units": 10, "horizon_nights": 10}
"""A deployment without guardrails whose shares are not told, so that any split will do."""


def rows_of(units, *events, **more):
    return looked(units, *events, **more).to_dicts()


def same_units(rng, nights, units=30, runs=6):
    """The same units every night, some of them silent; a unit has its own level."""
    level = {f"{version}-{unit}": rng.uniform(0.2, 0.6) for version in (NEW, OLD) for unit in range(units)}
    found = []
    for night in range(nights):
        for name, own in level.items():
            count = int(rng.integers(0, runs))
            if count:
                loss = float(np.round(np.clip(own + rng.normal(0, 0.1), 0, 1), 6))
                found.append((night, name.split("-")[0], name, loss, {"runs": count, "n": count}))
    return found


def values_at(rows, look, version):
    """Mean of the runs of each unit up to a look, to the millionth: the reference, reckoned unit by unit."""
    total = {}
    for night, of, unit, loss, *more in rows:
        if night < look and of == version and loss is not None:
            n = more[0]["n"] if more else 1
            micros, count = total.get(unit, (0, 0))
            total[unit] = (micros + round(loss * n * 1e6), count + n)
    return {unit: round(micros / count) / 1e6 for unit, (micros, count) in total.items()}


class TestFigures:
    def test_a_unit_counts_once_with_the_mean_of_its_runs_so_far(self):
        drawn = same_units(np.random.default_rng(4), 6)
        for row in rows_of(of_units(drawn), started(**PLAIN), as_of=day(6)):
            a, b = (list(values_at(drawn, row["look"], version).values()) for version in (NEW, OLD))
            expected = scipy_stats.ttest_ind(a, b, equal_var=False)
            assert (row["units"], row["units_control"]) == (len(a), len(b))
            assert row["mean_loss"] == pytest.approx(np.mean(a), rel=1e-12)
            assert row["effect"] == pytest.approx(np.mean(a) - np.mean(b), rel=1e-9)
            assert row["p_value"] == pytest.approx(expected.pvalue, rel=1e-9)
            assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-9)
            assert row["lift"] == pytest.approx(row["effect"] / np.mean(b), rel=1e-9)
            assert row["runs"] == sum(r[4]["runs"] for r in drawn if r[0] < row["look"] and r[1] == NEW)

    def test_a_unit_under_two_versions_is_left_out_from_the_night_it_is_seen_so(self):
        rows = [(0, NEW, "a", 0.2), (0, OLD, "b", 0.4), (0, NEW, "m", 1.0), (2, OLD, "m", 1.0), (3, NEW, "m", 0.1)]
        found = rows_of(of_units(rows), started(**PLAIN), as_of=day(4))
        assert [row["units_mixed"] for row in found] == [0, 0, 1, 1]
        assert [row["units"] for row in found] == [2, 2, 1, 1]
        assert [row["mean_loss"] for row in found] == pytest.approx([0.6, 0.6, 0.2, 0.2])
        assert [row["mean_loss_control"] for row in found] == pytest.approx([0.4] * 4)
        assert [row["runs"] for row in found] == [2, 2, 2, 3]

    def test_runs_without_a_unit_are_counted_and_left_out(self):
        rows = [(0, NEW, "a", 0.2), (0, NEW, None, 1.0, {"runs": 3, "n": 3}), (1, OLD, None, 1.0)]
        first, second = rows_of(of_units(rows), started(**PLAIN), as_of=day(2))
        assert (first["runs"], first["runs_without_unit"], first["units"], first["mean_loss"]) == (4, 3, 1, 0.2)
        assert (second["runs_control"], second["runs_without_unit"], second["units_control"]) == (1, 4, 0)
        assert second["reason"].startswith("No run came on this night")  # none that was randomised

    def test_in_a_shadow_the_difference_within_each_unit_is_tested(self):
        rng = np.random.default_rng(8)
        level = rng.uniform(0.2, 0.8, 60)
        # To the millionth, as they are kept.
        losses = {version: np.round(level + rng.normal(0, 0.012, 60), 6) for version in (NEW, OLD)}
        rows = [(unit % 3, version, f"u{unit}", losses[version][unit]) for unit in range(60) for version in (NEW, OLD)]
        rows += [(0, NEW, "alone", 0.9)]
        last = rows_of(of_units(rows), started(**PLAIN, deployment_mode="shadow"), as_of=day(3))[-1]
        expected = scipy_stats.ttest_rel(losses[NEW], losses[OLD])
        assert (last["units"], last["units_control"], last["units_mixed"]) == (60, 60, 0)
        assert last["p_value"] == pytest.approx(expected.pvalue, rel=1e-9)
        assert last["ci_low"] == pytest.approx(expected.confidence_interval(0.95).low, rel=1e-9)
        assert last["mean_loss_control"] == pytest.approx(losses[OLD].mean(), rel=1e-9)
        assert last["lift"] == pytest.approx(last["effect"] / last["mean_loss_control"])
        # A margin of .02 is shown to be kept, which Welch's test on the same losses could not.
        assert (last["verdict"], last["sample_ratio_p"]) == ("promote", None)

    def test_a_shadow_on_units_of_its_own_is_compared_as_a_canary_is(self):
        rng = np.random.default_rng(3)
        drawn = of_units(arms(rng, 3, 40, 40))
        shadow, canary = (
            looked(drawn, started(**PLAIN, deployment_mode=mode), as_of=day(3)) for mode in ("shadow", "canary")
        )
        same = ["units", "effect", "p_value", "sequential_ci_low", "shrunk_effect"]
        assert shadow.select(same).equals(canary.select(same))

    @pytest.mark.parametrize(("both", "counted"), [(0, 80), (1, 81), (79, 159), (80, 80)])
    def test_a_few_units_under_both_make_no_shadow_one_of_pairs(self, both, counted):
        rng = np.random.default_rng(13)
        rows = [(0, of, f"{of}-{unit}", round(float(rng.uniform()), 6)) for unit in range(80) for of in (NEW, OLD)]
        rows += [(0, of, f"{unit}", round(float(rng.uniform()), 6)) for unit in range(both) for of in (NEW, OLD)]
        (row,) = rows_of(of_units(rows), started(**PLAIN, deployment_mode="shadow"), as_of=day(1))
        assert (row["units"], row["units_control"]) == (counted, counted)

    def test_what_the_past_of_the_units_explains_is_taken_off(self):
        rng = np.random.default_rng(11)
        rows, past, now, arm = [], [], [], []
        for unit in range(200):
            x = round(float(rng.uniform(0.2, 0.6)), 6)
            y = round(x + float(rng.normal(0.1, 0.03)) - (0.05 if unit % 2 else 0), 6)
            known = unit >= 40  # the others are new
            told = {"runs": 1, "n": 1, "history_n": 2 if known else 0, "history_micros": round(2e6 * x) if known else 0}
            rows.append((0, NEW if unit % 2 else OLD, f"u{unit}", y, told))
            past, now, arm = [*past, x if known else np.nan], [*now, y], [*arm, unit % 2]
        (row,) = rows_of(of_units(rows), started(**PLAIN), as_of=day(1))
        past, now, arm = map(np.array, (past, now, arm))
        known = ~np.isnan(past)
        # One slope within the arms, by least squares with an intercept of each arm.
        design = np.column_stack([past, arm, 1 - arm])[known]
        slope = np.linalg.lstsq(design, now[known], rcond=None)[0][0]
        adjusted = np.where(known, now - slope * (past - past[known].mean()), now)
        expected = scipy_stats.ttest_ind(adjusted[arm == 1], adjusted[arm == 0], equal_var=False)
        assert row["p_value"] == pytest.approx(expected.pvalue, rel=1e-6)
        assert row["effect"] == pytest.approx(adjusted[arm == 1].mean() - adjusted[arm == 0].mean(), rel=1e-9)
        assert row["cuped_explained"] > 0.5

    def test_the_sizes_of_the_arms_are_held_against_the_shares(self):
        rows = [(0, NEW if unit % 10 < 3 else OLD, f"u{unit}", 0.5) for unit in range(400)]
        (row,) = rows_of(of_units(rows), started(shares={NEW: 0.25}), as_of=day(1))
        assert row["sample_ratio_p"] == pytest.approx(scipy_stats.chisquare([120, 280], [100, 300]).pvalue, rel=1e-9)
        (row,) = rows_of(of_units(rows), started(shares={NEW: 0.1}), as_of=day(1))
        assert (row["verdict"], row["sample_ratio_p"] < 0.001) == ("invalid", True)
        assert "not those of the allocation" in row["reason"]
        assert "120 units against 280" in row["reason"]
        (row,) = rows_of(of_units(rows), started(arms={}), as_of=day(1))
        assert row["sample_ratio_p"] is None

    def test_units_that_the_hash_sends_elsewhere_are_counted(self):
        shares = {"1.1.0": 0.3, "1.2.0": 0.3}
        versions = [OLD, *shares]
        meant = {f"u{unit}": versions[arm_of("s", f"u{unit}", shares.values())] for unit in range(60)}
        rows = [(0, version, unit, 0.5) for unit, version in meant.items()]
        wrong = next(unit for unit, version in meant.items() if version == "1.2.0")
        rows = [(1, OLD, unit, loss) if unit == wrong else (night, of, unit, loss) for night, of, unit, loss in rows]
        found = looked(of_units(rows), started(candidate_versions=list(shares), shares=shares), as_of=day(2))
        assert found.sort("policy_version", "look")["units_misrouted"].to_list() == [0, 1, 0, 1]

    def test_candidates_share_alpha_until_one_has_crossed(self):
        rng = np.random.default_rng(5)
        rows = arms(rng, 4, 60, 60)
        rows += [(night, "1.2.0", f"2-{unit}", max(loss - 0.3, 0)) for night, of, unit, loss in rows if of == NEW]
        both = {**PLAIN, "candidate_versions": [NEW, "1.2.0"], "method": "always_valid"}
        found = looked(of_units(rows), started(**both), as_of=day(4)).sort("policy_version", "look")
        first, second = found.partition_by("policy_version")
        assert second["crossed_on_look"].to_list() == [1, 1, 1, 1]
        assert second["boundary_p"].to_list() == [0.025, 0.05, 0.05, 0.05]
        assert first["boundary_p"].to_list() == [0.05] * 4  # all of it, once the other has crossed
        assert first["crossed_on_look"].to_list() == [None] * 4


def verdicts(rows, *events, as_of=None, **told):
    last = max(night for night, *_ in rows) + 1
    return looked(of_units(rows), started(**(PLAIN | told)), *events, as_of=as_of or day(last))


class TestVerdicts:
    rng = np.random.default_rng(21)
    BETTER = arms(rng, 5, 60, 60, effect=-0.1)
    WORSE = arms(rng, 5, 60, 60, effect=0.15)
    ALIKE = arms(rng, 5, 60, 60)

    @pytest.mark.parametrize(
        ("rows", "told", "expected", "words"),
        [
            (BETTER, {}, "promote", "The loss is lower: effect -0."),
            (BETTER, {"method": "always_valid"}, "promote", "The loss is lower"),
            (BETTER, {"method": "pocock"}, "promote", "crossed on night"),
            (BETTER, {"method": "obrien_fleming"}, "promote", "The loss is lower"),
            (BETTER, {"minimum_units": 301}, "insufficient", "has 300 of the 301 units"),
            (BETTER, {"rails": {"cost_usd": 0.1}}, "continue", "but not every guardrail is shown to be held: cost_usd"),
            (WORSE, {}, "rollback", "surely higher by more than the 0.02"),
            (WORSE, {"max_loss_increase_rate": 0.5}, "continue", "Not decided yet"),
            (WORSE, {"max_loss_increase_rate": 0.5, "deployment_mode": "shadow"}, "promote", "Not worse by the 0.5"),
            (WORSE, {"deployment_mode": "shadow"}, "rollback", "surely higher"),
            (ALIKE, {}, "continue", "Not decided yet: effect"),
            (ALIKE, {"horizon_nights": 5}, "continue", "The planned nights are over without a decision: effect"),
            (ALIKE, {"max_loss_increase_rate": 0.0}, "continue", "Not decided yet"),
            ([(0, NEW, f"{u}", 0.5) for u in range(20)], {}, "insufficient", "has 0 of the 10 units"),
            (
                [(0, version, f"{version}-{u}", 0.5) for u in range(20) for version in (NEW, OLD)],
                {},
                "insufficient",
                "do not vary",
            ),
        ],
    )
    def test_what_a_night_says(self, rows, told, expected, words):
        row = verdicts(rows, **told).row(-1, named=True)
        assert (row["verdict"], words in row["reason"]) == (expected, True), row["reason"]

    def test_a_night_without_runs_is_a_pause_and_never_promotes(self):
        found = verdicts(self.BETTER, as_of=day(7))
        assert found["verdict"].to_list()[-3:] == ["promote", "continue", "continue"]
        assert found["reason"][-1].startswith("No run came on this night, and no data is a pause. So far: effect -0.")
        assert found["boundary_p"][-1] == 0.0  # and nothing is spent on it
        few = verdicts(self.ALIKE, minimum_units=500, as_of=day(6)).row(-1, named=True)
        assert (few["verdict"], "No run came" in few["reason"], "of the 500 units" in few["reason"]) == (
            "insufficient", True, True)  # fmt: skip

    @pytest.mark.parametrize(
        ("night", "words"),
        [
            (
                [(5, OLD, f"late-{unit}", 0.5) for unit in range(60)],
                f"No run that counts came under {NEW} on this night",
            ),
            (
                [(5, NEW, f"late-{unit}", 0.5) for unit in range(60)],
                f"No run that counts came under {OLD} on this night",
            ),
            ([(5, of, f"late-{of}", None) for of in (NEW, OLD)], "No run that counts came on this night"),
            # Units that are under both by now were under one of them before.
            ([(5, of, f"{of}-0-0", 0.1) for of in (NEW, OLD)] + [(5, NEW, f"{OLD}-0-0", 0.1)], f"came under {OLD} on"),
        ],
    )
    def test_a_night_that_brought_one_arm_nothing_is_a_pause_for_both(self, night, words):
        before, after = verdicts(self.BETTER + night).rows(named=True)[-2:]
        assert (before["verdict"], after["verdict"]) == ("promote", "continue")
        assert words in after["reason"]
        assert "no data is a pause. So far: effect -0." in after["reason"]

    def test_a_crossing_is_no_promotion_once_too_few_units_are_left(self):
        gone = [(5, OLD, unit, 0.5) for _, of, unit, _ in self.BETTER if of == NEW][:295]
        back = [(5, of, f"late-{of}-{unit}", 0.5) for of in (NEW, OLD) for unit in range(2)]
        row = verdicts(self.BETTER + gone + back).row(-1, named=True)
        assert (row["verdict"], row["units"], row["crossed_on_look"] is None) == ("insufficient", 7, False)
        assert row["reason"] == "The smaller arm has 7 of the 10 units that a verdict needs (7 against 302)."

    @pytest.mark.parametrize("alpha", [0.0, 1.0])
    def test_an_alpha_of_none_or_all_stops_no_night(self, alpha):
        found = verdicts(self.ALIKE, alpha_rate=alpha)
        assert found["verdict"].unique().to_list() == ["continue"]

    def test_two_units_are_the_fewest_whatever_is_asked_for(self):
        row = verdicts([(0, NEW, "a", 0.4), (0, OLD, "b", 0.5)], minimum_units=0).row(0, named=True)
        assert (row["verdict"], "has 1 of the 2 units" in row["reason"]) == ("insufficient", True)

    def test_of_fifty_candidates_the_one_that_is_better_is_promoted(self):
        rng = np.random.default_rng(50)
        names = [f"2.{number}.0" for number in range(50)]
        rows = [
            (night, of, f"{of}-{night}-{unit}", round(float(np.clip(rng.normal(mean, 0.1), 0, 1)), 6))
            for night in range(3)
            for of, mean in [(OLD, 0.5), *((name, 0.2 if name == "2.7.0" else 0.5) for name in names)]
            for unit in range(10)
        ]
        last = verdicts(rows, candidate_versions=names, horizon_nights=3).filter(look=3)
        assert last.filter(verdict="promote")["policy_version"].to_list() == ["2.7.0"]
        # It crossed the fiftieth part of alpha, and the others share what it leaves.
        assert last["alpha_spent"].to_list() == pytest.approx([0.05 / 49] * 50, rel=1e-9)

    def test_a_guardrail_that_no_run_tells_holds_the_promotion_back_and_says_so(self):
        row = verdicts(self.BETTER, rails={"cost_usd": 0.1}).row(-1, named=True)
        (rail,) = json.loads(row["guardrails"])
        assert (rail["verdict"], rail["units"], rail["upper"]) == ("unclear", 0, None)
        assert row["reason"].endswith("held: cost_usd (known of 0 units against 0, margin 0.1).")

    def test_what_comes_late_counts_on_the_look_of_its_own_day(self):
        late = [(1, of, f"late-{of}-{unit}", 0.5) for of in (NEW, OLD) for unit in range(30)]
        before, after = verdicts(self.ALIKE), verdicts(self.ALIKE + late)
        assert before.head(1).equals(after.head(1))
        assert (after["units"] - before["units"]).to_list() == [0, 30, 30, 30, 30]
        # As if it had come in time: how a night was found before leaves no trace.
        in_time = sorted(self.ALIKE + late, key=lambda row: row[0])
        assert verdicts(in_time).equals(after)

    def test_a_deployment_without_any_run_has_looks_that_wait(self):
        found = looked(of_units([]), started(**PLAIN), as_of=day(2))
        assert found["verdict"].to_list() == ["insufficient"] * 2
        assert found.select("units", "effect", "p_value", "mean_loss").rows() == [(0, None, None, None)] * 2

    def test_a_surely_worse_candidate_stays_to_be_rolled_back(self):
        calm = [(night + 5, of, f"later-{unit}", 0.5) for night, of, unit, _ in self.ALIKE]
        found = verdicts(self.WORSE + calm)
        since = found.filter(verdict="rollback")["look"].min()
        assert found.filter(pl.col("look") >= since)["verdict"].unique().to_list() == ["rollback"]
        assert f"Since night {since} " in found["reason"][-1]
        assert found.row(since - 1, named=True)["sequential_ci_low"] > 0.02

    def test_there_is_one_look_a_night_until_the_end_or_the_horizon(self):
        assert verdicts(self.ALIKE, as_of=LATER)["look"].to_list() == list(range(1, 11))
        stopped = verdicts(self.ALIKE, ended(2.5), as_of=LATER)
        assert stopped["looked_on"].to_list() == [day(night).date() for night in range(3)]

    @pytest.mark.parametrize(
        ("cost", "control", "margin", "expected"),
        [
            (0.5, 0.1, 0.1, "broken"),
            (0.5, 0.1, 1.0, "held"),
            (0.15, 0.1, 0.05, "unclear"),
            (None, 0.1, 1.0, "unclear"),
        ],
    )
    def test_a_guardrail_is_held_broken_or_unclear(self, cost, control, margin, expected):
        rng = np.random.default_rng(6)
        rows = []
        for night, of, unit, loss in self.BETTER:
            mean = cost if of == NEW else control
            micros = 0 if mean is None else round(1e6 * mean * rng.uniform(0.5, 1.5))
            told = {"runs": 1, "n": 1, "cost_usd_n": int(mean is not None), "cost_usd_micros": micros}
            rows.append((night, of, unit, loss, told))
        row = verdicts(rows, rails={"cost_usd": margin}).row(-1, named=True)
        (rail,) = json.loads(row["guardrails"])
        assert (rail["metric"], rail["margin"], rail["verdict"]) == ("cost_usd", margin, expected)
        assert row["verdict"] == {"broken": "rollback", "held": "promote", "unclear": "continue"}[expected]
        assert row["guardrails_broken"] == (["cost_usd"] if expected == "broken" else [])
        if cost is not None:
            assert rail["lower"] < rail["effect"] < rail["upper"]
            assert rail["effect"] == pytest.approx(cost - control, abs=0.02)
        if expected == "broken":
            assert "Guardrails are broken: cost_usd since night" in row["reason"]

    @pytest.mark.parametrize(("of_new", "expected"), [(0, "held"), (1, "broken")])
    def test_a_figure_that_never_varies_is_held_or_broken_by_what_hundreds_of_units_tell(self, of_new, expected):
        rows = [
            (*row, {"runs": 1, "n": 1, "security_criticals_n": 1, "security_criticals_micros": micros})
            for row in self.BETTER
            for micros in (of_new * 10**6 if row[1] == NEW else 0,)
        ]
        row = verdicts(rows, rails={"security_criticals": 0.05}).row(-1, named=True)
        assert json.loads(row["guardrails"])[0]["verdict"] == expected

    def test_an_early_effect_is_drawn_toward_none(self):
        found = verdicts(self.BETTER)
        assert (found["shrunk_effect"] > found["effect"]).all()
        assert (found["shrunk_effect"].abs() < found["effect"].abs()).all()
        assert verdicts(self.BETTER, max_loss_increase_rate=0.0)["shrunk_effect"].to_list() == [None] * 5

    def test_the_power_grows_and_the_nights_needed_fall(self):
        found = verdicts(self.ALIKE, horizon_nights=30)
        assert found["power_so_far"].is_sorted()
        nights, power = found["nights_needed"].to_list(), found["power_so_far"].to_list()
        assert nights[-1] < nights[0]
        assert 0.0 < power[-1] < 1.0


CANARIES, NIGHTS, UNITS = 200, 10, 30


def drawn_at_once(rng, effect, sd=0.15):
    """Units of many canaries that differ in their name alone: Beta losses, new units every night."""
    strength = 0.25 / sd**2 - 1
    shape = (CANARIES, NIGHTS, 2, UNITS)
    losses = rng.beta(0.5 * strength, 0.5 * strength, shape)
    losses[:, :, 1] += effect
    place = np.indices(shape).reshape(4, -1)
    names = pl.DataFrame({"deployment": place[0], "night": place[1], "arm": place[2], "unit": place[3]})
    whole = names.select(
        deployment_id=pl.concat_str(pl.lit("d"), "deployment"),
        policy_version=pl.when(pl.col("arm") == 1).then(pl.lit(NEW)).otherwise(pl.lit(OLD)),
        unit_id=pl.concat_str("arm", "night", "unit", separator="-"),
        event_date=pl.lit(day(0).date()) + pl.duration(days="night"),
        runs=pl.lit(1, pl.Int64),
        n=pl.lit(1, pl.Int64),
        loss_micros=pl.Series(np.clip(losses, 0, 1).ravel() * 1e6).round().cast(pl.Int64),
    )
    types = tables.schema(CanaryUnits)
    return whole.with_columns(
        pl.lit(0 if types[name] == pl.Int64 else None, types[name]).alias(name)
        for name in types
        if name not in whole.columns
    )


def looks_at_once(rng, effect, **told):
    events = [
        started(
            **(PLAIN | {"deployment_id": f"d{number}", "horizon_nights": NIGHTS, "max_loss_increase_rate": 0.02} | told)
        )
        for number in range(CANARIES)
    ]
    units = drawn_at_once(rng, effect).lazy()
    return canary_looks(deployed(*events).lazy(), units, tables.empty(RunRecords), as_of=LATER).collect()


def rate(looks, verdict):
    return looks.group_by("deployment_id").agg((pl.col("verdict") == verdict).any())["verdict"].mean()


@pytest.mark.parametrize("method", ["power", "always_valid"])
def test_canaries_that_make_no_difference_are_rarely_decided(method):
    looks = looks_at_once(np.random.default_rng(30), 0.0, method=method, max_loss_increase_rate=0.0)
    most = 0.05 + 3 * (0.05 * 0.95 / CANARIES) ** 0.5
    decided = looks.group_by("deployment_id").agg(pl.col("verdict").is_in(["promote", "rollback"]).any())
    assert decided["verdict"].mean() <= most
    # A Welch test that stops at the first p below .05 goes wrong far more often.
    naive = looks.group_by("deployment_id").agg((pl.col("p_value") < 0.05).any())
    assert naive["p_value"].mean() > most


def test_an_effect_is_found_as_often_as_the_power_says():
    looks = looks_at_once(np.random.default_rng(31), -0.03, max_loss_increase_rate=0.03)
    told = looks.filter(look=NIGHTS)["power_so_far"].mean()
    found = rate(looks, "promote")
    assert 0.5 < told < 0.99
    assert abs(found - told) <= 3 * (told * (1 - told) / CANARIES) ** 0.5 + 0.01
    assert rate(looks, "rollback") == 0.0
