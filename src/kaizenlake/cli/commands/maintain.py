"""Commands that tend a lake: verify, doctor, maintain."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from kaizenlake._version import __version__
from kaizenlake.cli.shell.groups import add_commands
from kaizenlake.cli.shell.options import (
    LAKE,
    REPORTS,
    ByOption,
    JsonOption,
    LakeOption,
    ReasonOption,
    ReportsOption,
    TenantOption,
)
from kaizenlake.cli.shell.output import decider, draw, note, open_lake, open_view, say, say_json, say_lines, system_user
from kaizenlake.errors import KaizenError, VerificationError
from kaizenlake.vocabulary import plural

LIBRARIES = (
    "polars",
    "deltalake",
    "pandera",
    "pyarrow",
    "msgspec",
    "pydantic",
    "scipy",
    "typer",
    "typst",
)


def add_to(app: typer.Typer) -> None:
    """Add the commands that tend a lake."""
    add_commands(
        app,
        (verify, "verify --lake /srv/kaizen/lake"),
        (maintain, "maintain"),
        (diff, "diff win_rates 3 4"),
        (restore, "restore win_rates --version 3"),
        (doctor, "doctor --json | jq .settings"),
    )


def verify(
    lake: LakeOption = LAKE,
    mend: Annotated[
        bool, typer.Option("--mend", help="First put right the counts of landings that count lines again.")
    ] = False,
    accept_missing: Annotated[
        bool,
        typer.Option(
            "--accept-missing",
            help="First go on without decisions that are lost for good, by a signed decision of yours; needs --reason.",
        ),
    ] = False,
    by: ByOption = None,
    reason: ReasonOption = None,
) -> None:
    """Check every table, the conservation of lines, and the signature of what is published."""
    from kaizenlake.lake import lock
    from kaizenlake.lake.upkeep import recount
    from kaizenlake.night.verify import checks

    opened = open_lake(lake)
    if mend:
        with lock.hold(opened.path(), "kaizen verify --mend"):
            say(f"Counts of {plural(recount.mend(opened), 'landed file')} put right.")
    if accept_missing:
        from kaizenlake.decide.record import trust

        lost = trust.accept_missing(opened, by=decider(by), reason=reason, system_user=system_user())
        say(f"Accepted: {'; '.join(lost)}." if lost else "No decision is missing.")
    failed = 0
    for check in checks(opened):
        if check.error is None:
            say(f"ok      {check.name} ({check.rows:,})")
        else:
            failed += 1
            say(f"FAILED  {check.name} [{check.error.code}]: {check.error}")
    if failed:
        raise VerificationError(f"{plural(failed, 'check')} failed.")


def maintain(lake: LakeOption = LAKE, reports: ReportsOption = REPORTS) -> None:
    """Compact small files, remove what was kept long enough, and clear away what killed runs left."""
    from kaizenlake.lake import lock
    from kaizenlake.lake.upkeep import maintain as upkeep
    from kaizenlake.lake.upkeep import retention

    opened, now = open_lake(lake), datetime.now(UTC)
    with lock.hold(opened.path(), "kaizen maintain"):
        done = upkeep.maintain(opened, now=now)
        records, nights = retention.remove_runs(opened, now), retention.remove_reports(opened, reports, now)
    for table in done.tables:
        say(
            f"{table.name}: {plural(table.files_before, 'file')} became {table.files_after}, {plural(table.removed, 'old one')} removed"
        )
    say(f"{plural(done.landed_removed, 'landed file')} and {plural(done.leftovers_removed, 'leftover')} removed.")
    if records or nights:
        say(f"{plural(records, 'record')} of runs and the reports of {plural(nights, 'night')} removed.")


def diff(
    table: Annotated[str, typer.Argument(help="Last name of the table.")],
    first: Annotated[int, typer.Argument(min=0, help="The version before.")],
    second: Annotated[int, typer.Argument(min=0, help="The version after.")],
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Most rows that are shown.")] = 20,
) -> None:
    """Show which rows of a table were added, removed or changed between two versions."""
    from kaizenlake.cli.commands.tables import find_table
    from kaizenlake.lake.upkeep.versions import find_difference

    opened = open_view(lake, tenant)
    found = find_difference(opened, find_table(table, opened.declared), first, second)
    counts = ", ".join(f"{found.count(fate):,} {fate}" for fate in ("added", "removed", "changed"))
    say(f"{table} from version {first} to {second}: {counts}.")
    for name, number in found.columns.items():
        say(f"  {name} changed in {plural(number, 'row')}")
    if limit and found.rows.height:
        draw(found.rows.columns, found.rows.head(limit).iter_rows())
    if found.rows.height > limit:
        note(f"{plural(found.rows.height - limit, 'more row')}: --limit N.")


def restore(
    table: Annotated[str, typer.Argument(help="Last name of the table; of silver or gold.")],
    version: Annotated[int, typer.Option("--version", min=0, help="Version to go back to.")],
    lake: LakeOption = LAKE,
) -> None:
    """Take a table of silver or gold back to an older version; the next night computes it anew from there."""
    from kaizenlake.cli.commands.tables import find_table
    from kaizenlake.lake import lock
    from kaizenlake.lake.upkeep import versions

    opened = open_lake(lake)
    found = find_table(table, opened.declared)
    with lock.hold(opened.path(), "kaizen restore"):
        written = versions.restore(opened, found, version)
    say(f"{table} is as it was at version {version}: {plural(written.rows, 'row')}, now version {written.version}.")
    say("The next night computes it from there: `kaizen nightly`.")


def doctor(
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    readiness: Annotated[
        bool,
        typer.Option(
            "--readiness",
            help="Say of each pack instead whether it passes with real content, and what was only ever stub.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say how things stand: settings and where each comes from, libraries, lake, last run, stale sources, lock."""
    if readiness:
        from kaizenlake.cli.commands.readiness import find_states, say_state
        from kaizenlake.readiness.benchmarks import judging_by

        view = open_view(lake, tenant)
        with judging_by(view.settings.readiness):
            states = find_states(view).values()
        if as_json:
            say_json(list(states))
        else:
            say_lines(say_state(state) for state in states)
        return
    found = _look(lake)
    if as_json:
        say_lines([json.dumps(found, indent=2, default=str)])
        return
    say(f"kaizenlake {found['kaizenlake']}, Python {found['python']}")
    say(", ".join(f"{name} {version}" for name, version in found["libraries"].items()))
    say()
    state = found["lake"]
    say(
        f"Lake {state['root']}: "
        + ("there is none yet; `kaizen init` or `kaizen demo` makes one." if state["error"] else "found.")
    )
    if state["error"] and state["exists"]:
        note(f"error: {state['error']}")
    _say_plugins(state["plugins"])
    if state["lock"]:
        say(f"Locked by {state['lock']}.")
    for name, table in state["tables"].items():
        rows = "" if table["rows"] is None else f", {plural(table['rows'], 'row')}, version {table['version']}"
        say(f"  {name}: {table['state']}{rows}{': ' + table['problem'] if table['problem'] else ''}")
    if state["quarantine_waiting"]:
        say(
            f"{plural(state['quarantine_waiting'], 'line')} {'waits' if state['quarantine_waiting'] == 1 else 'wait'} in quarantine: `kaizen quarantine`."
        )
    if (run := state["last_run"]) is not None:
        say(f"Last run {run['run_id']}: {run['status']}, as_of {run['as_of']}.")
    for words in (
        *(f"Stale source: {source}" for source in state["stale_sources"]),
        *state["quarantine_risen"],
        *state["missing"],
    ):
        say(words)
    say()
    draw(
        ("setting", "value", "from", "default", "meaning"),
        [tuple(setting.values()) for setting in found["settings"]],
    )


def _say_plugins(found: dict[str, Any]) -> None:
    for name, where in found["taken"].items():
        say(f"Plug-in {name}: {where}")
    for where, why in found["refused"].items():
        say(f"Plug-in refused: {where}: {why}")
    if found["off"]:
        say(f"Off: {found['off']}.")


def _look(lake: str) -> dict[str, Any]:
    from kaizenlake import settings

    return {
        "kaizenlake": __version__,
        "python": sys.version.split()[0],
        "libraries": {name: _version_of(name) for name in LIBRARIES},
        "lake": _gather_lake_state(lake),
        "settings": [
            {
                "setting": item.name,
                "value": item.value,
                "from": item.source,
                "default": item.default,
                "meaning": item.description,
            }
            for item in settings.origins(lake)
        ],
    }


def _gather_lake_state(where: str) -> dict[str, Any]:
    from kaizenlake import tables
    from kaizenlake.lake import lock
    from kaizenlake.lake.landing import quarantine
    from kaizenlake.night import artifact
    from kaizenlake.night.outputs import missing_data, stale_sources

    state: dict[str, Any] = {
        "root": where,
        "exists": "://" in where or Path(where).exists(),
        "error": None,
        "lock": None,
        "tables": {},
        "plugins": {"taken": {}, "refused": {}, "off": ""},
        "quarantine_waiting": 0,
        "stale_sources": [],
        "quarantine_risen": [],
        "missing": [],
        "last_run": None,
    }
    try:
        lake = open_lake(where)
        state["plugins"] = {
            "taken": {taken.plugin.name: taken.where for taken in lake.declared.plugins},
            "refused": dict(lake.declared.refused),
            "off": lake.declared.off,
        }
        state["lock"] = lock.find_holder(lake.path())
        last = next(artifact.runs(lake.path("runs")), None)
        state["last_run"] = (
            None if last is None else json.loads(last.model_dump_json(include={"run_id", "status", "as_of"}))
        )
        state["tables"] = {
            table.name: {"rows": table.rows, "version": table.version, "state": table.state, "problem": table.problem}
            for table in lake.describe()
            if table.state != "not written"
        }
        waiting = lake.scan(tables.Quarantine).filter(status="waiting").collect()
        state["quarantine_waiting"] = waiting.height
        state["stale_sources"] = list(stale_sources(lake))
        state["quarantine_risen"] = quarantine.risen_shares(lake, datetime.now(UTC))
        state["missing"] = [f"Missing: {item.words} {item.remedy}" for item in missing_data(lake)]
    except KaizenError as error:
        state["error"] = str(error)
    return state


def _version_of(library: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "missing"
