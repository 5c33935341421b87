"""Night after night: what a night costs in which nothing happened, or little, by projects, agents, days and nights before it.

`python tests/benchmarks/nights.py [--projects 10 100 1000] [--agents 10 100] [--days 30 365] [--nights 3] [--reports]` prints
a table: CPU seconds of this process, not of the clock, so that a busy machine tells the same, and their share of the first
night of the same lake, which computed every table.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
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


EVENTS = 10_000
"""Performance records over so many days as are asked for."""


def write_days(days: int, path: Path) -> None:
    """Write the same number of performance records over so many days."""
    data.write_ndjson(data.performance_payloads(EVENTS, days), path)


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


def take(lake: Lake, file: Path) -> None:
    """Land a file of which every line has to land: a night without the events would measure nothing."""
    landed = land(lake, [file])
    assert landed.landed == landed.lines_in > 0, landed


class Nights:
    """The nights of one lake, of which each tells what it cost and what share of the first one that is.

    Args:
        root: Folder with the events, `events.ndjson`; the lake is made beside them.
        what: What the lake holds, in words.
        reports: Write the reports, too.
    """

    def __init__(self, root: Path, what: str, *, reports: bool) -> None:
        self.root, self.what, self.reports = root, what, reports
        self.lake = root / "lake"
        self.first = 0.0

    def night(self, name: str, as_of: datetime) -> float:
        """Run one night as a process of its own would, print what it cost, and return its CPU seconds."""
        before = files(self.root)
        with counted() as counts:
            began = time.process_time()
            run = nightly(Lake(self.lake), as_of=as_of, reports=self.root / "reports" if self.reports else None)
            seconds = time.process_time() - began
        assert not run.errors, run.errors
        written = [path for path, at in files(self.root).items() if before.get(path) != at]
        size = sum(path.stat().st_size for path in written) / 1e6
        commits = sum("_delta_log" in path.parts for path in written)
        self.first = self.first or seconds
        print(
            f"| {self.what}: {name} | {seconds:.2f} | {seconds / self.first:.1%} | {len(written):,} | {size:.1f} | {commits} | "
            f"{counts['commits read']} | {counts['tables opened']} |",
            flush=True,
        )
        return seconds

    def run(self, last: datetime, nights: int, more: tuple[tuple[str, Callable[[Path, datetime], None]], ...]) -> None:
        """Land the events; run the first night, the same again, nights in which only the date moves on, and nights with a little more.

        Args:
            last: Instant of the first night, behind all events.
            nights: Nights in which nothing happens.
            more: What a later night brings, in words, and what writes it into a file, of the day that begins at an instant.
        """
        take(Lake.create(self.lake), self.root / "events.ndjson")
        self.night("first night", last)
        self.night("once more", last)
        for number in range(1, nights + 1):
            self.night(f"nothing new, night {number}", last + timedelta(days=number))
        for number, (name, write) in enumerate(more, nights):
            at = last + timedelta(days=number)
            file = self.root / f"more-{number}.ndjson"
            write(file, at)
            take(Lake(self.lake), file)
            self.night(name, at + timedelta(days=1))


def write_more_runs(path: Path, at: datetime) -> None:
    """Write one run of one agent more."""
    write_runs(1, path, days=1, first=at, runs=1)


def write_more_posts(count: int) -> Callable[[Path, datetime], None]:
    """Return what writes so many records of performance more, of one day."""

    def write(path: Path, at: datetime) -> None:
        data.write_ndjson(data.performance_payloads(count, 1, seed=count + at.toordinal(), first=at.date()), path)

    return write


def main() -> None:
    """Print one Markdown row a night."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, nargs="*", default=[10, 100, 1_000])
    parser.add_argument("--agents", type=int, nargs="*", default=[10, 100])
    parser.add_argument("--days", type=int, nargs="*", default=[30, 365], help=f"{EVENTS:,} records over so many days")
    parser.add_argument("--nights", type=int, default=3, help="nights in which nothing happens")
    parser.add_argument("--reports", action="store_true", help="write the reports, too")
    given = parser.parse_args()
    print(
        "| night | CPU s | of the first | files written | MB | files of logs | commits read | tables opened |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    one_post = ("one record more", write_more_posts(1))
    kinds = (
        ("projects", given.projects, write_posts, (one_post,)),
        ("agents", given.agents, write_runs, (("one run more", write_more_runs),)),
        ("days", given.days, write_days, (one_post,)),
    )
    for kind, sizes, write, more in kinds:
        for size in sizes:
            with tempfile.TemporaryDirectory() as folder:
                write(size, Path(folder, "events.ndjson"))
                is_days = kind == "days"
                a_day = (("one day more", write_more_posts(EVENTS // size)),) if is_days else ()
                last = data.midnight_after(size) if is_days else LAST
                Nights(Path(folder), f"{size:,} {kind}", reports=given.reports).run(last, given.nights, (*more, *a_day))


if __name__ == "__main__":
    main()
