"""A night after one more event or one more day, against the full run over all days; CPU seconds, which other work disturbs less."""

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
    data.write_ndjson(day.head(1), folder / "event.ndjson")
    lake = Lake.create(folder / "lake")
    land(lake, [folder / "year.ndjson"])
    nightly(lake, as_of=data.midnight_after(DAYS))


def tonight(root: str, more: str, *, full: bool) -> dict[str, Any]:
    """One night on a copy of the lake to which more was landed: the day, or one event of it."""
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(Path(root) / "lake", Path(copy) / "lake")
        lake = Lake(Path(copy) / "lake")
        land(lake, [Path(root) / f"{more}.ndjson"])
        started = time.process_time()
        run = nightly(lake, as_of=data.midnight_after(DAYS + 1), full=full)
        assert not run.errors, run.errors
        return {
            "seconds": time.process_time() - started,
            "steps": {step.name: step.seconds for step in run.steps},
        }


def one_day(root: str) -> dict[str, Any]:
    """The night after one more day."""
    return tonight(root, "day", full=False)


def one_event(root: str) -> dict[str, Any]:
    """The night after one more event."""
    return tonight(root, "event", full=False)


def full(root: str) -> dict[str, Any]:
    """The night that recomputes every table."""
    return tonight(root, "day", full=True)


def measure(scale: float, repeats: int) -> list[Row]:
    """A million records over a year at full scale."""
    count = int(1_000_000 * scale)
    with tempfile.TemporaryDirectory() as root:
        once(prepare, root, count)
        sides = side_by_side(
            {"event": (one_event, (root,)), "day": (one_day, (root,)), "full": (full, (root,))}, repeats
        )
    everything = sides["full"]
    for side in sides.values():
        print({name: round(seconds, 2) for name, seconds in side.result["steps"].items() if seconds >= 0.01})
    return [
        Row(
            f"night after one more {name} on 365 days, {count:,} records, CPU",
            f"{sides[name].seconds:.2f} s",
            f"full {everything.seconds:.1f} s",
            f"{sides[name].seconds / everything.seconds:.0%}",
            aim,
            f"{sides[name].peak_mb:,.0f} / {everything.peak_mb:,.0f}",
        )
        for name, aim in (("event", "≤ 3 %"), ("day", "≤ 5 %"))
    ]
