"""Whom a lake believes: adopt what an older lake left unsigned, rotate the lake's key, and take keys of persons."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kaizenlake import signing
from kaizenlake.context import SUCCESSION
from kaizenlake.decide.record.command_words import check_texts
from kaizenlake.errors import GateError, UsageError, VerificationError
from kaizenlake.events.write.log import Line, event_line
from kaizenlake.lake import files, formats, lock
from kaizenlake.lake.landing import batches
from kaizenlake.lake.store import PUBLISHED, Lake
from kaizenlake.lake.trust import attested, decisions, digests, keys
from kaizenlake.tables import Events
from kaizenlake.tables.policy_rows import PolicyVersion

SOURCE = "kaizen keys"
SCHEMA = "kaizen-key-succession"
NEXT = "next_ed25519.pem"
"""File in `keys/` of the key that is about to sign, while it is put in place."""


@dataclass(frozen=True)
class Adopted:
    """What was adopted from a lake of an older format.

    Args:
        former_format: Format that it had.
        decisions: Decisions without a seal.
        events: Other events.
    """

    former_format: int
    decisions: int
    events: int


def adopt(lake: Lake, *, by: str, reason: str | None = None, system_user: str | None = None) -> Adopted | None:
    """Bring a lake of an older format to this one, by one signed decision that vouches for what stands there.

    Args:
        lake: The lake, opened by `Lake(…)`.
        by: The person who vouches.
        reason: Why, in words.
        system_user: Name under which the operating system knows who asks.

    Returns:
        What was adopted; None where the lake has this format already.

    Raises:
        LakeError: A newer version wrote the lake, or it cannot be read.
        LockedError: A night or a landing runs.
        PublishError: The lake's key was lost, or others may read it.
    """
    check_texts(by=by, reason=reason)
    with lock.hold(lake.path(), "kaizen migrate"):
        lake.is_migrating = True
        try:
            handle = lake.snapshot(Events).handle
            if handle is None:
                return None
            if formats.version_of(handle) >= formats.FORMAT:
                formats.check(handle, str(lake.root))
                return None
            former = formats.version_of(handle)
            marks = decisions.find_unsigned_marks(lake)
            events = batches.digest_unsealed(lake)
            payload = {
                "former_format": former,
                "decisions_count": len(marks),
                "events_count": events.rows,
                "events_sha256": events.digest,
                "decided_by": by,
                "system_user": system_user,
                "reason": reason,
            }
            _append(lake, "LAKE_ADOPTED", payload, metadata={"adopted": sorted(marks)})
            return Adopted(former, len(marks), events.rows)
        finally:
            lake.is_migrating = False


def accept_missing(lake: Lake, *, by: str, reason: str | None, system_user: str | None = None) -> tuple[str, ...]:
    """Go on without decisions that are lost for good, by a signed decision of a person.

    Args:
        by: The person.
        reason: Why, in words.
        system_user: Name under which the operating system knows who asks.

    Returns:
        What was missing, in words; nothing where nothing was.

    Raises:
        UsageError: No reason was given.
        LockedError: A night or a landing runs.
        PublishError: The lake's key was lost, or others may read it.
    """
    check_texts(by=by, reason=reason)
    if not (reason or "").strip():
        raise UsageError("To go on without decisions needs a reason.", hint="Say it with --reason.")
    with lock.hold(lake.path(), "kaizen verify --accept-missing"):
        found = decisions.ledger(lake)
        if not found.gaps:
            return ()
        # What was put there since is not adopted with it.
        events = decisions.find_vouched(found).adopted or digests.whole({})
        payload = {
            "former_format": formats.FORMAT,
            "decisions_count": 0,
            "events_count": events.rows,
            "events_sha256": events.digest,
            "decided_by": by,
            "system_user": system_user,
            "reason": reason,
        }
        said = {"missing": sorted(found.missing.missing), "lost": sorted(found.missing.lost)}
        _append(lake, "LAKE_ADOPTED", payload, metadata=said, is_mending=True)
        return found.gaps


@dataclass(frozen=True)
class Rotated:
    """What a rotation did.

    Args:
        key_id: Key that signs now.
        former_key_id: Key that signed before; None where it was lost, so that readers have to be given the new one.
        files: Published files that were signed anew.
        public_key: Where the new public key lies.
        adopted: Events of no batch for which the new key vouches besides those that a person adopted before.
        unsigned: Events of no batch for which nothing vouches, so that they count for nothing.
    """

    key_id: str
    former_key_id: str | None
    files: int
    public_key: Path
    adopted: int
    unsigned: int


def rotate(
    lake: Lake,
    *,
    by: str,
    reason: str | None = None,
    system_user: str | None = None,
    adopts: bool = False,
) -> Rotated:
    """Give a lake another key, which vouches for every decision and batch until then, and sign anew what is published.

    The old key signs the statement by which readers follow to the new one, where it is there.

    Args:
        by: Who asks.
        reason: Why, in words.
        system_user: Name under which the operating system knows who asks.
        adopts: Vouch also for the events of no batch, such as were landed while no key was at hand.

    Raises:
        LockedError: A night or a landing runs.
        PublishError: A key cannot be read or written.
        VerificationError: What stands does not verify; the key stays as it was.
    """
    check_texts(by=by, reason=reason)
    folder = lake.path(keys.FOLDER)
    path = folder / signing.KEY_NAME
    with lock.hold(lake.path(), "kaizen keys rotate"):
        found = decisions.ledger(lake)
        found.check_whole()
        trust = keys.trust(lake)
        former = signing.read_private_key(path) if path.exists() else None
        (folder / NEXT).unlink(missing_ok=True)
        new = Ed25519PrivateKey.generate()
        new_id, former_id = signing.key_id(new.public_key()), None if former is None else trust.own
        signing.write_private_key(folder / NEXT, new)
        if trust.own is not None:
            pem = signing.public_pem(trust.keys[trust.own])
            files.write_atomic(folder / keys.FORMER / f"{trust.own}.pem", pem)
        if former is not None:
            _write_succession(lake, former, new.public_key())
        os.replace(folder / NEXT, path)  # noqa: PTH105 - as one step
        former_events = decisions.find_vouched(found).adopted or digests.whole({})
        unsigned = batches.digest_unsealed(lake)
        events = unsigned if adopts else former_events
        snapshot = lake.hold(Events)
        has_batches = snapshot.transaction(keys.BATCH_HEAD) is not None
        payload = {
            "former_key_id": former_id,
            "key_id": new_id,
            "events_count": events.rows,
            "events_sha256": events.digest,
            "batch_sha256": attested.head_hash(snapshot) if has_batches else None,
            "decided_by": by,
            "system_user": system_user,
            "reason": reason,
        }
        _append(lake, "KEY_ROTATED", payload)
        number = _sign_anew(lake.path(PUBLISHED), trust, new)
    return Rotated(
        new_id,
        former_id,
        number,
        lake.path().joinpath(*signing.PUBLISHED_KEY),
        adopted=max(events.rows - former_events.rows, 0),
        unsigned=max(unsigned.rows - events.rows, 0),
    )


def _append(
    lake: Lake,
    kind: str,
    payload: Mapping[str, Any],
    metadata: Mapping[str, Any] | None = None,
    *,
    is_mending: bool = False,
) -> None:
    now = datetime.now(UTC)
    name = hashlib.sha256(signing.canonical([kind, dict(payload), now.isoformat()])).hexdigest()[:32]

    def decide(_: pl.LazyFrame) -> list[Line]:
        return [
            event_line(
                kind,
                payload,
                event_id=f"trust-{name}",
                occurred_at=now,
                is_decision=True,
                metadata=metadata,
            )
        ]

    decisions.append(lake.whole, decide, source=SOURCE, now=now, is_mending=is_mending)


def _write_succession(lake: Lake, former: Ed25519PrivateKey, new: Ed25519PublicKey) -> None:
    """Write the statement that one key follows another, into every folder that readers check by a key."""
    signed = {
        "schema": SCHEMA,
        "version": 1,
        "from": signing.key_id(former.public_key()),
        "to": signing.key_id(new),
        "public_key": signing.public_pem(new).decode("ascii"),
        "rotated_at": datetime.now(UTC).isoformat(),
    }
    statement = {"signed": signed, "signature": signing.sign(signed, former)}
    published = lake.path(PUBLISHED)
    for public in {published / signing.PUBLISHED_KEY[1], *_public_keys(published)}:
        file = public.with_name(SUCCESSION)
        try:
            statements = json.loads(file.read_bytes())["successions"]
        except (OSError, ValueError, KeyError, TypeError):
            statements = []
        content = json.dumps({"successions": [*statements, statement]}, indent=1)
        files.write_atomic(file, content.encode())


def _public_keys(published: Path) -> Iterator[Path]:
    yield from published.rglob(signing.PUBLISHED_KEY[1])


def _sign_anew(published: Path, trust: keys.Trust, new: Ed25519PrivateKey) -> int:
    """Sign every published file by another key; one that the lake did not sign stays as it is."""
    number = 0
    for path in sorted(published.rglob("*.json")):
        content = path.read_bytes()
        try:
            found = json.loads(content)
            signed, signature = found["signed"], found["signature"]
            signing.check_signature(signed, signature, trust.keys)
        except (ValueError, KeyError, TypeError, RecursionError, VerificationError):
            continue
        indent = 2 if content.startswith(b'{\n  "') else 1
        whole = {"signed": signed, "signature": signing.sign(signed, new)}
        files.write_atomic(path, json.dumps(whole, indent=indent, ensure_ascii=False).encode("utf-8"))
        number += 1
    for path in {published / signing.PUBLISHED_KEY[1], *_public_keys(published)}:
        files.write_atomic(path, signing.public_pem(new.public_key()))
    return number


def add_person(
    lake: Lake, person: str, public_key: bytes, *, by: str, where: str = "", system_user: str | None = None
) -> str:
    """Take the public key of a person, whose signature an approval may need.

    Args:
        person: The person, as the settings name approvers.
        public_key: Ed25519 key in PEM.
        by: Who asks.
        where: Where the key comes from, for an error.
        system_user: Name under which the operating system knows who asks.

    Returns:
        Its id.

    Raises:
        UsageError: A text is none, or the person has none.
        VerificationError: It is no public key.
    """
    check_texts(name=person, by=by)
    if not person.strip():
        raise UsageError("Say whose key it is.")
    key = signing.public_key(public_key, where or "the key that was given")
    payload = {
        "person": person.strip(),
        "public_key": signing.public_pem(key).decode("ascii"),
        "key_id": signing.key_id(key),
        "decided_by": by,
        "system_user": system_user,
    }
    _append(lake, "PERSON_KEY_ADDED", payload)
    return signing.key_id(key)


def make_person_key(lake: Lake, path: Path) -> bytes:
    """Make a key for a person, of which the private half is theirs alone.

    Args:
        lake: The lake, in which the private half may not lie.
        path: Where it is written, readable by its owner alone.

    Returns:
        The public half in PEM.

    Raises:
        UsageError: It would lie in the lake, or something lies there.
        PublishError: It cannot be written.
    """
    if path.absolute().resolve().is_relative_to(lake.path().resolve()):
        raise UsageError(
            "The private key of a person does not belong into the lake, whose users could read it.",
            where=str(path),
            hint="Name a file of the person's own, such as ~/.kaizen/ann.pem.",
        )
    key = Ed25519PrivateKey.generate()
    if not signing.write_private_key(path, key):
        raise UsageError("A file is there already, and a key is not written over.", where=str(path))
    return signing.public_pem(key.public_key())


@dataclass(frozen=True)
class Person:
    """A person whose key the lake knows.

    Args:
        person: The person.
        key_id: The key.
        public_key: It, in PEM.
        added_by: Who added it.
        added_at: When.
    """

    person: str
    key_id: str
    public_key: str
    added_by: str
    added_at: datetime


def persons(lake: Lake) -> dict[str, Person]:
    """Return persons whose key the lake knows, each with the latest.

    Raises:
        PublishError: The lake's key may be read by others, or is none.
        VerificationError: A public key is none.
    """
    found: dict[str, Person] = {}
    rows = decisions.ledger(lake).rows.filter(event_type="PERSON_KEY_ADDED")
    for text, at in rows.select("payload", "occurred_at").iter_rows():
        said = json.loads(text)
        found[said["person"]] = Person(said["person"], said["key_id"], said["public_key"], said["decided_by"], at)
    return found


def sign_approval(lake: Lake, content: Mapping[str, Any], person: str, key: Path | None) -> dict[str, str]:
    """Sign an approval as a person that the settings name.

    Args:
        content: What is approved.
        person: Who approves.
        key: File with the person's private key; None where none was given.

    Returns:
        Fields of the approval: `approver_key_id` and `approver_signature`; none where the settings name no approvers.

    Raises:
        GateError: The person is no approver, or has no key here, or the key is another.
        PublishError: The key cannot be read, or others may read it.
    """
    approvers = lake.settings.promotion.approvers
    if not approvers and key is None:
        return {}
    if approvers and person not in approvers:
        raise GateError(
            f"{person} may not approve: the settings name {', '.join(approvers)}.",
            hint="The setting is promotion.approvers.",
        )
    known = persons(lake).get(person)
    if known is None:
        raise GateError(f"The lake knows no key of {person}.", hint="`kaizen keys add NAME` takes one.")
    if key is None:
        raise GateError(
            f"An approval by {person} needs their signature, since the settings name approvers.",
            hint="Give --key FILE with their private key.",
        )
    private = signing.read_private_key(key)
    if signing.key_id(private.public_key()) != known.key_id:
        raise GateError(
            f"The key {signing.key_id(private.public_key())} is not that of {person}, which is {known.key_id}."
        )
    signature = signing.sign(dict(content), private)
    return {"approver_key_id": signature["key_id"], "approver_signature": signature["value"]}


def approval(lake: Lake, version: PolicyVersion, person: str, at: datetime, tenant: str | None) -> dict[str, Any]:
    """Return what a person signs who approves a version.

    Args:
        lake: The lake, as the tenant has it.
        person: Who approves.
        at: When.
        tenant: Tenant for which it is approved.
    """
    return {
        "kind": "approval",
        "lake": Lake.identity(lake.hold(Events)),
        "tenant_id": tenant,
        "policy_id": version.policy_id,
        "policy_version": version.policy_version,
        "content_sha256": version.content_sha256,
        "approver": person,
        "approved_at": at.astimezone(UTC).isoformat(),
    }


def is_signed(lake: Lake, version: PolicyVersion) -> bool:
    """Return whether the latest approval of a version carries the signature of a person that the settings name.

    Args:
        lake: The lake, as the tenant has it.
        version: The version, which was approved.
    """
    person, at = version.approved_by, version.approved_at
    known = persons(lake).get(person or "")
    if person is None or at is None or known is None or person not in lake.settings.promotion.approvers:
        return False
    key = signing.public_key(known.public_key.encode(), person)
    # What was approved before there was a tenant names none, and is the founder's.
    found = decisions.find_believed(lake)
    rows = found.decided.with_columns(owner=found.decisions["tenant_id"]).filter(
        pl.col("owner").eq_missing(pl.lit(lake.tenant, pl.String)), event_type="POLICY_APPROVED", occurred_at=at
    )
    return any(
        signs(json.loads(text), approval(lake, version, person, at, tenant), key)
        for text, tenant in rows.select("payload", "tenant_id").iter_rows()
    )


def signs(said: Mapping[str, Any], content: Mapping[str, Any], key: Ed25519PublicKey) -> bool:
    """Return whether an approval carries the signature of a key over what is approved.

    Args:
        said: Payload of the approval.
        content: What is approved.
        key: Public key of the person.
    """
    signature = {
        "algorithm": signing.ALGORITHM,
        "key_id": said.get("approver_key_id"),
        "value": said.get("approver_signature"),
    }
    try:
        signing.check_signature(dict(content), signature, key)
    except VerificationError:
        return False
    return True
