"""The report of a shadow or a canary: verdict, effect and evidence night by night, sizes, guardrails, segments, decisions."""

from __future__ import annotations

from kaizenlake import tables
from kaizenlake.publish import formats as say
from kaizenlake.report.canary.canary_data import CanaryData, CandidateNights, lately
from kaizenlake.report.canary.canary_labels import (
    FINAL,
    METHODS,
    RESULTS,
    STEPS,
    TAKEN_BACK,
    VERDICTS,
    Verdict,
    describe_metric,
    missing_outcomes,
)
from kaizenlake.report.canary.guardrail_section import build_guardrails
from kaizenlake.report.canary.night_sections import CHARTED, build_candidates, night_of, section_of
from kaizenlake.report.engine.blocks import (
    Block,
    Definitions,
    FindingBlock,
    Grid,
    Headlines,
    KeyFigure,
    ReportDocument,
    Section,
    build_grid,
    build_meanings,
)
from kaizenlake.report.engine.columns import Cell, Shown, show, show_text
from kaizenlake.report.engine.rows import Listing, TableRow
from kaizenlake.report.kaizen.decision_rows import build_decisions_table
from kaizenlake.tables import CanaryLooks, CanarySegments, Deployments, Table
from kaizenlake.vocabulary import plural


def build_document(data: CanaryData) -> ReportDocument:
    """Lay the report out.

    Args:
        data: What `canary_report_data.build` read.
    """
    found = data.deployment
    name, kind = say.clean(found.deployment_id, 60), say.sentence(found.deployment_mode)
    against = " and ".join(say.clean(item.version, 30) for item in data.candidates[:3])
    more = f" and {len(data.candidates) - 3} more" if len(data.candidates) > 3 else ""
    ended = "" if found.ended_at is None else f" It ended on {say.instant(found.ended_at)}: {_format_result(data)}."
    return ReportDocument.of(
        data.as_of,
        title=f"{kind} {name}",
        subtitle=f"{against}{more} against {say.clean(found.control_version, 30)} of policy {say.clean(found.policy_id, 60)}",
        window=f"Started on {say.instant(found.started_at)} by {say.clean(found.started_by, 60)}.{ended}",
        figures=_build_figures(data),
        sections=(
            build_verdict(data),
            *build_candidates(data),
            build_sizes(data),
            build_guardrails(data),
            build_segments(data),
            build_decisions(data),
            build_design(data),
            build_method(data),
        ),
    ).with_foot(f"{kind} {name}, {say.clean(found.policy_id, 60)}")


def _format_result(data: CanaryData) -> str:
    found = data.deployment
    who = f" by {say.clean(found.ended_by, 60)}" if found.ended_by else ""
    return f"{RESULTS.get(found.result or '', 'without a result')}{who}"


def _build_figures(data: CanaryData) -> tuple[KeyFigure, ...]:
    first, found = data.candidates[0].last, data.deployment
    units = sum(item.last.units for item in data.candidates)
    return (
        KeyFigure("Night", f"{first.look} of {found.horizon_nights} planned", found.status),
        KeyFigure(
            f"Units of {plural(len(data.candidates), 'candidate')}",
            say.count(units),
            f"{say.count(first.units_control)} of the control",
        ),
        *(
            KeyFigure(
                f"{say.sentence(_stands(item).brief)}: {say.clean(item.version, 24)}",
                say.effect(item.last.effect),
                f"effect on the loss, {say.lift(item.last.lift)}",
            )
            for item in data.candidates[:CHARTED]
        ),
    )


def build_verdict(data: CanaryData) -> Section:
    """Return what each candidate came to, with its reason."""
    found = [
        FindingBlock(
            "verdict",
            _format_decision(item),
            tables.full_name(CanaryLooks),
            "warning" if item.decisive.verdict in FINAL else "experiment",
            section_of(place, data),
        )
        for place, item in enumerate(data.candidates, 1)
    ]
    lead = "The effect is the candidate's mean loss less the control's. Below 0 is better."
    return Section("verdict", "Verdict", lead, (Headlines(tuple(found)),))


def _stands(item: CandidateNights) -> Verdict:
    """Return what stands of a candidate, in words."""
    return VERDICTS[item.decisive.verdict] if item.taken_back is None else TAKEN_BACK


def _format_decision(item: CandidateNights) -> str:
    """Return what stands of a candidate, which night decided it, and what later nights only add."""
    decisive, last = item.decisive, item.last
    said = f"{say.clean(item.version, 40)}: {_stands(item).sentence}"
    if (before := item.taken_back) is not None:
        said += (
            f" Night {before.look}, on {say.day(before.looked_on)}, said promote; night {last.look} takes that back:"
        )
    if decisive is last:
        return f"{said} {say.clean(last.reason, 600)}"
    return (
        f"{said} Night {decisive.look} decided it, on {say.day(decisive.looked_on)}: {say.clean(decisive.reason, 500)} Later "
        f"nights only add to it; at night {last.look}: {say.clean(last.reason, 500)}"
    )


def build_sizes(data: CanaryData) -> Section:
    """Return sizes of the arms, and whether they are those of the allocation."""
    rows = Listing.whole(item.last for item in data.candidates)
    shares = {item.version: item.share for item in data.candidates}
    blocks: list[Block] = [
        build_grid(
            "sizes-table",
            "Arms at the latest check",
            CanaryLooks,
            rows,
            (
                "policy_version",
                show_text("Share", lambda row: say.percent(shares[row.policy_version]), format="rate"),
                *("units", "units_control", "runs", "runs_control", "runs_failed", "runs_failed_control"),
                *("runs_without_loss", "runs_without_loss_control", "mean_loss", "mean_loss_control", "sample_ratio_p"),
            ),
        ),
        _by_night(data),
    ]
    last = data.candidates[0].last
    lead = (
        f"Left out: {plural(last.units_mixed, 'unit')} seen under more than one version, "
        f"{plural(last.runs_without_unit, 'run')} without a unit. "
        f"{plural(last.units_misrouted, 'unit')} ran under another version than the one "
        f"{'its' if last.units_misrouted == 1 else 'their'} hash says. "
        f"The smaller arm needs {plural(data.deployment.minimum_units, 'unit')}."
    )
    if last.sample_ratio_p is not None:
        lead += (
            f" The test of the sizes of the arms against the allocation gives {say.p_words(last.sample_ratio_p, 'p')}."
        )
    if last.runs_ratio_p is not None:
        lead += f" That of their runs a unit gives {say.p_words(last.runs_ratio_p, 'p')}."
    several = len(data.candidates) > 1
    for item in data.candidates:
        whose = f" {say.clean(item.version, 40)}:" if several else ""
        lead += "".join(f"{whose} {words}" for words in missing_outcomes(vars(item.last)))
    return Section("sizes", "Sample sizes", lead, tuple(blocks))


def _by_night(data: CanaryData) -> Grid:
    """Return units of each arm, night by night."""
    shown_candidates = data.candidates[:CHARTED]
    nights = lately(max(shown_candidates, key=lambda item: len(item.looks)).looks)
    found = {(item.version, look.look): look for item in shown_candidates for look in item.looks}

    def units(version: str) -> Shown:
        def cell(look: TableRow) -> Cell:
            own = found.get((version, look.look))
            return Cell(say.NOTHING) if own is None else Shown(("units",)).cell(own, CanaryLooks)

        return show_text(say.clean(version, 24), cell, format="count")

    return build_grid(
        "units-table",
        "Units with a loss so far, night by night",
        CanaryLooks,
        nights,
        (
            show_text("Night", night_of, "look"),
            show("units_control", f"Control {say.clean(data.deployment.control_version, 24)}"),
            *(units(item.version) for item in shown_candidates),
            "sample_ratio_p",
        ),
    )


def build_segments(data: CanaryData) -> Section | None:
    """Return where in its units a candidate does otherwise; None where the units are not taken apart."""
    if not data.segments.total:
        return None
    table = build_grid(
        "segments-table",
        "Parts of the units at the latest check",
        CanarySegments,
        data.segments,
        (
            show_text("Part", _format_part, "dimension", "value"),
            *("policy_version", "verdict", "units", "units_control", "effect", "shrunk_effect"),
            *("p_always_valid", "q_value"),
        ),
    )
    lead = (
        "Effects of parts are drawn toward their mean, the more so the fewer units they have. The q-value counts that many "
        "parts were looked at, on every night."
    )
    return Section("segments", "Segments", lead, (table,))


def _format_part(row: TableRow) -> str:
    return f"{say.name_words(row.dimension)}: {say.clean(row.value, 48)}"


def build_decisions(data: CanaryData) -> Section | None:
    """Return what was decided on it; None where nothing was."""
    if not data.decisions.total:
        return None
    table = build_decisions_table("decisions-table", "Decisions that rest on it", data.decisions)
    return Section("decisions", "Decisions", "Each decision is an event; none is changed afterwards.", (table,))


def build_design(data: CanaryData) -> Section:
    """Return what was set before the first look."""
    found = data.deployment
    arms = ", ".join(f"{say.clean(item.version, 30)} {say.percent(item.share)}" for item in data.candidates)
    automatic = [name for name, is_on in (("roll back", found.auto_rollback), ("promote", found.auto_promote)) if is_on]
    guarded = ", ".join(
        f"{describe_metric(name)} {say.figure(margin, signed=True)}{' (of the settings)' if name in (found.settings_guardrails or ()) else ''}"
        for name, margin in zip(found.guardrail_metrics, found.guardrail_margins, strict=False)
    )
    terms = (
        ("Randomised", f"Each {say.clean(found.unit_name, 60)}, by a salted hash of its id: it stays in its arm."),
        ("Shares", f"{arms}; the rest runs under {say.clean(found.control_version, 30)}."),
        ("Horizon", f"{plural(found.horizon_nights, 'night')}; at least {plural(found.minimum_units, 'unit')} in the smaller arm."),
        ("False promotion", f"A chance of at most {say.percent(found.alpha)} over all nights and candidates together, {METHODS.get(found.method, say.clean(found.method, 40))}."),
        ("Tolerated increase", f"{say.effect(found.max_loss_increase)} of the mean loss."),
        ("Guardrails", f"{guarded or 'None'}."),
        ("The night may", f"{' and '.join(automatic)} by itself." if automatic else "decide nothing by itself."),
        ("Reason", say.clean(found.reason, 300) if found.reason else "None was given."),
    )  # fmt: skip
    intro = f"Set on {say.instant(found.started_at)} by {say.clean(found.started_by, 60)}, before the first check."
    return Section("design", "What was set beforehand", "", (Definitions("", intro, terms),))


_SHOWN: tuple[tuple[type[Table], tuple[str, ...]], ...] = (
    (
        CanaryLooks,
        (
            "effect", "sequential_ci_low", "ci_low", "lift", "p_boundary", "boundary_p", "p_value", "sample_ratio_p",
            "runs_ratio_p", "missing_p", "units_mixed", "units_misrouted", "guardrails", "verdict",
        ),
    ),
    (CanarySegments, ("shrunk_effect", "p_always_valid", "q_value")),
    (Deployments, ("minimum_units", "max_loss_increase")),
)  # fmt: skip
"""Columns that the report shows; their meanings come from the tables' declarations."""


def build_method(data: CanaryData) -> Section:
    """Return how a verdict comes about, and what each figure means."""
    return Section(
        "method",
        "How it is computed",
        f"Every figure is read from a table of the lake as of {say.instant(data.as_of)}.",
        (Definitions("From runs to a verdict", "", STEPS), *build_meanings(_SHOWN)),
    )
