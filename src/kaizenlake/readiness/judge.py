"""How a text fares by the benchmark of its section: every rule with what was found, what is wanted, and the line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Literal, TypeAlias

from kaizenlake.readiness.benchmarks import SectionBenchmark, benchmark_of
from kaizenlake.text.language import READ_LENGTH, detect
from kaizenlake.text.markdown import CJK, Block, Document, count_words, read_markdown
from kaizenlake.text.sentences import sentences
from kaizenlake.vocabulary import RuleVerdict, SectionVerdict, plural

Rule: TypeAlias = Literal[
    "TOO_FEW_WORDS",
    "TOO_MANY_WORDS",
    "MISSING_HEADING",
    "TOO_FEW_BULLETS",
    "TOO_MANY_BULLETS",
    "MISSING_TABLE",
    "TOO_FEW_TABLE_ROWS",
    "SENTENCES_TOO_LONG",
    "FORBIDDEN_PHRASE",
    "MISSING_TERM",
]
"""Code of a rule: what is said of a text that breaks it."""

STYLE: frozenset[Rule] = frozenset({"SENTENCES_TOO_LONG"})
"""Rules of style: a text that breaks them alone is fit to be sold, with a warning."""


@dataclass(frozen=True)
class JudgedRule:
    """What a text makes of one rule of its benchmark.

    Args:
        rule: Code of the rule.
        found: What was found: a figure, the words as they stand in the text, or None for nothing.
        wanted: What is wanted: a limit, inclusive, or the heading, phrase or term that the rule is about.
        line: Line of the text where it shows, from 1; None where it is nowhere to be seen.
        verdict: PASS; WARN where style alone is broken; else FAIL.
        advice: What to change, in a sentence; empty where nothing is to be changed.
    """

    rule: Rule
    found: float | str | None
    wanted: float | str
    line: int | None
    verdict: RuleVerdict
    advice: str


class BenchmarkJudgement(tuple[JudgedRule, ...]):
    """All rules of a benchmark, as a text fares by them."""

    __slots__ = ()

    @property
    def verdict(self) -> SectionVerdict:
        """What the section is: PASS, PASS_WITH_WARNINGS or FAIL."""
        verdicts = {rule.verdict for rule in self}
        return "FAIL" if "FAIL" in verdicts else "PASS_WITH_WARNINGS" if "WARN" in verdicts else "PASS"

    @property
    def failed(self) -> tuple[JudgedRule, ...]:
        """The rules that are broken, style left out."""
        return tuple(rule for rule in self if rule.verdict == "FAIL")

    @property
    def broken(self) -> tuple[JudgedRule, ...]:
        """The rules that are broken, those of style among them."""
        return tuple(rule for rule in self if rule.verdict != "PASS")


_KEPT: dict[tuple[bytes, SectionBenchmark, str], BenchmarkJudgement] = {}
_MOST_KEPT = 5_000


def judge(text: str, pack: str, section: str, *, language: str | None = None) -> BenchmarkJudgement:
    """Judge a text by the benchmark of its section; a text is read once, however often it is asked for.

    Words are those of paragraphs, bullets, headings and cells of tables, not of code, HTML or link targets; a CJK character
    is a word. Sentences are those of paragraphs and bullets, each of which ends one.

    Args:
        text: Markdown.
        pack: Key of the pack.
        section: Name of the section.
        language: Language of its sentences, as a code of ISO 639-1; detected if not said.

    Raises:
        UsageError: The pack or the section has no benchmark.

    >>> [(rule.rule, rule.found, rule.wanted) for rule in judge("Too short.", "quick_social_basic", "overview").failed]
    [('TOO_FEW_WORDS', 2, 60)]
    """
    benchmark = benchmark_of(pack, section)
    # Halves of a surrogate pair, which no file holds, do not stop it.
    held = text.encode("utf-8", "replace")
    digest = blake2b(held, digest_size=16).digest()
    key = (digest, benchmark, language or "")
    if (known := _KEPT.get(key)) is not None:
        return known
    if len(_KEPT) >= _MOST_KEPT:
        _KEPT.clear()
    made = _KEPT[key] = BenchmarkJudgement(_rules(read_markdown(held.decode()), benchmark, language))
    return made


def _rules(document: Document, benchmark: SectionBenchmark, language: str | None) -> Iterator[JudgedRule]:
    yield from _judge_words(document, benchmark)
    yield from (_heading(document, wanted) for wanted in benchmark.required_headings)
    yield from _bullets(document, benchmark)
    yield from _tables(document, benchmark)
    if benchmark.max_average_sentence_length is not None:
        yield _sentences(document, benchmark.max_average_sentence_length, language)
    yield from (_phrase(document, phrase) for phrase in benchmark.forbidden_phrases)
    in_table = benchmark.format == "markdown_table"
    places = [block for block in document.blocks if block.kind == "cell" or not in_table]
    yield from (_term(places, term, in_table=in_table) for term in benchmark.required_terms)


def _judge_rule(
    rule: Rule, found: float | str | None, wanted: float | str, line: int | None, advice: str, *, is_kept: bool
) -> JudgedRule:
    verdict: RuleVerdict = "PASS" if is_kept else "WARN" if rule in STYLE else "FAIL"
    return JudgedRule(rule, found, wanted, line, verdict, "" if is_kept else advice)


def _judge_words(document: Document, benchmark: SectionBenchmark) -> Iterator[JudgedRule]:
    found, low, high = document.words, benchmark.min_words, benchmark.max_words
    if low is not None:
        hint = " Code is not counted: take the text out of it." if not found and document.has_code else ""
        advice = f"Add at least {plural(low - found, 'word')}.{hint}"
        yield _judge_rule("TOO_FEW_WORDS", found, low, None, advice, is_kept=found >= low)
    if high is not None:
        line = None if found <= high else _line_of_word(document, high + 1)
        advice = f"Take out at least {plural(found - high, 'word')}."
        yield _judge_rule("TOO_MANY_WORDS", found, high, line, advice, is_kept=found <= high)


def _line_of_word(document: Document, number: int) -> int | None:
    """Return the line of the block in which a word stands."""
    for block in document.blocks:
        number -= count_words(block.text)
        if number <= 0:
            return block.line
    return None


_NUMBER = re.compile(r"^\(?(?:\d+(?:\.\d+)*|[ivxlc]+|[a-z])[.):]+\s+|^\d{1,2}(?:\.\d+)*\s+(?=\D)")


def spell_heading(text: str) -> str:
    """Return a heading as headings are compared: in small letters, without its number and what stands around its words.

    >>> spell_heading("2.1 Quick  Wins:"), spell_heading("🎯 Objective")
    ('quick wins', 'objective')
    """
    lower = " ".join(text.casefold().split())
    return re.sub(r"^[\W_]+|[\W_]+$", "", _NUMBER.sub("", re.sub(r"^[\W_]+", "", lower)))


def _heading(document: Document, wanted: str) -> JudgedRule:
    headings = (block for block in document.blocks if block.kind == "heading")
    found = next((block for block in headings if spell_heading(block.name) == spell_heading(wanted)), None)
    text, line = (None, None) if found is None else (found.name.strip(), found.line)
    return _judge_rule("MISSING_HEADING", text, wanted, line, f"Add the heading “{wanted}”.", is_kept=found is not None)


def _bullets(document: Document, benchmark: SectionBenchmark) -> Iterator[JudgedRule]:
    found, low, high = len(document.bullets), benchmark.min_bullets, benchmark.max_bullets
    if low is not None:
        advice = f"Add at least {plural(low - found, 'bullet')}; numbered items are none."
        yield _judge_rule("TOO_FEW_BULLETS", found, low, None, advice, is_kept=found >= low)
    if high is not None:
        line = None if found <= high else document.bullets[high]
        advice = f"Take out at least {plural(found - high, 'bullet')}."
        yield _judge_rule("TOO_MANY_BULLETS", found, high, line, advice, is_kept=found <= high)


def _tables(document: Document, benchmark: SectionBenchmark) -> Iterator[JudgedRule]:
    line = document.tables[0].line if document.tables else None
    if benchmark.format == "markdown_table":
        found, advice = len(document.tables), "Add a table, with a line of dashes under its header."
        yield _judge_rule("MISSING_TABLE", found, 1, line, advice, is_kept=found >= 1)
    if (low := benchmark.min_table_rows) is not None:
        rows = sum(table.rows for table in document.tables)
        advice = f"Add at least {plural(low - rows, 'row')} to the table."
        yield _judge_rule("TOO_FEW_TABLE_ROWS", rows, low, line, advice, is_kept=rows >= low)


def _sentences(document: Document, most: float, language: str | None) -> JudgedRule:
    """Judge the average length of the sentences; the line is that of the longest where they are too long."""
    running = [block for block in document.blocks if block.kind in {"paragraph", "bullet"}]
    spoken = language or detect(" ".join(block.text for block in running)[:READ_LENGTH].lower()) or "en"
    lengths = [
        (length, block.line)
        for block in running
        for sentence in sentences(block.text, spoken)
        if (length := count_words(sentence))
    ]
    if not lengths:
        return _judge_rule("SENTENCES_TOO_LONG", None, most, None, "", is_kept=True)
    average = sum(length for length, _ in lengths) / len(lengths)
    longest = max(lengths, key=lambda item: item[0])
    advice = f"Shorten sentences: the longest has {plural(longest[0], 'word')}. End bullets that hold several with full stops."
    line = None if average <= most else longest[1]
    return _judge_rule("SENTENCES_TOO_LONG", average, most, line, advice, is_kept=average <= most)


def _phrase(document: Document, phrase: str) -> JudgedRule:
    found, line = _find(document.blocks, _pattern(phrase))
    return _judge_rule("FORBIDDEN_PHRASE", found, phrase, line, f"Take out “{found}”.", is_kept=found is None)


def _term(places: Iterable[Block], term: str, *, in_table: bool) -> JudgedRule:
    found, line = _find(places, _pattern(term, ending="(?:s|es)?"))
    where = " to a table" if in_table else ""
    return _judge_rule("MISSING_TERM", found, term, line, f"Add “{term}”{where}.", is_kept=found is not None)


def _find(blocks: Iterable[Block], pattern: re.Pattern[str]) -> tuple[str | None, int | None]:
    for block in blocks:
        if match := pattern.search(_straight(block.text)):
            return " ".join(block.text[match.start() : match.end()].split()), block.line_at(match.start())
    return None, None


def _straight(text: str) -> str:
    return text.replace("\u2018", "'").replace("\u2019", "'").replace("\u201c", '"').replace("\u201d", '"')


@cache
def _pattern(phrase: str, ending: str = "") -> re.Pattern[str]:
    """Return a pattern of a phrase: any case, any blanks between its words, and no part of a longer word."""
    words = r"\s+".join(re.escape(word) for word in _straight(phrase).split())
    before = rf"(?<!(?![{CJK}])\w)" if re.match(rf"(?![{CJK}])\w", phrase) else ""
    after = rf"{ending}(?!(?![{CJK}])\w)" if re.search(rf"(?![{CJK}])\w$", phrase) else ""
    return re.compile(before + words + after, re.IGNORECASE)
