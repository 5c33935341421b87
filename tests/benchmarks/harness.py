"""How a side is measured: in a process of its own, its wall time and peak memory, repeats in turn, medians."""

from __future__ import annotations

import multiprocessing as mp
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measured:
    """Median seconds, largest peak memory in MB, and what the side returned last."""

    seconds: float
    peak_mb: float
    result: Any


@dataclass(frozen=True)
class Row:
    """One line of the printed table."""

    name: str
    ours: str
    other: str
    ratio: str
    aim: str
    peak_mb: str


def _child(pipe: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    started = time.perf_counter()
    result = function(*arguments)
    seconds = time.perf_counter() - started
    # A side that times its own core, without the set-up it needs, returns {"seconds": …}.
    if isinstance(result, dict) and "seconds" in result:
        seconds = result["seconds"]
    pipe.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, result))
    pipe.close()


def once(function: Callable[..., Any], *arguments: Any) -> tuple[float, float, Any]:
    """Run a side in a fresh process: seconds, peak MB, result."""
    context = mp.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, function, arguments))
    process.start()
    theirs.close()
    try:
        answer: tuple[float, float, Any] = ours.recv()
    except EOFError:
        process.join()
        sys.exit(f"{function.__module__}.{function.__name__} ended with exit code {process.exitcode}")
    process.join()
    return answer


def side_by_side(sides: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]], repeats: int) -> dict[str, Measured]:
    """Measure sides in turn, `repeats` times each."""
    runs: dict[str, list[tuple[float, float, Any]]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, (function, arguments) in sides.items():
            runs[name].append(once(function, *arguments))
    return {
        name: Measured(
            statistics.median(seconds for seconds, _, _ in measured),
            max(peak for _, peak, _ in measured),
            measured[-1][2],
        )
        for name, measured in runs.items()
    }
