"""Propose versions of a policy that might lose less: drafts, an experiment on record, and a replay of each; none is promoted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl

from kaizenlake import signing
from kaizenlake.decide.policies import policies
from kaizenlake.decide.policies.command import digest
from kaizenlake.decide.policies.drafts import PolicyDraft
from kaizenlake.decide.policies.variants import KnownWeaknesses, PolicyVariant, vary
from kaizenlake.decide.policies.versions import precedence
from kaizenlake.decide.record.command_words import check_texts
from kaizenlake.decide.record.state import DecisionState, Version
from kaizenlake.decide.replays.off_policy import replay_off_policy
from kaizenlake.decide.replays.re_execution import Call, re_execute
from kaizenlake.decide.replays.replays import Replayed
from kaizenlake.decide.replays.router_rules import NAMES
from kaizenlake.errors import KaizenError, UsageError
from kaizenlake.events.write.log import log_event, logging_to
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.tables import (
    BehaviourPatterns,
    PlanningStrategies,
    RunRecords,
    SkillCards,
    SkillFailures,
    Table,
)
from kaizenlake.tables.skill import EXPERIMENT_TYPES

REPLAYED_BY_CALL: Final = (
    "Not replayed: no router rules say what it would choose. Give --call to run the inputs of a golden set again."
)


@dataclass(frozen=True)
class ProposedDraft:
    """One draft.

    Args:
        variant: What is varied.
        version: The version as it was created.
        is_new: This call created it.
        replayed: Its replay; None where there is none.
        why: Why it was not replayed; empty where it was.
    """

    variant: PolicyVariant
    version: Version
    is_new: bool
    replayed: Replayed | None = None
    why: str = ""


@dataclass(frozen=True)
class PolicyProposal:
    """What was proposed for an agent.

    Args:
        doer: The agent.
        experiment_id: The experiment that the drafts belong to.
        experiment_type: What it varies.
        hypothesis: What is expected of it, in a sentence.
        drafts: The drafts.
    """

    doer: str
    experiment_id: str
    experiment_type: str
    hypothesis: str
    drafts: tuple[ProposedDraft, ...]


@dataclass(frozen=True)
class ProposalOptions:
    """How drafts are made and replayed.

    Args:
        policy: Policy to vary; the one that the card names by default.
        experiment_type: What to vary; what the card proposes by default.
        adapter: Adapter of a training job, as `name@version`.
        write: Writes a prompt anew; none where there is no language model.
        call: Runs recorded inputs again.
        golden_set: Golden set on which is replayed.
    """

    policy: str | None = None
    experiment_type: str | None = None
    adapter: str | None = None
    write: Callable[[str, str], str] | None = None
    call: Call | None = None
    golden_set: str | None = None


def propose(
    lake: Lake, doer: str, *, by: str, options: ProposalOptions = ProposalOptions(), now: datetime | None = None
) -> PolicyProposal:
    """Make drafts out of the weaknesses on the card of an agent, log the experiment, and replay each; promote none.

    The same card and policy make the same drafts, so that asked twice nothing is added.

    Args:
        lake: The lake, as a tenant has it where there are several.
        doer: The agent.
        by: Who asks.
        options: How drafts are made and replayed.
        now: Aware instant of the clock; the clock's by default.

    Raises:
        UsageError: There is no card or policy of it, the card proposes nothing, or nothing of it can be varied.
    """
    check_texts(by=by, doer=doer, adapter=options.adapter)
    view = view_of(lake)
    card = _find_card(view, doer)
    experiment = _choose_type(card, options)
    base = _find_base(policies.state(view), card, options.policy)
    document = signing.verify_policy(vars(base), decisions.public_keys(view))
    known = _gather_weaknesses(view, card, base)
    variants = vary(document, experiment, known, adapter=options.adapter, write=options.write)
    if not variants:
        raise UsageError(
            f"Nothing in {base.name} can be varied by {experiment}: " + _say_missing(experiment),
            hint=f"Ask for another type: --type {'|'.join(name for name in EXPERIMENT_TYPES if name != experiment)}.",
        )
    experiment_id = f"propose-{digest(signing.canonical([doer, experiment, base.content_sha256, *(dict(item.content) for item in variants)]).decode())}"
    hypothesis = _write_hypothesis(card, base, known)
    if not any(item.experiment_id == experiment_id for item in policies.state(view).versions(base.policy_id)):
        config = {"policy": base.policy_id, "base": base.policy_version, "variants": [item.kind for item in variants]}
        told = {"experiment_type": experiment, "hypothesis": hypothesis, "config": config}
        _log_start(view, experiment_id, doer, told)
    drafts = []
    for variant in variants:
        draft = _draft_of(base, variant, experiment_id)
        created = policies.create(view, draft, by=by, reason=variant.words[:200], now=now)
        replayed, why = _replay(view, created.version, variant, by, options)
        drafts.append(ProposedDraft(variant, created.version, created.is_new, replayed, why))
    return PolicyProposal(doer, experiment_id, experiment, hypothesis, tuple(drafts))


def _find_card(lake: Lake, doer: str) -> dict[str, Any]:
    cards = lake.scan(SkillCards).filter(doer=doer).collect() if _has(lake, SkillCards) else None
    if cards is None or cards.is_empty():
        raise UsageError(
            f"There is no skill card of {doer!r}.", hint="`kaizen nightly` makes the cards; `kaizen skill` lists them."
        )
    return cards.row(0, named=True)


def _choose_type(card: dict[str, Any], options: ProposalOptions) -> str:
    wanted = options.experiment_type or ("adapter_training" if options.adapter else card["next_experiment"])
    if wanted is None:
        raise UsageError(
            f"The card of {card['doer']} proposes nothing: it is not degrading, and no weakness stands.",
            hint=f"Say what to vary all the same: --type {'|'.join(EXPERIMENT_TYPES)}.",
        )
    if wanted not in EXPERIMENT_TYPES:
        raise UsageError(f"{wanted!r} is no type of experiment.", hint=f"They are {', '.join(EXPERIMENT_TYPES)}.")
    return str(wanted)


def _find_base(state: DecisionState, card: dict[str, Any], wanted: str | None) -> Version:
    """Return the version that drafts are made of: the active one of the policy, else its newest."""
    policy = wanted or card["policy_id"]
    versions = [] if policy is None else [item for item in state.versions(policy) if item.doer == card["doer"]]
    if not versions:
        raise UsageError(
            f"No policy of {card['doer']} is known that a draft could be made of.",
            hint="`kaizen policy create FILE` creates one; --policy names one.",
        )
    active = state.active(policy)
    # A draft of an earlier proposal is no ground to stand on.
    own = [item for item in versions if "-proposal." not in item.policy_version] or versions
    return active or max(own, key=lambda item: precedence(item.policy_version))


def _gather_weaknesses(lake: Lake, card: dict[str, Any], base: Version) -> KnownWeaknesses:
    def rows(table: type[Table], *conditions: pl.Expr) -> pl.DataFrame | None:
        return (
            lake.scan(table).filter(pl.col("doer") == card["doer"], *conditions).collect()
            if _has(lake, table)
            else None
        )

    terms = list(card["weaknesses"]) or ([card["next_term"]] if card["next_term"] else [])
    failures = rows(SkillFailures, pl.col("failed") > 0)
    behaviours = rows(BehaviourPatterns, pl.col("verdict").is_in(["strength", "weakness"]))
    valued = rows(PlanningStrategies, pl.col("verdict") != "refused")
    told = rows(RunRecords, pl.col("action").is_not_null())
    if base.phase is not None and told is not None:
        told = told.filter(pl.col("phase") == base.phase)
    actions = {} if told is None else {phase: sorted(set(part["action"])) for (phase,), part in told.group_by("phase")}
    return KnownWeaknesses(
        terms,
        []
        if failures is None
        else failures.sort("failed", "failure_mode", descending=[True, False])["failure_mode"].to_list(),
        [] if behaviours is None else behaviours.sort("q_value", "task_type", "pattern").to_dicts(),
        [] if valued is None else valued.sort("task_type", "strategy").to_dicts(),
        actions,
    )


def _has(lake: Lake, table: type[Table]) -> bool:
    return lake.version(table) is not None


def _write_hypothesis(card: dict[str, Any], base: Version, known: KnownWeaknesses) -> str:
    aim = ", ".join(known.terms[:3]) or "the loss"
    return f"A variant of {base.name} lowers {aim} of {card['doer']}."[:300]


def _log_start(lake: Lake, experiment_id: str, doer: str, told: dict[str, Any]) -> None:
    """Log that the experiment was started."""
    with logging_to(lake.whole.path()):
        log_event(
            "EXPERIMENT_STARTED",
            told,
            tenant_id=lake.tenant,
            event_id=f"{experiment_id}-started",
            experiment_id=experiment_id,
            doer=doer,
        )


def _draft_of(base: Version, variant: PolicyVariant, experiment_id: str) -> PolicyDraft:
    """Return the draft of a variant; its version names its content and experiment: proposed again, it is the same version."""
    major, minor, *_ = precedence(base.policy_version)
    named = digest(json.dumps([experiment_id, variant.content], sort_keys=True))[:8]
    return PolicyDraft(
        doer=base.doer,
        version=f"{major}.{minor + 1}.0-proposal.h{named}",
        phase=base.phase,
        policy=base.policy_id,
        parent=base.policy_version,
        experiment=experiment_id,
        **{name: variant.content[name] for name in variant.content},
    )


def _replay(
    lake: Lake, version: Version, variant: PolicyVariant, by: str, options: ProposalOptions
) -> tuple[Replayed | None, str]:
    """Replay a draft as far as it can be; a replay that cannot be made is told, and stops nothing."""
    try:
        if options.call is not None:
            done = re_execute(
                lake, version.policy_id, version.policy_version, options.call, by=by, golden_set=options.golden_set
            )
            return done, ""
        if NAMES & set(variant.content["router_rules"]):
            return replay_off_policy(
                lake, version.policy_id, version.policy_version, by=by, golden_set=options.golden_set
            ), ""
    except KaizenError as error:
        return None, f"Not replayed: {error.message}"
    return None, REPLAYED_BY_CALL


def _say_missing(experiment: str) -> str:
    return {
        "prompt_synthesis": "no prompt differs.",
        "tool_tuning": "no strategy of its runs is proven better or worse by its off-policy value (table planning_strategies).",
        "rag_optimization": "its retrieval is at its widest.",
        "adapter_training": "--adapter NAME@VERSION names no adapter.",
    }[experiment]
