"""Run the benchmarks and print their table: `python tests/benchmarks/run.py [--scale 1.0] [--repeats 3] [NAME …]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import comparisons
import gold_jobs
import homemade
import increment
import landing
import logging_calls
import reader
import router
import site_pages
import startup

BENCHMARKS = {
    "logging": logging_calls,
    "landing": landing,
    "jobs": gold_jobs,
    "increment": increment,
    "startup": startup,
    "reader": reader,
    "router": router,
    "site": site_pages,
    "homemade": homemade,
    "comparisons": comparisons,
}


def main() -> None:
    """Print one Markdown row per comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *BENCHMARKS], metavar="NAME")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each side; the median counts")
    given = parser.parse_args()
    print("| what | kaizenlake | beside it | ratio | aim | peak MB, ours / other |\n|---|---|---|---|---|---|")
    for name in given.names or BENCHMARKS:
        for row in BENCHMARKS[name].measure(given.scale, given.repeats):
            print(f"| {row.name} | {row.ours} | {row.other} | {row.ratio} | {row.aim} | {row.peak_mb} |", flush=True)


if __name__ == "__main__":
    main()
