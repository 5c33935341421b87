"""What the cells of a column look like: numbers and how they are written, times and their form, flags, links, words."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeAlias

import polars as pl

from kaizenlake.lake.mapping import figures
from kaizenlake.lake.mapping.figures import Style, UnreadableNumberError
from kaizenlake.lake.readers import json_cells

Kind: TypeAlias = Literal["empty", "number", "time", "week", "flag", "link", "word", "text", "list"]

MOST_WRONG = 0.02
"""Share of the cells of a column that may be of another kind than the rest."""

LEAST_TIMES = 3
"""Cells of a column of times from which on one of them may be none: nothing else looks like a time."""

MOST_DISTINCT = 4_000
_YEARS = (1995, 2100)

_DATES = (
    "%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%Y/%m/%d", "%Y.%m.%d", "%d-%m-%Y", "%m-%d-%Y",
    "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d. %B %Y", "%b %d %Y", "%a, %b %d, %Y", "%A, %B %d, %Y", "%Y%m%d",
)  # fmt: skip
_CLOCKS = (
    " %H:%M",
    " %H:%M:%S",
    ", %H:%M",
    ", %H:%M:%S",
    " %I:%M %p",
    " %I:%M:%S %p",
    ", %I:%M %p",
    ", %I:%M:%S %p",
    "T%H:%M:%S%.f",
    " %H:%M:%S%.f",
)
_WHOLE = (
    "%a %b %d %H:%M:%S %z %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S %z",
    "%m/%d/%Y %H:%M:%S %z",
    "%Y%m%dT%H%M%S%z",
)
_DAY_FIRST = {"%d/%m/%Y": "%m/%d/%Y", "%d/%m/%y": "%m/%d/%y", "%d-%m-%Y": "%m-%d-%Y"}
"""Forms with the day first, and those with the month first that read the same texts."""

_FLAGS = frozenset({"true", "false", "yes", "no", "y", "n", "t", "f"})
_PASSED = frozenset({"true", "yes", "y", "t", "1", "1.0", "pass", "passed", "success", "ok", "correct", "resolved"})
_FAILED = frozenset(
    {"false", "no", "n", "f", "0", "0.0", "fail", "failed", "failure", "error", "wrong", "incorrect", "unresolved"}
)
_TIME_NAME = re.compile(r"(?i)(time|date|_at$|stamp|created|ended|started|published|day|when|(^|[._])ts$)")


@dataclass(frozen=True)
class CellShape:
    """What the cells of a column look like.

    Args:
        kind: What they are.
        filled: Cells that say something.
        distinct: Different ones among them.
        form: Form of a time, as a mapping says it.
        also: Other form that reads all of them too, as something else.
        has_zone: Times say their zone.
        has_clock: Times say more than the day.
        is_whole: Numbers without decimals.
        is_percent: A percent sign stands behind them.
        currencies: Signs or codes of money that stand beside them.
        is_length: They are lengths of time, such as 0:00:21.
        lowest: Smallest number.
        highest: Largest number.
        marks: Marks that surely stand before decimals.
        twofold: A mark that stands between thousands or before decimals, and no cell tells which; empty for none.
        passed: Cells of those that hold two answers, which say yes.
        longest: Characters of the longest.
        example: One of the cells.
    """

    kind: Kind
    filled: int = 0
    distinct: int = 0
    form: str = ""
    also: str = ""
    has_zone: bool = False
    has_clock: bool = False
    is_whole: bool = False
    is_percent: bool = False
    currencies: tuple[str, ...] = ()
    is_length: bool = False
    lowest: float = 0.0
    highest: float = 0.0
    marks: frozenset[str] = frozenset()
    twofold: str = ""
    passed: tuple[str, ...] = ()
    longest: int = 0
    example: str = ""

    def words(self) -> str:
        """Return what the cells are, in a few words."""
        match self.kind:
            case "number":
                money = f" of {'/'.join(self.currencies)}" if self.currencies else ""
                how = "lengths of time" if self.is_length else "percents" if self.is_percent else "numbers"
                return f"{how}{money}"
            case "time":
                return f"times such as {self.example}" if self.has_clock else f"dates such as {self.example}"
            case "empty":
                return "nothing"
            case "week":
                return f"weeks such as {self.example}"
            case _:
                plural = {"flag": "yes or no", "link": "links", "word": "words", "text": "texts", "list": "lists"}
                return plural[self.kind]


def look(name: str, cells: pl.Series) -> CellShape:
    """Return what the cells of a column look like.

    Args:
        name: Name of the column.
        cells: Texts, null where they say nothing.
    """
    said = cells.drop_nulls()
    if said.is_empty():
        return CellShape("empty")
    unlike = said.unique(maintain_order=True)
    distinct, filled = unlike.len(), said.len()
    longest = int(unlike.str.len_chars().max() or 0)  # type: ignore[arg-type] # of lengths
    example = str(unlike[0])
    some = unlike.head(MOST_DISTINCT)
    passed = _yes(some)
    if (time := _time(name, some)) is not None:
        form, also, has_zone, has_clock = time
        return CellShape(
            "week" if form == "week" else "time",
            filled,
            distinct,
            form,
            also,
            has_zone,
            has_clock,
            longest=longest,
            example=example,
        )
    number = _number(some)
    if number is not None:
        return replace(number, filled=filled, distinct=distinct, passed=passed, longest=longest, example=example)
    kind: Kind = "word" if longest <= 60 else "text"
    if set(some.str.to_lowercase()) <= _FLAGS:
        kind = "flag"
    elif some.str.contains(r"^https?://|^www\.").mean() == 1.0:
        kind = "link"
    elif some.str.contains(r"^\s*\[").mean() == 1.0:
        kind = "list"
    elif distinct > 20 and (some.str.count_matches(r"\s").mean() or 0) > 3:  # type: ignore[operator] # of counts
        kind = "text"
    return CellShape(kind, filled, distinct, longest=longest, passed=passed, example=example)


def _yes(some: pl.Series) -> tuple[str, ...]:
    """Return those of two answers that say yes; none where the cells are no such answers."""
    words = set(some)
    lower = {word.lower() for word in words}
    if len(words) > 4 or not lower <= _PASSED | _FAILED:
        return ()
    return tuple(sorted(word for word in words if word.lower() in _PASSED))


def _in_years(found: pl.Series) -> pl.Series:
    years = found.dt.year()
    return pl.select(pl.when(years.is_between(*_YEARS)).then(found)).to_series()


def _read_times(some: pl.Series, form: str) -> pl.Series:
    if "%z" in form:
        return _in_years(
            some.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False).dt.replace_time_zone(None)
        )
    if any(mark in form for mark in ("%H", "%I")):
        return _in_years(some.str.to_datetime(form, time_unit="us", strict=False))
    return _in_years(some.str.to_date(form, strict=False))


def _are_times(fits: pl.Series) -> bool:
    """Return whether so many cells fit that all are taken for times."""
    wrong = fits.len() - int(fits.sum())
    return wrong <= max(MOST_WRONG * fits.len(), float(fits.len() >= LEAST_TIMES))


def _time(  # noqa: PLR0911 - one answer for each form
    name: str, some: pl.Series
) -> tuple[str, str, bool, bool] | None:
    """Return the form of times, another form that reads them all, whether they say their zone, and whether more than the day."""
    if not _are_times(some.str.contains(r"\d")) or int(some.str.len_chars().max() or 0) > 45:  # type: ignore[arg-type]
        return None
    if some.str.contains(r"^\d{4}-?W?\d\d$").all() and re.search("(?i)week|woche", name):
        return "week", "", False, False
    digits = some.str.contains(r"^\d+(\.\d+)?$").all()
    if digits and _TIME_NAME.search(name):
        for form, per in {
            "epoch_seconds": 1,
            "epoch_milliseconds": 10**3,
            "epoch_microseconds": 10**6,
            "epoch_nanoseconds": 10**9,
        }.items():
            seconds = some.cast(pl.Float64) / per
            if seconds.is_between(
                datetime(_YEARS[0], 1, 1, tzinfo=UTC).timestamp(), datetime(_YEARS[1], 1, 1, tzinfo=UTC).timestamp()
            ).all():
                return form, "", True, True
    if not digits:
        iso = pl.select(json_cells.instant(pl.lit(some), "iso", "UTC").alias("_")).to_series()
        is_one = iso.str.ends_with('Z"')
        if _are_times(is_one) and _are_times(some.str.contains(r"^\d{4}-\d\d-\d\d")):
            clock = some.str.contains(r"\d[T ]\d\d:\d\d")
            zone = some.str.contains(r"\d\d:\d\d.*([Zz]|[+-]\d\d:?\d\d)$")
            return "iso", "", bool(zone.filter(is_one).all()), bool(clock.any())
    elif not some.str.contains(r"^(19|20)\d{6}$").all():
        return None
    forms = [*_WHOLE, *(day + clock for clock in ("", *_CLOCKS) for day in _DATES)]
    fitting = [form for form in forms if _are_times(_read_times(some.head(50), form).is_not_null())]
    fitting = [form for form in fitting if _are_times(_read_times(some, form).is_not_null())]
    if not fitting:
        return None
    form = fitting[0]
    other = next(
        (
            item
            for item in fitting[1:]
            if _DAY_FIRST.get(item.split(" ")[0].rstrip(",")) is not None and form[:2] == "%m"
        ),
        "",
    )
    return form, other, "%z" in form, "%H" in form or "%I" in form


def _number(some: pl.Series) -> CellShape | None:
    """Return the shape of numbers; None where the cells are none."""
    seen: set[str] = set()
    style = figures.style_of(some, Style(), seen)
    if len(seen) == 2:
        return None
    made: list[figures.Number] = []
    twofold, length, wrong = "", 0, 0
    for text in some:
        try:
            made.append(figures.read(text, style, figures.MONEY))
        except UnreadableNumberError as error:
            if str(error).startswith("it may be ") and (mark := re.search(r"[.,]", text)):
                twofold = mark[0]
                made.append(figures.read(text, Style("," if mark[0] == "." else ".", mark[0]), figures.MONEY))
            elif "length of time" in str(error):
                length += 1
            else:
                wrong += 1
    if wrong > MOST_WRONG * some.len() or (made and length):
        return None
    if length:
        return CellShape("number", is_length=True)
    values = [float(number.text) for number in made]
    return CellShape(
        "number",
        is_whole=all(value.is_integer() for value in values),
        is_percent=any(number.is_percent for number in made),
        currencies=tuple(sorted({number.currency for number in made if number.currency})),
        lowest=min(values),
        highest=max(values),
        marks=frozenset(seen),
        twofold=twofold if not seen else "",
    )
