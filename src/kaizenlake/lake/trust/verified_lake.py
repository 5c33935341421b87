"""What a lake holds as far as it is believed: decisions that verify, events that it landed, and the tenants of both."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import polars as pl

from kaizenlake.lake.store import Snapshot
from kaizenlake.lake.trust.attested import Attested

OF_THE_LAKE: tuple[str, ...] = ("LAKE_ADOPTED", "KEY_ROTATED", "PERSON_KEY_ADDED", "SUBJECT_FORGOTTEN")
"""Types of events that are about the lake itself, and so of no tenant."""


@dataclass(frozen=True)
class VerifiedLake:
    """What a lake holds at one moment, as far as it is believed.

    A tenant is one because events of it were landed, or because a decision names it. A decision that names none makes none:
    it is the founder's, the one tenant whose first event or decision is older than that of any other. Where events without
    a tenant were landed as well, such decisions are theirs that were taken since. Where the first events were of several
    tenants, there is no founder, and a decision that names none counts for nobody, unless there are events without one.

    Args:
        snapshot: The moment.
        decided: Decisions that verify, as they were signed.
        attested: The other events, as far as they count.
    """

    snapshot: Snapshot
    decided: pl.DataFrame
    attested: Attested

    @cached_property
    def first(self) -> dict[str | None, datetime]:
        """The tenants that follow from events, and from decisions that name one, with the instant of their first."""
        first = dict(self.attested.first)
        named = self._of_tenants.drop_nulls("tenant_id").group_by("tenant_id").agg(pl.col("landed_at").min())
        for tenant, at in named.iter_rows():
            first[tenant] = min(at, first.get(tenant, at))
        return first

    @cached_property
    def tenants(self) -> tuple[str | None, ...]:
        """The tenants by name; None stands for what names none, and comes first."""
        found = self.first.keys() or ({None} if self._of_tenants.height else set[str | None]())
        return tuple(sorted(found, key=lambda tenant: (tenant is not None, tenant or "")))

    @cached_property
    def founder(self) -> str | None:
        """The tenant to which decisions that name none belong; None where there is none, or it is what names none."""
        oldest = [tenant for tenant, at in self.first.items() if at == min(self.first.values())]
        return oldest[0] if len(oldest) == 1 else None

    @cached_property
    def decisions(self) -> pl.DataFrame:
        """Decisions that verify, each with the tenant that it belongs to."""
        if self.founder is None:
            return self.decided
        is_given = pl.col("tenant_id").is_null() & ~pl.col("event_type").is_in(OF_THE_LAKE)
        if None in self.first:
            is_given &= pl.col("landed_at") < self.first[None]
        return self.decided.with_columns(tenant_id=pl.when(is_given).then(pl.lit(self.founder)).otherwise("tenant_id"))

    @property
    def nobodys(self) -> int:
        """Number of decisions that name no tenant and belong to none, so that they count for nobody."""
        if None in self.tenants:
            return 0
        return self.decisions.filter(pl.col("tenant_id").is_null(), ~pl.col("event_type").is_in(OF_THE_LAKE)).height

    @property
    def mark(self) -> str:
        """Names what may count differently although no event of its day changed; empty where nothing may."""
        given = self.decided["tenant_id"].null_count() - self.decisions["tenant_id"].null_count()
        return "|".join((self.attested.mark, f"{given} of {self.founder}" if given else "")).strip("|")

    def scan(self, days: Collection[date] | None = None) -> pl.LazyFrame:
        """Return events that count, lazily.

        Args:
            days: Events of these days only.
        """
        others = self.attested.scan(self.snapshot, days)
        rows = self.decisions if days is None else self.decisions.filter(pl.col("event_date").is_in(sorted(days)))
        return others if rows.is_empty() else pl.concat([others, rows.lazy()])

    @cached_property
    def _of_tenants(self) -> pl.DataFrame:
        return self.decided.filter(~pl.col("event_type").is_in(OF_THE_LAKE))
