"""The page of all doers: where the loss of each goes, what it is good and bad at, and what to try next."""

from __future__ import annotations

from collections.abc import Sequence

from kaizenlake.publish import report_format as say
from kaizenlake.publish import skill_file as model
from kaizenlake.publish import skill_words as words
from kaizenlake.publish.report_blocks import (
    Block,
    Cell,
    Column,
    Document,
    Figure,
    Grid,
    Kind,
    Paragraph,
    Section,
    how_many_more,
    raw,
)
from kaizenlake.publish.skill_data import table_of
from kaizenlake.publish.skill_report import method

FLEET_ROWS = 500
"""Most doers that the fleet page lists."""

_ORDER = {"degrading": 0, "unclear": 1, "flat": 2, "improving": 3}


def fleet(skills: Sequence[model.Skill], links: dict[str, str]) -> Document:
    """Lay out the page of all doers.

    Args:
        skills: What is known of each; at least one.
        links: File of the card of each doer, beside the page; those left out have none there.
    """
    first = skills[0]
    losses = [skill.card.loss for skill in skills]
    degrading = sum(loss.direction == "degrading" for loss in losses)
    shown = sorted(skills, key=lambda skill: (_ORDER[skill.card.loss.direction], -skill.sample_size, skill.doer))
    return Document(
        title="Skills of the fleet",
        subtitle="Every doer: where its loss goes, what it is good and bad at, and what to try next",
        as_of=say.instant(first.as_of),
        as_of_iso=first.as_of.isoformat(),
        period="Skills of the fleet",
        window=f"Runs from {say.day(first.data_window.first_day)} to {say.day(first.data_window.last_day)}. "
        "A loss lies between 0 and 1, lower is better.",
        figures=(
            Figure("Doers", say.count(len(skills)), ""),
            Figure("Runs with a loss", say.count(sum(skill.sample_size for skill in skills)), ""),
            Figure("Improving", say.count(sum(loss.direction == "improving" for loss in losses)), ""),
            Figure("Degrading", say.count(degrading), ""),
            Figure("With a weakness", say.count(sum(bool(skill.card.weaknesses) for skill in skills)), ""),
            Figure("Experiments proposed", say.count(sum(len(skill.next_steps) for skill in skills)), ""),
        ),
        sections=(_doers(shown[:FLEET_ROWS], len(skills), links), _steps(shown), method()),
    )


def _doers(skills: Sequence[model.Skill], total: int, links: dict[str, str]) -> Section:
    def row(skill: model.Skill) -> tuple[Cell, ...]:
        known, loss = skill.card, skill.card.loss
        return (
            Cell(say.clean(skill.doer, 60), link=links.get(skill.doer, "")),
            raw(loss.direction, loss, "direction"),
            raw(say.count(loss.n), loss, "n"),
            raw(say.loss(loss.mean_loss), loss, "mean_loss"),
            raw(say.percent(loss.mean_coverage), loss, "mean_coverage"),
            raw(say.effect(loss.change_7d), loss, "change_7d"),
            raw(say.effect(loss.change_30d), loss, "change_30d"),
            Cell(_names(known.strengths)),
            Cell(_names(known.weaknesses)),
            Cell(say.NOTHING if known.best_model is None else say.clean(known.best_model, 40)),
        )

    kinds: tuple[tuple[str, Kind], ...] = (
        ("Doer", "text"),
        ("Direction", "verdict"),
        ("Runs", "number"),
        ("Mean loss", "number"),
        ("Observed", "number"),
        ("7 days", "number"),
        ("30 days", "number"),
        ("Strengths", "text"),
        ("Weaknesses", "text"),
        ("Best model", "text"),
    )
    table = Grid(
        "doers-table",
        "Doers, those that degrade first",
        table_of(model.Loss),
        tuple(Column(label, kind) for label, kind in kinds),
        tuple(row(skill) for skill in skills),
        how_many_more(len(skills), total),
    )
    lead = (
        "Losses of doers are of different work, and of what each of them tells; compare a doer with its own past first."
    )
    return Section("doers", "All doers", lead, (table,))


def _names(terms: Sequence[str]) -> str:
    return ", ".join(words.term(name) for name in terms) or say.NOTHING


def _steps(skills: Sequence[model.Skill]) -> Section:
    proposed = [(skill, step) for skill in skills for step in skill.next_steps]
    blocks: list[Block] = [Paragraph(f"{say.clean(skill.doer, 60)}: {step.words}") for skill, step in proposed[:20]]
    if len(proposed) > len(blocks):
        blocks.append(Paragraph(f"{say.count(len(proposed) - len(blocks))} more stand on the cards."))
    if not blocks:
        blocks.append(Paragraph("No doer is degrading for certain, and none has a weakness that stands."))
    return Section("next", "What to try next", "", tuple(blocks))
