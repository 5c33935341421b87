"""Skill cards: what makes a strength or a weakness, models at equal cost, failures and their trend, and what to try next."""

import numpy as np
import polars as pl
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from jobs.drawn import day, frame, recorded
from kaizenlake import tables
from kaizenlake.jobs.runs.crl import crl
from kaizenlake.jobs.runs.crl_daily import crl_daily
from kaizenlake.jobs.runs.crl_terms_daily import crl_terms_daily
from kaizenlake.jobs.runs.crl_trends import crl_trends
from kaizenlake.jobs.skills.skill_cards import EXPERIMENT_FOR, skill_cards
from kaizenlake.jobs.skills.skill_failures import skill_failures
from kaizenlake.jobs.skills.skill_models import skill_models
from kaizenlake.jobs.skills.skill_terms import skill_terms, together
from kaizenlake.parameters import LossRules, LossTerm, Skills
from kaizenlake.tables import (
    CrlTermsDaily,
    Experiments,
    LearningProgress,
    Policies,
    Runs,
    SkillCards,
    SkillFailures,
    SkillModels,
    SkillTerms,
)
from stats.larger_error import larger_of_both

AS_OF = day(60)
NOW, PAST = 45, 15
"""A day of the latest thirty before AS_OF, and one of the thirty before them."""


def runs(*groups, **same):
    """Runs out of (how many, what each tells); `at` is the day, the doer is `planner` unless told."""
    rows = []
    for times, told in groups:
        for _ in range(times):
            at = told.get("at", NOW) + 0.5
            number = f"r{len(rows):05d}"
            rows.append(
                {
                    "event_id": number,
                    "run_id": number,
                    "event_type": "RUN_COMPLETED",
                    "doer": "planner",
                    "occurred_at": day(at),
                    "event_date": day(at).date(),
                    "failure_modes": [],
                }
                | {name: value for name, value in told.items() if name != "at"}
            )
    return recorded(frame(Runs, rows, **same))


def terms_of(found, as_of=AS_OF, loss=None, **groups):
    daily = crl_terms_daily(crl(found, as_of=as_of, loss=loss or LossRules()), as_of=as_of)
    return tables.check(SkillTerms, skill_terms(daily, as_of=as_of, **groups).collect())


def one(table, **named):
    return table.filter(**named).row(0, named=True)


def spread(doer, mean, times, at=NOW, width=0.2, field="grounding_rate"):
    """Runs of a doer whose rate spreads evenly around a mean."""
    rates = np.linspace(mean - width, mean + width, times).clip(0, 1)
    return [(1, {"doer": doer, field: float(rate), "at": at}) for rate in rates]


def test_terms_are_added_up_whether_observed_or_not():
    told = runs(
        (2, {"gates_passed": 1, "gates_total": 2}), (1, {"gates_passed": 4, "gates_total": 4, "contradictions": 3})
    )
    daily = tables.check(CrlTermsDaily, crl_terms_daily(crl(told, as_of=AS_OF), as_of=AS_OF).collect())
    assert daily.height == 9
    columns = ("runs", "n", "term_micros", "square_high", "square_low", "weight_micros", "contribution_micros")
    assert daily.filter(term="gates").select(columns).row(0) == (3, 3, 1_000_000, 500_000, 0, 750_000, 1_000_000)
    # 3 contradictions are one half; beside gates they weigh 0.1 of 0.35, among all terms 0.1.
    assert daily.filter(term="contradictions").select(columns).row(0) == (3, 1, 500_000, 250_000, 0, 100_000, 142_857)
    assert daily.filter(term="rag").select(columns).row(0) == (3, 0, 0, 0, 0, 0, 0)


def test_terms_of_a_team_have_rows_of_their_own():
    loss = LossRules(terms=(LossTerm(name="verbosity", field="output_tokens", rule="count", half=100, weight=0.25),))
    told = runs((12, {"gates_passed": 1, "gates_total": 2, "output_tokens": 300}))
    found = one(terms_of(told, loss=loss), term="verbosity")
    assert (found["n"], found["mean_term"], found["weight"]) == (12, 0.75, 0.2)
    assert found["mean_contribution"] == pytest.approx(0.375)


VERDICTS = [
    # mean of the doer, of the others, runs of each; what the doer is
    (0.9, 0.5, 40, 40, "strength"),
    (0.5, 0.9, 40, 40, "weakness"),
    (0.9, 0.5, 9, 40, "unclear"),  # too few runs of its own
    (0.9, 0.5, 40, 9, "unclear"),  # too few of the others
    (0.5, 0.5, 20, 20, "unclear"),  # 0.15 of weight times an interval of some 0.05: within 0.01 only with more runs
    (0.5, 0.5, 400, 400, "even"),
    (0.53, 0.5, 4000, 4000, "even"),  # certain, and 0.0045 of loss: it does not matter
    (0.6, 0.5, 12, 12, "unclear"),  # a difference that could be chance
]


@pytest.mark.parametrize(("mean", "others", "n", "n_others", "expected"), VERDICTS)
def test_verdict_against_the_other_doers(mean, others, n, n_others, expected):
    found = terms_of(runs(*spread("planner", mean, n), *spread("other", others, n_others)))
    row = one(found, doer="planner", term="grounding")
    assert (row["fleet_verdict"], row["past_verdict"], row["verdict"]) == (expected, "unclear", expected)
    mirrored = {"strength": "weakness", "weakness": "strength"}.get(expected, expected)
    assert one(found, doer="other", term="grounding")["fleet_verdict"] == mirrored


@pytest.mark.parametrize(("mean", "before", "n", "n_before", "expected"), VERDICTS)
def test_verdict_against_its_own_past(mean, before, n, n_before, expected):
    found = terms_of(runs(*spread("planner", mean, n), *spread("planner", before, n_before, at=PAST)))
    row = one(found, term="grounding")
    assert (row["fleet_verdict"], row["past_verdict"], row["verdict"]) == ("unclear", expected, expected)


@pytest.mark.parametrize(
    ("fleet", "past", "others", "expected"),
    [
        ("strength", "unclear", 9, "strength"),
        ("strength", "even", 9, "strength"),
        ("unclear", "strength", 9, "strength"),
        ("weakness", "weakness", 9, "weakness"),
        ("even", "weakness", 9, "weakness"),
        ("strength", "weakness", 9, "unclear"),
        ("weakness", "strength", 9, "unclear"),
        ("even", "unclear", 9, "even"),
        ("unclear", "even", 9, "unclear"),
        ("unclear", "even", 0, "even"),
        ("unclear", "unclear", 0, "unclear"),
    ],
)
def test_both_verdicts_together(fleet, past, others, expected):
    row = pl.DataFrame({"fleet_verdict": [fleet], "past_verdict": [past], "n_fleet": [others]})
    assert row.select(together()).item() == expected


def test_the_interval_of_a_difference_is_students_or_welchs_times_the_weight_and_q_is_of_all_comparisons():
    drawn = np.random.default_rng(5)
    samples = {name: drawn.beta(a, 4, 30).round(6) for name, a in (("planner", 4), ("other", 6), ("third", 4))}
    told = runs(*[(1, {"doer": name, "grounding_rate": float(x)}) for name, sample in samples.items() for x in sample])
    found = terms_of(told).filter(term="grounding").sort("doer")
    p_values = []
    for row in found.iter_rows(named=True):
        rest = np.concatenate([sample for name, sample in samples.items() if name != row["doer"]])
        tests = [scipy_stats.ttest_ind(1 - samples[row["doer"]], 1 - rest, equal_var=equal) for equal in (True, False)]
        intervals = [test.confidence_interval() for test in tests]
        assert row["fleet_difference"] == pytest.approx(0.15 * (rest.mean() - samples[row["doer"]].mean()), abs=1e-9)
        # The larger error at Welch's degrees of freedom: at least as wide as either but for the degrees of freedom.
        half = (row["fleet_ci_high"] - row["fleet_ci_low"]) / 2 / 0.15
        assert half == pytest.approx(max((i.high - i.low) / 2 for i in intervals), rel=0.02)
        p_values.append(row["fleet_p_value"])
    np.testing.assert_allclose(found["fleet_q_value"], multipletests(p_values, method="fdr_bh")[1], rtol=1e-12)


def test_other_weights_and_unobserved_terms_of_others_make_nobody_better():
    """Others who tell the gates alone have all their weight there; a doer with the same gates is no better than they."""
    gates = [(20, {"gates_passed": passed, "gates_total": 4}) for passed in (2, 3, 4)]
    alone = [(times, told | {"doer": "other"}) for times, told in gates]
    whole = [(times, told | {"grounding_rate": 1.0, "contradictions": 0}) for times, told in gates]
    row = one(terms_of(runs(*alone, *whole)), doer="planner", term="gates")
    assert row["mean_contribution"] < row["mean_term"] * 0.6
    assert row["fleet_difference"] == 0.0
    assert row["weight"] == 0.25


def test_a_small_calm_sample_is_no_strength():
    """Ten runs without a finding, where one in ten of the others has some: that happens by chance."""
    told = runs((10, {"security_criticals": 0}), (180, {"doer": "other", "security_criticals": 0}),
                (20, {"doer": "other", "security_criticals": 3}))  # fmt: skip
    row = one(terms_of(told), doer="planner", term="security")
    assert row["fleet_difference"] == pytest.approx(-0.15 * 0.075)
    assert row["fleet_verdict"] == "unclear"


def test_without_spread_or_observation_nothing_is_claimed():
    told = runs((20, {"api_breakages": 0}), (20, {"doer": "other", "api_breakages": 1}))
    found = terms_of(told)
    row = one(found, doer="planner", term="api")
    assert row["fleet_difference"] == pytest.approx(-0.04)
    assert (row["fleet_ci_low"], row["fleet_p_value"], row["verdict"]) == (None, None, "unclear")
    nothing = one(found, doer="planner", term="rag")
    assert (nothing["n"], nothing["observed_rate"]) == (0, 0.0)
    assert all(nothing[name] is None for name in ("weight", "mean_term", "mean_contribution", "loss_share_rate"))


def test_the_windows_end_the_day_before_as_of():
    told = runs(*[(1, {"at": at, "gates_passed": 0, "gates_total": 1}) for at in (0, 1, 29, 30, 59, 60)])
    row = one(terms_of(told, as_of=AS_OF, skills=Skills(days=30)), term="gates")
    assert (row["n"], row["n_past"]) == (2, 3)
    row = one(terms_of(told, as_of=day(60.2), skills=Skills(days=30)), term="gates")
    assert (row["n"], row["n_past"]) == (1, 3), "the day that has begun is one of the thirty"


def test_under_no_difference_false_strengths_are_rarer_than_q():
    """Fleets of eight doers with no difference at all: how often is anybody called strong or weak?"""
    drawn = np.random.default_rng(11)
    fleets, doers, times = 30, 6, 20
    named = 0
    for _ in range(fleets):
        rates = drawn.beta(2, 1, (2, doers, times))
        few = (drawn.random((2, doers, times)) < 0.1) * drawn.integers(1, 4, (2, doers, times))
        told = [
            (1, {"doer": f"d{doer}", "at": at, "grounding_rate": float(rates[side, doer, run]),
                 "security_criticals": int(few[side, doer, run])})
            for side, at in enumerate((NOW, PAST)) for doer in range(doers) for run in range(times)
        ]  # fmt: skip
        found = terms_of(runs(*told))
        named += found["verdict"].is_in(["strength", "weakness"]).any()
    # At q = .05 a fleet names anybody in 5 % of all cases; three standard errors on top.
    assert named / fleets <= 0.05 + 3 * (0.05 * 0.95 / fleets) ** 0.5


def models_of(found, **groups):
    return tables.check(
        SkillModels, skill_models(found, crl(found, as_of=AS_OF), as_of=AS_OF, **groups).collect()
    ).sort("doer", "model")


def priced(model, cost, losses, **more):
    """Runs of a model at one cost, each with a loss of its own."""
    return [(1, {"model": model, "cost_usd": cost, "grounding_rate": 1 - loss} | more) for loss in losses]


def around(mean):
    return np.linspace(mean - 0.1, mean + 0.1, 12)


def test_at_equal_cost_a_dear_model_is_held_against_dear_runs():
    """The dear model loses less only since dear runs do, the frugal one does as well in its band."""
    told = runs(
        *priced("dear", 0.60, around(0.2)),
        *priced("usual", 0.60, around(0.2)), *priced("usual", 0.01, around(0.6)),
        *priced("frugal", 0.01, around(0.3)),
    )  # fmt: skip
    found = {row["model"]: row for row in models_of(told).iter_rows(named=True)}
    assert found["dear"]["mean_loss"] < found["usual"]["mean_loss"]
    assert found["dear"]["equal_cost_difference"] == pytest.approx(0.0, abs=1e-9)
    assert found["frugal"]["equal_cost_difference"] == pytest.approx(-0.3)
    assert [found[name]["verdict"] for name in ("dear", "frugal", "usual")] == ["unclear", "strength", "weakness"]
    assert [found[name]["place"] for name in ("frugal", "dear", "usual")] == [1, 2, 3]


def test_equal_cost_against_least_squares():
    drawn = np.random.default_rng(6)
    rows = [
        {
            "model": str(drawn.choice(["a", "b", "c"])),
            "cost_usd": float(drawn.lognormal(-3, 1)),
            "loss": float(drawn.random()),
        }
        for _ in range(150)
    ]
    told = runs(*[(1, {"model": r["model"], "cost_usd": r["cost_usd"], "grounding_rate": 1 - r["loss"]}) for r in rows])
    data = pl.DataFrame(rows).with_columns(
        band=(pl.col("cost_usd") * 1e6).round().log(2).floor(), is_a=pl.col("model") == "a"
    )
    shared = data.filter(pl.col("is_a").n_unique().over("band") == 2)
    design = np.column_stack(
        [shared["is_a"].to_numpy(), *(shared["band"].to_numpy() == band for band in shared["band"].unique())]
    )
    effect, se, df, _ = larger_of_both(design.astype(float), shared["loss"].to_numpy())
    row = one(models_of(told), model="a")
    assert row["equal_cost_difference"] == pytest.approx(effect, abs=1e-6)
    expected = scipy_stats.t.interval(0.95, df, effect, se)
    assert (row["equal_cost_ci_low"], row["equal_cost_ci_high"]) == pytest.approx(expected, abs=1e-6)
    assert row["equal_cost_p_value"] == pytest.approx(2 * scipy_stats.t.sf(abs(effect) / se, df), abs=1e-5)


@pytest.mark.parametrize(
    ("cost", "costed", "compared"),
    [(None, 0, 0), (0.0, 0, 0), (5.0, 12, 0), (0.1, 12, 12)],
    ids=["no cost", "a cost of 0", "nobody as dear", "equal cost"],
)
def test_without_a_cost_that_others_have_too_there_is_no_comparison(cost, costed, compared):
    told = runs(*priced("one", cost, around(0.2)), *priced("other", 0.1, around(0.6)))
    row = one(models_of(told), model="one")
    assert (row["costed"], row["compared"], row["n"]) == (costed, compared, 12)
    defined = row["equal_cost_difference"] is not None
    assert defined is bool(compared)
    assert (row["place"] is not None, row["verdict"] == "strength") == (defined, defined)


def failures_of(found, **groups):
    return tables.check(SkillFailures, skill_failures(found, as_of=AS_OF, **groups).collect())


@pytest.mark.parametrize(
    ("failed", "total", "failed_before", "before", "trend"),
    [
        (20, 40, 5, 40, "rising"),
        (5, 40, 20, 40, "falling"),
        (0, 40, 20, 40, "falling"),
        (12, 40, 10, 40, "unclear"),
        (9, 9, 0, 40, "unclear"),  # too few runs
        (20, 40, 0, 0, "unclear"),  # no past
    ],
)
def test_failure_modes_with_their_share_and_trend(failed, total, failed_before, before, trend):
    told = runs(
        (failed, {"failure_modes": ["timeout", "timeout"]}), (total - failed, {}),
        (failed_before, {"failure_modes": ["timeout"], "at": PAST}), (before - failed_before, {"at": PAST}),
    )  # fmt: skip
    row = one(failures_of(told), failure_mode="timeout")
    assert (row["failed"], row["runs"], row["failed_before"], row["runs_before"]) == (
        failed,
        total,
        failed_before,
        before,
    )
    expected = proportion_confint(failed, total, method="wilson")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(expected, abs=1e-12)
    assert (row["trend"], row["change"] is None) == (trend, not before)


def test_of_two_records_of_a_run_the_later_counts_and_none_told_is_no_row():
    told = runs((1, {"run_id": "same", "failure_modes": ["early"]}), (1, {"run_id": "same", "failure_modes": ["late"]}))
    assert failures_of(told)["failure_mode"].to_list() == ["late"]
    assert failures_of(runs((3, {}))).is_empty()


def test_units_of_which_no_run_has_a_loss_are_counted_by_doer_and_by_model():
    told = runs(
        (1, {"doer": "planner", "model": "a", "unit_id": "u1", "grounding_rate": 0.5}),
        (2, {"doer": "planner", "model": "a", "unit_id": "u1"}),
        (1, {"doer": "planner", "model": "a", "unit_id": "u2"}),
        (1, {"doer": "planner", "model": "b", "unit_id": "u2", "grounding_rate": 0.5}),
        (3, {"doer": "planner", "model": "b", "unit_id": "u3"}),
        (1, {"doer": "planner", "model": "b"}),
    )
    losses = crl(told, as_of=AS_OF)
    models = skill_models(told, losses, as_of=AS_OF).collect()
    assert dict(models.select("model", "units_without_loss").iter_rows()) == {"a": 1, "b": 1}
    card = one(cards_of(told), doer="planner")
    assert (card["runs"], card["n"], card["units_without_loss"]) == (9, 2, 1)


def cards_of(found, policies=(), experiments=(), progress=(), as_of=AS_OF, **groups):
    losses = crl(found, as_of=as_of)
    daily = crl_daily(losses, as_of=as_of)
    made = skill_cards(
        losses,
        daily,
        crl_trends(daily, as_of=as_of),
        skill_terms(crl_terms_daily(losses, as_of=as_of), as_of=as_of),
        skill_models(found, losses, as_of=as_of),
        skill_failures(found, as_of=as_of),
        frame(LearningProgress, progress),
        frame(Policies, policies),
        frame(Experiments, experiments),
        as_of=as_of,
        **groups,
    )
    return tables.check(SkillCards, made.collect())


@pytest.mark.parametrize(("field", "worse", "better", "term"), [
    ("grounding_rate", 0.3, 0.9, "grounding"),
    ("rag_coverage_rate", 0.1, 0.9, "rag"),
])  # fmt: skip
def test_a_weakness_asks_for_the_experiment_that_lowers_its_term(field, worse, better, term):
    told = runs(
        *spread("planner", worse, 60, width=0.1, field=field), *spread("other", better, 60, width=0.1, field=field)
    )
    cards = cards_of(told)
    weak, strong = one(cards, doer="planner"), one(cards, doer="other")
    assert (weak["weaknesses"], weak["strengths"]) == ([term], [])
    assert (strong["weaknesses"], strong["strengths"]) == ([], [term])
    assert (weak["next_experiment"], weak["next_term"], weak["next_because"]) == (
        EXPERIMENT_FOR[term],
        term,
        "weakness",
    )
    assert (strong["next_experiment"], strong["next_term"], strong["next_because"]) == (None, None, None)
    assert term not in weak["not_observed"]
    assert len(weak["not_observed"]) == 8


def test_a_doer_that_degrades_gets_a_proposal_for_what_grew():
    days = [row for at in range(60) for row in spread("planner", 0.94 if at < 54 else 0.7, 6, at=at, width=0.05)]
    told = runs(*days)
    card = one(cards_of(told), doer="planner")
    assert card["direction"] == "degrading"
    assert (card["next_because"], card["next_term"], card["next_experiment"]) == (
        "degrading",
        "grounding",
        "rag_optimization",
    )


def test_a_doer_that_fell_silent_keeps_the_card_of_the_days_up_to_its_last_run():
    lines = [*spread("planner", 0.5, 20, at=3), *spread("planner", 0.9, 20, at=-40), *spread("writer", 0.1, 20, at=399)]
    cards = cards_of(runs(*lines), as_of=day(400))
    card = one(cards, doer="planner")
    assert (card["runs"], card["n"], card["mean_loss"], card["runs_before"]) == (20, 20, 0.5, 20)
    assert (card["last_run_date"], card["last_day"]) == (day(3).date(), day(3).date())
    assert card["first_day"] == day(3 - 29).date()
    assert one(cards, doer="writer")["last_day"] == day(399).date()


def test_the_others_of_a_doer_that_rests_are_those_of_its_own_days():
    # The writer ran in the days of the planner's card and runs still; what it does today is no measure of those days.
    then, now = spread("writer", 0.5, 200, at=2), spread("writer", 0.1, 200, at=399)
    term = one(
        terms_of(runs(*spread("planner", 0.9, 200, at=3), *then, *now), as_of=day(400)),
        doer="planner",
        term="grounding",
    )
    assert (term["n_fleet"], term["fleet_mean_term"], term["verdict"]) == (200, 0.5, "strength")


def version(policy_version, status, since, phase=None, policy_id="planner"):
    return {
        "policy_id": policy_id,
        "policy_version": policy_version,
        "doer": "planner",
        "phase": phase,
        "status": status,
        "status_since": day(since),
    }


def ran_under(policy_version, at, number, age=0):
    return {
        "doer": "planner",
        "policy_id": "planner",
        "policy_version": policy_version,
        "version_number": number,
        "event_date": day(at).date(),
        "age_days": age,
    }


@pytest.mark.parametrize(
    ("policies", "progress", "expected"),
    [
        ([], [], (None, None, None, None, 0)),
        ([], [ran_under("1.0.0", 40, 1), ran_under("1.1.0", 50, 2, age=3)], ("1.1.0", "runs", 47, 12, 0)),
        ([version("2.0.0", "draft", 50)], [ran_under("1.0.0", 40, 1)], ("1.0.0", "runs", 40, 19, 0)),
        ([version("2.0.0", "active", 52.5)], [ran_under("1.0.0", 40, 1)], ("2.0.0", "policies", 52, 7, 1)),
        (
            [version("3.0.0", "active", 40, "draft", "planner.draft"), version("2.0.0", "active", 50)],
            [],
            ("2.0.0", "policies", 50, 9, 2),
        ),
    ],
)
def test_the_current_policy_and_its_age(policies, progress, expected):
    card = one(cards_of(runs((3, {"grounding_rate": 0.5})), policies, progress=progress), doer="planner")
    since = None if expected[2] is None else day(expected[2]).date()
    found = tuple(
        card[name] for name in ("policy_version", "policy_from", "policy_since", "policy_age_days", "active_policies")
    )
    assert found == (*expected[:2], since, *expected[3:])


def test_the_latest_experiments_come_first_and_no_more_than_asked_for():
    experiments = [
        {"experiment_id": f"e{number}", "experiment_type": "tool_tuning", "doer": "planner", "status": "running",
         "started_at": day(number) if number != 2 else None, "ended_at": day(50) if number == 2 else None}
        for number in range(5)
    ]  # fmt: skip
    card = one(cards_of(runs((3, {"grounding_rate": 0.5})), experiments=experiments, skills=Skills(experiments=3)))
    assert card["experiments"] == ["e2", "e4", "e3"]
