"""What contexts are worth, in a sentence at the head of the report."""

from __future__ import annotations

from kaizenlake.jobs.creations.kaizen_uplift import FEWEST_PROJECTS, FEWEST_UNITS
from kaizenlake.publish import formats as say
from kaizenlake.report.engine.rows import TableRow
from kaizenlake.vocabulary import plural


def describe_uplift(rows: tuple[TableRow, ...]) -> str:
    """Return what results with a context are against those without; empty where nothing was made with one.

    What was drawn by chance is told first, by the rate that most of it has; what was only observed stands in where nobody
    was held out, and is marked as that.

    Args:
        rows: Rows of `KaizenUplift` of one tenant.
    """
    drawn, seen = (_pick(rows, basis) for basis in ("experiment", "observation"))
    if drawn is not None and drawn.units_without:
        return _describe_experiment(drawn)
    if seen is None:
        return ""
    told = "No brief is held out, so what contexts are worth is only observed"
    if seen.ci_low is None:
        return f"{told}: too few posts or projects have both to tell."
    return f"{told}: {_describe_difference(seen)}, {_count_sides(seen, 'post')}. Other reasons are possible."


def _describe_experiment(row: TableRow) -> str:
    if row.status == "too_few":
        return (
            f"Too few are held out to tell what contexts are worth: {_count_sides(row, 'brief')} in "
            f"{plural(row.projects, 'project')}; it takes {FEWEST_UNITS} of each, and {FEWEST_PROJECTS} projects."
        )
    verdict = {
        "better": "Contexts pay",
        "worse": "Contexts do harm",
        "unclear": "Whether contexts pay is not known yet",
    }[row.status]
    return f"{verdict}: {_describe_difference(row)}, {_count_sides(row, 'brief')}, drawn by chance."


def _describe_difference(row: TableRow) -> str:
    span = say.between(say.lift(row.ci_low), say.lift(row.ci_high))
    return f"{say.lift(row.lift)} {say.name_words(row.metric)} ({span})"


def _count_sides(row: TableRow, noun: str) -> str:
    return f"{plural(row.units_with, noun)} with and {say.count(row.units_without)} without one"


def _pick(rows: tuple[TableRow, ...], basis: str) -> TableRow | None:
    """Return the row of a basis that has most units without a context, then most with one."""
    of_basis = [row for row in rows if row.basis == basis]
    return max(of_basis, key=lambda row: (row.units_without, row.units_with, row.metric), default=None)
