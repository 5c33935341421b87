"""The report of a shadow or a canary: verdict, effect and evidence night by night, sizes, guardrails, segments, decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from kaizenlake import tables
from kaizenlake.publish import report_format as say
from kaizenlake.publish.audit_report_data import decision_parts
from kaizenlake.publish.canary_report_data import CanaryData, Candidate, GuardrailRow, LookRow, build, lately
from kaizenlake.publish.canary_report_words import METHODS, NIGHTLY, RESULTS, STEPS, TERMS, VERDICTS, metric
from kaizenlake.publish.charts import Group, Mark, Tone, interval_chart
from kaizenlake.publish.charts_nights import (
    Crossing,
    EffectNight,
    EvidenceNight,
    effect_chart,
    evidence_chart,
)
from kaizenlake.publish.findings import Finding
from kaizenlake.publish.report_blocks import (
    Block,
    Cell,
    Column,
    Definitions,
    Document,
    Figure,
    Grid,
    Headlines,
    Paragraph,
    Picture,
    Section,
    grid,
    how_many_more,
    interval,
    raw,
)
from kaizenlake.publish.report_rows import Listing, Scan
from kaizenlake.tables import CanaryLooks, CanarySegments, Deployments, PolicyPromotions, Table

NIGHTLY_LEVEL = 0.05
"""Level of the ordinary t-test that is shown for comparison."""

CHARTED = 3
"""Most candidates whose nights are drawn; the others are in the tables."""


def document(scan: Scan, deployment_id: str, *, as_of: datetime) -> Document | None:
    """Lay out the report of a deployment; None where there is none of that name, or no look at it.

    Args:
        scan: Gives a table.
        deployment_id: The deployment.
        as_of: Aware instant; the tables hold what happened before it.
    """
    data = build(scan, deployment_id, as_of=as_of)
    return None if data is None else laid_out(data)


def laid_out(data: CanaryData) -> Document:
    """Lay the report out.

    Args:
        data: What `canary_report_data.build` read.
    """
    found = data.deployment
    name, kind = say.clean(found.deployment_id, 60), say.sentence(found.deployment_mode)
    against = " and ".join(say.clean(item.version, 30) for item in data.candidates[:3])
    more = f" and {len(data.candidates) - 3} more" if len(data.candidates) > 3 else ""
    ended = "" if found.ended_at is None else f" It ended on {say.instant(found.ended_at)}: {_result(data)}."
    sections = (
        verdict(data),
        *candidates(data),
        sizes(data),
        guardrails(data),
        segments(data),
        decided(data),
        design(data),
        method(data),
    )
    return Document(
        title=f"{kind} {name}",
        subtitle=f"{against}{more} against {say.clean(found.control_version, 30)} of policy {say.clean(found.policy_id, 60)}",
        as_of=say.instant(data.as_of),
        as_of_iso=data.as_of.isoformat(),
        period=f"{kind} {name}, {say.clean(found.policy_id, 60)}",
        window=f"Started on {say.instant(found.started_at)} by {say.clean(found.started_by, 60)}.{ended}",
        figures=_figures(data),
        sections=tuple(section for section in sections if section is not None),
    )


def _result(data: CanaryData) -> str:
    found = data.deployment
    who = f" by {say.clean(found.ended_by, 60)}" if found.ended_by else ""
    return f"{RESULTS.get(found.result or '', 'without a result')}{who}"


def _figures(data: CanaryData) -> tuple[Figure, ...]:
    first, found = data.candidates[0].last, data.deployment
    units = sum(item.last.units for item in data.candidates)
    return (
        Figure("Night of the horizon", f"{first.look} of {found.horizon_nights}", found.status),
        Figure(
            f"Units of {say.plural(len(data.candidates), 'candidate')}",
            say.count(units),
            f"{say.count(first.units_control)} of the control",
        ),
        *(
            Figure(
                f"{say.sentence(VERDICTS[item.last.verdict].brief)}: {say.clean(item.version, 24)}",
                say.effect(item.last.effect),
                f"effect on the loss, {say.lift(item.last.lift)}",
            )
            for item in data.candidates[:CHARTED]
        ),
    )


def verdict(data: CanaryData) -> Section:
    """What each candidate came to, with its reason."""
    found = [
        Finding(
            "verdict",
            f"{say.clean(item.version, 40)}: {VERDICTS[item.last.verdict].sentence} {say.clean(item.last.reason, 600)}",
            tables.full_name(CanaryLooks),
            "warning" if item.last.verdict in {"rollback", "invalid"} else "experiment",
            _section_of(place, data),
        )
        for place, item in enumerate(data.candidates, 1)
    ]
    lead = "Effect is the mean loss of the candidate's units less that of the control's: below 0 is better."
    return Section("verdict", "Verdict", lead, (Headlines(tuple(found)),))


def _section_of(place: int, data: CanaryData) -> str:
    return f"candidate-{place}" if place <= min(CHARTED, len(data.candidates)) else "sizes"


def candidates(data: CanaryData) -> tuple[Section, ...]:
    """Each candidate night by night."""
    return tuple(_candidate(place, item, data) for place, item in enumerate(data.candidates[:CHARTED], 1))


def _candidate(place: int, item: Candidate, data: CanaryData) -> Section:
    version, control = say.clean(item.version, 40), say.clean(item.last.control_version, 40)
    shown, blocks = lately(item.looks), list[Block]()
    stop = _stop(item)
    where = f"{version} against {control}"
    # On a night that spends nothing there is no boundary to be crossed.
    evidence = [
        EvidenceNight(look.looked_on, look.p_boundary, look.boundary_p or None, look.p_value) for look in shown.rows
    ]
    blocks.append(
        Picture(
            effect_chart(
                f"chart-effect-{place}",
                f"Effect on the loss, night by night: {where}",
                f"{_now(item.last)} {_crossed(item)}",
                [
                    EffectNight(
                        look.looked_on,
                        look.effect,
                        _span(look.sequential_ci_low, look.sequential_ci_high),
                        _span(look.ci_low, look.ci_high),
                    )
                    for look in shown.rows
                ],
                tolerated=data.deployment.max_loss_increase,
                crossing=_within(stop or _crossing(item), shown),
            )
        )
    )
    if any(night.held is not None or night.nightly is not None for night in evidence):
        blocks.append(
            Picture(
                evidence_chart(
                    f"chart-evidence-{place}",
                    f"Evidence against its boundary, night by night: {where}",
                    (
                        f"At the latest look p {_p(item.last.p_boundary)} is held against {_p(item.last.boundary_p)}; a "
                        f"t-test of that night alone says {_p(item.last.p_value)}. {_crossed(item)}"
                    ),
                    evidence,
                    nightly_level=NIGHTLY_LEVEL,
                    crossing=_within(_crossing(item), shown),
                )
            )
        )
    chance = f"The boundary is set so that chance crosses it in at most {say.percent(data.deployment.alpha)} of them."
    blocks.append(Paragraph(f"{_nightly(item)} {NIGHTLY} {chance}"))
    blocks.append(
        grid(
            f"nights-{place}-table",
            f"Looks at {version}",
            CanaryLooks,
            shown,
            (
                ("Look", "text", lambda r: raw(f"{r.look}, {say.day(r.looked_on)}", r, "policy_version", "look")),
                ("Verdict", "verdict", lambda r: raw(r.verdict, r, "verdict")),
                ("Effect", "number", lambda r: raw(say.effect(r.effect), r, "effect")),
                (
                    "On all nights",
                    "number",
                    lambda r: interval(r, say.effect, "sequential_ci_low", "sequential_ci_high"),
                ),
                ("That night alone", "number", lambda r: interval(r, say.effect)),
                ("p held", "number", lambda r: raw(say.small_p(r.p_boundary), r, "p_boundary")),
                ("Boundary", "number", lambda r: raw(say.small_p(r.boundary_p), r, "boundary_p")),
                ("t-test", "number", lambda r: raw(say.small_p(r.p_value), r, "p_value")),
            ),
        )
    )
    return Section(f"candidate-{place}", f"Night by night: {version}", say.clean(item.last.reason, 600), tuple(blocks))


def _now(look: LookRow) -> str:
    return (
        f"After {say.plural(look.look, 'look')} the effect is {say.effect(look.effect)}; on all nights at once it lies in "
        f"{say.between(say.effect(look.sequential_ci_low), say.effect(look.sequential_ci_high))}, on that night alone in "
        f"{say.between(say.effect(look.ci_low), say.effect(look.ci_high))}."
    )


def _crossed(item: Candidate) -> str:
    if item.last.crossed_on_look is None:
        return "The boundary has not been crossed."
    return f"The boundary was crossed on look {item.last.crossed_on_look}."


def _crossing(item: Candidate) -> Crossing | None:
    """Where the boundary was crossed."""
    on = item.last.crossed_on_look
    look = next((look for look in item.looks if look.look == on), None)
    return None if look is None else Crossing(look.looked_on, f"boundary crossed on look {on}", "good")


def _stop(item: Candidate) -> Crossing | None:
    """Where a verdict to roll back, or that nothing can be said, began to hold; None where the latest is another."""
    if item.last.verdict not in {"rollback", "invalid"}:
        return None
    first = item.last
    for look in reversed(item.looks):
        if look.verdict != item.last.verdict:
            break
        first = look
    return Crossing(first.looked_on, f"{VERDICTS[first.verdict].brief} from look {first.look}", "bad")


def _within(found: Crossing | None, shown: Listing[LookRow]) -> Crossing | None:
    return found if found is not None and found.day >= shown.rows[0].looked_on else None


def _span(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)


def _p(value: float | None) -> str:
    return "not defined" if value is None else say.small_p(value)


def _nightly(item: Candidate) -> str:
    """What an ordinary t-test of each night would have decided, and whether it still would."""
    called = next((look for look in item.looks if look.p_value is not None and look.p_value < NIGHTLY_LEVEL), None)
    level = f"{NIGHTLY_LEVEL:g}"
    if called is None or called.effect is None:
        return f"A t-test looked at every night, at p < {level}, would have decided nothing so far."
    now, better = item.last, called.effect < 0
    said = (
        f"A t-test looked at every night, at p < {level}, would have called {say.clean(item.version, 40)} "
        f"{'better' if better else 'worse'} on look {called.look}, {say.day(called.looked_on)} (effect "
        f"{say.effect(called.effect)}, {say.p_words(called.p_value or 0.0, 'p')})"
    )
    crossed = now.crossed_on_look
    if better and crossed is not None and crossed > called.look:
        said += f", {say.plural(crossed - called.look, 'night')} before the boundary was crossed"
    said += "."
    holds = (
        now.p_value is not None
        and now.p_value < NIGHTLY_LEVEL
        and now.effect is not None
        and (now.effect < 0) == better
    )
    if called is not now and not holds:
        said += (
            f" By the latest look it would not say so any more (effect {say.effect(now.effect)}, p {_p(now.p_value)})."
        )
    return said


def sizes(data: CanaryData) -> Section:
    """Sizes of the arms, and whether they are those of the allocation."""
    rows = Listing(tuple(item.last for item in data.candidates), len(data.candidates))
    shares = {item.version: item.share for item in data.candidates}
    blocks: list[Block] = [
        grid(
            "sizes-table",
            "Arms at the latest look",
            CanaryLooks,
            rows,
            (
                ("Candidate", "text", lambda r: raw(say.clean(r.policy_version, 40), r, "policy_version")),
                ("Share", "number", lambda r: Cell(say.percent(shares[r.policy_version]))),
                ("Units", "number", lambda r: raw(say.count(r.units), r, "units")),
                ("Of the control", "number", lambda r: raw(say.count(r.units_control), r, "units_control")),
                ("Runs", "number", lambda r: raw(say.count(r.runs), r, "runs")),
                ("Of the control", "number", lambda r: raw(say.count(r.runs_control), r, "runs_control")),
                ("Mean loss", "number", lambda r: raw(say.loss(r.mean_loss), r, "mean_loss")),
                ("Of the control", "number", lambda r: raw(say.loss(r.mean_loss_control), r, "mean_loss_control")),
                ("Sample-ratio p", "number", lambda r: raw(say.p_value(r.sample_ratio_p), r, "sample_ratio_p")),
            ),
        ),
        _by_night(data),
    ]
    last = data.candidates[0].last
    lead = (
        f"Left out: {say.plural(last.units_mixed, 'unit')} seen under more than one version and "
        f"{say.plural(last.runs_without_unit, 'run')} that name no unit. "
        f"{say.plural(last.units_misrouted, 'unit')} ran under a version that is not the one their hash says. "
        f"The smaller arm needs {say.count(data.deployment.minimum_units)} units."
    )
    if last.sample_ratio_p is not None:
        lead += f" The sizes of the arms fit the allocation with {say.p_words(last.sample_ratio_p, 'p')}."
    return Section("sizes", "Sample sizes", lead, tuple(blocks))


def _by_night(data: CanaryData) -> Grid:
    """Units of each arm, night by night."""
    shown = data.candidates[:CHARTED]
    nights = lately(max(shown, key=lambda item: len(item.looks)).looks)
    found = {(item.version, look.look): look for item in shown for look in item.looks}

    def units(look: LookRow, version: str) -> Cell:
        own = found.get((version, look.look))
        return Cell(say.NOTHING) if own is None else raw(say.count(own.units), own, "units")

    return Grid(
        "units-table",
        "Units with a loss so far, night by night",
        tables.full_name(CanaryLooks),
        (
            Column("Look", "text"),
            Column(f"Control {say.clean(data.deployment.control_version, 24)}"),
            *(Column(say.clean(item.version, 24)) for item in shown),
            Column("Sample-ratio p"),
        ),
        tuple(
            (
                raw(f"{look.look}, {say.day(look.looked_on)}", look, "look"),
                raw(say.count(look.units_control), look, "units_control"),
                *(units(look, item.version) for item in shown),
                raw(say.p_value(look.sample_ratio_p), look, "sample_ratio_p"),
            )
            for look in nights.rows
        ),
        how_many_more(len(nights.rows), nights.total),
    )


def guardrails(data: CanaryData) -> Section | None:
    """What a candidate may not make worse; None where nothing is guarded."""
    rows = tuple(row for item in data.candidates for row in item.guardrails)
    if not rows:
        return None
    broken = [row for row in rows if row.verdict == "broken"]
    lead = (
        "A guardrail is broken where the whole interval, which holds on all nights at once, lies above what is tolerated; "
        "held where all of it lies below."
    )
    if broken:
        named = ", ".join(f"{metric(row.metric)} of {say.clean(row.policy_version, 40)}" for row in broken[:6])
        lead = f"Broken at the latest look: {named}. {lead}"
    table = grid(
        "guardrails-table",
        "Guardrails at the latest look",
        CanaryLooks,
        Listing(rows, len(rows)),
        (
            ("Guardrail", "text", lambda r: Cell(say.sentence(metric(r.metric)))),
            ("Candidate", "text", lambda r: Cell(say.clean(r.policy_version, 40))),
            ("Verdict", "verdict", lambda r: Cell(_known(r.verdict, ("held", "broken", "unclear")))),
            ("Increase", "number", lambda r: Cell(say.figure(r.effect, signed=True))),
            (
                "On all nights",
                "number",
                lambda r: Cell(say.between(say.figure(r.lower, signed=True), say.figure(r.upper, signed=True))),
            ),
            ("Tolerated", "number", lambda r: Cell(say.figure(r.margin, signed=True))),
        ),
    )
    return Section("guardrails", "Guardrails", lead, (*_guarded(rows), table))


_GUARD_TONES: dict[str, Tone] = {"held": "good", "broken": "bad"}


def _guarded(rows: Iterable[GuardrailRow]) -> tuple[Block, ...]:
    """Each increase as a share of what is tolerated, so that metrics of any unit stand side by side."""
    marks: dict[str, list[Mark]] = {}
    for row in rows:
        if None in {row.effect, row.lower, row.upper, row.margin} or not row.margin:
            continue
        share, low, high = (float(value or 0.0) / row.margin for value in (row.effect, row.lower, row.upper))
        tone = _GUARD_TONES.get(row.verdict, "plain")
        shown = f"{say.percent(share)} of the tolerated, {row.verdict if tone != 'plain' else 'unclear'}"
        mark = Mark(metric(row.metric), share, low, high, shown, say.percent(share), tone)
        marks.setdefault(say.clean(row.policy_version, 40), []).append(mark)
    if not marks:
        return ()
    groups = [Group(version, tuple(own)) for version, own in marks.items()]
    told = "; ".join(f"{group.heading}: {mark.label} {mark.shown}" for group in groups for mark in group.marks)
    return (
        Picture(
            interval_chart(
                "chart-guardrails",
                "Increase as a share of what is tolerated, with intervals that hold on all nights at once",
                f"{told}.",
                groups,
                reference=1.0,
                signed=True,
                legend=(("good", "Held"), ("bad", "Broken"), ("plain", "Unclear")),
            )
        ),
    )


def _known(value: str, known: Iterable[str]) -> str:
    return value if value in known else "unclear"


def segments(data: CanaryData) -> Section | None:
    """Where in its units a candidate does otherwise; None where the units are not taken apart."""
    if not data.segments.total:
        return None
    table = grid(
        "segments-table",
        "Parts of the units at the latest look",
        CanarySegments,
        data.segments,
        (
            (
                "Part",
                "text",
                lambda r: raw(f"{say.words(r.dimension)}: {say.clean(r.value, 48)}", r, "dimension", "value"),
            ),
            ("Candidate", "text", lambda r: raw(say.clean(r.policy_version, 40), r, "policy_version")),
            ("Verdict", "verdict", lambda r: raw(r.verdict, r, "verdict")),
            ("Units", "number", lambda r: raw(say.count(r.units), r, "units")),
            ("Of the control", "number", lambda r: raw(say.count(r.units_control), r, "units_control")),
            ("Effect", "number", lambda r: raw(say.effect(r.effect), r, "effect")),
            ("Shrunk", "number", lambda r: raw(say.effect(r.shrunk_effect), r, "shrunk_effect")),
            ("p", "number", lambda r: raw(say.p_value(r.p_always_valid), r, "p_always_valid")),
            ("q", "number", lambda r: raw(say.p_value(r.q_value), r, "q_value")),
        ),
    )
    lead = (
        "Effects of parts are drawn toward their mean, the more so the fewer units they have; q counts that many parts were "
        "looked at, on every night."
    )
    return Section("segments", "Segments", lead, (table,))


def decided(data: CanaryData) -> Section | None:
    """What was decided on it; None where nothing was."""
    if not data.decisions.total:
        return None
    table = grid("decisions-table", "Decisions that rest on it", PolicyPromotions, data.decisions, decision_parts())
    return Section("decisions", "Decisions", "Each decision is an event; none is changed afterwards.", (table,))


def design(data: CanaryData) -> Section:
    """What was set before the first look."""
    found = data.deployment
    arms = ", ".join(f"{say.clean(item.version, 30)} {say.percent(item.share)}" for item in data.candidates)
    automatic = [name for name, is_on in (("roll back", found.auto_rollback), ("promote", found.auto_promote)) if is_on]
    guarded = ", ".join(
        f"{metric(name)} {say.figure(margin, signed=True)}"
        for name, margin in zip(found.guardrail_metrics, found.guardrail_margins, strict=False)
    )
    terms = (
        ("Randomised", f"Each {say.clean(found.unit_name, 60)}, by a salted hash of its id: it stays in its arm."),
        ("Shares", f"{arms}; the rest runs under {say.clean(found.control_version, 30)}."),
        ("Horizon", f"{say.plural(found.horizon_nights, 'night')}; at least {say.plural(found.minimum_units, 'unit')} in the smaller arm."),
        ("False promotion", f"A chance of at most {say.percent(found.alpha)} over all nights and candidates together, {METHODS.get(found.method, say.clean(found.method, 40))}."),
        ("Tolerated increase", f"{say.effect(found.max_loss_increase)} of the mean loss."),
        ("Guardrails", f"{guarded or 'None'}."),
        ("The night may", f"{' and '.join(automatic)} by itself." if automatic else "decide nothing by itself."),
        ("Reason", say.clean(found.reason, 300) if found.reason else "None was given."),
    )  # fmt: skip
    intro = f"Set on {say.instant(found.started_at)} by {say.clean(found.started_by, 60)}, before the first look."
    return Section("design", "What was set beforehand", "", (Definitions("", intro, terms),))


_SHOWN: tuple[tuple[type[Table], tuple[str, ...]], ...] = (
    (
        CanaryLooks,
        (
            "effect", "sequential_ci_low", "ci_low", "lift", "p_boundary", "boundary_p", "alpha_spent", "p_always_valid",
            "p_value", "cuped_explained", "sample_ratio_p", "units_mixed", "units_misrouted", "guardrails", "verdict",
        ),
    ),
    (CanarySegments, ("shrunk_effect", "q_value")),
    (Deployments, ("looks_count", "minimum_units", "max_loss_increase")),
)  # fmt: skip
"""Columns that the report shows; their meanings come from the tables' declarations."""


def method(data: CanaryData) -> Section:
    """How a verdict comes about, and what each figure means."""
    return Section(
        "method",
        "How it is computed",
        f"Every figure is read from a table of the lake as of {say.instant(data.as_of)}.",
        (Definitions("From runs to a verdict", "", STEPS), *meanings(_SHOWN)),
    )


def meanings(shown: Iterable[tuple[type[Table], tuple[str, ...]]]) -> tuple[Definitions, ...]:
    """What columns mean, out of the declarations of their tables."""
    described: Callable[[type[Table], str], str] = lambda table, name: str(table.to_schema().columns[name].description)  # noqa: E731
    return tuple(
        Definitions(
            say.sentence(say.words(tables.name(table))),
            tables.meaning(table),
            tuple(
                (TERMS.get(name) or say.sentence(name.replace("_", " ")), described(table, name)) for name in columns
            ),
        )
        for table, columns in shown
    )
