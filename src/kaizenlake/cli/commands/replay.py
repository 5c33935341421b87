"""The command that evaluates a candidate on logged runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from kaizenlake.cli.shell.options import (
    LAKE,
    ByOption,
    JsonOption,
    LakeOption,
    PolicyArgument,
    TenantOption,
    VersionArgument,
)
from kaizenlake.cli.shell.output import decider, draw, open_view, say, say_json
from kaizenlake.decide.record.user_functions import load_function
from kaizenlake.errors import GateError, UsageError
from kaizenlake.vocabulary import plural


def replay(
    policy_id: PolicyArgument,
    version: VersionArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    golden_set: Annotated[
        str | None,
        typer.Option(
            "--golden", help="Golden set, as NAME (its newest version) or NAME@VERSION; the agent's by default."
        ),
    ] = None,
    all_runs: Annotated[
        bool, typer.Option("--all-runs", help="Take all logged runs, although the agent has a golden set.")
    ] = False,
    call: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="Run the recorded inputs again through this function of yours, imported from the working folder. It takes "
            "a recorded input and a seed, and answers the fields of RUN_COMPLETED.",
        ),
    ] = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a version on logged runs: by their propensities, or by running their inputs again. Exits 1 unless it passes.

    What is evaluated by propensities is what its router_rules would choose. Where the log cannot answer it is refused, and
    no figure is given.
    """
    from kaizenlake.decide.replays.off_policy import replay_off_policy
    from kaizenlake.decide.replays.re_execution import re_execute

    who = decider(by)
    opened = open_view(lake, tenant)
    if call is None:
        done = replay_off_policy(opened, policy_id, version, by=who, golden_set=golden_set, all_runs=all_runs)
    elif all_runs:
        raise UsageError("Inputs that are run again are those of a golden set: give --golden, not --all-runs.")
    else:
        done = re_execute(opened, policy_id, version, load_function(call), by=who, golden_set=golden_set)
    if as_json:
        say_json({**done.payload, "is_new": done.is_new})
    else:
        _tell(done.payload, is_new=done.is_new)
    if done.verdict != "passed":
        raise GateError(f"The replay of {policy_id} {version} {_format_outcome(done.payload)}.")


def _tell(said: Mapping[str, Any], *, is_new: bool) -> None:
    on = (
        ""
        if said.get("golden_set_id") is None
        else f" of golden set {said['golden_set_id']}@{said['golden_set_version']}"
    )
    how = "running its inputs again" if said["kind"] == "re_execution" else "propensities"
    say(f"{said['policy_id']} {said['policy_version']} by {how}: {said['verdict']}")
    say(f"  {plural(said['runs'], 'run')}{on}, {plural(said['units'], 'unit')}, {plural(said['random_seeds'], 'seed')}")
    if said.get("effective_units") is not None:
        say(f"  {said['effective_units']:.1f} effective units, largest weight {said['max_weight']:.2f}")
    if said.get("effect") is not None:
        say(
            f"  effect {said['effect']:+.4f} ({said['effect_ci_low']:+.4f} to {said['effect_ci_high']:+.4f}) "
            f"by {said['estimator']}: loss {said['estimated_loss']:.4f}, logged {said['logged_loss']:.4f}"
        )
    for shortfall in said["shortfalls"]:
        say(f"  {shortfall}")
    say(f"  replay {said['replay_id']}, {'on record' if is_new else 'on record already'}")
    entries = said["estimates"]["estimates"]
    if len(entries) > 1:
        heads = ("estimator", "loss", "effect", "ci_low", "ci_high", "seeds_sd", "stability")
        names = ("estimator", "loss", "effect", "effect_ci_low", "effect_ci_high", "seeds_sd", "stability")
        draw(heads, [[entry[name] for name in names] for entry in entries])


def _format_outcome(said: Mapping[str, Any]) -> str:
    if said["verdict"] == "failed":
        return "failed"
    return f"was refused: {'the log holds' if said['kind'] == 'off_policy' else 'it gives'} no answer"
