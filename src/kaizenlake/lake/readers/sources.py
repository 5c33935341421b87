"""What is there to land: files found, named and told apart."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from tempfile import TemporaryFile
from types import MappingProxyType
from typing import IO, Any, Literal, TypeAlias, cast
from zipfile import BadZipFile, ZipFile

from kaizenlake.errors import LakeError, MappingError
from kaizenlake.events.catalogue import OURS, Catalogue
from kaizenlake.events.write import spool
from kaizenlake.lake.readers.faults import FAULTS, describe_fault, describe_unreadable, printable

Form: TypeAlias = Literal["ndjson", "json", "csv", "tsv", "yaml", "parquet", "xlsx", "inspect"]

FORMS: dict[str, Form] = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xlsx",
    ".ods": "xlsx",
    ".eval": "inspect",
}
"""Form of a file by its ending; `.gz` after it means that the file is packed, and a `.zip` holds files of any of them."""

ZIP = ".zip"

UNKNOWN_ENDING = f"its ending is none of {', '.join(sorted([*FORMS, ZIP]))}"
WENT_AWAY = "it went away before it was read"

OF_NO_CONCERN = (UNKNOWN_ENDING, WENT_AWAY)
"""Reasons to leave a file alone that nobody needs to look at."""

TABULAR: tuple[Form, ...] = ("csv", "tsv", "yaml", "parquet", "xlsx")
"""Forms of foreign tables, which only a mapping can read; it reads NDJSON and JSON too."""

READ_BY_ITSELF: tuple[Form, ...] = ("inspect",)
"""Forms that are read as they are, and by no mapping."""

TAKES_NO_MAPPING = "a log of inspect_ai is read as it is, without a mapping"
NEEDS_MAPPING = "a CSV, TSV, XLSX, YAML or Parquet file needs a mapping"

_SEGMENT = re.compile(r"\d{8}T\d{6}\.\d{6}Z-.+-\d+-[0-9a-f]{8}\.ndjson(\.open)?")
"""Name of a segment of our own spool; see `kaizenlake.events.write.spool`."""

BLOCK_BYTES = 4 * 1024 * 1024
"""Bytes that are read of a file at a time."""


@dataclass(frozen=True)
class SourceFile:
    """One file to land.

    Args:
        path: Where it lies.
        name: Name it goes by in the tables.
        form: How it is read.
        packed: It is gzip-packed.
        member: It is this file within the zip file that lies at the path; empty where it is the file itself.
        mapping: Name or file of the mapping that reads it; None for events of our own form.
        segment: It is a segment of our own spool; its name, not its bytes, is its identity, for it may have grown.
        start: Bytes at its beginning that are passed over, which were landed before; whole lines.
        lines_before: Lines in those.
        limit: Bytes of it to read up to; None reads all. A segment still written to is read up to its last whole line.
    """

    path: Path
    name: str
    form: Form
    packed: bool = False
    member: str = ""
    mapping: str | None = None
    segment: bool = False
    start: int = 0
    lines_before: int = 0
    limit: int | None = None


@dataclass(frozen=True)
class Content:
    """What there is of a source.

    Args:
        digest: SHA-256 of it, up to the limit of the source.
        size: Its bytes.
        known: Bytes of the longest beginning that was landed before.
        known_lines: Lines in those.
    """

    digest: str
    size: int
    known: int = 0
    known_lines: int = 0


Found: TypeAlias = tuple[list[SourceFile], list[tuple[str, str]]]
"""Files to land, and files left alone, each with the reason."""


def find(paths: Iterable[str | Path], mapping: str | None = None, catalogue: Catalogue = OURS) -> Found:
    """Find what is to be landed: files as they are given, folders walked in sorted order.

    Hidden files are passed over. Links that lead out of a walked folder are not followed, and named; so is what is no
    file that can be read.

    Args:
        paths: Files and folders.
        mapping: Mapping that reads the files; NDJSON and JSON in a walked folder that hold events are read without.
        catalogue: Event types that there are.

    Raises:
        LakeError: None of the paths exists. Of several, one that does not is left.
        MappingError: A file was named that only a mapping can read, and no mapping.
    """
    found: list[SourceFile] = []
    left: list[tuple[str, str]] = []
    missing: list[str] = []
    given = list(map(Path, paths))
    for path in given:
        try:
            reason = describe_unreadable(path)
        except (FileNotFoundError, ValueError) as error:
            missing.append(printable(str(path)))
            if len(missing) == len(given):
                raise LakeError("There is no such file or folder to land.", where=missing[0]) from error
            left.append((missing[-1], "there is no such file or folder"))
            continue
        if reason:
            left.append((printable(str(path)), reason))
            continue
        is_folder = path.is_dir()
        for file in walk(path, left) if is_folder else [path]:
            taken, passed = describe(file, str(file), mapping, None if not is_folder else catalogue)
            found += taken
            left += passed
            if not is_folder and any(why == NEEDS_MAPPING for _, why in passed):
                raise MappingError(f"{NEEDS_MAPPING[0].upper()}{NEEDS_MAPPING[1:]}.", where=str(path), hint=NAME_ONE)
    return found, left


NAME_ONE = "Name one with --mapping."


def walk(folder: Path, left: list[tuple[str, str]]) -> Iterator[Path]:
    """Yield files under a folder in sorted order; what else looks like one is put on `left`, with the reason."""
    inside = Path(os.path.realpath(folder))

    def leave(path: Path, reason: str) -> None:
        left.append((printable(str(path)), reason))

    def pass_over(error: OSError) -> None:
        leave(Path(error.filename), f"the folder cannot be read: {describe_fault(error)}")

    for root, folders, files in os.walk(folder, followlinks=False, onerror=pass_over):
        linked = [name for name in folders if (Path(root) / name).is_symlink()]
        for name in linked:
            leave(Path(root) / name, "it is a link to a folder")
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in linked)
        if not folders and not files and root != str(folder) and form_of(Path(root)) is not None:
            leave(Path(root), "it is a folder, not a file, and nothing lies in it")
        for name in sorted(files):
            path = Path(root) / name
            if name.startswith("."):
                continue
            # A segment may be closed, and so renamed, since the folder was listed.
            with suppress(FileNotFoundError):
                if reason := describe_unreadable(path) or _leads_out(path, inside):
                    leave(path, reason)
                else:
                    yield path


def _leads_out(path: Path, inside: Path) -> str:
    is_outside = path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside)
    return "it is a link that leads out of the folder" if is_outside else ""


def form_of(path: PurePath) -> Form | None:
    """Return the form of a file by its name; None for an ending we do not know."""
    suffixes = path.suffixes[:-1] if path.suffix.lower() == ".gz" else path.suffixes
    return FORMS.get(suffixes[-1].lower()) if suffixes else None


def describe(path: Path, name: str, mapping: str | None, catalogue: Catalogue | None = OURS) -> Found:
    """Return the source for a file, or the sources in a zip file; and what is left alone.

    An open segment of our spool is read whole where its writer is gone, and else up to its last whole line.

    Args:
        path: The file.
        name: Name it goes by.
        mapping: Mapping that reads it.
        catalogue: Event types that there are: a file that holds events of them is read without the mapping. None where the
            mapping was named for this very file, and reads it whatever it holds.
    """
    name = printable(name)
    if _SEGMENT.fullmatch(path.name):
        try:
            limit = whole_lines(path) if spool.is_open(path) and not spool.is_abandoned(path) else None
        except FileNotFoundError:
            raise
        except OSError as error:
            return [], [(name, f"it cannot be read: {describe_fault(error)}")]
        return [SourceFile(path, segment_name(name), "ndjson", segment=True, limit=limit)], []
    if path.suffix.lower() == ZIP:
        return _inside(path, name, mapping, catalogue)
    form = form_of(path)
    if form is None or (reason := _find_mismatch(form, mapping)):
        return [], [(name, UNKNOWN_ENDING if form is None else reason)]
    packed = path.suffix.lower() == ".gz"
    return [_source(SourceFile(path, name, form, packed, mapping=mapping), catalogue)], []


def _find_mismatch(form: Form, mapping: str | None) -> str:
    """Return why a form cannot be read with a mapping, or without one; empty where it can."""
    if mapping is not None and form in READ_BY_ITSELF:
        return TAKES_NO_MAPPING
    return NEEDS_MAPPING if mapping is None and form in TABULAR else ""


def _source(source: SourceFile, catalogue: Catalogue | None) -> SourceFile:
    if catalogue is None or source.mapping is None or source.form in TABULAR:
        return source
    return replace(source, mapping=None) if holds_events(source, catalogue) else source


def _inside(path: Path, name: str, mapping: str | None, catalogue: Catalogue | None) -> Found:
    """Return the files in a zip file."""
    found: list[SourceFile] = []
    left: list[tuple[str, str]] = []
    try:
        with ZipFile(path) as archive:
            members = sorted(item.filename for item in archive.infolist() if not item.is_dir())
    except FileNotFoundError:
        raise
    except (OSError, BadZipFile) as error:
        return [], [(name, f"it cannot be read: {describe_fault(error)}")]
    for member in members:
        inside = PurePath(member)
        if any(part.startswith((".", "__MACOSX")) for part in inside.parts):
            continue
        told, form = printable(f"{name}/{member}"), form_of(inside)
        if form is None:
            left.append((told, UNKNOWN_ENDING))
        elif form in READ_BY_ITSELF:
            left.append((told, "it is packed in another file: take it out, and land it by itself"))
        elif reason := _find_mismatch(form, mapping):
            left.append((told, reason))
        else:
            packed = inside.suffix.lower() == ".gz"
            source = SourceFile(path, told, form, packed, member=member, mapping=mapping)
            found.append(_source(source, catalogue))
    if not found and not any(why == NEEDS_MAPPING for _, why in left):
        left.append((name, "it holds no file that can be landed"))
    return found, left


@contextmanager
def open_source(source: SourceFile) -> Iterator[IO[bytes]]:
    """Open a file, up to the limit of the source, and unpack it."""
    with ExitStack() as held:
        raw: IO[bytes] = held.enter_context(source.path.open("rb"))
        if source.member:
            raw = held.enter_context(held.enter_context(ZipFile(raw)).open(source.member))
        elif source.limit is not None:
            raw = cast("IO[bytes]", held.enter_context(io.BufferedReader(_Beginning(raw, source.limit))))
        if source.packed:
            raw = cast("IO[bytes]", held.enter_context(gzip.GzipFile(fileobj=raw, mode="rb")))
        if source.packed or source.member:
            raw = cast("IO[bytes]", held.enter_context(io.BufferedReader(_Unpacked(raw, most_unpacked(source.path)))))
        yield raw


def read_head(source: SourceFile, encoding: str) -> str:
    """Return the text at the beginning of a file, some forty lines; empty where it cannot be read."""
    try:
        with open_source(source) as stream:
            return stream.read(_HEAD_LENGTH).decode(encoding, errors="replace")
    except OSError:
        return ""


_HEAD_LENGTH = 4_096


@contextmanager
def sought(source: SourceFile) -> Iterator[IO[bytes]]:
    """Open a file in which a reader goes back and forth; a packed one is unpacked on disk first."""
    with open_source(source) as stream:
        if not source.packed and not source.member:
            yield stream
            return
        with TemporaryFile() as unpacked:
            shutil.copyfileobj(stream, unpacked, BLOCK_BYTES)
            unpacked.seek(0)
            yield unpacked


MOST_UNPACKED, MOST_TIMES = 256 * 1024 * 1024, 250
"""Bytes, and times the bytes of the packed file, of which a file may unpack to the larger; text packs to a tenth, a bomb to a thousandth."""


def most_unpacked(path: Path) -> int:
    """Return the most bytes that a packed file may unpack to."""
    return max(MOST_UNPACKED, MOST_TIMES * path.stat().st_size)


class UnpacksToTooMuchError(OSError):
    """A packed file unpacks to far more than text does."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"it unpacks to more than {most:,} bytes, {MOST_TIMES} times what it is packed, as no table does"
        )


class _Unpacked(io.RawIOBase):
    """What is unpacked of a file, up to the most that is believed.

    Args:
        stream: Gives it.
        most: Bytes from which on reading fails.
    """

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self.stream, self.most, self.read_so_far = stream, most, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        there = self.stream.read(len(buffer))
        self.read_so_far += len(there)
        if self.read_so_far > self.most:
            raise UnpacksToTooMuchError(self.most)
        buffer[: len(there)] = there
        return len(there)


class _Beginning(io.RawIOBase):
    """The first bytes of a file, however it grows meanwhile."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self.stream = stream
        self.limit = limit

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self.stream.seek(offset, whence)

    def tell(self) -> int:
        return self.stream.tell()

    def readinto(self, buffer: Any) -> int:
        there = self.stream.read(max(0, min(len(buffer), self.limit - self.stream.tell())))
        buffer[: len(there)] = there
        return len(there)

    def close(self) -> None:
        self.stream.close()
        super().close()


_HEAD_BYTES = 1_048_576


def holds_events(source: SourceFile, catalogue: Catalogue = OURS) -> bool:
    """Return whether the first record of an NDJSON or JSON file is an event of our own form, or a CloudEvent of it."""
    try:
        with open_source(source) as stream:
            head = stream.read(_HEAD_BYTES).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    except FAULTS:
        return False
    try:
        first, _ = json.JSONDecoder().raw_decode(head.removeprefix("[").lstrip())
    except (ValueError, RecursionError):
        return False
    if not isinstance(first, dict) or not ({"payload", "specversion"} & first.keys()):
        return False
    kind = first.get("type")
    return isinstance(kind, str) and catalogue.by_name(kind.rpartition(".")[2]) is not None


def segment_name(name: str) -> str:
    """Name of a segment for good, whether it is open or closed."""
    return name.removesuffix(".open")


def content(source: SourceFile, landed: Mapping[int, str] = MappingProxyType({})) -> Content:
    """Look at what there is of a source, and how much of it was landed before.

    A beginning counts as landed only where its bytes are the very ones, and end with a line: a file that was cut off or
    written anew is read from its first byte.

    Args:
        source: The file.
        landed: SHA-256 of beginnings that were landed before, by their bytes.
    """
    digest = hashlib.sha256()
    at = lines = known = known_lines = 0
    last = b""
    end = math.inf if source.limit is None else source.limit
    with source.path.open("rb") as stream:
        for stop in (*sorted(size for size in landed if 0 < size <= end), end):
            while at < stop and (block := stream.read(int(min(BLOCK_BYTES, stop - at)))):
                digest.update(block)
                at, lines, last = at + len(block), lines + block.count(b"\n"), block[-1:]
            if at == stop and last == b"\n" and landed.get(at) == digest.hexdigest():
                known, known_lines = at, lines
    return Content(digest.hexdigest(), at, known, known_lines)


def whole_lines(path: Path, end: int | None = None) -> int:
    """Return bytes of a file, or of so many at its beginning, up to and with the last line end."""
    end = path.stat().st_size if end is None else end
    with path.open("rb") as stream:
        while end > 0:
            start = max(0, end - 65_536)
            stream.seek(start)
            at = stream.read(end - start).rfind(b"\n")
            if at >= 0:
                return start + at + 1
            end = start
    return 0
