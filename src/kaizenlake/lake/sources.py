"""What is there to land: files found, named and told apart."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

from kaizenlake.errors import LakeError, MappingError
from kaizenlake.events import spool
from kaizenlake.lake.faults import printable, unreadable, words

Form: TypeAlias = Literal["ndjson", "json", "csv", "yaml", "parquet"]

FORMS: dict[str, Form] = {
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".parquet": "parquet",
}
"""Form of a file by its ending; `.gz` after it means that the file is packed (not for Parquet)."""

UNKNOWN_ENDING = f"its ending is none of {', '.join(sorted(FORMS))}"
WENT_AWAY = "it went away before it was read"

OF_NO_CONCERN = (UNKNOWN_ENDING, WENT_AWAY)
"""Reasons to leave a file alone that nobody needs to look at."""

TABULAR: tuple[Form, ...] = ("csv", "yaml", "parquet")
"""Forms of foreign tables, which a mapping reads."""

_SEGMENT = re.compile(r"\d{8}T\d{6}\.\d{6}Z-.+-\d+-[0-9a-f]{8}\.ndjson(\.open)?")
"""Name of a segment of our own spool; see `kaizenlake.events.spool`."""

BLOCK_BYTES = 4 * 1024 * 1024
"""Bytes that are read of a file at a time."""


@dataclass(frozen=True)
class Source:
    """One file to land.

    Args:
        path: Where it lies.
        name: Name it goes by in the tables.
        form: How it is read.
        packed: It is gzip-packed.
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


def find(paths: Iterable[str | Path], mapping: str | None = None) -> tuple[list[Source], list[tuple[str, str]]]:
    """Find what is to be landed: files as they are given, folders walked in sorted order.

    Hidden files are passed over. Links that lead out of a walked folder are not followed, and named; so is what is no
    file that can be read.

    Args:
        paths: Files and folders.
        mapping: Mapping for the CSV, YAML and Parquet files among them.

    Returns:
        Files to land, and files left alone, each with the reason.

    Raises:
        LakeError: A path does not exist.
        MappingError: A CSV, YAML or Parquet file was named, and no mapping.
    """
    found: list[Source] = []
    left: list[tuple[str, str]] = []
    for path in map(Path, paths):
        try:
            reason = unreadable(path)
        except (FileNotFoundError, ValueError) as error:
            raise LakeError("There is no such file or folder to land.", where=printable(str(path))) from error
        if reason:
            left.append((printable(str(path)), reason))
        elif path.is_dir():
            for file in walk(path, left):
                taken = describe(file, str(file), mapping)
                found.append(taken) if isinstance(taken, Source) else left.append((printable(str(file)), taken))
        else:
            taken = describe(path, str(path), mapping)
            if isinstance(taken, Source):
                found.append(taken)
            elif form_of(path) in TABULAR and mapping is None:
                raise MappingError(
                    "A CSV, YAML or Parquet file needs a mapping.", where=str(path), hint="Name one with --mapping."
                )
            else:
                left.append((printable(str(path)), taken))
    return found, left


def walk(folder: Path, left: list[tuple[str, str]]) -> Iterator[Path]:
    """Files under a folder in sorted order; what else looks like one is put on `left`, with the reason."""
    inside = Path(os.path.realpath(folder))

    def leave(path: Path, reason: str) -> None:
        left.append((printable(str(path)), reason))

    def pass_over(error: OSError) -> None:
        leave(Path(error.filename), f"the folder cannot be read: {words(error)}")

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
                if reason := unreadable(path) or _leads_out(path, inside):
                    leave(path, reason)
                else:
                    yield path


def _leads_out(path: Path, inside: Path) -> str:
    is_outside = path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside)
    return "it is a link that leads out of the folder" if is_outside else ""


def form_of(path: Path) -> Form | None:
    """Form of a file by its name; None for an ending we do not know."""
    suffixes = path.suffixes[:-1] if path.suffix == ".gz" else path.suffixes
    return FORMS.get(suffixes[-1].lower()) if suffixes else None


def describe(path: Path, name: str, mapping: str | None) -> Source | str:
    """A source for a file, or the reason why it is left alone.

    An open segment of our spool is read whole where its writer is gone, and else up to its last whole line.
    """
    name = printable(name)
    if _SEGMENT.fullmatch(path.name):
        try:
            limit = whole_lines(path) if spool.is_open(path) and not spool.is_abandoned(path) else None
        except FileNotFoundError:
            raise
        except OSError as error:
            return f"it cannot be read: {words(error)}"
        return Source(path, segment_name(name), "ndjson", segment=True, limit=limit)
    form = form_of(path)
    if form is None:
        return UNKNOWN_ENDING
    packed = path.suffix == ".gz"
    if packed and form == "parquet":
        return "a Parquet file is packed inside; unpack it first"
    if form in TABULAR and mapping is None:
        return "a CSV, YAML or Parquet file needs a mapping"
    return Source(path, name, form, packed, mapping if form in TABULAR else None)


def segment_name(name: str) -> str:
    """Name of a segment for good, whether it is open or closed."""
    return name.removesuffix(".open")


def content(source: Source, landed: Mapping[int, str] = MappingProxyType({})) -> Content:
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
    """Bytes of a file, or of so many at its beginning, up to and with the last line end."""
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
