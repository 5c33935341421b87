"""Commands on policies: what there is, where it comes from, what was decided of it, and the decisions themselves."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kaizenlake.cli.commands.replay import replay
from kaizenlake.cli.shell.groups import add_group
from kaizenlake.cli.shell.options import (
    LAKE,
    ByOption,
    DoerOption,
    JsonOption,
    LakeOption,
    PolicyArgument,
    ReasonOption,
    TenantOption,
    VersionArgument,
)
from kaizenlake.cli.shell.output import decider, draw, note, open_lake, open_view, say, say_json
from kaizenlake.cli.shell.serving import serve
from kaizenlake.cli.training.propose import propose
from kaizenlake.vocabulary import Status

if TYPE_CHECKING:
    from kaizenlake.decide.policies.policies import Decision
    from kaizenlake.decide.record.state import DecisionState, Version

AnyVersionArgument = Annotated[
    str | None, typer.Argument(help="Version; the active one unless given, or the newest where none is active.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands on policies."""
    add_group(
        app,
        "policy",
        (create, "create planner-1.4.0.toml"),
        (list_, "list --doer planner"),
        (show, "show planner 1.4.0"),
        (diff, "diff planner 1.3.0 1.4.0"),
        (lineage, "lineage planner 1.4.0"),
        (audit, "audit planner"),
        (approve, "approve planner 1.4.0 --by ann"),
        (promote, "promote planner 1.4.0 --to canary"),
        (rollback, 'rollback planner 1.4.0 --reason "plans without tests"'),
        (replay, "replay planner 1.4.0"),
        (propose, "propose planner"),
        about="Create, propose, look at, replay, approve, promote and roll back the policies under which agents run.",
        more="A version goes draft → shadow → canary → active → archived, each step through its gates.",
    )


def create(
    file: Annotated[
        Path,
        typer.Argument(
            help="TOML or JSON with doer and version, and any of phase, policy, parent, experiment, prompts, hparams, "
            "router_rules, tools_allowlist and weights."
        ),
    ],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create a version of a policy as a draft: checked, hashed and signed. It never changes again."""
    from kaizenlake.decide.policies import drafts, policies

    done = policies.create(open_view(lake, tenant, may_be_new=True), drafts.read(file), by=decider(by), reason=reason)
    version = done.version
    origin = f"made of {version.parent_version}" if version.parent_version else "the root of its line"
    _tell(done, f"{version.name} is a draft, {origin}: {version.content_sha256}.", as_json=as_json)


def list_(
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    doer: DoerOption = None,
    status: Annotated[Status | None, typer.Option("--status", help="Only versions of this status.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the versions of policies with where each stands at this moment."""
    from kaizenlake.decide.policies import policies

    wanted = {name: value for name, value in (("doer", doer), ("status", status)) if value is not None}
    rows = policies.state(open_view(lake, tenant)).policies.sort("policy_id", "created_at", "policy_version")
    rows = rows.filter(**wanted) if wanted else rows
    if as_json:
        say_json([_gather_facts(row) for row in rows.iter_rows(named=True)])
        return
    if rows.is_empty():
        say(
            "There is no such policy." if wanted else "There is no policy yet; `kaizen policy create FILE` creates one."
        )
        return
    shown = ("policy_id", "policy_version", "doer", "phase", "status", "status_since", "decided_by", "parent_version")
    heads = ("policy", "version", "doer", "phase", "status", "since", "by", "parent")
    draw(
        (*heads, "override"),
        [(*(_short(row[name]) for name in shown), row["is_override"]) for row in rows.iter_rows(named=True)],
    )


def show(
    policy: PolicyArgument,
    version: AnyVersionArgument = None,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a version: where it stands, its origin, whether it verifies, and its document."""
    state, found = _find(lake, tenant, policy, version)
    problem = _find_problem(lake, found)
    if as_json:
        say_json({**_gather_facts(vars(found)), "problem": problem, "document": json.loads(found.document)})
        return
    say(
        f"{found.name} for {found.doer}{f' in the phase {found.phase}' if found.phase else ''}: {found.status} since "
        f"{_short(found.status_since)}, by {found.decided_by}{' - BY OVERRIDE' if found.is_override else ''}."
    )
    say(f"Created {_short(found.created_at)} by {found.created_by}" + _format_origin(found) + ".")
    if found.approved_at is not None:
        say(f"Approved {_short(found.approved_at)} by {found.approved_by}.")
    say(f"Content {found.content_sha256}, " + ("verified." if problem is None else f"DOES NOT VERIFY: {problem}"))
    for deployment in state.running(policy):
        if found.policy_version in (deployment.control_version, *deployment.candidate_versions):
            part = "control" if found.policy_version == deployment.control_version else "candidate"
            say(f"It is the {part} of the {deployment.deployment_mode} {deployment.deployment_id}, which runs.")
    say()
    for line in _pretty(found):
        say(line)


def diff(
    policy: PolicyArgument,
    one: Annotated[str, typer.Argument(help="Version on the left.")],
    other: Annotated[str, typer.Argument(help="Version on the right.")],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what differs between two versions, as a unified diff of their documents."""
    left, right = (_find(lake, tenant, policy, version)[1] for version in (one, other))
    lines = list(difflib.unified_diff(_pretty(left), _pretty(right), left.name, right.name, lineterm=""))
    if as_json:
        say_json({"policy_id": policy, "from": one, "to": other, "diff": lines})
        return
    for line in lines or [f"{left.name} and {right.name} do not differ."]:
        say(line)


def lineage(
    policy: PolicyArgument,
    version: AnyVersionArgument = None,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a version back to the root of its line, by the hashes that the documents name."""
    state, found = _find(lake, tenant, policy, version)
    rows = [
        {
            "policy_version": item.policy_version,
            "status": item.status,
            "created_at": item.created_at,
            "created_by": item.created_by,
            "experiment_id": item.experiment_id,
            "content_sha256": item.content_sha256,
            "parent_sha256": item.parent_sha256,
            "problem": _find_problem(lake, item),
        }
        for item in state.lineage(found)
    ]
    is_whole = rows[-1]["parent_sha256"] is None
    if as_json:
        say_json({"policy_id": policy, "is_whole": is_whole, "versions": rows})
    else:
        draw(
            ("version", "status", "created", "by", "experiment", "content", "verified"),
            [
                (
                    row["policy_version"],
                    row["status"],
                    _short(row["created_at"]),
                    row["created_by"],
                    row["experiment_id"],
                    str(row["content_sha256"])[:16],
                    row["problem"] is None,
                )
                for row in rows
            ],
        )
    if not is_whole:
        note(f"The parent {rows[-1]['parent_sha256']} is not in this lake: the line does not reach its root.")


def audit(
    policy: Annotated[str | None, typer.Argument(help="Policy; all of them unless given.")] = None,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    overrides: Annotated[bool, typer.Option("--overrides", help="Only where a gate was skipped.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell what was decided of policies, by whom and on which figures; what skipped a gate stands out."""
    from kaizenlake.decide.policies import policies

    state = policies.state(open_view(lake, tenant))
    if policy is not None:
        state.check_policy(policy)
    rows = state.promotions.filter(policy_id=policy) if policy is not None else state.promotions
    rows = rows.filter("is_override") if overrides else rows
    if as_json:
        say_json([row | {"gates": _list_gates(row)} for row in rows.iter_rows(named=True)])
        return
    if rows.is_empty():
        nothing = "Nothing was decided yet." if policy is None else "Nothing was decided of it."
        say("No gate was skipped." if overrides else nothing)
    for row in rows.iter_rows(named=True):
        say(_format_sentence(row), style="bold red" if row["is_override"] else None)
        if row["reason"]:
            say(f"    Reason: {row['reason']}")
        for gate in _list_gates(row):
            skipped = "SKIPPED" if row["is_override"] else "refused"
            say(f"    {'passed ' if gate['passed'] else skipped} {gate['gate']}: {gate['found']}")


def approve(
    policy: PolicyArgument,
    version: VersionArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", help="File with the private key of who approves; needed where the settings name approvers."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Approve that a version may become active."""
    from kaizenlake.decide.policies import policies

    opened = open_view(lake, tenant)
    done = policies.approve(opened, policy, version, by=decider(by), reason=reason, key=key)
    days = opened.settings.promotion.approval_days
    _tell(done, f"{done.version.name} is approved by {done.version.approved_by}, for {days} days.", as_json=as_json)


def promote(
    policy: PolicyArgument,
    version: VersionArgument,
    to: Annotated[Status, typer.Option("--to", help="Status that it is to have.")],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    override: Annotated[
        bool,
        typer.Option("--override", help="Skip the gates that refuse; needs --reason, and stands out in the audit."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Promote a version to the next status where its gates let it through; the version it replaces is archived."""
    from kaizenlake.decide.policies import policies

    opened = open_view(lake, tenant)
    done = policies.promote(opened, policy, version, to=to, by=decider(by), reason=reason, override=override)
    serve(opened)
    words = [f"{done.version.name} is {done.version.status}."]
    if done.archived is not None:
        words.append(f"{done.archived} was archived.")
    if skipped := [gate.name for gate in done.gates if not gate.passed]:
        words.append(f"Skipped by override: {', '.join(skipped)}; the audit shows it.")
    _tell(done, " ".join(words), as_json=as_json)


def rollback(
    policy: PolicyArgument,
    version: VersionArgument,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a version out of service; where it was active, the version before it is active again."""
    from kaizenlake.decide.policies import policies

    opened = open_view(lake, tenant)
    done = policies.roll_back(opened, policy, version, by=decider(by), reason=reason)
    serve(opened)
    words = [f"{done.version.name} is archived."]
    if done.restored is not None:
        words.append(f"{done.restored} is active again.")
    elif done.is_new and any(gate.name == "restored" for gate in done.gates):
        words.append("No version is active now: the one before it does not verify.")
    elif done.is_new and policies.state(opened).active(policy) is None:
        words.append("No version is active now: routers answer with their default.")
    _tell(done, " ".join(words), as_json=as_json)


def _tell(done: Decision, words: str, *, as_json: bool) -> None:
    if as_json:
        gates = [gate.to_event() for gate in done.gates]
        facts = {name: getattr(done, name) for name in ("is_new", "archived", "restored", "ended")}
        say_json({**_gather_facts(vars(done.version)), **facts, "gates": gates})
        return
    say(words if done.is_new else f"{words} It was so already; nothing was changed.")
    for deployment in done.ended:
        say(f"The deployment {deployment} ended.")


def _find(lake: str, tenant: str | None, policy: str, version: str | None) -> tuple[DecisionState, Version]:
    from kaizenlake.decide.policies import policies

    state = policies.state(open_view(lake, tenant))
    if version is not None:
        return state, state.version(policy, version)
    state.check_policy(policy)
    return state, state.active(policy) or state.versions(policy)[-1]


def _find_problem(lake: str, version: Version) -> str | None:
    """Return why a version does not verify; None where it does."""
    from kaizenlake.decide.policies import gates

    return gates.problem(open_lake(lake), version)


def _gather_facts(row: Any) -> dict[str, Any]:
    """Return a version without its document, which is long."""
    return {name: value for name, value in row.items() if name not in {"document", "signature"}}


def _pretty(version: Version) -> list[str]:
    return json.dumps(json.loads(version.document), indent=2, sort_keys=True, ensure_ascii=False).split("\n")


def _format_origin(version: Version) -> str:
    made = f", made of {version.parent_version}" if version.parent_version else ", the root of its line"
    return made + (f", generated by the experiment {version.experiment_id}" if version.experiment_id else "")


def _list_gates(row: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [] if row["gates"] is None else json.loads(row["gates"]).get("gates", [])
    return found


def _format_sentence(row: dict[str, Any]) -> str:
    what = {
        "created": "created as a draft",
        "promoted": f"promoted from {row['from_status']} to {row['to_status']}",
        "refused": f"REFUSED for {row['to_status']}; it stays {row['from_status']}",
        "approved": "approved",
        "rolled_back": f"rolled back from {row['from_status']}",
    }[row["action"]]
    more = [
        f", {row[name]} {words}"
        for name, words in (("archived_version", "was archived"), ("restored_version", "is active again"))
        if row[name] is not None
    ]
    mark = "OVERRIDE: " if row["is_override"] else ""
    who = f"by {row['decided_by']}{_describe_proof(row)}"
    return (
        f"{_short(row['occurred_at'])}  {mark}{row['policy_id']} {row['policy_version']} {what}{''.join(more)}, {who}"
    )


def _describe_proof(row: dict[str, Any]) -> str:
    """Return by what it is known who decided, in words."""
    if row["is_automatic"]:
        return ""
    if row["approver_key_id"] is not None:
        return f" (signed by the key {row['approver_key_id']})"
    user = "" if row["system_user"] is None else f", system user {row['system_user']}"
    return f" (not authenticated{user})"


def _short(value: Any) -> Any:
    """Return an instant to the minute; anything else as it is."""
    return f"{value:%Y-%m-%d %H:%M} UTC" if hasattr(value, "strftime") else value
