"""Section on wording: what the text models are worth on experiments they never saw, and which ideas bring clicks."""

from __future__ import annotations

from kaizenlake.publish import formats as say
from kaizenlake.publish.context.reasons import describe_learned
from kaizenlake.report.engine.blocks import Block, Section, build_grid
from kaizenlake.report.engine.columns import show_interval, show_text
from kaizenlake.report.engine.rows import TableRow
from kaizenlake.report.kaizen.kaizen_data import ReportData
from kaizenlake.tables import LearnedValue, TextEffects


def build_wording(data: ReportData) -> Section | None:
    """Return what text models are worth and the effects of their rules; nothing without experiments on wording."""
    if not data.models.total:
        return None
    blocks: list[Block] = [
        build_grid(
            "models-table",
            "Text models, judged on experiments that followed those they were learned from",
            LearnedValue,
            data.models,
            (
                show_text("Learned from", _name_model, "model"),
                *("status", "experiments", "judged_experiments", "pair_accuracy", "significant_accuracy"),
                *("click_gain", "kept_sign_rate"),
            ),
        )
    ]
    if data.wording.total:
        blocks.append(
            build_grid(
                "wording-table",
                "Ideas whose interval leaves out no effect, the strongest first",
                TextEffects,
                data.wording,
                (
                    show_text("Idea", _name_idea, "term", "meaning"),
                    *("effect", "tests", "arms"),
                    show_interval("ci_low", "ci_high", format="lift"),
                ),
            )
        )
    lead = describe_learned(vars(data.models.rows[0]))
    lead += " Effects are beside the other wordings of an experiment, all other ideas alike."
    return Section("wording", "Which wording brings clicks", lead, tuple(blocks))


def _name_model(row: TableRow) -> str:
    return say.clean(row.model, 60) if row.model else "All projects"


def _name_idea(row: TableRow) -> str:
    return say.clean(row.meaning.rstrip("."), 90)
