"""Where in a text something stands that identifies a person, or a secret; the mathematics of each kind."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from kaizenlake.redaction.phones import phones
from kaizenlake.redaction.tokens import secrets

Kind: TypeAlias = Literal["secret", "email", "iban", "card", "ssn", "ip", "phone"]
"""Kinds in the order in which they are looked for: of two that overlap the first is meant."""


class FoundPlace(NamedTuple):
    """Where something stands in a text.

    Args:
        start: Index of its first character.
        end: Index after its last.
        kind: What it is.
        value: What it says, the same for other ways to write it.
    """

    start: int
    end: int
    kind: Kind
    value: str


MAYBE: Final = (
    r"@|\d[\d ().,/\-]{4,}\d|-----BEGIN|eyJ|://[^/\s]*:|(?i:bearer|token|secret|pass|pwd?\b|api[_\- ]?key|access[_\- ]?(?:key|signature)|account[_\- ]?key)"
    r"|[A-Za-z0-9+/_\-]{20,}|::|[0-9A-Fa-f]:[0-9A-Fa-f]{1,4}:"
)
"""What a text of ASCII has at least that holds anything to replace; both of Python and of Polars."""

_MAYBE = re.compile(MAYBE)


def places(text: str, kinds: Collection[Kind]) -> list[FoundPlace]:
    """Return what is to be replaced in a text, from left to right, without overlaps.

    Args:
        kinds: Kinds to look for.
    """
    seen = None if text.isascii() else [at for at, char in enumerate(text) if unicodedata.category(char) != "Cf"]
    plain = text if seen is None else "".join(_ascii(text[at]) for at in seen)
    if _MAYBE.search(plain) is None:
        return []
    found: list[FoundPlace] = []
    for kind, finder in _FINDERS.items():
        if kind in kinds:
            of_kind: list[FoundPlace] = []
            for start, end, value in finder(plain):
                if all(end <= other.start or start >= other.end for other in of_kind):
                    of_kind.append(FoundPlace(start, end, kind, value))
            for place in of_kind:  # what follows neither meets it again nor runs into it
                plain = plain[: place.start] + _TAKEN * (place.end - place.start) + plain[place.end :]
            found += of_kind
    if seen is not None:  # characters that nobody sees hide nothing
        found = [place._replace(start=seen[place.start], end=seen[place.end - 1] + 1) for place in found]
    return sorted(found)


_TAKEN = "\x00"


def _ascii(character: str) -> str:
    """Return digits, dashes and spaces of other alphabets as those of ASCII, and every other character as it is."""
    if character < "\x80":
        return character
    if (digit := unicodedata.digit(character, None)) is not None and unicodedata.category(character) == "Nd":
        return str(digit)
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category == "Pd" or character == "\u2212":
        return "-"
    if category in ("Mn", "Mc") and character < "\u1d00":
        return "a"  # a vowel sign or an accent is part of a word, as in `उदाहरण.भारत`
    return {"\uff20": "@", "\uff0b": "+", "\uff0e": "."}.get(character, character)


_EMAIL = re.compile(
    r"(?<![\w.+\-@])(?P<local>\"[^\"\n@]{1,64}\"|[\w!#$%&'*+/=?^`{|}~\-](?:[\w.!#$%&'*+/=?^`{|}~\-]{0,62}[\w!#$%&*+/=?^`{|}~\-])?)"
    r"(?:@(?P<domain>(?:\w(?:[\w\-]{0,61}\w)?\.)+(?P<end>[^\W\d_]{2,24}|xn--[\w\-]{2,59}))|@\[[0-9A-Fa-f:.]{3,45}\])(?![\w@])"
)
_NO_DOMAINS = frozenset(
    [
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "avif",
        "ico",
        "js",
        "mjs",
        "ts",
        "jsx",
        "tsx",
        "css",
        "scss",
        "json",
        "yaml",
        "yml",
        "toml",
        "md",
        "txt",
        "csv",
        "pdf",
        "py",
        "rs",
        "go",
        "java",
        "sh",
        "sql",
    ]
)


def emails(text: str) -> Iterator[tuple[int, int, str]]:
    """Find e-mail addresses; `icon@2x.png`, `react@18.2.0` and `git@host:path` are none."""
    for match in _EMAIL.finditer(text):
        if (match["end"] or "").lower() in _NO_DOMAINS:
            continue
        if match["local"] == "git" and text[match.end() : match.end() + 1] == ":":
            continue
        yield match.start(), match.end(), match[0].casefold()
    if len(text) >= _CUT and (cut := _CUT_EMAIL.search(text)) is not None:
        yield cut.start(), cut.end(), cut[0].casefold()


_CUT_EMAIL = re.compile(r"(?<![\w.+\-@])[\w.+\-]+@[\w.\-]*…?\Z")
_CUT = 200
"""Characters from which on a text may have been cut within an address at its end."""


_CARD = re.compile(r"(?<![\w.,+\-#/])(?=([0-9](?:[ \-.]?[0-9]){11,18}))")
_GROUPS = frozenset(
    {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 5), (4, 4, 4, 3), (4, 4, 4, 1)}
)
_CARD_CUE = re.compile(
    r"(?i)(card|karte|visa|master|amex|american express|maestro|carte|tarjeta|pan|credit|debit)\W{0,3}[\w ]{0,12}\W{0,3}$"
)
_NUMBER_CUE = re.compile(
    r"(?i)(order|invoice|bestell\w*|rechnungs?\w*|ticket|tracking|shipment|parcel|ref(?:erence)?|id|sku|ean|isbn|imei|serial"
    r"|article|artikel\w*|case|customer|kunden\w*|account|commande|pedido|factura|version|build|hash|model|part|item)"
    r"[\s.:#=]{0,3}(?:no|nr|number|nummer|num|n[o°º])?[\s.:#=]{0,3}$"
)


def cards(text: str) -> Iterator[tuple[int, int, str]]:
    """Find numbers of payment cards: those that an issuer has, whose last digit is right, in the groups people write."""
    for match in _CARD.finditer(text):
        before = text[max(0, match.start() - 30) : match.start()]
        if _NUMBER_CUE.search(before) and not _CARD_CUE.search(before):
            continue
        written = match[1]
        while (digits := re.sub(r"\D", "", written)) and len(digits) >= _SHORTEST_CARD:
            end = match.start() + len(written)
            if _is_written_as_card(written) and not _GOES_ON.match(text, end) and is_card(digits):
                yield match.start(), end, digits
                break
            written = written[:-1].rstrip(" -.")


def _is_written_as_card(written: str) -> bool:
    separators = set(re.findall(r"[ \-.]", written))
    return not separators or (len(separators) == 1 and tuple(map(len, re.split(r"[ \-.]", written))) in _GROUPS)


_SHORTEST_CARD = 12
_GOES_ON = re.compile(r"\w|[.,\-/]\d")


def is_card(digits: str) -> bool:
    """Return whether digits are in the range of an issuer, of its length, and right by Luhn's check digit.

    >>> is_card("4111111111111111"), is_card("4111111111111112"), is_card("1234567812345670")
    (True, False, False)
    """
    lengths = next((lengths for low, high, lengths in _ISSUERS if low <= digits[: len(low)] <= high), ())
    if len(digits) not in lengths or len(set(digits)) == 1:
        return False
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


_ISSUERS: Final[tuple[tuple[str, str, tuple[int, ...]], ...]] = (
    ("34", "34", (15,)),
    ("37", "37", (15,)),
    ("4", "4", (13, 16, 18, 19)),
    ("51", "55", (16,)),
    ("2221", "2720", (16,)),
    ("2200", "2204", (16, 17, 18, 19)),
    ("6011", "6011", (16, 17, 18, 19)),
    ("644", "649", (16, 17, 18, 19)),
    ("65", "65", (16, 17, 18, 19)),
    ("62", "62", (16, 17, 18, 19)),
    ("81", "82", (16, 17, 18, 19)),
    ("300", "305", (14, 16)),
    ("3095", "3095", (14, 16)),
    ("36", "36", (14, 15, 16, 17, 18, 19)),
    ("38", "39", (14, 16)),
    ("3528", "3589", (16, 17, 18, 19)),
    ("5019", "5019", (16,)),
    ("9792", "9792", (16,)),
    ("50", "50", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("56", "58", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("60", "69", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("1", "1", (15,)),
)
"""Ranges of card numbers and their lengths: Amex, Visa, Mastercard, Mir, Discover, UnionPay, Diners, JCB, RuPay, Maestro, UATP."""

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ \-]?[A-Za-z0-9]){11,30}")
_IBAN_LENGTHS: Final = {
    length: frozenset(countries.split())
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FO FI GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU XK MN",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV HN",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
}


def ibans(text: str) -> Iterator[tuple[int, int, str]]:
    """Find numbers of bank accounts (IBAN): of the length of their country, and with a remainder of 1 modulo 97."""
    for match in _IBAN.finditer(text):
        country = match[0][:2].upper()
        length = next((length for length, countries in _IBAN_LENGTHS.items() if country in countries), 0)
        taken = 0
        for index, character in enumerate(match[0], 1):
            taken += character.isalnum()
            if taken == length:
                end = match.start() + index
                account = re.sub(r"[ \-]", "", match[0][:index]).upper()
                is_whole = not text[end : end + 1].isalnum()
                if is_whole and int("".join(str(int(char, 36)) for char in account[4:] + account[:4])) % 97 == 1:
                    yield match.start(), end, account
                break


_SSN = re.compile(r"(?<![\w.\-/+#])([0-9]{3})([ \-.]?)([0-9]{2})\2([0-9]{4})(?![\w]|[.,\-/]\w)")
_SSN_CUE = re.compile(r"(?i)(ssn|social security|soc\.? ?sec|tax(?:payer)? id|itin)[^.;!?]{0,30}$")


def ssns(text: str) -> Iterator[tuple[int, int, str]]:
    """Find US social security numbers by the rules of their parts; without dashes only where the text says that it is one."""
    for match in _SSN.finditer(text):
        area, separator, group, serial = match.groups()
        if area in {"000", "666"} or area >= "900" or group == "00" or serial == "0000":
            continue
        if separator != "-" and not _SSN_CUE.search(text[max(0, match.start() - 60) : match.start()]):
            continue
        if _NUMBER_CUE.search(text[max(0, match.start() - 30) : match.start()]) and not _SSN_CUE.search(
            text[max(0, match.start() - 60) : match.start()]
        ):
            continue
        yield match.start(), match.end(), area + group + serial


_IP4 = re.compile(r"(?<![\w.\-])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w]|\.\d|-\w)")
_IP6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]*\d)(?:[0-9A-Fa-f]{1,4}:){1,7}:?(?:[0-9A-Fa-f]{0,4}:?){1,6}(?![\w:.])")

_SHORTEST = 6
"""Fewest characters of an address; `a::b` is more often a name in a program."""
_VERSION_CUE = re.compile(
    r"(?i)(\bv|version|release|build|chrome|firefox|firmware|driver|kernel|python|java|section|sections|chapter|steps?|§|clause|(?:up(?:grade|date)[ds]?|migrat\w*|moved?)(?: \w+)? (?:to|from))\W{0,3}$"
)
_VERSION_AFTER = re.compile(
    r"(?i)\W{0,3}(?:(?:is|was|as) (?:a|the) )?(?:versions?|releases?|builds?|percent|days?|weeks?|points?|split|rule)\b|\s?%|\W{1,3}(?:to|and|or|through) (?:\d{1,2}\.){3}\d{1,2}(?!\d)"
)
_NETWORK_CUE = re.compile(
    r"(?i)(?:\b(?:ip|ips|ipv4|ip4|address(?:es)?|adress\w*|hosts?|server|servers|client|clients|ping|ssh|curl|dns|nameserver|resolver|subnet|gateway"
    r"|router|proxy|vpn|firewall|peer|remote|login|logged in|logins|visitors?|requests?|blocked|connect\w*|traffic|bind|listen\w*|inet|whitelist"
    r"|allowlist|attack\w*)\b|://|@|=)[^\d;!?]{0,25}$|\bfrom $"
)
_NETWORK_AFTER = re.compile(
    r":\d{2,5}\b|/(?:[89]|[12]\d|3[0-2])\b(?!/)|\s(?:hit|logged|requested|visited|connected|answered|pinged|refused|times out)\b"
)
_NETWORKS = re.compile(r"10\.0\.\d+\.\d+\Z|127\.0\.0\.\d+\Z|192\.168\.|(?:\d\d+\.){3}\d\d+\Z|.*\d{3}")
"""Four numbers that look like an address by themselves: of a private network, or larger than parts of versions are."""


def ips(text: str) -> Iterator[tuple[int, int, str]]:
    """Find addresses of the internet protocol; four small numbers are a version or a list, unless the text tells of a network."""
    import ipaddress

    for pattern in (_IP4, _IP6):
        for match in pattern.finditer(text):
            try:
                value = str(ipaddress.ip_address(match[0]))
            except ValueError:
                continue
            before, after = text[max(0, match.start() - 40) : match.start()], text[match.end() : match.end() + 20]
            is_version = _VERSION_CUE.search(before) or _VERSION_AFTER.match(after)
            is_address = ":" in value or (
                _NETWORKS.match(value) or _NETWORK_CUE.search(before) or _NETWORK_AFTER.match(after)
            )
            if len(value) >= _SHORTEST and is_address and not is_version:
                yield match.start(), match.end(), value


_FINDERS: dict[Kind, Callable[[str], Iterator[tuple[int, int, str]]]] = {
    "secret": secrets,
    "email": emails,
    "iban": ibans,
    "card": cards,
    "ssn": ssns,
    "ip": ips,
    "phone": phones,
}
