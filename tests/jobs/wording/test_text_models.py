"""Text models of drawn experiments: what is there is found, what is not there is no model."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.jobs.wording._arms import read_wordings, wordings
from kaizenlake.jobs.wording.learned_value import learned_value
from kaizenlake.jobs.wording.text_effects import text_effects
from kaizenlake.parameters import TextModels
from kaizenlake.tables import ContentExperiments, LearnedValue, TextEffects

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
FILLERS = [
    "bread",
    "butter",
    "river",
    "window",
    "lamp",
    "paper",
    "garden",
    "stone",
    "cloud",
    "table",
    "market",
    "bridge",
]


def experiments(number=90, effect=0.35, project="p", seed=3):
    """Experiments of four wordings each; a question mark brings a share more clicks."""
    rng = np.random.default_rng(seed)
    rows = []
    for test in range(number):
        level = rng.normal(-3.5, 0.3)
        for arm in range(4):
            asks = rng.random() < 0.5
            text = " ".join(rng.choice(FILLERS, 5)) + ("?" if asks else ".")
            shown = 3000
            rows.append(
                {
                    "project_id": project,
                    "experiment_id": f"e{test}",
                    "platform": "web",
                    "metric": "click_rate",
                    "text": text,
                    "shown": shown,
                    "clicks": int(rng.poisson(shown * np.exp(level + effect * asks))),
                    "verdict": "unclear",
                    "measured_at": AS_OF - timedelta(days=7 * (number - test) // 3),
                    "arm": f"a{arm}",
                    "content_id": f"c{test}-{arm}",
                }
            )
    empty = tables.empty(ContentExperiments).collect()
    return pl.concat(
        [empty, pl.DataFrame(rows, schema_overrides={"measured_at": pl.Datetime("us", "UTC")})], how="diagonal_relaxed"
    )


def run(arms, **settings):
    value = learned_value(arms.lazy(), as_of=AS_OF, **settings).collect()
    effects = text_effects(arms.lazy(), value.lazy(), as_of=AS_OF).collect()
    tables.check(LearnedValue, value)
    tables.check(TextEffects, effects)
    return value, effects


@pytest.fixture(scope="module")
def learned():
    return run(experiments())


def test_what_brings_clicks_is_found_and_beats_chance_on_later_experiments(learned):
    value, effects = learned
    assert value.sort("model").select("model", "status").rows() == [("", "usable"), ("p", "usable")]
    row = value.row(0, named=True)
    assert row["pair_accuracy"] > 0.6
    assert row["click_gain"] > 0.05
    assert row["slope"] == pytest.approx(1.0, abs=0.35)
    asks = effects.filter(pl.col("model") == "p", pl.col("term").is_in(["question mark", "question first"]))
    assert asks["effect"].sum() > 0.15
    assert (asks["ci_low"] > 0.0).all()
    assert asks["examples"].list.len().to_list() == [2, 2]
    assert effects.filter(pl.col("kind") == "word")["examples"].list.first().is_not_null().all()


def test_chance_is_no_model_and_tells_no_effects():
    value, effects = run(experiments(effect=0.0))
    assert set(value["status"]) == {"no_model"}
    assert effects.is_empty()
    assert value["spread"].is_null().all()


def test_few_experiments_are_too_few_and_cost_nothing_more():
    value, effects = run(experiments(number=8))
    assert set(value["status"]) == {"too_few"}
    assert value["pair_accuracy"].is_null().all()
    assert effects.is_empty()


def test_each_project_has_a_model_of_its_own_beside_that_of_its_tenant():
    both = pl.concat([experiments(number=10), experiments(number=10, project="q", seed=4)])
    value, _ = run(both, text_models=TextModels(experiments=15))
    assert dict(value.select("model", "status").rows())["p"] == "too_few"
    assert dict(value.select("model", "experiments").rows()) == {"": 20, "p": 10, "q": 10}


def test_wordings_without_text_or_views_and_of_invalid_experiments_take_no_part():
    arms = experiments(number=4)
    spoilt = arms.with_columns(
        text=pl.when(pl.int_range(pl.len()) == 0).then(None).otherwise("text"),
        shown=pl.when(pl.int_range(pl.len()) == 1).then(0).otherwise("shown"),
        verdict=pl.when(pl.col("experiment_id") == "e3").then(pl.lit("invalid")).otherwise("verdict"),
    )
    assert wordings(spoilt).height == 10
    alike = wordings(arms.with_columns(text=pl.lit("same")))
    assert alike["shown"].to_list() == [12000] * 4


def test_a_wording_of_several_experiments_stays_in_one_block():
    arms = experiments(number=20).with_columns(
        text=pl.when(pl.col("arm") == "a0", pl.col("experiment_id").is_in(["e0", "e19"]))
        .then(pl.lit("Twice the same"))
        .otherwise("text")
    )
    read = read_wordings(wordings(arms))
    at = [place for place, text in enumerate(read.texts) if text == "Twice the same"]
    assert len(set(read.blocks()[at])) == 1
    assert read.blocks()[at[0]] == read.blocks().max()


def test_experiments_of_one_export_are_judged_by_one_another():
    once = experiments(number=60).with_columns(measured_at=pl.lit(AS_OF).cast(pl.Datetime("us", "UTC")))
    value, _ = run(once)
    assert set(value["status"]) == {"usable"}
    assert value["judged_experiments"].to_list() == [50, 50]
