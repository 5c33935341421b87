"""Headline findings: declared kinds, each with the rows it reads, the sentence it says and how strong its evidence is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

from kaizenlake.publish import report_format as say
from kaizenlake.publish.report_blocks import Basis, Finding
from kaizenlake.publish.report_data import ReportData
from kaizenlake.publish.report_rows import Listing, PatternRow
from kaizenlake.publish.report_words import OUTCOMES, dimension, pattern_phrase
from kaizenlake.tables import (
    Contents,
    CreativeLabels,
    Findings,
    Patterns,
    Quarantine,
    SegmentClarity,
    SourceFreshness,
    Table,
    WinRates,
    full_name,
)
from kaizenlake.vocabulary import plural, within

HEADLINES = 7
"""Most findings of a report, warnings aside."""

PER_KIND = 2
"""Most findings of one kind, so that one large table does not crowd out the rest."""

Side: TypeAlias = Literal["for", "against", "neither"]


class Found(NamedTuple):
    """One finding of a kind: how strong it is, whether it speaks for or against something, its sentence and its topic."""

    strength: float
    side: Side
    sentence: str
    topic: str = ""


@dataclass(frozen=True)
class FindingKind:
    """A kind of finding.

    Args:
        name: Its name.
        table: Table it reads.
        basis: What it rests on: an experiment, a comparison of what was observed, a plain count, or a warning.
        section: Section of the report that shows it.
        read: Its findings; strength orders those of one kind.
    """

    name: str
    table: type[Table]
    basis: Basis
    section: str
    read: Callable[[ReportData], Iterator[Found]]


def findings(data: ReportData, limit: int = HEADLINES) -> list[Finding]:
    """The strongest findings in the order of their evidence, then all warnings.

    Each kind gives its strongest finding before any gives its second, so the list is broad before it is deep.

    Args:
        data: Data of the report.
        limit: Most findings, warnings aside.
    """
    ranked: list[tuple[int, int, Finding]] = []
    for order, kind in enumerate(FINDING_KINDS):
        ranked += [
            (place, order, Finding(kind.name, found.sentence, full_name(kind.table), kind.basis, kind.section))
            for place, found in enumerate(_strongest(kind.read(data)))
        ]
    ordered = [finding for _, _, finding in sorted(ranked, key=lambda item: item[:2])]
    headlines = [finding for finding in ordered if finding.basis != "warning"][:limit]
    headlines.sort(key=lambda finding: _BASES.index(finding.basis))
    return headlines + [finding for finding in ordered if finding.basis == "warning"]


def _strongest(read: Iterator[Found]) -> list[Found]:
    """The strongest finding, and beside it rather one that speaks the other way than one more of the same."""
    ordered = sorted(read, key=lambda found: (-found.strength, found.sentence))
    if not ordered:
        return []
    first = ordered[0]
    apart = (found for found in ordered[1:] if not first.topic or found.topic != first.topic)
    others = sorted(apart, key=lambda found: found.side == first.side)
    return [first, *others[: PER_KIND - 1]]


def _pattern_findings(listing: Listing[PatternRow], data: ReportData) -> Iterator[Found]:
    for row in listing.rows:
        low, high, lift = row.lift_ci_low, row.lift_ci_high, row.lift
        if row.verdict == "unclear" or lift is None or low is None or high is None or high <= low:
            continue
        metric = say.words(row.metric)
        article = "an" if metric[0] in "aeiou" else "a"
        tested = (
            f"in {plural(row.experiments, 'experiment')}"
            if row.evidence == "experiment"
            else f"over {plural(row.contents, 'content')}, as observed and not tested"
        )
        yield Found(
            abs(lift) / (high - low),
            "for" if lift > 0 else "against",
            (
                f"Contents with {pattern_phrase(row.pattern_type, row.pattern)} had {article} {metric} "
                f"{say.percent(abs(lift))} {'higher' if lift > 0 else 'lower'} than those without, {tested} "
                f"({_level(data)} interval {say.between(say.lift(low), say.lift(high))}"
                f"{'' if row.q_value is None else ', ' + say.p_words(row.q_value)})."
            ),
            # The hook “question” and the text feature of that name are two measures of one thing.
            row.pattern_type if row.pattern == "yes" else row.pattern,
        )


def _experiments(data: ReportData) -> Iterator[Found]:
    return _pattern_findings(data.experiments, data)


def _observations(data: ReportData) -> Iterator[Found]:
    return _pattern_findings(data.observations, data)


def _win_rates(data: ReportData, kind: str) -> Iterator[Found]:
    noun = OUTCOMES[kind]
    for row in data.win_rates[kind].rows:
        proven = row.q_value is not None and row.q_value <= data.evidence.q_value
        rate, low, high, lift, rest = row.win_rate, row.ci_low, row.ci_high, row.lift, row.others_rate
        if rate is None or low is None or high is None or lift is None or rest is None:
            continue
        if not proven or row.decided < data.evidence.decided or high <= low:
            continue
        alike = f" in the same {plural(row.strata, 'group')} of cases" if row.strata > 1 else ""
        yield Found(
            abs(rest * lift) / (high - low),
            "for" if lift > 0 else "against",
            (
                f"{say.percent(rate)} of {plural(row.decided, noun.one, noun.many)} with "
                f"{dimension(row.dimension)} “{say.clean(row.value, 60)}” {noun.won}{within(row.age_days)} "
                f"({_level(data)} interval {say.between(say.percent(low), say.percent(high))}): {say.lift(lift)} against "
                f"the others{alike} ({say.p_words(row.q_value or 0.0)})."
            ),
        )


def _tiers(data: ReportData) -> Iterator[Found]:
    for row in data.tiers.rows:
        if row.rated < data.evidence.contents or row.good_or_better_rate is None:
            continue
        kind = "" if row.content_type is None else f" of type “{say.clean(row.content_type, 60)}”"
        yield Found(
            row.rated,
            "neither",
            (
                f"{say.percent(row.good_or_better_rate)} of {plural(row.rated, 'content')}{kind} on "
                f"{say.clean(row.platform, 60)} are good or excellent ({_level(data)} interval "
                f"{say.between(say.percent(row.ci_low), say.percent(row.ci_high))}); half of them reach an engagement "
                f"rate of {say.percent(row.median_engagement_rate)} or more."
            ),
        )


def _best_content(data: ReportData) -> Iterator[Found]:
    for row in data.winners.rows:
        if row.rank_in_group != 1 or row.shrunk_rate is None or row.group_size is None:
            continue
        yield Found(
            row.shrunk_rate,
            "neither",
            (
                f"The best of {plural(row.group_size, 'content')} in its group is “{say.clean(row.name, 90)}” on "
                f"{say.clean(row.platform or 'any platform', 60)}: engagement rate {say.percent(row.engagement_rate)}, "
                f"{say.percent(row.shrunk_rate)} after shrinkage."
            ),
        )


def _clarity(data: ReportData) -> Iterator[Found]:
    for row in data.clarity.rows:
        if row.briefs < data.evidence.decided:
            continue
        yield Found(
            row.briefs,
            "neither",
            (
                f"{say.percent(row.clear_rate)} of {plural(row.briefs, 'brief')} from {segment(row.industry, row.client_type)} "
                f"arrive clear ({_level(data)} interval {say.between(say.percent(row.ci_low), say.percent(row.ci_high))}); "
                f"their mean first score is {say.number(row.mean_score)} of 100."
            ),
        )


def _quarantine(data: ReportData) -> Iterator[Found]:
    quality = data.quality
    if quality.waiting and quality.waiting_by_rule:
        rule, lines = quality.waiting_by_rule[0]
        yield Found(
            quality.waiting,
            "neither",
            (
                f"{plural(quality.waiting, 'line')} wait{'s' if quality.waiting == 1 else ''} in quarantine, most often "
                f"for rule {say.clean(rule, 60)} ({say.count(lines)}); they change no figure until they are corrected."
            ),
        )


def _stale(data: ReportData) -> Iterator[Found]:
    stale = [row for row in data.sources.rows if row.stale]
    if stale:
        row = stale[0]
        yield Found(
            row.silent_hours,
            "neither",
            f"Source “{say.clean(row.source, 60)}” has been silent for {say.hours(row.silent_hours)}"
            + (f", and {plural(len(stale) - 1, 'other source')} too" if len(stale) > 1 else "")
            + "; what depends on it may be out of date.",
        )


def _shrinking(data: ReportData) -> Iterator[Found]:
    for row in data.contradictions.rows:
        posts = json.loads(row.figures)["posts"]
        yield Found(posts, "neither", say.clean(row.sentence, 400))


def segment(industry: str | None, client_type: str | None) -> str:
    """A segment in words.

    >>> segment("healthcare", "startup"), segment(None, None)
    ('healthcare × startup', 'clients of unknown kind')
    """
    known = [say.clean(part, 60) for part in (industry, client_type) if part is not None]
    return " × ".join(known) or "clients of unknown kind"


def _level(data: ReportData) -> str:
    return f"{data.evidence.confidence * 100:.10g}%"


WIN_SECTIONS = {"deal": "outreach", "outreach": "outreach", "pack": "packs", "run": "runs", "creative": "win-rates"}
"""Section that shows the win rates of each kind of outcome."""

_BASES: tuple[Basis, ...] = ("experiment", "observation", "count", "warning")

FINDING_KINDS: tuple[FindingKind, ...] = (
    FindingKind("pattern in experiments", Patterns, "experiment", "patterns", _experiments),
    *(
        FindingKind(f"{kind} win rate", WinRates, "observation", section, partial(_win_rates, kind=kind))
        for kind, section in WIN_SECTIONS.items()
        # Rates of contents differ by platform for reasons that are nobody's merit: patterns compare within one.
        if kind != "creative"
    ),
    FindingKind("pattern observed", Patterns, "observation", "patterns", _observations),
    FindingKind("tiers", Contents, "count", "tiers", _tiers),
    FindingKind("clarity of briefs", SegmentClarity, "count", "clarity", _clarity),
    FindingKind("best content", CreativeLabels, "count", "labels", _best_content),
    FindingKind("quarantine", Quarantine, "warning", "quality", _quarantine),
    FindingKind("shrinking counts", Findings, "warning", "quality", _shrinking),
    FindingKind("silent source", SourceFreshness, "warning", "quality", _stale),
)
"""Kinds of findings, strongest evidence first."""
