"""Tenants of a lake: which there are, and the lake as one of them has it. A tenant is a wall."""

from __future__ import annotations

import shlex

import polars as pl

from kaizenlake.errors import PublishError, TenantNeededError, UsageError, VerificationError
from kaizenlake.events.rules import near
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.verified_lake import OF_THE_LAKE
from kaizenlake.tables import Events
from kaizenlake.vocabulary import plural

NAMED = 10
"""Most tenants that an error names."""


def tenants(lake: Lake) -> tuple[str | None, ...]:
    """Return tenants of a lake, by name; None stands for what names none, and comes first.

    They follow from the events that count and from decisions that name one, see `Believed`; a row that somebody wrote into
    the table makes none. Where no key is at hand to tell, it is what stands there.

    Args:
        lake: The lake, whole.
    """
    try:
        found = decisions.find_believed(lake)
    except (PublishError, VerificationError):
        return _there(lake)
    return found.tenants if found.attested.is_checked else _there(lake)


def _there(lake: Lake) -> tuple[str | None, ...]:
    """Return tenants that any event names."""
    named = lake.whole.scan(Events).filter(~pl.col("event_type").is_in(OF_THE_LAKE))
    found: list[str | None] = named.select(pl.col("tenant_id").unique()).collect()["tenant_id"].to_list()
    return tuple(sorted(found, key=lambda tenant: (tenant is not None, tenant or "")))


def views(lake: Lake) -> tuple[Lake, ...]:
    """Return the lake as each of its tenants has it; one view, of everything, where it has one tenant or none."""
    found = tenants(lake)
    if len(found) <= 1:
        return (lake.of(found[0] if found else None, is_walled=False),)
    return tuple(lake.of(tenant, is_walled=True) for tenant in found)


def view_of(lake: Lake, tenant: str | None = None, *, may_be_new: bool = False) -> Lake:
    """Return the lake as one tenant has it.

    Args:
        lake: The lake; one that is a tenant's already stays so.
        tenant: The tenant's id; an empty text for the events without one. None takes the only one that there is.
        may_be_new: A tenant of which there is no event yet is taken, too.

    Raises:
        TenantNeededError: The lake has several tenants, and none was named.
        UsageError: There is no such tenant; the words name a likely one.
    """
    if lake.is_a_view:
        if tenant is not None and (tenant or None) != lake.tenant:
            raise UsageError(f"This is the lake as the tenant {lake.tenant!r} has it, not {tenant!r}.")
        return lake
    found = tenants(lake)
    if tenant is None:
        if len(found) > 1:
            raise TenantNeededError(
                f"tenant needed: the lake has {plural(len(found), 'tenant')}.",
                hint=f"Name one with --tenant (tenant= in Python): {_list_tenants(found)}.",
            )
        return lake.of(found[0] if found else None, is_walled=False)
    wanted = tenant or None
    # What names no tenant is one by its events alone: a decision for it would be the founder's.
    if wanted not in found and not (may_be_new and (wanted is not None or not found)):
        names = [name for name in found if name is not None]
        raise UsageError(
            f"There is no event of the tenant {tenant!r}{near(tenant, names)}."
            if wanted
            else "There is no event without a tenant.",
            hint=f"There are {_list_tenants(found)}." if found else "The lake holds no events yet.",
        )
    return lake.of(wanted, is_walled=len({*found, wanted}) > 1)


def _list_tenants(found: tuple[str | None, ...]) -> str:
    """Return tenants as they are named on the command line; an empty text is what has none."""
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return (
        ", ".join('"" (events without a tenant)' if name is None else shlex.quote(name) for name in found[:NAMED])
        + more
    )
