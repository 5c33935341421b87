"""Names of columns: which column of a table a name means, by the name itself or by what the column is also called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

Others = Mapping[str, Sequence[str]]
"""By name, what a column is also called; `*` stands for any words."""


def has(name: str, names: Sequence[str], others: Others | None = None) -> bool:
    """Return whether a table has a column: of that name, or one in which it lies, such as `a` for `a.b[0]`, or of another name of it."""
    return root(name, names) is not None or find(name, names, others) is not None


def root(name: str, names: Sequence[str]) -> str | None:
    """Return the column of that name, or the one in which it lies; None where there is none."""
    if name in names:
        return name
    ends = [place for place, letter in enumerate(name) if letter in ".["]
    return next((name[:end] for end in reversed(ends) if end and name[:end] in names), None)


def find(name: str, names: Iterable[str], others: Others | None = None) -> str | None:
    """Return the one column that a name means where none has it to the letter: without regard to case, or by another name of it.

    Where no other names are told, only what is spelled to the letter counts.

    >>> find("Spend", ["Day", "Amount spent (EUR)"], {"Spend": ["Amount spent (*)"]})
    'Amount spent (EUR)'
    """
    columns = list(names)
    for other in (name, *others.get(name, ())) if others else ():
        pattern = re.compile(re.escape(other).replace(r"\*", ".*"), re.IGNORECASE)
        found = [column for column in columns if pattern.fullmatch(column.strip())]
        if len(found) == 1:
            return found[0]
    return None
