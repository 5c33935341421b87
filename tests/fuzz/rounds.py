"""One round of the fuzz: broken lines and files landed in a lake, and the law that each of them ends in one place."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from fuzz.broken_inputs import TABLE, lines, write_files
from kaizenlake import tables
from kaizenlake.lake.landing.landing import Landing, land_folder
from kaizenlake.lake.store import Lake

NOW = datetime(2026, 4, 1, tzinfo=UTC)
LINES_A_FILE = 2_000


@dataclass
class Told:
    """What became of all rounds.

    Args:
        lines: Lines of our own form.
        files: Files of any form.
        lines_in: Lines and rows that were read of both.
        landed: Those that became events.
        duplicate: Those that were in the lake.
        quarantined: Those that went to quarantine.
        left: Files that were left alone.
        rules: Quarantined lines by rule.
    """

    lines: int = 0
    files: int = 0
    lines_in: int = 0
    landed: int = 0
    duplicate: int = 0
    quarantined: int = 0
    left: int = 0
    rules: dict[str, int] = field(default_factory=dict)


def round_of(number: int, *, line_count: int, file_count: int, told: Told) -> None:
    """Land a round of broken lines and files in a lake of its own.

    Raises:
        AssertionError: A line or file is not accounted for.
        BaseException: Landing let something through that a reader raised.
    """
    with tempfile.TemporaryDirectory(prefix="kaizen-fuzz-") as place:
        lake = Lake.create(Path(place) / "lake")
        lake.path("mappings", "table.toml").write_text(TABLE)
        folder = lake.path("landing")
        for first in range(0, line_count, LINES_A_FILE):
            many = min(LINES_A_FILE, line_count - first)
            seed = number * 1_000_003 + first
            (folder / f"lines-{first}.ndjson").write_bytes(b"".join(line + b"\n" for line in lines(many, seed)))
        written = write_files(folder, file_count, number)
        found = land_folder(lake, now=NOW)
        _check(lake, found, line_count, len(written))
        told.lines += line_count
        told.files += file_count
        told.lines_in += found.lines_in
        told.landed += found.landed
        told.duplicate += found.duplicate
        told.quarantined += found.quarantined
        told.left += len(found.left)
        for rule, count in found.by_rule.items():
            told.rules[rule] = told.rules.get(rule, 0) + count


def _check(lake: Lake, found: Landing, line_count: int, file_count: int) -> None:
    for tally in found.tallies:
        tally.check()
    assert found.lines_in == found.landed + found.duplicate + found.quarantined
    of_lines = [tally for tally in found.tallies if tally.file.startswith("landing/lines-")]
    assert sum(tally.lines_in for tally in of_lines) == line_count
    assert len(found.tallies) - len(of_lines) + len(found.left) == file_count
    assert lake.rows(tables.Events) == found.landed
    held = lake.scan(tables.Quarantine).select(pl.len()).collect().item()
    # One line that breaks the same rule twice in one file is one row.
    assert held <= found.quarantined
    assert not [path for path in lake.path("landing").rglob("*.ndjson") if "done" not in path.parts]
