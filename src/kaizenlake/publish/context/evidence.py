"""What the entries of one context rest on, from the rows of the tables; and texts of events as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from kaizenlake import tables
from kaizenlake.publish.context import reasons as words
from kaizenlake.publish.context.evidence_document import Evidence
from kaizenlake.publish.context.judgement import Judgement, ValueFinding, round_figure
from kaizenlake.publish.context.model import EVERYTHING, Scope, as_line, as_short
from kaizenlake.publish.context.rows import Row
from kaizenlake.publish.context.size_limits import Room
from kaizenlake.publish.context.sources import FIELD_OF
from kaizenlake.settings import Settings
from kaizenlake.tables import AvoidedPhrases, CreativeLabels, IntakeSegments, ScopedWinRates, WinRates
from kaizenlake.vocabulary import plural

REASON_LENGTH = 1000
"""Most characters of a reason, which is in our words and quotes at most one text of an event."""

_ONE = Evidence(
    value="",
    basis="mark",
    observations=0,
    observed="",
    rate=None,
    rate_low=None,
    rate_high=None,
    rate_without=None,
    shrunk_rate=None,
    effect=None,
    effect_low=None,
    effect_high=None,
    shrunk_effect=None,
    corrected_p=None,
    age_days=None,
    pending=None,
    table="",
    reason="",
    borrowed_rate=0.0,
    borrowed=None,
)


@dataclass(frozen=True)
class Notes:
    """Makes the evidence of entries, and says how texts of events are written.

    Args:
        scope: Scope of the context.
        settings: Settings of the lake.
        room: How much room the texts of the context have.
    """

    scope: Scope
    settings: Settings
    room: Room

    def of_mark(self, row: Row) -> Evidence:
        """Return the evidence of a marked content."""
        where = f" on {self.line(row['platform'])}" if row["platform"] is not None else ""
        if row["source"] == "manual":
            told = f"A person marked it as a {row['label']}{where}: {self.line(row['reason'])}"
        elif row["experiment_id"] is not None:
            told = f"It won its experiment{where}: {row['reason']}."
        elif row.get("sentence") is not None:
            told = row["sentence"]
        else:
            told = (
                f"Rank {row['rank_in_group']} of {row['group_size']} of its like{where} by its shrunk engagement rate."
            )
        facts = {
            "basis": _basis(row),
            "observations": row["trials"] or 0,
            "observed": "impressions or people reached",
            "rate": row["engagement_rate"],
            "reason": told,
            "table": tables.full_name(CreativeLabels),
        }
        return self.evidence(row["content_id"], facts)

    def of_rate(self, row: Row, *, is_own: bool) -> Evidence:
        """Return the evidence of the rate of one value, the scope's own or that of everything."""
        rules = self.settings.evidence
        where = self.line(self.scope.words)
        borrowed = row.get("borrowed_rate", 0.0) if is_own else 1.0
        note = None
        if not is_own:
            note = f"{where} has no decided outcome of its own that is old enough: the rate is that of everything."
        elif borrowed > 0:
            note = f"{borrowed:.0%} of the shrunk rate is the rate of everything, {row['whole_rate']:.1%}."
        facts = {
            "basis": "outcomes",
            "observations": row["decided"] if is_own else 0,
            "observed": "decided outcomes",
            "rate": round_figure(row["win_rate"]),
            "rate_low": round_figure(row["ci_low"]),
            "rate_high": round_figure(row["ci_high"]),
            "shrunk_rate": round_figure(row["shrunk_rate"]),
            "effect": round_figure(row.get("lift")),
            "corrected_p": round_figure(row["q_value"]),
            "age_days": row["age_days"],
            "pending": row["pending"],
            "reason": words.describe_rate(row, rules.confidence, rules.decided),
            "table": tables.full_name(ScopedWinRates if is_own and self.scope != EVERYTHING else WinRates),
            "borrowed_rate": round_figure(borrowed),
            "borrowed": note,
        }
        return self.evidence(row["value"], facts)

    def of_pending(self, row: Row) -> Evidence:
        """Return the evidence of a value whose outcomes are too young to have a rate."""
        facts = {
            "basis": "outcomes",
            "observations": row["decided"],
            "observed": "decided outcomes",
            "age_days": row["age_days"],
            "pending": row["pending"],
            "reason": words.describe_pending(row),
            "table": tables.full_name(WinRates if self.scope == EVERYTHING else ScopedWinRates),
        }
        return self.evidence(row["value"], facts)

    def of_clarity(self, row: Row) -> Evidence:
        """Return the evidence of the clarity of a segment."""
        facts = {
            "basis": "outcomes",
            "observations": row["briefs"],
            "observed": "briefs",
            "rate": round_figure(row["clear_rate"]),
            "rate_low": round_figure(row["ci_low"]),
            "rate_high": round_figure(row["ci_high"]),
            "reason": words.describe_clarity(row, self.settings.evidence.confidence),
            "table": tables.full_name(IntakeSegments),
        }
        return self.evidence(describe_segment(row), facts)

    def of_judgement(self, item: Judgement) -> Evidence:
        """Return the evidence of a judged value."""
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
            "age_days": finding.age_days,
            "pending": finding.pending if finding.basis == "outcomes" else None,
            "reason": words.describe_finding(finding, self.settings.evidence.confidence),
            "table": finding.table,
            "borrowed_rate": 1.0 if item.borrowed else finding.borrowed_rate,
            "borrowed": item.borrowed or None,
        }
        return self.evidence(finding.value, facts)

    def of_ban(self, phrase: str, row: Row | None) -> Evidence:
        """Return the evidence of a banned phrase; without a row it is the settings that ban it."""
        if row is None:
            facts = {"basis": "setting", "observed": "settings", "observations": 1, "table": "kaizen.toml"}
            facts |= {"reason": "The settings of the lake ban it."}
        else:
            facts = {"basis": "mark", "observed": "marks", "observations": row["marks"]}
            told = self.line(row["last_reason"])
            facts |= {"reason": f"Named by {plural(row['marks'], 'mark')} of losers; the latest says: {told}"}
            facts |= {"table": tables.full_name(AvoidedPhrases)}
        return self.evidence(phrase, facts)

    def evidence(self, value: str, facts: Mapping[str, Any]) -> Evidence:
        """Return the evidence of a value."""
        stated = {**facts, "value": self.line(value), "reason": as_line(facts["reason"], REASON_LENGTH)}
        return msgspec.structs.replace(_ONE, **stated)

    def first(self, entries: Iterable[Any]) -> list[Any]:
        """Return as many entries as the evidence of one field may have."""
        return list(islice(entries, self.settings.publishing.entries))

    def line(self, text: str) -> str:
        """Return a text of an event as data."""
        return as_line(text, self.settings.publishing.text_length)

    def show(self, text: str) -> str:
        """Return a value as the context shows it."""
        return as_short(self.line(text), self.room.value)

    def maybe(self, text: str | None) -> str | None:
        """Return the same of a text that may be missing."""
        return None if text is None else self.show(text)

    def show_labelled(self, finding: ValueFinding, name: str) -> str:
        """Return a value as the context shows it, with its pattern type where the field does not say it."""
        is_said = name in FIELD_OF.values()
        return self.show(finding.value if is_said else f"{finding.pattern_type}: {finding.value}")


def describe_segment(row: Row) -> str:
    """Return a segment in words."""
    return f"{row['industry'] or 'unknown'} / {row['client_type'] or 'unknown'}"


def _basis(row: Row) -> str:
    """Return basis of a label: a person's mark, the experiment of an arm, or what was observed."""
    if row["source"] == "manual":
        return "mark"
    return "observation" if row["experiment_id"] is None else "experiment"
