"""Phone numbers in a text: international ones, those of North America, and national ones by a cue or by how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

_CANDIDATE = re.compile(
    r"(?:(?<![\w.,+\-/#@$€£¥=])|(?<=wa\.me/)|(?<=phone=))(?:\+|00|011[ \-.])?\(?[0-9](?:[ \-./\u2009]{0,2}[()]?[ ]?[0-9]|[ ]?\(0\)[ ]?[0-9]){5,16}(?![\w]|[.,:\-/]\d|\s?[%€$£¥])"
)
_NO_PHONE = re.compile(
    r"(?:19|20)\d\d[\-./ ](?:0?[1-9]|1[0-2])[\-./ ](?:0?[1-9]|[12]\d|3[01])(?:\D|\Z)"
    r"|(?:0?[1-9]|[12]\d|3[01])[\-./ ](?:0?[1-9]|[12]\d|3[01])[\-./ ](?:(?:19|20)\d\d(?:\D|\Z)|\d\d\Z)"
    r"|\d+[.,]\d+(?: \d+[.,]\d+)*\Z"
    r"|(?:19|20)\d\d ?[\-/] ?(?:19|20)\d\d\Z"
)
_NAMES = (
    r"tele?(?:ph|f)ono?|tele(?:ph|f)on\w*|phone|fon|call|calls|calling|tel|t[ée]l[ée]?(?:phone)?|mobile?|mob|cell|cellphone|handy|handynummer"
    r"|fax|whats ?app|wa\.me|sms|text me|text us|dial|ring|ruf\w*|anruf\w*|rufnummer|durchwahl|hotline|contact|kontakt|reach (?:me|us|him|her)"
    r"|m[óo]vil|celular|ll[áa]m\w*|appel\w*|portable|chiama\w*|cellulare|ligue|telemóvel|bel|signal|telegram|number is|numero|número"
    r"|ph|(?:za)?dzwoń|тел|телефон\w*|звон\w*|моб\w*"
)
_CUE = re.compile(rf"(?i)(?:\b(?:{_NAMES})\b|[☎📞📱✆]|電話|电话|전화)[^\d;!?]{{0,25}}$")
_NEAR_CUE = re.compile(
    rf"(?i)(?:\b(?:{_NAMES})\b|[☎📞📱✆]|電話|电话|전화)(?:[^\w;!?]|(?<!\w)(?:{_NAMES}|us|me|him|her|them|you|now|today|at|on|is|it|the|my|our|your|number|nummer"
    r"|no|nr|num|office|direct|directly|anytime|toll|free|please|under|via|and|or|back|line|desk|unter|auf|an|ist|lautet|uns|mich|bitte|und|oder|au|al|a"
    r"|el|le|il|lo|o|y|et|moi|nous|ya|het|naar|op)(?!\w)){0,20}$"
)
"""A cue with nothing between it and the number but words that lead from one to the other: `call us now at`."""

_TOLD = re.compile(
    r"(?i)\b(?:tel|t[ée]l|ph|phone|telephone|telefon|fon|fax|mobile|mobil|тел|number is)\.?\s?:?\s?$|[☎📞📱✆]\W{0,3}$"
)
"""A cue after which even the short numbers of small places are numbers of phones."""

_OTHER_CUE = re.compile(
    r"(?i)(?:order|invoice|bestell\w*|rechnung\w*|ticket|tracking|shipment|parcel|ref|reference|\bid|sku|ean|isbn|issn|doi|imei|serial|article|artikel\w*"
    r"|case|customer|kunden\w*|account|konto\w*|commande|pedido|factura|version|build|hash|patent|page|pages|zip|plz|code|upc|asin|batch|lot|model|part"
    r"|vat|ust|contract|vertrag\w*|steuer\w*|iban|bic|port|error|commit|revision|timestamp|unix|epoch|lat|lon|score|range|rate)"
    r"[\s.:#=]{0,3}(?:no|nr|number|nummer|num|n[o°º]|code|id)?[\s.:#=]{0,3}$"
)
_AMOUNT = re.compile(
    r"(?i)^\s?(?:times|impressions?|views?|clicks?|likes?|followers?|users?|people|posts?|runs?|events?|rows?|tokens?|words?|euros?|eur|usd|dollars?|gbp|pounds?"
    r"|km|kg|ms|seconds?|minutes?|hours?|days?|bytes?|kb|mb|gb|records?|visits?|sessions?|orders?|units?|items?|reach|mal|aufrufe|impressionen|klicks?)\b"
)
_AMERICAN = re.compile(
    r"(?:1[ \-.])?(?:\([2-9]\d\d\)[ \-.]?|[2-9]\d\d(?P<one>[\-.]))\d{3}(?(one)(?P=one)|[ \-.])\d{4}\Z"
    r"|(?:1[ \-.])?[2-9]\d\d [2-9]\d\d[ \-]\d{4}\Z"
)
_BRACKETS = re.compile(r"\(\d\d\) ?9?\d{4}-\d{4}\Z|8 ?\(\d{3}\) ?\d{3}-\d\d-\d\d\Z")
"""Numbers as they are written in Brazil and Russia, which begin with no 0."""

_NATIONAL = (
    "GB",
    "DE",
    "FR",
    "ES",
    "IT",
    "NL",
    "CH",
    "AT",
    "BE",
    "PT",
    "PL",
    "SE",
    "DK",
    "NO",
    "FI",
    "IE",
    "AU",
    "NZ",
    "IN",
    "JP",
    "BR",
    "MX",
    "ZA",
    "CN",
    "KR",
    "TR",
    "CZ",
    "RU",
    "US",
)
"""Regions whose national numbers are tried, where the text does not say which it is."""

_TRUNK = ("GB", "DE", "FR", "IT", "NL", "CH", "AT", "BE", "SE", "FI", "IE", "AU", "NZ", "JP", "ZA", "TR", "KR")
"""Regions in which a number that is dialled within the country begins with 0."""


def phones(text: str) -> Iterator[tuple[int, int, str]]:
    """Find phone numbers; dates, amounts, and numbers of orders and the like are none."""
    at = 0
    while (match := _CANDIDATE.search(text, at)) is not None:
        at = match.end()
        if (found := _find_phone(text, match)) is not None:
            at = found[1]  # what follows may be a number of its own
            yield found


def _find_phone(text: str, match: re.Match[str]) -> tuple[int, int, str] | None:
    """Return where in a candidate a phone number stands, and what it is; None where it is none."""
    start, written = match.start(), match[0]
    if written.count("(") != written.count(")"):
        start, written = start + len(written) - len(written.lstrip("(")), written.lstrip("(")
        if written.count("(") != written.count(")"):
            return None
    before = text[max(0, start - 45) : start]
    has_cue = _CUE.search(before) is not None
    if _AMOUNT.match(text[match.end() : match.end() + 16]) or (_OTHER_CUE.search(before) and not has_cue):
        return None
    cue = 0 if not has_cue else 3 if _TOLD.search(before) else 2 if _NEAR_CUE.search(before) else 1
    parts = written.split(" ")
    is_certain = has_cue or written.startswith(("+", "00"))
    for length in range(len(parts), 0 if is_certain else len(parts) - 1, -1):
        shorter = " ".join(parts[:length])
        digits = re.sub(r"\D", "", shorter.replace("(0)", "", 1) if shorter.startswith(("+", "00")) else shorter)
        if len(digits) >= (_SHORT if cue == _SURE else _LOCAL) and (value := _number(shorter, digits, cue)) is not None:
            return start, start + len(shorter), value
    return None


def _number(written: str, digits: str, cue: int) -> str | None:
    """Return the number that was written, in international form where that is known; None where it is no phone number.

    Args:
        written: The number as it stands in the text.
        cue: How surely the words before say that a phone number follows: 0 not at all, 1 loosely, 2 closely, 3 by its name.
    """
    if written.startswith("+") or (written.startswith(("00", "011")) and (cue or not _is_list(written))):
        prefix = "" if written.startswith("+") else "00" if written.startswith("00") else "011"
        value = _find_international(digits.removeprefix(prefix))
        if value is not None or prefix == "":
            return value or (digits if cue and len(digits) >= _LOCAL else None)
    if _NO_PHONE.match(written) is not None or _counts(written) or (not cue and _is_list(written)):
        return None
    if _AMERICAN.match(written):
        return "1" + digits[-10:]
    has_groups = len(digits) < len(written)
    if cue >= _NEAR and len(digits) <= _LONGEST:
        fits = has_groups or len(digits) <= _UNGROUPED or _find_international(digits) is not None
        return _find_national(digits, _NATIONAL) or (digits if fits else None)
    regions = _list_regions(written, digits, has_groups=has_groups, is_loose=cue > 0)
    return _find_national(digits, regions) if regions else None


def _list_regions(written: str, digits: str, *, has_groups: bool, is_loose: bool) -> tuple[str, ...]:
    """Return regions of which a number may be that no close cue announces; none where it is not written as numbers of phones are."""
    if is_loose and len(digits) >= _LOOSE and not _THOUSANDS.match(written):
        return _NATIONAL
    if _BRACKETS.match(written) is not None:
        return ("BR", "RU")
    has_trunk = written.startswith(("0", "(0")) and not written.startswith("00")
    return _TRUNK if has_trunk and has_groups and 9 <= len(digits) <= 12 else ()


_NEAR, _SURE, _LOOSE = 2, 3, 9
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:[ .]\d{3}){2,}\Z")
_YEAR = re.compile(r"(?:19|20)\d\d")


def _counts(written: str) -> bool:
    """Return whether groups of digits are years or round figures, as amounts are."""
    groups = re.findall(r"\d+", written)
    is_round = len(groups) > 1 and written[0] in "123456789" and all(group.endswith("00") for group in groups)
    return is_round or all(_YEAR.fullmatch(group) for group in groups) or _MILLIONS.match(written) is not None


def _is_list(written: str) -> bool:
    """Return whether digits follow one another as in a list of days or in counting: `0 7 14 30 60`, `01 02 03 04 05`, `0123456789`."""
    groups = re.findall(r"\d+", written)
    steps = {int(other) - int(one) for one, other in pairwise(groups)}
    is_even = len(steps) == 1 and 0 < min(steps) <= _STEP
    is_listed = len(groups) >= _LISTED and min(steps) > 0 and (is_even or any(len(group) == 1 for group in groups))
    return is_listed or "".join(groups) in _COUNTING


_LISTED, _STEP = 5, 15
_COUNTING = "012345678901234567890"
_MILLIONS = re.compile(r"[1-9]\d{0,2}(?:\D000)+\Z")

_SHORT, _LOCAL, _LONGEST = 6, 7, 15
"""Fewest digits of a number of a small place, of one within a town, and most of any (E.164)."""

_UNGROUPED = 11


@lru_cache(maxsize=10_000)
def _find_international(digits: str) -> str | None:
    """Return digits that begin with the code of a country, if the plan of that country has such a number."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number(parsed):
        return f"{parsed.country_code}{parsed.national_number}"
    return None


@lru_cache(maxsize=10_000)
def _find_national(digits: str, regions: tuple[str, ...]) -> str | None:
    """Return digits that are a number within one of these regions, as they are: which country is meant is not known."""
    import phonenumbers

    for region in regions:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(digits, region)):
                return digits
        except phonenumbers.NumberParseException:
            continue
    return None
