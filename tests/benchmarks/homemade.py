"""The usual home-made design: events as JSON rows in SQLite, aggregated by Python loops; and ours on the same events."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import data
from harness import Row, side_by_side

PROJECT = "project_7"


def sqlite_context(lines: str) -> dict[str, float]:
    """Build contexts by reading every row, parsing its JSON and counting in dictionaries."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "events.db")
        connection.execute("create table events (id text primary key, type text, project_id text, body text)")
        with Path(lines).open(encoding="utf-8") as file, connection:
            for line in file:
                event = json.loads(line)
                connection.execute(
                    "insert or ignore into events values (?, ?, ?, ?)",
                    (event["id"], event["type"], event["project_id"], json.dumps(event["payload"])),
                )
        started = time.perf_counter()
        _aggregate(connection, [None, PROJECT])
        one = time.perf_counter() - started
        projects = [row[0] for row in connection.execute("select distinct project_id from events")]
        started = time.perf_counter()
        _aggregate(connection, [None, *projects])
        return {"seconds": one, "all": time.perf_counter() - started}


def _aggregate(connection: sqlite3.Connection, projects: list[str | None]) -> dict[str, Any]:
    contexts = {}
    for project in projects:
        query = "select body from events where type = 'PERFORMANCE_RECORDED'"
        rows = connection.execute(
            query if project is None else query + " and project_id = ?", () if project is None else (project,)
        )
        rates: dict[tuple[str, str], list[float]] = defaultdict(list)
        winners = []
        for (body,) in rows:
            payload = json.loads(body)
            rate = payload["engagements"] / payload["impressions"] if payload["impressions"] else 0.0
            for dimension in ("platform", "content_type", "hook_type", "tone"):
                if payload[dimension]:
                    rates[dimension, payload[dimension]].append(rate)
            winners.append((rate, payload["content_id"]))
        winners.sort(reverse=True)
        contexts[project or "everything"] = {
            "past_winners": winners[:10],
            "win_rates": {key: sum(rate >= 0.05 for rate in found) / len(found) for key, found in rates.items()},
        }
    return contexts


def our_context(lines: str) -> dict[str, float]:
    """Land the same lines, then run a night and build every context from the tables."""
    from kaizenlake.lake.landing import land
    from kaizenlake.lake.store import Lake
    from kaizenlake.night.run import nightly
    from kaizenlake.service import KaizenService

    with tempfile.TemporaryDirectory() as folder:
        lake = Lake.create(Path(folder) / "lake")
        land(lake, [Path(lines)])
        started = time.perf_counter()
        nightly(lake, as_of=data.midnight_after(30))
        night = time.perf_counter() - started
        service = KaizenService(lake)
        started = time.perf_counter()
        service.build_context_for_project(PROJECT)
        return {"seconds": time.perf_counter() - started, "all": night}


def measure(scale: float, repeats: int) -> list[Row]:
    """100,000 events at full scale."""
    count = int(100_000 * scale)
    with tempfile.TemporaryDirectory() as folder:
        lines = str(Path(folder) / "events.ndjson")
        data.write_ndjson(data.performance_payloads(count, 30), Path(lines))
        sides = side_by_side({"ours": (our_context, (lines,)), "homemade": (sqlite_context, (lines,))}, repeats)
    mine, other = sides["ours"], sides["homemade"]
    return [
        Row(
            f"one project's context out of {count:,} events",
            f"{mine.seconds * 1000:.0f} ms",
            f"SQLite and loops {other.seconds * 1000:.0f} ms",
            f"{other.seconds / mine.seconds:.0f} x faster",
            "≥ 20 x",
            f"{mine.peak_mb:,.0f} / {other.peak_mb:,.0f}",
        ),
        Row(
            "all contexts of those events, from the landed lines to the signed documents",
            f"{mine.result['all']:.1f} s",
            f"SQLite and loops {other.result['all']:.1f} s",
            f"{other.result['all'] / mine.result['all']:.1f} x faster",
            "",
            "",
        ),
    ]
