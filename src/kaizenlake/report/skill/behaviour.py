"""How a doer goes about its work: step sequences that go with success or failure, and strategies by what they would lose."""

from __future__ import annotations

from kaizenlake.publish import formats as say
from kaizenlake.publish.signed import skill_file as model
from kaizenlake.publish.signed.skill_data import TABLES
from kaizenlake.report.engine.blocks import Block, Paragraph, Section, build_grid
from kaizenlake.report.engine.columns import show_interval, show_text
from kaizenlake.report.engine.rows import Listing


def build_behaviour(known: model.Card) -> Section:
    """Return the step sequences that go with success or failure, and the strategies that the log can value."""
    lead = (
        "Runs with a sequence of tool steps are set against runs of the same type of task without it. That was observed, so "
        "something else may explain it. Strategies are valued by the chance with which each was chosen."
    )
    return Section("behaviour", "How it goes about its work", lead, (*_list_steps(known), *_list_strategies(known)))


def _list_steps(known: model.Card) -> tuple[Block, ...]:
    if not known.behaviours:
        return (Paragraph("No sequence of tool steps goes with success or failure for certain."),)
    return (
        build_grid(
            "behaviours-table",
            "Sequences of tool steps, the surest first",
            TABLES[model.Behaviour],
            Listing.whole(known.behaviours),
            (
                *("pattern", show_text("Type of task", _format_type), "verdict", "runs_with", "pass_rate_with"),
                *("pass_rate_without", "difference", show_interval(), "q_value"),
            ),
        ),
    )


def _list_strategies(known: model.Card) -> tuple[Block, ...]:
    if not known.strategies:
        return (Paragraph("In no type of task is it known to have chosen between strategies."),)
    return (
        build_grid(
            "strategies-table",
            "Strategies, by what each would lose if it were always taken",
            TABLES[model.Strategy],
            Listing.whole(known.strategies),
            (
                *("strategy", show_text("Type of task", _format_type), "verdict", "runs_with", "effective_units"),
                *("estimated_value", "effect", show_interval("effect_ci_low", "effect_ci_high")),
                show_text("Why", lambda row: say.clean(row.reason, 300)),
            ),
        ),
    )


def _format_type(row: model.Behaviour | model.Strategy) -> str:
    return say.NOTHING if row.task_type is None else say.clean(row.task_type, 60)
