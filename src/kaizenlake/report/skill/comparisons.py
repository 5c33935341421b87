"""What a doer is held against: its terms against other doers and its past, its models at equal cost, its ways of failing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kaizenlake.publish import formats as say
from kaizenlake.publish.signed import skill_file as model
from kaizenlake.publish.signed import skill_words as words
from kaizenlake.publish.signed.skill_data import TABLES
from kaizenlake.report.engine.blocks import (
    Block,
    MissingData,
    Paragraph,
    Picture,
    Section,
    build_grid,
    build_intervals,
    events_to_log,
)
from kaizenlake.report.engine.columns import Cell, Shown, show_interval, show_text
from kaizenlake.report.engine.interval_chart import Mark, RowGroup, Scale, build_estimate
from kaizenlake.report.engine.rows import CHART_ROWS, Listing
from kaizenlake.report.engine.svg import Tone
from kaizenlake.vocabulary import plural

TONES: dict[str, Tone] = {"strength": "good", "weakness": "bad", "rising": "bad", "falling": "good"}
LEGEND = (("good", "Strength: less loss"), ("bad", "Weakness: more loss"), ("plain", "Even or unclear"))


def build_terms(known: model.Card) -> Section:
    """Return where its loss goes, and where it loses more or less than others or than before."""
    title = "Strengths and weaknesses"
    rows = [row for row in known.terms if row.n]
    if not rows:
        missing = MissingData("No run of these days told a term of the loss.", events_to_log("RUN_COMPLETED"))
        return Section("terms", title, "", (missing,))
    lead = (
        "Each term is compared with the other agents' runs of the same days, and with the agent's own past. Below 0 is "
        "better: each difference is told as what it is worth in loss."
    )
    groups = [
        RowGroup.of(heading, (_build_term_mark(row, kind) for row in rows[:CHART_ROWS]))
        for heading, kind in (("Against the other agents", "fleet"), ("Against its own past", "past"))
    ]
    return Section(
        "terms",
        title,
        lead,
        (
            *_build_picture("chart-terms", "Difference of each term, in loss, with its interval", groups),
            build_grid(
                "terms-table",
                "Terms of the loss, by the part of it that they make",
                TABLES[model.Term],
                Listing.whole(known.terms),
                (
                    show_text("Term", _format_term, "term"),
                    show_text("Verdict", _format_term_verdict, "verdict", format="verdict"),
                    *("n", "mean_term", "weight", "loss_share_rate"),
                ),
            ),
            _build_comparisons(rows),
        ),
    )


def _build_picture(identifier: str, title: str, groups: Sequence[RowGroup]) -> tuple[Picture, ...]:
    """Return differences in loss with their intervals; nothing where none has one."""
    charted = [group for group in groups if group.marks]
    if not charted:
        return ()
    return (build_intervals(identifier, title, charted, scale=Scale(0.0, signed=True, percent=False), legend=LEGEND),)


_KINDS = {"fleet": "the other agents", "past": "its own past"}


def _build_comparisons(rows: Sequence[model.Term]) -> Block:
    """Return the comparisons that could be made, or that none could."""
    told = [(row, kind) for row in rows for kind in _KINDS if getattr(row, f"{kind}_difference") is not None]
    if not told:
        return Paragraph(
            "Not enough data yet: no other agent has figures on these terms, and this one has none of earlier days."
        )
    return build_grid(
        "comparisons-table",
        "What the verdicts rest on: difference in loss, below 0 is better",
        TABLES[model.Term],
        Listing.whole(told),
        (
            show_text("Term", lambda pair: _format_term(pair[0])),
            show_text("Against", lambda pair: _KINDS[pair[1]]),
            _build_comparison("Says", "{}_verdict", "verdict"),
            _build_comparison("Runs", "n", "count"),
            _build_comparison("Their runs", "n_{}", "count"),
            _build_comparison("Difference", "{}_difference", "effect"),
            _build_comparison("Interval", "{}_ci_low {}_ci_high", "effect"),
            _build_comparison("q-value", "{}_q_value", "q"),
        ),
    )


def _build_comparison(label: str, names: str, format: str) -> Shown:  # noqa: A002 - the word for it
    """Return a column of comparisons, whose figures stand in columns that are named after what is compared with."""

    def cell(pair: tuple[model.Term, str]) -> Cell:
        row, kind = pair
        found = Shown(tuple(names.replace("{}", kind).split()), format=format).cell(row, TABLES[model.Term])
        return replace(found, text=words.AGAINST[found.text]) if format == "verdict" else found

    return show_text(label, cell, format=format)


def _format_term(row: model.Term) -> str:
    return say.sentence(words.term(row.term))


def _format_term_verdict(row: model.Term) -> str:
    return row.verdict if row.n else "not observed"


def _build_term_mark(row: model.Term, kind: str) -> Mark | None:
    difference, low, high = (getattr(row, f"{kind}_{name}") for name in ("difference", "ci_low", "ci_high"))
    tone = TONES.get(getattr(row, f"{kind}_verdict"), "plain")
    return build_estimate(_format_term(row), difference, (low, high), say.effect, tone)


def build_models(known: model.Card) -> Section:
    """Return its models at equal cost."""
    title = "Models at equal cost"
    if not known.models:
        return Section("models", title, "", (Paragraph("No run of these days names its model."),))
    lead = (
        "Each model is compared with the agent's other models at equal cost, in bands that reach up to twice the cost. "
        "Nobody drew the models by lot, so something else may explain a difference."
    )
    differences = RowGroup.of("", map(_build_model_mark, known.models))
    title_of = "Loss of each model at equal cost less that of the others, with its interval"
    return Section(
        "models",
        title,
        lead,
        (
            Paragraph(_format_best(known)),
            *_build_picture("chart-models", title_of, [RowGroup("", differences.marks[:CHART_ROWS])]),
            build_grid(
                "models-table",
                "Models, by place at equal cost",
                TABLES[model.Model],
                Listing.whole(known.models),
                (
                    *("model", "verdict", "runs"),
                    show_text("Without a loss", _count_without_loss, format="count"),
                    *("units_without_loss", "mean_loss", "mean_cost_usd", "compared", "equal_cost_difference"),
                    *(show_interval("equal_cost_ci_low", "equal_cost_ci_high"), "equal_cost_q_value"),
                ),
            ),
        ),
    )


def _count_without_loss(row: model.Model) -> str:
    return say.count(row.runs - row.n)


def _format_best(known: model.Card) -> str:
    if known.best_model is None:
        return "No model is proven better than the others at equal cost."
    best = next((row for row in known.models if row.model == known.best_model), None)
    why = f" {say.sentence(best.reason)}." if best is not None else ""
    return f"Best at equal cost: {say.clean(known.best_model, 60)}.{why}"


def _build_model_mark(row: model.Model) -> Mark | None:
    difference, low, high = row.equal_cost_difference, row.equal_cost_ci_low, row.equal_cost_ci_high
    return build_estimate(
        say.clean(row.model, 60), difference, (low, high), say.effect, TONES.get(row.verdict, "plain")
    )


def build_failures(known: model.Card) -> Section:
    """Return how its runs fail, and how that moved."""
    title = "How it fails"
    if not known.failure_modes:
        return Section("failures", title, "", (Paragraph("No run of these days says how it failed."),))
    shares = RowGroup.of("", map(_build_failure_mark, known.failure_modes[:CHART_ROWS]))
    legend = (("good", "Falling"), ("bad", "Rising"), ("plain", "No certain trend"))
    title_of = "Share of the runs that failed in each way, with its interval"
    table = build_grid(
        "failures-table",
        "Ways of failing, the most frequent first; a run may fail in several",
        TABLES[model.Failure],
        Listing.whole(known.failure_modes),
        (
            *("failure_mode", "trend", "failed", "failed_rate", show_interval(), "failed_before_rate"),
            *("change", show_interval("change_ci_low", "change_ci_high"), "q_value"),
        ),
    )
    lead = (
        f"Share of the {plural(known.failure_modes[0].runs, 'run')} of these days, and of those in as many days before."
    )
    return Section(
        "failures", title, lead, (build_intervals("chart-failures", title_of, [shares], legend=legend), table)
    )


def _build_failure_mark(row: model.Failure) -> Mark | None:
    tone = TONES.get(row.trend, "plain")
    return build_estimate(
        say.clean(row.failure_mode, 60), row.failed_rate, (row.ci_low, row.ci_high), say.percent, tone
    )
