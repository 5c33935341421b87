"""What a mapping asks of the cells of a row: of which rows events are made, and which are left out."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from kaizenlake.lake.mapping.document import EventSection, Test, Tests

TOTAL = r"^(?i)(grand\s+|sub)?(totals?|gesamt(summe|ergebnis)?|summe|insgesamt|totale?|total général|suma)\b"
"""How a row of totals calls itself."""


def holds(tests: Tests) -> pl.Expr:
    """Return whether all tests hold for a row."""
    found = [_holds(pl.col(name), test) for name, test in tests.items()]
    return pl.all_horizontal(found) if found else pl.lit(value=True)


def _holds(cell: pl.Expr, test: str | list[str] | Test) -> pl.Expr:
    if isinstance(test, str | list):
        return cell.is_in([test] if isinstance(test, str) else test).fill_null(value=False)
    asked = []
    if test.in_ is not None:
        asked.append(cell.is_in(test.in_).fill_null(value=False))
    if test.not_ is not None:
        others = [test.not_] if isinstance(test.not_, str) else test.not_
        asked.append(cell.is_in(others).not_().fill_null(value=True))
    if test.matches is not None:
        asked.append(cell.str.contains(test.matches).fill_null(value=False))
    if test.empty is not None:
        asked.append(cell.is_null() if test.empty else cell.is_not_null())
    if test.same_as is not None:
        asked.append((cell == pl.col(test.same_as)).fill_null(value=False))
    if test.differs_from is not None:
        asked.append((cell != pl.col(test.differs_from)).fill_null(value=True))
    return pl.all_horizontal(asked) if asked else pl.lit(value=True)


def are_totals(section: EventSection, first: str) -> pl.Expr:
    """Return whether rows are totals by their own words: they say so where the others say what they are about, and tell no time.

    Where the rows tell no time at all, the word has to stand where their name does.

    Args:
        section: The first event of the mapping.
        first: First column of the table.
    """
    named = section.id.columns or []
    times = [] if section.occurred_at is None else section.occurred_at.sources
    if not times:
        word = pl.any_horizontal(
            [pl.col(name).str.contains(TOTAL + r"\W*$") for name in named] or [pl.lit(value=False)]
        )
        return word.fill_null(value=False)
    word = pl.any_horizontal(pl.col(name).str.contains(TOTAL) for name in dict.fromkeys((first, *named)))
    return pl.all_horizontal(pl.col(name).is_null() for name in times) & word.fill_null(value=False)


def describe_tests(tests: Tests) -> str:
    """Return tests in words.

    >>> describe_tests({"Stage": ["won", "lost"], "Name": Test(empty=False)})
    "'Stage' is one of 'won', 'lost' and 'Name' is not empty"
    """
    return " and ".join(f"{name!r} {_describe_test(test)}" for name, test in tests.items())


def _describe_test(test: str | Sequence[str] | Test) -> str:
    if isinstance(test, str):
        return f"is {test!r}"
    if not isinstance(test, Test):
        return f"is one of {_list_words(test)}"
    said = []
    if test.in_ is not None:
        said.append(f"is one of {_list_words(test.in_)}")
    if test.not_ is not None:
        said.append(f"is none of {_list_words([test.not_] if isinstance(test.not_, str) else test.not_)}")
    if test.matches is not None:
        said.append(f"matches {test.matches!r}")
    if test.empty is not None:
        said.append("is empty" if test.empty else "is not empty")
    if test.same_as is not None:
        said.append(f"is that of {test.same_as!r}")
    if test.differs_from is not None:
        said.append(f"is not that of {test.differs_from!r}")
    return " and ".join(said)


def _list_words(words: Sequence[str]) -> str:
    return ", ".join(map(repr, words))
