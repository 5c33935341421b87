"""The command that shows what is known of a doer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kaizenlake.cli.shell.groups import add_commands
from kaizenlake.cli.shell.options import LAKE, JsonOption, LakeOption, TenantOption
from kaizenlake.cli.shell.output import draw, escape_unseen, note, open_view, say, say_lines
from kaizenlake.errors import UsageError
from kaizenlake.vocabulary import plural

if TYPE_CHECKING:
    from kaizenlake.lake.store import Lake
    from kaizenlake.publish.signed.skill_file import Card, Skill
    from kaizenlake.tables import Scan, Table


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    add_commands(
        app,
        (skill, "skill planner --html planner.html"),
    )


def skill(
    doer: Annotated[str | None, typer.Argument(help="The agent; all of them unless given.")] = None,
    lake: LakeOption = LAKE,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write the page to this file instead.")] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", help="Write the PDF to this file instead.")] = None,
    versions: Annotated[
        bool, typer.Option("--versions", help="Show instead what each version of its policies did to the loss.")
    ] = False,
) -> None:
    """Show the skill card of an agent, or list all agents: strengths, weaknesses, models, failures, and what to try next."""
    from kaizenlake.publish import guard

    opened = open_view(lake, tenant)
    with guard.guarding(is_on=opened.settings.publishing.redact):
        if versions:
            _versions(opened.scan, doer, as_json=as_json)
        else:
            _show(opened, doer, html, pdf, as_json=as_json)


def _show(opened: Lake, doer: str | None, html: Path | None, pdf: Path | None, *, as_json: bool) -> None:
    from kaizenlake.publish.signed.skill_data import end_of, skills

    found = skills(opened.scan, as_of=end_of(opened.scan), doer=doer)
    if not found:
        if doer is None:
            note("No agent has run yet: `kaizen nightly` makes the cards of those that log RUN_COMPLETED.")
        else:
            known = ", ".join(opened.scan(_cards()).select("doer").sort("doer").head(20).collect()["doer"])
            raise UsageError(
                f"There is no skill card of {doer!r}.",
                hint=f"There are cards of {known}." if known else "`kaizen nightly` makes the cards.",
            )
    if html is not None or pdf is not None:
        _write(opened, found, html, pdf, is_fleet=doer is None)
    elif as_json:
        _say_json(found, is_fleet=doer is None)
    elif doer is None:
        _list(found)
    else:
        _tell(found[0])


def _versions(scan: Scan, doer: str | None, *, as_json: bool) -> None:
    """List the versions of policies, each on its latest day against the version before."""
    import json

    from kaizenlake.report.skill.versions import VersionRow, versions

    rows = versions(scan, doer)
    if not rows:
        if doer is not None and doer not in set(scan(_cards()).select("doer").collect()["doer"]):
            raise UsageError(f"There is no run of {doer!r}.", hint="`kaizen skill` lists all agents.")
        note("No run with a loss names a version: log RUN_COMPLETED with policy_version to have versions compared.")
        return
    if as_json:
        say_lines([escape_unseen(json.dumps([row._asdict() for row in rows], indent=2, default=str))])
        return
    draw(VersionRow._fields[:-1], [[_loss(value) for value in row[:-1]] for row in rows])
    for row in rows:
        if row.sentence is not None:
            say(row.sentence)


def _loss(value: object) -> object:
    """Return a figure of a loss with three decimals, or six where three would make 0 of it; anything else as it is.

    >>> _loss(0.308), _loss(-0.000012), _loss(0.0), _loss(119)
    ('0.308', '-0.000012', '0.000', 119)
    """
    if not isinstance(value, float):
        return value
    return f"{value:.3f}" if round(value, 3) == value else f"{value:.6f}"


def _cards() -> type[Table]:
    from kaizenlake.tables import SkillCards

    return SkillCards


def _write(opened: Lake, found: tuple[Skill, ...], html: Path | None, pdf: Path | None, *, is_fleet: bool) -> None:
    from kaizenlake.lake.mapping.money import Exchange
    from kaizenlake.report.engine.currency import show_in_currency
    from kaizenlake.report.engine.render import render_html, render_pdf
    from kaizenlake.report.skill.fleet import build_fleet
    from kaizenlake.report.skill.skill_report import build_named_card

    if not found:
        return
    laid_out = build_fleet(found, {}) if is_fleet else build_named_card(opened.scan, found[0])
    laid_out = show_in_currency(laid_out, Exchange.of(opened.settings.money))
    for path, render in ((html, render_html), (pdf, render_pdf)):
        if path is None:
            continue
        made = render(laid_out)
        try:
            path.write_bytes(made.encode("utf-8") if isinstance(made, str) else made)
        except OSError as error:
            raise UsageError(f"The file cannot be written: {error.strerror}.", where=str(path)) from error
        say(str(path))


def _say_json(found: tuple[Skill, ...], *, is_fleet: bool) -> None:
    import msgspec

    told = msgspec.json.encode(found if is_fleet else found[0])
    say_lines([escape_unseen(msgspec.json.format(told, indent=2).decode("utf-8"))])


def _list(found: tuple[Skill, ...]) -> None:
    heads = (
        "doer",
        "direction",
        "runs",
        "mean loss",
        "change 7d",
        "change 30d",
        "strengths",
        "weaknesses",
        "best model",
    )
    rows = []
    for item in found:
        card, loss = item.card, item.card.loss
        rows.append(
            (
                item.doer,
                loss.direction,
                loss.n,
                loss.mean_loss,
                loss.change_7d,
                loss.change_30d,
                card.strengths,
                card.weaknesses,
                card.best_model,
            )
        )
    draw(heads, rows)


def _tell_findings(card: Card) -> None:
    """Say what the tables say of the agent, and what each verdict on a term rests on."""
    for finding in card.findings:
        if finding.kind != "skill_term":
            say(finding.sentence)
    for row in card.terms:
        if row.n:
            say(f"  {row.term}: {row.verdict}; {row.reason}")


def _of_type(task_type: str | None) -> str:
    """Return a type of task as what follows a name."""
    return f" in {task_type}" if task_type else ""


def _tell(item: Skill) -> None:
    """Say what a card says."""
    from kaizenlake.publish import formats as written

    card, loss, window = item.card, item.card.loss, item.data_window
    say(
        f"{item.doer}, {window.first_day} to {window.last_day}: {loss.n:,} of {plural(loss.runs, 'run')} with a loss, the latest on {loss.last_run_date}"
    )
    say(
        f"Mean loss {written.loss(loss.mean_loss)}, {loss.direction}; {written.percent(loss.mean_coverage)} of all weight "
        f"observed; change over 7 days {written.effect(loss.change_7d)}, over 30 days {written.effect(loss.change_30d)}"
    )
    if (policy := item.policy) is not None:
        say(f"Policy {policy.policy_id} {policy.policy_version}, {plural(policy.age_days, 'day')} old")
    _tell_findings(card)
    if card.not_observed:
        say(f"  not observed: {', '.join(card.not_observed)}")
    for model in card.models:
        say(f"  model {model.model}: {model.verdict}; {model.reason}")
    for failure in card.failure_modes:
        say(f"  failure {failure.failure_mode}: {failure.reason}")
    for behaviour in card.behaviours:
        say(f"  steps {behaviour.pattern}{_of_type(behaviour.task_type)}: {behaviour.verdict}; {behaviour.reason}")
    for strategy in card.strategies:
        say(f"  strategy {strategy.strategy}{_of_type(strategy.task_type)}: {strategy.verdict}; {strategy.reason}")
    for experiment in card.experiments:
        say(f"  experiment {experiment.experiment_id}: {experiment.experiment_type}, {experiment.status}")
    for step in item.next_steps:
        say(f"Next: {step.words}")
    if not item.next_steps:
        say("Next: nothing is proposed; it is not degrading, and no weakness stands.")
