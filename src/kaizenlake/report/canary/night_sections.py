"""A candidate night by night: its effect, its evidence against the boundary, and what an ordinary t-test would have said."""

from __future__ import annotations

from kaizenlake.publish import formats as say
from kaizenlake.report.canary.canary_data import CanaryData, CandidateNights, lately
from kaizenlake.report.canary.canary_labels import NIGHTLY, VERDICTS
from kaizenlake.report.engine.blocks import Block, Grid, Paragraph, Picture, Section, build_grid
from kaizenlake.report.engine.columns import show_interval, show_text
from kaizenlake.report.engine.rows import Listing, TableRow
from kaizenlake.report.engine.sequence_chart import (
    DecisionNight,
    EffectNight,
    EvidenceNight,
    draw_effect_chart,
    draw_evidence_chart,
)
from kaizenlake.tables import CanaryLooks
from kaizenlake.vocabulary import plural

NIGHTLY_LEVEL = 0.05
"""Level of the ordinary t-test that is shown for comparison."""

CHARTED = 3
"""Most candidates whose nights are drawn; the others are in the tables."""


def build_candidates(data: CanaryData) -> tuple[Section, ...]:
    """Return each candidate night by night."""
    return tuple(_build_candidate(place, item, data) for place, item in enumerate(data.candidates[:CHARTED], 1))


def section_of(place: int, data: CanaryData) -> str:
    """Return the section that tells of a candidate: its own, or for those that are not drawn the one on sizes."""
    return f"candidate-{place}" if place <= min(CHARTED, len(data.candidates)) else "sizes"


def _build_candidate(place: int, item: CandidateNights, data: CanaryData) -> Section:
    version, shown = say.clean(item.version, 40), lately(item.looks)
    chance = f"The boundary is set so that chance crosses it in at most {say.percent(data.deployment.alpha)} of them."
    blocks: tuple[Block, ...] = (
        _build_effects(place, item, shown, data.deployment.max_loss_increase),
        *_build_evidence(place, item, shown),
        Paragraph(f"{_format_nightly(item)} {NIGHTLY} {chance}"),
        _build_looks(place, version, shown),
    )
    return Section(f"candidate-{place}", f"Night by night: {version}", say.clean(item.last.reason, 600), blocks)


def _build_effects(place: int, item: CandidateNights, shown: Listing[TableRow], tolerated: float) -> Picture:
    """Return the effect night by night, with both of its intervals."""
    nights = [
        EffectNight(
            look.looked_on,
            look.effect,
            _find_span(look.sequential_ci_low, look.sequential_ci_high),
            _find_span(look.ci_low, look.ci_high),
        )
        for look in shown.rows
    ]
    return Picture(
        draw_effect_chart(
            f"chart-effect-{place}",
            f"Effect on the loss, night by night: {_format_arms(item)}",
            f"{_now(item.last)} {_describe_crossing(item)}",
            nights,
            tolerated=tolerated,
            crossing=_within(_find_stop(item) or _find_crossing(item), shown),
        )
    )


def _build_evidence(place: int, item: CandidateNights, shown: Listing[TableRow]) -> tuple[Picture, ...]:
    """Return the p-value that is held against the boundary, night by night; nothing where no night has one."""
    # On a night that spends nothing there is no boundary to be crossed.
    nights = [
        EvidenceNight(look.looked_on, look.p_boundary, look.boundary_p or None, look.p_value) for look in shown.rows
    ]
    if not any(night.held is not None or night.nightly is not None for night in nights):
        return ()
    last = item.last
    chart = draw_evidence_chart(
        f"chart-evidence-{place}",
        f"Evidence against its boundary, night by night: {_format_arms(item)}",
        f"{_describe_boundary(last)}; a t-test of that night alone {_describe_look(last)}. {_describe_crossing(item)}",
        nights,
        nightly_level=NIGHTLY_LEVEL,
        crossing=_within(_find_crossing(item), shown),
    )
    return (Picture(chart),)


def _build_looks(place: int, version: str, shown: Listing[TableRow]) -> Grid:
    return build_grid(
        f"nights-{place}-table",
        f"Night-by-night checks of {version}",
        CanaryLooks,
        shown,
        (
            show_text("Night", night_of, "policy_version", "look"),
            *("verdict", "effect", show_interval("sequential_ci_low", "sequential_ci_high", "On all nights")),
            *(show_interval(label="That night alone"), "p_boundary", "boundary_p", "p_value"),
        ),
    )


def night_of(look: TableRow) -> str:
    """Return the number and the date of a look."""
    return f"{look.look}, {say.day(look.looked_on)}"


def _format_arms(item: CandidateNights) -> str:
    return f"{say.clean(item.version, 40)} against {say.clean(item.last.control_version, 40)}"


def _now(look: TableRow) -> str:
    """Return the effect at a look and where it lies, as far as that is defined."""
    if look.effect is None:
        return f"After {plural(look.look, 'night')} the effect is not defined."
    told = f"After {plural(look.look, 'night')} the effect is {say.effect(look.effect)}"
    ends = (
        ("on all nights at once", look.sequential_ci_low, look.sequential_ci_high),
        ("on that night alone", look.ci_low, look.ci_high),
    )
    known = [(when, say.between(say.effect(low), say.effect(high))) for when, low, high in ends if low is not None]
    lies = [f"{when}{' it lies' if place == 0 else ''} in {where}" for place, (when, where) in enumerate(known)]
    return f"{told}{'; ' if lies else ''}{', '.join(lies)}."


def _describe_boundary(look: TableRow) -> str:
    """Return what the evidence of a look is held against."""
    if look.p_boundary is None:
        return "At the latest check there is no p to hold against a boundary"
    if not look.boundary_p:
        return f"At the latest check nothing of the chance is spent, so that p {_format_p(look.p_boundary)} has no boundary to cross"
    return f"At the latest check p {_format_p(look.p_boundary)} is held against {_format_p(look.boundary_p)}"


def _describe_look(look: TableRow) -> str:
    return "is not defined" if look.p_value is None else f"says {_format_p(look.p_value)}"


def _describe_crossing(item: CandidateNights) -> str:
    if item.last.crossed_on_look is None:
        return "The boundary has not been crossed."
    return f"The boundary was crossed on night {item.last.crossed_on_look}."


def _find_crossing(item: CandidateNights) -> DecisionNight | None:
    """Return where the boundary was crossed."""
    on = item.last.crossed_on_look
    look = next((look for look in item.looks if look.look == on), None)
    return None if look is None else DecisionNight(look.looked_on, f"boundary crossed on night {on}", "good")


def _find_stop(item: CandidateNights) -> DecisionNight | None:
    """Return where a verdict to roll back, or that nothing can be said, began to hold; None where the latest is another."""
    if item.last.verdict not in {"rollback", "invalid"}:
        return None
    first = item.last
    for look in reversed(item.looks):
        if look.verdict != item.last.verdict:
            break
        first = look
    return DecisionNight(first.looked_on, f"{VERDICTS[first.verdict].brief} from night {first.look}", "bad")


def _within(found: DecisionNight | None, shown: Listing[TableRow]) -> DecisionNight | None:
    return found if found is not None and found.day >= shown.rows[0].looked_on else None


def _find_span(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)


def _format_p(value: float | None) -> str:
    return "not defined" if value is None else say.small_p(value)


def _format_nightly(item: CandidateNights) -> str:
    """Return what an ordinary t-test of each night would have decided, and whether it still would."""
    called = next((look for look in item.looks if look.p_value is not None and look.p_value < NIGHTLY_LEVEL), None)
    level = f"{NIGHTLY_LEVEL:g}"
    if called is None or called.effect is None:
        return f"For comparison: a t-test every night, at p < {level}, would have decided nothing so far."
    now, better = item.last, called.effect < 0
    said = (
        f"For comparison: a t-test every night, at p < {level}, would have called {say.clean(item.version, 40)} "
        f"{'better' if better else 'worse'} on night {called.look}, {say.day(called.looked_on)} (effect "
        f"{say.effect(called.effect)}, {say.p_words(called.p_value or 0.0, 'p')})"
    )
    crossed = now.crossed_on_look
    if better and crossed is not None and crossed > called.look:
        said += f", {plural(crossed - called.look, 'night')} before the boundary was crossed"
    said += "."
    holds = (
        now.p_value is not None
        and now.p_value < NIGHTLY_LEVEL
        and now.effect is not None
        and (now.effect < 0) == better
    )
    if called is not now and not holds:
        said += f" By the latest check it would not say so any more (effect {say.effect(now.effect)}, p {_format_p(now.p_value)})."
    return said
