"""The page of all doers: where the loss of each goes, what it is good and bad at, and what to try next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kaizenlake.publish import formats as say
from kaizenlake.publish.signed import skill_file as model
from kaizenlake.publish.signed import skill_words as words
from kaizenlake.publish.signed.skill_data import TABLES
from kaizenlake.report.engine.blocks import Block, Cell, Document, Figure, Paragraph, Section, grid, raw
from kaizenlake.report.engine.rows import Listing
from kaizenlake.report.skill.skill_report import method
from kaizenlake.vocabulary import plural

FLEET_ROWS = 500
"""Most doers that the fleet page lists."""

_ORDER = {"degrading": 0, "unclear": 1, "flat": 2, "improving": 3}


def fleet(skills: Sequence[model.Skill], links: Mapping[str, str]) -> Document:
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
    return Document.of(
        first.as_of,
        title="Skills of the fleet",
        subtitle="Every doer: where its loss goes, what it is good and bad at, and what to try next",
        window=f"Runs of {plural(days, 'day')} up to {say.day(last_day)}; of an agent that did not run in them, up to its last run. "
        "A loss lies between 0 and 1, lower is better.",
        figures=(
            Figure("Doers", say.count(len(skills)), ""),
            Figure("Runs with a loss", say.count(sum(skill.sample_size for skill in skills)), ""),
            Figure("Improving", say.count(sum(loss.direction == "improving" for loss in losses)), ""),
            Figure("Degrading", say.count(degrading), ""),
            Figure("With a weakness", say.count(sum(bool(skill.card.weaknesses) for skill in skills)), ""),
            Figure("Experiments proposed", say.count(sum(len(skill.next_steps) for skill in skills)), ""),
        ),
        sections=(_doers(shown, links), _steps(shown), method()),
    )


def _doers(skills: Sequence[model.Skill], links: Mapping[str, str]) -> Section:
    table = grid(
        "doers-table",
        "Doers, those that degrade first",
        TABLES[model.Loss],
        Listing(tuple((skill, skill.card.loss) for skill in skills[:FLEET_ROWS]), len(skills)),
        (
            ("Doer", "text", lambda r: Cell(say.clean(r[0].doer, 60), link=links.get(r[0].doer, ""))),
            ("Direction", "verdict", lambda r: raw(r[1].direction, r[1], "direction")),
            ("Runs", "number", lambda r: raw(say.count(r[1].n), r[1], "n")),
            ("Mean loss", "number", lambda r: raw(say.loss(r[1].mean_loss), r[1], "mean_loss")),
            ("Observed", "number", lambda r: raw(say.percent(r[1].mean_coverage), r[1], "mean_coverage")),
            ("7 days", "number", lambda r: raw(say.effect(r[1].change_7d), r[1], "change_7d")),
            ("30 days", "number", lambda r: raw(say.effect(r[1].change_30d), r[1], "change_30d")),
            ("Strengths", "text", lambda r: Cell(_names(r[0].card.strengths))),
            ("Weaknesses", "text", lambda r: Cell(_names(r[0].card.weaknesses))),
            ("Best model", "text", lambda r: Cell(say.clean(r[0].card.best_model or say.NOTHING, 40))),
        ),
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
        blocks.append(Paragraph("No doer is degrading, and none has a weakness that stands."))
    return Section("next", "What to try next", "", tuple(blocks))
