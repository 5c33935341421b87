"""What is a policy made of? A draft as a person or a program writes it, checked, and its canonical document."""

from __future__ import annotations

import json
import math
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from kaizenlake import signing
from kaizenlake.decide.policies.versions import precedence
from kaizenlake.decide.record.state import DecisionState, Version
from kaizenlake.decide.replays.router_rules import NAMES, read_rules
from kaizenlake.errors import UsageError
from kaizenlake.events.rules import find_text_fault
from kaizenlake.events.values.fields import Key

SCHEMA = "kaizenlake.policy/1"

_EXAMPLE = "It is TOML or JSON with doer and version, and any of phase, policy, parent, experiment, prompts, hparams, router_rules, tools_allowlist and weights."


class PolicyDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version of a policy before it is created.

    Args:
        doer: Agent that runs under it.
        version: Its version, by semantic versioning; greater than its parent's.
        phase: Phase of the work it is for; every phase where not given.
        policy: Policy it is a version of; the doer, or `<doer>.<phase>`, where not given.
        parent: Version it was made of; not given for a root.
        experiment: Experiment that generated it.
        prompts: Prompts by name.
        hparams: Parameters of the model, such as its temperature.
        router_rules: What chooses among models, with its probabilities: `rules`, each with `when` (fields of a run and
            their values) and `choose` (actions and their probabilities), and a `default`. An object without `rules` and
            `default` is kept as it is, and no probabilities are known of it.
        tools_allowlist: Tools it may call, each once.
        weights: Further weights, such as those of adapters, by name.
    """

    doer: Key
    version: Annotated[str, Meta(min_length=1)]
    phase: Key | None = None
    policy: Key | None = None
    parent: str | None = None
    experiment: Key | None = None
    prompts: dict[str, Any] = {}
    hparams: dict[str, Any] = {}
    router_rules: dict[str, Any] = {}
    tools_allowlist: list[Key] = []
    weights: dict[str, Any] = {}

    @property
    def policy_id(self) -> str:
        """The policy it is a version of.

        >>> PolicyDraft(doer="planner", version="1.0.0", phase="draft").policy_id
        'planner.draft'
        """
        return self.policy or (self.doer if self.phase is None else f"{self.doer}.{self.phase}")


def read(path: Path) -> PolicyDraft:
    """Read a draft from a file.

    Args:
        path: A `.toml` or `.json` file.

    Raises:
        UsageError: It cannot be read, or says something that a policy does not.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        content = tomllib.loads(text) if path.suffix.lower() == ".toml" else _json(text)
    except OSError as error:
        raise UsageError(f"The policy cannot be read: {error.strerror or error}.", where=str(path)) from error
    except (ValueError, RecursionError) as error:
        kind = "TOML" if path.suffix.lower() == ".toml" else "JSON"
        wrong = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).split(" for integer")[0]
        raise UsageError(f"The policy is no {kind}: {wrong}.", where=str(path), hint=_EXAMPLE) from error
    try:
        return check_draft(content)
    except UsageError as error:
        raise UsageError(error.message, where=str(path), hint=error.hint) from error


def _json(text: str) -> Any:
    """Return JSON whose objects name each key once."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise ValueError(f"{key!r} is given twice")
            found[key] = value
        return found

    return json.loads(text, object_pairs_hook=once)


def check_draft(content: Any) -> PolicyDraft:
    """Check what a draft says by itself.

    Args:
        content: A `PolicyDraft`, or an object with its fields.

    Raises:
        UsageError: The first thing that is wrong, by its place.
    """
    try:
        draft = msgspec.convert(
            msgspec.structs.asdict(content) if isinstance(content, PolicyDraft) else content, PolicyDraft
        )
    except msgspec.ValidationError as error:
        raise UsageError(f"The policy is wrong: {error}.", hint=_EXAMPLE) from error
    precedence(draft.version)
    if draft.parent is not None and precedence(draft.parent) >= precedence(draft.version):
        raise UsageError(
            f"The version {draft.version} does not come after that of its parent, {draft.parent}.",
            hint="Raise MAJOR, MINOR or PATCH.",
        )
    if doubles := [tool for tool in draft.tools_allowlist if draft.tools_allowlist.count(tool) > 1]:
        raise UsageError(f"tools_allowlist names {doubles[0]!r} twice.")
    for name, value in msgspec.structs.asdict(draft).items():
        _check_plain(value, name)
    if NAMES & set(draft.router_rules):
        read_rules(draft.router_rules)
    return draft


def document(draft: PolicyDraft, parent: Version | None) -> str:
    """Return the canonical JSON of a version: what is hashed and signed. It names its parent's hash, so lines are chains.

    Args:
        draft: A checked draft.
        parent: The version that it names as its parent.
    """
    content = {
        "schema": SCHEMA,
        "policy_id": draft.policy_id,
        "policy_version": draft.version,
        "doer": draft.doer,
        "phase": draft.phase,
        "parent_version": draft.parent,
        "parent_sha256": None if parent is None else parent.content_sha256,
        "experiment_id": draft.experiment,
        "prompts": draft.prompts,
        "hparams": draft.hparams,
        "router_rules": draft.router_rules,
        "tools_allowlist": draft.tools_allowlist,
        "weights": draft.weights,
    }
    return signing.canonical(content).decode()


def check_place(draft: PolicyDraft, state: DecisionState) -> Version | None:
    """Check a draft against the versions there are.

    Returns:
        The parent.

    Raises:
        UsageError: The policy is another doer's or phase's, or the parent is not there.
    """
    versions = state.versions(draft.policy_id)
    for name in ("doer", "phase"):
        theirs = {getattr(item, name) for item in versions}
        if theirs - {getattr(draft, name)}:
            raise UsageError(
                f"The policy {draft.policy_id} is for the {name} {theirs.pop()!r}, the draft for {getattr(draft, name)!r}.",
                hint="Name another policy in `policy`.",
            )
    if draft.parent is None:
        return None
    return state.version(draft.policy_id, draft.parent)


def _check_plain(value: Any, place: str) -> None:
    """Only what JSON says in one way: no dates, no NaN, no text that is no Unicode."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_plain(key, f"a key of {place}")
            _check_plain(item, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _check_plain(item, f"{place}[{number}]")
    elif isinstance(value, str):
        if fault := find_text_fault(value):
            raise UsageError(f"{place} holds {fault}; a policy holds texts in UTF-8.")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise UsageError(f"{place} is {value}; a policy holds finite numbers.")
    elif value is not None and not isinstance(value, bool | int):
        raise UsageError(
            f"{place} is a {type(value).__name__}; a policy holds texts, numbers, booleans, lists and objects."
        )
