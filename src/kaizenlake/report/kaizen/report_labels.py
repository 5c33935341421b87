"""What the report calls things: nouns of outcomes, dimensions and patterns, and the glossary."""

from __future__ import annotations

from collections.abc import Sequence

from kaizenlake.publish.formats import clean, count, name_words, sentence
from kaizenlake.vocabulary import FEATURE_WORDS, plural

_PRESENT = "yes"
"""The one pattern of a text feature."""


def describe_dimension(name: str) -> str:
    """Return a dimension in words.

    >>> describe_dimension("template_id")
    'template'
    """
    return clean(name_words(name), 40)


def pattern_label(pattern_type: str, pattern: str) -> str:
    """Return a pattern as a label of a table or chart.

    >>> pattern_label("hook_type", "question"), pattern_label("number", "yes"), pattern_label("length_band", "6-10")
    ('Hook: question', 'Text: number', 'Length: 6-10 words')
    """
    if pattern_type in FEATURE_WORDS and pattern == _PRESENT:
        return f"Text: {FEATURE_WORDS[pattern_type][0].lower()}"
    if pattern_type == "length_band":
        return f"Length: {clean(pattern, 40)} words"
    return (
        f"{'Hook' if pattern_type == 'hook_type' else sentence(describe_dimension(pattern_type))}: {clean(pattern, 60)}"
    )


def describe_segment(industry: str | None, client_type: str | None) -> str:
    """Return a segment in words.

    >>> describe_segment("healthcare", "startup"), describe_segment(None, None)
    ('healthcare × startup', 'clients of unknown kind')
    """
    known = [clean(part, 60) for part in (industry, client_type) if part is not None]
    return " × ".join(known) or "clients of unknown kind"


def waiting_lines(waiting: int, by_rule: Sequence[tuple[str, int]]) -> str:
    """Return how many lines wait in quarantine, in a sentence; nothing where none does.

    >>> waiting_lines(4, [("not_json", 3), ("no_zone", 1)])
    '4 lines wait in quarantine, most often for rule not_json (3); they change no figure until they are corrected.'
    """
    if not waiting or not by_rule:
        return ""
    rule, lines = by_rule[0]
    return (
        f"{plural(waiting, 'line')} wait{'s' if waiting == 1 else ''} in quarantine, most often for rule "
        f"{clean(rule, 60)} ({count(lines)}); {'it changes' if waiting == 1 else 'they change'} no figure until "
        f"{'it is' if waiting == 1 else 'they are'} corrected."
    )


GLOSSARY: tuple[tuple[str, str], ...] = (
    (
        "Post",
        "One piece of content on one platform. Its figures are those of the latest day they were measured.",
    ),
    (
        "Decided",
        (
            "Outcomes that are old enough to count: won if they were won within the age named, else not won. All are taken at "
            "one age. Of young ones only the successes are known yet, so they would look better than they are."
        ),
    ),
    (
        "Evidence",
        (
            "Experiment: arms of one experiment were compared with each other, so the difference can be read as an effect. "
            "Observation: posts were compared as they happened to be made; something else may explain the difference."
        ),
    ),
    (
        "Interval",
        "The range of true values that fit the data, at the confidence named. A wide one means little data.",
    ),
    ("Lift", "Relative difference: +10% means ten percent more than the comparison, not ten percentage points."),
    (
        "Pending",
        "Outcomes that are too young to count at the age named, or of which nothing can be said yet. They have no rate.",
    ),
    ("Percentage point (pp)", "Unit of the difference of two rates: from 4% to 5% is one point."),
    (
        "q-value",
        (
            "p-value corrected for the number of comparisons made (Benjamini-Hochberg). Among findings with q up to 0.05, about "
            "one in twenty is expected to be chance."
        ),
    ),
    (
        "Quarantine",
        "Lines that broke a rule of the event catalogue. They are kept with their reasons and change no figure.",
    ),
    (
        "Adjusted rate",
        (
            "The rate that a value would have with the same mix of cases (project, platform, source, reach) as all have. "
            "Lifts compare within that mix too; across platforms no lift is given."
        ),
    ),
    (
        "Shrunk rate",
        (
            "A rate drawn toward that of its group, the more so the less data it has. So three lucky tries do not "
            "outrank three hundred good ones."
        ),
    ),
    ("Tier", "Class of a post by its engagement rate: excellent, good, average or poor."),
    (
        "Verdict",
        "Works or risky where the evidence passes the threshold in the one or the other direction, else unclear.",
    ),
)
"""Terms of the report that a client may not know."""
