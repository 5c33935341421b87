"""Night after night: what a night costs in which nothing happened, or little, by projects, agents and nights before it.

`python tests/benchmarks/nights.py [--projects 10 100 1000] [--doers 10 100] [--nights 30] [--reports]` prints a table. CPU
seconds of this process, not of the clock, so that a busy machine tells the same. Version 0.1.0 took 2.9 s for an empty
night and opened 1,277 commit files in the 99th, rewrote 268 MB of documents of 5,000 projects, and drew 18 s of pictures
of 100 agents each night.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import data
from kaizenlake.lake import changes, delta
from kaizenlake.lake.landing.landing import land
from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly

DAYS = 30
LAST = data.midnight_after(DAYS)
POSTS = 5
"""Posts of each project."""
RUNS = 20
"""Runs of each agent."""


def write_posts(projects: int, path: Path) -> None:
    """Write performance records of so many projects."""
    frame = data.performance_payloads(projects * POSTS, DAYS)
    numbers = [f"project_{place % projects}" for place in range(frame.height)]
    data.write_ndjson(frame.with_columns(project_id=data.pl.Series(numbers)), path)


def write_runs(doers: int, path: Path, *, days: int = DAYS, first: datetime | None = None, runs: int = RUNS) -> None:
    """Write completed runs of so many agents."""
    drawn = random.Random(7)
    start = first or LAST - timedelta(days=DAYS)
    with path.open("w", encoding="utf-8") as file:
        for number in range(doers * runs):
            at = start + timedelta(seconds=drawn.randrange(days * 86_400))
            payload = {
                "run_id": f"{path.stem}-{number}",
                "doer": f"doer_{number % doers}",
                "gates_passed": drawn.randrange(5, 11),
                "gates_total": 10,
                "model": drawn.choice(["small", "large"]),
                "outcome": "success",
            }
            line = {
                "id": f"{path.stem}-{number}",
                "type": "RUN_COMPLETED",
                "occurred_at": at.astimezone(UTC).isoformat(),
                "project_id": "project_0",
                "payload": payload,
            }
            file.write(json.dumps(line) + "\n")


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the commit files that are read and the tables that are opened."""
    found: Counter[str] = Counter()
    commit, opened = changes._commit, delta.open_table

    def read(*given: Any) -> Any:
        found["commits read"] += 1
        return commit(*given)

    def opening(*given: Any, **named: Any) -> Any:
        found["tables opened"] += 1
        return opened(*given, **named)

    changes._commit, delta.open_table = read, opening  # type: ignore[assignment]
    try:
        yield found
    finally:
        changes._commit, delta.open_table = commit, opened


def files(root: Path) -> dict[Path, int]:
    """Files below a folder with their times."""
    return {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


def night(root: Path, what: str, as_of: datetime, *, reports: bool) -> float:
    """Run one night as a process of its own would, print what it cost, and return its CPU seconds."""
    before = files(root)
    with counted() as counts:
        began = time.process_time()
        run = nightly(Lake(root / "lake"), as_of=as_of, reports=root / "reports" if reports else None)
        seconds = time.process_time() - began
    written = [path for path, at in files(root).items() if before.get(path) != at]
    assert not run.errors, run.errors
    commits = sum("_delta_log" in path.parts for path in written)
    size = sum(path.stat().st_size for path in written) / 1e6
    print(
        f"| {what} | {seconds:.2f} | {len(written):,} | {size:.1f} | {commits} | {counts['commits read']} | "
        f"{counts['tables opened']} |",
        flush=True,
    )
    return seconds


def take(lake: Lake, file: Path) -> None:
    """Land a file of which every line has to land: a night without the events would measure nothing."""
    landed = land(lake, [file])
    assert landed.landed == landed.lines_in > 0, landed


def measure(what: str, root: Path, *, nights: int, reports: bool) -> None:
    """Print the nights of a lake whose events wait in `root/events.ndjson`."""
    take(Lake.create(root / "lake"), root / "events.ndjson")
    night(root, f"{what}: first night", LAST, reports=reports)
    night(root, f"{what}: once more", LAST, reports=reports)
    for number in range(1, nights + 1):
        night(root, f"{what}: nothing new, night {number}", LAST + timedelta(days=number), reports=reports)
    at = LAST + timedelta(days=nights)
    write_runs(1, root / "late.ndjson", days=1, first=at, runs=1)
    take(Lake(root / "lake"), root / "late.ndjson")
    night(root, f"{what}: one run more", at + timedelta(days=1), reports=reports)


def main() -> None:
    """Print one Markdown row a night."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, nargs="*", default=[10, 100, 1_000])
    parser.add_argument("--doers", type=int, nargs="*", default=[10, 100])
    parser.add_argument("--nights", type=int, default=3, help="nights in which nothing happens")
    parser.add_argument("--reports", action="store_true", help="write the reports, too")
    given = parser.parse_args()
    print(
        "| night | CPU s | files written | MB | files of logs | commits read | tables opened |\n|---|---|---|---|---|---|---|"
    )
    for kind, sizes, write in (("projects", given.projects, write_posts), ("agents", given.doers, write_runs)):
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder:
                write(size, Path(folder, "events.ndjson"))
                measure(f"{size:,} {kind}", Path(folder), nights=given.nights, reports=given.reports)


if __name__ == "__main__":
    main()
