"""What a candidate may not make worse: each guarded metric, its increase, and how much of it is tolerated."""

from __future__ import annotations

from collections.abc import Iterable

from kaizenlake.publish import formats as say
from kaizenlake.report.canary.canary_data import CanaryData, GuardrailRow
from kaizenlake.report.canary.canary_labels import describe_metric
from kaizenlake.report.engine.blocks import Block, Section, build_grid, build_intervals
from kaizenlake.report.engine.columns import show_text
from kaizenlake.report.engine.interval_chart import Mark, RowGroup, Scale
from kaizenlake.report.engine.rows import Listing
from kaizenlake.report.engine.svg import Tone
from kaizenlake.tables import CanaryLooks


def build_guardrails(data: CanaryData) -> Section | None:
    """Return what a candidate may not make worse; None where nothing is guarded."""
    rows = tuple(row for item in data.candidates for row in item.guardrails)
    if not rows:
        return None
    broken = [row for row in rows if row.verdict == "broken"]
    lead = (
        "A guardrail is broken where its whole interval lies above what is tolerated. It is held where all of it lies below. "
        "The intervals hold on all nights at once."
    )
    if broken:
        named = ", ".join(f"{describe_metric(row.metric)} of {say.clean(row.policy_version, 40)}" for row in broken[:6])
        lead = f"Broken at the latest check: {named}. {lead}"
    if left_out := sorted({describe_metric(row.metric) for row in rows if row.verdict == "left_out"}):
        lead = (
            f"Left out: {', '.join(left_out)}, which only the settings name and no run of the control told in the last 30 days of it. "
            f"{lead}"
        )
    table = build_grid(
        "guardrails-table",
        "Guardrails at the latest check",
        CanaryLooks,
        Listing.whole(rows),
        (
            show_text("Guardrail", _format_metric),
            show_text("Candidate", _format_version),
            show_text("Verdict", _format_verdict, format="verdict"),
            show_text("Increase", _format_increase, format="increase"),
            show_text("On all nights", _format_span, format="increase"),
            show_text("Tolerated", _format_margin, format="increase"),
        ),
    )
    return Section("guardrails", "Guardrails", lead, (*_build_chart_blocks(rows), table))


_GUARD_TONES: dict[str, Tone] = {"held": "good", "broken": "bad"}


def _build_chart_blocks(rows: Iterable[GuardrailRow]) -> tuple[Block, ...]:
    """Return each increase as a share of what is tolerated, so that metrics of any unit stand side by side."""
    marks: dict[str, list[Mark]] = {}
    for row in rows:
        if None in {row.effect, row.lower, row.upper, row.margin} or not row.margin:
            continue
        share, low, high = (float(value or 0.0) / row.margin for value in (row.effect, row.lower, row.upper))
        tone = _GUARD_TONES.get(row.verdict, "plain")
        shown = f"{say.percent(share)} of the tolerated, {row.verdict if tone != 'plain' else 'unclear'}"
        mark = Mark(describe_metric(row.metric), share, low, high, shown, say.percent(share), tone)
        marks.setdefault(say.clean(row.policy_version, 40), []).append(mark)
    if not marks:
        return ()
    title = "Increase as a share of what is tolerated, with intervals that hold on all nights at once"
    groups = [RowGroup(version, tuple(own)) for version, own in marks.items()]
    legend = (("good", "Held"), ("bad", "Broken"), ("plain", "Unclear"))
    return (build_intervals("chart-guardrails", title, groups, scale=Scale(1.0, signed=True), legend=legend),)


def _format_metric(row: GuardrailRow) -> str:
    return say.sentence(describe_metric(row.metric))


def _format_version(row: GuardrailRow) -> str:
    return say.clean(row.policy_version, 40)


def _format_verdict(row: GuardrailRow) -> str:
    return row.verdict if row.verdict in {"held", "broken", "unclear", "left_out"} else "unclear"


def _format_increase(row: GuardrailRow) -> str:
    return say.figure(row.effect, signed=True)


def _format_span(row: GuardrailRow) -> str:
    return say.between(say.figure(row.lower, signed=True), say.figure(row.upper, signed=True))


def _format_margin(row: GuardrailRow) -> str:
    return say.figure(row.margin, signed=True)
