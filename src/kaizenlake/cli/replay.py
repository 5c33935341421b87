"""Commands that evaluate candidates on logged runs, and that freeze the runs they are evaluated on."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kaizenlake.cli import policy
from kaizenlake.cli.policy import PolicyArgument, VersionArgument
from kaizenlake.cli.words import (
    LAKE,
    ByOption,
    JsonOption,
    LakeOption,
    ReasonOption,
    decider,
    draw,
    open_lake,
    say,
    say_json,
)
from kaizenlake.errors import GateError, UsageError, VerificationError

if TYPE_CHECKING:
    from kaizenlake.decide.golden import GoldenSet
    from kaizenlake.decide.re_execution import Call

DoerOption = Annotated[str | None, typer.Option("--doer", help="Only sets of this doer.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands on replays and golden sets."""
    policy.group.command("replay", epilog="Example: kaizen policy replay planner 1.4.0")(replay)
    group = typer.Typer(
        help="Freeze runs as golden sets, on which every candidate of their doer is replayed; list and verify them.",
        no_args_is_help=True,
        epilog="A set is signed and has versions: what was frozen never changes.",
    )
    for name, command, example in (
        ("freeze", freeze, "freeze core --doer planner --since 2026-03-01 --at-most 500"),
        ("list", list_, "list --doer planner"),
        ("verify", verify, "verify core"),
    ):
        group.command(name, epilog=f"Example: kaizen golden {example}")(command)
    app.add_typer(group, name="golden")


def replay(
    policy_id: PolicyArgument,
    version: VersionArgument,
    lake: LakeOption = LAKE,
    golden_set: Annotated[
        str | None,
        typer.Option(
            "--golden", help="Golden set, as NAME (its newest version) or NAME@VERSION; the doer's by default."
        ),
    ] = None,
    all_runs: Annotated[
        bool, typer.Option("--all-runs", help="Take all logged runs, although the doer has a golden set.")
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
    from kaizenlake.decide.off_policy import replay_off_policy
    from kaizenlake.decide.re_execution import re_execute

    who = decider(by)
    opened = open_lake(lake)
    if call is None:
        done = replay_off_policy(opened, policy_id, version, by=who, golden_set=golden_set, all_runs=all_runs)
    elif all_runs:
        raise UsageError("Inputs that are run again are those of a golden set: give --golden, not --all-runs.")
    else:
        done = re_execute(opened, policy_id, version, _function(call), by=who, golden_set=golden_set)
    if as_json:
        say_json({**done.payload, "is_new": done.is_new})
    else:
        _tell(done.payload, is_new=done.is_new)
    if done.verdict != "passed":
        raise GateError(f"The replay of {policy_id} {version} {_outcome(done.verdict)}.")


def freeze(
    name: Annotated[str, typer.Argument(help="Name of the set; one that exists gets its next version.")],
    doer: Annotated[str, typer.Option("--doer", help="Agent whose runs it holds.")],
    lake: LakeOption = LAKE,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First UTC day on which the runs ended.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last such day.")] = None,
    outcome: Annotated[str | None, typer.Option(help="How the runs ended, as they say it.")] = None,
    run: Annotated[list[str] | None, typer.Option("--run", help="This run; may be given many times.")] = None,
    at_most: Annotated[int | None, typer.Option(min=1, help="Most runs; of more a sample is drawn.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of that sample.")] = 0,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Freeze runs of a doer as the next version of a golden set: hashed and signed. The same runs once more change nothing."""
    from kaizenlake.decide import golden

    filters = golden.Filters(_day(since), _day(until), outcome, tuple(run or ()), at_most, seed)
    item, is_new = golden.freeze(open_lake(lake), name, doer=doer, by=decider(by), filters=filters, reason=reason)
    if as_json:
        say_json({**_facts(item), "golden_runs": item.runs, "is_new": is_new})
        return
    state = "Frozen" if is_new else "It stands as it was frozen"
    say(f"{state}: {item.name} with {len(item.runs):,} run(s) of {item.doer}, content {item.content_sha256[:16]}….")


def list_(lake: LakeOption = LAKE, doer: DoerOption = None, as_json: JsonOption = False) -> None:
    """List every version of every golden set."""
    from kaizenlake.decide import golden
    from kaizenlake.tables import Events

    found = [item for item in golden.golden_sets(open_lake(lake).scan(Events)) if doer in {None, item.doer}]
    if as_json:
        say_json([_facts(item) for item in found])
        return
    if not found:
        say("There is no golden set; `kaizen golden freeze NAME --doer DOER` makes one.")
        return
    heads = ("set", "version", "doer", "runs", "frozen", "by", "reason")
    rows = (_facts(item) for item in found)
    draw(heads, [(r["golden_set_id"], r["golden_set_version"], r["doer"], r["runs"], r["frozen_at"], r["frozen_by"], r["reason"]) for r in rows])  # fmt: skip


def verify(
    name: Annotated[
        str | None,
        typer.Argument(help="Set, as NAME (its newest version) or NAME@VERSION; the newest of all unless given."),
    ] = None,
    lake: LakeOption = LAKE,
    public_key: Annotated[
        Path | None, typer.Option(help="Key in PEM that must have signed it; the lake's own unless given.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check golden sets against the lake and their signatures: runs that were lost or changed since are named."""
    from kaizenlake import signing
    from kaizenlake.decide import golden
    from kaizenlake.tables import Events

    opened = open_lake(lake)
    events = opened.scan(Events)
    key = golden.public_key_of(opened)
    if public_key is not None:
        try:
            key = signing.public_key(public_key.read_bytes(), str(public_key))
        except OSError as error:
            raise UsageError(f"The key cannot be read: {error.strerror or error}.", where=str(public_key)) from error
    sets = golden.newest(events) if name is None else [golden.find(events, name)]
    found = {item.name: golden.problems(events, item, key) for item in sets}
    if as_json:
        say_json([{"golden_set": name, "problems": problems} for name, problems in found.items()])
    else:
        for item in sets:
            for problem in found[item.name]:
                say(f"FAILED  {problem}")
            if not found[item.name]:
                say(f"ok      golden set {item.name} ({len(item.runs):,} run(s))")
        if not sets:
            say("There is no golden set.")
    if failed := sum(map(bool, found.values())):
        raise VerificationError(f"{failed} golden set(s) failed.")


def _function(name: str) -> Call:
    """The function of the user that a word names, imported from the working folder."""
    module, _, function = name.partition(":")
    if not module or not function:
        raise UsageError(f"Expected MODULE:FUNCTION, such as agents:run_again; found {name!r}.")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), function, None)
    except Exception as error:
        raise UsageError(f"The module {module!r} cannot be imported: {type(error).__name__}: {error}.") from error
    finally:
        sys.path.pop(0)
    if not callable(found):
        raise UsageError(f"The module {module!r} has no function {function!r}.")
    call: Call = found
    return call


def _tell(said: Mapping[str, Any], *, is_new: bool) -> None:
    on = (
        ""
        if said.get("golden_set_id") is None
        else f" of golden set {said['golden_set_id']}@{said['golden_set_version']}"
    )
    how = "running its inputs again" if said["kind"] == "re_execution" else "propensities"
    say(f"{said['policy_id']} {said['policy_version']} by {how}: {said['verdict']}")
    say(f"  {said['runs']:,} run(s){on}, {said['units']:,} unit(s), {said['random_seeds']} seed(s)")
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


def _outcome(verdict: str) -> str:
    return "was refused: the log holds no answer" if verdict == "refused" else "failed"


def _facts(item: GoldenSet) -> dict[str, Any]:
    return {
        "golden_set_id": item.golden_set_id,
        "golden_set_version": item.golden_set_version,
        "doer": item.doer,
        "runs": len(item.runs),
        "content_sha256": item.content_sha256,
        "key_id": item.key_id,
        "frozen_at": item.frozen_at.astimezone(UTC).isoformat(timespec="seconds"),
        "frozen_by": item.frozen_by,
        "reason": item.reason,
    }


def _day(given: datetime | None) -> date | None:
    return None if given is None else given.date()
