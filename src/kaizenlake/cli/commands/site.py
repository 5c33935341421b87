"""Open the pages over the lake."""

from __future__ import annotations

import os
import sys
import webbrowser
from typing import Annotated

import typer

from kaizenlake.cli.shell.groups import add_commands
from kaizenlake.cli.shell.options import LAKE, REPORTS, LakeOption, ReportsOption, TenantOption
from kaizenlake.cli.shell.output import open_view, say
from kaizenlake.errors import LakeError


def add_to(app: typer.Typer) -> None:
    """Add the command that opens the pages."""
    add_commands(app, (open_, "open --no-browser"))


def open_(
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    reports: ReportsOption = REPORTS,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in the browser where there is one and a terminal.")
    ] = True,
) -> None:
    """Show the page over the lake: what changed, what waits for a person, what broke. Its path is printed."""
    from kaizenlake.night.site import find_folder
    from kaizenlake.report.site.write_site import INDEX

    view = open_view(lake, tenant)
    page = (find_folder(view, reports) / INDEX).absolute()
    if not page.is_file():
        off = not view.settings.site.nightly
        raise LakeError(
            "There is no page over the lake yet.",
            where=str(page),
            hint="The setting site.nightly is off." if off else "Run `kaizen nightly` first, with the same --reports.",
        )
    say(str(page))
    if browser and sys.stdout.isatty() and _has_screen():
        webbrowser.open(page.as_uri())


def _has_screen() -> bool:
    """Return whether a browser could show itself: on Linux alone a session may have no screen."""
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
