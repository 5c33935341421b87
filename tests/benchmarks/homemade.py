"""The usual home-made design: events as JSON rows in SQLite, aggregated by Python loops; and ours on the same events.

Both sides find the events stored, and answer for one project: what it knows itself, and beside it what all projects know.
Ours finds its tables computed, as a night leaves them. The home-made side has the index that its queries need.
"""

from __future__ import annotations

import json
import math
import sqlite3
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import Row, once, side_by_side

import data

PROJECT = "project_7"
TIMES = 10
DIMENSIONS = ("platform", "content_type", "hook_type", "tone")


def prepare(folder: str, count: int) -> dict[str, float]:
    """Write the events, store them on both sides, and run our night."""
    from kaizenlake.lake.landing.landing import land
    from kaizenlake.lake.store import Lake
    from kaizenlake.night.run import nightly

    lines = Path(folder) / "events.ndjson"
    data.write_ndjson(data.performance_payloads(count, 30), lines)
    connection = sqlite3.connect(Path(folder) / "events.db")
    connection.execute("create table events (id text primary key, type text, project_id text, at text, body text)")
    connection.execute("create index of_project on events (project_id)")
    with lines.open(encoding="utf-8") as file, connection:
        for line in file:
            event = json.loads(line)
            connection.execute(
                "insert or ignore into events values (?, ?, ?, ?, ?)",
                (event["id"], event["type"], event["project_id"], event["occurred_at"], json.dumps(event["payload"])),
            )
    lake = Lake.create(Path(folder) / "lake")
    land(lake, [lines])
    started = time.perf_counter()
    nightly(lake, as_of=data.midnight_after(30))
    return {"seconds": time.perf_counter() - started}


def homemade(folder: str) -> dict[str, float]:
    """Read the rows, parse their JSON and count in dictionaries; then the same for every project."""
    connection = sqlite3.connect(Path(folder) / "events.db")
    found = _timed(lambda: [_context(connection, None), _context(connection, PROJECT)])
    started = time.perf_counter()
    projects = [row[0] for row in connection.execute("select distinct project_id from events")]
    for project in (None, *projects):
        _context(connection, project)
    found["all"] = time.perf_counter() - started
    found["project alone"] = _timed(lambda: _context(connection, PROJECT))["seconds"]
    return found


def _context(connection: sqlite3.Connection, project: str | None) -> dict[str, Any]:
    query = "select at, body from events where type = 'PERFORMANCE_RECORDED'"
    rows = connection.execute(
        query if project is None else query + " and project_id = ?", () if project is None else (project,)
    )
    tried: dict[tuple[str, str], int] = defaultdict(int)
    won: dict[tuple[str, str], int] = defaultdict(int)
    rates, times = [], []
    for at, body in rows:
        payload = json.loads(body)
        rate = payload["engagements"] / payload["impressions"] if payload["impressions"] else 0.0
        for dimension in DIMENSIONS:
            if payload[dimension]:
                tried[dimension, payload[dimension]] += 1
                won[dimension, payload[dimension]] += rate >= 0.05
        rates.append((rate, payload["content_id"]))
        times.append(at)
    rates.sort(reverse=True)
    return {
        "sample_size": len(rates),
        "confidence": min(100.0, len(rates) * 2.0),
        "first_at": min(times, default=None),
        "last_at": max(times, default=None),
        "past_winners": rates[:10],
        "risky": rates[-10:],
        "win_rates": {key: (won[key] / number, *_wilson(won[key], number)) for key, number in tried.items()},
    }


def _wilson(won: int, tried: int, z: float = 1.96) -> tuple[float, float]:
    middle = (won + z * z / 2) / (tried + z * z)
    half = z / (tried + z * z) * math.sqrt(won * (tried - won) / tried + z * z / 4)
    return middle - half, middle + half


def ours(folder: str) -> dict[str, float]:
    """Ask the service."""
    from kaizenlake.service import KaizenService

    service = KaizenService(Path(folder) / "lake")
    return _timed(lambda: service.build_context_for_project(PROJECT))


def _timed(build: Callable[[], Any]) -> dict[str, float]:
    """Seconds of the first build of the process, and the median of those after it, each of which reads anew; and CPU."""
    seconds, busy = [], []
    for _ in range(TIMES + 1):
        started, began = time.perf_counter(), time.process_time()
        build()
        seconds.append(time.perf_counter() - started)
        busy.append(time.process_time() - began)
    return {"seconds": statistics.median(seconds[1:]), "first": seconds[0], "cpu": statistics.median(busy[1:])}


def measure(scale: float, repeats: int) -> list[Row]:
    """100,000 events at full scale."""
    count = int(100_000 * scale)
    with tempfile.TemporaryDirectory() as folder:
        night, _, _ = once(prepare, folder, count)
        sides = side_by_side({"ours": (ours, (folder,)), "homemade": (homemade, (folder,))}, repeats)
    mine, other = sides["ours"], sides["homemade"]
    print({"homemade, of the project's rows alone": round(other.result["project alone"], 4)})

    def row(name: str, seconds: float, against: float, aim: str = "") -> Row:
        return Row(
            name,
            f"{seconds * 1000:,.0f} ms",
            f"SQLite and loops {against * 1000:,.0f} ms",
            f"{against / seconds:.1f} x faster",
            aim,
            f"{mine.peak_mb:,.0f} / {other.peak_mb:,.0f}" if aim else "",
        )

    return [
        row(f"one project's context out of {count:,} events", mine.seconds, other.seconds, "≥ 20 x"),
        row("the same by CPU", mine.result["cpu"], other.result["cpu"]),
        row("the first such context of a process", mine.result["first"], other.result["first"]),
        row("all contexts, from the landed lines to the signed documents", night, other.result["all"]),
    ]
