"""A night after one more day, against the full run over all days."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from harness import Row, once, side_by_side

import data
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly

DAYS = 365


def prepare(root: str, count: int) -> None:
    """Land a year of events and one day more in a second file; run the night of the year."""
    folder = Path(root)
    year = data.performance_payloads(count, DAYS)
    day = data.performance_payloads(count // DAYS, 1, seed=8, first=data.midnight_after(DAYS).date())
    data.write_ndjson(year, folder / "year.ndjson")
    data.write_ndjson(day, folder / "day.ndjson")
    lake = Lake.create(folder / "lake")
    land(lake, [folder / "year.ndjson"])
    nightly(lake, as_of=data.midnight_after(DAYS))


def tonight(root: str, *, full: bool) -> dict[str, Any]:
    """One night on a copy of the lake to which the day was added."""
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(Path(root) / "lake", Path(copy) / "lake")
        lake = Lake(Path(copy) / "lake")
        land(lake, [Path(root) / "day.ndjson"])
        started = time.perf_counter()
        run = nightly(lake, as_of=data.midnight_after(DAYS + 1), full=full)
        assert not run.errors, run.errors
        return {
            "seconds": time.perf_counter() - started,
            "steps": {step.name: step.seconds for step in run.steps},
        }


def incremental(root: str) -> dict[str, Any]:
    """The night as it is."""
    return tonight(root, full=False)


def full(root: str) -> dict[str, Any]:
    """The night that recomputes every table."""
    return tonight(root, full=True)


def measure(scale: float, repeats: int) -> list[Row]:
    """A million records over a year at full scale."""
    count = int(1_000_000 * scale)
    with tempfile.TemporaryDirectory() as root:
        once(prepare, root, count)
        sides = side_by_side({"night": (incremental, (root,)), "full": (full, (root,))}, repeats)
    night, everything = sides["night"], sides["full"]
    for side in (night, everything):
        print({name: round(seconds, 2) for name, seconds in side.result["steps"].items()})
    return [
        Row(
            f"night after one more day on 365 days, {count:,} records",
            f"{night.seconds:.2f} s",
            f"full {everything.seconds:.1f} s",
            f"{night.seconds / everything.seconds:.1%}",
            "≤ 5 %",
            f"{night.peak_mb:,.0f} / {everything.peak_mb:,.0f}",
        )
    ]
