"""How a text is built, of which rules tell: signs, numbers, length, and the words it begins and ends with."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple


class ReadText(NamedTuple):
    """A text as rules read it.

    Args:
        plain: With straight quotation marks, without addresses and invisible characters, blanks collapsed.
        words: Its words in lower case, in order.
        shown: The same as they are written.
    """

    plain: str
    words: Sequence[str]
    shown: Sequence[str]


_STRAIGHT = {
    **dict.fromkeys(map(ord, "‘’‛′`´"), "'"),
    **dict.fromkeys(map(ord, "“”„‟″«»"), '"'),
    **dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0f"), ""),
    ord("\u00a0"): " ",
    ord("…"): "...",
    ord("？"): "?",
    ord("！"): "!",
}
_ENTITIES = {"#39": "'", "#x27": "'", "#8217": "'", "#8216": "'", "apos": "'", "rsquo": "'", "lsquo": "'"} | {
    "quot": '"', "#34": '"', "ldquo": '"', "rdquo": '"', "#8220": '"', "#8221": '"', "nbsp": " ", "#160": " ",
    "amp": "&", "hellip": "...",
}  # fmt: skip
_ENTITY = re.compile(r"&(#?\w{2,6});")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:['*&-][^\W_]+)*")

LONGEST = 1000
"""Characters of a text that are read."""


def read_text(text: str) -> ReadText:
    """Read a text for the rules.

    >>> read_text("Here&#39;s  WHY: https://a.example/x it&#8217;s").words
    ["here's", 'why', "it's"]
    """
    plain = text[:LONGEST].translate(_STRAIGHT)
    if "&" in plain:
        plain = _ENTITY.sub(lambda found: _ENTITIES.get(found[1].lower(), found[0]), plain)
    if "://" in plain or "www." in plain or "://" in plain.lower():
        plain = _ADDRESS.sub(" ", plain)
    plain = " ".join(plain.split())
    shown = _WORD.findall(plain)
    return ReadText(plain, [word.lower() for word in shown], shown)


class FormRule(NamedTuple):
    """A property of how a text is built.

    Args:
        name: Its name.
        meaning: What it says of a text.
        holds: Whether a text has it.
        examples: Two texts that have it.
        is_universal: It reads texts of every language; else English alone.
    """

    name: str
    meaning: str
    holds: Callable[[ReadText], object]
    examples: tuple[str, str]
    is_universal: bool = True


def _matches(pattern: str, flags: int = 0) -> Callable[[ReadText], object]:
    search = re.compile(pattern, flags).search
    return lambda text: search(text.plain)


def _begins(words: str) -> Callable[[ReadText], object]:
    known = frozenset(words.split())
    return lambda text: text.words and text.words[0] in known


def _ends(words: str) -> Callable[[ReadText], object]:
    known = frozenset(words.split())
    return lambda text: text.words and text.words[-1] in known


def _has_words(least: int) -> Callable[[ReadText], object]:
    return lambda text: len(text.words) >= least


def _has_sentences(least: int) -> Callable[[ReadText], object]:
    end = re.compile(r"[.!?]+[\"')\]]*(?=\s|$)")
    return lambda text: len(end.findall(text.plain.rstrip(".!?\"') "))) >= least - 1


def _numbers(text: ReadText) -> list[float]:
    return [float(found.replace(",", "")) for found in _NUMBER.findall(text.plain)]


_NUMBER = re.compile(r"(?<![\w@.])\d{1,3}(?:,\d{3})+(?!\d)|(?<![\w@.])\d{1,9}(?!\d)")


def _has_number(low: float, high: float) -> Callable[[ReadText], object]:
    return lambda text: any(low <= number <= high for number in _numbers(text))


def _mean_length(text: ReadText) -> float:
    return sum(map(len, text.words)) / max(len(text.words), 1)


def _share_small(text: ReadText) -> float:
    """Return the share of words after the first that are written small, of those that have four letters or more."""
    longer = [word for word in text.shown[1:] if len(word) > 3]
    return sum(word[0].islower() for word in longer) / len(longer) if longer else 0.0


_ABSTRACT = re.compile(r"\w{3,}(?:tion|tions|ness|ity|ities|ism|ment|ments|ance|ence|ship|hood)$")

IMPERATIVES = (
    "watch see meet look listen check read try stop don't let's let think remember imagine find learn discover join share tell "
    "ask click buy shop order save sign download follow comment tag give make take get leave be go come vote support forget "
    "hear say finish keep consider subscribe register donate grab enjoy celebrate visit add choose pick send wait prepare "
    "apply stay treat explore plan bring upgrade help show call use start turn put open guess prove raise please"
)
_QUESTION_WORDS = "why how what who where which when"
_FIRST_NAMES = (
    "john james robert michael mike william david richard joe thomas tom charles chris daniel dan matt matthew mark steve "
    "steven paul andrew kevin brian george ed edward jason jeff ryan jacob eric jon stephen larry scott ben sam jim jimmy "
    "peter pete neil bill bob ron jack jay tim adam alex max mary patricia jennifer linda elizabeth barbara susan jessica "
    "sarah karen lisa nancy betty emily emma anna amy kate laura rachel ellen maria kelly julia jane alice michelle "
    "christina tina malala martin louis morgan carl bruce"
)

_NAMES = frozenset(_FIRST_NAMES.split())
_NO_SUPERLATIVES = frozenset(
    [
        "interest",
        "honest",
        "forest",
        "protest",
        "suggest",
        "request",
        "harvest",
        "arrest",
        "invest",
        "contest",
        "conquest",
    ]
)

FORM_RULES: tuple[FormRule, ...] = (
    FormRule("question mark", "It asks, by a question mark.", _matches(r"\?"), ("Ready?", "Why are we here?")),
    FormRule("question first", "Its first sentence asks.", _matches(r"^[^.!?]*\?"), ("Ready? Go.", "Why me?")),
    FormRule("exclamation mark", "It exclaims.", _matches(r"!"), ("Oh snap!", "What?!")),
    FormRule(
        "quotation", "It quotes somebody or something.",
        _matches(r"""(?:^|[\s(\[:-])'\w[^']*(?:'\w[^']*)*'(?:$|[\s.,!?;:)\]-])|"[^"]*\w[^"]*\""""),
        ("He said 'no' to it", 'The word "home"'),
    ),
    FormRule(
        "quotation first", "It opens with a quotation.", _matches(r"""^["'](?!\d0s|til\b|cause\b|em\b)""", re.IGNORECASE),
        ("'No,' she said", '"Home" is a word'),
    ),
    FormRule(
        "long quotation", "It quotes four words or more.", _matches(r"""(?:^|[\s(])(?:"[^"\s]+(?: [^"\s]+){3,}"|'[^'\s]+(?: \S+){3,}')"""),
        ("'I will never do it' he said", 'He said "that is not for me"'),
    ),
    FormRule("brackets", "It has something in brackets.", _matches(r"[(\[][^)\]]*\w[^)\]]*[)\]]"), ("It works (really)", "[Video] A day")),
    FormRule("ellipsis", "It breaks off with dots.", _matches(r"\.\.\.?"), ("And then...", "Wait … what")),
    FormRule("ellipsis last", "It ends with dots.", _matches(r"\.\.\.?[\"')]*$"), ("And then...", "She said…")),
    FormRule("colon", "It has a colon.", _matches(r":(?!\d)"), ("Warning: hot", "Today: bread")),
    FormRule("dash", "It has a dash.", _matches(r"\s[-–—]+\s|\w[–—]+\w|--"), ("One day — or two", "A house - a home")),
    FormRule("comma", "It has a comma.", _matches(r",(?!\d)"), ("Yes, really", "One, two")),
    FormRule("two commas", "It has two commas or more.", _matches(r",(?!\d).*,(?!\d)"), ("Red, green, blue", "So, yes, really")),
    FormRule("full stop last", "It ends with a full stop.", _matches(r"[^.]\.[\"')]*$"), ("It works.", "Go on.")),
    FormRule("two sentences", "It has two sentences or more.", _has_sentences(2), ("He did it. Look.", "Ready? Go.")),
    FormRule("three sentences", "It has three sentences or more.", _has_sentences(3), ("One. Two. Three.", "Oh. No. Wait.")),
    FormRule("percentage", "It gives a percentage.", _matches(r"\d ?%|\d percent", re.IGNORECASE), ("11% more", "5 percent of us")),
    FormRule("sum of money", "It gives a sum of money.", _matches(r"[$€£]\s?\d|\d\s?(?:[$€£]|dollars|euros)", re.IGNORECASE), ("A $23 wage", "5 € only")),
    FormRule("hashtag", "It has a hashtag.", _matches(r"(?:^|\s)#\w*[^\W\d]"), ("#win today", "A day #sun")),
    FormRule("mention", "It names an account.", _matches(r"(?:^|\s)@\w"), ("@kim did it", "With @kim")),
    FormRule("emoji", "It has an emoji.", _matches("[\u2600-\u27bf\U0001f300-\U0001faff]"), ("Sun ☀", "🎉 New")),
    FormRule("digits", "It has a number in digits.", _matches(r"(?<![\w@.])\d"), ("7 people", "Only 9.99")),
    FormRule("number first", "It begins with a number in digits.", _matches(r"^\W*\d"), ("7 people", "#1 tip")),
    FormRule("number to 12", "It has a number in digits up to 12.", _has_number(0, 12), ("7 people", "Top 10")),
    FormRule("number 13 to 99", "It has a number from 13 to 99.", _has_number(13, 99), ("20 ways", "A 99-year-old")),
    FormRule("number 100 and more", "It has a number from 100 on that is no year.", lambda text: any(number >= 100 and not 1900 <= number <= 2030 for number in _numbers(text)), ("100 ways", "5,000 people")),
    FormRule("year", "It names a year.", _has_number(1900, 2030), ("Back in 1959", "The best of 2014")),
    FormRule("age", "It tells an age.", _matches(r"\b\d{1,2}[- ]years?[- ]old", re.IGNORECASE), ("A 9-year-old", "14 years old")),
    FormRule("word in capitals", "It has a word of four letters or more in capitals.", _matches(r"\b[A-Z]{4,}\b"), ("WATCH it", "This is HUGE")),
    FormRule("sentence case", "Most of its longer words are written small.", lambda text: _share_small(text) > 0.5, ("He walked into the house", "What really happens then")),
    FormRule("at least 6 words", "It has 6 words or more.", _has_words(6), ("one two three four five six", "a b c d e f g")),
    FormRule("at least 8 words", "It has 8 words or more.", _has_words(8), ("a b c d e f g h", "a b c d e f g h i")),
    FormRule("at least 10 words", "It has 10 words or more.", _has_words(10), ("a b c d e f g h i j", "a b c d e f g h i j k")),
    FormRule("at least 12 words", "It has 12 words or more.", _has_words(12), ("a b c d e f g h i j k l", "a b c d e f g h i j k l m")),
    FormRule("at least 14 words", "It has 14 words or more.", _has_words(14), ("a b c d e f g h i j k l m n", "a b c d e f g h i j k l m n o")),
    FormRule("at least 16 words", "It has 16 words or more.", _has_words(16), ("a b c d e f g h i j k l m n o p", "a b c d e f g h i j k l m n o p q")),
    FormRule("at least 18 words", "It has 18 words or more.", _has_words(18), ("a b c d e f g h i j k l m n o p q r", "a b c d e f g h i j k l m n o p q r s")),
    FormRule("at least 21 words", "It has 21 words or more.", _has_words(21), ("a b c d e f g h i j k l m n o p q r s t u", "a b c d e f g h i j k l m n o p q r s t u v")),
    FormRule("at least 80 characters", "It has 80 characters or more.", lambda text: len(text.plain) >= 80, ("x" * 80, "y" * 90)),
    FormRule("at least 100 characters", "It has 100 characters or more.", lambda text: len(text.plain) >= 100, ("x" * 100, "y" * 110)),
    FormRule("short words", "Its words have fewer than 4.2 letters on average.", lambda text: text.words and _mean_length(text) < 4.2, ("he did it", "this is it")),
    FormRule("long words", "Its words have more than 5.2 letters on average.", lambda text: _mean_length(text) > 5.2, ("Extraordinary celebrations", "Understanding economists")),
    FormRule("a very long word", "It has a word of 11 letters or more.", lambda text: any(len(word) > 10 for word in text.words), ("An extraordinary day", "Understanding")),
    FormRule("abstract words", "It has words of abstract kinds, such as those in -tion and -ness.", lambda text: any(map(_ABSTRACT.match, text.words)), ("A celebration", "Our friendship"), False),
    FormRule("two abstract words", "It has two abstract words or more.", lambda text: sum(_ABSTRACT.match(word) is not None for word in text.words) > 1, ("A celebration of friendship", "Happiness and equality"), False),
    FormRule("he, she or they first", "It begins with he, she or they.", _begins("he she they he's she's they're his her their"), ("He did it", "They're back"), False),
    FormRule("this or these first", "It begins with this or these.", _begins("this these"), ("This is it", "These people"), False),
    FormRule("a or an first", "It begins with a or an.", _begins("a an"), ("A day", "An apple"), False),
    FormRule("the first", "It begins with the.", _begins("the"), ("The day", "The end"), False),
    FormRule("author first", "It begins with its author.", _begins("i i'm i've my we we're our i'd i'll"), ("I did it", "We're back"), False),
    FormRule("reader first", "It begins with the reader.", _begins("you your you're you've you'll"), ("You did it", "Your turn"), False),
    FormRule("question word first", "It begins with a question word.", _begins(_QUESTION_WORDS), ("Why me", "How it is"), False),
    FormRule("condition first", "It begins with a time or a condition.", _begins("if when after before while once until as because since"), ("If you can", "When he came"), False),
    FormRule("name first", "It begins with a first name.", _begins(_FIRST_NAMES), ("John did it", "Mary came"), False),
    FormRule("here first", "It begins with here or there.", _begins("here here's there there's that's it's it"), ("Here's why", "There is more"), False),
    FormRule("command first", "It begins with a command.", _begins(IMPERATIVES), ("Watch it", "Don't go"), False),
    FormRule("call inside", "A later sentence begins with a command.", _matches(r"[.!?:]['\")]? (?:Watch|See|Meet|Look|Listen|Check|Read|Try|Stop|Don't|Let's|Think|Remember|Imagine|Find|Learn|Guess|Wait|Share|Take|Get|Tell|Just|Here's|Now)\b", re.IGNORECASE), ("He did it. Look at it", "Wow! Watch it"), False),
    FormRule("first name", "It has a first name.", lambda text: not _NAMES.isdisjoint(text.words), ("This is John", "Mary came"), False),
    FormRule("points at it last", "It ends with a word that points.", _ends("this that it these those him her them me us you"), ("Look at this", "He did it"), False),
    FormRule("adverb", "It has an adverb in -ly.", lambda text: any(len(word) > 5 and word.endswith("ly") for word in text.words), ("He really did", "Slowly on"), False),
    FormRule("verb in -ing", "It has a word in -ing.", lambda text: any(len(word) > 5 and word.endswith("ing") for word in text.words), ("He is running", "Making bread"), False),
    FormRule("verb in -ed", "It has a word in -ed.", lambda text: any(len(word) > 4 and word.endswith("ed") for word in text.words), ("He walked on", "It started"), False),
    FormRule("superlative", "It has a word in -est.", lambda text: any(len(word) > 5 and word.endswith("est") and word not in _NO_SUPERLATIVES for word in text.words), ("The biggest day", "Our smallest ones"), False),
)  # fmt: skip
