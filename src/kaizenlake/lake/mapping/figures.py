"""Numbers as people write them: `1.2K`, `$1,234.50`, `1.234,50 €`, `8 %`, `0:00:21`; what could be two numbers is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

MONEY, SHARE = "usd", "rate"
LENGTHS = {"seconds": 1, "hours": 3_600, "days": 86_400}
"""Seconds of each unit of time."""

SCALED = "scaled"
"""Unit of a column whose numbers the mapping multiplies or divides, so that they are in none of ours."""

DOLLARS = frozenset({"USD", "AUD", "CAD", "NZD", "SGD", "HKD", "MXN", "TWD"})
SIGNS: dict[str, frozenset[str]] = {
    "$": DOLLARS,
    "kr": frozenset({"SEK", "NOK", "DKK"}),
    "\u00a5": frozenset({"JPY", "CNY"}),
    **{
        sign: frozenset({code})
        for sign, code in {
            "US$": "USD",
            "A$": "AUD",
            "C$": "CAD",
            "R$": "BRL",
            "\u20ac": "EUR",
            "\u00a3": "GBP",
            "\u20b9": "INR",
            "\u20a9": "KRW",
            "z\u0142": "PLN",
            "\u20ba": "TRY",
            "\u20b4": "UAH",
        }.items()
    },
}
"""Currencies that a sign beside an amount may stand for."""

_SCALES = {
    "k": 1_000,
    "tsd": 1_000,
    "m": 1_000_000,
    "mio": 1_000_000,
    "mn": 1_000_000,
    "b": 10**9,
    "bn": 10**9,
    "mrd": 10**9,
}
_SHAPE = re.compile(
    r"(?P<sign>[+-]?)\s*(?P<before>[^\d\s.,+-]{0,4})\s*(?P<second>[+-]?)"
    r"(?P<digits>\d[\d.,'\u2019 ]*|[.,]\d+)(?P<power>[eE][+-]?\d+)?\s*(?P<after>.*)"
)
_CLOCK = re.compile(r"(\d+):([0-5]\d):([0-5]\d)(\.\d+)?")
_SHORT_CLOCK = re.compile(r"\d+:[0-5]\d")
CLOCKS = ("m:ss", "h:mm")
"""What a time of two parts may be."""

_BLANKS = "'\u2019 "
"""Marks that can stand between thousands alone."""

_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-"})


@dataclass(frozen=True)
class Style:
    """How the numbers of a column are written.

    Args:
        decimal: Mark before the decimals; None where nothing says which.
        thousands: Mark between groups of three digits; None for none, or where nothing says which.
        is_declared: The mapping says so, rather than the cells themselves.
    """

    decimal: str | None = None
    thousands: str | None = None
    is_declared: bool = False


@dataclass(frozen=True)
class Number:
    """A number as a computer writes it.

    Args:
        text: Its digits.
        is_percent: A percent sign stood behind it.
        currency: Sign or code of a currency that is written beside it.
    """

    text: str
    is_percent: bool = False
    currency: str = ""


class UnreadableNumberError(ValueError):
    """A text is no number, or might be two; its words say why, and what to do."""


def read(text: str, style: Style, unit: str = "", clock: str = "") -> Number:
    """Read a number.

    Args:
        text: The text, without spaces around it.
        style: How numbers are written.
        unit: Unit that is wanted; a length of time is given in it.
        clock: What `0:30` is, one of `CLOCKS`; empty where nothing says it.

    Raises:
        UnreadableNumberError: It is none, or which one is not known.

    >>> read("1.1M", Style()).text
    '1100000'
    >>> read("0:00:21", Style(), "seconds").text
    '21'
    """
    plain = text.translate(_SPACES)
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1]}"
    if _SHORT_CLOCK.fullmatch(plain):
        if not clock:
            raise UnreadableNumberError(
                "it may be hours and minutes or minutes and seconds; "
                'say `format = "m:ss"` or `format = "h:mm"` beside the column'
            )
        large, small = map(int, plain.split(":"))
        plain = f"{large // 60}:{large % 60:02d}:{small:02d}" if clock == "m:ss" else f"{plain}:00"
    if found := _CLOCK.fullmatch(plain):
        return Number(_length(found, unit))
    shape = _SHAPE.fullmatch(plain)
    if shape is None or (shape["sign"] and shape["second"]):
        raise UnreadableNumberError("it is no number")
    scale, is_percent, currency = _around(shape["before"], shape["after"])
    digits = _digits(shape["digits"].strip(), style) + (shape["power"] or "")
    sign = "-" if "-" in (shape["sign"], shape["second"]) else ""
    return Number(sign + (digits if scale == 1 else _plain(Decimal(digits) * scale)), is_percent, currency)


def _length(clock: re.Match[str], unit: str) -> str:
    if unit == SCALED:
        raise UnreadableNumberError(
            "it says its own unit; leave out `multiply_by` and `divide_by`, which are for plain numbers"
        )
    if unit not in LENGTHS:
        raise UnreadableNumberError("it is a length of time, and this field is none")
    hours, minutes, seconds, rest = clock.groups()
    whole = int(hours) * 3_600 + int(minutes) * 60 + int(seconds)
    return _plain((Decimal(whole) + Decimal(rest or 0)) / LENGTHS[unit])


def _plain(number: Decimal) -> str:
    """Return a number without an exponent and without zeros at its end."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _around(before: str, after: str) -> tuple[int, bool, str]:
    """Return what the words and signs around the digits say: a scale, a percent sign and a currency."""
    words = [word for word in (before, *re.findall(r"%|[^\s%]+", after)) if word]
    scale, is_percent, currency = 1, False, ""
    for place, word in enumerate(words):
        behind = place > 0 or not before
        if behind and word == "%" and not is_percent:
            is_percent = True
        elif behind and scale == 1 and word.lower().rstrip(".") in _SCALES and word not in {"MN", "BN"}:
            scale = _SCALES[word.lower().rstrip(".")]
        elif not currency and (code := _currency(word)):
            currency = code
        else:
            raise UnreadableNumberError(f"it holds {word!r}, which is no part of a number")
    return scale, is_percent, currency


def _currency(word: str) -> str:
    return word if word in SIGNS or re.fullmatch(r"[A-Z]{3}", word) else ""


def currencies_of(word: str) -> frozenset[str]:
    """Return codes of the currencies that a sign or a code may stand for.

    >>> currencies_of("EUR")
    frozenset({'EUR'})
    """
    return SIGNS.get(word, frozenset({word}))


def _digits(digits: str, style: Style) -> str:
    """Return digits without marks of thousands, and with a dot before the decimals."""
    for mark in _BLANKS:
        if mark in digits:
            digits = _ungroup(digits, mark, ".,")
    decimal, thousands = _style_of(digits, style)
    if thousands and thousands in digits:
        digits = _ungroup(digits, thousands, decimal)
    digits = digits.replace(decimal, ".") if decimal != "." else digits
    if not re.fullmatch(r"\d+\.?\d*|\.\d+", digits):
        raise UnreadableNumberError("its marks are those of no number")
    return digits.rstrip(".")


def _ungroup(digits: str, mark: str, decimals: str) -> str:
    if not re.fullmatch(rf"\d{{1,3}}({re.escape(mark)}\d{{3}})+([{re.escape(decimals)}]\d*)?", digits):
        raise UnreadableNumberError(
            f"{mark!r} stands between thousands, so three digits follow it each time"
            + ("" if mark in _BLANKS else f'; where it stands before decimals, say `decimal = "{mark}"` under [format]')
        )
    return digits.replace(mark, "")


def _style_of(digits: str, style: Style) -> tuple[str, str | None]:
    """Return marks of decimals and of thousands of one number."""
    if style.decimal is not None:
        other = "," if style.decimal == "." else "."
        return style.decimal, style.thousands or other
    marks = {mark for mark in ".," if mark in digits}
    if len(marks) == 2:
        return (".", ",") if digits.rfind(".") > digits.rfind(",") else (",", ".")
    if not marks:
        return ".", None
    (mark,) = marks
    other = "," if mark == "." else "."
    if digits.count(mark) > 1:
        return other, mark
    if re.fullmatch(_TWOFOLD, digits):
        raise UnreadableNumberError(
            f"it may be {digits.replace(mark, '')} or {digits.replace(mark, '.')}; "
            f'say `thousands = "{mark}"` or `decimal = "{mark}"` under [format]'
        )
    return mark, None


_TWOFOLD = r"[1-9]\d{0,2}[.,]\d{3}"
"""Digits with one mark that may stand between thousands or before decimals."""

_DOT_IS_DECIMAL = r"^\D*(\d*\.(\d{1,2}|\d{4,})|0\d*\.\d+|\d{4,}\.\d+|\d{1,3}(,\d{3})+\.\d*|\d{1,3}(,\d{3}){2,})(\D.*)?$"
_COMMA_IS_DECIMAL = _DOT_IS_DECIMAL.replace(r"\.", "\0").replace(",\\d{3}", r"\.\d{3}").replace("\0", ",")
_INTEGER = r"^[+-]?\d+$"
_DECIMAL = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_WORDS = r"^[+-]?(?i:nan|inf|infinity)$"


def style_of(cells: pl.Series, declared: Style, seen: set[str]) -> Style:
    """Return how the numbers of a column are written: as the mapping says, or else as those cells show that can be read one way only.

    Args:
        cells: Texts.
        declared: What the mapping says.
        seen: What earlier cells of the column have shown; what these show is added.
    """
    if declared.is_declared:
        return declared
    marked = cells.filter(cells.str.contains(r"[.,]", strict=True).fill_null(value=False))
    for mark, proof in ((".", _DOT_IS_DECIMAL), (",", _COMMA_IS_DECIMAL)):
        if mark not in seen and marked.str.contains(proof).any():
            seen.add(mark)
    if len(seen) != 1:
        return Style()
    (decimal,) = seen
    return Style(decimal, "," if decimal == "." else ".")


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers.

    Args:
        texts: Each number as a computer writes it; what is none stays as it was, for the check to refuse.
        faults: Why a text is none, by the text.
        currencies: Currency that is written beside a number, by the text it was read from.
        originals: The texts as they were.
    """

    texts: pl.Series
    faults: Mapping[str, str]
    currencies: Mapping[str, str]
    originals: pl.Series


@dataclass(frozen=True)
class NumberField:
    """What a column of numbers is read for.

    Args:
        unit: Unit of the field.
        is_count: The field counts something, so that no share can stand in it.
        is_percent: The mapping says that they are percents, and converts them.
        clock: What a time of two parts is, one of `CLOCKS`; empty where the mapping does not say.
    """

    unit: str = ""
    is_count: bool = False
    is_percent: bool = False
    clock: str = ""


def read_column(
    cells: pl.Series, typed: pl.Series | None, declared: Style, field: NumberField, *, seen: set[str]
) -> NumberColumn:
    """Read a column of numbers.

    Args:
        cells: Texts, null where there is nothing.
        typed: Which of them the file itself holds as numbers.
        declared: What the mapping says of how they are written.
        field: What they are read for.
        seen: What earlier cells have shown; see `style_of`.
    """
    written = cells if typed is None else pl.select(pl.when(~typed).then(cells)).to_series()
    style = style_of(written, declared, seen)
    is_plain = written.is_null() | written.str.contains(_INTEGER) | written.str.contains(_WORDS)
    if style.decimal == "." and "." not in (style.thousands or ""):
        is_plain |= written.str.contains(_DECIMAL)
    odd = written.filter(~is_plain).unique()
    if odd.is_empty():
        return NumberColumn(cells, {}, {}, cells)
    made, faults, currencies = {}, {}, {}
    for text in odd:
        try:
            number = read(text, style, field.unit, field.clock)
            made[text] = _spell(number, field)
        except UnreadableNumberError as error:
            faults[text] = str(error)
            continue
        if number.currency:
            if field.unit != MONEY:
                del made[text]
                faults[text] = f"it is an amount of {number.currency}, and this field is no money"
            else:
                currencies[text] = number.currency
    read_ones = written.replace_strict(list(made), list(made.values()), default=written, return_dtype=pl.String)
    texts = read_ones if typed is None else pl.select(pl.when(typed).then(cells).otherwise(read_ones)).to_series()
    return NumberColumn(texts, faults, currencies, cells)


def _spell(number: Number, field: NumberField) -> str:
    if not number.is_percent or field.is_percent:
        return number.text
    if field.is_count:
        raise UnreadableNumberError("it is a share, and this field counts something")
    return _plain(Decimal(number.text) / 100)
