"""Golden sets: runs that were frozen and signed, in versions, so that every candidate is replayed on the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from kaizenlake import signing
from kaizenlake.decide.record.command_words import check_texts, write_command
from kaizenlake.decide.record.lines import decision_line
from kaizenlake.decide.replays.logged_runs import run_events, some_of
from kaizenlake.errors import UsageError, VerificationError
from kaizenlake.events.rules import near
from kaizenlake.events.write.log import Line
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import decisions, keys
from kaizenlake.lake.trust.tenants import view_of
from kaizenlake.vocabulary import plural

SOURCE = "kaizen golden"
MOST_RUNS = 10_000
"""Runs that one event can name."""

_MARK = 16


@dataclass(frozen=True)
class GoldenSet:
    """One version of a golden set.

    Args:
        golden_set_id: Its name.
        golden_set_version: Its version, from 1.
        doer: Agent whose runs it holds.
        runs: Their names, in order.
        content_sha256: SHA-256 of the canonical JSON of all that, with a hash of what each run said.
        signature: Ed25519 signature of that JSON, in base64.
        key_id: Key that signed it.
        frozen_at: When it was frozen.
        frozen_by: Who asked for it.
        reason: Why; None where not given.
        marks: First digits of the hash of each run, which tell the runs that changed.
    """

    golden_set_id: str
    golden_set_version: int
    doer: str
    runs: tuple[str, ...]
    content_sha256: str
    signature: str
    key_id: str
    frozen_at: datetime
    frozen_by: str
    reason: str | None
    marks: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name and version, as people write them."""
        return f"{self.golden_set_id}@{self.golden_set_version}"


@dataclass(frozen=True)
class Filters:
    """Which runs of a doer are frozen; what is not given leaves all in.

    Args:
        since: First UTC day on which they ended.
        until: Last such day.
        outcome: How they ended, as they say it.
        run_ids: These runs only, each of which must be there.
        at_most: Most runs; of more a sample by hash is drawn, of which a larger one is a superset.
        seed: Seed of that sample.
    """

    since: date | None = None
    until: date | None = None
    outcome: str | None = None
    run_ids: tuple[str, ...] = ()
    at_most: int | None = None
    seed: int = 0


def freeze(
    lake: Lake,
    golden_set_id: str,
    *,
    doer: str,
    by: str,
    filters: Filters = Filters(),
    reason: str | None = None,
    now: datetime | None = None,
) -> tuple[GoldenSet, bool]:
    """Freeze runs of a doer as the next version of a golden set.

    Args:
        lake: The lake, whose key signs it.
        golden_set_id: Name of the set.
        doer: Agent whose runs it holds.
        by: Who asks.
        filters: Which runs.
        reason: Why, in words.
        now: Aware instant of the clock; the clock's by default.

    Returns:
        The version, and whether it is new: where the newest version holds the same runs, that one is returned.

    Raises:
        UsageError: No run fits, too many do, a run that was named is not there, the set is of another doer, or a text is
            none that can be kept.
    """
    lake = view_of(lake)
    check_texts(name=golden_set_id, doer=doer, by=by, reason=reason, outcome=filters.outcome)
    for run in filters.run_ids:
        check_texts(run=run)
    if "@" in golden_set_id:
        raise UsageError(
            f"The name of a golden set holds no @, which parts it from its version; found {golden_set_id!r}."
        )
    stamp = now or datetime.now(UTC)
    key = keys.private_key(lake)
    made: GoldenSet | None = None
    is_new = False

    def decide(events: pl.LazyFrame) -> list[Line]:
        nonlocal made, is_new
        hashes = _choose_runs(events, doer, filters, stamp)
        last = max(
            (item for item in golden_sets(events) if item.golden_set_id == golden_set_id), key=_version, default=None
        )
        if last is not None and last.doer != doer:
            raise UsageError(
                f"The golden set {golden_set_id!r} holds runs of {last.doer!r}, not of {doer!r}.",
                hint="Give the set of another agent another name.",
            )
        if last is not None and last.content_sha256 == _sha(_gather_content(last, hashes)):
            made, is_new = last, False
            return []
        blank = GoldenSet(
            golden_set_id=golden_set_id,
            golden_set_version=1 if last is None else last.golden_set_version + 1,
            doer=doer,
            runs=tuple(hashes),
            content_sha256="",
            signature="",
            key_id=signing.key_id(key.public_key()),
            frozen_at=stamp if last is None else max(stamp, last.frozen_at),
            frozen_by=by,
            reason=reason,
            marks=tuple(value[:_MARK] for value in hashes.values()),
        )
        content = _gather_content(blank, hashes)
        made = replace(blank, content_sha256=_sha(content), signature=signing.sign(content, key)["value"])
        is_new = True
        return [_line(lake, made)]

    decisions.append(lake, decide, source=SOURCE, now=stamp)
    assert made is not None, "decide was called"
    return made, is_new


def golden_sets(events: pl.LazyFrame) -> list[GoldenSet]:
    """Return every version of every golden set, in the order of their names and versions; what was frozen first is the version.

    Args:
        events: Rows of `bronze.events`.
    """
    rows = (
        events.filter(pl.col("event_type") == "GOLDEN_SET_FROZEN")
        .select("occurred_at", "event_id", "payload", "metadata")
        .collect()
        .sort("occurred_at", "event_id")
    )
    found: dict[tuple[str, int], GoldenSet] = {}
    for at, _, text, more in rows.iter_rows():
        said = json.loads(text)
        marks = json.loads(more).get("marks", []) if more else []
        item = GoldenSet(
            golden_set_id=said["golden_set_id"],
            golden_set_version=said["golden_set_version"],
            doer=said["doer"],
            runs=tuple(said["golden_runs"]),
            content_sha256=said["content_sha256"],
            signature=said["signature"],
            key_id=said["key_id"],
            frozen_at=at,
            frozen_by=said["decided_by"],
            reason=said.get("reason"),
            marks=tuple(marks),
        )
        found.setdefault((item.golden_set_id, item.golden_set_version), item)
    return [found[name] for name in sorted(found)]


def newest(events: pl.LazyFrame, doer: str | None = None) -> list[GoldenSet]:
    """Return the newest version of each golden set, of one doer or of all."""
    latest = {item.golden_set_id: item for item in golden_sets(events)}
    return [item for item in latest.values() if doer is None or item.doer == doer]


def choose(
    events: pl.LazyFrame,
    doer: str,
    asked: str | None,
    *,
    all_runs: bool = False,
    replayed: tuple[str, str] = ("POLICY", "VERSION"),
) -> GoldenSet | None:
    """Return the golden set on which a candidate of a doer is replayed; None for all of its runs.

    Args:
        events: Rows of `bronze.events`.
        asked: `name` (its newest version) or `name@version`; None takes the only set of the doer, if it has one.
        all_runs: Take none.
        replayed: Policy and version that are replayed, for the words of an error.

    Raises:
        UsageError: There is no such set, it is of another doer, or the doer has several and none was named.
    """
    if all_runs:
        if asked is not None:
            raise UsageError("Give a golden set or all runs, not both.")
        return None
    if asked is None:
        own = newest(events, doer)
        if len(own) > 1:
            names = ", ".join(item.golden_set_id for item in own)
            way = write_command("policy", "replay", *replayed, "--golden", own[0].golden_set_id)
            raise UsageError(f"{doer!r} has {len(own)} golden sets: {names}.", hint=f"Name one, as in {way}.")
        return own[0] if own else None
    found = find(events, asked)
    if found.doer != doer:
        raise UsageError(f"The golden set {found.name} holds runs of {found.doer!r}, the policy is of {doer!r}.")
    return found


def find(events: pl.LazyFrame, asked: str) -> GoldenSet:
    """Return a golden set by `name` (its newest version) or `name@version`.

    Raises:
        UsageError: There is none; the words name the likely one.
    """
    every = golden_sets(events)
    by_name = {item.golden_set_id: item for item in every} | {item.name: item for item in every}
    if asked not in by_name:
        raise UsageError(
            f"There is no golden set {asked!r}{near(asked, by_name)}.",
            hint="`kaizen golden list` lists them, `kaizen golden freeze NAME --doer DOER` makes one.",
        )
    return by_name[asked]


def public_key_of(lake: Lake) -> signing.Keys | None:
    """Return the public half of the lake's own key, and of those before it; None where it has none, as in a copy."""
    return decisions.public_keys(lake) if (lake.path(keys.FOLDER) / signing.KEY_NAME).exists() else None


def problems(events: pl.LazyFrame, golden_set: GoldenSet, key: signing.Keys | None) -> tuple[str, ...]:
    """Return what is not as it was frozen, a sentence each: runs lost or changed since, the content, the signature.

    Args:
        events: Rows of `bronze.events`.
        golden_set: The version to check.
        key: Key that must have signed it; None, where none is at hand, is a problem too.
    """
    found = []
    hashes = _gather_hashes(run_events(events, doer=golden_set.doer, as_of=_ALWAYS, run_ids=golden_set.runs))
    marks = dict(zip(golden_set.runs, golden_set.marks, strict=False))
    lost = [run for run in golden_set.runs if run not in hashes]
    changed = [
        run for run in golden_set.runs if run in hashes and marks.get(run, hashes[run][:_MARK]) != hashes[run][:_MARK]
    ]
    if lost:
        found.append(f"golden set {golden_set.name}: {plural(len(lost), 'run')} no longer in the lake: {some_of(lost)}")
    if changed:
        found.append(f"golden set {golden_set.name}: {plural(len(changed), 'run')} changed since: {some_of(changed)}")
    content = _gather_content(golden_set, {run: hashes.get(run, "") for run in golden_set.runs})
    if not found and _sha(content) != golden_set.content_sha256:
        found.append(f"golden set {golden_set.name}: its content is not what was frozen")
    if found:
        # The signature is over the content: one that changed has none.
        return tuple(found)
    if key is None:
        return (f"golden set {golden_set.name}: there is no key to check its signature with",)
    signature = {"algorithm": signing.ALGORITHM, "key_id": golden_set.key_id, "value": golden_set.signature}
    try:
        signing.check_signature(content, signature, key)
    except VerificationError:
        named = f"it names the key {golden_set.key_id}, it was checked with {signing.ids_of(key)}"
        return (f"golden set {golden_set.name}: its signature does not hold; {named}",)
    return ()


_ALWAYS = datetime(9999, 1, 1, tzinfo=UTC)


def _version(item: GoldenSet) -> int:
    return item.golden_set_version


def _choose_runs(events: pl.LazyFrame, doer: str, filters: Filters, now: datetime) -> dict[str, str]:
    """Return runs that the filters leave, in order, with their hashes.

    Raises:
        UsageError: None fits, too many do, or one that was named is not there.
    """
    runs = run_events(events, doer=doer, as_of=now + timedelta(microseconds=1), run_ids=filters.run_ids or None)
    runs = runs.filter(pl.col("event_type") == "RUN_COMPLETED")
    if filters.since is not None:
        runs = runs.filter(pl.col("event_date") >= filters.since)
    if filters.until is not None:
        runs = runs.filter(pl.col("event_date") <= filters.until)
    if filters.outcome is not None:
        said = pl.col("payload").str.json_decode(pl.Struct({"outcome": pl.String()})).struct.field("outcome")
        runs = runs.filter(said == filters.outcome)
    names = runs.select("run_id").unique().collect()["run_id"].to_list()
    if lacking := set(filters.run_ids) - set(names):
        raise UsageError(
            f"{len(lacking)} of the runs that were named are no runs of {doer!r} that fit: {some_of(sorted(lacking))}."
        )
    if not names:
        raise UsageError(f"No run of {doer!r} fits.", hint="`kaizen show crl` lists runs with their agents and days.")
    if filters.at_most is not None and len(names) > filters.at_most:
        names.sort(key=lambda name: (hashlib.sha256(f"{filters.seed}\x1f{name}".encode()).digest(), name))
        names = names[: filters.at_most]
    if len(names) > MOST_RUNS:
        raise UsageError(
            f"{len(names):,} runs fit, a golden set holds at most {MOST_RUNS:,}.", hint="Draw a sample: --at-most 1000."
        )
    # Whatever was filtered, all that a run ever said belongs to it.
    hashes = _gather_hashes(run_events(events, doer=doer, as_of=_ALWAYS, run_ids=names))
    return {name: hashes[name] for name in sorted(names)}


def _gather_hashes(bronze: pl.LazyFrame) -> dict[str, str]:
    """Return SHA-256 of everything that each run said, over the canonical JSON of its events."""
    rows = (
        bronze.select(
            "run_id",
            "event_id",
            pl.col("occurred_at").dt.epoch("us").alias("micros"),
            "project_id",
            "tenant_id",
            "payload",
            "metadata",
            "payload_hash",
        )
        .collect()
        .sort("run_id", "event_id")
    )
    said: dict[str, list[Any]] = {}
    for run, *event in rows.iter_rows():
        said.setdefault(run, []).append(event)
    return {run: _sha(events) for run, events in said.items()}


def _gather_content(item: GoldenSet, hashes: Mapping[str, str]) -> dict[str, Any]:
    """Return what a version's hash and signature are of."""
    return {
        "golden_set_id": item.golden_set_id,
        "golden_set_version": item.golden_set_version,
        "doer": item.doer,
        "runs": [[run, value] for run, value in hashes.items()],
    }


def _sha(value: Any) -> str:
    return hashlib.sha256(signing.canonical(value)).hexdigest()


def _line(lake: Lake, item: GoldenSet) -> Line:
    payload = {
        "golden_set_id": item.golden_set_id,
        "golden_set_version": item.golden_set_version,
        "doer": item.doer,
        "golden_runs": list(item.runs),
        "content_sha256": item.content_sha256,
        "signature": item.signature,
        "key_id": item.key_id,
        "decided_by": item.frozen_by,
        "reason": item.reason,
    }
    return decision_line(
        lake,
        "GOLDEN_SET_FROZEN",
        payload,
        event_id=f"golden-{item.content_sha256[:32]}",
        occurred_at=item.frozen_at,
        metadata={"marks": list(item.marks)},
    )
