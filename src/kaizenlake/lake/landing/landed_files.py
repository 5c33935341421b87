"""What was landed before: whole files by their content, and beginnings of segments, which grow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePath

from kaizenlake.lake.landing.batch import FileTally
from kaizenlake.lake.readers.sources import SourceFile, content
from kaizenlake.lake.store import Lake
from kaizenlake.tables import Landings


@dataclass
class KnownFiles:
    """The files that `bronze.landings` holds: each line of them has met its fate, as they are booked last of all.

    Args:
        lines: Lines that were read of a file, by its SHA-256.
        segments: SHA-256 of beginnings of a segment, by their bytes and the name of the segment.
    """

    lines: dict[str, int] = field(default_factory=dict)
    segments: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def of(cls, lake: Lake) -> KnownFiles:
        """Return what a lake holds now."""
        found = cls()
        rows = lake.scan(Landings).select("file_hash", "lines_in", "segment_bytes", "file").collect()
        for digest, lines, size, file in rows.iter_rows():
            found._take(digest, lines, size, file)
        return found

    def add(self, tally: FileTally) -> None:
        """Count a file that was read since."""
        self._take(tally.key, tally.lines_in, tally.segment_bytes, tally.file)

    def beginnings(self, source: SourceFile) -> Mapping[int, str]:
        """Return SHA-256 of what was landed of a segment, by the bytes it had then; none for another file."""
        return self.segments.get(PurePath(source.name).name, {}) if source.segment else {}

    def holds(self, source: SourceFile) -> bool:
        """Return whether all that there is of a file of our own form was landed."""
        with suppress(OSError):
            return content(source).digest in self.lines
        return False

    def _take(self, digest: str, lines: int, size: int | None, file: str) -> None:
        self.lines[digest] = lines
        if size is not None:
            self.segments[PurePath(file).name][size] = digest
