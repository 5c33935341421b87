"""Commands that make or change something: demo, init, land, nightly, report, rebuild."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kaizenlake.cli.shell.groups import add_commands
from kaizenlake.cli.shell.options import LAKE, REPORTS, LakeOption, ReportsOption, StrictOption, TenantOption
from kaizenlake.cli.shell.output import note, open_lake, open_view, say
from kaizenlake.cli.shell.progress import counting, watching
from kaizenlake.errors import AllQuarantinedError, EmptyMappingError, QuarantinedError, UnreadFileError, UsageError
from kaizenlake.vocabulary import plural

if TYPE_CHECKING:
    from kaizenlake.lake.landing.landing import Landing
    from kaizenlake.night.artifact import Landed, Run
    from kaizenlake.night.run import Plan

AsOfOption = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="DATE|INSTANT",
        help="Events before it count: a date (its UTC midnight) or an instant with a zone. The next UTC midnight unless given.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands that make or change something."""
    add_commands(
        app,
        (demo, "demo --lake /tmp/lake --reports /tmp/reports"),
        (init, "init --lake /srv/kaizen/lake"),
        (land, "land exports/posts.csv --mapping facebook_posts"),
        (nightly, "nightly --plan"),
        (report, "report --canary planner-2026-02"),
        (rebuild, "rebuild"),
    )


def demo(
    lake: LakeOption = LAKE,
    reports: ReportsOption = REPORTS,
    agency: Annotated[
        bool, typer.Option("--agency", help="Of an invented agency alone: four brands, leads, packs, eight weeks.")
    ] = False,
) -> None:
    """Make a lake of real samples, run a night on it, and say what it found."""
    from kaizenlake import tables
    from kaizenlake.demo import make

    with watching() as watch:
        made = make(lake, reports, watch=watch, is_agency=agency)
    for sample, landing in made.landings.items():
        say(f"Landed {sample}: {_describe_landing(landing)}.")
    said = (
        "agency_events.ndjson is invented, so that packs, outreach, deals and briefs have figures; the others are real."
    )
    say("All of it is invented: no finding about the world can be read from it." if agency else said)
    _tell(made.run)
    if made.run.exit_code:
        raise typer.Exit(made.run.exit_code)
    opened = open_lake(lake)
    say()
    say(f"Lake: {opened.root}")
    for layer in ("bronze", "silver", "gold"):
        held = [table for table in opened.declared.tables if tables.layer(table) == layer]
        rows = ", ".join(f"{tables.name(table)} {opened.rows(table):,}" for table in held if opened.rows(table))
        say(f"  {layer}: {rows}")
    published = opened.path("published")
    say(f"Context for generators: {published}")
    say(f'  load("{published}", public_key="{published / "public_key.pem"}"), with a copy of that key of your own')
    for file in made.run.reports:
        say(f"Report: {file}")
    say()
    if agency:
        say(
            "Next: `kaizen report --project aurora_autumn`, `kaizen report --funnel`, `kaizen brand list`, `kaizen task list`."
        )
        return
    say("What the real samples say:")
    for number, finding in enumerate(made.findings, 1):
        say(f"  {number}. {finding}")
    say()
    say("Next: `kaizen show win_rates`, `kaizen context`, `kaizen explain`, `kaizen graph`; `kaizen --help` lists all.")


def init(lake: LakeOption = LAKE) -> None:
    """Make an empty lake, with all settings in a commented kaizen.toml."""
    from kaizenlake.lake.store import Lake

    if "://" not in lake and Path(lake).exists() and not Path(lake).is_dir():
        raise UsageError("A lake is a folder, and this is a file.", where=lake)
    made = Lake.create(lake)
    say(f"A lake is at {made.root}.")
    say(f"Settings: {made.path('kaizen.toml')}; every line is explained there.")
    say("Next:")
    say("  1. Log events from your application (`from kaizenlake import log_lead_created, …` with KAIZEN_LAKE set),")
    say(f"     put files under {made.path('landing')}, or `kaizen land FILE`.")
    say("  2. `kaizen nightly` once a night, such as from cron: it lands, computes, publishes and reports.")
    say(f"  3. Generators read {made.path('published')} by `kaizenlake.context.load`.")


def land(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders to walk.")],
    lake: LakeOption = LAKE,
    mapping: Annotated[
        str | None,
        typer.Option(
            "--mapping", "-m", help="Name or file of the mapping that reads the files; without it they hold events."
        ),
    ] = None,
    occurred_at: Annotated[
        str | None,
        typer.Option(
            "--occurred-at",
            metavar="DATE|INSTANT",
            help="When the events happened, for a mapping that names no column which tells it.",
        ),
    ] = None,
    strict: StrictOption = False,
) -> None:
    """Land files: each event exactly once, each line accounted for."""
    from kaizenlake.lake import lock
    from kaizenlake.lake.landing import landing
    from kaizenlake.lake.landing.floods import describe_floods

    opened = open_lake(lake)
    with lock.hold(opened.path(), "kaizen land"), counting() as progress:
        found = landing.land(
            opened, paths, mapping=mapping, occurred_at=occurred_at, now=datetime.now(UTC), progress=progress
        )
    for file, reason in found.left:
        note(f"left alone: {file}: {reason}")
    say(f"Landed {_describe_landing(found)}.")
    _say_noteworthy(found, describe_floods(opened, datetime.now(UTC)))
    if found.quarantined:
        say("By rule: " + ", ".join(f"{rule} {count}" for rule, count in found.by_rule.items()) + ".")
        say("`kaizen quarantine` shows the lines.")
    if found.unread:
        raise UnreadFileError(
            f"{plural(len(found.unread), 'file')} that you named {'was' if len(found.unread) == 1 else 'were'} not read.",
            where=found.unread[0],
            hint="The reason stands above; the other files have landed.",
        )
    if found.made_nothing:
        raise EmptyMappingError(describe_nothing(found.made_nothing), hint=LOOK if found.quarantined else NO_ROWS)
    waiting = landing.count_unacknowledged(opened) if strict else 0
    if strict and (words := describe_waiting(waiting, found.blocked)):
        raise QuarantinedError(words, hint=advise_waiting(waiting))
    if found.is_all_quarantined:
        raise AllQuarantinedError(f"All {plural(found.lines_in, 'line')} went to quarantine.", hint=LOOK)


def _say_noteworthy(found: Landing, floods: Sequence[str]) -> None:
    """Say what was left out, what is missing, and who sent far more than usual."""
    if found.left_out:
        say(f"Left out by the mapping, as rows of totals are: {plural(found.left_out, 'row')}.")
    if found.forgotten:
        say(f"Left out, as they name who was forgotten: {plural(found.forgotten, 'line')}.")
    for words in found.missing:
        say(f"Missing: {words}")
    for words in floods:
        say(f"Unusual: {words}.")


def nightly(
    lake: LakeOption = LAKE,
    reports: ReportsOption = REPORTS,
    as_of: AsOfOption = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would run and why; write nothing.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Recompute every table.")] = False,
    strict: StrictOption = False,
) -> None:
    """Land what waits, compute what changed, publish and report."""
    from kaizenlake.night import run as night

    instant = parse_as_of(as_of) if as_of is not None else night.next_midnight(datetime.now(UTC))
    opened = open_lake(lake)
    if plan:
        _foretell(night.plan(opened, as_of=instant, full=full), instant)
        return
    with watching() as watch:
        done = night.nightly(opened, as_of=instant, full=full, strict=strict, reports=reports, watch=watch)
    _tell(done)
    if done.exit_code == QuarantinedError.exit_code:
        from kaizenlake.lake.landing import landing

        blocked = () if done.landing is None else done.landing.blocked
        waiting = landing.count_unacknowledged(opened)
        raise QuarantinedError(describe_waiting(waiting, blocked), hint=advise_waiting(waiting))
    if done.landing is not None and done.exit_code == AllQuarantinedError.exit_code:
        raise AllQuarantinedError(
            f"All {plural(done.landing.lines_in, 'line')} of the night went to quarantine.", hint=LOOK
        )
    if done.landing is not None and done.exit_code == EmptyMappingError.exit_code:
        raise EmptyMappingError(
            describe_nothing(done.landing.made_nothing), hint=LOOK if done.landing.quarantined else NO_ROWS
        )
    if done.exit_code:
        raise typer.Exit(done.exit_code)


LOOK = "`kaizen quarantine` shows the lines and why."
NO_ROWS = "Their files hold no rows but those that are left out, such as totals; is the export whole?"


def describe_nothing(mappings: Sequence[str]) -> str:
    """Return which mappings made no event, in words.

    >>> describe_nothing(["posts"])
    "The mapping 'posts' made no event of any row that it read."
    """
    names = ", ".join(map(repr, mappings))
    return f"The mapping{'s' if len(mappings) > 1 else ''} {names} made no event of any row that {'they' if len(mappings) > 1 else 'it'} read."


ACKNOWLEDGE = "`kaizen quarantine` shows the lines, `kaizen quarantine acknowledge` records that you have seen them."


MOVE = "The reason stands above; move such a file away, or put one that can be read in its place."


def advise_waiting(lines: int) -> str:
    """Return what to do where a strict run is not content.

    >>> advise_waiting(0) == MOVE, advise_waiting(1) == ACKNOWLEDGE
    (True, True)
    """
    return ACKNOWLEDGE if lines else MOVE


def describe_waiting(lines: int, blocked: Sequence[str]) -> str:
    """Return why a strict run is not content, in words; empty where it is.

    >>> describe_waiting(1, ["a.ndjson"])
    '1 line waits in quarantine, newer than the last acknowledgement; 1 file was left alone, such as a.ndjson.'
    """
    words = []
    if lines:
        words.append(
            f"{plural(lines, 'line')} {'waits' if lines == 1 else 'wait'} in quarantine, newer than the last acknowledgement"
        )
    if blocked:
        count = len(blocked)
        words.append(f"{plural(count, 'file')} {'was' if count == 1 else 'were'} left alone, such as {blocked[0]}")
    return f"{'; '.join(words)}." if words else ""


def rebuild(lake: LakeOption = LAKE, reports: ReportsOption = REPORTS, as_of: AsOfOption = None) -> None:
    """Recompute all of silver and gold from bronze; readers see each table's former rows until its new ones are there."""
    from kaizenlake.night import run as night

    instant = parse_as_of(as_of) if as_of is not None else night.next_midnight(datetime.now(UTC))
    with watching() as watch:
        done = night.nightly(
            open_lake(lake), as_of=instant, command="rebuild", full=True, take=None, reports=reports, watch=watch
        )
    _tell(done)
    if done.exit_code:
        raise typer.Exit(done.exit_code)


def report(
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    reports: ReportsOption = REPORTS,
    canary: Annotated[
        str | None,
        typer.Option("--canary", metavar="DEPLOYMENT", help="Only that of one shadow or canary, running or ended."),
    ] = None,
    audit: Annotated[bool, typer.Option("--audit", help="Only the audit of policies.")] = False,
    project: Annotated[
        str | None, typer.Option("--project", help="Only that for the client of a project, on two pages.")
    ] = None,
    funnel: Annotated[bool, typer.Option("--funnel", help="Only that on leads, messages and deals.")] = False,
    readiness: Annotated[
        str | None, typer.Option("--readiness", metavar="PACK", help="Only that on the readiness of one pack.")
    ] = None,
    plan: Annotated[
        str | None,
        typer.Option("--plan", metavar="BRAND", help="Only the week of one brand, with a file for calendars."),
    ] = None,
    start: Annotated[str | None, typer.Option("--start", help="First day of that week; today unless given.")] = None,
) -> None:
    """Write the reports of the latest night again, from its tables: all of them, or those that are asked for."""
    from kaizenlake.jobs.agency.plan_tasks import instant
    from kaizenlake.night import agency_reports as agency
    from kaizenlake.night.outputs import report_again, report_audit, report_canary

    opened = open_view(lake, tenant)
    written = () if canary is None else report_canary(opened, reports, canary)
    written += report_audit(opened, reports) if audit else ()
    written += () if project is None else agency.report_project(opened, reports, project)
    written += agency.report_funnel(opened, reports) if funnel else ()
    written += () if readiness is None else agency.report_readiness(opened, reports, readiness)
    written += () if plan is None else agency.report_plan(opened, reports, plan, instant(start, "--start"))
    for file in written or report_again(opened, reports):
        say(str(file))


def parse_as_of(text: str) -> datetime:
    """Return an as_of out of words.

    >>> parse_as_of("2026-11-21")
    datetime.datetime(2026, 11, 21, 0, 0, tzinfo=datetime.timezone.utc)

    Raises:
        UsageError: It is no date and no instant with a zone.
    """
    try:
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        pass
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise UsageError(
            f"--as-of takes a date such as 2026-11-21 or an instant with a zone such as 2026-11-21T18:00:00Z; found {text!r}."
        )
    return instant.astimezone(UTC)


def _describe_landing(landing: Landing | Landed) -> str:
    return (
        f"{plural(landing.files, 'file')}, {plural(landing.lines_in, 'line')} = {plural(landing.landed, 'event')} + "
        f"{plural(landing.duplicate, 'duplicate')} + {landing.quarantined:,} quarantined"
        + (f" ({landing.quarantined_before:,} of them quarantined before)" if landing.quarantined_before else "")
    )


def _foretell(plan: Plan, as_of: datetime) -> None:
    say(f"as_of {as_of:%Y-%m-%d %H:%M} UTC")
    for file in plan.waiting:
        say(f"land: {file}")
    for step in plan.steps:
        what = "whole table" if step.days is None else plural(len(step.days), "day")
        if plan.waiting and step.job.by_day and any(why.startswith("changes in ") for why in step.why):
            what = "the days that landing changes"
        say(f"{step.job.name}: {what}; {'; '.join(step.why)}")
    for name in plan.running if plan.steps or plan.waiting else ():
        say(f"decide: {name}, as far as it allows the night to")
    if plan.steps or plan.waiting:
        say("Then publish and report, if a table changed. Nothing was written.")
    else:
        say("nothing to do: nothing waits, and no table, as_of, code or setting changed.")


def _tell(run: Run) -> None:
    """Say what a run did."""
    if (found := run.step("plugins")) is not None and found.status == "nothing to do":
        note(f"{'; '.join(found.why)}.")
    for left in run.landing.left if run.landing is not None else ():
        note(f"left alone: {left}")
    _tell_doubt(run)
    if run.changed:
        _tell_changes(run)
    else:
        say("nothing to do: nothing waited to be landed, and no input, as_of, code or setting changed.")
    for source in run.stale_sources:
        say(f"Stale: nothing new from {source}.")
    for item in run.missing if run.changed else ():
        say(f"Missing{_tenant_words(run, item.tenant_id)}: {item.words} {item.remedy}")
    for alert in run.alerts or ():
        if alert.is_new:
            say(f"Alert ({alert.severity}{_tenant_words(run, alert.tenant_id)}): {alert.words}")
    if (feedback := run.step("feedback")) is not None and feedback.rows_out:
        tasks = plural(feedback.rows_out, "task")
        say(f"Proposed: {tasks} for brands with alarms; `kaizen task list` shows what waits for a person.")
    _tell_undelivered(run)


def _tell_undelivered(run: Run) -> None:
    if (hook := run.hook) is not None and hook.status != "done":
        note(f"The hook of the alerts {hook.status}; they are told again by the next run. {hook.output}".rstrip())
    for made in run.deliveries:
        if made.status != "done":
            note(f"The {made.channel} of the alerts failed; the next run tells them again. {made.output}".rstrip())


def _tenant_words(run: Run, tenant: str | None) -> str:
    """Return whose something is, where there are several tenants."""
    return f", tenant {tenant or 'none'}" if len(run.tenants) > 1 else ""


def _tell_doubt(run: Run) -> None:
    if (doubt := run.step("doubt")) is None:
        return
    for why in doubt.why:
        note(f"doubt: {why}")
    note("`kaizen verify` checks every event and decision; what was changed can be restored from a backup.")


def _tell_changes(run: Run) -> None:
    if (landing := run.landing) is not None and landing.files:
        say(f"Landed {_describe_landing(landing)}.")
        if landing.left_out:
            say(f"Left out by mappings, as rows of totals are: {plural(landing.left_out, 'row')}.")
    for step in run.steps:
        if step.status in {"failed", "skipped"}:
            say(f"{step.name} {step.status}" + (f": {'; '.join(step.why)}" if step.status == "skipped" else ""))
    for error in run.errors:
        note(f"error [{error.code}] in {error.step}: {error.message}")
    computed = [step for step in run.steps if step.writes is not None and step.name != "land"]
    say(
        f"Run {run.run_id} {run.status} in {run.seconds:.1f} s: "
        f"{sum(step.status == 'done' for step in computed)} of {len(computed)} tables computed for events before "
        f"{run.as_of:%Y-%m-%d %H:%M} UTC."
    )
