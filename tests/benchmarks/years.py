"""Years of nights: does night 1,000 cost what night 10 did? A tiny lake that gets a few events a day, and is tended once a week.

`python tests/benchmarks/years.py [--nights 1000] [--at 10 100 300 1000] [--events 20] [--reports]` prints a table. Each row is the
median of the nights up to that one, so that one slow moment of a machine is none of its figures. Seconds are of the processor. A
request is a file of a log that is read, a table that is opened, or a file that is written: what an object store would be asked for.
The clock is not turned: days lie in the future of it, each landing and maintenance is told its own day.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median

from nights import counted

from kaizenlake.lake.landing.landing import land_folder
from kaizenlake.lake.store import Lake
from kaizenlake.lake.upkeep.maintain import maintain
from kaizenlake.night.run import nightly

FIRST = datetime(2027, 1, 1, tzinfo=UTC)
MEASURED = 10
"""Nights of which a row gives the median."""

SETTINGS = "[retention]\nruns_days = 30\nreports_days = 30\n"


def write_day(lake: Lake, number: int, events: int) -> None:
    """Drop the events of one day: runs of three agents, records of five contents."""
    drawn = Random(number)
    at = FIRST + timedelta(days=number)
    lines = []
    for place in range(events):
        told = {"id": f"{number}-{place}", "occurred_at": (at + timedelta(minutes=place)).isoformat()}
        if place % 2:
            gates = drawn.randrange(5, 11)
            run = {
                "run_id": f"r{number}-{place}",
                "doer": f"agent_{place % 3}",
                "gates_passed": gates,
                "gates_total": 10,
            }
            told |= {"type": "RUN_COMPLETED", "payload": run}
        else:
            seen = drawn.randrange(100, 5_000)
            record = {
                "content_id": f"c{place % 5}",
                "platform": "linkedin",
                "impressions": seen,
                "engagements": seen // 20,
            }
            told |= {"type": "PERFORMANCE_RECORDED", "payload": record}
        lines.append(json.dumps(told | {"project_id": "project"}))
    lake.path("landing", f"day-{number}.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")


def list_files(root: Path) -> dict[Path, tuple[int, int]]:
    """Files below a folder with their times and sizes."""
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in root.rglob("*") if path.is_file()}


def measure_night(root: Path, number: int, *, reports: bool) -> dict[str, float]:
    """Run the night of one day as a process of its own would; return what it cost."""
    lake, as_of = Lake(root / "lake"), FIRST + timedelta(days=number + 1)
    before = list_files(root)
    with counted() as counts:
        began = time.process_time()
        run = nightly(
            lake,
            as_of=as_of,
            take=lambda taken: land_folder(taken, now=as_of),
            reports=root / "reports" if reports else None,
        )
        seconds = time.process_time() - began
    assert not run.errors, run.errors
    there = list_files(root)
    written = [path for path, mark in there.items() if before.get(path) != mark]
    return {
        "files": len(there),
        "MB": sum(size for _, size in there.values()) / 1e6,
        "files written": len(written),
        "MB written": sum(there[path][1] for path in written) / 1e6,
        "CPU s": seconds,
        "requests": len(written) + counts.total(),
    }


def main() -> None:
    """Print one Markdown row a milestone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=1_000)
    parser.add_argument("--at", type=int, nargs="*", default=[10, 100, 300, 1_000])
    parser.add_argument("--events", type=int, default=20, help="events a day")
    parser.add_argument("--tend", type=int, default=7, help="nights between two `kaizen maintain`; 0 never tends")
    parser.add_argument("--reports", action="store_true", help="write the reports, too")
    given = parser.parse_args()
    names = ("files", "MB", "files written", "MB written", "CPU s", "requests")
    print(f"| night | {' | '.join(names)} |\n|---|{'---|' * len(names)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        lake = Lake.create(root / "lake")
        lake.path("kaizen.toml").write_text(SETTINGS, encoding="utf-8")
        taken: list[dict[str, float]] = []
        for number in range(given.nights):
            write_day(Lake(root / "lake"), number, given.events)
            taken = [*taken[1 - MEASURED :], measure_night(root, number, reports=given.reports)]
            if given.tend and number % given.tend == given.tend - 1:
                maintain(Lake(root / "lake"), keep=timedelta(0), now=FIRST + timedelta(days=number + 1))
            if number + 1 in given.at:
                told = [median(night[name] for night in taken) for name in names]
                print(
                    f"| {number + 1:,} | {' | '.join(f'{value:,.2f}' if value < 100 else f'{value:,.0f}' for value in told)} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
