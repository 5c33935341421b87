"""What templates of work products are written with: facts and rows as Markdown, each with the number of its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kaizenlake.generate.agency.facts import LACKING, QUESTIONS, KnownFacts, Statement
from kaizenlake.generate.markdown_templates import MarkdownText, escape_markdown

_STOPS = (".", "!", "?", "…")


class ProductText:
    """The facts of a brand as a template prints them; it keeps which rows were shown, in the order of their first showing.

    Args:
        facts: What is known.
    """

    def __init__(self, facts: KnownFacts) -> None:
        self.facts = facts
        self._numbers: dict[int, int] = {}

    def cite_rows(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield the rows that were shown, with their numbers."""
        yield from ((number, self.facts.evidence[place - 1]) for place, number in self._numbers.items())

    def fact(self, name: str) -> MarkdownText:
        """Return a fact that was told of the brand, or that it was not told."""
        told = (self.facts.brand or {}).get(name)
        if isinstance(told, list):
            told = "; ".join(map(str, told))
        return MarkdownText(escape_markdown(told) if told else "not told yet")

    def bullets(self, part: str, most: int = 10) -> MarkdownText:
        """Return the statements of a part as bullets; one that says what is missing where there is none."""
        found = self.facts.parts.get(part, ())[:most]
        return MarkdownText("\n".join(f"- {self._whole(item)}" for item in found) or f"- {self._lack(part)}")

    def pick(self, part: str, place: int = 0) -> MarkdownText:
        """Return a statement of a part in a word or two; of fewer than asked for, they come again."""
        found = self.facts.parts.get(part, ())
        if not found:
            return MarkdownText(f"(open: {_NAMES.get(part, part)})")
        item = found[place % len(found)]
        return MarkdownText(f"{escape_markdown(item.short or item.text)}{self._cite(item)}")

    def tell(self, part: str, place: int = 0) -> MarkdownText:
        """Return a whole statement of a part, or what is missing."""
        found = self.facts.parts.get(part, ())
        return MarkdownText(self._whole(found[place]) if place < len(found) else self._lack(part))

    def size(self, part: str) -> int:
        """Return how many statements a part has."""
        return len(self.facts.parts.get(part, ()))

    def hour(self, weekday: str) -> MarkdownText:
        """Return the best hour of a weekday; of all days where that day has none."""
        found = self.facts.parts.get("hours", ())
        best = next((item for item in found if item.short.startswith(weekday)), found[0] if found else None)
        if best is None:
            return MarkdownText("(open: hour)")
        return MarkdownText(f"{escape_markdown(best.short.rpartition(' ')[2])}{self._cite(best)}")

    def _whole(self, item: Statement) -> str:
        text = escape_markdown(item.text)
        cited = f"{text.rstrip('.')}{self._cite(item)}" if item.evidence else text
        return cited if cited.endswith(_STOPS) else f"{cited}."

    def _cite(self, item: Statement) -> str:
        if not item.evidence:
            return ""
        return f" ({self._numbers.setdefault(item.evidence, len(self._numbers) + 1)})"

    @staticmethod
    def _lack(part: str) -> str:
        told = LACKING.get(part) or QUESTIONS.get(part, "nobody told it")
        return f"Not known: {told if told.endswith('?') else told + '.'}"


_NAMES = {
    "works": "a pattern that works",
    "wording": "wording that works",
    "best": "a post to start from",
    "platforms": "the channel",
    "hours": "the hour",
    "claims": "a claim that may be made",
    "targets": "the figure to beat",
    "email_targets": "the figure to beat",
    "website_targets": "the figure to beat",
    "competitors": "a competitor",
}


def format_row(row: Mapping[str, Any]) -> MarkdownText:
    r"""Return a row of a table as its names and values, figures with four digits.

    >>> format_row({"table": "gold.x", "metric": "a_rate", "rate": 0.0123456, "seen": None})
    'metric a\\_rate, rate 0.01235'
    """
    values = {name: value for name, value in row.items() if name in _SHOWN and value is not None}
    said = (f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items())
    return MarkdownText(escape_markdown(", ".join(said)))


_SHOWN = frozenset(
    [
        "metric",
        "rate",
        "seen",
        "kind",
        "dimension",
        "value",
        "pattern_type",
        "pattern",
        "platform",
        "posted_weekday",
        "posted_hour",
        "content_id",
        "phrase",
        "marks",
        "contents",
        "impressions",
        "engagement_rate",
        "decided",
        "won",
        "win_rate",
        "ci_low",
        "ci_high",
        "lift",
        "lift_ci_low",
        "lift_ci_high",
        "q_value",
        "median_rate",
        "low_rate",
        "high_rate",
        "target_rate",
    ]
)
"""Columns that the list of evidence prints; the rows as a whole stand in what the task made."""
