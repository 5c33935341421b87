"""The files of models: a folder or an object store, each file by its SHA-256; never a link, never a pickle."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from kaizenlake.errors import KaizenError
from kaizenlake.events.rules import find_text_fault
from kaizenlake.lake.store import Lake
from kaizenlake.training.error_codes import LearningError
from kaizenlake.training.model_formats import HINT, find_fault

MOST_FILES: Final = 2000
"""Most files of a model."""

_CHUNK: Final = 1 << 20


def is_remote(place: str) -> bool:
    """Return whether a place is an address in an object store."""
    return "://" in place


def hash_files(place: str) -> dict[str, str]:
    """Return every file of a model with its SHA-256, after each was looked into.

    Args:
        place: Folder, or address in an object store.

    Raises:
        LearningError: A file is a link, a pickle or none that a model is made of, or there is none (E7206).
    """
    found = {}
    for name, size in _list(place).items():
        if find_text_fault(name) or not name.isprintable():
            raise _refusal(place, ascii(name), "its name holds characters that nobody sees, or none in UTF-8")
        with _open(place, name) as file:
            if fault := find_fault(name, file, size):
                raise _refusal(place, name, fault)
            file.seek(0)
            found[name] = _digest(file)
    if not found:
        raise LearningError("E7206", "There is no file of a model.", where=place)
    return found


def find_changes(place: str, files: Mapping[str, str]) -> list[str]:
    """Return what is not as it was registered among the files of a model, a sentence each."""
    try:
        there = _list(place)
    except KaizenError as error:
        return [str(error)]
    found = [f"{name} is gone" for name in sorted({*files} - {*there})]
    found += [f"{name} was not there when it was registered" for name in sorted({*there} - {*files})]
    for name in sorted({*files} & {*there}):
        try:
            with _open(place, name) as file:
                if _digest(file) != files[name]:
                    found.append(f"{name} was changed: its SHA-256 differs")
        except (OSError, KaizenError) as error:
            found.append(f"{name} cannot be read: {error}")
    return found


def fetch(lake: Lake, place: str, files: Mapping[str, str], manifest_sha256: str) -> Path:
    """Return a folder of this machine with the files of a model; those of an object store are fetched once.

    Args:
        lake: The lake, beside which what is fetched is kept.
        place: Folder, or address in an object store.
        files: What was registered, each by its SHA-256.
        manifest_sha256: Name under which it is kept.

    Raises:
        LearningError: What was fetched is not what was registered (E7208).
    """
    if not is_remote(place):
        return Path(place)
    folder = lake.path("models", "fetched", manifest_sha256)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".new-"))
        try:
            for name in files:
                target = aside.joinpath(*PurePosixPath(name).parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with _open(place, name) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file, _CHUNK)
            aside.rename(folder)
        except OSError as error:
            if not folder.exists():
                raise LearningError("E7208", f"The files cannot be fetched: {error}.", where=place) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    if changes := find_changes(str(folder), files):
        shutil.rmtree(folder, ignore_errors=True)
        raise LearningError("E7208", f"What was fetched is not what was registered: {changes[0]}.", where=place)
    return folder


def measure(place: str) -> int:
    """Return the bytes of a model."""
    return sum(_list(place).values())


def _refusal(place: str, name: str, fault: str) -> LearningError:
    return LearningError("E7206", f"The file {name} may be no part of a model: {fault}.", where=place, hint=HINT)


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _list(place: str) -> dict[str, int]:
    """Return the files of a place with their bytes, by their paths in it."""
    found = _list_remote(place) if is_remote(place) else _list_local(Path(place))
    if len(found) > MOST_FILES:
        raise LearningError(
            "E7206", f"There are {len(found):,} files; a model has {MOST_FILES:,} at most.", where=place
        )
    return dict(sorted(found.items()))


def _list_local(folder: Path) -> dict[str, int]:
    if folder.is_symlink():
        raise LearningError("E7206", "The folder is a link; name the folder itself.", where=str(folder))
    if not folder.is_dir():
        raise LearningError("E7206", "There is no such folder.", where=str(folder))
    found: dict[str, int] = {}
    waiting = [folder]
    try:
        while waiting:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    name = Path(entry.path).relative_to(folder).as_posix()
                    state = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(state.st_mode):
                        waiting.append(Path(entry.path))
                    elif stat.S_ISREG(state.st_mode):
                        found[name] = state.st_size
                    else:
                        is_link = stat.S_ISLNK(state.st_mode)
                        kind = "a link, which may lead anywhere" if is_link else "neither a file nor a folder"
                        raise _refusal(str(folder), name, f"it is {kind}")
                    if len(found) > MOST_FILES:
                        return found
    except OSError as error:
        raise LearningError(
            "E7206", f"The folder cannot be read: {error.strerror or error}.", where=str(folder)
        ) from error
    return found


@contextmanager
def _open(place: str, name: str) -> Iterator[BinaryIO]:
    """Open a file of a place to be read; what has become a link meanwhile is not followed."""
    if is_remote(place):
        system, root = _connect(place)
        with system.open_input_file(f"{root}/{name}") as file:
            yield file
        return
    path = Path(place).joinpath(*PurePosixPath(name).parts)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        yield file


def _connect(place: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - pyarrow tells no types
    from pyarrow import fs

    if place.startswith("s3://"):
        address = os.environ.get("AWS_ENDPOINT_URL")
        system = fs.S3FileSystem(
            endpoint_override=address, region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        )
        return system, place.removeprefix("s3://").rstrip("/")
    system, root = fs.FileSystem.from_uri(place)
    return system, root.rstrip("/")


def _list_remote(place: str) -> dict[str, int]:
    from pyarrow import fs

    try:
        system, root = _connect(place)
        entries = system.get_file_info(fs.FileSelector(root, recursive=True))
    except (OSError, ValueError) as error:
        raise LearningError("E7206", f"The object store cannot be read: {str(error)[:300]}.", where=place) from error
    return {entry.path.removeprefix(f"{root}/"): entry.size for entry in entries if entry.type == fs.FileType.File}
