"""The publication: immutable documents, and one signed index that is swapped last.

```
published/
  latest.json            the index of the current publication and its signature
  contexts/<sha256>.json what a generator reads of one scope
  evidence/<sha256>.json what each of its entries rests on
  texts/<sha256>         what the templates of a team made of them
  indexes/<sequence>.json the last few indexes; what none of them names is removed
  schema/…               JSON Schema of the documents
  policies/<doer>.json   policies of doers, each file signed: `kaizenlake.publish.signed.policies`
  skills/<doer>.json     skill cards of doers, each file signed: `kaizenlake.publish.signed.skills`
  alerts.json            alerts that stand, signed: `kaizenlake.publish.signed.alerts`
  public_key.pem         checks the signature; a reader that wants protection keeps its own copy
  tenants/<tenant>/…   the same for each of several tenants: `kaizenlake.publish.signed.tenants`; then nothing of the above but
                         the key, the schemas, and an index that names nobody
```
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

import kaizenlake
from kaizenlake import signing, tables
from kaizenlake._version import __version__
from kaizenlake.context._tenants import INDEX_BYTES
from kaizenlake.errors import PublishError, VerificationError
from kaizenlake.lake import files
from kaizenlake.lake.store import Lake, Snapshot
from kaizenlake.lake.trust import keys
from kaizenlake.publish import guard
from kaizenlake.publish.context import evidence_document as second
from kaizenlake.publish.context import model, rendering
from kaizenlake.publish.context.build import Documents, Edition, scope_rows
from kaizenlake.publish.context.evidence_document import KaizenEvidence
from kaizenlake.publish.context.model import Instant, KaizenContext, Scope, instant
from kaizenlake.publish.context.plugin_fields import PluginFields
from kaizenlake.publish.context.rows import sentences
from kaizenlake.publish.context.sources import TABLES
from kaizenlake.publish.signed import sequences
from kaizenlake.publish.signed.signed_folder import (
    FOLDER,
    PUBLIC_KEY,
    VerifiedFolder,
    alone,
    check_tenant,
    not_as_said,
    still_holds,
    verifying_key,
    write_checks,
    write_once,
)
from kaizenlake.publish.signed.tenants import highest_sequence
from kaizenlake.tables import Events, Findings, Table

INDEX = "latest.json"
INDEX_SCHEMA = "kaizen-index"
INDEX_VERSION = 1
SCHEMA_FILE = f"schema/{model.SCHEMA}-{model.VERSION}.schema.json"
EVIDENCE_SCHEMA_FILE = f"schema/{second.SCHEMA}-{second.VERSION}.schema.json"

MIB = 1024 * 1024
NEARLY_FULL = 0.75
"""Share of the bytes that readers take of an index, from which on its size is said."""

KEPT = 3
"""Publications whose documents are kept, so that a slow reader of an old index still finds them."""


@dataclass(frozen=True)
class Published:
    """What a publication did.

    Args:
        sequence: Number of the current publication.
        documents: Contexts in it.
        unchanged: Nothing was written: nothing changed, and more than half of its validity is left.
        texts: Texts that templates of the team made.
        failures: Templates of the team that failed, each in words.
        notes: What will soon be too much, in words.
    """

    sequence: int
    documents: int
    unchanged: bool
    texts: int = 0
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class VerifiedPublication(VerifiedFolder):
    """What was verified of a publication: its index, and the hash of every document that it names.

    Args:
        sequence: Number of the publication.
        valid_until: Until when the publication is fresh.
    """

    sequence: int
    valid_until: datetime


class LakeSnapshot:
    """The tables of a lake as they stand at one moment: rows and versions that belong together."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        fields = [item for taken in lake.declared.plugins for item in taken.plugin.context_fields]
        theirs = [table for item in fields for table in item.reads]
        self._snapshots: dict[type[Table], Snapshot] = {
            table: lake.hold(table) for table in dict.fromkeys((*TABLES, *theirs))
        }
        self._is_read_whole = Findings in theirs

    def scan(self, table: type[Table]) -> pl.LazyFrame:
        """Return rows of a table."""
        return self._lake.mine(table, self._snapshots[table].scan())

    @property
    def versions(self) -> dict[str, int | None]:
        """Version of each table, by full name; None where it is not written."""
        return {tables.full_name(table): snapshot.version for table, snapshot in self._snapshots.items()}

    @property
    def state(self) -> dict[str, int | str | None]:
        """What documents follow from: the version of each table; of findings the sentences that contexts say.

        Other findings change every night in which nothing happens: for how long a source has been silent.
        """
        if self._is_read_whole:
            return dict(self.versions)
        said = sentences(self.scan(Findings)).sort("tenant_id", "finding_id").collect()
        digest = hashlib.sha256(said.write_json().encode()).hexdigest()
        return self.versions | {tables.full_name(Findings): digest}


def publish_contexts(
    lake: Lake, *, as_of: datetime, generated_at: datetime, run_id: str, broken: Collection[type[Table]] = ()
) -> Published:
    """Publish the context of every scope, all at once or not at all.

    Nothing is written where no table, setting or template changed and more than half of the validity is left.

    Args:
        lake: The lake, as a tenant has it where there are several.
        as_of: Events before this instant count in the tables.
        generated_at: Now, aware.
        run_id: The run that publishes.
        broken: Tables of plug-ins that could not be computed, of which nothing is told.

    Raises:
        LockedError: Another process publishes.
        PublishError: A document breaks its schema; the former publication stays.
        LakeError: A table cannot be read, or a file cannot be written; the former publication stays.
    """
    folder = lake.path(FOLDER)
    with alone(folder), guard.guarding(is_on=lake.settings.publishing.redact):
        source, key = LakeSnapshot(lake), keys.private_key(lake)
        templates = rendering.Templates(lake.path("templates"))
        edition = _edition(lake, templates, broken)
        inputs = hashlib.sha256(signing.canonical({"edition": edition, "tables": source.state})).hexdigest()
        current = _find_current(folder, key.public_key())
        if current is not None and sequences.is_rolled_back(lake, folder / INDEX, current):
            current = None
        if current is not None and _still_good(folder, current, inputs, as_of, generated_at):
            return Published(
                current["sequence"],
                sum(entry["kind"] == "context" for entry in current["entries"]),
                unchanged=True,
                texts=sum(entry["kind"] == "text" for entry in current["entries"]),
            )
        kept = _keep_entries(folder, current, edition, templates)
        entries: list[dict[str, Any]] = []
        fields = PluginFields()
        with files.flushing_together():
            if current is not None and current["inputs"] == inputs and len(kept) == _contexts(current):
                entries = current["entries"]
            else:
                fields = PluginFields.read(source.scan, lake.declared, broken)
                for rows in scope_rows(
                    source.scan, Edition(settings=lake.settings, tenant=lake.tenant, plugins=fields)
                ):
                    made_of = hashlib.sha256(f"{edition}{rows.digest}".encode()).hexdigest()
                    entries += kept.get(made_of) or _write(folder, rows.documents(), made_of, templates)
        # The documents are on the disk by name, too, before an index names them.
        for place in {file["file"].partition("/")[0] for entry in entries for file in _files_of(entry)}:
            files.sync_folder(folder / place)
        write_checks(folder, SCHEMA_FILE, model.json_schema(), key.public_key())
        write_checks(folder, EVIDENCE_SCHEMA_FILE, second.json_schema(), key.public_key())
        sequence = max(_next_sequence(folder, current, lake), sequences.highest(lake, folder / INDEX) + 1)
        valid_until = generated_at + timedelta(hours=lake.settings.publishing.valid_hours)
        payload = {
            "schema": INDEX_SCHEMA,
            "version": INDEX_VERSION,
            "tenant_id": lake.tenant,
            "sequence": sequence,
            "generated_at": instant(generated_at),
            "valid_until": instant(valid_until),
            "as_of": instant(as_of),
            "run_id": run_id,
            "package_version": __version__,
            "tables": source.versions,
            "inputs": inputs,
            "edition": edition,
            "redacted": lake.settings.publishing.redact,
            "hold_out": {"salt": _salt(lake), "share": lake.settings.publishing.hold_out_share},
            "entries": entries,
        }
        notes = _swap(folder, sequence, payload, key)
        sequences.remember(lake, {folder / INDEX: payload})
        hides_more = lake.settings.publishing.redact and (current is None or not current.get("redacted", False))
        _prune(folder, sequence, 1 if hides_more else KEPT)
        contexts = sum(entry["kind"] == "context" for entry in entries)
        failures = tuple(f"{name}: {told}" for name, told in sorted((templates.failures | fields.failures).items()))
        texts = len(entries) - contexts
        return Published(sequence, contexts, unchanged=False, texts=texts, failures=failures, notes=notes)


def _salt(lake: Lake) -> str:
    """Return what the units of a tenant are drawn by: the same for as long as the lake lives, and no other lake's."""
    told = [Lake.identity(lake.whole.hold(Events)), lake.tenant]
    return hashlib.sha256(signing.canonical(told)).hexdigest()[:32]


def verify(lake: Lake, public_key: bytes | None = None) -> VerifiedPublication:
    """Check the whole publication of a lake: the signature of the index, then every document it names.

    Args:
        public_key: Key in PEM that must have signed it; by default as `folder.verifying_key` has it.

    Raises:
        VerificationError: Says everything that is not as it should be.
    """
    folder = lake.path(FOLDER)
    index = _read_index(folder / INDEX)
    key, key_source = verifying_key(lake, public_key)
    signing.check_signature(index["signed"], index["signature"], key)
    signed = index["signed"]
    check_tenant(lake, signed)
    sequences.check(lake, folder / INDEX, signed)
    problems = [problem for entry in signed["entries"] if (problem := _problem(folder, entry)) is not None]
    if problems:
        raise not_as_said(problems, len(signed["entries"]), "published documents", "what the index says", folder)
    return VerifiedPublication(
        files=sum(len(_files_of(entry)) for entry in signed["entries"]),
        key_id=signing.key_id(key),
        key_source=key_source,
        sequence=signed["sequence"],
        valid_until=datetime.fromisoformat(signed["valid_until"]),
    )


def _edition(lake: Lake, templates: rendering.Templates, broken: Collection[type[Table]]) -> str:
    """Return the hash of everything that documents follow from, but the rows of the tables."""
    facts: dict[str, Any] = {
        "tenant_id": lake.tenant,
        "settings": lake.settings.model_dump_json(),
        "templates": templates.sources(),
        "package": __version__,
        "code": _code(),
        "schema": hashlib.sha256(
            json.dumps([model.json_schema(), second.json_schema()], sort_keys=True).encode()
        ).hexdigest(),
    }
    if lake.declared.plugins:
        facts["plugins"] = [lake.declared.mark, *sorted(map(tables.full_name, broken))]
    return hashlib.sha256(signing.canonical(facts)).hexdigest()


@cache
def _code() -> str:
    """Return SHA-256 of the modules that make documents, and of what replaces names of persons in them."""
    package = Path(kaizenlake.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for name in ("publish", "redaction", "jobs") for path in (package / name).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _contexts(current: Mapping[str, Any]) -> int:
    return sum(entry["kind"] == "context" for entry in current["entries"])


def _keep_entries(
    folder: Path, current: Mapping[str, Any] | None, edition: str, templates: rendering.Templates
) -> dict[str, list[dict[str, Any]]]:
    """Return entries of the current publication whose files are there, with those of their texts, by what they were made of.

    Where a template of the team failed, nothing is kept of that scope, so that every publication tells of it.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    of_scope: list[dict[str, Any]] = []
    if current is None or current.get("edition") != edition:
        return found
    for entry in current["entries"]:
        if entry["kind"] == "context" and entry.get("made_of"):
            of_scope = found.setdefault(entry["made_of"], [])
        of_scope.append(entry)
    return {
        made_of: entries
        for made_of, entries in found.items()
        if len(entries) == 1 + len(templates.names)
        and all(_problem(folder, entry, is_schema_checked=False) is None for entry in entries)
    }


def _find_current(folder: Path, key: Ed25519PublicKey) -> dict[str, Any] | None:
    """Return the payload of the current index; None where there is none that this lake signed."""
    try:
        index = _read_index(folder / INDEX)
        signing.check_signature(index["signed"], index["signature"], key)
    except VerificationError:
        return None
    payload: dict[str, Any] = index["signed"]
    return None if "several_tenants" in payload else payload


def _still_good(folder: Path, current: Mapping[str, Any], inputs: str, as_of: datetime, now: datetime) -> bool:
    return (
        (current["inputs"], current.get("as_of")) == (inputs, instant(as_of))
        and still_holds(current, now)
        and (folder / PUBLIC_KEY).is_file()
        and all(_problem(folder, entry, is_schema_checked=False) is None for entry in current["entries"])
    )


def _write(folder: Path, documents: Documents, made_of: str, templates: rendering.Templates) -> list[dict[str, Any]]:
    """Write the documents of a scope and the texts made of them; return their entries in the index."""
    context, evidence, size, scope_of_both = documents
    scope = msgspec.to_builtins(scope_of_both)
    window = {
        name: None if at is None else instant(at)
        for name, at in (("first_at", size.first_at), ("last_at", size.last_at))
    }
    entry = {
        "kind": "context",
        "scope": scope,
        **_gather_file(folder, "contexts", ".json", rendering.render(context)),
        "evidence": _gather_file(folder, "evidence", ".json", rendering.render(evidence)),
        "data_window": window,
        "made_of": made_of,
    }
    entries = [entry]
    if templates.names:
        plain, reasons = guard.tree(msgspec.to_builtins(context)), guard.tree(msgspec.to_builtins(evidence))
        for name, text in templates.render(plain, reasons, scope_of_both.words).items():
            entries.append(
                {"kind": "text", "template": name, "scope": scope, **_gather_file(folder, "texts", "", text)}
            )
    return entries


def _gather_file(folder: Path, place: str, suffix: str, content: bytes) -> dict[str, Any]:
    """Write a document under the name that follows from its content, and return how the index names it."""
    digest = hashlib.sha256(content).hexdigest()
    file = f"{place}/{digest}{suffix}"
    write_once(folder / file, content, is_name_synced=False)
    return {"file": file, "sha256": digest, "bytes": len(content)}


def _files_of(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return each file that an entry of the index names: of a context also its evidence."""
    return [entry] if entry.get("evidence") is None else [entry, entry["evidence"]]


def _next_sequence(folder: Path, current: Mapping[str, Any] | None, lake: Lake) -> int:
    """Return one more than any publication here had; in a folder that is new, than any of any tenant."""
    kept = [int(path.stem) for path in (folder / "indexes").glob("*.json") if path.stem.isdigit()]
    before = highest_sequence(lake.whole.path(FOLDER)) if current is None else current["sequence"]
    return max([*kept, before]) + 1


def _swap(folder: Path, sequence: int, payload: Mapping[str, Any], key: Ed25519PrivateKey) -> tuple[str, ...]:
    """Make a publication the current one, and return what is to be said of its size.

    Raises:
        PublishError: Readers would refuse so long an index; the former publication stays.
    """
    index = {"signed": payload, "signature": signing.sign(payload, key)}
    plain = json.dumps(index, ensure_ascii=False).encode("utf-8")
    # The standard library indents in Python, which for thousands of scopes takes longer than all else of such a night.
    content = msgspec.json.format(plain, indent=1)
    if len(content) > INDEX_BYTES:
        content = msgspec.json.format(plain, indent=-1)
    size, scopes = f"{len(content) / MIB:.0f} MiB", _contexts(payload)
    if len(content) > INDEX_BYTES:
        raise PublishError(
            f"The index of {scopes:,} contexts would take {size}, and readers refuse more than {INDEX_BYTES // MIB} MiB: "
            "the former publication stays.",
            where=str(folder / INDEX),
            hint="A lake publishes a context for each project: share projects out among tenants or lakes, or publish fewer templates.",
        )
    files.write_atomic(folder / "indexes" / f"{sequence:08d}.json", content)
    files.write_atomic(folder / INDEX, content)
    if len(content) < NEARLY_FULL * INDEX_BYTES:
        return ()
    return (f"the index of {scopes:,} contexts takes {size} of the {INDEX_BYTES // MIB} MiB that readers take",)


def prune(lake: Lake) -> None:
    """Remove what the current publication does not name; readers that hold an older one keep their own copy.

    Args:
        lake: The lake, as a tenant has it for whom something is published.

    Raises:
        LockedError: Another process publishes.
        VerificationError: The index is none.
    """
    folder = lake.path(FOLDER)
    if (folder / INDEX).is_file():
        with alone(folder):
            _prune(folder, int(_read_index(folder / INDEX)["signed"]["sequence"]), 1)


def _prune(folder: Path, sequence: int, number: int) -> None:
    """Remove what none of the latest publications, so many of them, names, and what killed publications left."""
    kept: set[str] = set()
    for path in sorted((folder / "indexes").glob("*.json")):
        if not path.stem.isdigit() or int(path.stem) <= sequence - number:
            path.unlink(missing_ok=True)
            continue
        try:
            kept |= {file["file"] for entry in _read_index(path)["signed"]["entries"] for file in _files_of(entry)}
        except VerificationError:
            path.unlink(missing_ok=True)
    for place in ("contexts", "evidence", "texts"):
        for path in (folder / place).glob("*"):
            if f"{place}/{path.name}" not in kept:
                path.unlink(missing_ok=True)
    for place in (".", "indexes", "schema"):
        for path in (folder / place).glob(f"{files.ASIDE}*"):
            path.unlink(missing_ok=True)


def _read_index(path: Path) -> dict[str, Any]:
    """Read an index and check its form, not its signature."""
    try:
        index = msgspec.json.decode(path.read_bytes(), type=_Index)
        msgspec.convert(index.signed, _Payload)
    except FileNotFoundError as error:
        raise VerificationError(
            "Nothing is published here yet.", where=str(path), hint="Publish with `kaizen nightly`."
        ) from error
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        raise VerificationError(f"The index cannot be read: {error}.", where=str(path)) from error
    plain: dict[str, Any] = msgspec.to_builtins(index)
    return plain


class _IndexFile(msgspec.Struct):
    file: str
    sha256: str
    bytes: int


class _IndexEntry(_IndexFile):
    kind: str
    scope: Scope
    evidence: _IndexFile | None = None


class _Payload(msgspec.Struct):
    schema: str
    version: int
    sequence: int
    generated_at: Instant
    valid_until: Instant
    inputs: str
    entries: list[_IndexEntry]


class _Index(msgspec.Struct):
    signed: dict[str, Any]
    signature: dict[str, Any]


def _problem(folder: Path, entry: Mapping[str, Any], *, is_schema_checked: bool = True) -> str | None:
    """Return what is wrong with the documents of an entry, in words; None where they are what the index says."""
    kinds: dict[str, type[rendering.Document] | None] = {"contexts": KaizenContext, "evidence": KaizenEvidence}
    for file in _files_of(entry):
        place = "texts" if entry["kind"] == "text" else "contexts" if file is entry else "evidence"
        kind = kinds.get(place) if is_schema_checked else None
        if (problem := _find_file_problem(folder, file, place, kind)) is not None:
            return problem
    return None


def _find_file_problem(
    folder: Path, entry: Mapping[str, Any], place: str, kind: type[rendering.Document] | None
) -> str | None:
    file, digest = entry["file"], entry["sha256"]
    if file != f"{place}/{digest}{'' if place == 'texts' else '.json'}":
        return f"{file!r} is no name of a document"
    try:
        # Thousands a night: a path as a text costs half of a `Path`.
        with open(f"{folder}/{file}", "rb") as stream:  # noqa: PTH123 - as above
            content = stream.read()
    except OSError as error:
        return f"{file} cannot be read ({error.strerror})"
    if hashlib.sha256(content).hexdigest() != digest:
        return f"{file} was changed: its SHA-256 is not its name"
    if kind is not None and (broken := rendering.find_broken_rule(content, kind)) is not None:
        return f"{file} breaks its schema: {broken}"
    return None
