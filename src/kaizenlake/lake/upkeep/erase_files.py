"""Files of a lake that name a subject: found by every byte, blanked, rewritten or removed."""

from __future__ import annotations

import gzip
import json
import mmap
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import polars as pl

from kaizenlake import tables
from kaizenlake.lake import files
from kaizenlake.lake.store import Lake
from kaizenlake.lake.trust.subjects import Subject
from kaizenlake.lake.upkeep.erase_events import STAND_IN

LINES = (".ndjson", ".jsonl", ".open")
"""Endings of files that hold an event a line."""

BLOCK_BYTES = 4 * 1024 * 1024
OVERLAP_BYTES = 4096
"""Bytes of an unpacked file that are looked at together with those after them: no id is longer."""


def holds(subject: Subject, path: Path) -> bool:
    """Return whether a file names a subject, in its name or in what it holds, packed files unpacked.

    Args:
        path: The file; one that is no file that can be read does not.
    """
    if subject.is_in(path.name.encode("utf-8", "surrogateescape")):
        return True
    with suppress(
        OSError,
        EOFError,
        ValueError,
        zlib.error,
        BadZipFile,
        NotImplementedError,
        RuntimeError,
        pl.exceptions.PolarsError,
    ):
        return _READERS.get(path.suffix, _map_holds)(subject, path)
    with suppress(OSError, ValueError):
        # It is not what its ending says, so its bytes are looked at as they are.
        return _map_holds(subject, path)
    return False


def _map_holds(subject: Subject, path: Path) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        return subject.is_in(held)  # type: ignore[arg-type]  # a map of a file is searched as bytes are


def _gzip_holds(subject: Subject, path: Path) -> bool:
    with gzip.open(path) as unpacked:
        return _stream_holds(subject, unpacked)


def _zip_holds(subject: Subject, path: Path) -> bool:
    with ZipFile(path) as packed:
        for member in packed.namelist():
            with packed.open(member) as inner:
                if _stream_holds(subject, inner):
                    return True
    return False


def _stream_holds(subject: Subject, file: Any) -> bool:
    before = b""
    while block := file.read(BLOCK_BYTES):
        if subject.is_in(before + block):
            return True
        before = block[-OVERLAP_BYTES:]
    return False


def _parquet_holds(subject: Subject, path: Path) -> bool:
    rows = pl.scan_parquet(path, hive_partitioning=False, glob=False)
    schema = rows.collect_schema()
    columns = [name for name, dtype in schema.items() if dtype in (pl.String, pl.List(pl.String))]
    return bool(columns) and not rows.filter(subject.is_row(columns, schema)).head(1).collect().is_empty()


_READERS: dict[str, Callable[[Subject, Path], bool]] = {
    ".parquet": _parquet_holds,
    ".gz": _gzip_holds,
    **dict.fromkeys((".zip", ".xlsx", ".xlsm", ".ods", ".eval"), _zip_holds),
}
"""How a file is searched that is packed, by its ending."""


def blank_lines(subject: Subject, path: Path) -> int:
    """Overwrite by spaces the lines of a file that name a subject, where they stand; a writer may go on appending.

    Returns:
        Lines that were overwritten.
    """
    number = 0
    with path.open("r+b") as file:
        while line := file.readline():
            # A last line without its end is still being written.
            if line.endswith(b"\n") and subject.is_in_line(line):
                after = file.tell()
                file.seek(after - len(line))
                file.write(b" " * (len(line) - 1))
                file.seek(after)
                number += 1
        file.flush()
        os.fsync(file.fileno())
    return number


def erase_landed(lake: Lake, subject: Subject) -> int:
    """Take a subject out of landed files and of segments of the spool; what else waits is left to be landed without it.

    Returns:
        Files that were changed or removed.
    """
    folder = lake.path("landing")
    done = folder / "done"
    number = 0
    for path in _walk(folder):
        if path.suffix in LINES and not subject.is_in(path.name.encode("utf-8", "surrogateescape")):
            number += bool(subject.is_in(path.read_bytes()) and blank_lines(subject, path))
        elif path.is_relative_to(done) and holds(subject, path):
            path.unlink(missing_ok=True)
            number += 1
    return number


def erase_reports(folder: Path, subject: Subject) -> int:
    """Remove the reports of each day on which one of them names a subject: a paper cannot be searched, so it goes with them.

    Args:
        folder: Folder of the reports.

    Returns:
        Days whose reports were removed.
    """
    number = 0
    for day in sorted(folder.iterdir()) if folder.is_dir() else ():
        if day.is_dir() and not day.is_symlink() and any(holds(subject, path) for path in _walk(day)):
            shutil.rmtree(day)
            number += 1
    return number


def erase_records(lake: Lake, subject: Subject) -> int:
    """Take a subject's name out of the records of runs, and remove half-written files that hold it.

    Returns:
        Files that were changed or removed.
    """
    number = 0
    for path in _walk(lake.path("runs")):
        if path.suffix == ".json" and holds(subject, path):
            with suppress(ValueError, RecursionError):
                said = _rename(json.loads(path.read_bytes()), subject)
                files.write_text(path, json.dumps(said, indent=2, ensure_ascii=False) + "\n")
                number += 1
    for path in _walk(lake.path()):
        if path.name.startswith(files.ASIDE) and holds(subject, path):
            path.unlink(missing_ok=True)
            number += 1
    return number


def _rename(value: Any, subject: Subject) -> Any:
    if isinstance(value, str):
        return subject.without(value, STAND_IN)
    if isinstance(value, dict):
        return {subject.without(key, STAND_IN): _rename(inner, subject) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rename(inner, subject) for inner in value]
    return value


def find_traces(lake: Lake, subject: Subject, reports: Path | None) -> tuple[str, ...]:
    """Return the files of a lake and its reports that still name a subject, in the order of their names.

    Args:
        lake: The lake; every byte of its folder is read.
        reports: Folder of the reports; None looks at none.
    """
    folders = [lake.whole.path(), *([reports] if reports is not None else [])]
    if isinstance(lake.root, Path) and not lake.root.is_relative_to(lake.whole.path()):
        folders.append(lake.root)
    return tuple(str(path) for folder in folders for path in _walk(folder) if _is_trace(subject, path))


def _is_trace(subject: Subject, path: Path) -> bool:
    if subject.is_of_tenant and path.suffix != ".parquet":
        # Another tenant may have the same id: only lines and rows tell whose it is.
        return path.suffix in LINES and any(map(subject.is_in_line, path.read_bytes().splitlines()))
    return holds(subject, path)


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder and of all below it; links are not followed."""
    for root, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(root, name)
            if path.is_file() and not path.is_symlink():
                yield path


def find_waiting(lake: Lake, subject: Subject) -> tuple[str, ...]:
    """Return names of tables that name a subject, for the plan."""
    return tuple(
        tables.full_name(table)
        for table in lake.declared.tables
        if tables.layer(table) != "bronze" and lake.exists(table) and _table_holds(lake, subject, table)
    )


def _table_holds(lake: Lake, subject: Subject, table: type[tables.Table]) -> bool:
    schema = tables.schema(table)
    return not lake.scan(table).filter(subject.is_row(schema.names(), schema)).head(1).collect().is_empty()
