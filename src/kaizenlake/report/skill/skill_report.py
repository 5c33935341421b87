"""The skill card of one doer, laid out: what to try next, strengths and weaknesses, models, failures, loss, policy."""

from __future__ import annotations

from kaizenlake.publish import formats as say
from kaizenlake.publish.signed import skill_file as model
from kaizenlake.publish.signed import skill_words as words
from kaizenlake.publish.signed.skill_data import TABLES, Course, courses
from kaizenlake.report.engine.blocks import (
    Block,
    Definitions,
    KeyFigure,
    Paragraph,
    Picture,
    ReportDocument,
    Section,
    build_grid,
)
from kaizenlake.report.engine.columns import show_text
from kaizenlake.report.engine.rows import Listing
from kaizenlake.report.engine.svg import Tone
from kaizenlake.report.engine.trend_chart import Trend, draw_trend_chart
from kaizenlake.report.skill.behaviour import build_behaviour
from kaizenlake.report.skill.comparisons import build_failures, build_models, build_terms
from kaizenlake.tables import Scan
from kaizenlake.vocabulary import plural

DIRECTIONS: dict[str, Tone] = {"improving": "good", "degrading": "bad"}


def build_named_card(scan: Scan, skill: model.Skill) -> ReportDocument:
    """Return the card of one doer, laid out.

    Args:
        scan: Gives a table as a lazy frame.
        skill: What is known of the doer.
    """
    return build_card(skill, courses(scan, as_of=skill.as_of, doer=skill.doer).get(skill.doer, Course()))


def build_card(skill: model.Skill, course: Course) -> ReportDocument:
    """Lay out the card of one doer.

    Args:
        skill: What is known of it.
        course: Its loss by day.
    """
    name, window = say.clean(skill.doer, 60), skill.data_window
    loss, policy = skill.card.loss, skill.policy
    days_told = f"from {say.day(window.first_day)} to {say.day(window.last_day)}"
    return ReportDocument.of(
        skill.as_of,
        title=f"Skill card: {name}",
        subtitle="What it is good and bad at, with which models, how it fails, and what to try next",
        window=f"Runs {days_told}, the latest on {say.day(loss.last_run_date)}; its own past is as many days before. "
        "A loss lies between 0 and 1, lower is better.",
        figures=(
            KeyFigure("Mean loss", say.loss(loss.mean_loss), f"direction: {loss.direction}"),
            KeyFigure(
                "Runs with a loss",
                say.count(skill.sample_size),
                f"{say.count(loss.runs - loss.n)} without one, {plural(loss.units_without_loss, 'unit')} without any; "
                f"{say.count(loss.runs_before)} runs before",
            ),
            KeyFigure("Share of the loss observed", say.percent(loss.mean_coverage), _list_unobserved(skill.card)),
            KeyFigure("Change over 7 days", say.effect(loss.change_7d), _between(loss, "change_7d")),
            KeyFigure("Change over 30 days", say.effect(loss.change_30d), _between(loss, "change_30d")),
            KeyFigure(
                "Policy",
                say.NOTHING if policy is None else say.clean(policy.policy_version, 24),
                "none is known" if policy is None else plural(policy.age_days, "day") + " old",
            ),
        ),
        sections=(
            _build_next(skill),
            build_terms(skill.card),
            build_models(skill.card),
            build_failures(skill.card),
            build_behaviour(skill.card),
            _build_course(skill.card, course),
            _build_policy(skill),
            build_method(),
        ),
    ).with_foot(f"Skill card of {name}")


def _list_unobserved(card_of: model.Card) -> str:
    if not card_of.loss.runs:
        return "nothing was observed"
    return (
        f"{plural(len(card_of.not_observed), 'term')} not observed" if card_of.not_observed else "every term observed"
    )


def _between(loss: model.Loss, name: str) -> str:
    low, high = (getattr(loss, f"{name}_ci_{end}") for end in ("low", "high"))
    change = getattr(loss, name)
    if change is None:
        return "no runs before to compare with"
    return "too few runs for an interval" if low is None else say.between(say.effect(low), say.effect(high))


def _format_change(loss: model.Loss, window: int) -> str:
    change = getattr(loss, f"change_{window}d")
    known = "not known" if change is None else say.effect(change)
    return f"over {window} days {known} ({_between(loss, f'change_{window}d')})"


def _build_next(skill: model.Skill) -> Section:
    known = skill.card
    blocks: list[Block] = [*_build_findings(known), *(Paragraph(step.words) for step in skill.next_steps)]
    if not skill.next_steps:
        blocks.append(Paragraph("Nothing is proposed: its loss is not rising, and it has no proven weakness."))
    if known.not_observed:
        names = ", ".join(words.term(name) for name in known.not_observed)
        of_what = "it" if len(known.not_observed) == 1 else "them"
        said = f"Not observed, so nothing is known of {of_what}: {names}."
        if known.loss.mean_coverage is not None:
            said += f" Its loss rests on {say.percent(known.loss.mean_coverage)} of all weight."
        blocks.append(Paragraph(said))
    return Section("next", "What to try next", "", tuple(blocks))


def _build_findings(known: model.Card) -> list[Block]:
    """Return what the tables say of it, each in its one sentence."""
    kinds = ("degrading_doer", "version_change")
    return [
        Paragraph(" ".join(filter(None, (item.sentence, item.remedy)))) for item in known.findings if item.kind in kinds
    ]


def _build_course(known: model.Card, course: Course) -> Section:
    title, loss, days = "Its loss over time", known.loss, course.days
    if not days:
        return Section("course", title, "", (Paragraph("No run of these days has a loss."),))
    said = f"Direction: {loss.direction}. Change {', '.join(_format_change(loss, window) for window in (7, 30))}."
    shown = f"{say.loss(days[-1][2])} {loss.direction}"
    trend = Trend(
        "Loss",
        days,
        course.alerts,
        shown,
        say.loss(days[-1][2]),
        DIRECTIONS.get(loss.direction, "plain"),
    )
    told = (
        f"From {say.day(days[0][0])} to {say.day(days[-1][0])}, {plural(len(days), 'day')} with runs; moving average "
        f"{say.loss(days[-1][2])}, {loss.direction}."
    )
    alarm = (("bad", "A day with an alert"),) if course.alerts else ()
    legend = ((trend.tone, "Moving average"), ("muted", "Mean of a day"), *alarm)
    picture = Picture(draw_trend_chart("chart-course", "Loss by day with its moving average", told, [trend], legend))
    return Section("course", title, said, (picture,))


def _build_policy(skill: model.Skill) -> Section:
    policy, experiments = skill.policy, skill.card.experiments
    if policy is None:
        said = "No policy is active for it, and its runs name none."
    else:
        name = f"{say.clean(policy.policy_id, 60)} {say.clean(policy.policy_version, 40)}"
        since = f"since {say.day(policy.since)}, {plural(policy.age_days, 'day')}"
        known = "active" if policy.known_from == "policies" else "named by its latest runs, first"
        said = f"It runs under {name}, {known} {since}."
        if policy.active_policies > 1:
            said += f" {say.count(policy.active_policies)} policies are active for it, one for each phase."
    blocks: list[Block] = [Paragraph(said)]
    if experiments:
        blocks.append(
            build_grid(
                "experiments-table",
                "Latest experiments",
                TABLES[model.Experiment],
                Listing.whole(experiments),
                (
                    *("experiment_id", "experiment_type", "status", "hypothesis", "loss_delta"),
                    show_text("Policy it made", _format_version, "policy_version", "policy_status"),
                ),
            )
        )
    else:
        blocks.append(Paragraph("No experiment has been made for it."))
    return Section("policy", "Policy and experiments", "", tuple(blocks))


def _format_version(row: model.Experiment) -> str:
    return say.text(" ".join(filter(None, (row.policy_version, row.policy_status))))


def build_method() -> Section:
    """Return what the figures of a card mean."""
    said = (
        (
            "Strength, weakness",
            (
                "Four things hold: the corrected p-value is small enough, the interval leaves out 0, the difference matters, "
                "and both sides have enough runs. The correction is Benjamini-Hochberg over all comparisons of the night. "
                "Even: the interval lies within what does not matter. Unclear: all else, also where the other agents and the "
                "past say opposite things."
            ),
        ),
        (
            "Difference of a term",
            (
                "What the difference of the means is worth in loss: it is multiplied by the term's weight for the agent. The "
                "larger of Welch's and the pooled standard error is taken."
            ),
        ),
        (
            "Equal cost",
            "Least squares on a constant per band of cost. Runs with a cost of 0 are left out as unknown, which may favour a model.",
        ),
        ("Shares", "Intervals of shares are Wilson's, of their changes Newcombe's."),
        ("Independence", "Each run counts as one independent observation; runs on the same task are less than that."),
        (
            "Not observed",
            "A term that no run tells is not zero. It is left out, and the loss rests on what was observed alone.",
        ),
    )
    return Section("method", "How to read this", "", (Definitions("", "", said),))
