"""The skill card of one doer, laid out: what to try next, strengths and weaknesses, models, failures, loss, policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from kaizenlake.publish import report_format as say
from kaizenlake.publish import skill_file as model
from kaizenlake.publish import skill_words as words
from kaizenlake.publish.charts import Group, Mark, Tone, interval_chart
from kaizenlake.publish.charts_nights import Trend, trend_chart
from kaizenlake.publish.context import Part
from kaizenlake.publish.report_blocks import (
    Block,
    Cell,
    Column,
    Definitions,
    Document,
    Figure,
    Grid,
    Kind,
    Missing,
    Paragraph,
    Picture,
    Section,
    events_to_log,
    interval,
    raw,
)
from kaizenlake.publish.skill_data import table_of

Days = tuple[tuple[date, float, float], ...]
"""Date, mean loss of the day and moving average."""

TONES: dict[str, Tone] = {"strength": "good", "weakness": "bad", "rising": "bad", "falling": "good"}
DIRECTIONS: dict[str, Tone] = {"improving": "good", "degrading": "bad"}
LEGEND = (("good", "Strength: less loss"), ("bad", "Weakness: more loss"), ("plain", "Even or unclear"))

CHART_ROWS = 14


def card(skill: model.Skill, days: Days, alerts: frozenset[date] = frozenset()) -> Document:
    """Lay out the card of one doer.

    Args:
        skill: What is known of it.
        days: Its loss by day, in their order.
        alerts: Days on which the control chart of its loss raised an alert.
    """
    name, window = say.clean(skill.doer, 60), skill.data_window
    loss, policy = skill.card.loss, skill.policy
    days_told = f"from {say.day(window.first_day)} to {say.day(window.last_day)}"
    ran = "Runs" if loss.runs else "No run"
    return Document(
        title=f"Skill card: {name}",
        subtitle="What it is good and bad at, with which models, how it fails, and what to try next",
        as_of=say.instant(skill.as_of),
        as_of_iso=skill.as_of.isoformat(),
        period=f"Skill card of {name}",
        window=f"{ran} {days_told}, the latest on {say.day(loss.last_run_date)}; its own past are as many days before. "
        "A loss lies between 0 and 1, lower is better.",
        figures=(
            Figure("Mean loss", say.loss(loss.mean_loss), f"direction: {loss.direction}"),
            Figure("Runs with a loss", say.count(skill.sample_size), f"{say.count(loss.runs_before)} runs before"),
            Figure("Of all weight observed", say.percent(loss.mean_coverage), _unobserved(skill.card)),
            Figure("Change over 7 days", say.effect(loss.change_7d), _between(loss, "change_7d")),
            Figure("Change over 30 days", say.effect(loss.change_30d), _between(loss, "change_30d")),
            Figure(
                "Policy",
                say.NOTHING if policy is None else say.clean(policy.policy_version, 24),
                "none is known" if policy is None else say.plural(policy.age_days, "day") + " old",
            ),
        ),
        sections=(
            _next(skill),
            _terms(skill.card),
            _models(skill.card),
            _failures(skill.card),
            _course(skill.card, days, alerts),
            _policy(skill),
            method(),
        ),
    )


def _unobserved(card_of: model.Card) -> str:
    if not card_of.loss.runs:
        return "nothing was observed"
    return (
        f"{say.plural(len(card_of.not_observed), 'term')} not observed"
        if card_of.not_observed
        else "every term observed"
    )


def _between(loss: model.Loss, name: str) -> str:
    low, high = (getattr(loss, f"{name}_ci_{end}") for end in ("low", "high"))
    change = getattr(loss, name)
    if change is None:
        return "no runs before to compare with"
    return "too few runs for an interval" if low is None else say.between(say.effect(low), say.effect(high))


def _next(skill: model.Skill) -> Section:
    known = skill.card
    blocks: list[Block] = [Paragraph(step.words) for step in skill.next_steps]
    if not blocks and not known.loss.runs:
        blocks.append(Paragraph("Nothing is proposed: it has not run in these days."))
    elif not blocks:
        blocks.append(Paragraph("Nothing is proposed: its loss is not degrading for certain, and no weakness stands."))
    if known.not_observed:
        names = ", ".join(words.term(name) for name in known.not_observed)
        said = f"Not observed, so that nothing is known of it: {names}."
        if known.loss.mean_coverage is not None:
            said += f" Its loss rests on {say.percent(known.loss.mean_coverage)} of all weight."
        blocks.append(Paragraph(said))
    return Section("next", "What to try next", "", tuple(blocks))


def _terms(known: model.Card) -> Section:
    title = "Strengths and weaknesses"
    rows = [row for row in known.terms if row.n]
    if not rows:
        missing = Missing("No run of these days told a term of the loss.", events_to_log("RUN_COMPLETED"))
        return Section("terms", title, "", (missing,))
    lead = (
        "Each term of the loss against the runs of the other doers in the same days, and against the doer's own past. A "
        "difference is worth its weight in loss; below 0 is better."
    )
    groups = [
        Group(heading, tuple(mark for row in rows[:CHART_ROWS] if (mark := _term_mark(row, kind)) is not None))
        for heading, kind in (("Against the other doers", "fleet"), ("Against its own past", "past"))
    ]
    blocks: list[Block] = []
    if charted := [group for group in groups if group.marks]:
        told = "; ".join(f"{group.heading}: {mark.label} {mark.shown}" for group in charted for mark in group.marks)
        title_of = "Difference of each term, in loss, with its interval"
        blocks.append(
            Picture(
                interval_chart(
                    "chart-terms",
                    title_of,
                    f"{told}.",
                    charted,
                    reference=0.0,
                    signed=True,
                    percent=False,
                    legend=LEGEND,
                )
            )
        )
    blocks.append(
        _grid(
            "terms-table",
            "Terms of the loss, by the part of it that they make",
            known.terms,
            (
                ("Term", "text", lambda r: raw(say.sentence(words.term(r.term)), r, "term")),
                ("Verdict", "verdict", lambda r: Cell("not observed") if not r.n else raw(r.verdict, r, "verdict")),
                ("Runs", "number", lambda r: raw(say.count(r.n), r, "n")),
                ("Mean", "number", lambda r: raw(say.loss(r.mean_term), r, "mean_term")),
                ("Weight", "number", lambda r: raw(say.percent(r.weight), r, "weight")),
                ("Part of loss", "number", lambda r: raw(say.percent(r.loss_share_rate), r, "loss_share_rate")),
            ),
        )
    )
    blocks.append(_comparisons(rows))
    return Section("terms", title, lead, tuple(blocks))


_KINDS = {"fleet": "the other doers", "past": "its own past"}


def _comparisons(rows: Sequence[model.Term]) -> Block:
    """The comparisons that could be made, or that none could."""
    made = [(row, kind) for row in rows for kind in _KINDS if getattr(row, f"{kind}_difference") is not None]
    if not made:
        return Paragraph(
            "None of these terms was told by another doer in these days, nor by this one in the days before: there is "
            "nothing to hold it against."
        )
    labels: tuple[tuple[str, Kind], ...] = (
        ("Term", "text"),
        ("Against", "text"),
        ("Verdict", "verdict"),
        ("Runs", "number"),
        ("Their runs", "number"),
        ("Difference", "number"),
        ("Interval", "number"),
        ("q", "number"),
    )

    def cells(row: model.Term, kind: str) -> tuple[Cell, ...]:
        names = {name: f"{kind}_{name}" for name in ("verdict", "difference", "ci_low", "ci_high", "q_value")}
        return (
            Cell(say.sentence(words.term(row.term))),
            Cell(_KINDS[kind]),
            raw(getattr(row, names["verdict"]), row, names["verdict"]),
            raw(say.count(row.n), row, "n"),
            raw(say.count(getattr(row, f"n_{kind}")), row, f"n_{kind}"),
            raw(say.effect(getattr(row, names["difference"])), row, names["difference"]),
            interval(row, say.effect, names["ci_low"], names["ci_high"]),
            raw(say.p_value(getattr(row, names["q_value"])), row, names["q_value"]),
        )

    return Grid(
        "comparisons-table",
        "What the verdicts rest on: difference in loss, below 0 is better",
        table_of(model.Term),
        tuple(Column(label, kind) for label, kind in labels),
        tuple(cells(row, kind) for row, kind in made),
    )


def _term_mark(row: model.Term, kind: str) -> Mark | None:
    difference, low, high = (getattr(row, f"{kind}_{name}") for name in ("difference", "ci_low", "ci_high"))
    if difference is None or low is None:
        return None
    return _mark(say.sentence(words.term(row.term)), difference, low, high, getattr(row, f"{kind}_verdict"))


def _mark(label: str, value: float, low: float, high: float, verdict: str) -> Mark:
    shown = f"{say.effect(value)} ({say.between(say.effect(low), say.effect(high))})"
    return Mark(label, value, low, high, shown, say.effect(value), TONES.get(verdict, "plain"))


def _models(known: model.Card) -> Section:
    title = "Models at equal cost"
    if not known.models:
        return Section("models", title, "", (Paragraph("No run of these days names its model."),))
    lead = (
        "Runs within a band of cost, each up to twice as dear as it begins, are at equal cost; a model is set against the "
        "doer's other models band by band. Models were chosen, not drawn: something else may explain what is seen."
    )
    marks = tuple(
        _mark(
            say.clean(row.model, 60),
            row.equal_cost_difference,
            row.equal_cost_ci_low,
            row.equal_cost_ci_high,
            row.verdict,
        )
        for row in known.models
        if row.equal_cost_difference is not None
        and row.equal_cost_ci_low is not None
        and row.equal_cost_ci_high is not None
    )[:CHART_ROWS]
    blocks: list[Block] = []
    if known.best_model is not None:
        best = next((row for row in known.models if row.model == known.best_model), None)
        why = f" {say.sentence(best.reason)}." if best is not None else ""
        blocks.append(Paragraph(f"Best at equal cost: {say.clean(known.best_model, 60)}.{why}"))
    else:
        blocks.append(Paragraph("No model is better than the others at equal cost for certain."))
    if marks:
        told = "; ".join(f"{mark.label} {mark.shown}" for mark in marks)
        title_of = "Loss of each model at equal cost less that of the others, with its interval"
        blocks.append(
            Picture(
                interval_chart(
                    "chart-models",
                    title_of,
                    f"{told}.",
                    [Group("", marks)],
                    reference=0.0,
                    signed=True,
                    percent=False,
                    legend=LEGEND,
                )
            )
        )
    blocks.append(
        _grid(
            "models-table",
            "Models, by place at equal cost",
            known.models,
            (
                ("Model", "text", lambda r: raw(say.clean(r.model, 60), r, "model")),
                ("Verdict", "verdict", lambda r: raw(r.verdict, r, "verdict")),
                ("Runs", "number", lambda r: raw(say.count(r.runs), r, "runs")),
                ("Mean loss", "number", lambda r: raw(say.loss(r.mean_loss), r, "mean_loss")),
                ("Cost, USD", "number", lambda r: raw(say.figure(r.mean_cost_usd), r, "mean_cost_usd")),
                ("Compared", "number", lambda r: raw(say.count(r.compared), r, "compared")),
                (
                    "At equal cost",
                    "number",
                    lambda r: raw(say.effect(r.equal_cost_difference), r, "equal_cost_difference"),
                ),
                ("Interval", "number", lambda r: interval(r, say.effect, "equal_cost_ci_low", "equal_cost_ci_high")),
                ("q", "number", lambda r: raw(say.p_value(r.equal_cost_q_value), r, "equal_cost_q_value")),
            ),
        )
    )
    return Section("models", title, lead, tuple(blocks))


def _failures(known: model.Card) -> Section:
    title = "How it fails"
    if not known.failure_modes:
        return Section("failures", title, "", (Paragraph("No run of these days names a way in which it failed."),))
    marks = tuple(
        Mark(
            say.clean(row.failure_mode, 60),
            row.failed_rate,
            row.ci_low,
            row.ci_high,
            f"{say.percent(row.failed_rate)} ({say.between(say.percent(row.ci_low), say.percent(row.ci_high))})",
            say.percent(row.failed_rate),
            TONES.get(row.trend, "plain"),
        )
        for row in known.failure_modes[:CHART_ROWS]
        if row.failed_rate is not None and row.ci_low is not None and row.ci_high is not None
    )
    told = "; ".join(f"{mark.label} {mark.shown}" for mark in marks)
    legend = (("good", "Falling"), ("bad", "Rising"), ("plain", "No certain trend"))
    title_of = "Share of the runs that failed in each way, with its interval"
    chart = interval_chart("chart-failures", title_of, f"{told}.", [Group("", marks)], legend=legend)
    table = _grid(
        "failures-table",
        "Ways of failing, the most frequent first; a run may fail in several",
        known.failure_modes,
        (
            ("Failure", "text", lambda r: raw(say.clean(r.failure_mode, 60), r, "failure_mode")),
            ("Trend", "verdict", lambda r: raw(r.trend, r, "trend")),
            ("Runs", "number", lambda r: raw(say.count(r.failed), r, "failed")),
            ("Share", "number", lambda r: raw(say.percent(r.failed_rate), r, "failed_rate")),
            ("Interval", "number", lambda r: interval(r, say.percent)),
            ("Before", "number", lambda r: raw(say.percent(r.failed_before_rate), r, "failed_before_rate")),
            ("Change", "number", lambda r: raw(say.points(r.change), r, "change")),
            ("Interval", "number", lambda r: interval(r, say.points, "change_ci_low", "change_ci_high")),
            ("q", "number", lambda r: raw(say.p_value(r.q_value), r, "q_value")),
        ),
    )
    lead = f"Share of the {say.plural(known.failure_modes[0].runs, 'run')} of these days, and of those in as many days before."
    return Section("failures", title, lead, (Picture(chart), table))


def _course(known: model.Card, days: Days, alerts: frozenset[date]) -> Section:
    title, loss = "Its loss over time", known.loss
    if not days:
        return Section("course", title, "", (Paragraph("No run of these days has a loss."),))
    changes = [
        f"over {window} days {say.effect(getattr(loss, f'change_{window}d'))} ({_between(loss, f'change_{window}d')})"
        for window in (7, 30)
    ]
    said = f"Direction: {loss.direction}. Change {', '.join(changes)}."
    if loss.alert:
        said += " The control chart raised an alert on its latest day."
    shown = f"{say.loss(days[-1][2])} {loss.direction}"
    trend = Trend(
        "Loss",
        days,
        alerts,
        shown,
        say.loss(days[-1][2]),
        "bad" if loss.alert else DIRECTIONS.get(loss.direction, "plain"),
    )
    told = (
        f"From {say.day(days[0][0])} to {say.day(days[-1][0])}, {say.plural(len(days), 'day')} with runs; moving average "
        f"{say.loss(days[-1][2])}, {loss.direction}."
    )
    legend = (("plain", "Mean of a day, and moving average"),)
    picture = Picture(trend_chart("chart-course", "Loss by day with its moving average", told, [trend], legend))
    return Section("course", title, said, (picture,))


def _policy(skill: model.Skill) -> Section:
    policy, experiments = skill.policy, skill.card.experiments
    if policy is None:
        said = "No policy is active for it, and none of its runs names one."
    else:
        name = f"{say.clean(policy.policy_id, 60)} {say.clean(policy.policy_version, 40)}"
        since = f"since {say.day(policy.since)}, {say.plural(policy.age_days, 'day')}"
        known = "active" if policy.known_from == "policies" else "named by its latest runs, first"
        said = f"It runs under {name}, {known} {since}."
        if policy.active_policies > 1:
            said += f" {say.count(policy.active_policies)} policies are active for it, one a phase."
    blocks: list[Block] = [Paragraph(said)]
    if experiments:
        blocks.append(
            _grid(
                "experiments-table",
                "Latest experiments",
                experiments,
                (
                    ("Experiment", "text", lambda r: raw(say.clean(r.experiment_id, 60), r, "experiment_id")),
                    ("Type", "text", lambda r: raw(say.words(r.experiment_type), r, "experiment_type")),
                    ("Status", "verdict", lambda r: raw(r.status, r, "status")),
                    ("Hypothesis", "text", lambda r: raw(say.clean(r.hypothesis or say.NOTHING, 160), r, "hypothesis")),
                    ("Change of loss", "number", lambda r: raw(say.effect(r.loss_delta), r, "loss_delta")),
                    (
                        "Policy it made",
                        "text",
                        lambda r: raw(
                            say.clean(" ".join(filter(None, (r.policy_version, r.policy_status))) or say.NOTHING, 60),
                            r,
                            "policy_version",
                            "policy_status",
                        ),
                    ),
                ),
            )
        )
    else:
        blocks.append(Paragraph("No experiment has been made for it."))
    return Section("policy", "Policy and experiments", "", tuple(blocks))


def method() -> Section:
    """What the figures of a card mean."""
    terms = (
        (
            "Strength, weakness",
            (
                "The corrected p-value (Benjamini-Hochberg over all comparisons of the night) is small enough, the interval "
                "leaves out 0, the difference matters, and there are enough runs on both sides. Even: the interval lies "
                "within what does not matter. Else unclear, also where the other doers and the past say the opposite."
            ),
        ),
        (
            "Difference of a term",
            (
                "Mean of the doer less that of the other side, times the weight that the term has for the doer: what it is "
                "worth in loss. The larger of Welch's and the pooled standard error is taken."
            ),
        ),
        (
            "Equal cost",
            "Least squares on a constant per band of cost; a cost of 0 is unknown and left out, which may favour a model.",
        ),
        ("Shares", "Intervals of shares are Wilson's, of their changes Newcombe's."),
        ("Independence", "Each run counts as one independent observation; runs on the same task are less than that."),
        (
            "Not observed",
            "A term that no run tells is not zero. It is left out, and the loss rests on what was observed alone.",
        ),
    )
    return Section("method", "How to read this", "", (Definitions("", "", terms),))


def _grid(
    identifier: str, caption: str, rows: Sequence[Part], parts: Sequence[tuple[str, Kind, Callable[[Any], Cell]]]
) -> Grid:
    return Grid(
        identifier,
        caption,
        table_of(type(rows[0])),
        tuple(Column(label, kind) for label, kind, _ in parts),
        tuple(tuple(make(row) for _, _, make in parts) for row in rows),
    )
