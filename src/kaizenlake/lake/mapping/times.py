"""When the events of a table happened: by its columns, or else by what is said of the whole file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import PurePath

import polars as pl

from kaizenlake.lake.mapping.document import Moment
from kaizenlake.lake.mapping.money import Exchange
from kaizenlake.lake.readers import json_cells


@dataclass(frozen=True)
class RowOrigin:
    """Where rows come from.

    Args:
        identity: SHA-256 of the content of the file, by which events are named that only their row names.
        name: Name of the file.
        modified: When it was last changed.
        occurred_at: Date or instant that was given for all its rows.
        exchange: What amounts of money are worth.
        head: The lines at the beginning of a CSV file, for a mapping that looks for its time there.
        salt: What ids are made with besides the rows, so that they cannot be guessed; see `lake.formats.IdSalt`.
    """

    identity: str
    name: str = ""
    modified: datetime | None = None
    occurred_at: str | None = None
    exchange: Exchange = field(default_factory=Exchange)
    head: str = ""
    salt: str = ""

    @property
    def mark(self) -> str:
        """What ids begin with that only a row of this file names."""
        return sha256((self.salt + self.identity).encode()).hexdigest() if self.salt else self.identity


def is_time(text: str) -> bool:
    """Return whether a text is a date, or an instant with its zone."""
    found = pl.select(
        json_cells.instant(pl.lit(text), "iso", None), day=pl.lit(text).str.to_date("%Y-%m-%d", strict=False)
    )
    return found["day"][0] is not None or found.to_series(0)[0].endswith('Z"')


def moment(said: Moment | None, origin: RowOrigin) -> tuple[pl.Expr, str]:
    """Return the time of each row as JSON, and where it is from where that is not a column of the table.

    Args:
        said: What the mapping says.
        origin: The file.
    """
    if said is None or (said.constant is not None and origin.occurred_at is not None):
        return json_cells.instant(pl.lit(origin.occurred_at, pl.String), "iso", "UTC"), "the option --occurred-at"
    zone = said.zone or "UTC"
    if said.constant is not None:
        return json_cells.instant(pl.lit(said.constant), "iso", zone), "a constant of the mapping"
    if said.file_name is not None:
        return json_cells.instant(
            pl.lit(find_in_name(said.file_name, origin.name)), said.file_name, zone
        ), "the file's name"
    if said.preamble is not None:
        return _before_header(said.preamble, origin, zone)
    if said.file_time:
        told = None if origin.modified is None else origin.modified.astimezone(UTC).isoformat()
        return json_cells.instant(pl.lit(told, pl.String), "iso", None), "when the file was last changed"
    return _of_columns(said, zone), ""


def _before_header(said: str | list[str], origin: RowOrigin, zone: str) -> tuple[pl.Expr, str]:
    for pattern in [said] if isinstance(said, str) else said:
        if (found := find_in(pattern, origin.head)) is not None:
            return json_cells.instant(pl.lit(found), pattern, zone), "the lines before the header"
    return json_cells.instant(pl.lit(origin.occurred_at, pl.String), "iso", "UTC"), "the option --occurred-at"


def _of_columns(said: Moment, zone: str) -> pl.Expr:
    if said.column is not None:
        return json_cells.instant(pl.col(said.column), said.format, said.zone)
    if said.columns is not None:
        # A time alone tells nothing.
        both = pl.when(pl.col(said.columns[0]).is_not_null()).then(
            pl.concat_str(said.columns, separator=" ", ignore_nulls=True)
        )
        return json_cells.instant(both, said.format, said.zone)
    if said.week is not None:
        return json_cells.iso_week(pl.col(said.week), zone)
    assert said.month is not None, "a mapping is checked when it is read"
    assert said.weekday is not None, "a mapping is checked when it is read"
    assert said.year is not None, "a mapping is checked when it is read"
    return json_cells.first_weekday_of_month(
        said.year,
        pl.col(said.month),
        pl.col(said.weekday),
        None if said.hour is None else pl.col(said.hour),
        day_one=said.first_weekday,
        zone=zone,
    )


_DIRECTIVES = {
    "Y": r"\d{4}",
    "m": r"\d{1,2}",
    "d": r"\d{1,2}",
    "H": r"\d{2}",
    "M": r"\d{2}",
    "S": r"\d{2}",
    "y": r"\d{2}",
}
_DIRECTIVES |= {"b": r"[A-Za-z]{3}", "B": r"[A-Za-z]+", "j": r"\d{3}"}


def find_in_name(pattern: str, name: str) -> str | None:
    """Return the part of a file's name that a pattern such as `%Y-%m-%d` fits; the last, where it fits several.

    >>> find_in_name("%Y-%m-%d", "exports/posts_2026-07-01.csv")
    '2026-07-01'
    """
    return find_in(pattern, PurePath(name).name)


def find_in(pattern: str, text: str) -> str | None:
    """Return the part of a text that a pattern fits; the last, where it fits several."""
    spelled = "".join(
        _DIRECTIVES.get(part[1], r".+?") if part.startswith("%") else re.escape(part)
        for part in re.findall(r"%.|[^%]+", pattern)
    )
    before = r"(?<!\d)" if pattern.startswith("%") else ""
    found = re.findall(rf"{before}(?:{spelled})(?!\d)", text)
    return found[-1] if found else None
