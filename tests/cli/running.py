"""The command line as a process of its own, as people run it."""

from __future__ import annotations

import os
import subprocess
import sys

KAIZEN = (sys.executable, "-c", "from kaizenlake.cli import main; main()")


def environment(**more):
    return (
        {key: value for key, value in os.environ.items() if not key.startswith("KAIZEN_")} | {"COLUMNS": "120"} | more
    )


def kaizen(*words, cwd=None, code=0, **more):
    """Run a command to its end; its exit code is checked."""
    done = subprocess.run(
        [*KAIZEN, *map(str, words)],
        cwd=cwd,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, f"exit {done.returncode}: {done.stdout[-2000:]} {done.stderr[-4000:]}"
    return done


def start(*words, cwd=None):
    """Start a command and go on."""
    return subprocess.Popen(
        [*KAIZEN, *map(str, words)],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
