"""The skill cards published: one signed file a doer, the context of whoever generates as that doer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

import kaizenlake
from kaizenlake import signing, tables
from kaizenlake.context import file_name
from kaizenlake.errors import PublishError, VerificationError
from kaizenlake.lake import files
from kaizenlake.lake.store import Lake
from kaizenlake.publish import skill_file as model
from kaizenlake.publish.context import NOTICE, Provenance
from kaizenlake.publish.documents import FOLDER, PUBLIC_KEY, alone, verifying_key, write_once
from kaizenlake.publish.skill_data import READ, skills

PLACE = "skills"
SCHEMA_FILE = f"schema/{model.SCHEMA}-{model.VERSION}.schema.json"

OF_THE_RUN = ("generated_at", "valid_until", "provenance")
"""What a file says of the run that wrote it, and not of the doer."""

_VALIDATOR = jsonschema_rs.Draft202012Validator(model.json_schema())


@dataclass(frozen=True)
class PublishedSkills:
    """What a publication of skill cards did.

    Args:
        doers: Doers that have a file.
        written: Files that were written or removed; 0 where nothing changed and each is good for long enough.
    """

    doers: int
    written: int


@dataclass(frozen=True)
class VerifiedSkills:
    """What was verified.

    Args:
        files: Files whose name, schema and signature were checked.
        key_id: Name of the key that signed them.
        key_source: Where the public key came from.
    """

    files: int
    key_id: str
    key_source: str


def publish_skills(lake: Lake, *, as_of: datetime, generated_at: datetime, run_id: str) -> PublishedSkills:
    """Publish the skill card of every doer; a file that would say the same, and holds for long enough, stays as it is.

    Each file is replaced whole. The file of a doer that has no card any more is removed.

    Args:
        lake: The lake.
        as_of: Events before this instant count in the tables.
        generated_at: Now, aware.
        run_id: The run that publishes.

    Raises:
        LockedError: Another process publishes.
        PublishError: A file breaks its schema, or the signing key is of no use.
        LakeError: A table cannot be read, or a file cannot be written.
    """
    folder, publishing = lake.path(FOLDER), lake.settings.publishing
    found = skills(lake.scan, as_of=as_of, text_length=publishing.text_length, entries=publishing.entries)
    if not found and not (folder / PLACE).is_dir():
        return PublishedSkills(0, 0)
    provenance = Provenance(
        run_id=run_id,
        package_version=kaizenlake.__version__,
        tables={tables.full_name(table): lake.version(table) for table in READ},
    )
    valid_until = generated_at + timedelta(hours=publishing.valid_hours)
    with alone(folder):
        key = signing.signing_key(lake.path("keys"))
        for path in (folder / PLACE).glob(f"{files.ASIDE}*"):
            path.unlink(missing_ok=True)
        # What this lake did not sign is not kept beside what it did.
        there = {path: _signed(path, key.public_key()) for path in sorted((folder / PLACE).glob("*.json"))}
        written = 0
        for skill in found:
            path = folder / PLACE / file_name(skill.doer)
            current = there.pop(path, None)
            document = _document(skill, generated_at, valid_until, provenance)
            if current is not None and _still_good(current, msgspec.to_builtins(document), generated_at):
                continue
            files.write_atomic(path, _file(document, key))
            written += 1
        for path in there:
            path.unlink(missing_ok=True)
            written += 1
        if written:
            write_once(folder / SCHEMA_FILE, json.dumps(model.json_schema(), indent=2).encode())
            write_once(folder / PUBLIC_KEY, signing.public_pem(key.public_key()))
    return PublishedSkills(len(found), written)


def verify_skills(lake: Lake, public_key: bytes | None = None) -> VerifiedSkills:
    """Check the published skill cards: the name, schema and signature of each file.

    Args:
        lake: The lake.
        public_key: Key in PEM that must have signed them; by default as for `documents.verify`.

    Raises:
        VerificationError: Says everything that is not as it should be.
    """
    folder = lake.path(FOLDER)
    key, key_source = verifying_key(lake, folder, public_key)
    paths = sorted((folder / PLACE).glob("*.json"))
    problems = [f"{path.name}: {problem}" for path in paths if (problem := _problem(path, key)) is not None]
    if problems:
        more = f" … and {len(problems) - 20} more" if len(problems) > 20 else ""
        raise VerificationError(
            f"{len(problems)} of {len(paths)} skill card(s) are not what this lake published: "
            + "; ".join(problems[:20])
            + more
            + ".",
            where=str(folder / PLACE),
            hint="Publish again with `kaizen nightly`, and find out who wrote there.",
        )
    return VerifiedSkills(len(paths), signing.key_id(key), key_source)


def _document(
    skill: model.Skill, generated_at: datetime, valid_until: datetime, provenance: Provenance
) -> model.SkillDocument:
    said = {name: getattr(skill, name) for name in skill.__struct_fields__}
    return model.SkillDocument(
        **said,
        schema=model.SCHEMA,
        version=model.VERSION,
        data_notice=NOTICE,
        generated_at=generated_at,
        valid_until=valid_until,
        provenance=provenance,
    )


def _file(document: model.SkillDocument, key: Ed25519PrivateKey) -> bytes:
    """The file of a doer: signed, then parsed and checked before it counts."""
    signed = msgspec.to_builtins(document)
    try:
        signature = signing.sign(signed, key)
    except ValueError as error:
        raise PublishError(f"A figure of a skill card is not finite: {error}.", where=document.doer) from error
    content = json.dumps({"signed": signed, "signature": signature}, indent=1, ensure_ascii=False).encode("utf-8")
    if (broken := _broken_rule(content)) is not None:
        raise PublishError(f"The skill card of a doer is not published: {broken}.", where=document.doer)
    return content


def _still_good(current: Mapping[str, Any], wanted: Mapping[str, Any], now: datetime) -> bool:
    generated_at, valid_until = (datetime.fromisoformat(current[name]) for name in ("generated_at", "valid_until"))
    same = all(current[name] == value for name, value in wanted.items() if name not in OF_THE_RUN)
    return same and generated_at <= now < generated_at + (valid_until - generated_at) / 2


def _signed(path: Path, key: Ed25519PublicKey) -> dict[str, Any] | None:
    """The signed part of a file that this lake published; None where it did not."""
    if _problem(path, key) is not None:
        return None
    signed: dict[str, Any] = json.loads(path.read_bytes())["signed"]
    return signed


def _problem(path: Path, key: Ed25519PublicKey) -> str | None:
    """What is wrong with a file, in words; None where it is what this lake published."""
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    if (broken := _broken_rule(content)) is not None:
        return f"it breaks its schema: {broken}"
    found = json.loads(content)
    try:
        signing.check_signature(found["signed"], found["signature"], key)
    except VerificationError as error:
        return error.message
    doer = found["signed"]["doer"]
    return None if path.name == file_name(doer) else f"it is the file of the doer {doer!r}"


def _broken_rule(content: bytes) -> str | None:
    """The first rule of the schema that a file breaks, in words; None where it keeps all."""
    try:
        msgspec.json.decode(content, type=model.SkillFile)
        parsed = json.loads(content)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return f"it is no skill card ({error})"[:300]
    broken = next(_VALIDATOR.iter_errors(parsed), None)
    return None if broken is None else f"{'/'.join(map(str, broken.instance_path))}: {broken.message[:300]}"
