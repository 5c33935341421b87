"""Whether a lake holds what it claims: lines conserved, tables as declared, publications signed and whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kaizenlake import signing, tables
from kaizenlake.decide import golden, state
from kaizenlake.errors import ConservationError, KaizenError, TableInvalidError, VerificationError
from kaizenlake.lake.store import Lake
from kaizenlake.night.plan import batches
from kaizenlake.publish import alerts, documents, policies, skills
from kaizenlake.tables import Events, Landings, Table

ROWS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Args:
        name: What was checked.
        rows: Rows or documents looked at.
        error: What is wrong; None where it holds.
    """

    name: str
    rows: int
    error: KaizenError | None


def checks(lake: Lake) -> Iterator[Check]:
    """Check a lake, one thing after the other."""
    for table in tables.TABLES:
        if lake.exists(table):
            yield _attempt(tables.full_name(table), lake, table)
    yield _conservation(lake)
    yield from _signed(lake)
    if (lake.path(documents.FOLDER) / documents.INDEX).exists():
        yield _publication(lake)
    if (lake.path(documents.FOLDER) / policies.PLACE).is_dir():
        yield _policies(lake)
    if (lake.path(documents.FOLDER) / skills.PLACE).is_dir():
        yield _skills(lake)
    if (lake.path(documents.FOLDER) / alerts.FILE).exists():
        yield _alerts(lake)


def _attempt(name: str, lake: Lake, table: type[Table]) -> Check:
    rows = 0
    try:
        rows = lake.rows(table)
        for part in _parts(lake, table):
            tables.check(table, part)
        keys = tables.grain(table)
        distinct = lake.scan(table).select(pl.struct(keys).n_unique()).collect().item() if keys and rows else rows
        if distinct != rows:
            raise TableInvalidError(
                f"The grain ({', '.join(keys)}) is not unique: {rows - distinct} row(s) too many.", where=name
            )
    except KaizenError as error:
        return Check(name, rows, error)
    return Check(name, rows, None)


def _parts(lake: Lake, table: type[Table]) -> Iterator[pl.DataFrame]:
    by = tables.partition(table)
    if by is None:
        yield lake.scan(table).collect()
        return
    counted = lake.scan(table).group_by(by).agg(pl.len()).collect()
    for days in batches(dict(counted.iter_rows()), ROWS_AT_ONCE):
        yield lake.scan(table, days=days).collect()


def _conservation(lake: Lake) -> Check:
    landings = lake.scan(Landings)
    lost = pl.col("lines_in") - pl.col("landed") - pl.col("duplicate") - pl.col("quarantined")
    off = landings.filter(lost != 0).select("file", lost.alias("lost")).collect()
    files, landed = landings.select(pl.len(), pl.col("landed").sum()).collect().row(0)
    name = "lines in = landed + duplicate + quarantined"
    if off.height:
        return Check(
            name, files, ConservationError(f"{off.height} file(s) lost or invented lines.", where=off["file"][0])
        )
    # There may be more events: of a landing that was killed before it was booked, and of retries of the quarantine.
    if landed > (events := lake.rows(Events)):
        return Check(
            name, files, ConservationError(f"The landings count {landed} events, and the lake holds {events}.")
        )
    return Check(name, files, None)


def _signed(lake: Lake) -> Iterator[Check]:
    """Versions of policies and golden sets, each against the hash and the signature it was made with."""
    events = lake.scan(Events)
    key = golden.public_key_of(lake)
    found = state.read(events).policies
    if found.height:
        yield Check("versions of policies, as they were created", found.height, _broken_version(found, key))
    if sets := golden.golden_sets(events):
        broken = [problem for item in sets for problem in golden.problems(events, item, key)]
        yield Check("golden sets, as they were frozen", len(sets), VerificationError(broken[0]) if broken else None)


def _broken_version(versions: pl.DataFrame, key: Ed25519PublicKey | None) -> KaizenError | None:
    if key is None:
        return VerificationError("There is no key here to check the versions of policies with.", hint="Restore it.")
    for row in versions.iter_rows(named=True):
        try:
            signing.verified_policy(row, key)
        except VerificationError as error:
            return error
    return None


def _publication(lake: Lake) -> Check:
    name = "publication"
    try:
        found = documents.verify(lake)
    except KaizenError as error:
        return Check(name, 0, error)
    return Check(f"{name} {found.sequence}, signed by {found.key_id} ({found.key_source})", found.documents, None)


def _skills(lake: Lake) -> Check:
    name = "skill cards"
    try:
        found = skills.verify_skills(lake)
    except KaizenError as error:
        return Check(name, 0, error)
    return Check(f"{name}, signed by {found.key_id} ({found.key_source})", found.files, None)


def _policies(lake: Lake) -> Check:
    name = "policies of doers"
    try:
        found = policies.verify_policies(lake)
    except KaizenError as error:
        return Check(name, 0, error)
    return Check(f"{name}, signed by {found.key_id} ({found.key_source})", found.files, None)


def _alerts(lake: Lake) -> Check:
    try:
        found = alerts.verify_alerts(lake)
    except KaizenError as error:
        return Check("alerts", 0, error)
    return Check("alerts, as signed", found, None)
