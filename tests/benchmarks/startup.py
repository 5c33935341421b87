"""What a command costs as a process of its own, from the first import to the exit: CPU seconds beside those of bare Python and Polars."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import nights
from harness import Row

from kaizenlake.lake.store import Lake
from kaizenlake.night.run import nightly

PROJECTS = 1_000


def cpu(command: list[str], environment: dict[str, str]) -> float:
    """Run a command and return the CPU seconds that it took, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def prepare(root: Path, projects: int) -> None:
    """Make a lake of so many projects, and run two nights of it."""
    nights.write_posts(projects, root / "events.ndjson")
    nights.take(Lake.create(root / "lake"), root / "events.ndjson")
    for number in range(2):
        nightly(Lake(root / "lake"), as_of=nights.LAST + timedelta(days=number))


def measure(scale: float, repeats: int) -> list[Row]:
    """On a lake of a thousand projects at full scale."""
    projects = max(10, int(PROJECTS * scale))
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        prepare(root, projects)
        lake = str(root / "lake")
        # As it is installed: modules are compiled once, by the first run, which does not count.
        kept = {"PYTHONPYCACHEPREFIX": str(root / "compiled")}
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | kept
        python = [sys.executable, "-c"]
        kaizen = [*python, "from kaizenlake.cli import main; main()"]

        def median(command: list[str]) -> float:
            cpu(command, environment)
            return statistics.median(cpu(command, environment) for _ in range(max(3, repeats)))

        polars = median([*python, "import polars"])
        night = [*kaizen, "nightly", "--lake", lake, "--reports", str(root / "reports"), "--as-of"]
        at = [f"{nights.LAST + timedelta(days=number):%Y-%m-%d}" for number in range(2, 9)]
        cpu([*night, at[0]], environment)
        with_pandas = "pandas is installed" if find_spec("pandas") else "without pandas"
        moved = [cpu([*night, day], environment) for day in at[1 : 1 + max(3, repeats)]]
        sides = (
            ("kaizen --help", median([*kaizen, "--help"]), ""),
            (
                "kaizen context --project",
                median([*kaizen, "context", "--lake", lake, "--project", "project_1"]),
                "≤ 0.3 s",
            ),
            ("kaizen show", median([*kaizen, "show", "projects", "--lake", lake]), "≤ 0.8 s"),
            ("kaizen nightly once more", median([*night, at[len(moved)]]), "≤ 1 s"),
            ("kaizen nightly, nothing new, a day later, with its report", statistics.median(moved), ""),
        )
        for name, seconds, aim in sides:
            whole = f"{name}: the whole process, {projects:,} projects, {with_pandas}, CPU"
            found.append(
                Row(whole, f"{seconds:.2f} s", f"import polars {polars:.2f} s", f"{seconds / polars:.1f} x", aim, "")
            )
    return found
