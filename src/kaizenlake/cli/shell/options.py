"""The arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kaizenlake.place import DEFAULT_LAKE, LAKE_VARIABLE

LAKE = DEFAULT_LAKE
REPORTS = Path("./reports")

LakeOption = Annotated[
    str, typer.Option("--lake", envvar=LAKE_VARIABLE, help="Folder or URI of the lake.", show_default=True)
]
TenantOption = Annotated[
    str | None,
    typer.Option(
        "--tenant",
        help='Tenant that is meant, "" for the events without one; needed where the lake has several.',
        show_default=False,
    ),
]
ReportsOption = Annotated[Path, typer.Option("--reports", envvar="KAIZEN_REPORTS", help="Folder of the reports.")]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit 4 if something was quarantined, 5 if a source is stale.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]
ByOption = Annotated[
    str | None, typer.Option("--by", help="Who decides; the user of this machine unless given.", show_default=False)
]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Why, in words; it stands in the audit.")]

DoerOption = Annotated[str | None, typer.Option("--doer", help="Only those of this agent.")]
PolicyArgument = Annotated[str, typer.Argument(help="Policy, such as planner.")]
VersionArgument = Annotated[str, typer.Argument(help="Version, such as 1.4.0.")]
