"""How a value is written for a person: one function a kind of value, the same in HTML and PDF."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import partial
from hashlib import sha256
from math import floor, isfinite, log10
from typing import Any

from kaizenlake.publish import guard
from kaizenlake.vocabulary import plural

NOTHING = "–"
"""Stands where a value is not defined."""

_MINUS = "−"
_DROPPED = {"Cc", "Cs", "Cn", "Co"}
_DIRECTION_MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str, limit: int = 160) -> str:
    r"""Return a text of an event as it is shown: one line, without control and direction marks, cut at `limit` characters.

    What identifies a person is replaced first: see `kaizenlake.publish.guard`.

    >>> clean("two\nlines\x00")
    'two lines'
    >>> clean("a" * 9, limit=5)
    'aaaa…'
    """
    kept = "".join(
        " " if char in "\n\r\t" else char
        for char in text[: 4 * limit + _LOOK_AHEAD]
        if char in "\n\r\t" or (unicodedata.category(char) not in _DROPPED and char not in _DIRECTION_MARKS)
    )
    line = guard.text(" ".join(kept.split()))
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


_LOOK_AHEAD = 200
"""Characters that are read beyond those that can be shown, so that an address on the edge is seen as one."""


def name_words(name: str) -> str:
    """Return a snake-case name as words; a trailing unit or id that people do not say is dropped.

    >>> name_words("hook_type"), name_words("template_id"), name_words("is_paid")
    ('hook type', 'template', 'paid')
    """
    said = name.removeprefix("is_").removesuffix("_id")
    return said.replace("_", " ")


def sentence(text: str) -> str:
    """Return the text with a capital first letter, the rest untouched.

    >>> sentence("hook type")
    'Hook type'
    """
    return text[:1].upper() + text[1:]


def count(value: int | None) -> str:
    """Return a number of things.

    >>> count(12345)
    '12,345'
    """
    return NOTHING if value is None else _add_sign(f"{value:,}")


def percent(value: float | None) -> str:
    """Return a fraction as percent with one decimal; what is neither 0 nor 1 is never rounded to it.

    >>> percent(0.1234), percent(0.0001), percent(0.99999), percent(None)
    ('12.3%', '<0.1%', '>99.9%', '–')
    """
    if value is None or not isfinite(value):
        return NOTHING
    if 0 < value < 0.0005:
        return "<0.1%"
    if 0.9995 <= value < 1:
        return ">99.9%"
    return _add_sign(f"{value * 100:.1f}%")


def small_percent(value: float | None) -> str:
    """Return a fraction as percent with two decimals, for rates of a few percent that are compared with each other.

    >>> small_percent(0.01234), small_percent(0.00001)
    ('1.23%', '<0.01%')
    """
    if value is None or not isfinite(value):
        return NOTHING
    return "<0.01%" if 0 < value < 0.00005 else f"{value * 100:.2f}%"


def lift(value: float | None) -> str:
    """Return a relative change as signed percent with one decimal.

    >>> lift(0.25), lift(-0.081), lift(0.0)
    ('+25.0%', '−8.1%', '0.0%')
    """
    if value is None or not isfinite(value):
        return NOTHING
    text = f"{value * 100:+,.1f}%"
    return "0.0%" if text in {"+0.0%", "-0.0%"} else _add_sign(text)


def points(value: float | None) -> str:
    """Return an absolute difference of rates, in percentage points with two decimals.

    >>> points(0.0123)
    '+1.23 pp'
    """
    if value is None or not isfinite(value):
        return NOTHING
    text = f"{value * 100:+.2f} pp"
    return "0.00 pp" if text in {"+0.00 pp", "-0.00 pp"} else _add_sign(text)


def number(value: float | None) -> str:
    """Return a figure with one decimal.

    >>> number(71.25)
    '71.2'
    """
    return NOTHING if value is None or not isfinite(value) else _add_sign(f"{value:,.1f}")


def loss(value: float | None) -> str:
    """Return a loss, between 0 and 1, with three decimals.

    >>> loss(0.23149), loss(None)
    ('0.231', '–')
    """
    return NOTHING if value is None or not isfinite(value) else _add_sign(f"{value:.3f}")


def effect(value: float | None) -> str:
    """Return a difference of losses, signed, with four decimals; below 0 is better.

    >>> effect(-0.01932), effect(0.00001)
    ('−0.0193', '0.0000')
    """
    if value is None or not isfinite(value):
        return NOTHING
    text = f"{value:+.4f}"
    return "0.0000" if text in {"+0.0000", "-0.0000"} else _add_sign(text)


def figure(value: float | None, *, signed: bool = False) -> str:
    """Return a figure of any unit with up to three significant digits.

    >>> figure(0.012345), figure(1234.5, signed=True), figure(0.02, signed=True), figure(-1e-9, signed=True)
    ('0.0123', '+1,234', '+0.02', '0')
    """
    if value is None or not isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    digits = max(0, min(6, 2 - floor(log10(abs(value)))))
    text = f"{value:{'+' if signed else ''},.{digits}f}"
    shown = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if shown in {"0", "+0", "-0"} else _add_sign(shown)


def p_value(value: float | None) -> str:
    """Return a p- or q-value with three decimals.

    >>> p_value(0.0123), p_value(1e-9)
    ('0.012', '<0.001')
    """
    if value is None or not isfinite(value):
        return NOTHING
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def small_p(value: float | None) -> str:
    """Return a p-value or a level with four decimals, for those that are held against each other.

    >>> small_p(0.00051), small_p(1e-9), small_p(0.0)
    ('0.0005', '<0.0001', '0')
    """
    if value is None or not isfinite(value):
        return NOTHING
    return "0" if value == 0 else "<0.0001" if value < 0.0001 else f"{value:.4f}"


def p_words(value: float, letter: str = "q") -> str:
    """Return a p- or q-value in a sentence.

    >>> p_words(0.0123), p_words(0.0)
    ('q = 0.012', 'q < 0.001')
    """
    shown = p_value(value)
    return f"{letter} < {shown[1:]}" if shown.startswith("<") else f"{letter} = {shown}"


def between(low: str, high: str) -> str:
    """Return an interval of two values that are written already.

    >>> between("1.0%", "2.0%"), between("–", "–")
    ('1.0% to 2.0%', '–')
    """
    return NOTHING if NOTHING in {low, high} else f"{low} to {high}"


def day(value: date | None) -> str:
    """Return a date.

    >>> day(date(2026, 3, 1))
    '1 March 2026'
    """
    return NOTHING if value is None else f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def instant(value: datetime | None) -> str:
    """Return an instant in UTC, to the minute; midnight is written as the date alone.

    >>> instant(datetime(2026, 3, 1, 14, 5, tzinfo=UTC)), instant(datetime(2026, 3, 1, tzinfo=UTC))
    ('1 March 2026, 14:05 UTC', '1 March 2026')
    """
    if value is None:
        return NOTHING
    at = value.astimezone(UTC)
    clock = f", {at:%H:%M} UTC" if (at.hour, at.minute) != (0, 0) else ""
    return day(at.date()) + clock


def hours(value: float | None) -> str:
    """Return a duration in hours; from three days on, in days.

    >>> hours(5.25), hours(100.0)
    ('5.2 hours', '4.2 days')
    """
    if value is None or not isfinite(value):
        return NOTHING
    return f"{value:,.1f} hours" if value < 72 else f"{value / 24:,.1f} days"


def elapsed_days(days: float | None) -> str:
    """Return how many days passed, to the tenth.

    >>> elapsed_days(33.1459), elapsed_days(1), elapsed_days(None)
    ('33.1 days', '1.0 days', '–')
    """
    return NOTHING if days is None else f"{days:,.1f} days"


def format_age(days: int | None) -> str:
    """Return an age of outcomes in words.

    >>> format_age(14), format_age(0), format_age(None)
    ('14 days', 'at once', 'not yet')
    """
    return "not yet" if days is None else plural(days, "day") if days else "at once"


def yes_or_no(value: bool | None) -> str:  # noqa: FBT001 - the value of a column
    """Return a truth.

    >>> yes_or_no(True), yes_or_no(None)
    ('yes', '–')
    """
    return NOTHING if value is None else "yes" if value else "no"


def text(value: str | None, limit: int = 60) -> str:
    r"""Return a text of an event in a cell.

    >>> text(None), text("two\nlines")
    ('–', 'two lines')
    """
    return clean(value or "", limit) or NOTHING


def name_in_words(value: str | None) -> str:
    """Return a snake-case value as words.

    >>> name_in_words("content_type"), name_in_words(None)
    ('content type', '–')
    """
    return text(None if value is None else name_words(value))


def items(values: Iterable[Any] | None) -> str:
    """Return the items of a list, one after the other.

    >>> items(["email", "linkedin"]), items([])
    ('email, linkedin', '–')
    """
    return text(", ".join(map(str, values or ())), 400)


def date_of(value: datetime | None) -> str:
    """Return the date of an instant, in UTC.

    >>> date_of(datetime(2026, 3, 1, 14, 5, tzinfo=UTC))
    '1 March 2026'
    """
    return NOTHING if value is None else day(value.astimezone(UTC).date())


def file_name(name: str) -> str:
    """Return a name from outside as the name of a file, without its ending: itself where it is plain, else its SHA-256.

    >>> file_name("planner-2"), file_name("../etc")[:15]
    ('planner-2', 'sha256-f7f9121f')
    """
    if _PLAIN.fullmatch(name):
        return name
    return f"sha256-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def _add_sign(text: str) -> str:
    return text.replace("-", _MINUS)


MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
"""Names of the months, January first."""

FORMATS: dict[str, Callable[[Any], str]] = {
    "age": format_age,
    "count": count,
    "date": day,
    "day": date_of,
    "days": format_age,
    "effect": effect,
    "elapsed_days": elapsed_days,
    "figure": figure,
    "hours": hours,
    "increase": partial(figure, signed=True),
    "instant": instant,
    "lift": lift,
    "list": items,
    "loss": loss,
    "p": small_p,
    "points": points,
    "q": p_value,
    "rate": percent,
    "score": number,
    "seconds": figure,
    "sentence": partial(text, limit=400),
    "small_rate": small_percent,
    "text": text,
    "usd": figure,
    "verdict": name_in_words,
    "words": name_in_words,
    "yes_or_no": yes_or_no,
}
"""How a value of a column is written, by the name that its declaration gives."""
