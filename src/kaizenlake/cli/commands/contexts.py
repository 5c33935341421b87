"""Commands that answer what generators read and why, and what went to quarantine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from kaizenlake.cli.shell.contexts import find_context
from kaizenlake.cli.shell.groups import add_commands
from kaizenlake.cli.shell.options import LAKE, JsonOption, LakeOption, TenantOption
from kaizenlake.cli.shell.output import decider, open_lake, say, say_json, system_user
from kaizenlake.vocabulary import plural

if TYPE_CHECKING:
    pass

ProjectOption = Annotated[str | None, typer.Option("--project", "-p", help="The context of this project.")]
SegmentOption = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--segment",
        metavar="INDUSTRY CLIENT_TYPE",
        help='The context of this segment; "" in place of one of the two leaves it open.',
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands that answer."""
    add_commands(
        app,
        (context, "context --segment Technology startup"),
        (explain, "explain question --project campaign_456"),
    )
    held = typer.Typer(
        help="Show the lines in quarantine by rule, with examples; `retry` lands again what is accepted now.",
        invoke_without_command=True,
        epilog="Example: kaizen quarantine retry",
    )
    held.callback()(quarantine)
    add_commands(
        held,
        (retry, "retry --lake /srv/kaizen/lake"),
        (acknowledge, 'acknowledge --by "Ada" --note "the vendor mends its export"'),
        called="kaizen quarantine",
    )
    app.add_typer(held, name="quarantine")


def context(
    lake: LakeOption = LAKE, tenant: TenantOption = None, project: ProjectOption = None, segment: SegmentOption = None
) -> None:
    """Print a published context as JSON: of everything, a project or a segment."""
    say_json(find_context(lake, tenant, project, segment).context)


def explain(
    value: Annotated[
        str | None, typer.Argument(help="A value, such as a hook or a tone; all recommendations unless given.")
    ] = None,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    project: ProjectOption = None,
    segment: SegmentOption = None,
) -> None:
    """Say in words why the context recommends or refuses what it does, with the figures."""
    from kaizenlake.publish.context.explain import explain as in_words

    loaded = find_context(lake, tenant, project, segment, is_evidence=True)
    for line in in_words(loaded.context, value, loaded.tables).split("\n"):
        say(line)


def quarantine(
    call: typer.Context,
    lake: LakeOption = LAKE,
    as_json: JsonOption = False,
    examples: Annotated[int, typer.Option("--examples", min=0, help="Most lines shown of each rule.")] = 3,
) -> None:
    """Show the lines in quarantine by the rule they broke, with examples."""
    if call.invoked_subcommand is not None:
        return
    from kaizenlake.lake.landing.landing import quarantine_summary

    found = quarantine_summary(open_lake(lake), examples=examples)
    if as_json:
        say_json(
            [
                {
                    "rule": rule.rule,
                    "meaning": rule.meaning,
                    "waiting": rule.waiting,
                    "landed": rule.landed,
                    "examples": [
                        {"file": item.file, "line": item.line, "reason": item.reason, "raw": item.raw}
                        for item in rule.examples
                    ],
                }
                for rule in found
            ]
        )
        return
    if not found:
        say("Nothing is in quarantine.")
    for rule in found:
        say(f"{rule.rule}: {rule.waiting} waiting, {rule.landed} landed later. {rule.meaning}")
        for item in rule.examples:
            say(f"  {item.file}:{item.line}: {item.reason}")
            say(f"    {item.raw}")


def retry(
    lake: LakeOption = LAKE,
    held: Annotated[
        bool, typer.Option("--held", help="Also what was held back for its number; look at it first.")
    ] = False,
) -> None:
    """Land again the lines in quarantine that a corrected rule or mapping now accepts."""
    from kaizenlake.lake import lock
    from kaizenlake.lake.landing import landing

    opened = open_lake(lake)
    with lock.hold(opened.path(), "kaizen quarantine retry"):
        done = landing.retry(opened, held_back=held, now=datetime.now(UTC))
    say(f"{plural(done.tried, 'line')} tried: {done.landed} landed, {done.waiting} still waiting.")
    for rule, lines in done.by_rule.items():
        say(f"  {rule}: {lines}")
    if done.held_back:
        say(
            f"Held back for their number, and not tried: {plural(done.held_back, 'line')}. Look at them, then give --held."
        )


def acknowledge(
    lake: LakeOption = LAKE,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who acknowledges; the user of the machine unless given.")
    ] = None,
    why: Annotated[str | None, typer.Option("--note", help="Why the lines may wait.")] = None,
) -> None:
    """Record that you have seen what waits: --strict counts only what comes later."""
    from kaizenlake.lake import lock
    from kaizenlake.lake.landing import landing

    name = decider(by)
    opened = open_lake(lake)
    with lock.hold(opened.path(), "kaizen quarantine acknowledge"):
        now = datetime.now(UTC)
        lines = landing.acknowledge(opened, by=name, system_user=system_user(), note=why, now=now)
    say(f"{name} acknowledged {plural(lines, 'waiting line')} at {now:%Y-%m-%d %H:%M:%S} UTC.")
