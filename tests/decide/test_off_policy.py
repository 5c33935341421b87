"""What a candidate would have lost on logged runs, held against simulations whose truth is known."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from decide.drawn_runs import LOGGED_TRUTH, MODELS, NOW, RULES, TRUTH, frame, lake_of, logged, policy
from kaizenlake import tables
from kaizenlake.decide.replays.off_policy import evaluate, replay_off_policy
from kaizenlake.decide.replays.router_rules import rules_of
from kaizenlake.errors import UsageError
from kaizenlake.parameters import Replays
from kaizenlake.stats.replay.offpolicy import ESTIMATORS, Refusal, Replay
from kaizenlake.tables import Events

AT = {name: place for place, name in enumerate(ESTIMATORS)}
UNBIASED = ("ips", "snips", "dr", "sndr", "switch_dr")
QUICK = Replays(resamples=200, seeds=(1,))


def answer(runs, rules=RULES, settings=QUICK):
    read = rules_of({"router_rules": rules}, "here")
    return evaluate(runs, read.choices(runs, tuple(sorted(read.actions | set(MODELS)))), settings, confidence=0.95)


def test_intervals_of_loss_and_effect_cover_the_truth():
    rng = np.random.default_rng(1)
    found = [answer(frame(rng, 800, per_unit=2)) for _ in range(160)]
    answered = [item for item in found if isinstance(item, Replay)]
    assert len(answered) >= 158, "the mean weight strays by four standard errors hardly ever"
    for name in UNBIASED:
        at = AT[name]
        loss = np.mean([item.ci_low[at] <= TRUTH <= item.ci_high[at] for item in answered])
        effect = TRUTH - LOGGED_TRUTH
        covered = np.mean([item.effect_ci_low[at] <= effect <= item.effect_ci_high[at] for item in answered])
        # .95 less four standard errors of 160 replays and a little for the percentile bootstrap
        assert loss > 0.87, name
        assert covered > 0.87, name
        error = np.mean([item.estimates[at] for item in answered]) - TRUTH
        assert abs(error) < 0.005, name


def test_the_candidate_that_chooses_as_the_log_does_has_no_effect():
    runs = frame(np.random.default_rng(2), 600)
    same = {
        "rules": [{"when": {"segment": "de"}, "choose": {"large": 0.6, "medium": 0.3, "small": 0.1}}],
        "default": {"large": 0.2, "medium": 0.5, "small": 0.3},
    }
    found = answer(runs, same)
    assert isinstance(found, Replay)
    np.testing.assert_allclose(found.effects[[AT[name] for name in ("ips", "clipped_ips", "snips")]], 0.0, atol=1e-12)
    assert np.abs(found.effects).max() < 0.03
    assert abs(found.effect_ci_high[AT["ips"]]) < 1e-12


def only(model):
    return {"default": {model: 1.0}}


@pytest.mark.parametrize(
    ("spoil", "rules", "reason"),
    [
        (lambda runs: runs.head(60), RULES, "effective units"),
        (lambda runs: runs.with_columns(unit=pl.lit("u")), RULES, "1.0 effective units"),
        (lambda runs: runs, only("huge"), "100.0% of the candidate's choices were never made"),
        (lambda runs: runs.filter(~((pl.col("segment") == "en") & (pl.col("model") == "small"))), only("small"),
         "of the candidate's choices were never made in the log"),
        (lambda runs: runs.with_columns(action_propensity=None), RULES, "100.0% of the runs lack"),
        (lambda runs: runs.with_columns(model=None), RULES, "100.0% of the runs lack"),
        (lambda runs: runs.with_columns(loss=None), RULES, "100.0% of the runs lack"),
        (lambda runs: runs.with_columns(action_propensity=0.9), RULES, "mean weight is"),
        (lambda runs: runs.with_columns(action_propensity=0.0), RULES, "a propensity that cannot be"),
        (lambda runs: runs.head(0), RULES, "0.0 effective units"),
    ],
)  # fmt: skip
def test_where_the_overlap_is_poor_there_is_no_number(spoil, rules, reason):
    runs = spoil(frame(np.random.default_rng(3), 800)).cast(
        {"loss": pl.Float64, "action_propensity": pl.Float64, "model": pl.String}
    )
    found = answer(runs, rules)
    assert isinstance(found, Refusal)
    assert any(reason in sentence for sentence in found.reasons), found.reasons


def test_an_action_beside_the_model_is_what_is_chosen():
    runs = frame(np.random.default_rng(4), 600)
    found = answer(runs.with_columns(action="model", model=pl.lit("any")))
    np.testing.assert_array_equal(found.estimates, answer(runs).estimates)


def test_the_same_figures_in_any_order_of_rows():
    runs = frame(np.random.default_rng(5), 500, per_unit=3)
    expected = answer(runs, settings=Replays(resamples=100, seeds=(1, 2)))
    for seed in (0, 1):
        found = answer(runs.sample(fraction=1, shuffle=True, seed=seed), settings=Replays(resamples=100, seeds=(1, 2)))
        assert found.overlap == expected.overlap
        for name in ("estimates", "ci_low", "effect_ci_high", "seeds_sd", "stability"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert expected.seeds_sd[AT["dm"]] > 0.0, "each seed has folds of its own"
    assert expected.seeds_sd[AT["snips"]] == 0.0


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake with 900 logged runs, a policy that chooses better, one that chooses worse, and one of another kind."""
    made = lake_of(tmp_path_factory.mktemp("lake"), logged(np.random.default_rng(6), 900), resamples=200)
    policy(made)
    policy(made, "1.1.0", only("small"))
    policy(made, "1.2.0", {})
    policy(made, "1.3.0", only("huge"))
    return made


def events_of(lake):
    return lake.scan(Events).filter(event_type="OFFLINE_REPLAYED").collect()


def table(lake, event):
    from kaizenlake import testing
    from kaizenlake.jobs.policies import offline_replays
    from kaizenlake.jobs.silver import DECODE
    from kaizenlake.tables import OfflineReplays

    decode = next(job for job in DECODE if job.name == "replay_log")
    made = testing.fold(lake.scan(Events).collect(), as_of=testing.AS_OF.replace(year=2100), jobs=(decode, offline_replays.offline_replays))  # fmt: skip
    return tables.check(OfflineReplays, made[OfflineReplays]).filter(replay_id=event["replay_id"])


def test_a_better_candidate_passes_and_twice_is_once(lake):
    done = replay_off_policy(lake, "router", "1.0.0", by="ann", now=NOW)
    said = done.payload
    assert done.is_new
    assert (said["verdict"], said["kind"], said["estimator"], said["runs"]) == ("passed", "off_policy", "sndr", 900)
    assert said["effect_ci_high"] < 0.02
    assert said["effect"] == pytest.approx(said["estimated_loss"] - said["logged_loss"])
    assert said["effect"] == pytest.approx(TRUTH - LOGGED_TRUTH, abs=0.06)
    before = events_of(lake).height
    again = replay_off_policy(lake, "router", "1.0.0", by="bob", now=NOW)
    assert not again.is_new
    assert again.payload == said | {"decided_by": "ann"}
    assert events_of(lake).height == before
    rows = table(lake, said)
    assert sorted(rows["estimator"]) == sorted(ESTIMATORS)
    assert rows.filter("is_verdict")["estimator"].to_list() == ["sndr"]
    row = rows.filter("is_verdict").row(0, named=True)
    for column in ("effect", "effect_ci_low", "effect_ci_high", "logged_loss", "estimated_loss", "verdict", "runs"):
        near = said[column] if column in {"verdict", "runs"} else pytest.approx(said[column], rel=1e-14)
        assert row[column] == near, column
    assert row["content_sha256"] == policy(lake).version.content_sha256


def test_a_worse_candidate_fails_with_its_figure(lake):
    done = replay_off_policy(lake, "router", "1.1.0", by="ann", now=NOW)
    assert done.verdict == "failed"
    (why,) = done.payload["shortfalls"]
    assert "it must lie below +0.0200" in why
    assert f"{done.payload['effect_ci_high']:+.4f}"[:4] in why


def test_a_refusal_carries_no_figure(lake):
    done = replay_off_policy(lake, "router", "1.3.0", by="ann", now=NOW)
    assert done.verdict == "refused"
    assert "100.0% of the candidate's choices were never made in the log" in done.payload["shortfalls"][0]
    rows = table(lake, done.payload)
    assert rows["estimator"].to_list() == ["none"]
    figures = ("logged_loss", "estimated_loss", "effect", "effect_ci_low", "effect_ci_high", "loss_ci_low", "seeds_sd")
    assert rows.select(figures).row(0) == (None,) * len(figures)
    assert rows["unsupported_rate"].to_list() == [1.0]


def test_what_the_candidate_would_choose_can_be_handed_over(lake):
    by_rules = replay_off_policy(lake, "router", "1.0.0", by="ann", now=NOW).payload

    def choose(runs):
        assert "loss" not in runs.columns
        assert "model" not in runs.columns
        is_de = pl.col("segment") == "de"
        each = {"large": (0.5, 0.1), "medium": (0.4, 0.3), "small": (0.1, 0.6)}
        return pl.concat(
            runs.select("run_id", pl.lit(name).alias("action"), probability=pl.when(is_de).then(de).otherwise(en))
            for name, (de, en) in each.items()
        )

    found = replay_off_policy(lake, "router", "1.2.0", by="ann", target=choose, now=NOW).payload
    for name in ("effect", "effect_ci_low", "effect_ci_high", "effective_units", "unsupported_rate"):
        assert found[name] == pytest.approx(by_rules[name], abs=1e-12), name


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (pl.DataFrame({"run_id": ["r00000"]}), "Expected a frame with run_id, action and probability"),
        (pl.DataFrame({"run_id": ["r00000"], "action": ["large"], "probability": [0.5]}), "sum to 1; of 1 run it is not so"),
        (pl.DataFrame({"run_id": ["r00000"] * 2, "action": ["large"] * 2, "probability": [0.5] * 2}), "distinct actions"),
        (pl.DataFrame({"run_id": ["r00000"], "action": ["large"], "probability": [1.0]}), "899 runs without it"),
    ],
)  # fmt: skip
def test_probabilities_that_are_none_are_told(lake, target, words):
    with pytest.raises(UsageError, match=words):
        replay_off_policy(lake, "router", "1.2.0", by="ann", target=target, now=NOW)


def test_a_policy_without_rules_says_what_to_do(lake):
    with pytest.raises(UsageError, match=r"no router_rules.*router 1\.2\.0.*target="):
        replay_off_policy(lake, "router", "1.2.0", by="ann", now=NOW)
    with pytest.raises(UsageError, match="no version '9"):
        replay_off_policy(lake, "router", "9.0.0", by="ann", now=NOW)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([1], "has no `default`"),
        ({"rules": []}, "has no `default`"),
        ({"default": {"a": 1}, "more": 1}, "has 'more' beside `rules` and `default`"),
        ({"rules": {}, "default": {"a": 1}}, "no list of at most"),
        (
            {"rules": [{"when": {"segment": "de"}}], "default": {"a": 1}},
            r"rules\[0\] does not hold `when` and `choose`",
        ),
        ({"rules": [{"when": {}, "choose": {"a": 1}}], "default": {"a": 1}}, "names no field"),
        (
            {"rules": [{"when": {"outcome": "won"}, "choose": {"a": 1}}], "default": {"a": 1}},
            "known of a run before it",
        ),
        ({"rules": [{"when": {"segmnt": "de"}, "choose": {"a": 1}}], "default": {"a": 1}}, "did you mean `segment`"),
        ({"rules": [{"when": {"segment": 1}, "choose": {"a": 1}}], "default": {"a": 1}}, "a text or null for segment"),
        ({"default": {"a": 0.5}}, r"default: .* sum to 0\.5.*router@1\.0\.0"),
        ({"default": {"a": 1.5, "b": -0.5}}, "of 'a' is .*, expected from 0 to 1"),
        ({"default": {"a": True}}, "of 'a' is .*, expected from 0 to 1"),
        ({"default": {}}, "no action with its probability"),
    ],
)
def test_rules_that_cannot_be_read_are_told(rules, words):
    with pytest.raises(UsageError, match=words):
        rules_of({"router_rules": rules}, "router@1.0.0")


def test_the_first_rule_that_fits_decides():
    runs = pl.DataFrame(
        {"phase": ["draft", "draft", None, "edit"], "segment": ["de", None, None, "de"]},
    ).with_columns(pl.lit(None, pl.String).alias(name) for name in ("tenant_id", "project_id", "task_id", "unit_id"))
    rules = {
        "rules": [
            {"when": {"phase": "draft", "segment": "de"}, "choose": {"a": 1.0}},
            {"when": {"phase": "draft"}, "choose": {"b": 1.0}},
            {"when": {"segment": None}, "choose": {"c": 1.0}},
        ],
        "default": {"d": 1.0},
    }
    found = rules_of({"router_rules": rules}, "here").choices(runs, ("a", "b", "c", "d"))
    assert found.probability.argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert found.context.tolist() == [0, 1, 2, 3]
    alone = rules_of({"router_rules": {"default": {"d": 1.0}}}, "here").choices(runs, ("d",))
    assert alone.probability.tolist() == [[1.0]] * 4
