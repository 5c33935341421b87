"""Bundles: a run with its files, marks and costs in one folder or zip file; files are kept under their hash beside the lake.

Nothing that a bundle says is a path of ours. A file of it is read by its plain relative name, component by component and
never through a link, up to a size; its bytes must be those of the hash that `bundle.json` tells, and it is that hash under
which it is kept.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, Final, Literal, cast
from zipfile import BadZipFile, ZipFile

import msgspec
from msgspec import Meta

from kaizenlake.lake.files import write_atomic
from kaizenlake.lake.readers.faults import FAULTS, describe_fault, printable
from kaizenlake.lake.store import Lake
from kaizenlake.training.error_codes import LearningError

MANIFEST: Final = "bundle.json"
FOLDER: Final = "artifacts"
EVENTS: Final = "bundles"

MANIFEST_BYTES: Final = 4 * 1024 * 1024
ARTIFACT_BYTES: Final = 64 * 1024 * 1024
BUNDLE_BYTES: Final = 256 * 1024 * 1024
"""Longest manifest, largest file, and most bytes of all files of a bundle."""

TEXT_LENGTH: Final = 500_000
"""Most characters of a file that stands for what went in or came out."""

_BLOCK = 1024 * 1024
_TEXTS = ("input", "output", "plan")
_OF_RUN = ("cost_usd", "budget_usd", "input_tokens", "output_tokens", "latency_seconds", "latency_budget_seconds")


class Artifact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a bundle, as its manifest tells of it."""

    path: Annotated[str, Meta(min_length=1, max_length=400)]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    media_type: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    role: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


class BundleManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `bundle.json` holds; the fields of events are checked where they land."""

    kaizen_bundle: Literal[1]
    run: dict[str, Any]
    occurred_at: str
    tenant_id: str | None = None
    project_id: str | None = None
    task: dict[str, Any] | None = None
    assessments: Annotated[list[dict[str, Any]], Meta(max_length=1000)] = []
    costs: dict[str, Any] = {}
    artifacts: Annotated[list[Artifact], Meta(max_length=1000)] = []


def is_bundle(path: Path) -> bool:
    """Return whether a folder or zip file holds a `bundle.json`; a link to one is none."""
    try:
        if path.is_dir():
            return stat.S_ISREG((path / MANIFEST).lstat().st_mode)
        if path.suffix.lower() == ".zip" and path.is_file():
            with ZipFile(path) as archive:
                return MANIFEST in archive.namelist()
    except (OSError, BadZipFile):
        return False
    return False


def keep_bundle(lake: Lake, path: Path) -> Path:
    """Keep the files of a bundle, and return the file of the events that it tells; the same bundle is the same file.

    Args:
        lake: The lake, whole.
        path: Folder or zip file with a `bundle.json`.

    Raises:
        LearningError: The manifest is wrong (E7004), or a file of it is refused (E7005); nothing is landed of it.
        LakeError: A file cannot be written.
    """
    with _opening(path) as read:
        try:
            content = b"".join(read(MANIFEST, MANIFEST_BYTES))
            manifest = msgspec.json.decode(content, type=BundleManifest)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise LearningError("E7004", f"The manifest is wrong: {error}.", where=_where(path)) from error
        _check(manifest, path)
        room, kept = BUNDLE_BYTES, {}
        for item in manifest.artifacts:
            held = b"".join(read(item.path, min(ARTIFACT_BYTES, room)))
            room -= len(held)
            if hashlib.sha256(held).hexdigest() != item.sha256:
                raise LearningError("E7005", f"{item.path!r} is not what its SHA-256 says.", where=_where(path))
            kept[item.path] = held
    name = hashlib.sha256(content).hexdigest()
    events = lake.path(FOLDER, EVENTS, f"bundle-{name[:32]}.ndjson")
    lines = [msgspec.json.encode(line) for line in _list_events(manifest, kept, name, path)]
    for item in manifest.artifacts:
        place = artifact_path(lake, item.sha256)
        if not place.exists():
            write_atomic(place, kept[item.path], mode=0o600)
    write_atomic(events, b"".join(line + b"\n" for line in lines), mode=0o600)
    return events


def artifact_path(lake: Lake, sha256: str) -> Path:
    """Return where a file is kept, by its hash."""
    return lake.path(FOLDER, sha256[:2], sha256)


def _check(manifest: BundleManifest, path: Path) -> None:
    """Check what events cannot be made without.

    Raises:
        LearningError: The manifest is wrong (E7004).
    """
    names = [item.path for item in manifest.artifacts]
    missing = [name for name in ("run_id", "doer") if not isinstance(manifest.run.get(name), str)]
    problem = ""
    if missing:
        problem = f"run lacks {missing[0]}"
    elif doubles := [name for name in names if names.count(name) > 1]:
        problem = f"the artifact {doubles[0]!r} is named twice"
    elif twice := sorted(set(manifest.costs) & set(manifest.run)):
        problem = f"{twice[0]} is told by run and by costs"
    elif unknown := sorted(set(manifest.costs) - set(_OF_RUN)):
        problem = f"costs has {unknown[0]!r}; expected {', '.join(_OF_RUN)}"
    if problem:
        raise LearningError("E7004", f"The manifest is wrong: {problem}.", where=_where(path))


def _list_events(manifest: BundleManifest, kept: dict[str, bytes], name: str, path: Path) -> Iterator[dict[str, Any]]:
    """Yield the events that a bundle tells, named by it and their place in it."""
    run_id, number = manifest.run["run_id"], 0

    def event(kind: str, payload: dict[str, Any], at: str = manifest.occurred_at) -> dict[str, Any]:
        nonlocal number
        number += 1
        told = {"id": f"bundle-{name[:32]}-{number}", "type": kind, "occurred_at": at, "source": "bundle"}
        where = {"tenant_id": manifest.tenant_id, "project_id": manifest.project_id}
        return told | {key: value for key, value in where.items() if value is not None} | {"payload": payload}

    yield event("RUN_COMPLETED", {**manifest.run, **manifest.costs})
    for item in manifest.artifacts:
        told = {"artifact_sha256": item.sha256, "artifact_name": item.path, "size_bytes": len(kept[item.path])}
        also = {"media_type": item.media_type, "artifact_purpose": item.role}
        told |= {key: value for key, value in also.items() if value is not None}
        yield event("ARTIFACT_KEPT", {"trace_id": run_id} | told)
    if manifest.task is not None:
        task = {"trace_id": run_id, "agent_id": manifest.run["doer"]} | manifest.task
        task |= {key: _read_text(task[key], kept, path) for key in _TEXTS if key in task}
        yield event("AGENT_PLAN_CREATED" if "plan" in task else "AGENT_TASK_COMPLETED", task)
    for given in manifest.assessments:
        said = dict(given)
        at = str(said.pop("occurred_at", manifest.occurred_at))
        labels = said.pop("labels", None)
        yield event("RUN_SCORED", {"run_id": run_id} | said, at)
        if labels is not None:
            marks = {key: said[key] for key in ("quality_score", "confidence") if key in said}
            yield event("EVALUATION_COMPLETED", {"trace_id": run_id, "labels": labels} | marks, at)


def _read_text(given: Any, kept: dict[str, bytes], path: Path) -> Any:
    """Return a text of a task: itself, or what an artifact that it names holds."""
    if not (isinstance(given, dict) and set(given) == {"artifact"}):
        return given
    held = kept.get(given["artifact"]) if isinstance(given["artifact"], str) else None
    if held is None:
        raise LearningError("E7004", f"The task names {given['artifact']!r}, which is no artifact.", where=_where(path))
    try:
        text = held.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LearningError("E7005", f"{given['artifact']!r} is no text in UTF-8.", where=_where(path)) from error
    if len(text) > TEXT_LENGTH:
        raise LearningError(
            "E7005",
            f"{given['artifact']!r} has {len(text):,} characters; a text of an example has at most {TEXT_LENGTH:,}.",
            where=_where(path),
        )
    return text


def _where(path: Path) -> str:
    return printable(str(path))


_Read = Callable[[str, int], Iterator[bytes]]


@contextmanager
def _opening(path: Path) -> Iterator[_Read]:
    """Open a bundle; what it gives reads a file by its name in it, up to so many bytes."""
    try:
        if path.is_dir():
            top = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                yield lambda name, most: _read_file(top, name, most, path)
            finally:
                os.close(top)
        else:
            with ZipFile(path) as archive:
                yield lambda name, most: _read_member(archive, name, most, path)
    except LearningError:
        raise
    except FAULTS as error:
        raise LearningError(
            "E7004", f"The bundle cannot be read: {describe_fault(error)}.", where=_where(path)
        ) from error


def _split(name: str, path: Path) -> list[str]:
    """Return the parts of a plain relative name.

    Raises:
        LearningError: It leads elsewhere, or is not plain (E7005).
    """
    parts = name.split("/")
    if (
        name.startswith("/")
        or "\\" in name
        or "\0" in name
        or ":" in name
        or any(part in {"", ".", ".."} for part in parts)
    ):
        raise LearningError("E7005", f"{name!r} is no plain name within the bundle.", where=_where(path))
    return parts


def _read_file(top: int, name: str, most: int, path: Path) -> Iterator[bytes]:
    """Yield a file of a folder, no part of whose way is a link."""
    *folders, last = _split(name, path)
    opened: list[int] = []
    try:
        here = top
        for folder in folders:
            here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            opened.append(here)
        # One that waits for a writer is opened at once, and refused.
        handle = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise LearningError("E7005", f"{name!r} is no file.", where=_where(path))
            yield from _read_all(cast("IO[bytes]", stream), name, most, path)
    except OSError as error:
        raise LearningError(
            "E7005", f"{name!r} cannot be read without following a link: {describe_fault(error)}.", where=_where(path)
        ) from error
    finally:
        for handle in opened:
            os.close(handle)


def _read_member(archive: ZipFile, name: str, most: int, path: Path) -> Iterator[bytes]:
    """Yield a file of a zip file, of which one has the name."""
    _split(name, path)
    found = [item for item in archive.infolist() if item.filename == name]
    if len(found) != 1:
        raise LearningError(
            "E7005", f"{name!r} is {len(found)} times in the bundle; expected once.", where=_where(path)
        )
    mode = found[0].external_attr >> 16
    if found[0].is_dir() or (mode and stat.S_IFMT(mode) not in {0, stat.S_IFREG}):
        raise LearningError("E7005", f"{name!r} is no file.", where=_where(path))
    with archive.open(found[0]) as stream:
        yield from _read_all(stream, name, most, path)


def _read_all(stream: IO[bytes], name: str, most: int, path: Path) -> Iterator[bytes]:
    """Yield what a stream holds, whatever it says of its size."""
    left = most
    while block := stream.read(_BLOCK):
        left -= len(block)
        if left < 0:
            raise LearningError(
                "E7005", f"{name!r} is larger than {most:,} bytes that are left to it.", where=_where(path)
            )
        yield block
