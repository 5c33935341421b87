"""Commands on shadows and canaries: start one, look at what each night made of it, end it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kaizenlake.cli.shell.groups import add_group
from kaizenlake.cli.shell.options import (
    LAKE,
    ByOption,
    JsonOption,
    LakeOption,
    PolicyArgument,
    ReasonOption,
    TenantOption,
)
from kaizenlake.cli.shell.output import decider, draw, open_view, say, say_json
from kaizenlake.cli.shell.serving import serve
from kaizenlake.errors import UsageError
from kaizenlake.vocabulary import Method, Mode, plural

if TYPE_CHECKING:
    from kaizenlake.lake.store import Lake
    from kaizenlake.parameters import Guardrail

DeploymentArgument = Annotated[str, typer.Argument(help="Deployment, such as planner-canary-1.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands on shadows and canaries."""
    add_group(
        app,
        "canary",
        (start, "start planner 1.4.0 --share 0.1 --unit user"),
        (list_, "list --running"),
        (show, "show planner-canary-1"),
        (stop, 'stop planner-canary-1 --reason "the holidays begin"'),
        about="Start shadows and canaries, look at them night by night, and stop them.",
        more="A shadow serves nobody; a canary serves a share of the units, each always by the same version.",
    )


def start(
    policy: PolicyArgument,
    candidates: Annotated[list[str], typer.Argument(help="Versions to try, one or more.")],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    mode: Annotated[Mode, typer.Option("--mode", help="A shadow serves nobody, a canary a share.")] = "canary",
    control: Annotated[
        str | None, typer.Option("--control", help="Version to compare with; the active one unless given.")
    ] = None,
    share: Annotated[
        list[float] | None,
        typer.Option(
            "--share",
            help="Share of the units that the candidates serve together, or one for each, in their order; 0.01 to 0.5 in all.",
        ),
    ] = None,
    unit: Annotated[str, typer.Option("--unit", help="What is randomised, such as user or project.")] = "unit",
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the deployment; <policy>-<mode>-<number> unless given.")
    ] = None,
    salt: Annotated[
        str | None, typer.Option("--salt", help="Text hashed with the unit; the name of the deployment unless given.")
    ] = None,
    nights: Annotated[int | None, typer.Option("--nights", help="Nights after which it is decided.")] = None,
    minimum_units: Annotated[
        int | None, typer.Option("--minimum-units", help="Units that the smaller arm must have before a verdict.")
    ] = None,
    alpha: Annotated[float | None, typer.Option("--alpha", help="Chance of a false promotion over all nights.")] = None,
    method: Annotated[Method | None, typer.Option("--method", help="How that chance is spent over the nights.")] = None,
    max_loss_increase: Annotated[
        float | None, typer.Option("--max-loss-increase", help="Increase of the mean loss that is tolerated.")
    ] = None,
    guardrail: Annotated[
        list[str] | None,
        typer.Option(
            "--guardrail", help="Metric and margin, such as cost_usd=0.02; those of the settings unless given."
        ),
    ] = None,
    auto_promote: Annotated[
        bool | None,
        typer.Option("--auto-promote/--no-auto-promote", help="The night promotes by itself.", show_default=False),
    ] = None,
    auto_rollback: Annotated[
        bool | None,
        typer.Option("--auto-rollback/--no-auto-rollback", help="The night rolls back by itself.", show_default=False),
    ] = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start a shadow or a canary; routers know of it at once. What is not given is as the settings say."""
    from kaizenlake.decide.canaries import deployments

    plan = deployments.DeploymentPlan(
        mode=mode,
        policy_id=policy,
        candidates=tuple(candidates),
        control=control,
        shares=_list_shares(share, len(candidates)),
        deployment_id=name,
        unit_name=unit,
        salt=salt,
        horizon_nights=nights,
        minimum_units=minimum_units,
        alpha=alpha,
        method=method,
        max_loss_increase=max_loss_increase,
        guardrails=None if guardrail is None else tuple(map(_guardrail, guardrail)),
        auto_promote=auto_promote,
        auto_rollback=auto_rollback,
    )
    opened = open_view(lake, tenant)
    row = deployments.start(opened, plan, by=decider(by), reason=reason)
    serve(opened)
    untold = deployments.list_silent_guardrails(opened, row)
    if as_json:
        say_json(row | {"untold_guardrails": untold})
        return
    say(f"The {mode} {row['deployment_id']} runs.")
    _tell(row)
    control = row["control_version"]
    for metric in untold:
        if metric in row["settings_guardrails"]:
            say(
                f"Left out: the guardrail of {metric}, which only the settings name: no run of {control} told it in the last "
                "30 days. It counts once runs of the control tell it."
            )
        else:
            say(
                f"Warning: no run of {control} told {metric} in the last 30 days. Its guardrail blocks a promotion until runs of "
                "both versions tell it."
            )


def list_(
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    policy: Annotated[str | None, typer.Option("--policy", help="Only those of this policy.")] = None,
    running: Annotated[bool, typer.Option("--running", help="Only those that have not ended.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List shadows and canaries: of each candidate what came of it, and the look whose verdict stands."""
    from kaizenlake.decide.policies import deployment_ends, policies

    opened = open_view(lake, tenant)
    state = policies.state(opened)
    rows = [
        row | {"results": deployment_ends.find_result_of_each(state, row)}
        for row in state.deployments.sort("started_at", "deployment_id").to_dicts()
        if (policy is None or row["policy_id"] == policy) and (not running or row["status"] == "running")
    ]
    latest = {(look["deployment_id"], look["policy_version"]): look for look in _gather_standing(opened)}
    if as_json:
        say_json(
            [
                row
                | {
                    "verdicts": {
                        version: look["verdict"]
                        for version in row["candidate_versions"]
                        if (look := latest.get((row["deployment_id"], version))) is not None
                    }
                }
                for row in rows
            ]
        )
        return
    if not rows:
        say("There is none." if running or policy else "There is none yet; `kaizen canary start` starts one.")
        return
    heads = (
        "deployment",
        "mode",
        "policy",
        "control",
        "candidate",
        "share",
        "status",
        "since",
        "look",
        "effect",
        "verdict",
    )
    draw(
        heads,
        [
            (
                row["deployment_id"],
                row["deployment_mode"],
                row["policy_id"],
                row["control_version"],
                version,
                share,
                row["results"][version],
                f"{row['started_at'] if row['ended_at'] is None else row['ended_at']:%Y-%m-%d %H:%M}",
                *_describe_state(latest.get((row["deployment_id"], version))),
            )
            for row in rows
            for version, share in zip(row["candidate_versions"], row["candidate_shares"], strict=True)
        ],
    )


def show(
    deployment: DeploymentArgument, lake: LakeOption = LAKE, tenant: TenantOption = None, as_json: JsonOption = False
) -> None:
    """Show a deployment and every look at it: what each night knew of each candidate, its verdict and the reason."""
    from kaizenlake.decide.canaries import deployments
    from kaizenlake.decide.policies import deployment_ends, policies
    from kaizenlake.report.canary.canary_labels import missing_outcomes

    opened = open_view(lake, tenant)
    state, looks = policies.state(opened), _list_looks(opened, deployment)
    row = deployments.row_of(state, deployment)
    results = deployment_ends.find_result_of_each(state, row)
    if as_json:
        say_json({**row, "results": results, "looks": looks})
        return
    _tell(row)
    if row["result"] is not None and len(results) > 1:
        say("Of each: " + ", ".join(f"{version} {result}" for version, result in results.items()) + ".")
    if not looks:
        say("No night has looked at it yet.")
        return
    say()
    draw(
        (
            "look",
            "day",
            "candidate",
            "units",
            "control",
            "loss",
            "control",
            "effect",
            "low",
            "high",
            "p",
            "level",
            "verdict",
        ),
        [
            (
                look["look"],
                look["looked_on"],
                look["policy_version"],
                look["units"],
                look["units_control"],
                look["mean_loss"],
                look["mean_loss_control"],
                look["effect"],
                look["sequential_ci_low"],
                look["sequential_ci_high"],
                look["p_boundary"],
                look["boundary_p"],
                look["verdict"],
            )
            for look in looks
        ],
    )
    say()
    last = max(look["look"] for look in looks)
    for look in looks:
        if look["look"] == last:
            say(f"{look['policy_version']} on night {last}: {look['verdict']}. {look['reason']}")
            for words in missing_outcomes(look):
                say(words)
    for look in _gather_standing(opened, deployment):
        if look["look"] < last:
            say(
                f"{look['policy_version']}: night {look['look']} stands, since a pause takes back nothing: {look['verdict']}. "
                f"{look['reason']}"
            )


def stop(
    deployment: DeploymentArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a shadow or a canary without a verdict: routers serve its control to everybody at once."""
    from kaizenlake.decide.canaries import deployments

    opened = open_view(lake, tenant)
    row, is_new = deployments.stop(opened, deployment, by=decider(by), reason=reason)
    serve(opened)
    if as_json:
        say_json(row | {"is_new": is_new})
    elif is_new:
        say(f"{deployment} is stopped. Its candidates keep their status; `kaizen policy rollback` takes one out of it.")
    else:
        say(f"{deployment} ended before: {row['result']}, by {row['ended_by']}. Nothing was changed.")


def _tell(row: dict[str, Any]) -> None:
    """Say what a deployment compares, and by which rule."""
    arms = ", ".join(
        version if row["deployment_mode"] == "shadow" or share is None else f"{version} ({share:.0%})"
        for version, share in zip(row["candidate_versions"], row["candidate_shares"], strict=True)
    )
    where = f" in the phase {row['phase']}" if row["phase"] else ""
    say(
        f"A {row['deployment_mode']} of {row['policy_id']} for {row['doer']}{where}: {arms} against {row['control_version']}, "
        f"by {row['unit_name']}."
    )
    say(
        f"At most {plural(row['horizon_nights'], 'night')}, alpha {row['alpha']:g} ({row['method']}), at least "
        f"{row['minimum_units']} units an arm, loss at most {row['max_loss_increase']:g} worse."
    )
    if row["guardrail_metrics"]:
        margins = zip(row["guardrail_metrics"], row["guardrail_margins"], strict=True)
        say("Guardrails: " + ", ".join(f"{metric} at most {margin:g} more" for metric, margin in margins) + ".")
    allowed = [
        words
        for words, is_allowed in (("roll back", row["auto_rollback"]), ("promote", row["auto_promote"]))
        if is_allowed
    ]
    say(f"The night may {' and '.join(allowed)} by itself." if allowed else "The night decides nothing by itself.")
    say(f"Started {row['started_at']:%Y-%m-%d %H:%M} UTC by {row['started_by']}.")
    if row["ended_at"] is not None:
        why = f" {row['reason']}" if row["reason"] else ""
        say(f"Ended {row['ended_at']:%Y-%m-%d %H:%M} UTC by {row['ended_by']}: {row['result']}.{why}")


def _list_looks(lake: Lake, deployment: str) -> list[dict[str, Any]]:
    """Return looks at a deployment, in their order."""
    from kaizenlake.tables import CanaryLooks

    rows = lake.scan(CanaryLooks).filter(deployment_id=deployment)
    return rows.sort("look", "policy_version").collect().to_dicts()


def _gather_standing(lake: Lake, deployment: str | None = None) -> list[dict[str, Any]]:
    """Return the look at each candidate whose verdict stands; of one deployment or all."""
    from kaizenlake.jobs.canaries._canary_standing import standing
    from kaizenlake.tables import CanaryLooks

    rows = lake.scan(CanaryLooks)
    rows = rows if deployment is None else rows.filter(deployment_id=deployment)
    return standing(rows).sort("deployment_id", "policy_version").collect().to_dicts()


def _describe_state(look: dict[str, Any] | None) -> tuple[Any, ...]:
    return (None, None, None) if look is None else (look["look"], look["effect"], look["verdict"])


def _list_shares(given: list[float] | None, candidates: int) -> tuple[float, ...] | None:
    """Return one share for each candidate; a single one is that of all together."""
    if not given:
        return None
    if len(given) == 1 and math.isfinite(given[0]):
        return (given[0] / candidates,) * candidates
    return tuple(given)


def _guardrail(text: str) -> Guardrail:
    """Return a guardrail out of words.

    >>> _guardrail("cost_usd=0.02").margin
    0.02

    Raises:
        UsageError: It is none.
    """
    from pydantic import ValidationError

    from kaizenlake.parameters import Guardrail
    from kaizenlake.settings import describe_broken

    metric, _, margin = text.partition("=")
    try:
        return Guardrail.model_validate({"metric": metric.strip(), "margin": margin.strip()})
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"--guardrail takes metric=margin, such as cost_usd=0.02; found {text!r}: {first['loc'][0]}: {describe_broken(first)}."
        ) from error
