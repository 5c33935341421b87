"""The page of all doers: where the loss of each goes, what it is good and bad at, and what to try next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import to_builtins

from kaizenlake.publish import formats as say
from kaizenlake.publish.signed import skill_file as model
from kaizenlake.publish.signed import skill_words as words
from kaizenlake.publish.signed.skill_data import TABLES
from kaizenlake.report.engine.blocks import Block, KeyFigure, Paragraph, ReportDocument, Section, build_grid
from kaizenlake.report.engine.columns import show_text
from kaizenlake.report.engine.rows import Listing, TableRow
from kaizenlake.report.skill.skill_report import build_method
from kaizenlake.vocabulary import plural

FLEET_ROWS = 500
"""Most doers that the fleet page lists."""

_ORDER = {"degrading": 0, "unclear": 1, "flat": 2, "improving": 3}


def build_fleet(skills: Sequence[model.Skill], links: Mapping[str, str]) -> ReportDocument:
    """Lay out the page of all doers.

    Args:
        skills: What is known of each; at least one.
        links: File of the card of each doer, beside the page; those left out have none there.
    """
    first = skills[0]
    last_day = max(skill.data_window.last_day for skill in skills)
    days = (first.data_window.last_day - first.data_window.first_day).days + 1
    losses = [skill.card.loss for skill in skills]
    degrading = sum(loss.direction == "degrading" for loss in losses)
    shown = sorted(skills, key=lambda skill: (_ORDER[skill.card.loss.direction], -skill.sample_size, skill.doer))
    return ReportDocument.of(
        first.as_of,
        title="Skills of the fleet",
        subtitle="Every agent: where its loss goes, what it is good and bad at, and what to try next",
        window=f"Runs of {plural(days, 'day')} up to {say.day(last_day)}, or up to the last run of an agent that did not run since. "
        "A loss lies between 0 and 1, lower is better.",
        figures=(
            KeyFigure("Agents", say.count(len(skills)), ""),
            KeyFigure("Runs with a loss", say.count(sum(skill.sample_size for skill in skills)), ""),
            KeyFigure("Improving", say.count(sum(loss.direction == "improving" for loss in losses)), ""),
            KeyFigure("Degrading", say.count(degrading), ""),
            KeyFigure("With a weakness", say.count(sum(bool(skill.card.weaknesses) for skill in skills)), ""),
            KeyFigure("Experiments proposed", say.count(sum(len(skill.next_steps) for skill in skills)), ""),
        ),
        sections=(_build_doers(shown, links), _build_steps(shown), build_method()),
    )


def _build_doers(skills: Sequence[model.Skill], links: Mapping[str, str]) -> Section:
    table = build_grid(
        "doers-table",
        "Agents, those that degrade first",
        TABLES[model.Loss],
        Listing(
            tuple(TableRow(skill=skill, **to_builtins(skill.card.loss)) for skill in skills[:FLEET_ROWS]), len(skills)
        ),
        (
            show_text("Agent", _format_doer, link=lambda row: links.get(row.skill.doer, "")),
            *("direction", "n", "mean_loss", "mean_coverage", "change_7d", "change_30d"),
            show_text("Strengths", _format_strengths),
            show_text("Weaknesses", _format_weaknesses),
            show_text("Best model", _format_best_model),
        ),
    )
    lead = "Agents do different work, and each tells other things of it. Compare an agent with its own past first."
    return Section("doers", "All agents", lead, (table,))


def _format_doer(row: TableRow) -> str:
    return say.clean(row.skill.doer, 60)


def _format_strengths(row: TableRow) -> str:
    return _format_names(row.skill.card.strengths)


def _format_weaknesses(row: TableRow) -> str:
    return _format_names(row.skill.card.weaknesses)


def _format_best_model(row: TableRow) -> str:
    return say.text(row.skill.card.best_model, 40)


def _format_names(terms: Sequence[str]) -> str:
    return ", ".join(words.term(name) for name in terms) or say.NOTHING


def _build_steps(skills: Sequence[model.Skill]) -> Section:
    proposed = [(skill, step) for skill in skills for step in skill.next_steps]
    blocks: list[Block] = [Paragraph(f"{say.clean(skill.doer, 60)}: {step.words}") for skill, step in proposed[:20]]
    if len(proposed) > len(blocks):
        blocks.append(Paragraph(f"{say.count(len(proposed) - len(blocks))} more stand on the cards."))
    if not blocks:
        blocks.append(Paragraph("No agent is degrading, and none has a proven weakness."))
    return Section("next", "What to try next", "", tuple(blocks))
