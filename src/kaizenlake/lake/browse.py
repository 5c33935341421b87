"""Tables of a lake as a notebook shows them: by name, with what they mean, and their first rows."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from kaizenlake import tables
from kaizenlake.errors import TableNotFoundError
from kaizenlake.events.rules import near

if TYPE_CHECKING:
    from kaizenlake.lake.store import Lake
    from kaizenlake.tables import Table

SHOWN_ROWS, SHOWN_CHARACTERS = 10, 120
"""Rows of a table, and characters of a cell, that a notebook shows."""


class LakeTable:
    """One table of a lake.

    Args:
        lake: The lake, as a tenant has it.
        table: Its declaration.
    """

    def __init__(self, lake: Lake, table: type[Table]) -> None:
        self._lake = lake
        self.declaration = table

    @property
    def name(self) -> str:
        """Layer and last name."""
        return tables.full_name(self.declaration)

    @property
    def meaning(self) -> str:
        """What a row tells."""
        return tables.meaning(self.declaration)

    @property
    def rows(self) -> int:
        """Rows of it; 0 where it is not written yet."""
        return self._lake.rows(self.declaration)

    def scan(self) -> pl.LazyFrame:
        """Return its rows, lazily."""
        return self._lake.scan(self.declaration)

    def read(self) -> pl.DataFrame:
        """Return its rows."""
        return self.scan().collect()

    def __repr__(self) -> str:
        return f"{self.name}: {self.meaning} ({self.rows:,} rows)"

    def _repr_html_(self) -> str:
        """Return the table for a notebook: every text of it escaped, each head with the meaning of its column."""
        shown = self.scan().head(SHOWN_ROWS).collect()
        described = tables.columns(self.declaration)
        heads = "".join(
            f'<th title="{escape(described[name].description)}">{escape(name)}</th>' for name in shown.columns
        )
        body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in shown.iter_rows())
        more = self.rows - shown.height
        foot = f"<p>and {more:,} more rows: <code>.read()</code></p>" if more > 0 else ""
        title = f"<p><b>{escape(self.name)}</b>: {escape(self.meaning)}</p>"
        return f"{title}<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{foot}"


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    cut = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
    return f"<td>{escape(cut)}</td>"


class LakeTables:
    """All tables of a lake, each an attribute: `lake.tables().win_rates`.

    Args:
        lake: The lake, as a tenant has it.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._by_name = {tables.name(table): table for table in lake.declared.tables}

    def __getattr__(self, name: str) -> LakeTable:
        # Notebooks ask for names of their own, which begin so.
        if name.startswith("_") or name not in self._by_name:
            raise AttributeError(f"There is no table {name!r}{near(name, list(self._by_name))}.")
        return LakeTable(self._lake, self._by_name[name])

    def __getitem__(self, name: str) -> LakeTable:
        """Return the table of that last or full name.

        Raises:
            TableNotFoundError: There is none; the words name a likely one.
        """
        last = name.rpartition(".")[2]
        table = self._by_name.get(last)
        if table is None or name not in (last, tables.full_name(table)):
            raise TableNotFoundError(f"There is no table {name!r}{near(last, list(self._by_name))}.")
        return LakeTable(self._lake, table)

    def __dir__(self) -> list[str]:
        """Return what a notebook completes."""
        return sorted(self._by_name)

    def __iter__(self) -> Iterator[LakeTable]:
        return (LakeTable(self._lake, table) for table in self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self))

    def _repr_html_(self) -> str:
        """Return the list of tables for a notebook."""
        rows = "".join(
            f"<tr><td><code>{escape(table.name)}</code></td><td>{table.rows:,}</td><td>{escape(table.meaning)}</td></tr>"
            for table in self
        )
        return f"<table><thead><tr><th>table</th><th>rows</th><th>a row tells</th></tr></thead><tbody>{rows}</tbody></table>"
