"""The evidence of one context while it is written: what each entry rests on, under a key; and its texts as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from kaizenlake import tables
from kaizenlake.publish import context_words as words
from kaizenlake.publish.context import EVERYTHING, Evidence, Scope, as_line
from kaizenlake.publish.context_data import Row
from kaizenlake.publish.context_rules import FIELD_OF
from kaizenlake.publish.judging import Finding, Judgement, rounded
from kaizenlake.settings import Settings
from kaizenlake.tables import AvoidedPhrases, CreativeLabels, ScopedWinRates, SegmentClarity, WinRates
from kaizenlake.vocabulary import plural

REASON_LENGTH = 1000
"""Most characters of a reason, which is in our words and quotes at most one text of an event."""

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
class Notes:
    """Evidence by key, and how texts of events are written.

    Args:
        scope: Scope of the context.
        settings: Settings of the lake.
        versions: Version of each table that is read, by full name; None where it is not written.
        held: The evidence so far.
    """

    scope: Scope
    settings: Settings
    versions: Mapping[str, int | None]
    held: dict[str, Evidence] = field(default_factory=dict)

    def of_mark(self, name: str, number: int, row: Row) -> str:
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

    def of_rate(self, name: str, number: int, row: Row, is_own: bool) -> str:  # noqa: FBT001 - named
        """Evidence of the rate of one value, the scope's own or that of everything."""
        rules = self.settings.evidence
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
        return self.note(name, number, value, facts)

    def of_clarity(self, key: str, name: str, number: int, row: Row, level: float) -> str:
        """Evidence of the clarity of a segment."""
        facts = {
            "basis": "outcomes",
            "observations": row["briefs"],
            "observed": "briefs",
            "rate": rounded(row["clear_rate"]),
            "rate_low": rounded(row["ci_low"]),
            "rate_high": rounded(row["ci_high"]),
            "reason": words.of_clarity(row, level),
            "table": tables.full_name(SegmentClarity),
        }
        return self.note(name, number, self.segment_words(row), facts, key=key)

    def of_judgement(self, name: str, number: int, item: Judgement, key: str = "") -> str:
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
            "reason": words.of_finding(finding, self.settings.evidence.confidence),
            "table": finding.table,
            "borrowed_rate": 1.0 if item.borrowed else finding.borrowed_rate,
            "borrowed": item.borrowed or None,
        }
        return self.note(name, number, self.labelled(finding, name), facts, key=key)

    def of_ban(self, name: str, number: int, value: str, row: Row | None) -> str:
        """Evidence of a banned phrase; without a row it is the settings that ban it."""
        if row is None:
            facts = {"basis": "setting", "observed": "settings", "observations": 1, "table": "kaizen.toml"}
            facts |= {"reason": "The settings of the lake ban it."}
        else:
            facts = {"basis": "mark", "observed": "marks", "observations": row["marks"]}
            told = self.line(row["last_reason"])
            facts |= {"reason": f"Named by {plural(row['marks'], 'mark')} of losers; the latest says: {told}"}
            facts |= {"table": tables.full_name(AvoidedPhrases)}
        return self.note(name, number, value, facts)

    def note(self, name: str, number: int, value: str, facts: Mapping[str, Any], key: str = "") -> str:
        """Keep the evidence of an entry and give its key."""
        told = {**facts, "field": name, "value": value, "reason": as_line(facts["reason"], REASON_LENGTH)}
        told["table_version"] = self.versions.get(facts["table"])
        identity = f"{key or name}/{number}"
        self.held[identity] = msgspec.structs.replace(_ONE, **told)
        return identity

    def first(self, entries: Iterable[Any]) -> list[Any]:
        """As many entries as a list of a context may have."""
        return list(islice(entries, self.settings.publishing.entries))

    def line(self, text: str) -> str:
        """A text of an event, as data."""
        return as_line(text, self.settings.publishing.text_length)

    def maybe(self, text: str | None) -> str | None:
        """The same of a text that may be missing."""
        return None if text is None else self.line(text)

    def segment_words(self, row: Row) -> str:
        """A segment in words."""
        return self.line(f"{row['industry'] or 'unknown'} / {row['client_type'] or 'unknown'}")

    def labelled(self, finding: Finding, name: str) -> str:
        """A value, with its pattern type where the field does not say it."""
        value = self.line(finding.value)
        return value if name in FIELD_OF.values() else f"{finding.pattern_type}: {value}"
