"""The contexts of all scopes, out of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec

import kaizenlake
from kaizenlake import tables
from kaizenlake.publish import context_words as words
from kaizenlake.publish.context import (
    EVERYTHING,
    NOTICE,
    SCHEMA,
    VERSION,
    ClearSegment,
    DataWindow,
    Evidence,
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
from kaizenlake.publish.context_rules import FIELD_OF, RATES
from kaizenlake.publish.context_scopes import Scan, Size, confidence, sizes
from kaizenlake.publish.judging import Finding, Judgement, judge, rounded
from kaizenlake.settings import Settings
from kaizenlake.tables import (
    AvoidedPhrases,
    CreativeLabels,
    ScopedWinRates,
    SegmentClarity,
    WinRates,
)

BANNED_ENTRIES = 500
"""Most phrases that marked losers can ban; a limit of the size of a document, not of what may be banned."""

REASON_LENGTH = 1000
"""Most characters of a reason, which is in our words and quotes at most one text of an event."""


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
        yield _Draft(scope, size, edition, data).context()


_ONE = Evidence(
    field="",
    value="",
    basis="mark",
    observations=0,
    observed="",
    rate=None,
    rate_low=None,
    rate_high=None,
    rate_without=None,
    effect=None,
    effect_low=None,
    effect_high=None,
    shrunk_effect=None,
    corrected_p=None,
    table="",
    table_version=None,
    reason="",
    borrowed_rate=0.0,
    borrowed=None,
)


@dataclass
class _Draft:
    """One context while it is written: each entry leaves its evidence."""

    scope: Scope
    size: Size
    edition: Edition
    data: Data
    evidence: dict[str, Evidence] = field(default_factory=dict)
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
            evidence=self.evidence,
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
            where = self.line(self.scope.words)
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
            Recommendation(value=self.line(item.finding.value), evidence=self.judged(name, number, item))
            for number, item in enumerate(self.first(item for item in mine if item.verdict == "works"), 1)
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
            value = self.line(row["content_id"])
            found.append(Pattern(pattern_type="content", value=value, evidence=self.mark(name, number, row)))
        return found

    def patterns(self, name: str, judgements: list[Judgement]) -> list[Pattern]:
        """Judged values as entries that name their pattern type."""
        return [
            Pattern(
                pattern_type=item.finding.pattern_type,
                value=self.line(item.finding.value),
                evidence=self.judged(name, number, item),
            )
            for number, item in enumerate(self.first(judgements), 1)
        ]

    def reject(self, name: str, judgements: list[Judgement]) -> None:
        """Keep what was considered for a field and is not recommended, the most observed first."""
        not_working = sorted(
            (item for item in judgements if item.verdict != "works"), key=lambda item: -item.observations
        )
        for item in self.first(not_working):
            number = len(self.rejected) + 1
            reason = words.why_not(item, self.edition.settings.evidence)
            evidence = self.judged(name, number, item, key="not_recommended")
            self.rejected.append(
                NotRecommended(
                    field=name,
                    value=self.labelled(item.finding, name),
                    reason=as_line(reason, REASON_LENGTH),
                    evidence=evidence,
                )
            )

    def labelled(self, finding: Finding, name: str) -> str:
        """A value, with its pattern type where the field does not say it."""
        value = self.line(finding.value)
        return value if name in FIELD_OF.values() else f"{finding.pattern_type}: {value}"

    def banned(self) -> list[Recommendation]:
        """Phrases the settings ban, then those people asked to avoid when they marked a loser."""
        name, found, seen = "banned_phrases", list[Recommendation](), set[str]()
        banned = [(phrase, None) for phrase in self.edition.settings.publishing.banned_phrases]
        for phrase, row in [*banned, *((row["phrase"], row) for row in self.data.phrases.of(self.scope))]:
            value = self.line(phrase)
            if not value or value.casefold() in seen or len(found) >= BANNED_ENTRIES + len(banned):
                continue
            seen.add(value.casefold())
            if row is None:
                facts = {"basis": "setting", "observed": "settings", "observations": 1, "table": "kaizen.toml"}
                facts |= {"reason": "The settings of the lake ban it."}
            else:
                facts = {"basis": "mark", "observed": "marks", "observations": row["marks"]}
                told = self.line(row["last_reason"])
                facts |= {"reason": f"Named by {row['marks']} mark(s) of losers; the latest says: {told}"}
                facts |= {"table": tables.full_name(AvoidedPhrases)}
            found.append(Recommendation(value=value, evidence=self.note(name, len(found) + 1, value, facts)))
        return found

    def winners(self) -> list[PastWinner]:
        """Contents marked as winners."""
        name = "past_winners"
        return [
            PastWinner(
                content_id=self.line(row["content_id"]),
                text=self.maybe(row["text"]),
                platform=self.maybe(row["platform"]),
                content_type=self.maybe(row["content_type"]),
                hook_type=self.maybe(row["hook_type"]),
                tone=self.maybe(row["tone"]),
                pillar=self.maybe(row["pillar"]),
                engagement_rate=row["engagement_rate"],
                marked_by=row["source"],
                reason=self.line(row["reason"]),
                evidence=self.mark(name, number, row),
            )
            for number, row in enumerate(self.data.winners.get(self.scope, []), 1)
        ]

    def mark(self, name: str, number: int, row: Row) -> str:
        """Evidence of a marked content."""
        where = f" on {self.line(row['platform'])}" if row["platform"] is not None else ""
        if row["source"] == "manual":
            told = f"A person marked it as a {row['label']}{where}: {self.line(row['reason'])}"
        else:
            told = (
                f"Rank {row['rank_in_group']} of {row['group_size']} of its like{where} by its shrunk engagement rate."
            )
        facts = {
            "basis": "mark" if row["source"] == "manual" else "observation",
            "observations": row["trials"] or 0,
            "observed": "impressions or people reached",
            "rate": row["engagement_rate"],
            "reason": told,
            "table": tables.full_name(CreativeLabels),
        }
        return self.note(name, number, self.line(row["content_id"]), facts)

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
            for number, value in enumerate(self.first(order), 1)
        ]

    def success_rate(self, name: str, number: int, row: Row, is_own: bool) -> SuccessRate:  # noqa: FBT001 - named
        """The rate of one value, the scope's own or that of everything."""
        rules = self.edition.settings.evidence
        value, where = self.line(row["value"]), self.line(self.scope.words)
        borrowed = row.get("borrowed_rate", 0.0) if is_own else 1.0
        note = None
        if not is_own:
            note = f"{where} has no decided outcome of its own: the rate is that of everything."
        elif borrowed > 0:
            note = f"{borrowed:.0%} of the shrunk rate is the rate of everything, {row['whole_rate']:.1%}."
        facts = {
            "basis": "outcomes",
            "observations": row["decided"] if is_own else 0,
            "observed": "decided outcomes",
            "rate": rounded(row["win_rate"]),
            "rate_low": rounded(row["ci_low"]),
            "rate_high": rounded(row["ci_high"]),
            "effect": rounded(row.get("lift")),
            "corrected_p": rounded(row["q_value"]),
            "reason": words.of_rate(row, rules.confidence, rules.decided),
            "table": tables.full_name(ScopedWinRates if is_own and self.scope != EVERYTHING else WinRates),
            "borrowed_rate": rounded(borrowed),
            "borrowed": note,
        }
        return SuccessRate(
            value=value,
            rate=rounded(row["win_rate"]) if is_own else None,
            shrunk_rate=rounded(row["shrunk_rate"]) or 0.0,
            ci_low=rounded(row["ci_low"]) if is_own else None,
            ci_high=rounded(row["ci_high"]) if is_own else None,
            wins=row["wins"] if is_own else 0,
            decided=row["decided"] if is_own else 0,
            evidence=self.note(name, number, value, facts),
        )

    def clear_segments(self) -> list[ClearSegment]:
        """Segments whose briefs arrive clear more often than not, as far as their number can tell."""
        name, found = "high_clarity_segments", list[ClearSegment]()
        level = self.edition.settings.evidence.confidence
        order = sorted(self.data.clarity, key=lambda row: (-row["ci_low"], -row["briefs"]))
        unclear = [row for row in order if not is_clear(row)]
        for row in self.first(row for row in order if is_clear(row)):
            found.append(
                ClearSegment(
                    industry=self.maybe(row["industry"]),
                    client_type=self.maybe(row["client_type"]),
                    clear_rate=rounded(row["clear_rate"]) or 0.0,
                    mean_score=rounded(row["mean_score"]) or 0.0,
                    briefs=row["briefs"],
                    evidence=self.clarity(name, name, len(found) + 1, row, level),
                )
            )
        for row in self.first(unclear):
            number = len(self.rejected) + 1
            self.rejected.append(
                NotRecommended(
                    field=name,
                    value=self.segment_words(row),
                    reason="Fewer than half of its briefs arrive clear, or too few are known to tell. "
                    + _clarity_words(row, level),
                    evidence=self.clarity("not_recommended", name, number, row, level),
                )
            )
        return found

    def clarity(self, key: str, name: str, number: int, row: Row, level: float) -> str:
        """Evidence of the clarity of a segment."""
        facts = {
            "basis": "outcomes",
            "observations": row["briefs"],
            "observed": "briefs",
            "rate": rounded(row["clear_rate"]),
            "rate_low": rounded(row["ci_low"]),
            "rate_high": rounded(row["ci_high"]),
            "reason": _clarity_words(row, level),
            "table": tables.full_name(SegmentClarity),
        }
        return self.note(name, number, self.segment_words(row), facts, key=key)

    def judged(self, name: str, number: int, item: Judgement, key: str = "") -> str:
        """Evidence of a judged value."""
        finding = item.finding
        facts = {
            "basis": finding.basis,
            "observations": item.observations,
            "observed": finding.observed,
            "rate": finding.rate,
            "rate_low": finding.rate_low,
            "rate_high": finding.rate_high,
            "rate_without": finding.rate_without,
            "effect": finding.lift,
            "effect_low": finding.lift_low,
            "effect_high": finding.lift_high,
            "shrunk_effect": finding.shrunk_lift,
            "corrected_p": finding.q_value,
            "reason": words.of_finding(finding, self.edition.settings.evidence.confidence),
            "table": finding.table,
            "borrowed_rate": 1.0 if item.borrowed else finding.borrowed_rate,
            "borrowed": item.borrowed or None,
        }
        return self.note(name, number, self.labelled(finding, name), facts, key=key)

    def note(self, name: str, number: int, value: str, facts: Mapping[str, Any], key: str = "") -> str:
        """Keep the evidence of an entry and give its key."""
        told = {**facts, "field": name, "value": value, "reason": as_line(facts["reason"], REASON_LENGTH)}
        told["table_version"] = self.edition.versions.get(facts["table"])
        identity = f"{key or name}/{number}"
        self.evidence[identity] = msgspec.structs.replace(_ONE, **told)
        return identity

    def first(self, entries: Iterable[Any]) -> list[Any]:
        """As many entries as a list of a context may have."""
        return list(islice(entries, self.edition.settings.publishing.entries))

    def line(self, text: str) -> str:
        """A text of an event, as data."""
        return as_line(text, self.edition.settings.publishing.text_length)

    def maybe(self, text: str | None) -> str | None:
        """The same of a text that may be missing."""
        return None if text is None else self.line(text)

    def segment_words(self, row: Row) -> str:
        """A segment in words."""
        return self.line(f"{row['industry'] or 'unknown'} / {row['client_type'] or 'unknown'}")


def is_clear(row: Row) -> bool:
    """Whether the briefs of a segment arrive clear more often than not, as far as their number can tell."""
    return bool(row["ci_low"] > 0.5)


def _clarity_words(row: Row, level: float) -> str:
    return (
        f"{row['clear_briefs']} of {row['briefs']} briefs arrived clear, {row['clear_rate']:.1%} "
        f"({level:.0%} interval {row['ci_low']:.1%} to {row['ci_high']:.1%}); mean first score {row['mean_score']:.1f}."
    )
