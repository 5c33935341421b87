"""The audit of a version of a data set, laid out: shares, balance, diversity, outputs of models, what was dropped, warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from kaizenlake.publish import formats as say
from kaizenlake.report.engine.blocks import Block, KeyFigure, Paragraph, ReportDocument, Section, build_grid
from kaizenlake.report.engine.columns import show_text
from kaizenlake.report.engine.rows import Listing
from kaizenlake.tables import Datasets

_HEADS = {"splits": "Split", "task_types": "Type of task", "labels": "Label"}


def build_dataset_audit(told: Mapping[str, Any], *, as_of: datetime) -> ReportDocument:
    """Lay out what `kaizenlake.decide.training.audits.audit` found.

    Args:
        told: Its answer.
        as_of: When it was asked.
    """
    name = say.clean(f"{told['dataset_id']} {told['version']}", 80)
    warnings = list(told["warnings"])
    return ReportDocument.of(
        as_of,
        title=f"Data set: {name}",
        subtitle="What is in it, how it is cut, and what should give pause",
        window="Every figure is of this version alone, but for what was dropped, which is of the lake.",
        figures=(
            KeyFigure("Examples", say.count(told["examples"]), "in all of its splits"),
            KeyFigure("Outputs of models", say.percent(told["synthetic_share"]), "that nobody edited or verified"),
            KeyFigure(
                "Dropped", say.count(sum(row[1] for row in told["rejections"])), "examples of the lake, for a reason"
            ),
            KeyFigure("Warnings", say.count(len(warnings)), "below"),
        ),
        sections=(
            Section(
                "warnings",
                "Warnings",
                "",
                tuple(Paragraph(say.clean(text, 400)) for text in warnings) or _none("None."),
            ),
            Section("shares", "What is in it", "Shares are reported, not forced.", _build_shares(told)),
            _build_diversity(told),
            _build_dropped(told),
        ),
    ).with_foot(f"Audit of {name}")


def _none(words: str) -> tuple[Block, ...]:
    return (Paragraph(words),)


def _build_shares(told: Mapping[str, Any]) -> tuple[Block, ...]:
    blocks = [
        _build_table(
            f"{key}-table",
            head,
            (head, "Examples", "Share"),
            [
                (say.NOTHING if row[0] is None else say.clean(row[0], 80), say.count(row[1]), say.percent(row[2]))
                for row in told[key]
            ],
        )
        for key, head in _HEADS.items()
        if told[key]
    ]
    weights = [
        (say.clean(name, 80), say.count(times), f"{weight:.3f}") for name, times, weight in told["class_weights"]
    ]
    if weights:
        title = "Weights by which all labels count alike; nothing was sampled anew"
        blocks.append(_build_table("weights-table", title, ("Label", "Examples", "Weight"), weights))
    return tuple(blocks)


def _build_diversity(told: Mapping[str, Any]) -> Section:
    rows = [
        (say.clean(name.replace("_", " "), 80), *(say.NOTHING if value is None else f"{value:.4f}" for value in values))
        for name, *values in told["diversity"]
    ]
    heads = ("Figure", "This version", "Version before")
    return Section(
        "diversity", "Diversity of outputs", "", (_build_table("diversity-table", "Diversity", heads, rows),)
    )


def _build_dropped(told: Mapping[str, Any]) -> Section:
    rows = [(say.clean(rule.replace("_", " "), 80), say.count(times)) for rule, times in told["rejections"]]
    blocks = (
        (_build_table("dropped-table", "By rule", ("Rule", "Examples"), rows),)
        if rows
        else _none("No example was dropped.")
    )
    return Section("dropped", "What was dropped", "", blocks)


def _build_table(identifier: str, title: str, heads: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Block:
    columns = tuple(show_text(head, itemgetter(place)) for place, head in enumerate(heads))
    return build_grid(identifier, title, Datasets, Listing.whole(rows), columns)
