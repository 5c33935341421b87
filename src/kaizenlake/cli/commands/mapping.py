"""The command that proposes a mapping for a file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kaizenlake.cli.shell.groups import add_commands
from kaizenlake.cli.shell.options import LAKE, JsonOption, LakeOption
from kaizenlake.cli.shell.output import draw, open_lake, say, say_json, say_lines
from kaizenlake.errors import LakeError, UsageError

if TYPE_CHECKING:
    from kaizenlake.lake.proposal.propose import MappingProposal, ProposalSettings


def add_to(app: typer.Typer) -> None:
    """Add the command that proposes a mapping."""
    add_commands(app, (map_file, "map exports/posts.csv --write posts.toml"))


def map_file(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, XLSX, JSON, NDJSON, YAML or Parquet file; also packed.")],
    write: Annotated[
        Path | None, typer.Option("--write", metavar="TOML", help="File to write the mapping to; none is replaced.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", metavar="ZONE", help="Zone of times that say none, such as Europe/Berlin.")
    ] = None,
    lake: LakeOption = LAKE,
    as_json: JsonOption = False,
) -> None:
    """Propose a mapping for a file: what each column becomes, what events it makes, and what is not sure."""
    from kaizenlake.lake.proposal.propose import propose

    if write is not None and write.exists():
        raise UsageError("There is such a file already, and it is not replaced.", where=str(write))
    if write is not None and write.suffix != ".toml":
        raise UsageError("The file of a mapping ends with .toml.", where=str(write))
    found = propose(file, _around(lake, zone))
    if write is not None:
        write.write_text(found.text, encoding="utf-8")
    if as_json:
        say_json(
            {
                "file": found.file,
                "shipped": found.shipped or None,
                "types": found.types,
                "found": found.found,
                "columns": [{"column": name, "becomes": becomes, "why": why} for name, becomes, why in found.columns],
                "rows": found.trial.rows,
                "left_out": found.trial.left_out,
                "refused": found.trial.wrong,
                "reasons": found.trial.reasons,
                "events": [json.loads(line) for line in found.trial.first],
                "not_sure": found.doubts,
                "stays_empty": found.empty,
                "mapping": found.text,
            }
        )
        return
    _tell(found, file, write)


def _around(where: str, zone: str | None) -> ProposalSettings:
    """Return what a proposal is made with: the settings, plug-ins and mappings of the lake, where there is one."""
    from zoneinfo import available_timezones

    from kaizenlake.lake.landing.retry import mappings_folder
    from kaizenlake.lake.mapping.money import Exchange
    from kaizenlake.lake.proposal.propose import ProposalSettings

    if zone is not None and zone not in available_timezones():
        raise UsageError(f"There is no time zone {zone!r}.", hint="Such as Europe/Berlin or America/Los_Angeles.")
    now = datetime.now(UTC)
    try:
        lake = open_lake(where)
    except LakeError:
        return ProposalSettings(now, zone=zone)
    return ProposalSettings(
        now,
        lake.declared.catalogue,
        mappings_folder(lake),
        Exchange.of(lake.settings.money),
        lake.settings.landing.line_bytes,
        zone,
    )


def _tell(found: MappingProposal, file: Path, write: Path | None) -> None:
    trial = found.trial
    asked = trial.rows - trial.left_out
    say(f"{found.file}: {', '.join(dict.fromkeys(found.types))}; {asked - trial.wrong:,} of {asked:,} rows would land.")
    for line in found.found:
        say(f"  {line}")
    if trial.left_out:
        say(f"  Left out, as rows of totals are: {trial.left_out:,}.")
    for reason, count in trial.reasons.items():
        say(f"  Refused, {count:,}: {reason}")
    say()
    draw(("column", "becomes", "why"), found.columns)
    say()
    say("The first events:")
    say_lines(f"  {line}" for line in trial.first)
    if found.doubts:
        say()
        say("Not sure:")
        for line in found.doubts:
            say(f"  - {line}")
    if found.empty:
        say()
        say("Stays empty:")
        for line in found.empty:
            say(f"  - {line}")
    if write is None and not found.shipped:
        say()
        say("The mapping:")
        say_lines(f"  {line}" for line in found.text.splitlines())
    say()
    named = found.shipped if write is None else str(write)
    if named:
        say(f"Next: `kaizen land {file} --mapping {named}`.")
    else:
        say(f"Next: `kaizen map {file} --write NAME.toml`, then `kaizen land {file} --mapping NAME.toml`.")
