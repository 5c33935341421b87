"""Declare a further kind of outcome: subjects of a table, which are won at an age or not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from kaizenlake.tables.base import INSTANT, Table, build_class, column, table

PROJECT = ("tenant_id", "project_id")
SUBJECT = (*PROJECT, "subject_id")

NEEDED: dict[str, pl.DataType] = {
    **dict.fromkeys(SUBJECT, pl.String()),
    "started_at": INSTANT,
    "won_at": INSTANT,
}
"""Columns that the table of a kind must have, beside its dimensions: one row a subject, when it began, and when it was won."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OutcomeKind:
    """A kind of outcome, whose subjects stand in a table: a subject is won at an age if it was won within so many days.

    Args:
        name: Name of the kind, such as `webinar`: the `kind` of its rows in `win_rates`.
        table: One row a subject, with the columns of `NEEDED`; `won_at` is null for one that is not won yet.
        ages: Ages in days at which its subjects are looked at, the youngest first.
        dimensions: Columns of the table, texts, each of which has win rates of its values.
        strata: Those of them within which values are compared.
    """

    name: str
    table: type[Table]
    ages: tuple[int, ...]
    dimensions: tuple[str, ...]
    strata: tuple[str, ...] = ()

    @cached_property
    def subjects(self) -> type[Table]:
        """The table of its subjects at each age."""
        known = {
            "tenant_id": (pl.String, column("Tenant; null for events without one.", nullable=True)),
            "subject_id": (pl.String, column("What it is decided of.")),
            "age_days": (pl.Int64, column("Age at which it counts; 0 for its start.", unit="days", ge=0)),
            "started_at": (INSTANT, column("When the subject began.")),
            "won": (pl.Boolean, column("It was won within that age; null at its start.", nullable=True)),
            "is_latest": (pl.Boolean, column("It is the oldest age that the subject has reached.")),
            "project_id": (pl.String, column("Project; null where none was given.", nullable=True)),
            "industry": (pl.String, column("Industry of its project; null where unknown.", nullable=True)),
            "client_type": (pl.String, column("Kind of client of its project; null where unknown.", nullable=True)),
            "event_date": (pl.Date, column("UTC date on which it reached the age.")),
        }
        words = f"What is known of a {self.name}; null where unknown."
        known |= {name: (pl.String, column(words, nullable=True)) for name in self.dimensions}
        called = f"{self.name}_subjects".title().replace("_", "")
        made = build_class(called, f"One {self.name} at one age: was it won within that age?", known, module=__name__)
        return table(layer="gold", grain=(*SUBJECT, "age_days"), partition="event_date")(made)
