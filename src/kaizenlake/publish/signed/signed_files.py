"""Signed files in the publication: how one is made, kept while it says the same, and checked; one kind, one `Form`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kaizenlake import signing
from kaizenlake.context import file_name
from kaizenlake.errors import PublishError, VerificationError
from kaizenlake.lake import files
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust import keys
from kaizenlake.publish import guard
from kaizenlake.publish.context.model import instant
from kaizenlake.publish.schemas import describe_first_broken
from kaizenlake.publish.signed import sequences
from kaizenlake.publish.signed.signed_folder import (
    FOLDER,
    VerifiedFolder,
    alone,
    check_tenant,
    not_as_said,
    still_holds,
    verifying_key,
    write_checks,
)

OF_THE_RUN = frozenset({"generated_at", "valid_until", "provenance"})
"""What a file says of the run that wrote it, and not of its subject."""


_NAMES = frozenset({"doer", "model", "tenant_id"})
"""Names by which a file is found."""


@dataclass(frozen=True)
class FileForm:
    """What a kind of signed file looks like: `signed`, and the `signature` of its canonical JSON.

    Args:
        name: Name of its schema, as the file says it.
        version: Version of the schema, as the file says it.
        model: Model of the whole file.
        schema: JSON Schema of it.
        one: What one file is called.
        indent: Spaces of each level.
        check: What else has to hold of what is signed; words of what does not.
        is_redacted: Whether what identifies a person is replaced; not where what is signed is used as it is.
        named_by: Field that says what a file tells of, from which its name follows.
        called: What that is called.
    """

    name: str
    version: int
    model: type[msgspec.Struct]
    schema: Mapping[str, Any]
    one: str
    indent: int = 1
    check: Callable[[Mapping[str, Any]], str | None] | None = None
    is_redacted: bool = True
    named_by: str = "doer"
    called: str = "agent"

    def redact(self, signed: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is to be signed without what identifies a person; names by which a file is found stay."""
        if not self.is_redacted:
            return dict(signed)
        return {name: value if name in _NAMES else guard.tree(value) for name, value in signed.items()}

    @property
    def schema_file(self) -> str:
        """Where the schema lies in the publication."""
        return f"schema/{self.name}-{self.version}.schema.json"

    @property
    def fields(self) -> list[str]:
        """Names of what is signed, in the order of the model."""
        signed = next(item.type for item in msgspec.structs.fields(self.model) if item.name == "signed")
        return [item.encode_name for item in msgspec.structs.fields(signed)]

    @cached_property
    def _validator(self) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(dict(self.schema))

    def content(self, signed: Mapping[str, Any], key: Ed25519PrivateKey, where: str) -> bytes:
        """Return a file of what is to be said: signed, then parsed and checked before it counts.

        Args:
            signed: What it says.
            key: Key of the lake.
            where: What it tells of, or where it goes, for the error.

        Raises:
            PublishError: It breaks its schema, a figure is not finite, or it is nested too deeply.
        """
        signed = self.redact(signed)
        try:
            whole = {"signed": signed, "signature": signing.sign(signed, key)}
            content = json.dumps(whole, indent=self.indent, ensure_ascii=False).encode("utf-8")
        except ValueError as error:
            raise PublishError(f"A figure of a {self.one} is not finite: {error}.", where=where) from error
        except RecursionError as error:
            raise PublishError(f"A {self.one} is nested too deeply to be written.", where=where) from error
        if (broken := self.broken_rule(content)) is not None:
            raise PublishError(f"A {self.one} is not published: {broken}.", where=where)
        return content

    def read(self, path: Path, key: Ed25519PublicKey) -> dict[str, Any]:
        """Return what a file says.

        Args:
            path: The file.
            key: Key that must have signed it.

        Raises:
            VerificationError: It cannot be read, breaks its schema, or is not what that key signed.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise VerificationError(f"it cannot be read ({error.strerror})") from error
        if (broken := self.broken_rule(content)) is not None:
            raise VerificationError(f"it breaks its schema: {broken}")
        found = json.loads(content)
        signing.check_signature(found["signed"], found["signature"], key)
        signed: dict[str, Any] = found["signed"]
        if self.check is not None and (wrong := self.check(signed)) is not None:
            raise VerificationError(wrong)
        return signed

    def broken_rule(self, content: bytes) -> str | None:
        """Return the first rule of the schema that a file breaks, in words; None where it keeps all."""
        try:
            msgspec.json.decode(content, type=self.model)
            parsed = json.loads(content)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            return f"it is no {self.one} ({error})"[:300]
        return describe_first_broken(self._validator, parsed)


@dataclass(frozen=True)
class SignedFiles:
    """A folder of the publication with one signed file for each doer, whose name follows from the doer's.

    Args:
        place: Folder in the publication.
        form: What a file looks like; what it signs has the field that names it, `generated_at` and `valid_until`.
        many: What several files are called.
    """

    place: str
    form: FileForm
    many: str

    @contextmanager
    def hold(self, lake: Lake) -> Iterator[Held]:
        """Hold the folder as it stands, for one publisher alone.

        Raises:
            LockedError: Another process publishes.
            PublishError: The signing key is of no use.
        """
        folder = lake.path(FOLDER)
        with alone(folder):
            for path in (folder / self.place).glob(f"{files.ASIDE}*"):
                path.unlink(missing_ok=True)
            key = keys.private_key(lake)
            signed, _ = self._read(lake, folder, key.public_key())
            yield Held(self, lake, folder, key, signed, lake.tenant)

    def verify(self, lake: Lake, public_key: bytes | None = None) -> VerifiedFolder:
        """Check every file: its name, schema and signature, and what else its form asks for.

        Args:
            public_key: Key in PEM that must have signed them; by default as `folder.verifying_key` has it.

        Raises:
            VerificationError: Says everything that is not as it should be.
        """
        folder = lake.path(FOLDER)
        key, key_source = verifying_key(lake, public_key)
        signed, problems = self._read(lake, folder, key)
        number = len(signed) + len(problems)
        if problems:
            raise not_as_said(problems, number, self.many, "what this lake published", folder / self.place)
        return VerifiedFolder(number, signing.key_id(key), key_source)

    def paths(self, folder: Path) -> list[Path]:
        """Return what lies in the folder, by name."""
        return sorted((folder / self.place).glob("*.json"))

    def _read(self, lake: Lake, folder: Path, key: Ed25519PublicKey) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """Return what the files say that this lake signed, by doer; and what is wrong with the others, in words."""
        found: dict[str, dict[str, Any]] = {}
        problems: list[str] = []
        for path in self.paths(folder):
            try:
                signed = self.form.read(path, key)
                check_tenant(lake, signed)
                sequences.check(lake, path, signed)
            except VerificationError as error:
                problems.append(f"{path.name}: {error.message}")
                continue
            name = signed[self.form.named_by]
            if path.name == file_name(name):
                found[name] = signed
            else:
                problems.append(f"{path.name}: it is the file of the {self.form.called} {name!r}")
        return found, problems


@dataclass(frozen=True)
class Held:
    """A folder of signed files while one publisher has it alone.

    Args:
        kind: The folder's kind.
        lake: The lake that publishes.
        folder: The publication.
        key: Key of the lake.
        signed: What each file says that this lake signed, by doer.
        tenant: Tenant whose files they are.
    """

    kind: SignedFiles
    lake: Lake
    folder: Path
    key: Ed25519PrivateKey
    signed: Mapping[str, Mapping[str, Any]]
    tenant: str | None = None

    def replace(self, said: Mapping[str, Mapping[str, Any]], *, at: datetime, valid_for: timedelta) -> int:
        """Write what is to be said of each doer, and remove every other file.

        A file that says the same, and holds for long enough, stays as it is. A file is later than the one that it
        replaces, also where a clock went back: readers take no older one.

        Args:
            said: What the file of each doer says, without when it was made.
            at: Now, aware.
            valid_for: How long a file is fresh.

        Returns:
            Files that were written or removed.

        Raises:
            PublishError: A file breaks its schema.
            LakeError: A file cannot be written.
        """
        made: dict[Path, dict[str, Any]] = {}
        for doer, of_doer in said.items():
            told = self.kind.form.redact({"tenant_id": self.tenant, **of_doer})
            current = self.signed.get(doer)
            if current is not None and still_holds(current, at) and _is_same(current, told):
                continue
            path = self._path(doer)
            signed = self._stamp(told, sequences.after(self.lake, path, _after(current, at)), valid_for)
            files.write_atomic(path, self.kind.form.content(signed, self.key, doer))
            made[path] = signed
        sequences.remember(self.lake, made)
        written = len(made)
        kept = {self._path(doer) for doer in said}
        for path in self.kind.paths(self.folder):
            if path not in kept:
                path.unlink(missing_ok=True)
                written += 1
        if written:
            form = self.kind.form
            write_checks(self.folder, form.schema_file, form.schema, self.key.public_key())
        return written

    def _path(self, doer: str) -> Path:
        return self.folder / self.kind.place / file_name(doer)

    def _stamp(self, told: Mapping[str, Any], at: datetime, valid_for: timedelta) -> dict[str, Any]:
        """Return what is signed, its fields in the order of the model."""
        form = self.kind.form
        stamps = {"generated_at": instant(at), "valid_until": instant(at + valid_for)}
        whole = {"schema": form.name, "version": form.version, **told, **stamps}
        return {name: whole[name] for name in form.fields}


def _is_same(current: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    return all(current.get(name) == value for name, value in told.items() if name not in OF_THE_RUN)


def _after(current: Mapping[str, Any] | None, now: datetime) -> datetime:
    """Return now, or just after the file that is there."""
    if current is None:
        return now
    return max(now, datetime.fromisoformat(current["generated_at"]) + timedelta(microseconds=1))
