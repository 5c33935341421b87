"""The command of the feedback loop: look at the alarms of brands, and propose what they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kaizenlake.cli.shell.groups import add_commands
from kaizenlake.cli.shell.options import LAKE, ByOption, JsonOption, LakeOption, TenantOption
from kaizenlake.cli.shell.output import decider, open_view, say, say_json
from kaizenlake.errors import UsageError
from kaizenlake.vocabulary import plural

if TYPE_CHECKING:
    from kaizenlake.decide.agency.feedback import FeedbackResult


def add_to(app: typer.Typer) -> None:
    """Add the command of the feedback loop."""
    add_commands(app, (feedback, "feedback --all"))


def feedback(
    brand: Annotated[str | None, typer.Option("--brand", help="One brand, such as acme.", show_default=False)] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every brand of which a day is known; so unless one is named.")
    ] = False,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at the alarms of brands, as the last night found them, and propose tasks; each waits for a person."""
    from kaizenlake.decide.agency.feedback import FeedbackLoop

    if brand is not None and every:
        raise UsageError("Give --brand or --all, not both.")
    results = FeedbackLoop(open_view(lake, tenant), decider(by)).run_all(None if brand is None else [brand])
    if as_json:
        say_json([result.as_dict() for result in results])
    elif not results:
        say("No day of any brand is known yet; `kaizen nightly` adds them up.")
    for result in [] if as_json else results:
        _tell(result)
    if results and all(result.errors for result in results):
        raise typer.Exit(1)


def _tell(result: FeedbackResult) -> None:
    """Say what was found of one brand, and what is proposed for it."""
    alarms = [row for row in result.anomalies_detected if row["is_alarm"]]
    say(
        f"{result.brand_id}: {plural(len(alarms), 'alarm')} in the last week, "
        f"{plural(len(result.tasks_created), 'task')} proposed."
    )
    # Of a metric that is out of the usual night after night the newest word is enough.
    newest = {(row["metric"], row["kind"]): row for row in alarms}
    for row in newest.values():
        say(f"  {row['day']}  {row['evidence']}")
    if len(alarms) > len(newest):
        say(f"  {plural(len(alarms) - len(newest), 'earlier alarm')} of the same: `kaizen show anomalies`.")
    for name in result.tasks_created:
        say(f"  proposed: {name}; `kaizen task approve {name}` approves it")
    for cause in result.tasks_skipped_duplicate:
        say(f"  not proposed again: {cause}")
    for error in result.errors:
        say(f"  error: {error}")
