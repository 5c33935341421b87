"""Networks are really trained: a tiny one is made on the spot, taught in every way there is, and asked what it was never shown."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from itertools import product

import pytest

from kaizenlake.decide.training import job_state, jobs, registry
from kaizenlake.lake.store import Lake
from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.orders.training_order import read_config

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in ("torch", "trl", "peft", "transformers", "datasets")),
        reason="the extra `train` is not installed",
    ),
]

WORDS = ["sun", "moon", "tree", "fish", "bird", "rock", "lake", "wind"]
ROWS = [{"prompt": f"{one} {other}?", "completion": "ya"} for one, other in product(WORDS, WORDS)]
SHOWN, HELD_OUT = ROWS[::2], ROWS[1::2]
PAIRS = [{"prompt": row["prompt"], "chosen": "ya", "rejected": "no"} for row in ROWS]
TEMPLATE = (
    "{% if tools %}[{{ tools | tojson }}]{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.content or '' }}"
    "{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}{{ eos_token }}{% endfor %}"
)


def make_network(folder, hidden, layers, seed):
    """Write a network of under 100,000 parameters that reads single characters."""
    from kaizenlake.neural import offline_and_quiet

    with offline_and_quiet():
        import torch
        from tokenizers import Tokenizer, decoders, models
        from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

        vocab = {sign: place for place, sign in enumerate(["<pad>", "</s>", "<unk>", *map(chr, range(32, 127))])}
        raw = Tokenizer(models.BPE(vocab=vocab, merges=[], unk_token="<unk>"))
        raw.decoder = decoders.Fuse()
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=raw, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
        )
        tokenizer.chat_template = TEMPLATE
        torch.manual_seed(seed)
        network = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(vocab),
                hidden_size=hidden,
                intermediate_size=2 * hidden,
                num_hidden_layers=layers,
                num_attention_heads=4,
                num_key_value_heads=4,
                max_position_embeddings=256,
                # Adapters leave the last layer alone: with the small weights of an untrained one no answer could become likely.
                initializer_range=0.2,
                pad_token_id=0,
                bos_token_id=None,
                eos_token_id=1,
            )
        )
        assert sum(part.numel() for part in network.parameters()) < 100_000
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder, save_jinja_files=False)


def write(file, rows):
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    Lake.create(folder / "lake")
    for name, hidden, layers, seed in (("tiny", 32, 2, 0), ("small", 16, 1, 1)):
        make_network(folder / name, hidden, layers, seed)
        draft = registry.ModelDraft(name, "1.0.0", folder / name, "BASE")
        registry.register(Lake(folder / "lake"), draft, by="ann")
    return folder


def request(place, kind, name, rows, base="tiny@1.0.0", teacher=None, reward=None, **settings):
    said = {"learning_rate": 1e-2, "max_steps": 20, "save_steps": 5, "max_new_tokens": 2, "lora_alpha": 64} | settings
    file = write(place / f"{name}.jsonl", rows)
    config = read_config(kind, said, seed=3)
    return jobs.JobRequest(kind, name, "1.0.0", base, teacher, file, config=config, reward_function=reward)


def train(place, *words, **more):
    lake = Lake(place / "lake")
    done = jobs.start(lake, request(place, *words, **more), by="ann")
    assert done.status == "COMPLETED"
    folder = registry.load_model(done.name, "1.0.0", lake).path
    assert {file.suffix for file in folder.rglob("*")} <= {".json", ".safetensors"}
    assert not list(folder.parent.rglob("*.bin"))
    return done, jobs.find_network(lake, f"{done.name}@1.0.0")


@pytest.fixture(scope="module")
def writer(place):
    return train(place, "sft", "writer", SHOWN)


def share_of_ya(files):
    from kaizenlake.neural.networks import text_function

    say = text_function(files, max_new_tokens=2)
    return sum(say(row["prompt"]) == "ya" for row in HELD_OUT[:12]) / 12


def test_an_adapter_says_what_its_examples_said_to_prompts_it_never_saw(writer, place):
    done, files = writer
    assert share_of_ya(jobs.find_network(Lake(place / "lake"), "tiny@1.0.0")) == 0.0
    assert share_of_ya(files) == 1.0
    assert (done.steps, done.last_loss < done.first_loss) == (20, True)


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from kaizenlake.decide.training import jobs
from kaizenlake.lake.store import Lake
from kaizenlake.training.orders.training_order import read_config
tell = jobs._Log.log_step
def log_step(self, step, loss, reward):
    tell(self, step, loss, reward)
    if step == 8:
        os.kill(os.getpid(), signal.SIGKILL)
jobs._Log.log_step = log_step
said = {"learning_rate": 1e-2, "max_steps": 20, "save_steps": 5, "max_new_tokens": 2, "lora_alpha": 64}
request = jobs.JobRequest("sft", "killed", "1.0.0", "tiny@1.0.0", None, sys.argv[2], config=read_config("sft", said, seed=3))
jobs.start(Lake(sys.argv[1] + "/lake"), request, by="ann")
"""


def test_a_killed_job_goes_on_and_ends_as_one_that_nothing_disturbed(writer, place):
    file = write(place / "killed.jsonl", SHOWN)
    ended = subprocess.run([sys.executable, "-c", KILLED, str(place), file], check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    lake = Lake(place / "lake")
    dead = job_state.list_jobs(lake)[-1]
    assert (dead.name, dead.status, dead.steps) == ("killed", "FAILED", 5)
    done = jobs.resume(lake, dead.job_id, by="ann")
    assert (done.status, done.steps, done.attempts) == ("COMPLETED", 20, 2)
    assert done.output_sha256 == writer[0].output_sha256


def test_preferences_move_a_reward_model_and_an_adapter_on_an_adapter(writer, place):
    from kaizenlake.neural.networks import reward_function

    _, files = train(place, "reward", "judge", PAIRS[::2])
    judge = reward_function(files)
    assert all(judge([row["prompt"] + "ya"])[0] > judge([row["prompt"] + "no"])[0] for row in PAIRS[1::2][:8])
    turned = [{"prompt": row["prompt"], "chosen": "no", "rejected": "ya"} for row in PAIRS[::2]]
    _, files = train(place, "dpo", "turned", turned, base="writer@1.0.0")
    assert len(files.folders) == 3
    assert share_of_ya(files) == 0.0


KINDS = ("rloo", "grpo") if os.environ.get("KAIZEN_TRAIN_ALL") else ("rloo",)
"""Both were tried by hand; they share all of our code, and a minute of the gate is dear."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_reward_function_is_followed(kind, place, monkeypatch):
    (place / "judge_of_test.py").write_text(
        "def count(prompts, completions, **more):\n    return [sum('a' <= c <= 'm' for c in text) for text in completions]\n"
        "def nothing(prompts, completions, **more):\n    return [float('nan')] * len(completions)\n"
    )
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "path", [*sys.path])
    prompts = [{"prompt": row["prompt"]} for row in SHOWN]
    train(place, kind, f"by-{kind}", prompts, reward="judge_of_test:count", max_steps=25, batch_size=32)
    lake = Lake(place / "lake")
    events = job_state.decisions.of(lake).filter(event_type="TRAINING_STEP_LOGGED").collect()
    name = job_state.list_jobs(lake)[-1].job_id
    told = [json.loads(text) for text in events.sort("occurred_at")["payload"]]
    rewards = [item["mean_reward"] for item in told if item["job_id"] == name]
    assert len(rewards) == 25
    assert sum(rewards[-5:]) / 5 > sum(rewards[:5]) / 5 + 0.3
    if kind == "rloo":
        with pytest.raises(LearningError) as raised:
            train(place, kind, "nan", prompts, reward="judge_of_test:nothing", max_steps=1)
        assert raised.value.code == "E7302"


def test_a_smaller_student_comes_to_agree_with_its_teacher(writer, place):
    done, files = train(place, "distil", "student", SHOWN, base="small@1.0.0", teacher="writer@1.0.0", max_steps=40)
    assert share_of_ya(files) == 1.0
    assert done.metrics["agreement_rate"] > 0.9
    assert 0 < done.metrics["size_ratio"] < 1
    assert done.last_loss < done.first_loss
    with pytest.raises(LearningError) as raised:
        train(place, "distil", "larger", SHOWN, base="tiny@1.0.0", teacher="small@1.0.0")
    assert raised.value.code == "E7602"


def test_chats_with_tools_are_learnt_from_as_they_were_exported_and_a_budget_holds(place):
    tool = {"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {}}}}
    call = {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "find", "arguments": {}}}]}
    chats = [{"messages": [{"role": "user", "content": row["prompt"]}, call], "tools": [tool]} for row in SHOWN[:16]]
    done, _ = train(place, "sft", "chat", chats, max_steps=6)
    assert done.last_loss < done.first_loss
    with pytest.raises(LearningError) as raised:
        train(place, "sft", "dear", SHOWN, usd_per_hour=3600, max_usd=1e-6)
    assert raised.value.code == "E7701"
    with pytest.raises(LearningError) as raised:
        train(place, "sft", "none", SHOWN, base="student@9.9.9")
    assert raised.value.code == "E7207"
