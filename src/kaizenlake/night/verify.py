"""Whether a lake holds what it claims: lines conserved, tables as declared, publications signed and whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import polars as pl

from kaizenlake import signing, tables
from kaizenlake.decide.record import state
from kaizenlake.decide.replays import golden
from kaizenlake.errors import ConservationError, KaizenError, TableInvalidError, VerificationError
from kaizenlake.lake.landing import batches as landed
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions
from kaizenlake.lake.trust.tenants import views
from kaizenlake.lake.trust.tombstones import count_forgotten
from kaizenlake.lake.upkeep import recount
from kaizenlake.night.plan import batches
from kaizenlake.publish.signed import alerts, documents, playbooks, policies, signed_folder, skills, text_models
from kaizenlake.publish.signed.tenants import of_several, verify_several
from kaizenlake.tables import Events, Landings, Table
from kaizenlake.vocabulary import plural

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
    for table in lake.declared.tables:
        if lake.exists(table):
            yield _attempt(tables.full_name(table), lake, table)
    yield _conservation(lake)
    for name, check in DECIDED:
        if (found := _check(name, check, lake)).rows or found.error is not None:
            yield found
    if of_several(lake.path(signed_folder.FOLDER)) is not None:
        yield _check("tenants that are published", _tenants, lake)
    for view in views(lake):
        of = f" of {view.tenant or 'events without a tenant'}" if view.is_walled else ""
        for place, name, check in PUBLISHED:
            if (view.path(signed_folder.FOLDER) / place).exists():
                found = _check(name, check, view)
                yield replace(found, name=f"{found.name}{of}")


def _check(name: str, check: Callable[[Lake], Check], lake: Lake) -> Check:
    """Return what a check found; an error that it raises is what is wrong."""
    try:
        return check(lake)
    except KaizenError as error:
        return Check(name, 0, error)


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
                f"The grain ({', '.join(keys)}) is not unique: {plural(rows - distinct, 'row')} too many.", where=name
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
            name,
            files,
            ConservationError(f"{plural(off.height, 'file')} lost or invented lines.", where=off["file"][0]),
        )
    if (again := recount.find_recounted(lake)).height:
        return Check(
            name,
            files,
            ConservationError(
                f"{plural(again.height, 'file')} counted {plural(int(again['again'].sum()), 'line')} as landed that a landing "
                "of the same name, killed before it was done, had brought.",
                where=again["file"][0],
                hint="`kaizen verify --mend` counts them as the duplicates that they are.",
            ),
        )
    # There may be more events: of a landing that was killed before it was booked, and of retries of the quarantine.
    if landed > (events := lake.rows(Events)) + count_forgotten(lake):
        return Check(
            name, files, ConservationError(f"The landings count {landed} events, and the lake holds {events}.")
        )
    return Check(name, files, None)


def _decisions(lake: Lake) -> Check:
    """Return every decision against its seal and the chain of them."""
    found = decisions.ledger(lake)
    rows = found.rows.height
    if found.problems:
        raise VerificationError(
            f"Not every decision is there as it was signed, and only those that are count: {signed_folder.first_problem(found.problems)}."
        )
    return Check("decisions, as they were signed one after the other", rows, None)


def _batches(lake: Lake) -> Check:
    """Return every event against the digest of the batch in which it was landed."""
    found = landed.verify(lake)
    if found.problems:
        raise VerificationError(
            f"The events are not as they were landed: {signed_folder.first_problem(found.problems)}."
        )
    return Check("events, as they were landed batch by batch", found.rows, None)


def _versions(lake: Lake) -> Check:
    """Return every version of a policy against the hash and the signature it was created with."""
    found = state.read(decisions.of(lake)).policies
    for row in found.iter_rows(named=True):
        signing.verify_policy(row, decisions.public_keys(lake))
    return Check("versions of policies, as they were created", found.height, None)


def _golden_sets(lake: Lake) -> Check:
    """Return every version of a golden set against the runs, the hash and the signature it was frozen with."""
    key, number = decisions.public_keys(lake), 0
    for view in views(lake):
        events = decisions.of(view)
        for item in golden.golden_sets(events):
            number += 1
            if broken := golden.problems(events, item, key):
                raise VerificationError(f"{'; '.join(broken)}.")
    return Check("golden sets, as they were frozen", number, None)


def _tenants(lake: Lake) -> Check:
    return Check("tenants, each in a folder of its own", verify_several(lake), None)


def _publication(lake: Lake) -> Check:
    found = documents.verify(lake)
    return Check(f"publication {found.sequence}, {_by(found)}", found.files, None)


def _skills(lake: Lake) -> Check:
    found = skills.verify_skills(lake)
    return Check(f"skill cards, {_by(found)}", found.files, None)


def _text_models(lake: Lake) -> Check:
    found = text_models.verify_text_models(lake)
    return Check(f"text models, {_by(found)}", found.files, None)


def _playbooks(lake: Lake) -> Check:
    found = playbooks.verify_playbooks(lake)
    return Check(f"playbooks, {_by(found)}", found.files, None)


def _policies(lake: Lake) -> Check:
    found = policies.verify_policies(lake)
    return Check(f"policies of agents, {_by(found)}", found.files, None)


def _alerts(lake: Lake) -> Check:
    return Check("alerts, as signed", alerts.verify_alerts(lake), None)


def _by(found: signed_folder.VerifiedFolder) -> str:
    return f"signed by {found.key_id} ({found.key_source})"


DECIDED: tuple[tuple[str, Callable[[Lake], Check]], ...] = (
    ("decisions", _decisions),
    ("events", _batches),
    ("versions of policies", _versions),
    ("golden sets", _golden_sets),
)
"""What decisions of the lake are signed: what it is, and its check."""

PUBLISHED: tuple[tuple[str, str, Callable[[Lake], Check]], ...] = (
    (documents.INDEX, "publication", _publication),
    (policies.PLACE, "policies of agents", _policies),
    (skills.PLACE, "skill cards", _skills),
    (text_models.PLACE, "text models", _text_models),
    (playbooks.PLACE, "playbooks", _playbooks),
    (alerts.FILE, "alerts", _alerts),
)
"""What may lie in the folder of publications: file or folder, what it is, and its check."""
