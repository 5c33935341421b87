"""Amounts of money in US dollars: by what says their currency, and the team's own dated rates; else refused, with the reason."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation

import polars as pl

from kaizenlake.lake.mapping.figures import NumberColumn, currencies_of
from kaizenlake.parameters import Money

USD = "USD"

_CODE_IN_NAME = re.compile(r"(?:^|[\s(\[_])([A-Z]{3})(?=$|[\s)\]])")
_CODES = frozenset(
    [
        "AED",
        "ARS",
        "AUD",
        "BGN",
        "BRL",
        "CAD",
        "CHF",
        "CLP",
        "CNY",
        "COP",
        "CZK",
        "DKK",
        "EGP",
        "EUR",
        "GBP",
        "HKD",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "ISK",
        "JPY",
        "KES",
        "KRW",
        "MAD",
        "MXN",
        "MYR",
        "NGN",
        "NOK",
        "NZD",
        "PEN",
        "PHP",
        "PKR",
        "PLN",
        "QAR",
        "RON",
        "RSD",
        "RUB",
        "SAR",
        "SEK",
        "SGD",
        "THB",
        "TRY",
        "TWD",
        "UAH",
        "USD",
        "UYU",
        "VND",
        "ZAR",
    ]
)
_SIGN_IN_NAME = re.compile("[\u20ac\u00a3\u00a5\u20b9\u20a9]")
_CURRENCY_COLUMN = re.compile(r"(?i)(\w+ )?currency( code)?|w\u00e4hrung|devise|moneda|valuta")


@dataclass(frozen=True)
class Exchange:
    """What amounts are worth in US dollars.

    Args:
        currency: What an amount is in where nothing says it.
        rates: By code of a currency, the first days of its rates, and US dollars for one unit from each on.
    """

    currency: str = USD
    rates: dict[str, tuple[list[date], list[float]]] = field(default_factory=dict)

    @classmethod
    def of(cls, money: Money) -> Exchange:
        """Return the rates of a lake."""
        found: dict[str, tuple[list[date], list[float]]] = {}
        for rate in sorted(money.rates, key=lambda item: item.from_date):
            days, worth = found.setdefault(rate.currency, ([], []))
            days.append(rate.from_date)
            worth.append(rate.usd)
        return cls(money.currency, found)

    def beside(self, names: Iterable[str]) -> Exchange:
        """Return the same rates for a table, in which an amount that says no currency is in the one that the names of its columns of money say.

        >>> Exchange().beside(["Amount spent (EUR)", "Purchases conversion value"]).currency
        'EUR'
        """
        said = {code for name in names if (code := currency_in(name))}
        return replace(self, currency=said.pop()) if len(said) == 1 else self

    def worth(self, code: str, day: date) -> float | None:
        """Return US dollars for one unit on a day; None where no rate tells it."""
        if code == USD:
            return 1.0
        days, worth = self.rates.get(code, ([], []))
        place = bisect_right(days, day)
        return worth[place - 1] if place else None


def currency_column(columns: Sequence[str]) -> str | None:
    """Return the column of a table that says what its amounts are in, by its name; None where there is none."""
    return next((name for name in columns if _CURRENCY_COLUMN.fullmatch(name.strip())), None)


def currency_in(name: str) -> str:
    """Return the currency that the name of a column says its amounts are in; empty where it says none.

    >>> currency_in("Amount spent (EUR)")
    'EUR'
    """
    codes = [code for code in _CODE_IN_NAME.findall(name) if code in _CODES]
    signs = [next(iter(currencies_of(sign))) for sign in _SIGN_IN_NAME.findall(name) if len(currencies_of(sign)) == 1]
    return next(iter([*codes, *signs]), "")


@dataclass(frozen=True)
class Amounts:
    """A column of amounts, and what says their currency.

    Args:
        column: The numbers, and the currency written beside each.
        name: Name of the column.
        declared: What the mapping says, or else a column of the table: a code for all, or one for each.
        days: Day of each row.
    """

    column: NumberColumn
    name: str
    declared: str | pl.Series | None
    days: pl.Series


def in_dollars(amounts: Amounts, exchange: Exchange, refuse: Callable[[int, str], None]) -> pl.Series:
    """Return amounts in US dollars.

    Args:
        exchange: What they are worth.
        refuse: Told of each row that is refused, and why.

    Returns:
        Numbers as texts; where one is refused, the amount with its currency, which is no number.
    """
    texts = amounts.column.texts
    in_name = currency_in(amounts.name)
    is_plain = amounts.declared is None and not amounts.column.currencies and not in_name and exchange.currency == USD
    is_dollars = isinstance(amounts.declared, str) and amounts.declared == USD
    if is_plain or (is_dollars and not amounts.column.currencies and in_name in {"", USD}):
        return texts
    codes = amounts.declared if isinstance(amounts.declared, pl.Series) else [amounts.declared] * len(texts)
    made: list[str | None] = []
    for place, (text, original, code, day) in enumerate(
        zip(texts, amounts.column.originals, codes, amounts.days, strict=True)
    ):
        if text is None or (original in amounts.column.faults):
            made.append(text)
            continue
        sign = amounts.column.currencies.get(original or "", "")
        try:
            made.append(_in_dollars(text, _code(code, in_name, sign, exchange), day, exchange))
        except _UnknownWorthError as error:
            refuse(place, str(error))
            made.append(f"{original} {code or in_name or exchange.currency}".strip())
    return pl.Series(made, dtype=pl.String)


class _UnknownWorthError(ValueError):
    """What an amount is worth in dollars is not known."""


def _code(declared: str | None, in_name: str, sign: str, exchange: Exchange) -> str:
    """Return the one currency that all agree on who say one."""
    said = {code for code in (declared, in_name) if code}
    written = currencies_of(sign) if sign else frozenset()
    if len(said) > 1:
        raise _UnknownWorthError(f"its column says {in_name}, and its currency is said to be {declared}")
    code = next(iter(said), "")
    if code:
        if written and code not in written:
            raise _UnknownWorthError(f"it is written with {sign!r}, and its currency is said to be {code}")
        return code
    if not written or exchange.currency in written:
        return exchange.currency
    if len(written) == 1:
        return next(iter(written))
    raise _UnknownWorthError(
        f"{sign!r} may be any of {', '.join(sorted(written))}: say `currency` beside it in the mapping"
    )


def _in_dollars(text: str, code: str, day: date | None, exchange: Exchange) -> str:
    if code == USD:
        return text
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return text
    if not re.fullmatch("[A-Z]{3}", code):
        raise _UnknownWorthError(f"{code!r} is no code of a currency, such as EUR")
    worth = None if day is None else exchange.worth(code, day)
    if worth is None:
        when = "" if day is None else f" on {day}"
        raise _UnknownWorthError(
            f"it is in {code}, and there is no rate of {code}{when}: add it to the setting `money.rate_file` (currency, from_date, usd)"
        )
    dollars = amount * Decimal(str(worth))
    return format(round(dollars, 6).normalize(), "f")
