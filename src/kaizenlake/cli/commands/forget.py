"""The command that forgets a person or client."""

from __future__ import annotations

from typing import Annotated

import typer

from kaizenlake.cli.shell.groups import add_commands
from kaizenlake.cli.shell.options import (
    LAKE,
    REPORTS,
    ByOption,
    LakeOption,
    ReasonOption,
    ReportsOption,
    TenantOption,
)
from kaizenlake.cli.shell.output import decider, note, open_lake, say, system_user
from kaizenlake.cli.shell.progress import watching
from kaizenlake.vocabulary import plural

MOST_FILES = 20
"""Most files that the plan names."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_commands(app, (forget, "forget --subject lead=lead-17 --plan"))


def forget(
    subject: Annotated[
        str,
        typer.Option(
            "--subject",
            metavar="KIND=ID",
            help="Whom to forget: a field of events and its value, such as lead=lead-17 or tenant=acme; "
            "text=ann@example.com for whatever says the words.",
        ),
    ],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    reports: ReportsOption = REPORTS,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be removed; write nothing.")] = False,
    mentions: Annotated[
        bool, typer.Option("--mentions", help="Remove also events that name it elsewhere than in its field.")
    ] = False,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Remove also signed decisions that name it, and what they decided.")
    ] = False,
    by: ByOption = None,
    reason: ReasonOption = None,
) -> None:
    """Remove a person or client from every table, file, document and report, make the figures again, and prove it."""
    from kaizenlake.lake.upkeep.erase_events import Decider
    from kaizenlake.night import forget as forgetting

    opened = open_lake(lake)
    found = forgetting.find_subject(opened, subject, tenant)
    if plan:
        _say_plan(forgetting.plan_forgetting(opened, found, reports))
        return
    who = Decider(
        decider(by), reason, system_user(), takes_mentions=mentions or not found.field, takes_decisions=decisions
    )
    with watching() as watch:
        done = forgetting.forget(
            opened,
            found,
            who,
            reports=reports,
            watch=watch,
            progress=note,
        )
    say(
        f"Removed: {plural(done.events, 'event')}, {plural(done.quarantined, 'quarantined line')}; "
        f"{plural(done.files, 'file')} cleaned; reports of {plural(done.report_days, 'day')} removed."
    )
    say(
        "Nothing under the lake, its publications and its reports names it any more. Lines that do are left out from now on."
    )
    say(f"Proof: {done.proof}")


def _say_plan(plan: object) -> None:
    from kaizenlake.night.forget import ForgetPlan

    assert isinstance(plan, ForgetPlan)
    total = sum(plan.by_type.values())
    say(f"{plural(total, 'event')} on {plural(plan.days, 'day')} would be removed.")
    for kind, number in plan.by_type.items():
        say(f"  {kind}: {number:,}")
    if plan.mentions:
        say(f"{plan.mentions:,} of them name it elsewhere than in its field: they need --mentions.")
    if plan.decisions:
        say(f"{plan.decisions:,} of them are signed decisions: they need --decisions.")
    if plan.tables:
        say(f"Made again: {', '.join(plan.tables)}.")
    for path in plan.files[:MOST_FILES]:
        say(f"Cleaned or removed: {path}")
    if len(plan.files) > MOST_FILES:
        say(f"and {plural(len(plan.files) - MOST_FILES, 'other file')}.")
    say("Nothing was written.")
