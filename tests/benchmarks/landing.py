"""NDJSON to bronze and silver, against the bare scan of the same file."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl
from harness import Row, once, side_by_side

import data
from kaizenlake.jobs import JOBS
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly
from kaizenlake.tables import Performance

DAYS = 30


def prepare(path: str, count: int) -> None:
    """Write the file that both sides read."""
    data.write_ndjson(data.performance_payloads(count, DAYS), Path(path))


def ours(path: str) -> dict[str, Any]:
    """Land the file and decode it into its silver table."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.create(Path(folder) / "lake")
        started, busy = time.perf_counter(), time.process_time()
        landed = land(lake, [Path(path)])
        middle = time.perf_counter()
        nightly(
            lake, as_of=data.midnight_after(DAYS), take=None, jobs=[job for job in JOBS if job.writes is Performance]
        )
        ended, busy = time.perf_counter(), time.process_time() - busy
        assert lake.rows(Performance) == landed.landed
        return {"seconds": ended - started, "bronze": middle - started, "silver": ended - middle, "cpu": busy}


def bare(path: str) -> dict[str, Any]:
    """Read the file into a frame."""
    started, busy = time.perf_counter(), time.process_time()
    rows = pl.scan_ndjson(path).collect().height
    return {"seconds": time.perf_counter() - started, "rows": rows, "cpu": time.process_time() - busy}


def measure(scale: float, repeats: int) -> list[Row]:
    """A million events at full scale."""
    count = int(1_000_000 * scale)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "events.ndjson")
        once(prepare, path, count)
        sides = side_by_side({"ours": (ours, (path,)), "bare": (bare, (path,))}, repeats)
    mine, other = sides["ours"], sides["bare"]
    print({name: round(seconds, 2) for name, seconds in mine.result.items()})
    return [
        Row(
            f"landing {count:,} events, bronze and silver",
            f"{mine.seconds:.1f} s",
            f"scan_ndjson {other.seconds:.1f} s",
            f"{mine.seconds / other.seconds:.1f} x",
            "≤ 3 x",
            f"{mine.peak_mb:,.0f} / {other.peak_mb:,.0f}",
        ),
        Row(
            "the same by CPU, which other work on the machine disturbs less",
            f"{mine.result['cpu']:.1f} s",
            f"scan_ndjson {other.result['cpu']:.1f} s",
            f"{mine.result['cpu'] / other.result['cpu']:.1f} x",
            "",
            "",
        ),
    ]
