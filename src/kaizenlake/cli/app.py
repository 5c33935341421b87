"""The commands, and the way from an error to words and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from kaizenlake._version import __version__
from kaizenlake.cli.agency import brand, feedback, schedule, task
from kaizenlake.cli.commands import (
    canary,
    contexts,
    events,
    forget,
    golden,
    keys,
    maintain,
    mapping,
    operate,
    policy,
    readiness,
    site,
    skill,
    tables,
)
from kaizenlake.cli.shell.logs import begin_json
from kaizenlake.cli.shell.output import clean, know, with_tenant
from kaizenlake.cli.training import dataset, error_codes, metrics, model, train
from kaizenlake.errors import UNEXPECTED, KaizenError, Stopped, exit_codes

SORRY = "error [unexpected]: This is a mistake of kaizen, not yours; the traceback above is for its makers."

app = typer.Typer(
    name="kaizen",
    help="Learn from what your generators and agents did: land events, compute the figures, publish and report.",
    epilog="\n\n".join(["Exit codes:", *(f"{code}  {meaning}" for code, meaning in exit_codes().items())]),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(asked: bool) -> None:  # noqa: FBT001 - the signature is typer's
    if asked:
        typer.echo(f"kaizenlake {__version__}")
        raise typer.Exit


@app.callback()
def _kaizen(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


for module in (
    operate,
    site,
    mapping,
    tables,
    events,
    contexts,
    maintain,
    forget,
    readiness,
    policy,
    canary,
    skill,
    golden,
    brand,
    feedback,
    task,
    schedule,
    dataset,
    train,
    model,
    error_codes,
    metrics,
    keys,
):
    module.add_to(app)
know(app)


def run() -> None:
    """Run the command of this process and leave with its exit code."""
    try:
        begin_json()
        app()
    except KaizenError as error:
        print(f"error [{error.code}]: {clean(with_tenant(str(error)))}", file=sys.stderr)  # noqa: T201 - the last word of a command
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output left, as `head` does; nobody is there to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception:  # noqa: BLE001 - shown whole
        import traceback

        traceback.print_exc()
        print(SORRY, file=sys.stderr)  # noqa: T201 - the last word of a command
        sys.exit(UNEXPECTED)
    except Stopped as stop:
        print(stop, file=sys.stderr)  # noqa: T201 - the last word of a command
        sys.exit(stop.exit_code)
