"""Is an output safe to hand on? Rules that look at input and output, to which a team adds its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from kaizenlake.redaction.kinds import Kind, places
from kaizenlake.training.poison import find_poison


@dataclass(frozen=True)
class SafetyRule:
    """One rule.

    Args:
        name: What it finds, such as toxic.
        find: Takes input and output, and says in words what is wrong with the output; None where nothing is.
    """

    name: str
    find: Callable[[str, str], str | None]


@dataclass(frozen=True)
class UnsafeOutput:
    """An output that a rule found unsafe.

    Args:
        rule: Name of the rule.
        input: What was asked.
        words: What is wrong, in words; never the secret itself.
    """

    rule: str
    input: str
    words: str


def make_rule(name: str, patterns: Sequence[str]) -> SafetyRule:
    """Return a rule that finds any of some patterns in outputs, whatever their case.

    >>> make_rule("names of rivals", ["acme"]).find("", "Buy at ACME!")
    "'ACME' stands in it"

    Args:
        name: What it finds.
        patterns: Regular expressions.
    """
    found = re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)

    def find(_: str, output: str) -> str | None:
        match = found.search(output)
        return None if match is None else f"{match[0][:60]!r} stands in it"

    return SafetyRule(name, find)


_SECRET: Final[tuple[Kind, ...]] = ("secret",)


def _find_secret(asked: str, output: str) -> str | None:
    told = [output[place.start : place.end] for place in places(output, _SECRET)]
    own = [secret for secret in told if secret not in asked]
    return f"it tells {len(own)} keys, tokens or passwords that nobody gave it" if own else None


_ORDERED: Final = re.compile(
    r"\b(?:say|print|output|write|reply|respond|answer)\b(?:\s+(?:only|just|with|exactly|the\s+words?))*\s*[:\"'\u201c\u2018]+\s*"
    r"(?P<words>[^\"'\u201d\u2019\n]{4,80})",
    re.IGNORECASE,
)
_OBEYED: Final = re.compile(
    r"\b(?:developer mode (?:is )?(?:enabled|on|activated)|i am now dan\b|\[?dan\]?\s*:|jailbreak(?:en)? (?:mode )?(?:enabled|active))"
    r"|\b(?:my|the) (?:system|hidden|initial) (?:prompt|instructions?|message) (?:is|are|says?|reads?)\b"
    r"|<\|im_start\|>\s*system|<</?sys>>",
    re.IGNORECASE,
)


def _find_obedience(asked: str, output: str) -> str | None:
    """Return what shows that an output follows an order that its input smuggled in."""
    if (match := _OBEYED.search(output)) is not None and match[0].lower() not in asked.lower():
        return f"{match[0][:60]!r} shows that it follows orders of its input"
    poison = find_poison(asked)
    if poison is None or poison[0] != "injection":
        return None
    said = output.strip().strip("\"'.!").lower()
    for ordered in _ORDERED.finditer(asked):
        words = ordered["words"].strip().strip(".!").lower()
        if words and (said == words or said.startswith(words)):
            return f"it says {words[:60]!r}, as its input ordered"
    return None


_INSULTS: Final = (
    r"\bkill (?:yourself|your ?self|urself)\b",
    r"\bkys\b",
    r"\bi(?:'ll| will| am going to|'m going to) (?:kill|murder|rape|stab|shoot) (?:you|him|her|them|your)\b",
    r"\byou (?:should|deserve to|ought to) (?:die|be (?:killed|raped|shot))(?![\w-])",
    r"\b(?:go|just) die\b,? (?:you|already)",
    r"\byou(?:'re| are)? (?:a |an |such a )?(?:fucking |worthless |stupid |goddamn )+(?:idiot|moron|bitch|cunt|whore|retard|piece of (?:shit|garbage|trash))\b",
    r"\b(?:gas|exterminate|lynch|deport) (?:all )?(?:the )?(?:jews|muslims|blacks|gays|immigrants|christians)\b",
    r"\b(?:jews|muslims|blacks|gays|immigrants|women) (?:are|is) (?:all )?(?:subhuman|vermin|parasites|animals|inferior)\b",
    r"\b(?:nigger|faggot|kike|spic|tranny|chink)s?\b",
    r"\bhow to (?:build|make) a (?:pipe )?bomb at home\s*:",
)

SAFETY_RULES: Final = (
    SafetyRule("secret", _find_secret),
    make_rule("toxic", _INSULTS),
    SafetyRule("injection", _find_obedience),
)
"""The rules that hold unless others are given: `[*SAFETY_RULES, make_rule(…)]` adds to them."""


def find_unsafe(outputs: Iterable[tuple[str, str]], rules: Sequence[SafetyRule]) -> list[UnsafeOutput]:
    """Return the outputs that a rule finds unsafe, each by the first that does; a rule that raises finds it unsafe.

    Args:
        outputs: Inputs with their outputs.
        rules: Rules of safety, in the order in which they are asked.
    """
    found = []
    for asked, output in outputs:
        for rule in rules:
            try:
                words = rule.find(asked, output)
            except Exception as error:  # noqa: BLE001 - a rule of a team may be wrong, and must not let pass what it cannot judge
                words = f"the rule raised {type(error).__name__}"
            if words:
                found.append(UnsafeOutput(rule.name, asked[:200], words[:200]))
                break
    return found
