"""The contexts of all scopes, out of the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import kaizenlake
from kaizenlake.publish import context_words as words
from kaizenlake.publish.context import (
    EVERYTHING,
    NOTICE,
    SCHEMA,
    VERSION,
    ClearSegment,
    DataWindow,
    KaizenContext,
    NotRecommended,
    PastWinner,
    Pattern,
    Provenance,
    Recommendation,
    Scope,
    SuccessRate,
    as_line,
)
from kaizenlake.publish.context_data import Data, Row
from kaizenlake.publish.context_evidence import REASON_LENGTH, Notes
from kaizenlake.publish.context_rules import FIELD_OF, RATES
from kaizenlake.publish.context_scopes import Scan, Size, confidence, sizes
from kaizenlake.publish.judging import Judgement, judge, rounded
from kaizenlake.settings import Settings

BANNED_ENTRIES = 500
"""Most phrases that marked losers can ban; a limit of the size of a document, not of what may be banned."""


@dataclass(frozen=True, kw_only=True)
class Edition:
    """What is the same in every context of one publication.

    Args:
        as_of: Events before this instant count.
        generated_at: When it is made.
        run_id: The run that makes it.
        versions: Version of each table that is read, by full name; None where it is not written.
        settings: Settings of the lake.
    """

    as_of: datetime
    generated_at: datetime
    run_id: str
    versions: Mapping[str, int | None]
    settings: Settings


def build(scan: Scan, edition: Edition, only: Scope | None = None) -> Iterator[KaizenContext]:
    """Make the context of every scope: everything, then each project, then each segment.

    Args:
        scan: Gives the rows of a table.
        edition: What is the same in all of them.
        only: Make this one alone; a scope of which nothing is known borrows all from everything.
    """
    data = Data.read(scan, edition.settings, only)
    for scope, size in sizes(scan, only).items():
        notes = Notes(scope, edition.settings, edition.versions)
        yield _Draft(scope, size, edition, data, notes).context()


@dataclass
class _Draft:
    """One context while it is written: each entry leaves its evidence."""

    scope: Scope
    size: Size
    edition: Edition
    data: Data
    notes: Notes
    rejected: list[NotRecommended] = field(default_factory=list)

    def context(self) -> KaizenContext:
        """The whole of it."""
        edition, publishing = self.edition, self.edition.settings.publishing
        judgements = self.judgements()
        return KaizenContext(
            schema=SCHEMA,
            version=VERSION,
            data_notice=NOTICE,
            scope=self.scope,
            as_of=edition.as_of,
            generated_at=edition.generated_at,
            valid_until=edition.generated_at + timedelta(hours=publishing.valid_hours),
            data_window=DataWindow(first_at=self.size.first_at, last_at=self.size.last_at),
            sample_size=self.size.events,
            confidence=confidence(self.size.events, edition.settings.confidence),
            recommended_tones=self.works("recommended_tones", judgements),
            risky_patterns=self.risky(judgements),
            preferred_platforms=self.works("preferred_platforms", judgements),
            banned_phrases=self.banned(),
            past_winners=self.winners(),
            successful_pillars=self.works("successful_pillars", judgements),
            high_performing_hooks=self.works("high_performing_hooks", judgements),
            recommended_patterns=self.other_patterns(judgements),
            channel_performance=self.rates("channel_performance"),
            high_clarity_segments=self.clear_segments(),
            pack_success_rates=self.rates("pack_success_rates"),
            not_recommended=self.rejected,
            evidence=self.notes.held,
            provenance=Provenance(
                run_id=edition.run_id, package_version=kaizenlake.__version__, tables=dict(edition.versions)
            ),
        )

    def judgements(self) -> list[Judgement]:
        """What is said of every value, the largest shrunk lift first."""
        whole, own = self.data.findings.get(EVERYTHING, {}), self.data.findings.get(self.scope, {})
        if self.scope == EVERYTHING:
            judged = [
                Judgement(finding=finding, verdict=finding.verdict, observations=finding.observations)
                for finding in whole.values()
            ]
        else:
            where = self.notes.line(self.scope.words)
            judged = [judge(whole.get(key), own.get(key), where) for key in {**whole, **own}]
        return sorted(
            judged,
            key=lambda item: (
                -(item.finding.shrunk_lift if item.finding.shrunk_lift is not None else item.finding.lift or 0.0),
                item.finding.pattern_type,
                item.finding.value,
            ),
        )

    def works(self, name: str, judgements: list[Judgement]) -> list[Recommendation]:
        """Values of the field's attribute that work; the others are kept with the reason why not."""
        mine = [item for item in judgements if FIELD_OF.get(item.finding.pattern_type) == name]
        self.reject(name, mine)
        return [
            Recommendation(
                value=self.notes.line(item.finding.value), evidence=self.notes.of_judgement(name, number, item)
            )
            for number, item in enumerate(self.notes.first(item for item in mine if item.verdict == "works"), 1)
        ]

    def other_patterns(self, judgements: list[Judgement]) -> list[Pattern]:
        """What works of the pattern types without a field of their own."""
        name = "recommended_patterns"
        mine = [item for item in judgements if item.finding.pattern_type not in FIELD_OF]
        self.reject(name, mine)
        return self.patterns(name, [item for item in mine if item.verdict == "works"])

    def risky(self, judgements: list[Judgement]) -> list[Pattern]:
        """What goes with failure, the worst first; then contents that a person marked as losers."""
        name = "risky_patterns"
        found = self.patterns(name, [item for item in reversed(judgements) if item.verdict == "risky"])
        for number, row in enumerate(self.data.losers.get(self.scope, []), len(found) + 1):
            value = self.notes.line(row["content_id"])
            found.append(Pattern(pattern_type="content", value=value, evidence=self.notes.of_mark(name, number, row)))
        return found

    def patterns(self, name: str, judgements: list[Judgement]) -> list[Pattern]:
        """Judged values as entries that name their pattern type."""
        return [
            Pattern(
                pattern_type=item.finding.pattern_type,
                value=self.notes.line(item.finding.value),
                evidence=self.notes.of_judgement(name, number, item),
            )
            for number, item in enumerate(self.notes.first(judgements), 1)
        ]

    def reject(self, name: str, judgements: list[Judgement]) -> None:
        """Keep what was considered for a field and is not recommended, the most observed first."""
        not_working = sorted(
            (item for item in judgements if item.verdict != "works"), key=lambda item: -item.observations
        )
        for item in self.notes.first(not_working):
            number = len(self.rejected) + 1
            reason = words.why_not(item, self.edition.settings.evidence)
            evidence = self.notes.of_judgement(name, number, item, key="not_recommended")
            self.rejected.append(
                NotRecommended(
                    field=name,
                    value=self.notes.labelled(item.finding, name),
                    reason=as_line(reason, REASON_LENGTH),
                    evidence=evidence,
                )
            )

    def banned(self) -> list[Recommendation]:
        """Phrases the settings ban, then those people asked to avoid when they marked a loser."""
        name, found, seen = "banned_phrases", list[Recommendation](), set[str]()
        banned = [(phrase, None) for phrase in self.edition.settings.publishing.banned_phrases]
        for phrase, row in [*banned, *((row["phrase"], row) for row in self.data.phrases.of(self.scope))]:
            value = self.notes.line(phrase)
            if not value or value.casefold() in seen or len(found) >= BANNED_ENTRIES + len(banned):
                continue
            seen.add(value.casefold())
            found.append(Recommendation(value=value, evidence=self.notes.of_ban(name, len(found) + 1, value, row)))
        return found

    def winners(self) -> list[PastWinner]:
        """Contents marked as winners."""
        name = "past_winners"
        return [
            PastWinner(
                content_id=self.notes.line(row["content_id"]),
                text=self.notes.maybe(row["text"]),
                platform=self.notes.maybe(row["platform"]),
                content_type=self.notes.maybe(row["content_type"]),
                hook_type=self.notes.maybe(row["hook_type"]),
                tone=self.notes.maybe(row["tone"]),
                pillar=self.notes.maybe(row["pillar"]),
                engagement_rate=row["engagement_rate"],
                marked_by=row["source"],
                reason=self.notes.line(row["reason"]),
                evidence=self.notes.of_mark(name, number, row),
            )
            for number, row in enumerate(self.data.winners.get(self.scope, []), 1)
        ]

    def rates(self, name: str) -> list[SuccessRate]:
        """Rates of the values of a dimension, the best guess highest first; a scope borrows those it has not."""
        (rule,) = (rule for rule in RATES if rule.field == name)
        of_scope = self.data.rates.get(self.scope, {})
        found = {
            value: row
            for source in (self.data.rates.get(EVERYTHING, {}), of_scope)
            for (dimension, value), row in source.items()
            if dimension == rule.dimension
        }
        order = sorted(found, key=lambda value: (-(rounded(found[value]["shrunk_rate"]) or 0.0), value))
        return [
            self.success_rate(name, number, found[value], (rule.dimension, value) in of_scope)
            for number, value in enumerate(self.notes.first(order), 1)
        ]

    def success_rate(self, name: str, number: int, row: Row, is_own: bool) -> SuccessRate:  # noqa: FBT001 - named
        """The rate of one value, the scope's own or that of everything."""
        return SuccessRate(
            value=self.notes.line(row["value"]),
            rate=rounded(row["win_rate"]) if is_own else None,
            shrunk_rate=rounded(row["shrunk_rate"]) or 0.0,
            ci_low=rounded(row["ci_low"]) if is_own else None,
            ci_high=rounded(row["ci_high"]) if is_own else None,
            wins=row["wins"] if is_own else 0,
            decided=row["decided"] if is_own else 0,
            evidence=self.notes.of_rate(name, number, row, is_own),
        )

    def clear_segments(self) -> list[ClearSegment]:
        """Segments whose briefs arrive clear more often than not, as far as their number can tell."""
        name, found = "high_clarity_segments", list[ClearSegment]()
        level = self.edition.settings.evidence.confidence
        order = sorted(self.data.clarity, key=lambda row: (-row["ci_low"], -row["briefs"]))
        unclear = [row for row in order if not is_clear(row)]
        for row in self.notes.first(row for row in order if is_clear(row)):
            found.append(
                ClearSegment(
                    industry=self.notes.maybe(row["industry"]),
                    client_type=self.notes.maybe(row["client_type"]),
                    clear_rate=rounded(row["clear_rate"]) or 0.0,
                    mean_score=rounded(row["mean_score"]) or 0.0,
                    briefs=row["briefs"],
                    evidence=self.notes.of_clarity(name, name, len(found) + 1, row, level),
                )
            )
        for row in self.notes.first(unclear):
            number = len(self.rejected) + 1
            self.rejected.append(
                NotRecommended(
                    field=name,
                    value=self.notes.segment_words(row),
                    reason="Fewer than half of its briefs arrive clear, or too few are known to tell. "
                    + words.of_clarity(row, level),
                    evidence=self.notes.of_clarity("not_recommended", name, number, row, level),
                )
            )
        return found


def is_clear(row: Row) -> bool:
    """Whether the briefs of a segment arrive clear more often than not, as far as their number can tell."""
    return bool(row["ci_low"] > 0.5)
