import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import false_discovery_control
from statsmodels.stats.meta_analysis import combine_effects

from jobs.drawn import day, frame, through
from kaizenlake import tables
from kaizenlake.jobs.content.content_features import read_texts
from kaizenlake.jobs.patterns.experiments import log_rate_ratio
from kaizenlake.jobs.patterns.observation import MIN_SIDE
from kaizenlake.jobs.patterns.pattern_sums import pattern_sums
from kaizenlake.jobs.patterns.pattern_types import ATTRIBUTES
from kaizenlake.jobs.patterns.patterns import patterns
from kaizenlake.parameters import EvidenceNeeds
from kaizenlake.publish.context.judgement import best_evidence
from kaizenlake.tables import Contents

AS_OF = day(365)
UPWORTHY = Path(__file__).parents[4] / "shared" / "data" / "upworthy_headline_tests.csv"


def contents(rows, **columns):
    """Contents with the rates that follow from their counts."""
    common = {"project_id": "p", "platform": "x", "occurred_at": day(1)} | columns
    numbered = [{"content_id": f"c{number}"} | common | row for number, row in enumerate(rows)]
    drawn = frame(Contents, numbered)
    return drawn.with_columns(
        click_rate=pl.when(pl.col("impressions") > 0).then(pl.col("clicks") / pl.col("impressions")),
        engagement_rate=pl.coalesce(
            "engagement_rate", pl.when(pl.col("trials") > 0).then(pl.col("engagements") / pl.col("trials"))
        ),
    )


def arms(experiment, *cells, **columns):
    """Arms of one experiment from (hook, clicks, impressions)."""
    return [
        {"experiment_id": experiment, "content_id": f"{experiment}.{i}", "hook_type": h, "clicks": c, "impressions": n}
        | columns
        for i, (h, c, n) in enumerate(cells)
    ]


def run(rows, **settings):
    drawn = rows if isinstance(rows, pl.LazyFrame) else contents(rows)
    evidence = EvidenceNeeds(**settings)
    given = {Contents: drawn}
    return through(pattern_sums, patterns, given=given, as_of=AS_OF, engine="streaming", evidence=evidence)


def row(made, pattern, evidence="experiment", pattern_type="hook_type"):
    (found,) = made.filter(evidence=evidence, pattern_type=pattern_type, pattern=pattern).rows(named=True)
    return found


FIVE = [
    *arms("e1", ("question", 120, 1000), ("list", 100, 1000)),
    *arms("e2", ("question", 65, 1010), ("list", 40, 1000), ("list", 50, 990)),
    *arms("e3", ("question", 30, 500), ("question", 44, 500), ("quote", 20, 500)),
    *arms("e4", ("question", 9, 200), ("list", 9, 200)),
    *arms("e5", ("question", 80, 900), ("quote", 50, 900)),
]


class TestExperiment:
    def test_the_contrasts_are_pooled_by_dersimonian_and_laird(self):
        found = row(run(FIVE), "question")

        with_it = np.array([[120, 1000], [65, 1010], [74, 1000], [9, 200], [80, 900]], dtype=float)
        without = np.array([[100, 1000], [90, 1990], [20, 500], [9, 200], [50, 900]], dtype=float)
        effects = np.log((with_it[:, 0] + 0.5) / (with_it[:, 1] + 0.5) * (without[:, 1] + 0.5) / (without[:, 0] + 0.5))
        rate = (with_it[:, 0] + without[:, 0]) / (with_it[:, 1] + without[:, 1])
        variances = (1 / rate - 1) * (1 / with_it[:, 1] + 1 / without[:, 1])
        reference = combine_effects(effects, variances, method_re="chi2", use_t=True)
        assert found["lift"] == pytest.approx(np.expm1(reference.mean_effect_re))
        assert found["heterogeneity_rate"] == pytest.approx(max(reference.i2, 0))
        without_at_its_own = (with_it[:, 1] * without[:, 0] / without[:, 1]).sum() / with_it[:, 1].sum()
        assert found["rate_with"] == pytest.approx(with_it[:, 0].sum() / with_it[:, 1].sum())
        assert found["rate_without"] == pytest.approx(without_at_its_own)
        assert found["effect"] == pytest.approx(found["lift"] * without_at_its_own)
        assert (found["contents"], found["experiments"], found["metric"]) == (6, 5, "click_rate")

    def test_an_arm_of_unknown_pattern_takes_no_part(self):
        unknown = arms("e1", (None, 900, 1000))

        assert row(run([*FIVE, unknown[0] | {"content_id": "other"}], sample_ratio_p=0), "question") == row(
            run(FIVE, sample_ratio_p=0), "question"
        )

    def test_an_experiment_without_both_sides_contrasts_nothing(self):
        made = run([*arms("e1", ("question", 10, 100), ("question", 20, 100)), *arms("e2", ("list", 5, 100))])

        assert made.filter(evidence="experiment").is_empty()

    def test_a_failed_sample_ratio_leaves_the_experiment_out_and_counts_it(self):
        skewed = arms("e6", ("question", 500, 1000), ("list", 10, 1300))
        made = run(FIVE + skewed)

        assert row(made, "question") == row(run(FIVE), "question") | {"left_out": 1}
        assert row(run(FIVE + skewed, sample_ratio_p=0), "question")["experiments"] == 6

    def test_where_all_are_left_out_nothing_is_said(self):
        found = row(run(arms("e6", ("question", 500, 1000), ("list", 10, 1300))), "question")

        assert (found["contents"], found["experiments"], found["left_out"], found["verdict"]) == (0, 0, 1, "unclear")
        assert (found["lift"], found["p_value"], found["rate_with"]) == (None, None, None)

    @pytest.mark.parametrize(
        "cells",
        [
            [("question", 0, 100), ("list", 0, 100)],
            [("question", 0, 0), ("list", 5, 100)],
            [("question", None, 100), ("list", 5, 100)],
            [("question", 5, None), ("list", 5, 100)],
        ],
        ids=["no click at all", "nothing shown", "clicks unknown", "impressions unknown"],
    )
    def test_what_cannot_be_compared_adds_no_study(self, cells):
        found = run(FIVE + arms("e6", *cells), sample_ratio_p=0)

        assert row(found, "question")["experiments"] == 5
        assert row(found, "question")["lift"] == row(run(FIVE, sample_ratio_p=0), "question")["lift"]

    def test_one_side_without_a_click_is_compared(self):
        found = row(run(arms("e1", ("question", 0, 100), ("list", 8, 100))), "question")

        assert found["experiments"] == 1
        assert -1 < found["lift"] < 0

    def test_more_clicks_than_impressions_count_as_a_click_each(self):
        assert row(run(arms("e1", ("question", 500, 100), ("list", 50, 100))), "question")["rate_with"] == 1.0

    def test_without_clicks_the_engagement_is_compared(self):
        rows = [
            {"experiment_id": "e", "hook_type": hook, "engagements": n, "trials": 100}
            for hook, n in (("question", 20), ("list", 10))
        ]
        found = row(run(rows), "question")

        assert (found["metric"], found["rate_with"], found["rate_without"]) == ("engagement_rate", 0.2, 0.1)

    def test_contents_of_one_variant_are_one_arm_and_must_agree_on_the_pattern(self):
        drawn = [
            *arms("e1", ("question", 10, 100), ("question", 20, 100), variant_id="a"),
            *(item | {"content_id": "b"} for item in arms("e1", ("list", 10, 200), variant_id="b")),
        ]
        mixed = [item | {"hook_type": "list"} if item["content_id"] == "e1.0" else item for item in drawn]
        found = row(run(drawn), "question")

        assert (found["contents"], found["left_out"]) == (2, 0)
        assert found["rate_with"] == pytest.approx(0.15)
        assert run(mixed).filter(evidence="experiment").is_empty()

    @pytest.mark.parametrize("apart", ["project_id", "platform"])
    def test_arms_of_two_projects_or_platforms_are_two_experiments(self, apart):
        (first,) = arms("e1", ("question", 10, 100))
        (second,) = arms("e1", ("list", 10, 100))

        made = run([first, second | {apart: "other", "content_id": "second"}])
        assert made.filter(evidence="experiment").is_empty()

    def test_two_experiments_prove_nothing(self):
        strong = [item for n in range(2) for item in arms(f"e{n}", ("question", 900, 5000), ("list", 300, 5000))]

        assert row(run(strong, contents=1), "question")["verdict"] == "unclear"

    def test_a_text_feature_is_compared_with_the_texts_that_lack_it(self):
        rows = [
            {"experiment_id": "e", "negation": has, "clicks": n, "impressions": 100}
            for has, n in ((True, 20), (False, 10), (None, 90))
        ]
        made = run(rows).filter(evidence="experiment")

        assert made.select("pattern_type", "pattern", "rate_with", "rate_without").rows() == [
            ("negation", "yes", 0.2, 0.1)
        ]


class TestObservation:
    @staticmethod
    def group(hook, rates, **columns):
        return [{"hook_type": hook, "engagement_rate": value} | columns for value in rates]

    def test_mean_rates_of_contents_are_compared(self):
        rng = np.random.default_rng(1)
        own, other = rng.gamma(2, 0.05, 40).clip(0, 1).round(6), rng.gamma(2, 0.03, 60).clip(0, 1).round(6)
        found = row(run(self.group("question", own) + self.group("list", other)), "question", "observation")

        squares = [np.var(x, ddof=1) / np.mean(x) ** 2 / len(x) for x in (own, other)]
        log_ratio = np.log(own.mean() / other.mean()) + (squares[0] - squares[1]) / 2
        se = np.sqrt(squares[0] * 39 / 37 + squares[1] * 59 / 57)
        assert found["rate_with"] == pytest.approx(own.mean())
        assert found["rate_without"] == pytest.approx(other.mean())
        assert found["lift"] == pytest.approx(np.expm1(log_ratio), rel=0.02)
        assert found["lift_ci_low"] == pytest.approx(np.expm1(log_ratio - 1.96 * se), abs=0.03)
        assert (found["contents"], found["experiments"], found["metric"]) == (40, 1, "engagement_rate")

    def test_contents_are_compared_within_their_project_and_platform_only(self):
        steady = np.linspace(0.9, 1.1, 20)
        good, bad = 0.5 * steady, 0.05 * steady
        rows = (
            self.group("question", good, project_id="good")
            + self.group("list", good[:MIN_SIDE], project_id="good")
            + self.group("question", bad[:MIN_SIDE], project_id="bad")
            + self.group("list", bad, project_id="bad")
        )
        found = row(run(rows), "question", "observation")

        assert found["experiments"] == 2
        assert abs(found["lift"]) < 0.1  # pooled without strata it would be 2.8

    def test_platforms_are_compared_within_a_project(self):
        steady = np.linspace(0.09, 0.11, 20)
        rows = self.group("a", steady, platform="x") + self.group("a", 2 * steady, platform="y")
        made = run(rows)

        found = row(made, "y", "observation", "platform")
        assert (found["experiments"], found["verdict"]) == (1, "works")
        assert found["lift"] == pytest.approx(1.0, abs=0.01)
        assert row(made, "x", "observation", "platform")["verdict"] == "risky"

    def test_a_channel_that_holds_no_posts_is_no_platform_that_fares_better(self):
        steady = np.linspace(0.09, 0.11, 20)
        rows = self.group("a", steady, platform="instagram") + self.group("a", 9 * steady, platform="email")
        found = run(rows).filter(pattern_type="platform")
        assert found.select("pattern", "verdict", "lift").rows() == [("instagram", "unclear", None)]

    @pytest.mark.parametrize(
        ("own", "other"),
        [
            ([0.1] * 10, []),
            ([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.1, 0.2, 0.3]),
            ([0.0] * 10, [0.1, 0.2, 0.3, 0.1, 0.2]),
            ([0.1] * 10, [0.2] * 10),
        ],
        ids=["no others", "too few", "nothing reached", "nobody differs"],
    )
    def test_what_cannot_be_compared_is_listed_without_a_lift(self, own, other):
        found = row(run(self.group("question", own) + self.group("list", other)), "question", "observation")

        assert (found["contents"], found["experiments"]) == (len(own), 0)
        assert (found["lift"], found["ci_low"], found["p_value"], found["verdict"]) == (None, None, None, "unclear")

    def test_contents_without_a_rate_or_without_the_attribute_take_no_part(self):
        rates = [0.1, 0.2, 0.3, 0.4, 0.5]
        base = self.group("question", rates) + self.group("list", rates)
        more = base + self.group("question", [None] * 3) + self.group(None, [0.9] * 3)

        assert row(run(more), "question", "observation") == row(run(base), "question", "observation")

    def test_a_type_is_read_by_the_metric_that_more_contents_have(self):
        rates = [0.1, 0.2, 0.3, 0.4, 0.5]
        both = [item | {"clicks": 3, "impressions": 10} for item in self.group("question", rates)]
        clicks = [{"hook_type": "list", "clicks": n, "impressions": 10} for n in range(1, 6)]

        assert row(run(both), "question", "observation")["metric"] == "engagement_rate"
        assert row(run(both + clicks), "question", "observation")["metric"] == "click_rate"

    def test_few_contents_prove_nothing(self):
        steady = np.linspace(0.99, 1.01, 9)
        made = run(self.group("question", 0.2 * steady) + self.group("list", 0.1 * steady))

        assert row(made, "question", "observation")["q_value"] < 1e-6
        assert row(made, "question", "observation")["verdict"] == "unclear"


def test_nothing_makes_no_rows():
    assert run([]).is_empty()


def test_the_order_of_the_rows_changes_no_bit():
    drawn = simulated(np.random.default_rng(5), experiments=60)
    shuffled = drawn.collect().sample(fraction=1.0, shuffle=True, seed=3).lazy()

    assert run(shuffled).equals(run(drawn))


def test_q_and_shrinkage_take_a_type_together_and_all_text_features():
    made = run(simulated(np.random.default_rng(8), experiments=120)).filter(evidence="experiment")

    text = made.filter(~pl.col("pattern_type").is_in(ATTRIBUTES))
    assert text["pattern_type"].n_unique() == 3
    for part in (text, made.filter(pattern_type="hook_type")):
        expected = false_discovery_control(part["p_value"].to_numpy())
        assert part["q_value"].to_list() == pytest.approx(expected.tolist())
        assert part["shrunk_lift"].max() <= part["lift"].max()
        assert part["shrunk_lift"].min() >= part["lift"].min()


def test_experiments_outrank_observation_where_three_or_more_count():
    drawn = pl.LazyFrame(
        {
            "tenant_id": pl.Series([None] * 8, dtype=pl.String),
            "evidence": ["experiment", "observation"] * 3 + ["observation", "experiment"],
            "pattern_type": ["tone"] * 8,
            "pattern": ["a", "a", "b", "b", "d", "d", "c", "e"],
            "experiments": [3, 9, 2, 9, 5, 9, 1, 1],
            "q_value": [0.9, 0.01, 0.01, 0.9, None, 0.9, None, 0.5],
        }
    )

    assert best_evidence(drawn).select("pattern", "evidence").sort("pattern").collect().rows() == [
        ("a", "experiment"),
        ("b", "observation"),
        ("c", "observation"),
        ("d", "observation"),
        ("e", "experiment"),
    ]


def simulated(rng, *, experiments, lift=0.0, weeks=None, arms_each=4, impressions=2500):
    """Headline tests: each headline has a rate of its own about its experiment's; questions have `lift`.

    With `weeks`, questions are asked in good weeks more often than in bad ones.
    """
    n = experiments * arms_each
    experiment = np.repeat(np.arange(experiments), arms_each)
    good = rng.random(experiments) < 0.5
    base = np.exp(rng.normal(np.log(0.012), 0.4, experiments)) * (np.where(good, 2.0, 1.0) if weeks else 1.0)
    share = np.where(good, 0.6, 0.2) if weeks else np.full(experiments, 0.3)
    is_question = rng.random(n) < share[experiment]
    rate = base[experiment] * np.exp(rng.normal(0, 0.2, n)) * np.where(is_question, 1 + lift, 1)
    shown = rng.binomial(2 * impressions, 0.5, n)
    clicks = rng.binomial(shown, rate.clip(0, 1))
    return pl.LazyFrame(
        {
            "project_id": "p",
            "content_id": np.arange(n).astype(str).tolist(),
            "platform": "x",
            "experiment_id": experiment.astype(str).tolist(),
            "impressions": shown,
            "clicks": clicks,
            "click_rate": clicks / shown,
            "hook_type": np.where(is_question, "question", rng.choice(["list", "quote"], n)).tolist(),
            "tone": rng.choice(["a", "b", "c"], n).tolist(),
            "number": rng.random(n) < 0.3,
            "negation": rng.random(n) < 0.1,
            "urgency": rng.random(n) < 0.5,
        }
    ).select(
        pl.col(name).cast(dtype) if name in SIMULATED else pl.lit(value).cast(dtype).alias(name)
        for name, dtype in tables.schema(Contents).items()
        for value in (day(1) if name == "occurred_at" else None,)
    )


SIMULATED = {
    "project_id",
    "content_id",
    "platform",
    "experiment_id",
    "impressions",
    "clicks",
    "click_rate",
    "hook_type",
    "tone",
    "number",
    "negation",
    "urgency",
}


def test_patterns_without_an_effect_are_seldom_called_to_have_one():
    called, p_values = [], []
    for seed in range(25):
        made = run(simulated(np.random.default_rng(seed), experiments=100))
        called += (made["verdict"] != "unclear").to_list()
        p_values += made.filter(evidence="experiment")["p_value"].to_list()

    assert len(called) > 225
    assert np.mean(called) <= 0.05
    assert 0.02 <= np.mean(np.array(p_values) <= 0.05) <= 0.08


def test_an_effect_is_found_with_its_size():
    found = [
        row(run(simulated(np.random.default_rng(seed), experiments=300, lift=0.15)), "question") for seed in range(20)
    ]

    assert np.mean([item["verdict"] == "works" for item in found]) >= 0.95
    assert np.mean([item["lift"] for item in found]) == pytest.approx(0.15, abs=0.02)
    assert np.mean([item["lift_ci_low"] <= 0.15 <= item["lift_ci_high"] for item in found]) >= 0.8


def test_a_pattern_used_in_good_weeks_is_not_called_good_by_experiments():
    drawn = simulated(np.random.default_rng(2), experiments=400, lift=-0.10, weeks=True)
    pooled = drawn.group_by(pl.col("hook_type") == "question").agg(pl.col("clicks", "impressions").sum()).collect()
    naive = dict(pooled.select("hook_type", pl.col("clicks") / pl.col("impressions")).rows())
    made = run(drawn)

    assert naive[True] / naive[False] - 1 > 0.1
    assert made.filter(evidence="observation", pattern_type="hook_type").is_empty()
    assert row(made, "question")["verdict"] == "risky"
    assert row(made, "question")["lift_ci_low"] <= -0.10 <= row(made, "question")["lift_ci_high"]
    (best,) = best_evidence(made.lazy()).filter(pattern="question").collect().rows(named=True)
    assert best["verdict"] == "risky"


def test_the_log_rate_ratio_of_small_unequal_arms_is_unbiased_under_pooling():
    rng = np.random.default_rng(4)
    size = np.full(200_000, 1000.0), np.full(200_000, 3000.0)
    events = [rng.binomial(n.astype(int), 0.015).astype(float) for n in size]
    effect, variance = log_rate_ratio(events[0], size[0], events[1], size[1])

    assert abs(np.average(effect, weights=1 / variance)) < 0.003
    # Each side's own events make ten times that.
    own = np.where(events[0] > 0, 1 / np.maximum(events[0], 1) + 1 / events[1], np.nan)
    plain = np.log(np.maximum(events[0], 0.5) / size[0] * size[1] / events[1])
    assert abs(np.ma.average(np.ma.masked_invalid(plain), weights=np.ma.masked_invalid(1 / own))) > 0.015


@pytest.mark.skipif(not UPWORTHY.exists(), reason="needs ../shared/data/upworthy_headline_tests.csv")
def test_questions_cost_clicks_in_the_upworthy_headline_tests():
    tests = pl.read_csv(UPWORTHY).with_row_index("number")
    features = read_texts(tests.lazy().select(text="headline")).collect()
    described = tests.join(features, left_on="headline", right_on="text", how="left").with_columns(
        content_id=pl.col("number").cast(pl.String),
        project_id=pl.lit("upworthy"),
        platform=pl.lit("site"),
        experiment_id="clickability_test_id",
        hook_type="text_hook",
        click_rate=pl.col("clicks") / pl.col("impressions"),
        occurred_at=pl.lit(day(1)),
    )
    drawn = described.select(
        pl.col(name).cast(dtype) if name in described.columns else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in tables.schema(Contents).items()
    )
    made = run(drawn.lazy())
    question = row(made, "yes", pattern_type="question")

    assert question["verdict"] == "risky"
    assert question["lift_ci_high"] < -0.05
    assert question["experiments"] > 300
    assert json.dumps(made.rows(named=True), allow_nan=False)
