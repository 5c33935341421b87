"""What does a candidate lose when recorded inputs are run again? Same inputs, fixed seeds, each seed twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

import polars as pl

from kaizenlake import tables
from kaizenlake.decide.record.command_words import write_command
from kaizenlake.decide.replays import golden, replays
from kaizenlake.decide.replays.logged_runs import decode_runs, logged_runs, run_events, some_of, with_losses
from kaizenlake.decide.replays.replays import Replayed
from kaizenlake.errors import EventError, UsageError
from kaizenlake.events.catalogue import by_name
from kaizenlake.events.check.landed_lines import check_lines
from kaizenlake.events.envelope import EARLIEST
from kaizenlake.events.write.log import event_line
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.parameters import LossRules, Replays
from kaizenlake.stats.replay.paired import repeated_change
from kaizenlake.tables import RunRecords
from kaizenlake.vocabulary import plural

PAIRED = "paired"
"""Name of the estimator: each run again against the run as logged."""

IDENTITY = ("run_id", "doer", "phase", "policy_id", "policy_version", "unit_id", "task_id", "segment", "seed")
"""Fields of the outcome that the replay gives itself, whatever the callable answers."""

INHERITED = ("budget_usd", "latency_budget_seconds")
"""Fields that are part of the input: where the callable does not answer them, they are as logged."""

_ALWAYS = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class RecordedInput:
    """What a run was given, for a candidate to be given the same.

    Args:
        run_id: Run, as logged.
        input: What it was given: `metadata["input"]` of its event, else its payload.
        payload: Payload of its event.
        tenant_id: Tenant; None where there is one only.
        project_id: Project; None where none was given.
    """

    run_id: str
    input: Any
    payload: Mapping[str, Any]
    tenant_id: str | None = None
    project_id: str | None = None


Call: TypeAlias = Callable[[RecordedInput, int], Mapping[str, Any]]
"""Runs a recorded input under a seed; answers the fields of `RUN_COMPLETED` that came of it."""


def re_execute(
    lake: Lake,
    policy_id: str,
    policy_version: str,
    call: Call,
    *,
    by: str,
    golden_set: str | None = None,
    now: datetime | None = None,
) -> Replayed:
    """Run the recorded inputs of a golden set through a callable, and append how its losses compare with those logged.

    Each input is run twice under each of `replays.seeds`. A run whose two answers differ, or that raises, is counted and
    fails the replay. The loss of an answer is reckoned as the job `crl` does, on the terms that both it and the logged run
    tell: a term that only one of them tells would make two losses of different things. The runs of a unit are compared
    together.

    Args:
        policy_version: Version that the callable runs.
        call: Runs an input under a seed.
        by: Who asks.
        golden_set: Golden set, as `name` (its newest version) or `name@version`; the doer's only one by default.
        now: Aware instant of the clock; the clock's by default.

    Raises:
        UsageError: There is no such version or golden set.
        VerificationError: The version's document is not what was hashed and signed.
        EventError: An answer breaks the declaration of `RUN_COMPLETED`; the words say which field of which run.
    """
    stamp = now or datetime.now(UTC)
    lake = view_of(lake)
    events = decisions.of(lake)
    candidate = replays.candidate(lake, events, policy_id, policy_version)
    frozen = golden.choose(events, candidate.doer, golden_set, replayed=(policy_id, policy_version))
    if frozen is None:
        raise UsageError(
            f"{candidate.doer!r} has no golden set, so nothing says which runs to run again.",
            hint=f"{write_command('golden', 'freeze', 'NAME', '--doer', candidate.doer)} freezes one.",
        )
    settings = lake.settings.replays
    spoiled = golden.problems(events, frozen, golden.public_key_of(lake))
    logged = logged_runs(
        events,
        doer=candidate.doer,
        phase=candidate.phase,
        loss=lake.settings.loss,
        as_of=_ALWAYS,
        run_ids=frozen.runs,
    )
    if spoiled:
        # A set that is not what it was is not run: its answer would be one to another question.
        answer = _refuse(logged, settings, spoiled)
    else:
        inputs = _list_inputs(run_events(events, doer=candidate.doer, as_of=_ALWAYS, run_ids=frozen.runs), logged)
        who = {"policy_id": policy_id, "policy_version": policy_version}
        found = run_again(inputs, call, settings.seeds, who)
        answer = compare(logged, found, settings, lake.settings.loss, lake.settings.evidence.confidence)
    payload = answer | replays.describe_evaluation(candidate, frozen) | {"kind": "re_execution"}
    return replays.record(lake, payload, by=by, now=stamp)


@dataclass
class Again:
    """What came of running inputs again.

    Args:
        lines: Event lines of the outcomes, one a run and seed.
        keys: Of each line the place of its run and of its seed.
        differing: Runs that answered differently when run twice with one seed.
        raised: Errors that runs raised, each with the runs that did.
    """

    lines: list[bytes] = field(default_factory=list)
    keys: list[tuple[int, int]] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    raised: dict[str, list[str]] = field(default_factory=dict)


def run_again(inputs: Sequence[RecordedInput], call: Call, seeds: Sequence[int], who: Mapping[str, str]) -> Again:
    """Run inputs, each twice under each seed.

    Args:
        inputs: What runs were given.
        call: Runs one.
        who: Policy and version that are run.

    Raises:
        EventError: An answer is no object, or breaks the declaration of `RUN_COMPLETED`.
    """
    found = Again()
    for place, given in enumerate(inputs):
        try:
            twice = [[_answer(call, given, seed) for _ in range(2)] for seed in seeds]
        except EventError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the candidate's own, which is what is tested
            said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            found.raised.setdefault(said, []).append(given.run_id)
            continue
        if any(_spell(one) != _spell(other) for one, other in twice):
            found.differing.append(given.run_id)
        for number, (seed, (answer, _)) in enumerate(zip(seeds, twice, strict=True)):
            found.lines.append(_line(given, answer, seed, _key(place, number), who))
            found.keys.append((place, number))
    return found


def compare(
    logged: pl.DataFrame, found: Again, settings: Replays, loss: LossRules, confidence: float
) -> dict[str, Any]:
    """Compare the outcomes of running again with the runs as logged.

    Args:
        logged: Rows of `logged_runs`, in the order in which they were run.
        found: What came of it.
        settings: Fewest runs, seeds, and the increase that is tolerated.
        loss: Weights and terms of the loss.
        confidence: Coverage of the interval.

    Returns:
        Fields of `OFFLINE_REPLAYED`.
    """
    pairs = _select_pairs(logged, found, loss)
    losses = (pairs[name].to_numpy() for name in ("before", "after"))
    codes = (pairs[name].rank("dense").cast(pl.Int64).to_numpy() - 1 for name in ("place", "seed", "unit"))
    again = repeated_change(*losses, *codes, confidence=confidence)
    change = again.change
    counted = {
        "random_seeds": len(settings.seeds),
        "runs": logged.height,
        "units": change.units,
        "differing_answers": len(found.differing),
    }
    failures = []
    if found.differing:
        failures.append(
            f"{plural(len(found.differing), 'run')} answered differently with the same seed: {some_of(found.differing)}"
        )
    if found.raised:
        failures.append(_list_errors(found.raised))
    reasons = []
    if again.runs < settings.minimum_runs:
        reasons.append(f"{plural(again.runs, 'run')} could be compared, at least {settings.minimum_runs} are needed")
    if counted["units"] < 2:
        reasons.append(f"they are of {plural(counted['units'], 'unit')}, at least 2 are needed for an interval")
    if reasons:
        verdict = "failed" if failures else "refused"
        return counted | {"verdict": verdict, "shortfalls": [*failures, *reasons], "estimates": {"estimates": []}}
    if not change.ci_high < settings.max_loss_increase:
        failures.append(
            f"the effect may be as large as {change.ci_high:+.4f}; it must lie below {settings.max_loss_increase:+.4f}"
        )
    figures = {
        "effect": change.effect,
        "effect_ci_low": change.ci_low,
        "effect_ci_high": change.ci_high,
        "seeds_sd": again.seeds_sd,
    }
    return (
        counted
        | figures
        | {
            "verdict": "failed" if failures else "passed",
            "shortfalls": failures,
            "estimator": PAIRED,
            "logged_loss": again.before,
            "estimated_loss": again.after,
            "estimates": {"estimates": [{"estimator": PAIRED, "loss": again.after, **figures}]},
        }
    )


def _select_pairs(logged: pl.DataFrame, found: Again, loss: LossRules) -> pl.DataFrame:
    """Return one row a run and seed with a loss on both sides: place, seed, unit, before, after; of the terms both tell."""
    schema = {"run_id": pl.String(), "place": pl.UInt32(), "seed": pl.Int64()}
    keys = pl.DataFrame([(_key(*key), *key) for key in found.keys], schema=schema, orient="row")
    checked = check_lines(found.lines, range(1, len(found.lines) + 1), now=datetime.now(UTC))
    assert not checked.rejected, "each line was checked when it was made"
    after = decode_runs(checked.frame.lazy()).collect()
    of_run = logged.select(tables.schema(RunRecords).names()).drop("run_id").with_row_index("place")
    before = keys.select("run_id", "place").join(of_run, on="place").select(after.columns)
    losses = [
        with_losses(_where_both_tell(one, other).lazy(), loss, _ALWAYS).select("run_id", pl.col("loss").alias(name))
        for name, one, other in (("before", before, after), ("after", after, before))
    ]
    units = logged.with_row_index("place").select("place", "unit")
    pairs = keys.lazy().join(losses[0], on="run_id").join(losses[1], on="run_id").collect().join(units, on="place")
    return pairs.drop_nulls(["before", "after"]).sort("place", "seed")


def _where_both_tell(runs: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return runs, each without the figures that the other run of its name does not tell."""
    run = by_name("RUN_COMPLETED")
    assert run is not None
    told = [item.name for item in run.fields if item.kind in {"int", "float", "bool"}]
    gates = [name for name in told if name.startswith("gates_")]
    # A run that failed without gates tells of them all the same: it passed none.
    theirs = others.select(
        "run_id",
        *(
            (pl.col(name).is_not_null() | (pl.col("failed_without_gates") & (name in gates))).alias(f"{name}_told")
            for name in told
        ),
    ).with_columns(failed_without_gates_told=pl.all_horizontal(f"{name}_told" for name in gates))
    kept = (pl.when(pl.col(f"{name}_told")).then(name).alias(name) for name in [*told, "failed_without_gates"])
    return runs.join(theirs, on="run_id", maintain_order="left").with_columns(*kept).select(runs.columns)


def _key(place: int, number: int) -> str:
    return f"{place}.{number}"


def _list_inputs(bronze: pl.LazyFrame, logged: pl.DataFrame) -> list[RecordedInput]:
    """Return the recorded input of each logged run, in their order."""
    wanted = bronze.join(logged.lazy().select("event_id"), on="event_id", how="semi").collect()
    by_event = {row["event_id"]: row for row in wanted.iter_rows(named=True)}
    found = []
    for event_id in logged["event_id"]:
        row = by_event[event_id]
        payload = json.loads(row["payload"])
        metadata = json.loads(row["metadata"]) if row["metadata"] else {}
        given = metadata.get("input", payload)
        found.append(RecordedInput(row["run_id"], given, payload, row["tenant_id"], row["project_id"]))
    return found


def _answer(call: Call, given: RecordedInput, seed: int) -> dict[str, Any]:
    answer = call(given, seed)
    if not isinstance(answer, Mapping):
        raise EventError(
            f"Run {given.run_id}: the callable answered a {type(answer).__name__}, expected the fields of RUN_COMPLETED.",
            hint='Such as {"gates_passed": 3, "gates_total": 4, "cost_usd": 0.02}.',
        )
    return {str(name): value for name, value in answer.items()}


def _line(given: RecordedInput, answer: Mapping[str, Any], seed: int, key: str, who: Mapping[str, str]) -> bytes:
    """Return the event of an outcome, checked as a logged run is."""
    said = {name: given.payload[name] for name in INHERITED if name in given.payload}
    said |= {name: value for name, value in answer.items() if name not in IDENTITY}
    said |= {name: given.payload[name] for name in IDENTITY if name in given.payload}
    said |= {**who, "run_id": key, "seed": seed}
    try:
        line = event_line(
            "RUN_COMPLETED",
            said,
            event_id=key,
            occurred_at=EARLIEST,
            tenant_id=given.tenant_id,
            project_id=given.project_id,
        )
    except EventError as error:
        raise EventError(
            f"Run {given.run_id}: what the callable answered breaks a rule. {error.message}",
            field=error.field,
            rule=error.rule,
            hint=error.hint,
        ) from None
    return line.text.rstrip(b"\n")


def _spell(answer: Mapping[str, Any]) -> str:
    """Return an answer in one spelling, by which two are compared."""
    return json.dumps(answer, sort_keys=True, default=repr)


def _refuse(logged: pl.DataFrame, settings: Replays, reasons: Sequence[str]) -> dict[str, Any]:
    return {
        "random_seeds": len(settings.seeds),
        "runs": logged.height,
        "units": logged["unit"].n_unique(),
        "verdict": "refused",
        "shortfalls": list(reasons),
        "estimates": {"estimates": []},
    }


def _list_errors(errors: Mapping[str, Sequence[str]]) -> str:
    """Return which errors were raised: each once, the most frequent first, with its runs."""
    frequent = sorted(errors.items(), key=lambda item: -len(item[1]))
    each = [f"{len(runs)} by {said} ({some_of(runs)})" for said, runs in frequent]
    return f"{plural(sum(map(len, errors.values())), 'run')} raised: {some_of(each, between='; ')}"
