"""The command that prints figures for monitoring."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kaizenlake.cli.shell.groups import add_commands
from kaizenlake.cli.shell.options import LAKE, LakeOption
from kaizenlake.cli.shell.output import open_lake, say, say_lines


def add_to(app: typer.Typer) -> None:
    """Add the command on figures for monitoring."""
    add_commands(app, (metrics, "metrics --textfile /var/lib/node_exporter/kaizen.prom"))


def metrics(
    lake: LakeOption = LAKE,
    textfile: Annotated[
        Path | None,
        typer.Option(help="Write them here for node_exporter's textfile collector, and print nothing of them."),
    ] = None,
) -> None:
    """Print figures for monitoring as OpenMetrics: examples, data sets, models and runs, counted from the lake."""
    from kaizenlake.publish.training.metrics import write_metrics, write_textfile

    opened = open_lake(lake)
    if textfile is None:
        say_lines(write_metrics(opened).splitlines())
        return
    write_textfile(opened, textfile)
    say(f"Wrote {textfile}.")
