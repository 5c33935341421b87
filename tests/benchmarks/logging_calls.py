"""Events a second of one process, and the slowest calls at a steady rate from four processes."""

from __future__ import annotations

import multiprocessing as mp
import tempfile
import time
from typing import Any

import numpy as np
from harness import Row, once

RATE = 1_000
PROCESSES = 4


def _log(number: int) -> None:
    import kaizenlake as kz

    kz.log_outreach_sent(f"lead_{number}", channel="email", template_id="cold_outreach_v3")


def burst(root: str, count: int) -> dict[str, Any]:
    """One process as fast as it can."""
    import kaizenlake as kz

    kz.configure(lake=root)
    _log(0)
    started = time.perf_counter()
    for number in range(count):
        _log(number)
    seconds = time.perf_counter() - started
    kz.flush()
    return {"seconds": seconds}


def _steady(root: str, seconds: int, queue: Any) -> None:
    import kaizenlake as kz

    kz.configure(lake=root)
    _log(0)
    took = []
    start = time.perf_counter()
    for number in range(seconds * RATE):
        due = start + number / RATE
        while (now := time.perf_counter()) < due:
            time.sleep(max(0.0, due - now))
        before = time.perf_counter()
        _log(number)
        took.append(time.perf_counter() - before)
    queue.put((took, time.perf_counter() - start))


def steady(root: str, seconds: int) -> dict[str, Any]:
    """Four processes, each at its rate."""
    context = mp.get_context("spawn")
    queue = context.Queue()
    processes = [context.Process(target=_steady, args=(root, seconds, queue)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    answers = [queue.get() for _ in processes]
    for process in processes:
        process.join()
    took = np.concatenate([answer[0] for answer in answers])
    return {"p99": float(np.quantile(took, 0.99)), "rate": sum(len(a[0]) / a[1] for a in answers)}


def measure(scale: float, repeats: int) -> list[Row]:
    """200,000 calls at full scale, then ten seconds of steady work."""
    from kaizenlake.lake.store import Lake

    count = int(200_000 * scale)
    with tempfile.TemporaryDirectory() as folder:
        Lake.create(folder)
        seconds = sorted(once(burst, folder, count)[0] for _ in range(repeats))[repeats // 2]
        calm = once(steady, folder, max(1, int(10 * scale)))[2]
    return [
        Row("logging, one process", f"{count / seconds:,.0f} events/s", "", "", "", ""),
        Row(
            f"logging, {PROCESSES} processes at {calm['rate']:,.0f} events/s together",
            f"p99 {calm['p99'] * 1e6:.0f} µs a call",
            "",
            "",
            "",
            "",
        ),
    ]
