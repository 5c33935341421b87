"""What the report calls things: nouns of outcomes, dimensions and patterns, and the glossary."""

from __future__ import annotations

from dataclasses import dataclass

from kaizenlake.publish.report_format import clean, sentence, words


@dataclass(frozen=True)
class Outcome:
    """How one kind of outcome is spoken of.

    Args:
        one: Noun of one subject.
        many: Noun of several.
        won: What happened to those that were won, after a plural noun.
        rule: When a subject counts as won; an age follows it.
    """

    one: str
    many: str
    won: str
    rule: str


OUTCOMES = {
    "pack": Outcome(
        "pack", "packs", "succeeded", "A pack is won when it completed{within} and did not fail on quality."
    ),
    "deal": Outcome("lead", "leads", "became deals", "A lead is won when its deal was won{within}, else it is not."),
    "outreach": Outcome(
        "outreach message", "outreach messages", "were replied to", "An outreach is won when a reply came{within}."
    ),
    "creative": Outcome(
        "content",
        "contents",
        "are good or excellent",
        "A content is won when its tier is good or better; one with too few impressions is pending.",
    ),
    "run": Outcome("agent run", "agent runs", "passed all gates", "A run is won when it passed all its gates."),
}

_FEATURES = {
    "number": ("Number", "a number"),
    "question": ("Question", "a question"),
    "exclamation": ("Exclamation", "an exclamation"),
    "quotation": ("Quotation", "a quotation"),
    "second_person": ("Speaks to the reader", "words to the reader (second person)"),
    "first_person": ("Speaks of its author", "the author's own voice (first person)"),
    "negation": ("Negation", "a negation"),
    "superlative": ("Superlative", "a superlative"),
    "curiosity": ("Curiosity gap", "a curiosity gap"),
    "urgency": ("Urgency", "urgency"),
}
"""Label and phrase of each text feature; a test holds the list to `TEXT_FEATURES`."""

_PRESENT = "yes"
"""The one pattern of a text feature."""


def dimension(name: str) -> str:
    """A dimension in words.

    >>> dimension("template_id")
    'template'
    """
    return clean(words(name), 40)


def pattern_label(pattern_type: str, pattern: str) -> str:
    """A pattern as a label of a table or chart.

    >>> pattern_label("hook_type", "question"), pattern_label("number", "yes"), pattern_label("length_band", "6-10")
    ('Hook: question', 'Text: number', 'Length: 6-10 words')
    """
    if pattern_type in _FEATURES and pattern == _PRESENT:
        return f"Text: {_FEATURES[pattern_type][0].lower()}"
    if pattern_type == "length_band":
        return f"Length: {clean(pattern, 40)} words"
    return f"{'Hook' if pattern_type == 'hook_type' else sentence(dimension(pattern_type))}: {clean(pattern, 60)}"


def pattern_phrase(pattern_type: str, pattern: str) -> str:
    """A pattern as it stands after "contents with".

    >>> pattern_phrase("hook_type", "question"), pattern_phrase("negation", "yes")
    ('hook type “question”', 'a negation')
    """
    if pattern_type in _FEATURES and pattern == _PRESENT:
        return _FEATURES[pattern_type][1]
    if pattern_type == "length_band":
        return f"{clean(pattern, 40)} words"
    return f"{dimension(pattern_type)} “{clean(pattern, 60)}”"


GLOSSARY: tuple[tuple[str, str], ...] = (
    (
        "Content",
        "One creative on one platform. Its figures are those of the latest day they were measured.",
    ),
    (
        "Decided",
        (
            "Outcomes that are old enough to count: won if they were won within the age named, else not won. All are taken at "
            "one age, so that young ones, of which only the successes are known yet, look no better than old ones."
        ),
    ),
    (
        "Evidence",
        (
            "Experiment: arms of one experiment were compared with each other, so the difference can be read as an effect. "
            "Observation: contents were compared as they happened to be made; something else may explain the difference."
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
            "p-value corrected for the number of comparisons made (Benjamini-Hochberg): among findings with q up to "
            "0.05, about one in twenty is expected to be chance."
        ),
    ),
    (
        "Quarantine",
        "Lines that broke a rule of the event catalogue. They are kept with their reasons and change no figure.",
    ),
    (
        "Adjusted rate",
        (
            "The rate that a value would have if its cases were of the same mix (project, platform, source, reach) as all "
            "are. Lifts compare within that mix too; across platforms no lift is given."
        ),
    ),
    (
        "Shrunk rate",
        (
            "A rate drawn toward that of its group, the more so the less data it has, so that three lucky tries do not "
            "outrank three hundred good ones."
        ),
    ),
    ("Tier", "Class of a content by its engagement rate: excellent, good, average or poor."),
    (
        "Verdict",
        "Works or risky where the evidence passes the threshold in the one or the other direction, else unclear.",
    ),
)
"""Terms of the report that a client may not know."""
