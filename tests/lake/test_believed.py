"""Which tenants a lake has and whose a decision is that names none, as they follow from what happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import polars as pl
import pytest

from kaizenlake import tables
from kaizenlake.lake.store import Snapshot
from kaizenlake.lake.trust.attested import Attested
from kaizenlake.lake.trust.verified_lake import VerifiedLake
from kaizenlake.tables import Events

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(place):
    return NOON + timedelta(hours=place)


def believed(happened):
    """What follows from things in their order: `decide:TENANT` and `land:TENANT,TENANT`, where `-` is no tenant."""
    decided, first = [], {}
    for place, (kind, _, names) in enumerate(item.partition(":") for item in happened):
        for name in names.split(","):
            tenant = None if name == "-" else name
            if kind == "land":
                first.setdefault(tenant, at(place))
            else:
                kind_of = "KEY_ROTATED" if kind == "rotate" else "POLICY_CREATED"
                decided.append(
                    {"event_id": f"d{place}", "event_type": kind_of, "tenant_id": tenant, "landed_at": at(place)}
                )
    rows = pl.DataFrame(decided, schema={**tables.schema(Events)})
    return VerifiedLake(Snapshot(Events, None), rows, Attested(first=first))


def owners(found):
    return dict(found.decisions.select("event_id", "tenant_id").iter_rows())


@pytest.mark.parametrize(
    ("happened", "tenants", "owner_of_first"),
    [
        ("", (), None),
        ("rotate:-", (), None),
        ("decide:-", (None,), None),
        ("land:-", (None,), None),
        ("decide:- land:-", (None,), None),
        ("decide:- land:x", ("x",), "x"),
        ("decide:- rotate:- land:x", ("x",), "x"),
        ("decide:- decide:x", ("x",), "x"),
        ("decide:- land:x land:y", ("x", "y"), "x"),
        ("decide:- land:y land:x", ("x", "y"), "y"),
        ("decide:- decide:x land:y", ("x", "y"), "x"),
        ("decide:- land:x decide:y", ("x", "y"), "x"),
        ("decide:- land:x land:-", (None, "x"), "x"),
        ("decide:- land:- land:x", (None, "x"), None),
        ("land:- decide:- land:x", (None, "x"), None),
        ("decide:- land:x,y", ("x", "y"), None),
        ("decide:- land:x,-", (None, "x"), None),
    ],
)
def test_tenants_follow_from_what_happened(happened, tenants, owner_of_first):
    found = believed(happened.split())
    assert found.tenants == tenants
    first = next((name for name in owners(found)), None)
    assert owners(found).get(first) == owner_of_first
    assert found.nobodys == (happened == "decide:- land:x,y")


def test_what_comes_later_takes_no_decision_from_the_tenant_it_belongs_to():
    things = ("decide:-", "land:x", "land:y", "land:-", "decide:y")
    for order in permutations(things):
        whose = []
        for end in range(len(order) + 1):
            found = believed(order[:end])
            named = {item.partition(":")[2] for item in order[:end]} - {"-"}
            assert set(found.tenants) - {None} == named
            assert (None in found.tenants) == ("land:-" in order[:end] or (not named and end > 0)), "by events alone"
            whose.append(owners(found).get(f"d{order.index('decide:-')}", "not yet taken"))
        first = order.index("land:-") < min(order.index(item) for item in ("land:x", "land:y", "decide:y"))
        is_theirs = first or order.index("decide:-") > order.index("land:-")
        founder = next(item[-1] for item in order if item not in {"decide:-", "land:-"})
        assert whose[-1] == (None if is_theirs else founder)
        assert [*dict.fromkeys(owner for owner in whose if owner != "not yet taken")] in (
            [None], [founder], [None, founder],
        ), "at most it gets an owner"  # fmt: skip


def test_a_decision_by_nobody_after_those_without_a_tenant_came_is_theirs():
    found = believed(["decide:-", "land:x", "land:-", "decide:-"])
    assert owners(found) == {"d0": "x", "d3": None}
