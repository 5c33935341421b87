"""The contexts of all scopes, out of the tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from kaizenlake.publish.context import evidence_document as second
from kaizenlake.publish.context import reasons as words
from kaizenlake.publish.context.evidence import REASON_LENGTH, Notes, describe_segment
from kaizenlake.publish.context.evidence_document import Evidence, KaizenEvidence, NotRecommended
from kaizenlake.publish.context.judgement import Judgement, Uses, judge, round_figure, with_pooled
from kaizenlake.publish.context.model import (
    EVERYTHING,
    NOTICE,
    Brand,
    BrandNote,
    Grades,
    KaizenContext,
    PastWinner,
    Pattern,
    PlatformAdvice,
    PostingHour,
    Scope,
    as_line,
    as_short,
)
from kaizenlake.publish.context.plugin_fields import PluginFields, PluginValues
from kaizenlake.publish.context.rows import Data, Learned, Row
from kaizenlake.publish.context.scopes import Size, confidence, sizes
from kaizenlake.publish.context.size_limits import ROOMS, fits
from kaizenlake.publish.context.sources import FIELD_OF, RATES, RULES
from kaizenlake.settings import Settings
from kaizenlake.tables import Scan

BANNED_ENTRIES = 500
"""Most phrases of marked losers in an evidence document; a limit of its size, not of what may be banned."""


PROMISING = 0.8
"""Chance of an effect in its direction from which on a value that is no verdict is a lead to test."""


@dataclass(frozen=True, kw_only=True)
class Edition:
    """What is the same in every context of one publication.

    Args:
        settings: Settings of the lake.
        tenant: Tenant that the contexts belong to; None without tenants.
        plugins: What plug-ins add.
    """

    settings: Settings
    tenant: str | None = None
    plugins: PluginFields = field(default_factory=PluginFields)


class Documents(NamedTuple):
    """The two documents of one scope and the size of it.

    Args:
        context: What a generator reads.
        evidence: What it rests on.
        size: How many events the scope has, and when they happened.
        scope: The scope, by the names that readers ask for.
    """

    context: KaizenContext
    evidence: KaizenEvidence
    size: Size
    scope: Scope


def build(scan: Scan, edition: Edition, only: Scope | None = None) -> Iterator[Documents]:
    """Make the documents of every scope: everything, then each project, then each segment.

    Args:
        scan: Gives the rows of a table.
        edition: What is the same in all of them.
        only: Make those of this scope alone; one of which nothing is known borrows all from everything.
    """
    for rows in scope_rows(scan, edition, only):
        yield rows.documents()


@dataclass(frozen=True)
class ScopeRows:
    """What the documents of one scope are made of, before they are.

    Args:
        scope: The scope, by the names that readers ask for.
        size: How many events it has, and when they happened.
        digest: SHA-256 of all that the documents are made of, the edition aside.
    """

    scope: Scope
    size: Size
    digest: str
    _edition: Edition
    _data: Data
    _added: PluginValues

    def documents(self) -> Documents:
        """Make the documents, in the largest room that they fit."""
        for room, added in (*((room, self._added) for room in ROOMS), (ROOMS[-1], self._added.leave_out())):
            notes = Notes(self.scope, self._edition.settings, room)
            draft = _Draft(self.size, self._edition, self._data, notes, added)
            if fits(draft.context):
                break
        return Documents(draft.context, draft.evidence, self.size, self.scope)


def scope_rows(scan: Scan, edition: Edition, only: Scope | None = None) -> Iterator[ScopeRows]:
    """Read the rows of every scope, of which its documents follow; see `build`."""
    data = Data.read(scan, edition.settings, only)
    everything = hashlib.sha256(repr(data.of(EVERYTHING)).encode()).digest()
    for scope, size in sizes(scan, only).items():
        added = edition.plugins.of(scope)
        digest = hashlib.sha256(everything + repr((scope, size, data.of(scope), added)).encode())
        yield ScopeRows(scope, size, digest.hexdigest(), edition, data, added)


@dataclass
class _Draft:
    """The documents of one scope while they are written: each entry leaves its evidence."""

    size: Size
    edition: Edition
    data: Data
    notes: Notes
    added: PluginValues = field(default_factory=PluginValues)
    held: dict[str, dict[str, Evidence]] = field(default_factory=dict)
    rejected: dict[str, dict[str, NotRecommended]] = field(default_factory=dict)
    unclear: dict[str, list[str]] = field(default_factory=dict)
    promising: dict[str, list[str]] = field(default_factory=dict)
    borrowed: dict[str, int] = field(default_factory=dict)
    more: dict[str, int] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        """Scope of the documents."""
        return self.notes.scope

    @cached_property
    def context(self) -> KaizenContext:
        """The context; it leaves the evidence."""
        lists = {name: self.works(name) for name in FIELD_OF.values()}
        patterns = self.other_patterns()
        risky, banned, winners = self.risky(), self.list_banned(), self.winners()
        rates = {rule.field: self.rates(rule.field) for rule in RATES}
        segments = self.clear_segments()
        shown = {**lists, "recommended_patterns": [self.shown_pattern(item) for item in patterns]}
        filled: dict[str, object] = {**shown, **rates, "risky_patterns": risky, "banned_phrases": banned}
        filled |= {"past_winners": winners, "high_clarity_segments": segments}
        learned = self.data.learned.get(self.scope, Learned(None, words.NOT_YET["learned_value"]))
        usable = {rule.field: bool(filled[rule.field]) for rule in RULES} | dict.fromkeys(words.NOT_YET, False)
        usable["learned_value"] = learned.figures is not None
        platforms, hours = self.platforms(), self.hours()
        usable |= {"platforms": bool(platforms), "hours": bool(hours)}
        brand = self.brand()
        usable["brand"] = brand is not None
        graded = self.notes.room.graded
        return KaizenContext(
            tenant=self.notes.maybe(self.edition.tenant),
            scope=self.name(self.notes.maybe),
            brand=brand,
            sample_size=self.size.events,
            confidence=confidence(self.size.events, self.edition.settings.confidence),
            risky_patterns=risky,
            banned_phrases=banned,
            past_winners=winners,
            high_clarity_segments=segments,
            recommended_patterns=patterns,
            grades=Grades(
                works={name: values[:graded] for name, values in shown.items() if values[:graded]},
                promising={name: values[:graded] for name, values in self.promising.items() if values[:graded]},
                unclear={name: values[:graded] for name, values in self.unclear.items() if values[:graded]},
            ),
            borrowed=self.borrowed,
            more=self.more,
            usable=usable,
            platforms=platforms,
            hours=hours,
            learned_value=learned.figures,
            plugins=dict(self.added.values),
            why_empty={name: self.why_empty(name) for name, is_usable in usable.items() if not is_usable}
            | ({} if learned.figures is not None else {"learned_value": learned.words})
            | dict(self.added.why_empty),
            recommended_tones=lists["recommended_tones"],
            high_performing_hooks=lists["high_performing_hooks"],
            successful_pillars=lists["successful_pillars"],
            preferred_platforms=lists["preferred_platforms"],
            channel_performance=rates["channel_performance"],
            pack_success_rates=rates["pack_success_rates"],
        )

    @property
    def evidence(self) -> KaizenEvidence:
        """The evidence that the context left."""
        return KaizenEvidence(
            schema=second.SCHEMA,
            version=second.VERSION,
            data_notice=NOTICE,
            tenant=None if self.edition.tenant is None else self.notes.line(self.edition.tenant),
            scope=self.name(lambda name: None if name is None else self.notes.line(name)),
            sample_size=self.context.sample_size,
            confidence=self.context.confidence,
            evidence={name: held for name, held in self.held.items() if held},
            not_recommended=self.rejected,
            why_empty=self.context.why_empty,
        )

    def brand(self) -> Brand | None:
        """Return the brand of the project with the newest notes on it; None of any other scope."""
        row = self.data.brands.get(self.scope)
        if row is None:
            return None
        notes = [
            BrandNote(
                noted_on=f"{note['noted_at']:%Y-%m-%d}",
                source=self.notes.show(note["told_by"] or "not said"),
                text=as_short(self.notes.line(note["note"]), REASON_LENGTH),
            )
            for note in row["notes"]
        ]
        return Brand(brand_id=self.notes.show(row["brand_id"]), name=self.notes.maybe(row["name"]), notes=notes)

    def habits(self, habit: str) -> list[Row]:
        """Return tones or hours of platforms that work in the scope, the strongest first."""
        rows = self.data.habits.get(self.scope, [])
        return [row for row in rows if row["habit"] == habit and row["platform"] is not None]

    def platforms(self) -> list[PlatformAdvice]:
        """Return the tones that work on each platform, that with the strongest first."""
        tones: dict[str, list[str]] = {}
        for row in self.habits("tone"):
            tones.setdefault(self.notes.show(row["platform"]), []).append(self.notes.show(row["value"]))
        most = self.notes.room.entries
        return [PlatformAdvice(platform=name, tones=values[:most]) for name, values in list(tones.items())[:most]]

    def hours(self) -> list[PostingHour]:
        """Return the hours at which posts do better than at others of their platform, the strongest first."""
        found = self.habits("hour")[: self.notes.room.entries]
        return [
            PostingHour(platform=self.notes.show(row["platform"]), weekday=None, hour=int(row["value"]))
            for row in found
        ]

    def name(self, written: Callable[[str | None], str | None]) -> Scope:
        """Return the scope as a document names it.

        Args:
            written: Writes a name.
        """
        return Scope(
            kind=self.scope.kind,
            project_id=written(self.scope.project_id),
            industry=written(self.scope.industry),
            client_type=written(self.scope.client_type),
        )

    @cached_property
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
            uses = self.data.uses.get(self.scope, Uses())
            judged = [judge(whole.get(key), own.get(key), where, uses) for key in {**whole, **own}]
        return sorted(
            with_pooled(judged, self.data.pooled),
            key=lambda item: (
                -(item.finding.shrunk_lift if item.finding.shrunk_lift is not None else item.finding.lift or 0.0),
                item.finding.pattern_type,
                item.finding.value,
            ),
        )

    def list_entries(self, name: str, entries: Iterable[tuple[str, Evidence]], most: int | None = None) -> list[str]:
        """Keep the evidence of a field's entries, own before borrowed, and return those that the context lists.

        Args:
            name: Field of the context.
            entries: Values as the context shows them, with their evidence, in their order; of equal ones the first counts.
            most: Most that the context lists; by default what its room allows.
        """
        known: dict[str, Evidence] = {}
        for value, evidence in entries:
            known.setdefault(value, evidence)
        held = dict(sorted(known.items(), key=lambda item: item[1].borrowed_rate >= 1.0))
        self.held[name] = held
        shown = list(held)[: self.notes.room.entries if most is None else most]
        return self.count(name, shown)

    def count(self, name: str, shown: list[str]) -> list[str]:
        """Say how many entries of a field are borrowed, and how many the context does not list."""
        held = self.held[name]
        if borrowed := sum(held[value].borrowed_rate >= 1.0 for value in shown):
            self.borrowed[name] = borrowed
        if more := len(held) - len(shown):
            self.more[name] = more
        return shown

    def works(self, name: str) -> list[str]:
        """Return the values of the field's attribute that work; keep the others with the reason why not."""
        mine = [item for item in self.judgements if FIELD_OF.get(item.finding.pattern_type) == name]
        self.reject(name, mine)
        return self.list_entries(name, self.show_judged(name, self.recommend(mine)))

    def recommend(self, judgements: list[Judgement]) -> list[Judgement]:
        """Return what works, then, where the setting says so, what is promising; each by its shrunk effect."""
        leads = judgements if self.edition.settings.publishing.promising else []
        return [
            *(item for item in judgements if item.verdict == "works"),
            *(item for item in leads if self.lead_of(item) is not None and (item.finding.shrunk_lift or 0.0) > 0.0),
        ]

    def lead_of(self, item: Judgement) -> float | None:
        """Return the chance of the effect's sign, of a value that is no verdict but a lead to test; None of others."""
        if item.verdict != "unclear" or item.why:
            return None
        chance = item.finding.chance_of_sign(self.edition.settings.evidence.confidence)
        return chance if chance is not None and chance >= PROMISING else None

    def other_patterns(self) -> list[Pattern]:
        """Return what works of the pattern types without a field of their own."""
        name = "recommended_patterns"
        mine = [item for item in self.judgements if item.finding.pattern_type not in FIELD_OF]
        self.reject(name, mine)
        working = self.recommend(mine)
        by_shown = {self.notes.show_labelled(item.finding, name): item.finding for item in reversed(working)}
        return [
            Pattern(
                pattern_type=by_shown[value].pattern_type,
                value=value.removeprefix(f"{by_shown[value].pattern_type}: "),
                pooled=by_shown[value].basis == "pooled",
            )
            for value in self.list_entries(name, self.show_judged(name, working))
        ]

    def shown_pattern(self, item: Pattern) -> str:
        """Return a pattern as one text."""
        return f"{item.pattern_type}: {item.value}"

    def risky(self) -> list[str]:
        """Return what goes with failure, the worst first; then contents that a person marked as losers."""
        name = "risky_patterns"
        worst = [item for item in reversed(self.judgements) if item.verdict == "risky"]
        losers = (
            (self.notes.show(f"content: {row['content_id']}"), self.notes.of_mark(row))
            for row in self.data.losers.get(self.scope, [])
        )
        return self.list_entries(name, [*self.show_judged(name, worst), *losers])

    def show_judged(self, name: str, judgements: list[Judgement]) -> list[tuple[str, Evidence]]:
        """Return judged values as the field shows them, with their evidence."""
        return [
            (self.notes.show_labelled(item.finding, name), self.notes.of_judgement(item))
            for item in self.notes.first(judgements)
        ]

    def reject(self, name: str, judgements: list[Judgement]) -> None:
        """Keep what was considered for a field and is not recommended, the most observed first."""
        not_working = sorted(
            (item for item in judgements if item.verdict != "works"), key=lambda item: -item.observations
        )
        for item in self.notes.first(not_working):
            value = self.notes.show_labelled(item.finding, name)
            reason = words.describe_refusal(item, self.edition.settings.evidence)
            if (chance := self.lead_of(item)) is not None:
                reason = f"{words.describe_lead(item.finding, chance)} {reason}"
            self.refuse(name, value, reason, self.notes.of_judgement(item))
            if item.verdict == "unclear" and chance is None:
                self.unclear.setdefault(name, []).append(value)
        for item in self.notes.first(item for item in judgements if self.lead_of(item) is not None):
            grown = (item.finding.shrunk_lift or 0.0) > 0.0
            field_of = name if grown else "risky_patterns"
            value = self.notes.show_labelled(item.finding, field_of)
            self.promising.setdefault(field_of, []).append(value)

    def refuse(self, name: str, value: str, reason: str, evidence: Evidence) -> None:
        """Keep why a value is not recommended."""
        entry = NotRecommended(reason=as_line(reason, REASON_LENGTH), evidence=evidence)
        self.rejected.setdefault(name, {}).setdefault(value, entry)

    def list_banned(self) -> list[str]:
        """Return phrases the settings ban, then those people asked to avoid when they marked a loser.

        All of them stand in the evidence. The context lists whole phrases alone, since a phrase that is cut bans nothing.
        """
        name, found = "banned_phrases", dict[str, tuple[str, Evidence]]()
        banned = [(phrase, None) for phrase in self.edition.settings.publishing.banned_phrases]
        for phrase, row in [*banned, *((row["phrase"], row) for row in self.data.phrases.of(self.scope))]:
            value = self.notes.line(phrase)
            if value and len(found) < BANNED_ENTRIES + len(banned):
                found.setdefault(value.casefold(), (value, self.notes.of_ban(phrase, row)))
        self.held[name] = dict(found.values())
        whole = [value for value in self.held[name] if as_short(value, self.notes.room.value) == value]
        return self.count(name, whole[: self.notes.room.entries])

    def winners(self) -> list[PastWinner]:
        """Return contents marked as winners."""
        rows: dict[str, Row] = {}
        for row in self.data.winners.get(self.scope, []):
            value, number = self.notes.show(row["content_id"]), 2
            while value in rows:
                value, number = f"{self.notes.show(row['content_id'])} ({number})", number + 1
            rows[value] = row
        entries = ((value, self.notes.of_mark(row)) for value, row in rows.items())
        return [
            PastWinner(
                content_id=value,
                text=self.text(rows[value]["text"]),
                beat=self.text(rows[value].get("beat")),
                platform=self.notes.maybe(rows[value]["platform"]),
                content_type=self.notes.maybe(rows[value]["content_type"]),
                hook_type=self.notes.maybe(rows[value]["hook_type"]),
                tone=self.notes.maybe(rows[value]["tone"]),
                pillar=self.notes.maybe(rows[value]["pillar"]),
                engagement_rate=rows[value]["engagement_rate"],
                lift=round_figure(rows[value].get("lift")),
                marked_by=rows[value]["source"],
            )
            for value in self.list_entries("past_winners", entries, self.notes.room.winners)
        ]

    def text(self, text: str | None) -> str | None:
        """Return the text of a content as far as there is room."""
        return None if text is None else as_short(self.notes.line(text), self.notes.room.text)

    def rates(self, name: str) -> dict[str, float]:
        """Return the rates of the values of a dimension, the best guess highest first; a scope borrows those it has not.

        A rate is the share of wins, or drawn toward its like where fewer outcomes are decided than a recommendation needs.
        """
        (rule,) = (rule for rule in RATES if rule.field == name)
        of_scope = self.data.rates.get(self.scope, {})
        rows = {
            value: row
            for source in (self.data.rates.get(EVERYTHING, {}), of_scope)
            for (dimension, value), row in source.items()
            if dimension == rule.dimension
        }
        order = sorted(rows, key=lambda value: (-(round_figure(rows[value]["shrunk_rate"]) or 0.0), value))
        entries, rates = list[tuple[str, Evidence]](), dict[str, float]()
        needed = self.edition.settings.evidence.decided
        for value in self.notes.first(order):
            row, shown = rows[value], self.notes.show(value)
            evidence = self.notes.of_rate(row, is_own=(rule.dimension, value) in of_scope)
            entries.append((shown, evidence))
            rate = row["win_rate"] if row["decided"] >= needed else row["shrunk_rate"]
            rates.setdefault(shown, round_figure(rate) or 0.0)
        pending = self.data.pending.get(self.scope, {})
        for (dimension, value), row in pending.items():
            if dimension == rule.dimension and value not in rows:
                self.refuse(name, self.notes.show(value), words.describe_pending(row), self.notes.of_pending(row))
        return {value: rates[value] for value in self.list_entries(name, entries)}

    def clear_segments(self) -> list[str]:
        """Return segments whose briefs arrive clear more often than not, as far as their number can tell."""
        name, level = "high_clarity_segments", self.edition.settings.evidence.confidence
        order = sorted(self.data.clarity, key=lambda row: (-row["ci_low"], -row["briefs"]))
        for row in self.notes.first(row for row in order if not is_clear(row)):
            reason = "Fewer than half of its briefs arrive clear, or too few are known to tell. "
            reason += words.describe_clarity(row, level)
            self.refuse(name, self.notes.show(describe_segment(row)), reason, self.notes.of_clarity(row))
        clear = self.notes.first(row for row in order if is_clear(row))
        return self.list_entries(
            name, ((self.notes.show(describe_segment(row)), self.notes.of_clarity(row)) for row in clear)
        )

    def why_empty(self, name: str) -> str:
        """Say why a field has no entry."""
        if (habit := _HABITS.get(name)) is not None:
            rows = self.data.habits.get(self.scope, [])
            considered = sum(row["considered"] for row in rows if row["habit"] == habit)
            if considered:
                return words.describe_no_habit(habit, considered)
        missing = None if self.data.missing.get(name) is None else self.notes.line(self.data.missing[name])
        return words.describe_emptiness(name, len(self.rejected.get(name, {})), missing or "")


_HABITS = {"platforms": "tone", "hours": "hour"}
"""Fields of a context, and the habit of a platform that they tell."""


def is_clear(row: Row) -> bool:
    """Return whether the briefs of a segment arrive clear more often than not, as far as their number can tell."""
    return bool(row["ci_low"] > 0.5)
