"""CPU time to import the reader and load a context, in a fresh interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile

from harness import Row

LOADING = """
import time
started = time.process_time()
from kaizenlake.context import load
loaded = load({folder!r})
print((time.process_time() - started) * 1000, loaded.reason)
"""


def measure(scale: float, repeats: int) -> list[Row]:
    """On the demo lake."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [
                sys.executable,
                "-c",
                "from kaizenlake.cli import main; main()",
                "demo",
                "--lake",
                f"{folder}/lake",
                "--reports",
                f"{folder}/reports",
            ],
            check=True,
            capture_output=True,
        )
        runs = [
            subprocess.run(
                [sys.executable, "-c", LOADING.format(folder=f"{folder}/lake/published")],
                check=True,
                capture_output=True,
                text=True,
            ).stdout.split()
            for _ in range(max(5, repeats))
        ]
    assert all(run[1] in {"fresh", "stale"} for run in runs), runs
    milliseconds = statistics.median(float(run[0]) for run in runs)
    return [Row("reader: import and load, CPU", f"{milliseconds:.0f} ms", "", "", "< 50 ms", "")]
