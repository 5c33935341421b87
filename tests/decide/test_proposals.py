"""Proposals: drafts out of what is known of an agent; logged, replayed as far as they can be, and never promoted."""

import json

import pytest

from cli.running import kaizen
from jobs.skills.test_skills import AS_OF
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.drafts import PolicyDraft
from kaizenlake.decide.policies.proposals import ProposalOptions, propose
from kaizenlake.decide.policies.variants import INSTRUCTIONS, KnownWeaknesses, vary
from kaizenlake.errors import UsageError
from kaizenlake.lake.store import Lake
from kaizenlake.parameters import WEIGHTS
from publish.skill_frames import EVIL, tables_of

BASE = {
    "prompts": {"system": "You plan trips.", "other": 3},
    "hparams": {"top_k": 4},
    "router_rules": {},
    "tools_allowlist": ["search", "act", "plan"],
    "weights": {},
}
ROW = {"task_type": "draft", "effective_units": 200.0}
KNOWN = KnownWeaknesses(
    terms=["grounding"],
    failures=["timeout", EVIL],
    behaviours=[
        {"pattern": "search → book", "verdict": "weakness"},
        {"pattern": f"{EVIL} → book", "verdict": "strength"},
    ],
    strategies=[ROW | {"strategy": "plan", "verdict": "recommended"}, ROW | {"strategy": "act", "verdict": "worse"}],
    actions={"draft": ["act", "plan"]},
)


def test_every_term_has_its_instruction():
    assert set(INSTRUCTIONS) == set(WEIGHTS)


def test_prompts_ask_for_what_is_weak_and_hold_no_name_that_is_more_than_a_word():
    found = [item for item in vary(BASE, "prompt_synthesis", KNOWN) if item.kind == "prompt"]
    texts = [item.content["prompts"]["system"] for item in found]
    assert all(text.startswith("You plan trips.") and INSTRUCTIONS["grounding"] in text for text in texts)
    assert "Avoid the tool steps search → book" in texts[1]
    assert "timeout" in texts[1]
    assert "script" not in "".join(texts)
    assert all(item.content["prompts"]["other"] == 3 for item in found)


def test_a_router_follows_the_recommended_strategy_and_goes_on_exploring():
    (router,) = (item for item in vary(BASE, "prompt_synthesis", KNOWN) if item.kind == "router")
    assert router.content["router_rules"] == {
        "rules": [{"when": {"phase": "draft"}, "choose": {"plan": 0.9, "act": 0.1}}],
        "default": {"act": 0.5, "plan": 0.5},
    }


@pytest.mark.parametrize("verdict", ["unclear", "better", "refused"])
def test_without_a_recommendation_there_is_no_router(verdict):
    known = KnownWeaknesses(
        strategies=[ROW | {"strategy": "plan", "verdict": verdict}], actions={"draft": ["act", "plan"]}
    )
    assert vary(BASE, "tool_tuning", known) == ()


def test_a_tool_that_loses_more_is_left_out_and_retrieval_reads_more():
    (tools,) = (item for item in vary(BASE, "tool_tuning", KNOWN) if item.kind == "tools")
    assert tools.content["tools_allowlist"] == ["search", "plan"]
    depths = [item.content["hparams"] for item in vary(BASE, "rag_optimization", KNOWN) if item.kind == "retrieval"]
    assert depths == [{"top_k": 8}, {"top_k": 8, "rerank": True}]
    nested = vary(BASE | {"hparams": {"retrieval": {"k": 40}}}, "rag_optimization", KnownWeaknesses())
    assert nested[0].content["hparams"] == {"retrieval": {"k": 50}}


def test_a_language_model_writes_one_prompt_and_reads_data_alone():
    asked = []

    def write(system, prompt):
        asked.append((system, prompt))
        return "You plan trips, and name your sources."

    found = vary(BASE, "prompt_synthesis", KNOWN, write=write)
    assert found[2].content["prompts"]["system"] == "You plan trips, and name your sources."
    assert "<data>" in asked[0][1]
    assert "script" not in asked[0][1]


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = Lake.create(tmp_path_factory.mktemp("proposals") / "lake")
    for table, rows in tables_of().items():
        lake.write(table, [rows], days=None, reads={}, as_of=AS_OF, fingerprint="0" * 64)
    for version in ("1.0.0", "1.2.0"):
        draft = PolicyDraft(doer="planner", version=version, prompts={"system": f"Plan {version}."}, hparams={"k": 3})
        policies.create(lake, draft, by="ann")
    return lake


def test_drafts_are_made_once_and_none_is_promoted(lake):
    options = ProposalOptions(policy="planner", experiment_type="rag_optimization")
    first = propose(lake, "planner", by="ann", options=options)
    again = propose(lake, "planner", by="ann", options=options)
    assert [item.is_new for item in first.drafts] == [True, True]
    assert [item.is_new for item in again.drafts] == [False, False]
    assert first.experiment_id == again.experiment_id
    for item in first.drafts:
        assert (item.version.status, item.version.parent_version) == ("draft", "1.2.0")
        assert item.version.experiment_id == first.experiment_id
        assert item.replayed is None
        assert item.why.startswith("Not replayed")
    assert json.loads(first.drafts[0].version.document)["hparams"] == {"k": 6}
    (started,) = {
        line for path in lake.path().rglob("*.ndjson*") for line in path.read_text().splitlines() if "EXPERIMENT_STARTED" in line
    }  # fmt: skip
    assert first.experiment_id in started


@pytest.mark.parametrize(
    ("doer", "options", "words"),
    [
        ("nobody", ProposalOptions(), "no skill card"),
        ("planner", ProposalOptions(policy="none"), "No policy"),
        ("planner", ProposalOptions(policy="planner", experiment_type="adapter_training"), "names no adapter"),
        ("planner", ProposalOptions(policy="planner", experiment_type="magic"), "no type of experiment"),
    ],
)
def test_what_cannot_be_proposed_is_said(lake, doer, options, words):
    with pytest.raises(UsageError, match=words):
        propose(lake, doer, by="ann", options=options)


def test_the_command_says_what_it_made(lake):
    said = kaizen(
        "policy",
        "propose",
        "planner",
        "--policy",
        "planner",
        "--adapter",
        "trip@1.0.0",
        "--by",
        "ann",
        cwd=lake.root.parent,
    )
    assert "runs with the adapter trip@1.0.0" in str(said)
    assert "None was promoted" in str(said)
