"""Contexts for generators: every load reads the index and one document, and checks the one against the other."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from kaizenlake.context._arms import point_of
from kaizenlake.context._files import (
    CORRUPT,
    HELD_OUT,
    MISSING,
    OLDER,
    STALE,
    TENANT_NEEDED,
    UNUSABLE,
    Answer,
    UnusableError,
    age_of,
    content_of,
    describe_error,
    describe_kept,
    forget_oldest,
    instants_of,
    parse,
    pem_of,
    read_signed,
)
from kaizenlake.context._schema import context_of, empty, evidence_of
from kaizenlake.context._tenants import INDEX, INDEX_BYTES, check_tenant, folders_of

DOCUMENT_BYTES = 16 * 1024 * 1024
REMEMBERED = 1000
"""Scopes whose last good context a process keeps."""

ATTEMPTS = 3
"""Times the index is read again when the document it names was removed by newer publications meanwhile."""


class _Loaded(NamedTuple):
    context: dict[str, Any]
    reason: str
    detail: str = ""
    sequence: int | None = None
    sha256: str | None = None
    generated_at: datetime | None = None
    valid_until: datetime | None = None
    tables: dict[str, int | None] | None = None
    held_out: bool | None = None


class Loaded(_Loaded, Answer):
    """A context and how it came.

    Args:
        context: The context; the default where there is none that can be used.
        reason: `fresh`, `stale`, `held out`, or `default: …` with what is wrong.
        detail: What was found, in words; empty for a fresh one.
        sequence: Number of the publication, or None for a default.
        sha256: Hash of the document, or None for a default.
        generated_at: When it was published, or None for a default.
        valid_until: Until when it is fresh, or None for a default.
        tables: Version of each table that the publication was made of, or None for a default.
        held_out: Whether the context was held back from the unit on purpose, which then has the default, to tell what
            contexts are worth; None where nobody drew: no unit was named, or no share is held out.
    """

    __slots__ = ()


class _LoadedText(NamedTuple):
    text: str
    reason: str
    detail: str = ""
    sequence: int | None = None
    sha256: str | None = None
    generated_at: datetime | None = None
    valid_until: datetime | None = None
    held_out: bool | None = None


class LoadedText(_LoadedText, Answer):
    """A text that a template of the team made; the fields but the first are those of `Loaded`."""

    __slots__ = ()


def empty_evidence() -> dict[str, Any]:
    """Return the evidence of a context that recommends nothing: what `load_evidence` answers where it has nothing."""
    return {"sample_size": 0, "confidence": 0.0, "evidence": {}, "not_recommended": {}, "why_empty": {}}


def load(
    published: str | os.PathLike[str],
    *,
    tenant: str | None = None,
    project: str | None = None,
    industry: str | None = None,
    client_type: str | None = None,
    default: Mapping[str, Any] | None = None,
    public_key: str | bytes | os.PathLike[str] | None = None,
    max_age: float | timedelta | None = None,
    or_everything: bool = False,
    unit: str | int | None = None,
) -> Loaded:
    """Read the context of a project, of a segment (industry and kind of client), or of everything.

    Args:
        published: The `published` folder of a lake.
        tenant: Tenant whose documents are wanted, an empty text for the events without one. Needed where a lake has several.
        project: Project whose context is wanted.
        industry: Industry of the segment that is wanted.
        client_type: Kind of client of the segment that is wanted; it may stand alone, as the industry may.
        default: Answer where nothing published can be used; `empty()` if not given.
        public_key: Ed25519 key that must have signed the index: PEM, or the path of a PEM file. Keep your own copy; the
            one in the folder proves nothing. This alone needs `cryptography`.
        max_age: Seconds after its publication from which a context is stale, even if it promised to hold longer.
        or_everything: Take the context of everything where the project or segment has none of its own.
        unit: What the context is for, such as the id of a brief. A share of the units, which the publication tells, is held
            out and has the default; the same unit always is, or never. Without a unit nothing is held out.

    Returns:
        The context, and the reason why it is this one. It is a copy: changing it changes nothing else.
    """
    fallback = dict(default) if isinstance(default, Mapping) else empty()
    try:
        scope = _scope(project, industry, client_type)
        found = _find(
            published, _Wanted("context", scope, or_everything=bool(or_everything), tenant=tenant), public_key
        )
        held_out = _is_held_out(found, scope, unit)
        if held_out:
            return Loaded(fallback, HELD_OUT, _HELD_BACK, held_out=True)
        reason, detail = _age(found, max_age)
        return Loaded(context_of(json.loads(found.content)), reason, detail, *found[1:6], held_out)
    except UnusableError as error:
        return Loaded(fallback, error.reason, error.detail)
    except Exception as error:  # noqa: BLE001 - a service must go on, whatever lies in the folder
        return Loaded(fallback, CORRUPT, describe_error(error))


def load_evidence(
    published: str | os.PathLike[str],
    *,
    tenant: str | None = None,
    project: str | None = None,
    industry: str | None = None,
    client_type: str | None = None,
    public_key: str | bytes | os.PathLike[str] | None = None,
    max_age: float | timedelta | None = None,
    or_everything: bool = False,
) -> Loaded:
    """Read what the entries of a context rest on: `loaded.context["evidence"][field][value]`.

    Args:
        published: The `published` folder of a lake.
        tenant: As for `load`, and so on.
        project: As for `load`.
        industry: As for `load`.
        client_type: As for `load`.
        public_key: As for `load`.
        max_age: As for `load`.
        or_everything: As for `load`.

    Returns:
        The evidence in place of the context, and how it came; `empty_evidence()` where there is none.
    """
    try:
        scope = _scope(project, industry, client_type)
        found = _find(
            published, _Wanted("evidence", scope, or_everything=bool(or_everything), tenant=tenant), public_key
        )
        reason, detail = _age(found, max_age)
        return Loaded(evidence_of(json.loads(found.content)), reason, detail, *found[1:6])
    except UnusableError as error:
        return Loaded(empty_evidence(), error.reason, error.detail)
    except Exception as error:  # noqa: BLE001 - as in `load`
        return Loaded(empty_evidence(), CORRUPT, describe_error(error))


def load_text(
    published: str | os.PathLike[str],
    template: str,
    *,
    tenant: str | None = None,
    project: str | None = None,
    industry: str | None = None,
    client_type: str | None = None,
    default: str = "",
    public_key: str | bytes | os.PathLike[str] | None = None,
    max_age: float | timedelta | None = None,
    or_everything: bool = False,
    unit: str | int | None = None,
) -> LoadedText:
    """Read the text that a template of the team made of a context.

    Args:
        published: The `published` folder of a lake.
        template: Name of the template, without its `.j2`, such as `prompt.md`.
        tenant: As for `load`, and so on.
        project: As for `load`.
        industry: As for `load`.
        client_type: As for `load`.
        default: Answer where nothing published can be used.
        public_key: As for `load`.
        max_age: As for `load`.
        or_everything: As for `load`.
        unit: As for `load`.
    """
    try:
        scope = _scope(project, industry, client_type)
        found = _find(published, _Wanted("text", scope, template, bool(or_everything), tenant), public_key)
        held_out = _is_held_out(found, scope, unit)
        if held_out:
            return LoadedText(default, HELD_OUT, _HELD_BACK, held_out=True)
        reason, detail = _age(found, max_age)
        return LoadedText(found.content.decode("utf-8"), reason, detail, *found[1:5], held_out)
    except UnusableError as error:
        return LoadedText(default, error.reason, error.detail)
    except Exception as error:  # noqa: BLE001 - as in `load`
        return LoadedText(default, CORRUPT, describe_error(error))


def forget() -> None:
    """Forget the last good contexts of this process."""
    _LAST_GOOD.clear()


class _Found(NamedTuple):
    content: bytes
    sequence: int
    sha256: str
    generated_at: datetime
    valid_until: datetime
    tables: dict[str, int | None]
    trouble: str = ""
    hold_out: tuple[str, float] = ("", 0.0)
    """Salt and share of the units that are held out."""


_Scope = tuple[str, str | None, str | None, str | None]


class _Wanted(NamedTuple):
    """The document that is wanted: a context, its evidence, or a text of a template."""

    kind: str
    scope: _Scope
    template: str = ""
    or_everything: bool = False
    tenant: str | None = None


_LAST_GOOD: dict[tuple[str, _Wanted, str], _Found] = {}


def _scope(project: Any, industry: Any, client_type: Any) -> _Scope:
    if not all(value is None or isinstance(value, str) for value in (project, industry, client_type)):
        raise UnusableError(UNUSABLE, "project, industry and client_type are texts")
    is_segment = industry is not None or client_type is not None
    if project is not None and is_segment:
        raise UnusableError(UNUSABLE, "give a project or a segment, not both")
    kind = "project" if project is not None else "segment" if is_segment else "everything"
    return kind, project, industry, client_type


def _find(published: Any, wanted: _Wanted, public_key: Any) -> _Found:
    """Find the document that is wanted, or the last good one of this process."""
    folders = tuple(folders_of(published, wanted.tenant))
    key = folders[-1], wanted, repr(public_key)[:2000]
    known = _LAST_GOOD.get(key)
    try:
        found = _read(folders, wanted, public_key)
    except Exception as error:
        if isinstance(error, UnusableError) and error.reason == TENANT_NEEDED:
            # What was good for a lake with one tenant is nobody's now.
            _LAST_GOOD.pop(key, None)
            raise
        if known is None:
            raise
        return known._replace(trouble=describe_kept(error))
    if known is not None and found.generated_at < known.generated_at:
        return known._replace(trouble=OLDER)
    _LAST_GOOD.pop(key, None)
    _LAST_GOOD[key] = found
    forget_oldest(_LAST_GOOD, REMEMBERED)
    return found


def _read(folders: tuple[str, ...], wanted: _Wanted, public_key: Any) -> _Found:
    pem = None if public_key is None else pem_of(public_key)
    for attempt in range(1, ATTEMPTS + 1):
        folder, signed = _index(folders, wanted.tenant, pem)
        entry = _gather_entry(signed, wanted)
        try:
            digest, content = _document(folder, entry, wanted.kind)
        except UnusableError as error:
            if error.reason != MISSING:
                raise
            if attempt == ATTEMPTS:
                raise UnusableError(CORRUPT, error.detail) from None
        else:
            sequence, tables = signed.get("sequence"), signed.get("tables", {})
            if not isinstance(sequence, int) or not isinstance(tables, dict):
                raise UnusableError(CORRUPT, "the index has no sequence, or no versions of tables")
            instants, hold_out = instants_of(signed, "the index"), _hold_out(signed)
            return _Found(content, sequence, digest, *instants, tables, hold_out=hold_out)
    raise AssertionError


def _hold_out(signed: dict[str, Any]) -> tuple[str, float]:
    """Return salt and share of the units that are held out; an index that tells none holds nobody out."""
    told = signed.get("hold_out")
    if told is None:
        return "", 0.0
    if not isinstance(told, dict) or not isinstance(told.get("salt"), str):
        raise UnusableError(CORRUPT, "the index tells no salt of what is held out")
    share: Any = told.get("share")
    if type(share) not in {int, float} or not 0.0 <= share <= 1.0:
        raise UnusableError(CORRUPT, "the index tells no share of what is held out")
    return told["salt"], float(share)


def _is_held_out(found: _Found, scope: _Scope, unit: Any) -> bool | None:
    """Return whether the context is held back from a unit, None where nobody draws; scopes fall independently."""
    if unit is None or unit == "":
        return None
    if not isinstance(unit, (str, int)):
        raise UnusableError(UNUSABLE, "unit is a text or a whole number")
    salt, share = found.hold_out
    if not share:
        return None
    return point_of("\x1f".join(("hold out", salt, *(name or "" for name in scope))), unit) < share


_HELD_BACK = "the unit is one of those from which contexts are held back"


def _index(folders: tuple[str, ...], tenant: str | None, pem: bytes | None) -> tuple[str, dict[str, Any]]:
    """Read the index of a tenant, in its own folder where it has one; return that folder, too."""
    *own, whole = folders
    for folder in own:
        try:
            signed = read_signed(f"{folder}/{INDEX}", INDEX_BYTES, pem, "an index")
        except UnusableError as error:
            if error.reason != MISSING:
                raise
        else:
            check_tenant(signed, tenant)
            return folder, signed
    signed = read_signed(f"{whole}/{INDEX}", INDEX_BYTES, pem, "an index")
    check_tenant(signed, tenant)
    return whole, signed


def _document(folder: str, entry: dict[str, Any], kind: str) -> tuple[str, bytes]:
    """Return SHA-256 and content of the document an entry names, checked to be just that."""
    place = "contexts" if kind == "context" else f"{kind}s" if kind == "text" else kind
    if kind == "evidence":
        # In schema 1 the evidence stands in the context itself.
        entry, place = (entry["evidence"], place) if isinstance(entry.get("evidence"), dict) else (entry, "contexts")
    digest = entry.get("sha256")
    if not isinstance(digest, str) or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise UnusableError(CORRUPT, "the index names no SHA-256")
    name = f"{place}/{digest}{'' if kind == 'text' else '.json'}"
    if entry.get("file") != name:
        raise UnusableError(CORRUPT, "the index names a file that is no document")
    content = content_of(f"{folder}/{name}", DOCUMENT_BYTES)
    if len(content) != entry.get("bytes") or hashlib.sha256(content).hexdigest() != digest:
        raise UnusableError(CORRUPT, f"{name} is not what the index says")
    if kind == "text":
        content.decode("utf-8")
    elif not isinstance(parse(content), dict):
        raise UnusableError(CORRUPT, f"{name} is no context")
    return digest, content


def _gather_entry(signed: dict[str, Any], wanted: _Wanted) -> dict[str, Any]:
    entries = signed.get("entries")
    if not isinstance(entries, list):
        raise UnusableError(CORRUPT, "the index has no entries")
    kind = "text" if wanted.kind == "text" else "context"
    scopes = {wanted.scope, _EVERYTHING} if wanted.or_everything else {wanted.scope}
    found: dict[_Scope, dict[str, Any]] = {}
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("kind") != kind or not isinstance(entry.get("scope"), dict):
            continue
        if wanted.template and entry.get("template") != wanted.template:
            continue
        named = entry["scope"]
        this = tuple(named.get(name) for name in ("kind", "project_id", "industry", "client_type"))
        for one in scopes:
            if this == one:
                found[one] = entry
    if wanted.scope in found:
        return found[wanted.scope]
    if _EVERYTHING in found:
        return found[_EVERYTHING]
    raise UnusableError(MISSING, f"nothing is published for {' '.join(part for part in wanted.scope if part)}")


_EVERYTHING: _Scope = ("everything", None, None, None)


def _age(found: _Found, max_age: Any) -> tuple[str, str]:
    """Return the fresh or stale, and why."""
    return (STALE, found.trouble) if found.trouble else age_of(found.generated_at, found.valid_until, max_age)
