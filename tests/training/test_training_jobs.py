"""Jobs without a network: a reward model on features, what is refused before there is a job, and what a job leaves."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from kaizenlake import neural
from kaizenlake.cli.app import app
from kaizenlake.decide.training import job_state, jobs, registry
from kaizenlake.lake.store import Lake
from kaizenlake.publish.training.metrics import write_metrics
from kaizenlake.stats.regression.bradley_terry import fit_bradley_terry
from kaizenlake.training import LearningService, TrainingExample
from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.orders.training_order import read_config
from kaizenlake.training.orders.training_rows import read_rows
from kaizenlake.training.rewards.preference_pairs import gather_pairs, pair_by_experiment
from kaizenlake.training.rewards.reward_features import FeatureRewardModel, fit_reward

PAIRS = [
    {
        "prompt": f"Say something on the topic {number}.",
        "chosen": f"Why do {number} people sleep badly?",
        "rejected": f"There are {number} people who sleep badly and much is written of that.",
    }
    for number in range(40)
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jobs")
    Lake.create(folder / "lake")
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PAIRS))
    return Lake(folder / "lake")


def kaizen(lake, *words):
    return CliRunner().invoke(app, ["train", *words, "--lake", str(lake.root)])


def test_a_job_on_features_is_logged_registered_and_listed(lake):
    file = f"{lake.root}/../pairs.jsonl"
    words = ("--data", str(file), "--name", "taste", "--version", "1.0.0", "--set", "usd_per_hour=2", "--by", "ann")
    done = kaizen(lake, "start", "features", *words, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["status"], told["rows_count"], told["decided_by"], told["attempts"]) == ("COMPLETED", 40, "ann", 1)
    assert told["metrics"]["accuracy_rate"] > 0.9
    assert told["seconds"] > 0 < told["peak_memory_mb"]
    assert told["cost_usd"] == pytest.approx(told["seconds"] / 1800)
    model = registry.load_model("taste", "1.0.0", lake)
    assert (model.model.model_type, model.model.job_id) == ("REWARD", told["job_id"])
    found = FeatureRewardModel.read(model.path)
    assert found.score("What?", "Why do they sleep badly?") > found.score("What?", "They sleep badly, as is written.")
    (row,) = json.loads(kaizen(lake, "list", "--json").stdout)
    assert row["job_id"] == told["job_id"]
    again = kaizen(lake, "start", "features", *words)
    assert again.exit_code != 0
    assert "registered already" in str(again.exception)
    for command in ("cancel", "resume"):
        refused = kaizen(lake, command, told["job_id"])
        assert refused.exception.code == "E7403"
        assert kaizen(lake, command, "job-none").exception.code == "E7902"


def test_a_job_whose_process_died_has_failed_and_goes_on(lake):
    file = f"{lake.root}/../pairs.jsonl"
    request = jobs.JobRequest("features", "taste", "2.0.0", file=file)
    requested = jobs.request_job(lake, request, by="ann")
    assert job_state.find_job(lake, requested.job_id).status == "PENDING"
    requested.lock.release()
    died = job_state.find_job(lake, requested.job_id)
    assert (died.status, died.reason) == ("FAILED", job_state.DIED)
    done = jobs.resume(lake, requested.job_id, by="bob")
    assert (done.status, done.attempts, done.reason) == ("COMPLETED", 1, None)


def test_a_job_that_was_asked_to_stop_before_it_began_is_cancelled(lake):
    requested = jobs.request_job(
        lake, jobs.JobRequest("features", "taste", "3.0.0", file=f"{lake.root}/../pairs.jsonl"), by="ann"
    )
    job_state.ask_to_stop(lake, requested.job_id)
    assert jobs.run(lake, requested).status == "CANCELLED"
    assert jobs.resume(lake, requested.job_id, by="ann").status == "COMPLETED"


def test_rows_that_were_changed_are_not_gone_on_with(lake, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in PAIRS))
    requested = jobs.request_job(lake, jobs.JobRequest("features", "taste", "4.0.0", file=str(file)), by="ann")
    requested.lock.release()
    file.write_text("".join(json.dumps(row) + "\n" for row in PAIRS[1:]))
    with pytest.raises(LearningError) as raised:
        jobs.resume(lake, requested.job_id, by="ann")
    assert raised.value.code == "E7403"


def test_too_few_pairs_fail_the_job_and_are_said(lake, tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in PAIRS[:5]))
    with pytest.raises(LearningError) as raised:
        jobs.start(lake, jobs.JobRequest("features", "taste", "5.0.0", file=str(file)), by="ann")
    assert raised.value.code == "E7303"
    failed = job_state.list_jobs(lake)[-1]
    assert failed.status == "FAILED"
    assert "20 different pairs" in failed.reason


@pytest.mark.parametrize(
    ("kind", "said", "why"),
    [
        ("sfft", [], "no kind"),
        ("sft", ["epoch=1"], "no setting"),
        ("sft", ["epochs"], "name=value"),
        ("sft", ["epochs=nan"], "a number above 0"),
        ("sft", ["batch_size=1.5"], "whole number"),
        ("sft", ["batch_size=0"], "whole number"),
        ("sft", ["seed=-1"], "whole number"),
        ("grpo", ["batch_size=6", "num_generations=4"], "multiple"),
        ("sft", ["max_usd=1"], "price"),
    ],
)
def test_a_wrong_setting_is_refused(kind, said, why):
    with pytest.raises(LearningError, match=why) as raised:
        read_config(kind, said)
    assert raised.value.code == "E7503"


@pytest.mark.parametrize(
    ("kind", "line", "why"),
    [
        ("sft", "{", "line of JSON"),
        ("sft", "[1]", "found list"),
        ("sft", '{"prompt": "a"}', "found prompt"),
        ("sft", '{"prompt": "a", "completion": " "}', "nothing but spaces"),
        ("sft", '{"text": NaN}', "NaN"),
        ("sft", '{"text": "\\ud800"}', "surrogate"),
        ("sft", '{"messages": []}', "list of objects"),
        ("sft", '{"messages": [{"role": "user", "content": "a"}]}', "last message"),
        ("dpo", '{"prompt": "a", "chosen": "b", "rejected": "b"}', "same text"),
        ("grpo", '{"prompt": 1}', "found int"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number(kind, line, why, tmp_path):
    good = {"sft": '{"text": "a"}', "dpo": '{"prompt": "a", "chosen": "b", "rejected": "c"}', "grpo": '{"prompt": "a"}'}
    file = tmp_path / "rows.jsonl"
    file.write_text(f"{good[kind]}\n\n{line}\n")
    with pytest.raises(LearningError, match=why) as raised:
        read_rows(file, kind)
    assert raised.value.code == "E7504"
    assert raised.value.where == f"{file}, line 3"
    file.write_text("\n")
    with pytest.raises(LearningError, match="no row"):
        read_rows(file, kind)


def test_without_the_extra_a_job_says_what_to_install(lake, monkeypatch):
    monkeypatch.setattr(neural, "find_spec", lambda name: None)
    done = kaizen(lake, "start", "sft", "--base", "a@1.0.0", "--data", "x", "--name", "a", "--version", "1.0.0")
    assert done.exception.code == "E7505"
    assert "kaizenlake[train]" in done.exception.hint


def test_the_service_trains_on_a_data_set_and_the_metrics_count_it(tmp_path):
    examples = [
        TrainingExample(input_text=row["prompt"], output_text=row[name], quality_score=score, confidence=0.9)
        for row in PAIRS
        for name, score in (("chosen", 90.0), ("rejected", 40.0))
    ]

    async def learn():
        service = LearningService(tmp_path / "lake", by="ann")
        await service.create_training_dataset("answers", examples)
        job = await service.train_model("answers", "taste")
        while job.status in {"PENDING", "RUNNING"}:
            await asyncio.sleep(0.05)
            job = await service.get_job_status(job.job_id)
        with pytest.raises(LearningError) as raised:
            await service.cancel_job(job.job_id)
        assert raised.value.code == "E7403"
        return job

    job = asyncio.run(learn())
    assert (job.status, job.dataset) == ("COMPLETED", "answers@1.0.0")
    told = write_metrics(Lake(tmp_path / "lake"))
    assert "l07_training_jobs_total 1.0" in told
    assert "l07_training_job_duration_seconds_count 1.0" in told


def test_a_reward_function_is_found_or_said_to_be_none():
    assert jobs.find_reward_function("json:dumps") is json.dumps
    for named in (None, "json", "json:none", "no_such_module:f", "json:__name__"):
        with pytest.raises(LearningError) as raised:
            jobs.find_reward_function(named)
        assert raised.value.code == "E7301"


def test_bradley_terry_finds_what_was_drawn_and_is_turned_by_the_sign():
    random = np.random.default_rng(1)
    rows = random.normal(size=(4000, 2))
    won = random.random(4000) < 1 / (1 + np.exp(-rows @ [1.0, -0.5]))
    rows[~won] *= -1
    found = fit_bradley_terry(rows)
    assert found.coefficients == pytest.approx([1.0, -0.5], abs=0.12)
    assert (found.low < [1.0, -0.5]).all()
    assert (found.high > [1.0, -0.5]).all()
    assert fit_bradley_terry(-rows).coefficients == pytest.approx(-found.coefficients, abs=1e-6)
    assert fit_bradley_terry(np.zeros((0, 2))).coefficients.tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="finite"):
        fit_bradley_terry([[np.nan]])


def test_a_reward_without_any_difference_is_a_coin():
    pairs = [{"prompt": f"p{n}", "chosen": f"aa bb {n}", "rejected": f"bb aa {n}"} for n in range(30)]
    assert fit_reward(pairs).accuracy_rate == 0.5


def test_pairs_come_of_marks_edits_and_experiments_and_never_contradict_one_another():
    examples = pl.DataFrame(
        {
            "trace_id": ["t1", "t1", "t2", "t3", None],
            "human_edited": [False, True, None, None, None],
            "input_text": ["a"] * 4 + ["b"],
            "output_text": ["draft", "edited", "good", "good", "alone"],
            "quality_score": [90.0, 20.0, 80.0, 70.0, 60.0],
        }
    )
    found = {(row[1], row[2], row[3]) for row in gather_pairs(examples.lazy()).rows()}
    # By its mark the draft was better than what a person made of it; the person counts.
    assert found == {("edited", "draft", "edit"), ("draft", "good", "mark"), ("good", "edited", "mark")}
    arms = pl.DataFrame(
        {
            "project_id": [None] * 3,
            "experiment_id": ["e"] * 3,
            "platform": ["x"] * 3,
            "metric": ["ctr"] * 3,
            "arm": ["a", "b", "c"],
            "text": ["Why?", "That is so.", "Or so."],
            "shown": [1000, 1000, 0],
            "clicks": [100, 50, 0],
        }
    )
    assert pair_by_experiment(arms.lazy()).collect().rows() == [("A text for x", "Why?", "That is so.", "experiment")]
    assert gather_pairs(examples.lazy().head(0), arms.lazy().head(0)).is_empty()
